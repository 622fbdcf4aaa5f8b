/* Entering an interpreter from any thread to use CPython's own API: nested, on many threads, beside jobs, while it
 * ends. */
#include <Python.h>

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "support.h"

static flag ready = FLAG_INIT;

static long number_in_main(const char *name)
{
    PyObject *value = PyObject_GetAttrString(PyImport_AddModule("__main__"), name);
    check(value != NULL);
    long number = PyLong_AsLong(value);
    Py_DECREF(value);
    return number;
}

static int64_t id_inside(void)
{
    PyObject *module = PyImport_ImportModule("isles");
    PyObject *id = module != NULL ? PyObject_GetAttrString(module, "id") : NULL;
    check(id != NULL);
    int64_t number = PyLong_AsLongLong(id);
    Py_DECREF(id);
    Py_DECREF(module);
    return number;
}

static isle_entry enter(isle_interp it)
{
    isle_entry entry;
    isle_error *err = NULL;
    check_status(isle_interp_enter(it, &entry, &err), ISLE_OK, err);
    return entry;
}

static void test_the_api_of_cpython(void **state)
{
    (void)state;
    isle_interp it = create(NULL);
    check(PyThreadState_GetUnchecked() == NULL);
    isle_entry entry = enter(it);
    check(PyThreadState_GetUnchecked() != NULL && id_inside() == (int64_t)it.id);
    check(PyRun_SimpleString("import json, threading\nfrom_c = len(json.dumps({'a': 1}))\n"
                             "who = threading.current_thread() is threading.main_thread()") == 0);
    check(number_in_main("from_c") == 8);
    isle_interp_leave(&entry);
    isle_interp_leave(&entry); /* nothing any more */
    check(PyThreadState_GetUnchecked() == NULL);
    check_eval(it, "[from_c, who]", "[8, False]");
    end(it);
}

static void test_entries_nest(void **state)
{
    (void)state;
    isle_interp a = create(NULL), b = create(NULL);
    run(a, "x = 1");
    run(b, "x = 2");
    isle_entry first = enter(a);
    check(number_in_main("x") == 1);
    isle_entry second = enter(b);
    check(number_in_main("x") == 2);
    isle_entry third = enter(a);
    check(number_in_main("x") == 1 && id_inside() == (int64_t)a.id);
    isle_interp_leave(&third);
    check(number_in_main("x") == 2);
    isle_interp_leave(&second);
    check(number_in_main("x") == 1);
    isle_interp_leave(&first);
    check(PyThreadState_GetUnchecked() == NULL);
    end(a);
    end(b);
}

/* A call of Isles that waits lets the GIL go meanwhile, also that of the interpreter it waits for. */
static void test_waiting_inside(void **state)
{
    (void)state;
    isle_interp a = create(NULL), b = create(NULL);
    isle_error *err = NULL;
    isle_entry entry = enter(a);
    check_status(isle_interp_run(b, "x = 5", SOON, &err), ISLE_OK, err);
    isle_job *job = submit(a, "y = 6", SOON); /* on its home thread */
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    isle_job_free(job);
    check(number_in_main("y") == 6);
    err = NULL;
    check_status(isle_interp_run(a, "pass", SOON, &err), ISLE_ERR_STATE, err);
    isle_error_free(err);
    check(isle_interp_end(a, 0, NULL) == ISLE_ERR_STATE);
    end(b);
    isle_interp_leave(&entry);
    end(a);
}

/* --- many threads ----------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 300 };
static isle_interp shared[2];

static void *enter_often(void *arg)
{
    uintptr_t which = (uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        isle_entry entry = enter(shared[(which + (unsigned)i) % 2]);
        PyObject *list = PyList_New(0);
        for (int j = 0; j < 20; j++) {
            PyObject *item = PyUnicode_FromFormat("%d-%d", i, j);
            check(item != NULL && PyList_Append(list, item) == 0);
            Py_DECREF(item);
        }
        check(PyList_Size(list) == 20);
        Py_DECREF(list);
        check(PyRun_SimpleString("with lock: count += 1") == 0);
        isle_interp_leave(&entry);
    }
    return NULL;
}

static void test_many_threads_beside_jobs(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < 2; i++) {
        shared[i] = create(NULL);
        run(shared[i], "import threading\ncount, lock = 0, threading.Lock()");
    }
    isle_job *jobs[2];
    for (int i = 0; i < 2; i++) {
        jobs[i] = submit(shared[i], "for i in range(3000):\n    with lock: count += 1", SOON);
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, enter_often, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 2; i++) {
        check_status(wait_for(jobs[i], NULL), ISLE_OK, NULL);
        check(eval_int(shared[i], "count") == 3000 + THREADS * ROUNDS / 2);
        check_eval(shared[i], "threading.active_count()", "1"); /* entries leave nothing behind */
        end(shared[i]);
    }
}

