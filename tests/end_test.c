/* The end of an interpreter and of the runtime: its order, what is waited for and what is interrupted, who may ask for
 * it and when, and that the process can always exit with the status that it wants. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

#include "support.h"

static flag ready = FLAG_INIT;
static isle_interp other; /* for host functions that end something */
static _Atomic int ended_events;

/* --- host functions --------------------------------------------------------------------------------------------- */

static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;
static char notes[4096];

/* isles.host.note(text) */
static isle_status host_note(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    const char *text = isle_value_as_str(isle_value_at(args, 0), NULL);
    (void)ctx;
    (void)id;
    (void)out;
    (void)err;
    pthread_mutex_lock(&notes_lock);
    size_t len = strlen(notes);
    snprintf(notes + len, sizeof notes - len, "%s%s", len != 0 ? ", " : "", text != NULL ? text : "?");
    pthread_mutex_unlock(&notes_lock);
    return ISLE_OK;
}

static isle_status give_status(isle_status status, isle_value **out)
{
    *out = isle_value_new_str(isle_status_name(status));
    return ISLE_OK;
}

static isle_status host_end_other(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)id, (void)args, (void)err;
    return give_status(isle_interp_end(other, isle_deadline_in(ISLE_SECOND), NULL), out);
}

static isle_status host_end_me(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)args, (void)err;
    return give_status(isle_interp_end((isle_interp){id}, ISLE_FOREVER, NULL), out);
}

static isle_status host_end_me_later(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)args, (void)err;
    return give_status(isle_interp_end_later((isle_interp){id}, isle_deadline_in(ISLE_SECOND)), out);
}

static isle_status host_stop(void *ctx, uint64_t id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)ctx, (void)id, (void)args, (void)err;
    return give_status(isle_runtime_stop(runtime, ISLE_FOREVER, NULL), out);
}

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind == ISLE_EVENT_INTERP_ENDED) {
        atomic_fetch_add(&ended_events, 1);
    }
}

static void begin(void)
{
    static const isle_host_function host[] = {
        {"ready", host_flag, &ready},
        {"note", host_note, NULL},
        {"end_other", host_end_other, NULL},
        {"end_me", host_end_me, NULL},
        {"end_me_later", host_end_me_later, NULL},
        {"stop", host_stop, NULL},
    };
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = host;
    config.host_function_count = sizeof host / sizeof *host;
    config.on_event = on_event;
    runtime_begin(&config);
}

static isle_interp create_with(const char *source)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_interp it = create(&config);
    run(it, "import isles, threading, time, atexit\nfrom isles.host import ready, note");
    flag_clear(&ready);
    run(it, source);
    return it;
}

/* Ends it, with that much time for what it does, and within a few seconds. */
static void end_in(isle_interp it, int64_t grace_ns)
{
    isle_error *err = NULL;
    int64_t began = isle_now();
    check_status(isle_interp_end(it, isle_deadline_in(grace_ns), &err), ISLE_OK, err);
    double took = MS(isle_now() - began);
    print_message("             ended in %.0f ms\n", took);
    check(took < 5000);
}

/* --- order ------------------------------------------------------------------------------------------------------ */

static void test_order(void **state)
{
    (void)state;
    isle_interp it = create_with("home = threading.get_ident()\n"
                                 "def where(): return ' at home' if threading.get_ident() == home else ''\n"
                                 "class Kept:\n"
                                 "    def __del__(self, note=note, where=where): note('finalizer' + where())\n"
                                 "kept = Kept()\n"
                                 "go = threading.Event()\n"
                                 "def waited(): go.wait(); time.sleep(0.02); note('thread')\n"
                                 "def daemon():\n"
                                 "    try: ready(); time.sleep(1e6)\n"
                                 "    finally: note('daemon thread')\n"
                                 "threading.Thread(target=waited).start()\n"
                                 "threading.Thread(target=daemon, daemon=True).start()\n"
                                 "atexit.register(lambda: note('atexit 1' + where()))\n"
                                 "atexit.register(lambda: note('atexit 2' + where()))\n");
    flag_await(&ready, 1);
    isle_job *running = submit(it, "ready(); time.sleep(0.02); go.set(); note('job')", ISLE_FOREVER);
    isle_job *queued = submit(it, "note('queued')", ISLE_FOREVER);
    flag_await(&ready, 2);
    notes[0] = '\0';
    end_in(it, 20 * ISLE_SECOND);
    check_status(wait_for(running, NULL), ISLE_OK, NULL);
    check_status(wait_for(queued, NULL), ISLE_ERR_ENDED, NULL);
    assert_string_equal(notes, "job, thread, daemon thread, atexit 2 at home, atexit 1 at home, finalizer at home");
}

