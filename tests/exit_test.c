/* The end of the runtime and of the process: whatever is alive, the process exits with the status that it wants and in
 * time. A child process each. */
#include <stdatomic.h>
#include <unistd.h>

#include "support.h"

static flag ready = FLAG_INIT;

/* Code of all sorts that goes on when the host wants to go. Each says ready() once. */
static const char *const busy[] = {
    "ready()\nwhile True: pass",
    "ready(); time.sleep(1e6)",
    "ready()\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "for i in range(4): threading.Thread(target=time.sleep, args=(1e6,)).start()\nready()",
    ("for i in range(4): threading.Thread(target=time.sleep, args=(1e6,), "
     "daemon=True).start()\nready()\ntime.sleep(1e6)"),
    ("def f():\n    while True: sum(range(1000))\nfor i in range(4): threading.Thread(target=f, "
     "daemon=True).start()\nready()"),
    "import atexit; atexit.register(lambda: time.sleep(0.001)); ready()",
    "import sqlite3, asyncio, ssl, ctypes, decimal; ready(); asyncio.run(asyncio.sleep(1e6))",
    "import subprocess; ready(); subprocess.run(['sleep', '1000'])",
    "ready(); threading.Lock().acquire(); print('x' * 100); sys.stdin.read()",
};
enum { BUSY = sizeof busy / sizeof *busy };

static void begin(void)
{
    static const isle_host_function host[] = {{"ready", host_flag, &ready}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = host;
    config.host_function_count = 1;
    runtime_begin(&config);
}

static isle_interp create_quick(void)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    config.stuck_after_ns = sanitized() ? 0 : ISLE_SECOND;
    isle_interp it = create(&config);
    run(it, "import sys, threading, time\nfrom isles.host import ready");
    return it;
}

static void everything_alive(isle_job **jobs)
{
    begin();
    for (int i = 0; i < BUSY; i++) {
        jobs[i] = submit(create_quick(), busy[i], ISLE_FOREVER);
    }
    flag_await(&ready, BUSY);
}

/* --- leaving without a word ------------------------------------------------------------------------------------- */

static void *leave(void *status)
{
    exit((int)(intptr_t)status);
}

static int alive_child(const char *how)
{
    isle_job *jobs[BUSY];
    pthread_t thread;
    something_stays();
    everything_alive(jobs);
    if (strcmp(how, "_exit") == 0) {
        _exit(5);
    } else if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, leave, (void *)5);
        pthread_join(thread, NULL);
    } else if (strcmp(how, "abort") == 0) {
        abort();
    }
    return 5;
}

static void test_exit_with_everything_alive(void **state)
{
    (void)state;
    free(child_expect("alive", "return", 60 * ISLE_SECOND, 5));
    free(child_expect("alive", "thread", 60 * ISLE_SECOND, 5));
    free(child_expect("alive", "_exit", 60 * ISLE_SECOND, 5));
    free(child_expect("alive", "abort", 60 * ISLE_SECOND, 128 + 6));
}

static int again_child(const char *count)
{
    something_stays();
    begin();
    for (int i = 0; i < atoi(count); i++) {
        isle_interp it = create_quick();
        submit(it, busy[i % BUSY], ISLE_FOREVER);
    }
    return 9; /* at whatever moment they are */
}

static void test_exit_at_any_moment(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        char *count = text_of("%d", i);
        free(child_expect("again", count, 60 * ISLE_SECOND, 9));
        free(count);
    }
}

static void *create_for_ever(void *unused)
{
    isle_interp it;
    isle_status status = ISLE_OK;
    (void)unused;
    while (status == ISLE_OK) {
        isle_error *err = NULL;
        status = isle_interp_create(runtime, NULL, &it, &err);
        if (status == ISLE_OK) {
            isle_interp_run(it, "import json", ISLE_FOREVER, NULL);
            isle_interp_end_later(it, 0);
            flag_raise(&ready);
        } else if (status != ISLE_ERR_STATE) {
            check_status(status, ISLE_ERR_STATE, err);
        }
        isle_error_free(err);
    }
    return NULL;
}

