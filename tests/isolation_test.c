/* Isolation, section by section of what a subinterpreter is said to be (docs/isolation.md names the sections):
 * interpreter A changes something; an interpreter that was there before, one created afterwards, and the main
 * interpreter (in a child process that adopts a running CPython) look. What Python keeps for each interpreter must
 * look untouched; what belongs to the process must be seen to be shared, so that the documentation stays honest. */
#include <Python.h>

#include "isolation_rows.h"
#include "support.h"

/* For probes: m.json is the module json; raises(f, x) names what f(x) raises. */
static const char prelude[] = "class M:\n"
                              "    def __getattr__(self, name): return __import__(name)\n"
                              "m = M()\n"
                              "def raises(f, *args):\n"
                              "    try: f(*args)\n"
                              "    except Exception as e: return type(e).__name__\n"
                              "    return ''\n";

static isle_interp create_looker(void)
{
    char *file = write_file("isolation/config.py", "value = 0\n");
    char *folder = text_of("%s/isolation", scratch());
    const char *path[] = {folder};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = path;
    config.path_count = 1;
    isle_interp it = create(&config);
    run(it, prelude);
    free(folder);
    free(file);
    return it;
}

/* Did `seen`, by one who looked when and before A made its change, show what it should? */
static bool as_it_should(const row *r, const char *before, const char *seen, const char *by_a)
{
    switch (r->kind) {
    case ALONE:
        return strcmp(seen, before) == 0;
    case SHARED:
    case SAME:
        return strcmp(seen, by_a) == 0;
    default:
        return strcmp(seen, by_a) != 0;
    }
}

static void expect(const row *r, const char *who, const char *before, char *seen, const char *by_a)
{
    if (!as_it_should(r, before, seen, by_a)) {
        fprintf(stderr, "%s %s: %s sees %s; before: %s; A sees %s\n", r->section, r->what, who, seen, before, by_a);
        check(false);
    }
    free(seen);
}

/* --- interpreters look at interpreters -------------------------------------------------------------------------- */

static void change(const row *r, isle_interp a)
{
    if (r->kind == REFUSED) {
        run_error(a, r->change, r->probe);
    } else if (r->change != NULL) {
        run(a, r->change);
    }
}

static void undo(const row *r, isle_interp a)
{
    if (r->undo != NULL) {
        run(a, r->undo);
    }
}

static bool changes_from_a_thread(const row *r)
{
    return r->kind == ALONE && strstr(r->change, "while True") == NULL; /* that one is for a main thread */
}

/* What a thread can't do (signal.signal) raises there. */
static void change_from_a_thread(const row *r, isle_interp a)
{
    char *file = write_file("change.py", "%s", r->change);
    runf(a,
         "def change(source=open('%s').read()):\n"
         "    try: exec(source, globals())\n"
         "    except Exception: pass\n"
         "import threading; t = threading.Thread(target=change); t.start(); t.join()\n",
         file);
    free(file);
}

static void test_row(void **state)
{
    const row *r = *state;
    isle_interp older = create_looker(), a = create_looker();
    if (r->kind == REFUSED) {
        change(r, a);
        end(a);
        end(older);
        return;
    }
    char *before = eval(older, r->probe);
    free(eval(a, r->probe));
    change(r, a);
    char *by_a = eval(a, r->probe);
    isle_interp younger = create_looker();
    if (r->change != NULL) {
        check(strcmp(by_a, before) != 0); /* the probe can tell */
    }
    expect(r, "an older interpreter", before, eval(older, r->probe), by_a);
    expect(r, "a younger interpreter", before, eval(younger, r->probe), by_a);
    undo(r, a);
    if (changes_from_a_thread(r)) {
        change_from_a_thread(r, a);
        expect(r, "an older interpreter, of A's thread,", before, eval(older, r->probe), by_a);
        expect(r, "a younger interpreter, of A's thread,", before, eval(younger, r->probe), by_a);
        undo(r, a);
    }
    end(a);
    if (r->kind == ALONE) {
        expect(r, "an older interpreter after A's end", before, eval(older, r->probe), by_a);
    }
    end(older);
    end(younger);
    free(before);
    free(by_a);
}

/* --- the main interpreter looks --------------------------------------------------------------------------------- */

static char *main_eval(const char *expression)
{
    PyObject *globals = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject *value = PyRun_String(expression, Py_eval_input, globals, globals);
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    if (text == NULL) {
        PyErr_Print();
    }
    check(text != NULL);
    char *copy = must(strdup(PyUnicode_AsUTF8(text)));
    Py_DECREF(text);
    Py_DECREF(value);
    return copy;
}