static void test_running_job_is_interrupted_at_the_deadline(void **state)
{
    (void)state;
    isle_interp it = create_with("pass");
    isle_job *running = submit(it, "ready()\nwhile True: pass", ISLE_FOREVER);
    isle_job *queued = submit(it, "pass", ISLE_FOREVER);
    flag_await(&ready, 1);
    end_in(it, 20 * ISLE_MS);
    check_status(wait_for(running, NULL), ISLE_ERR_ENDED, NULL);
    check_status(wait_for(queued, NULL), ISLE_ERR_ENDED, NULL);
}

static void test_nothing_is_left_of_it(void **state)
{
    (void)state;
    isle_interp it = create_with("pass");
    isle_interp_stats stats = {.size = sizeof stats};
    isle_entry entry;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.target = "pass";
    size_t living = isle_interp_list(NULL, 0);
    int events = atomic_load(&ended_events);
    end_in(it, 0);
    end_in(it, 0); /* again */
    check(isle_interp_list(NULL, 0) == living - 1);
    check(atomic_load(&ended_events) == events + 1);
    check_status(isle_interp_get_stats(it, &stats), ISLE_ERR_NO_INTERP, NULL);
    check_status(isle_interp_enter(it, &entry, NULL), ISLE_ERR_NO_INTERP, NULL);
    check_status(isle_job_submit(it, &config, NULL, NULL), ISLE_ERR_NO_INTERP, NULL);
    check_status(isle_interp_run(it, "pass", SOON, NULL), ISLE_ERR_NO_INTERP, NULL);
    check(isle_interp_end((isle_interp){it.id + 1000000}, 0, NULL) == ISLE_ERR_NO_INTERP);
}

/* --- threads ---------------------------------------------------------------------------------------------------- */

typedef struct thread_row {
    const char *what, *source;
} thread_row;

static const thread_row thread_rows[] = {
    {"non-daemon thread that waits for ever", "threading.Thread(target=threading.Event().wait).start(); ready()"},
    {"non-daemon thread that loops", "def f():\n    ready()\n    while True: pass\nthreading.Thread(target=f).start()"},
    {"daemon thread that sleeps", "threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start(); ready()"},
    {"thread that swallows",
     "def f():\n    ready()\n    while True:\n        try: time.sleep(1000)\n        except BaseException: pass\n"
     "threading.Thread(target=f, daemon=True).start()"},
    {"thread that swallows in a loop", "def f():\n    ready()\n    while True:\n        try:\n            while True: "
                                       "pass\n        except BaseException: pass\n"
                                       "threading.Thread(target=f, daemon=True).start()"},
    {"thread that waits for a lock",
     "l = threading.Lock(); l.acquire()\nthreading.Thread(target=l.acquire, daemon=True).start(); ready()"},
    {"thread in recv", "import socket; a, b = socket.socketpair()\nthreading.Thread(target=a.recv, args=(1,), "
                       "daemon=True).start(); ready()"},
    {"threads that wait for each other", "e = [threading.Event() for i in range(20)]\nfor i in range(20): "
                                         "threading.Thread(target=e[i].wait).start()\nready()"},
    {"a pool of threads at work", "import concurrent.futures as c; p = c.ThreadPoolExecutor(8)\nfor i in range(50): "
                                  "p.submit(time.sleep, 1e6)\nready()"},
    {"thread started with _thread", "import _thread; _thread.start_new_thread(time.sleep, (1e6,)); ready()"},
    {"thread that prints without end",
     "def f():\n    ready()\n    while True: print('x')\nthreading.Thread(target=f, daemon=True).start()"},
    {"a timer", "threading.Timer(1e5, print).start(); ready()"},
    {"thread that an atexit function starts",
     "atexit.register(lambda: threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()); ready()"},
    {"asyncio in a thread",
     "import asyncio\nthreading.Thread(target=asyncio.run, args=(asyncio.sleep(1e6),), daemon=True).start(); ready()"},
};
enum { thread_row_count = sizeof thread_rows / sizeof *thread_rows };