static int creating_child(const char *how)
{
    pthread_t threads[4];
    something_stays();
    begin();
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, create_for_ever, NULL);
    }
    flag_await(&ready, 10);
    if (strcmp(how, "exit") == 0) {
        return 5;
    }
    isle_error *err = NULL;
    check_status(isle_runtime_stop(runtime, isle_deadline_in(ISLE_SECOND), &err), ISLE_OK, err);
    return 0; /* the threads find a runtime that is gone: what they may ask of it is over */
}

static void test_exit_while_creating(void **state)
{
    (void)state;
    free(child_expect("creating", "exit", 60 * ISLE_SECOND, 5));
}

/* --- stopping --------------------------------------------------------------------------------------------------- */

static int stop_child(const char *grace)
{
    isle_job *jobs[BUSY];
    isle_error *err = NULL;
    everything_alive(jobs);
    int64_t began = isle_now();
    check_status(isle_runtime_stop(runtime, isle_deadline_in(atoi(grace) * ISLE_MS), &err), ISLE_OK, err);
    printf("             stopped in %.0f ms\n", MS(isle_now() - began));
    check(isle_now() - began < 15 * ISLE_SECOND);
    for (int i = 0; i < BUSY; i++) { /* jobs outlive the runtime */
        err = NULL;
        check(isle_job_done(jobs[i]));
        isle_status status = isle_job_result(jobs[i], NULL, &err);
        check(status == ISLE_OK || status == ISLE_ERR_ENDED);
        check((err != NULL) == (status != ISLE_OK));
        isle_error_free(err);
        isle_job_free(jobs[i]);
    }
    check(isle_interp_list(NULL, 0) == 0);
    return 0;
}

static void test_stop_with_everything_alive(void **state)
{
    (void)state;
    char *out = child_expect("stop", "0", 60 * ISLE_SECOND, 0);
    print_message("%s", out);
    free(out);
    out = child_expect("stop", "200", 60 * ISLE_SECOND, 0);
    print_message("%s", out);
    free(out);
}

static void *create_once(void *gate)
{
    isle_interp it;
    isle_error *err = NULL;
    flag_raise(gate);
    isle_status status = isle_interp_create(runtime, NULL, &it, &err);
    if (status != ISLE_OK) {
        check_status(status, ISLE_ERR_STATE, err);
    }
    isle_error_free(err);
    return NULL;
}

/* Creations that have begun when the stop comes either succeed, and are ended by it, or are refused. */
static int stop_creating_child(const char *unused)
{
    enum { MANY = 16 };
    pthread_t threads[MANY];
    (void)unused;
    begin();
    for (int i = 0; i < MANY; i++) {
        pthread_create(&threads[i], NULL, create_once, &ready);
    }
    flag_await(&ready, MANY);
    isle_runtime *it = runtime;
    isle_error *err = NULL;
    while (isle_interp_list(NULL, 0) == 0) { /* at least one has come through */
    }
    check_status(isle_runtime_stop(it, isle_deadline_in(ISLE_SECOND), &err), ISLE_OK, err);
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}

static void test_stop_while_creating(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        free(child_expect("stop_creating", NULL, 60 * ISLE_SECOND, 0));
    }
}

static int start_again_child(const char *unused)
{
    isle_runtime *again = NULL;
    isle_error *err = NULL;
    (void)unused;
    begin();
    check_status(isle_runtime_start(NULL, &again, &err), ISLE_ERR_STATE, err);
    isle_error_free(err);
    end(create_quick());
    runtime_end();
    err = NULL;
    check_status(isle_runtime_start(NULL, &again, &err), ISLE_ERR_STATE, err);
    printf("%s\n", isle_error_message(err));
    isle_error_free(err);
    check(isle_runtime_stop(NULL, 0, NULL) == ISLE_OK);
    return 0;
}

static void test_started_once(void **state)
{
    (void)state;
    free(child_expect("start_again", NULL, 60 * ISLE_SECOND, 0));
}

/* --- what would not end ----------------------------------------------------------------------------------------- */

typedef struct stubborn {
    const char *what, *source, *named; /* in the error's message */
} stubborn;