static void start_cpython(void)
{
    isle_engine_info info = {.size = sizeof info};
    PyConfig config;
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    PyConfig_InitPythonConfig(&config);
    PyConfig_SetBytesString(&config, &config.executable, info.python);
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    check(!PyStatus_Exception(status));
}

static int main_looks(const char *unused)
{
    isle_error *err = NULL;
    (void)unused;
    start_cpython();
    check_status(isle_runtime_adopt(NULL, &runtime, &err), ISLE_OK, err);
    isle_interp first = create_looker(); /* it writes config.py */
    char *folder = text_of("import sys; sys.path.insert(0, '%s/isolation')", scratch());
    check(PyRun_SimpleString(folder) == 0 && PyRun_SimpleString(prelude) == 0);
    free(folder);
    for (size_t i = 0; i < row_count; i++) {
        const row *r = &rows[i];
        if (r->kind == REFUSED) {
            continue;
        }
        char *before = main_eval(r->probe);
        isle_interp a = create_looker();
        change(r, a);
        char *by_a = eval(a, r->probe);
        expect(r, "the main interpreter", before, main_eval(r->probe), by_a);
        if (r->undo != NULL) {
            run(a, r->undo);
        }
        end(a);
        free(before);
        free(by_a);
    }
    end(first);
    runtime_end();
    check(Py_FinalizeEx() == 0);
    return 0;
}

static void test_the_main_interpreter_looks(void **state)
{
    (void)state;
    free(child_expect("main_looks", NULL, 120 * ISLE_SECOND, 0));
}

/* --- 48.17, 48.18: the GIL -------------------------------------------------------------------------------------- */

/* A holds its GIL in one long C call: between the two stamps there is no step of byte code. How often does B run then?
 * */
static int64_t runs_beside(isle_gil gil)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.gil = gil;
    isle_interp a = create(&config), b = create(&config);
    run(a, "import functools, operator, time\nbig = list(range(2_000_000)) * 4\nsort = functools.partial(sorted, big)");
    run(b, "import time; times = []");
    isle_job *busy = submit(a, "stamps = list(map(operator.call, [time.monotonic_ns, sort, time.monotonic_ns]))", SOON);
    while (!isle_job_done(busy)) {
        run(b, "times.append(time.monotonic_ns())");
    }
    check_status(wait_for(busy, NULL), ISLE_OK, NULL);
    int64_t began = eval_int(a, "stamps[0]"), ended = eval_int(a, "stamps[2]");
    char *count = text_of("sum(%lld < t < %lld for t in times)", (long long)began, (long long)ended);
    int64_t times = eval_int(b, count);
    free(count);
    end(a);
    end(b);
    print_message("             B ran %lld times beside A\n", (long long)times);
    return times;
}

static void test_own_gil_runs_beside_shared_one_waits(void **state)
{
    (void)state;
    if (free_threaded()) {
        isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
        isle_interp it;
        config.gil = ISLE_GIL_SHARED;
        check_status(isle_interp_create(runtime, &config, &it, NULL), ISLE_ERR_UNSUPPORTED, NULL);
        config = (isle_interp_config)ISLE_INTERP_CONFIG_INIT;
        config.extensions = ISLE_EXTENSIONS_PRIVATE;
        check_status(isle_interp_create(runtime, &config, &it, NULL), ISLE_ERR_UNSUPPORTED, NULL);
        return;
    }
    check(runs_beside(ISLE_GIL_OWN) > 0);
    check(runs_beside(ISLE_GIL_SHARED) == 0);
}

/* --- 48.31: an environment of its own --------------------------------------------------------------------------- */

static void test_environment_of_its_own(void **state)
{
    (void)state;
    const char *env[] = {"ISLES_OWN=1", "HOME"};
    const char in_child[] = "m.subprocess.run(['sh', '-c', 'echo ${ISLES_OWN-none} ${ISLES_SET-none}'],"
                            " capture_output=True, text=True).stdout.strip()";
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.env = env;
    config.env_count = 2;
    isle_interp other = create_looker(), a = create(&config);
    run(a, prelude);
    run(a, "import os; os.environ['ISLES_SET'] = '2'");
    check_eval(a, "[os.environ['ISLES_OWN'], os.environ['ISLES_SET'], 'HOME' in os.environ]", "['1', '2', False]");
    check_eval(a, in_child, "1 2");
    run(a, "import os; pid = os.posix_spawnp('sh', ['sh', '-c', 'test $ISLES_SET = 2'], None)");
    check_eval(a, "os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])", "0");
    check_eval(a, "os.system('test $ISLES_SET = 2')", "0");
    check_eval(other, in_child, "none none");
    check(getenv("ISLES_OWN") == NULL && getenv("ISLES_SET") == NULL && getenv("HOME") != NULL);
    end(a);
    end(other);
    check(getenv("HOME") != NULL);
}