static void test_thread(void **state)
{
    const thread_row *r = *state;
    isle_interp it = create_with(r->source);
    flag_await(&ready, 1);
    end_in(it, 50 * ISLE_MS);
}

static void test_all_hostile_threads_at_once(void **state)
{
    (void)state;
    isle_interp it = create_with("pass");
    flag_clear(&ready);
    for (int i = 0; i < thread_row_count; i++) {
        run(it, thread_rows[i].source);
    }
    flag_await(&ready, thread_row_count);
    end_in(it, 50 * ISLE_MS);
}

/* --- code that runs at the end ---------------------------------------------------------------------------------- */

static void test_atexit_that_loops(void **state)
{
    (void)state;
    notes[0] = '\0';
    isle_interp it = create_with("def loop():\n    while True: pass\n"
                                 "atexit.register(lambda: note('first'))\natexit.register(loop)\n"
                                 "atexit.register(lambda: time.sleep(1e6))\natexit.register(lambda: 1 / 0)");
    end_in(it, 50 * ISLE_MS);
    assert_string_equal(notes, "first");
}

static void test_atexit_that_swallows(void **state)
{
    (void)state;
    isle_interp it = create_with("def loop():\n    while True:\n        try:\n            while True: pass\n"
                                 "        except BaseException: pass\natexit.register(loop)");
    end_in(it, 50 * ISLE_MS);
}

static void test_finalizer_that_loops(void **state)
{
    (void)state;
    isle_interp it = create_with("class D:\n    def __del__(self):\n        while True: pass\nkept = D()");
    end_in(it, 50 * ISLE_MS);
}

static void test_finalizer_that_sleeps(void **state)
{
    (void)state;
    isle_interp it = create_with("class D:\n    def __del__(self, sleep=time.sleep): sleep(1e6)\nkept = D()");
    end_in(it, 50 * ISLE_MS);
}

/* --- who asks, and when ----------------------------------------------------------------------------------------- */

static void *end_it(void *arg)
{
    isle_interp *it = arg;
    return (void *)(intptr_t)isle_interp_end(*it, isle_deadline_in(50 * ISLE_MS), NULL);
}

static void *run_in_it(void *arg)
{
    isle_interp *it = arg;
    return (void *)(intptr_t)isle_interp_run(*it, "time.sleep(1e6)", ISLE_FOREVER, NULL);
}

static void test_many_end_it_while_others_wait_for_jobs(void **state)
{
    (void)state;
    enum { MANY = 4 };
    pthread_t enders[MANY], waiters[MANY];
    isle_interp it = create_with("pass");
    isle_job *running = submit(it, "ready(); time.sleep(1e6)", ISLE_FOREVER);
    flag_await(&ready, 1);
    isle_interp_stats stats = {.size = sizeof stats};
    for (int i = 0; i < MANY; i++) {
        pthread_create(&waiters[i], NULL, run_in_it, &it);
    }
    do {
        check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    } while (stats.jobs_queued < MANY);
    for (int i = 0; i < MANY; i++) {
        pthread_create(&enders[i], NULL, end_it, &it);
    }
    for (int i = 0; i < MANY; i++) {
        void *status;
        pthread_join(enders[i], &status);
        check((isle_status)(intptr_t)status == ISLE_OK);
        pthread_join(waiters[i], &status);
        check((isle_status)(intptr_t)status == ISLE_ERR_ENDED);
    }
    check_status(wait_for(running, NULL), ISLE_ERR_ENDED, NULL);
}