static const stubborn stubborns[] = {
    {"a finalizer that swallows",
     "class D:\n    def __del__(self):\n        while True:\n            try:\n                while True: pass\n"
     "            except BaseException: pass\nkept = D()",
     "finalizers"},
    {"an atexit function in C that never asks", "import atexit, itertools; atexit.register(sum, itertools.count())",
     "atexit"},
    {"a thread in C that never asks",
     "import hashlib\nthreading.Thread(target=hashlib.pbkdf2_hmac, name='stubborn', daemon=True,"
     " args=('sha256', b'a', b'b', 2000000000)).start()",
     "stubborn"},
};
enum { STUBBORN = sizeof stubborns / sizeof *stubborns };

static int stubborn_child(const char *index)
{
    const stubborn *s = &stubborns[atoi(index)];
    isle_error *err = NULL;
    something_stays();
    begin();
    isle_interp it = create_quick(), sound = create_quick();
    run(it, s->source);
    check_status(isle_interp_end(it, isle_deadline_in(50 * ISLE_MS), &err), ISLE_ERR_STUCK, err);
    printf("             %s\n", isle_error_message(err));
    check(strstr(isle_error_message(err), s->named) != NULL);
    isle_error_free(err);
    err = NULL;
    check_status(isle_interp_end(it, 0, &err), ISLE_ERR_STUCK, err); /* and says so again */
    isle_error_free(err);
    check(isle_interp_list(NULL, 0) == 1); /* its id is gone */
    run(sound, "import json; json.dumps([1])");
    err = NULL;
    check_status(isle_runtime_stop(runtime, isle_deadline_in(ISLE_SECOND), &err), ISLE_ERR_STUCK, err);
    check(strstr(isle_error_message(err), s->named) != NULL);
    isle_error_free(err);
    return 11;
}

static void test_stubborn(void **state)
{
    const stubborn *s = *state;
    char *index = text_of("%d", (int)(s - stubborns));
    char *out = child_expect("stubborn", index, 60 * ISLE_SECOND, 11);
    print_message("%s", out);
    free(out);
    free(index);
}

/* Threads that start the next one, for ever: they end, or are reported; nothing crashes or hangs. */
static int respawn_child(const char *unused)
{
    (void)unused;
    something_stays();
    begin();
    isle_interp it = create_quick();
    run(it, "def f():\n    while True:\n        try: time.sleep(0.0002); threading.Thread(target=f).start(); return\n"
            "        except BaseException: pass\n"
            "for i in range(4): threading.Thread(target=f).start()\nready()");
    isle_status status = isle_interp_end(it, isle_deadline_in(50 * ISLE_MS), NULL);
    printf("             %s\n", isle_status_name(status));
    check(status == ISLE_OK || status == ISLE_ERR_STUCK);
    check(isle_runtime_stop(runtime, isle_deadline_in(50 * ISLE_MS), NULL) == status);
    return 13;
}

static void test_threads_that_start_threads(void **state)
{
    (void)state;
    char *out = child_expect("respawn", NULL, 60 * ISLE_SECOND, 13);
    print_message("%s", out);
    free(out);
}

int main(int argc, char **argv)
{
    static const child children[] = {{"alive", alive_child},
                                     {"again", again_child},
                                     {"creating", creating_child},
                                     {"stop", stop_child},
                                     {"stop_creating", stop_creating_child},
                                     {"start_again", start_again_child},
                                     {"stubborn", stubborn_child},
                                     {"respawn", respawn_child},
                                     {NULL, NULL}};
    child_main(argc, argv, children);
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_exit_with_everything_alive), cmocka_unit_test(test_exit_at_any_moment),
        cmocka_unit_test(test_exit_while_creating),        cmocka_unit_test(test_stop_with_everything_alive),
        cmocka_unit_test(test_stop_while_creating),        cmocka_unit_test(test_started_once),
        cmocka_unit_test(test_threads_that_start_threads),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest tests[STUBBORN + WHOLE];
    memcpy(tests, whole, sizeof whole);
    for (int i = 0; i < STUBBORN; i++) {
        tests[WHOLE + i] = (struct CMUnitTest){
            .name = stubborns[i].what, .test_func = test_stubborn, .initial_state = (void *)&stubborns[i]};
    }
    testing_begins();
    return _cmocka_run_group_tests("exits", tests, STUBBORN + WHOLE, NULL, NULL);
}