/* A thread with a small stack: each entry has a thread state of its own. */
static void test_a_thread_with_a_small_stack(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    shared[0] = create(NULL);
    shared[1] = create(NULL);
    run(shared[0], "import threading\ncount, lock = 0, threading.Lock()");
    run(shared[1], "import threading\ncount, lock = 0, threading.Lock()");
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, sanitized() ? 2 << 20 : 256 << 10);
    for (int i = 0; i < 10; i++) {
        check(pthread_create(&thread, i % 2 ? &attributes : NULL, enter_often, NULL) == 0);
        pthread_join(thread, NULL);
    }
    pthread_attr_destroy(&attributes);
    end(shared[0]);
    end(shared[1]);
}

/* --- while it ends ---------------------------------------------------------------------------------------------- */

static _Atomic bool over;

static void *enter_until_it_ends(void *arg)
{
    isle_interp *it = arg;
    isle_entry entry;
    isle_status status;
    long times = 0;
    while ((status = isle_interp_enter(*it, &entry, NULL)) == ISLE_OK) {
        check(PyRun_SimpleString("x = sum(range(100))") == 0);
        isle_interp_leave(&entry);
        if (++times == 10) {
            flag_raise(&ready);
        }
    }
    check(status == ISLE_ERR_NO_INTERP);
    return NULL;
}

static void test_entering_while_it_ends(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pthread_t threads[THREADS];
        isle_interp it = create(NULL);
        flag_clear(&ready);
        for (int i = 0; i < THREADS; i++) {
            pthread_create(&threads[i], NULL, enter_until_it_ends, &it);
        }
        flag_await(&ready, THREADS);
        end(it);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
    }
}

static void *stay_inside(void *arg)
{
    isle_entry entry = enter(*(isle_interp *)arg);
    check(PyRun_SimpleString("inside = 1") == 0);
    flag_raise(&ready);
    PyThreadState *mine = PyEval_SaveThread(); /* as around a call that blocks */
    while (!atomic_load(&over)) {
        sched_yield();
    }
    PyEval_RestoreThread(mine);
    check(PyRun_SimpleString("assert inside == 1") == 0);
    isle_interp_leave(&entry);
    return NULL;
}

/* The end waits for the entry: the interpreter is whole until it is left. */
static void test_the_end_waits_for_an_entry(void **state)
{
    (void)state;
    pthread_t thread;
    isle_interp it = create(NULL);
    isle_interp_stats stats = {.size = sizeof stats};
    flag_clear(&ready);
    atomic_store(&over, false);
    pthread_create(&thread, NULL, stay_inside, &it);
    flag_await(&ready, 1);
    check(isle_interp_end_later(it, SOON) == ISLE_OK);
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.state == ISLE_INTERP_ENDING);
    isle_entry late;
    check(isle_interp_enter(it, &late, NULL) == ISLE_ERR_NO_INTERP);
    atomic_store(&over, true);
    end(it);
    pthread_join(thread, NULL);
}

/* One that does not leave by the deadline: the end says so, and the thread can still leave without harm. */
static int forgotten_child(const char *unused)
{
    pthread_t thread;
    isle_error *err = NULL;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    (void)unused;
    something_stays();
    runtime_begin(NULL);
    config.stuck_after_ns = 300 * ISLE_MS;
    isle_interp it = create(&config);
    pthread_create(&thread, NULL, stay_inside, &it);
    flag_await(&ready, 1);
    check_status(isle_interp_end(it, isle_deadline_in(50 * ISLE_MS), &err), ISLE_ERR_STUCK, err);
    printf("%s\n", isle_error_message(err));
    check(strstr(isle_error_message(err), "entered") != NULL);
    isle_error_free(err);
    check(isle_runtime_stop(runtime, 0, NULL) == ISLE_ERR_STUCK);
    return 4;
}

static void test_an_entry_that_is_forgotten(void **state)
{
    (void)state;
    free(child_expect("forgotten", NULL, 60 * ISLE_SECOND, 4));
}

static int wrong_child(const char *how)
{
    runtime_begin(NULL);
    isle_interp a = create(NULL), b = create(NULL);
    isle_entry first = enter(a), second = enter(b);
    isle_interp_leave(strcmp(how, "order") == 0 ? &first : &second);
    return 0;
}

static void test_leaving_in_the_wrong_order_is_told(void **state)
{
    (void)state;
    process p = child_run("wrong", "order", 60 * ISLE_SECOND);
    check(p.status == 128 + SIGABRT && strstr(p.err, "isle_interp_leave") != NULL);
    process_free(&p);
}

int main(int argc, char **argv)
{
    static const child children[] = {{"forgotten", forgotten_child}, {"wrong", wrong_child}, {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_api_of_cpython),
        cmocka_unit_test(test_entries_nest),
        cmocka_unit_test(test_waiting_inside),
        cmocka_unit_test(test_many_threads_beside_jobs),
        cmocka_unit_test(test_a_thread_with_a_small_stack),
        cmocka_unit_test(test_entering_while_it_ends),
        cmocka_unit_test(test_the_end_waits_for_an_entry),
        cmocka_unit_test(test_an_entry_that_is_forgotten),
        cmocka_unit_test(test_leaving_in_the_wrong_order_is_told),
    };
    return RUN_TESTS(tests);
}