static void test_ended_from_another_interpreter(void **state)
{
    (void)state;
    isle_interp it = create_with("pass");
    other = create_with("pass");
    isle_job *running = submit(other, "ready(); time.sleep(1e6)", ISLE_FOREVER);
    flag_await(&ready, 1);
    run(it, "assert isles.host.end_other() == 'ISLE_OK'");
    check_status(wait_for(running, NULL), ISLE_ERR_ENDED, NULL);
    run(it, "assert isles.host.end_other() == 'ISLE_OK'"); /* it has ended */
    end_in(it, 0);
}

static void test_not_from_inside_itself(void **state)
{
    (void)state;
    isle_interp it = create_with("assert isles.host.end_me() == 'ISLE_ERR_STATE'\n"
                                 "assert isles.host.stop() == 'ISLE_ERR_STATE'");
    run(it, "r = []\nt = threading.Thread(target=lambda: r.append(isles.host.end_me())); t.start(); t.join()\n"
            "assert r == ['ISLE_ERR_STATE'], r");
    isle_job *job = submit(it, "assert isles.host.end_me_later() == 'ISLE_OK'\nx = 1", ISLE_FOREVER);
    check_status(wait_for(job, NULL), ISLE_OK, NULL); /* it goes on to its end */
    end_in(it, 0);
}

/* --- a storm of signals ----------------------------------------------------------------------------------------- */

static _Atomic long signals;
static _Atomic bool storm_over;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

static void *storm(void *target)
{
    pthread_t *thread = target;
    while (!atomic_load(&storm_over)) {
        pthread_kill(*thread, SIGUSR1);
        kill(getpid(), SIGUSR2);
    }
    return NULL;
}

static void test_in_a_storm_of_signals(void **state)
{
    (void)state;
    pthread_t me = pthread_self(), thread;
    struct sigaction restart = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, plain = {.sa_handler = on_signal};
    struct itimerval each = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &plain, NULL);
    sigaction(SIGUSR1, &plain, NULL);
    sigaction(SIGUSR2, &restart, NULL);
    atomic_store(&storm_over, false);
    setitimer(ITIMER_REAL, &each, NULL);
    pthread_create(&thread, NULL, storm, &me);
    for (int i = 0; i < 10; i++) {
        isle_interp it = create_with("import json, datetime; time.sleep(0.001)");
        run(it, thread_rows[i % thread_row_count].source);
        check(isle_interp_run(it, "while True: pass", isle_deadline_in(5 * ISLE_MS), NULL) == ISLE_ERR_TIMEOUT);
        check(isle_interp_end(it, 0, NULL) == ISLE_OK);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    atomic_store(&storm_over, true);
    pthread_join(thread, NULL);
    signal(SIGALRM, SIG_IGN);
    check(atomic_load(&signals) > 100);
}

int main(void)
{
    static const struct CMUnitTest whole[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_running_job_is_interrupted_at_the_deadline),
        cmocka_unit_test(test_nothing_is_left_of_it),
        cmocka_unit_test(test_all_hostile_threads_at_once),
        cmocka_unit_test(test_atexit_that_loops),
        cmocka_unit_test(test_atexit_that_swallows),
        cmocka_unit_test(test_finalizer_that_loops),
        cmocka_unit_test(test_finalizer_that_sleeps),
        cmocka_unit_test(test_many_end_it_while_others_wait_for_jobs),
        cmocka_unit_test(test_ended_from_another_interpreter),
        cmocka_unit_test(test_not_from_inside_itself),
        cmocka_unit_test(test_in_a_storm_of_signals),
    };
    enum { WHOLE = sizeof whole / sizeof *whole };
    struct CMUnitTest tests[thread_row_count + WHOLE];
    for (int i = 0; i < thread_row_count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = thread_rows[i].what, .test_func = test_thread, .initial_state = (void *)&thread_rows[i]};
    }
    memcpy(tests + thread_row_count, whole, sizeof whole);
    begin();
    testing_begins();
    return _cmocka_run_group_tests("ends", tests, thread_row_count + WHOLE, NULL, without_runtime);
}
