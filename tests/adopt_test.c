/* A runtime that already runs: this program starts CPython itself, as an embedder or `python` would, and Isles adopts
 * it. What needs a whole process (the exit without a stop) runs in a child of its own. */
#include <Python.h>

#include "support.h"

#define LIMIT (60 * ISLE_SECOND)

static void start_python(void)
{
    Py_InitializeEx(0);
    check(Py_IsInitialized());
}

/* Attached to the main interpreter all the time: calls that wait let others run meanwhile. */
static int adopts_and_gives_back(const char *arg)
{
    (void)arg;
    isle_runtime *rt;
    isle_interp it;
    isle_value *value, *args = isle_value_new_list();
    int64_t factorial;
    start_python();
    check(PyRun_SimpleString("import threading, time\n"
                             "ticks = 0\n"
                             "def tick():\n"
                             "    global ticks\n"
                             "    while ticks >= 0:\n"
                             "        ticks += 1\n"
                             "        time.sleep(0.001)\n"
                             "t = threading.Thread(target=tick, daemon=True); t.start()\n") == 0);
    check(isle_runtime_adopt(NULL, &rt, NULL) == ISLE_OK);
    check(isle_interp_create(rt, NULL, &it, NULL) == ISLE_OK);
    isle_value_append(args, isle_value_new_int(5));
    check(isle_interp_call(it, "math:factorial", args, ISLE_FOREVER, &value, NULL) == ISLE_OK);
    check(isle_value_as_int64(value, &factorial) && factorial == 120);
    check(PyRun_SimpleString("before = ticks") == 0);
    check(isle_interp_run(it, "import time; time.sleep(0.2)", ISLE_FOREVER, NULL) == ISLE_OK);
    check(PyRun_SimpleString("assert ticks > before + 5, (before, ticks)") == 0);
    check(isle_interp_run(it, "import sys; sys.modules['config'] = 1", ISLE_FOREVER, NULL) == ISLE_OK);
    check(PyRun_SimpleString("import sys; assert 'config' not in sys.modules and 'isles' not in sys.modules") == 0);
    check(isle_runtime_stop(rt, isle_deadline_in(ISLE_SECOND), NULL) == ISLE_OK);
    check(Py_IsInitialized() && PyRun_SimpleString("ticks = -1; t.join()") == 0);
    isle_value_free(value);
    isle_value_free(args);
    check(Py_FinalizeEx() == 0);
    return 0;
}

static int is_adopted_again(const char *allocator)
{
    setenv("PYTHONMALLOC", allocator, 1);
    start_python();
    for (int i = 0; i < 3; i++) {
        isle_runtime *rt;
        isle_interp it;
        check(isle_runtime_adopt(NULL, &rt, NULL) == ISLE_OK);
        check(isle_interp_create(rt, NULL, &it, NULL) == ISLE_OK);
        check(isle_interp_run(it, "x = 1", ISLE_FOREVER, NULL) == ISLE_OK);
        check(isle_runtime_stop(rt, isle_deadline_in(ISLE_SECOND), NULL) == ISLE_OK);
    }
    check(Py_FinalizeEx() == 0);
    if (strcmp(allocator, "malloc") == 0) {
        something_stays(); /* the strings that CPython keeps: else they are in arenas, unseen */
    }
    return 0;
}

/* Nobody stops Isles: CPython's own end does, with an interpreter that is busy. */
static int ends_with_python(const char *arg)
{
    (void)arg;
    static isle_job *job;
    isle_runtime *rt;
    isle_interp it;
    isle_job_config busy = ISLE_JOB_CONFIG_INIT;
    busy.target = "while True: pass";
    start_python();
    check(isle_runtime_adopt(NULL, &rt, NULL) == ISLE_OK);
    check(isle_interp_create(rt, NULL, &it, NULL) == ISLE_OK);
    check(isle_job_submit(it, &busy, &job, NULL) == ISLE_OK);
    check(Py_FinalizeEx() == 0);
    check(isle_job_done(job));
    isle_job_free(job);
    return 7;
}

static int refuses_fork_in_main(const char *arg)
{
    (void)arg;
    isle_runtime *rt;
    isle_interp it;
    start_python();
    check(isle_runtime_adopt(NULL, &rt, NULL) == ISLE_OK);
    check(isle_interp_create(rt, NULL, &it, NULL) == ISLE_OK);
    check(PyRun_SimpleString("import os\n"
                             "try:\n"
                             "    pid = os.fork()\n"
                             "except RuntimeError as e:\n"
                             "    assert 'interpreters of Isles' in str(e), e\n"
                             "else:\n"
                             "    os._exit(98) if pid == 0 else None\n"
                             "    raise SystemExit('fork was not refused')\n") == 0);
    check(isle_interp_end(it, isle_deadline_in(ISLE_SECOND), NULL) == ISLE_OK);
    check(PyRun_SimpleString("pid = os.fork()\n"
                             "if pid == 0: os._exit(5)\n"
                             "assert os.waitpid(pid, 0)[1] == 5 << 8\n") == 0);
    check(isle_runtime_stop(rt, isle_deadline_in(ISLE_SECOND), NULL) == ISLE_OK);
    check(Py_FinalizeEx() == 0);
    return 0;
}