/* --- 48.40: atexit ---------------------------------------------------------------------------------------------- */

static void test_atexit_runs_at_the_end_of_its_own(void **state)
{
    (void)state;
    char *mark = text_of("%s/atexit", scratch());
    isle_interp a = create(NULL), b = create(NULL);
    runf(a, "import atexit; atexit.register(lambda: open('%s', 'a').write('A'))", mark);
    runf(b, "import atexit; atexit.register(lambda: open('%s', 'a').write('B'))", mark);
    check(read_text(mark) == NULL);
    end(b);
    char *text = read_text(mark);
    check(text != NULL && strcmp(text, "B") == 0);
    free(text);
    end(a);
    text = read_text(mark);
    check(text != NULL && strcmp(text, "BA") == 0);
    free(text);
    free(mark);
}

/* --- 48.41: two loggers, one file ------------------------------------------------------------------------------- */

static void test_loggers_are_separate_their_file_is_not(void **state)
{
    (void)state;
    char *log = text_of("%s/log", scratch());
    isle_interp a = create(NULL), b = create(NULL);
    const char program[] = "import logging; logging.basicConfig(filename='%s', format='%%(message)s', level=%d)";
    runf(a, program, log, 10);
    runf(b, program, log, 30);
    run(a, "logging.info('from A')");
    run(b, "logging.info('not shown')\nlogging.warning('from B')");
    char *text = read_text(log);
    check(text != NULL && strcmp(text, "from A\nfrom B\n") == 0);
    free(text);
    free(log);
    end(a);
    end(b);
}

/* --- 48.36, 48.46: what fails in A stays in A ------------------------------------------------------------------- */

static void test_failures_stay_where_they_are(void **state)
{
    (void)state;
    static const char *const failures[] = {
        "1 / 0",
        "def f(): f()\nf()",
        "raise SystemExit(3)",
        "raise MemoryError",
        "x = 'a' * (1 << 60)",
        "import sys; sys.exit('bye')",
        "raise KeyboardInterrupt",
        "class E(BaseException): pass\nraise E",
        "import json; json.loads('{')",
        "def f(",
        "import nosuch",
        "assert False",
        "raise GeneratorExit",
    };
    isle_interp a = create(NULL), b = create(NULL);
    run(b, "count = 0");
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        isle_error *err = NULL;
        check(isle_interp_run(a, failures[i], SOON, &err) != ISLE_OK);
        check(err != NULL);
        isle_error_free(err);
        run(b, "count += 1");
        run(a, "pass");
    }
    check(eval_int(b, "count") == (int64_t)(sizeof failures / sizeof *failures));
    end(a);
    end(b);
}

int main(int argc, char **argv)
{
    static const child children[] = {{"main_looks", main_looks}, {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_the_main_interpreter_looks),
        cmocka_unit_test(test_own_gil_runs_beside_shared_one_waits),
        cmocka_unit_test(test_environment_of_its_own),
        cmocka_unit_test(test_atexit_runs_at_the_end_of_its_own),
        cmocka_unit_test(test_loggers_are_separate_their_file_is_not),
        cmocka_unit_test(test_failures_stay_where_they_are),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest *tests = must(calloc(row_count + WHOLE, sizeof *tests));
    char **names = must(calloc(row_count, sizeof *names));
    for (size_t i = 0; i < row_count; i++) {
        static const char *const kinds[] = {"alone", "shared", "same for all", "different", "refused"};
        names[i] = text_of("%s %s: %s", rows[i].section, rows[i].what, kinds[rows[i].kind]);
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = test_row, .initial_state = (void *)&rows[i]};
    }
    memcpy(tests + row_count, whole, sizeof whole);
    int failed = _cmocka_run_group_tests("isolation", tests, row_count + WHOLE, with_runtime, without_runtime);
    for (size_t i = 0; i < row_count; i++) {
        free(names[i]);
    }
    free(names);
    free(tests);
    return failed;
}