/* The Python package without its own way in: so that its C side is under the sanitizers, too. Elsewhere python.package
 * runs all of its tests. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PACKAGE_TESTS "'test_interpreter', 'test_pool', 'test_aio'"
#else
#define PACKAGE_TESTS "'test_interpreter'"
#endif

static int runs_the_tests_of_the_package(const char *arg)
{
    (void)arg;
    isle_runtime *rt;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    setenv("PYTHONPATH", ISLES_TEST_PROGRAMS "/../../python:" ISLES_TEST_PROGRAMS "/../python", 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    start_python();
    config.package = ISLES_TEST_PROGRAMS "/../../python/isles";
    check(isle_runtime_adopt(&config, &rt, NULL) == ISLE_OK);
    check(PyRun_SimpleString("import runpy, sys\n"
                             "sys.argv = ['run.py', " PACKAGE_TESTS "]\n"
                             "try:\n"
                             "    runpy.run_path('" ISLES_TEST_PROGRAMS "/../python/run.py', run_name='__main__')\n"
                             "except SystemExit as e:\n"
                             "    assert not e.code, e.code\n") == 0);
    check(Py_FinalizeEx() == 0);
    return 0;
}

static void test_the_package_in_an_adopted_python(void **state)
{
    (void)state;
    free(child_expect("runs_the_tests_of_the_package", "", 280 * ISLE_SECOND, 0));
}

static void test_adopt_and_give_back(void **state)
{
    (void)state;
    free(child_expect("adopts_and_gives_back", "", LIMIT, 0));
}

static void test_adopt_again_after_stop(void **state)
{
    (void)state;
    free(child_expect("is_adopted_again", "default", LIMIT, 0));
    if (!free_threaded()) {                                         /* which has no other */
        free(child_expect("is_adopted_again", "malloc", LIMIT, 0)); /* whose memory isn't counted */
    }
}

static void test_python_ends_without_stop(void **state)
{
    (void)state;
    free(child_expect("ends_with_python", "", LIMIT, 7));
}

static void test_fork_in_main_is_refused_while_interpreters_live(void **state)
{
    (void)state;
    free(child_expect("refuses_fork_in_main", "", LIMIT, 0));
}

static int no_python(const char *arg)
{
    (void)arg;
    isle_runtime *rt;
    isle_error *err = NULL;
    check(isle_runtime_adopt(NULL, &rt, &err) == ISLE_ERR_STATE);
    check(isle_error_message(err)[0] != '\0');
    isle_error_free(err);
    check(isle_runtime_start(NULL, &rt, NULL) == ISLE_OK);
    check(isle_runtime_stop(rt, ISLE_FOREVER, NULL) == ISLE_OK);
    return 0;
}

static void test_adopt_without_python(void **state)
{
    (void)state;
    free(child_expect("no_python", "", LIMIT, 0));
}

static int start_beside_python(const char *arg)
{
    (void)arg;
    isle_runtime *rt;
    isle_error *err = NULL;
    start_python();
    check(isle_runtime_start(NULL, &rt, &err) == ISLE_ERR_STATE);
    isle_error_free(err);
    check(Py_FinalizeEx() == 0);
    return 0;
}

static void test_start_beside_a_running_python(void **state)
{
    (void)state;
    free(child_expect("start_beside_python", "", LIMIT, 0));
}

int main(int argc, char **argv)
{
    static const child children[] = {
        {"adopts_and_gives_back", adopts_and_gives_back},
        {"is_adopted_again", is_adopted_again},
        {"ends_with_python", ends_with_python},
        {"runs_the_tests_of_the_package", runs_the_tests_of_the_package},
        {"refuses_fork_in_main", refuses_fork_in_main},
        {"no_python", no_python},
        {"start_beside_python", start_beside_python},
        {NULL, NULL},
    };
    child_main(argc, argv, children);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopt_and_give_back),
        cmocka_unit_test(test_adopt_again_after_stop),
        cmocka_unit_test(test_python_ends_without_stop),
        cmocka_unit_test(test_the_package_in_an_adopted_python),
        cmocka_unit_test(test_fork_in_main_is_refused_while_interpreters_live),
        cmocka_unit_test(test_adopt_without_python),
        cmocka_unit_test(test_start_beside_a_running_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
