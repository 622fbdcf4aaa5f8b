/* Stopping code that runs: every case of docs/engine.md's table, by deadline and by cancelling, and the same without
 * the hook (no_code_patch), so that what is lost without it stays known. What can't be stopped at all runs in child
 * processes: its waiter is told, its thread is parked, the other interpreters go on, and the process still exits with
 * the status that it wants. */
#include <stdatomic.h>

#include "interrupt_rows.h"
#include "support.h"

enum { IDS = 1 << 16 };

static flag ready = FLAG_INIT;
static _Atomic unsigned char ended[IDS]; /* by job id: how many JOB_ENDED events */
static _Atomic int stuck_events, stuck_parked, stuck_stacks;

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind == ISLE_EVENT_JOB_ENDED) {
        atomic_fetch_add(&ended[event->job_id % IDS], 1);
    } else if (event->kind == ISLE_EVENT_STUCK) {
        /* parked at once, unless it was in libc just then */
        atomic_fetch_add(&stuck_parked, strstr(event->message, "not yet parked") == NULL);
        atomic_fetch_add(&stuck_stacks, strstr(event->message, " at\n  File \"<string>\", line ") != NULL);
        atomic_fetch_add(&stuck_events, 1);
    }
}

static void begin(bool no_code_patch)
{
    const isle_host_function host[] = {{"ready", host_flag, &ready}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = host;
    config.host_function_count = 1;
    config.on_event = on_event;
    config.no_code_patch = no_code_patch;
    runtime_begin(&config);
}

static isle_interp create_quick(int64_t stuck_after_ns)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stuck_after_ns = stuck_after_ns;
    config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_interp it = create(&config);
    run(it, "import isles, threading, time, os, socket, select\nready = isles.host.ready");
    return it;
}

static bool hook_active(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    if (!info.hook_active) {
        print_message("             no hook: %s\n", info.hook_reason != NULL ? info.hook_reason : "?");
    }
    return info.hook_active;
}

/* --- what can be stopped ---------------------------------------------------------------------------------------- */

static double stop_by_deadline(isle_interp it, const char *source)
{
    isle_error *err = NULL;
    int64_t deadline = isle_deadline_in(100 * ISLE_MS);
    isle_job *job = submit(it, source, deadline);
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    double took = MS(isle_now() - deadline);
    check_status(wait_for(job, &err), ISLE_ERR_TIMEOUT, err);
    check(isle_error_exit_status(err) == 124);
    isle_error_free(err);
    return took;
}

static double stop_by_cancel(isle_interp it, const char *source)
{
    isle_error *err = NULL;
    flag_clear(&ready);
    isle_job *job = submit(it, source, ISLE_FOREVER);
    flag_await(&ready, 1);
    check_status(isle_job_wait(job, isle_deadline_in(10 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    int64_t asked = isle_now();
    isle_job_cancel(job);
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    double took = MS(isle_now() - asked);
    check_status(wait_for(job, &err), ISLE_ERR_CANCELLED, err);
    check(isle_error_exit_status(err) == 130);
    isle_error_free(err);
    return took;
}

static void check_usable(isle_interp it)
{
    isle_interp_stats stats = {.size = sizeof stats};
    run(it, "import json; assert json.loads(json.dumps([1, 2])) == [1, 2]\n"
            "t = threading.Thread(target=time.sleep, args=(0,)); t.start(); t.join()\n"
            "x = 0\nfor i in range(1000): x += i\nassert x == 499500\ntime.sleep(0.001)\n");
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.state == ISLE_INTERP_IDLE && stats.jobs_queued == 0 && stats.current_job == 0);
}

static void test_row(void **state)
{
    const row *r = *state;
    if (r->reach != BY_STEP && !hook_active()) {
        skip();
    }
    isle_interp it = create_quick(20 * ISLE_SECOND);
    char *source = text_of(r->source, scratch());
    double deadline = stop_by_deadline(it, source);
    check_usable(it);
    double cancel = stop_by_cancel(it, source);
    check_usable(it);
    print_message("             stopped %.1f ms after its deadline, %.1f ms after a cancel\n", deadline, cancel);
    check(deadline < 3000 && cancel < 3000);
    free(source);
    end(it);
}

static isle_interp create_with_grace(int64_t ns)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.cancel_grace_ns = ns;
    config.stuck_after_ns = 20 * ISLE_SECOND;
    isle_interp it = create(&config);
    run(it, "import isles, threading, time\nready = isles.host.ready");
    return it;
}

/* One exception, however slow the machine: for tests of what code does with it. */
static isle_interp create_patient(void)
{
    return create_with_grace(20 * ISLE_SECOND);
}

/* Cancelled when it has said that it is ready. */
static isle_status cancel_when_ready(isle_interp it, const char *source, isle_error **err)
{
    flag_clear(&ready);
    isle_job *job = submit(it, source, ISLE_FOREVER);
    flag_await(&ready, 1);
    isle_job_cancel(job);
    return wait_for(job, err);
}

/* Between the first exception and those at every step there is time to clean up. */
static void test_finally_has_its_grace(void **state)
{
    (void)state;
    isle_interp it = create_patient();
    isle_error *err = NULL;
    const char cleans_up[] = "caught = None\ntry:\n    ready()\n    while True: pass\n"
                             "except KeyboardInterrupt as e: caught = e\n"
                             "finally: done = sum(1 for i in range(100000))\nraise caught";
    check_status(cancel_when_ready(it, cleans_up, &err), ISLE_ERR_CANCELLED, err);
    check(strcmp(isle_exception_type(isle_error_exception(err)), "isles.Cancelled") == 0);
    check(strcmp(isle_exception_message(isle_error_exception(err)), "cancelled") == 0);
    isle_error_free(err);
    check_eval(it, "[done, type(caught).__name__, isinstance(caught, isles.Cancelled)]", "[100000, 'Cancelled', True]");
    end(it);
}

/* On a slow machine a short deadline passes before the job begins: then there is no exception. */
static void test_the_exception_tells_of_the_deadline(void **state)
{
    (void)state;
    isle_interp it = create_patient();
    isle_error *err = NULL;
    for (int64_t ms = 50; ms < 10000 && isle_error_exception(err) == NULL; ms *= 2) {
        isle_error_free(err);
        err = NULL;
        isle_status status = isle_interp_run(it, "while True: pass", isle_deadline_in(ms * ISLE_MS), &err);
        check(status == ISLE_ERR_TIMEOUT);
    }
    check(strcmp(isle_exception_type(isle_error_exception(err)), "isles.Cancelled") == 0);
    check(strcmp(isle_exception_message(isle_error_exception(err)), "the deadline passed") == 0);
    isle_error_free(err);
    end(it);
}

/* A job that ends by itself in spite of an interrupt has done its work; one that turns it into something else was
 * stopped. */
static void test_what_becomes_of_the_exception(void **state)
{
    (void)state;
    isle_interp it = create_patient();
    isle_error *err = NULL;
    const char turns[] = "try:\n    ready()\n    while True: pass\nexcept BaseException: raise ValueError('turned')";
    check_status(cancel_when_ready(it, turns, &err), ISLE_ERR_CANCELLED, err);
    const isle_exception *exception = isle_error_exception(err);
    check(strcmp(isle_exception_type(exception), "ValueError") == 0);
    check(strcmp(isle_exception_type(isle_exception_context(exception)), "isles.Cancelled") == 0);
    isle_error_free(err);
    err = NULL;
    const char swallows[] = "try:\n    ready()\n    while True: pass\nexcept BaseException: pass";
    check_status(cancel_when_ready(it, swallows, &err), ISLE_OK, err);
    check_usable(it);
    end(it);
}

static void test_queued_job_is_cancelled_at_once(void **state)
{
    (void)state;
    isle_interp it = create_quick(20 * ISLE_SECOND);
    flag_clear(&ready);
    isle_job *running = submit(it, "ready(); time.sleep(1e6)", ISLE_FOREVER);
    isle_job *queued = submit(it, "never = 1", ISLE_FOREVER);
    isle_job *late = submit(it, "never = 1", isle_deadline_in(20 * ISLE_MS));
    flag_await(&ready, 1);
    isle_job_cancel(queued);
    check(isle_job_done(queued));
    check_status(wait_for(queued, NULL), ISLE_ERR_CANCELLED, NULL);
    check_status(wait_for(late, NULL), ISLE_ERR_TIMEOUT, NULL);
    isle_job_cancel(running);
    isle_job_cancel(running);
    check_status(wait_for(running, NULL), ISLE_ERR_CANCELLED, NULL);
    check_eval(it, "'never' in globals()", "False");
    end(it);
}

/* What an interrupted import left is no hindrance to the next: each module is found whole or not at all. */
static void test_an_interrupted_import_can_be_tried_again(void **state)
{
    (void)state;
    const char imports[] =
        "import asyncio, concurrent.futures.thread, email.mime.text, logging.config, multiprocessing.pool\n"
        "import unittest.mock, xml.dom.minidom, http.client, sqlite3, decimal\n"
        "asyncio.run(asyncio.sleep(0)); unittest.mock.Mock()(); email.mime.text.MIMEText('x').as_string()";
    unsigned seed = 5;
    int interrupted = 0;
    for (int i = 0; i < 25; i++) {
        isle_interp it = create_quick(20 * ISLE_SECOND);
        isle_status status = isle_interp_run(it, imports, isle_deadline_in(rand_r(&seed) % (60 * ISLE_MS)), NULL);
        check(status == ISLE_OK || status == ISLE_ERR_TIMEOUT);
        interrupted += status == ISLE_ERR_TIMEOUT;
        run(it, imports);
        end(it);
    }
    check(interrupted > 5);
}

/* An interrupt while import cleans up leaves a module without its package, and a traceback that does not tell. */
static void test_a_module_without_its_package_is_forgotten(void **state)
{
    (void)state;
    isle_interp it = create_quick(20 * ISLE_SECOND);
    const char half[] = "import sys, json.decoder, json.encoder\ndel sys.modules['json']\nready()\nwhile True: pass";
    check_status(cancel_when_ready(it, half, NULL), ISLE_ERR_CANCELLED, NULL);
    check_eval(it, "[name for name in sys.modules if name.startswith('json')]", "[]");
    run(it, "import json; json.decoder, json.encoder");
    end(it);
}

/* The exceptions at every step also reach the finally that marks an event loop as no longer running. */
static void test_an_event_loop_can_be_used_again(void **state)
{
    (void)state;
    isle_interp it = create_with_grace(1);
    run(it, "import asyncio, sys\nloop = asyncio.new_event_loop()\n"
            "async def forever():\n    while True: await asyncio.sleep(0)\n"
            "async def number():\n    return 5\n");
    for (int i = 0; i < 20; i++) {
        isle_status status = isle_interp_run(it, "loop.run_until_complete(forever())", isle_deadline_in(i * ISLE_MS),
                                             NULL);
        check_status(status, ISLE_ERR_TIMEOUT, NULL);
        check_eval(it, "[loop.is_running(), loop.run_until_complete(number()), asyncio.run(number())]",
                   "[False, 5, 5]");
        check_eval(it, "sys.get_asyncgen_hooks().firstiter", "None");
    }
    end(it);
}

/* An exception between the end of acquire() and the first step of its block would leave the lock taken. */
static void test_no_lock_is_left_taken(void **state)
{
    (void)state;
    isle_interp its[] = {create_patient(), create_with_grace(1)}; /* one exception, or one at every step */
    const char loop[] = "while True:\n    with lock: pass\n    with condition: pass\n    other.acquire(True, -1)\n"
                        "    try: pass\n    finally: other.release()\n";
    for (int i = 0; i < 2; i++) {
        run(its[i], "lock, other, condition = [threading.Lock() for i in range(2)] + "
                    "[threading.Condition(threading.Lock())]");
    }
    for (int i = 0; i < 200; i++) {
        isle_interp it = its[i % 2];
        check_status(isle_interp_run(it, loop, isle_deadline_in(i % 20 * 50000), NULL), ISLE_ERR_TIMEOUT, NULL);
        check_eval(it, "[lock.locked(), other.locked(), condition._lock.locked()]", "[False, False, False]");
    }
    for (int i = 0; i < 2; i++) {
        end(its[i]);
    }
}

/* --- 1,000 in a row --------------------------------------------------------------------------------------------- */

typedef struct storm {
    unsigned seed;
    int count;
    bool hooked;
} storm;

static void interrupt_one(isle_interp it, storm *s)
{
    int which = rand_r(&s->seed) % mix_count;
    int64_t moment = rand_r(&s->seed) % (3 * ISLE_MS);
    bool by_deadline = rand_r(&s->seed) % 2 == 0;
    if (mix[which].reach != BY_STEP && !s->hooked) {
        which = 0;
    }
    isle_job *job = submit(it, mix[which].source, by_deadline ? isle_deadline_in(moment) : ISLE_FOREVER);
    uint64_t id = isle_job_id(job);
    if (!by_deadline) {
        check_status(isle_job_wait(job, isle_deadline_in(moment)), ISLE_ERR_TIMEOUT, NULL);
        isle_job_cancel(job);
    }
    isle_error *err = NULL;
    isle_status status = wait_for(job, &err);
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    if (status != (by_deadline ? ISLE_ERR_TIMEOUT : ISLE_ERR_CANCELLED) || stats.state == ISLE_INTERP_STUCK) {
        fprintf(stderr, "%s: %s\n%s\n", mix[which].what, isle_status_name(status),
                err != NULL ? isle_error_text(err) : "");
        check(false);
    }
    isle_error_free(err);
    run(it, "pass"); /* the event of the job before was told by now */
    check(atomic_load(&ended[id % IDS]) == 1);
}

static void *interrupt_many(void *arg)
{
    storm *s = arg;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    config.cancel_grace_ns = 2 * ISLE_MS;
    config.stuck_after_ns = 20 * ISLE_SECOND;
    isle_interp it = create(&config);
    run(it, mix_prepare);
    for (int i = 0; i < s->count; i++) {
        interrupt_one(it, s);
    }
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.jobs_ended == (uint64_t)s->count * 2 + 1 && stats.jobs_failed == (uint64_t)s->count);
    check_usable(it);
    end(it);
    return NULL;
}

/* In a child: a check that fails on a thread of its own ends the process. */
static int storm_child(const char *arg)
{
    pthread_t threads[2];
    storm storms[2];
    begin(false);
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    int64_t began = isle_now();
    for (int i = 0; i < 2; i++) {
        storms[i] = (storm){.seed = 1 + (unsigned)i, .count = atoi(arg) / 2, .hooked = info.hook_active};
        check(pthread_create(&threads[i], NULL, interrupt_many, &storms[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.1f ms each\n", MS(isle_now() - began) / atoi(arg));
    runtime_end();
    return 0;
}

static void test_a_thousand_interrupts(void **state)
{
    (void)state;
    char *count = text_of("%ld", number_from_env("ISLES_INTERRUPTS", 1000));
    char *out = child_expect("storm", count, 200 * ISLE_SECOND, 0);
    print_message("             %s interrupts: %s", count, out);
    free(out);
    free(count);
}

/* --- what can't be stopped -------------------------------------------------------------------------------------- */

static void check_parked(void)
{
    int64_t until = isle_deadline_in(10 * ISLE_SECOND);
    while (process_cpu_in(100 * ISLE_MS) > 20 * ISLE_MS) {
        check(isle_now() < until);
    }
    int64_t used = process_cpu_in(300 * ISLE_MS);
    printf("CPU in 300 ms: %.1f ms\n", MS(used));
    check(used < 60 * ISLE_MS);
}

static void check_stuck(isle_interp it)
{
    isle_interp_stats stats = {.size = sizeof stats};
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_error *err = NULL;
    config.target = "pass";
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    check(stats.state == ISLE_INTERP_STUCK);
    check_status(isle_job_submit(it, &config, NULL, &err), ISLE_ERR_STUCK, err);
    isle_error_free(err);
    isle_entry entry;
    check_status(isle_interp_enter(it, &entry, NULL), ISLE_ERR_STUCK, NULL);
}

/* Stops with something stuck, and tells so. */
static void stop_with_stuck(void)
{
    something_stays();
    isle_error *err = NULL;
    check_status(isle_runtime_stop(runtime, isle_deadline_in(ISLE_SECOND), &err), ISLE_ERR_STUCK, err);
    check(strstr(isle_error_message(err), "interp-") != NULL);
    isle_error_free(err);
}

static int stuck_child(const char *arg)
{
    begin(false);
    isle_interp it = create_quick(300 * ISLE_MS), other = create_quick(20 * ISLE_SECOND);
    isle_error *err = NULL;
    isle_job *job = submit(it, never[atoi(arg)].source, isle_deadline_in(200 * ISLE_MS));
    isle_job *queued = submit(it, "pass", ISLE_FOREVER);
    int64_t began = isle_now();
    check_status(wait_for(job, &err), ISLE_ERR_TIMEOUT, err);
    printf("told after %.0f ms\n", MS(isle_now() - began));
    check(isle_now() - began < 5 * ISLE_SECOND);
    isle_error_free(err);
    check_status(wait_for(queued, NULL), ISLE_ERR_STUCK, NULL);
    check_stuck(it);
    check(atomic_load(&stuck_events) == 1);
    check(atomic_load(&stuck_stacks) == atomic_load(&stuck_parked));
    check_parked();
    for (int i = 0; i < 100; i++) {
        run(other, "x = sum(range(1000))");
    }
    end(create_quick(20 * ISLE_SECOND));
    end(other);
    err = NULL;
    if (atoi(arg) % 2 == 0) { /* ended first, or left to the runtime's stop */
        check_status(isle_interp_end(it, isle_deadline_in(100 * ISLE_MS), &err), ISLE_ERR_STUCK, err);
        isle_error_free(err);
        err = NULL;
        check_status(isle_interp_end(it, 0, &err), ISLE_ERR_STUCK, err);
        isle_error_free(err);
    }
    stop_with_stuck();
    return 7;
}

static void test_never_row(void **state)
{
    const never_row *r = *state;
    char *index = text_of("%d", (int)(r - never));
    char *out = child_expect("stuck", index, 60 * ISLE_SECOND, 7);
    print_message("             %s", out);
    free(out);
    free(index);
}

/* --- without the hook ------------------------------------------------------------------------------------------- */

/* All rows at once; true: stopped. */
static bool was_stopped(isle_interp it, isle_job *job)
{
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    check_status(wait_for(job, NULL), ISLE_ERR_CANCELLED, NULL);
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    return stats.state != ISLE_INTERP_STUCK;
}

static int no_patch_child(const char *unused)
{
    isle_interp its[row_count];
    isle_job *jobs[row_count];
    isle_engine_info info = {.size = sizeof info};
    bool as_expected = true;
    (void)unused;
    begin(true);
    isle_engine_describe(&info);
    check(!info.hook_active && strstr(info.hook_reason, "no_code_patch") != NULL);
    for (size_t i = 0; i < row_count; i++) {
        char *source = text_of(rows[i].source, scratch());
        its[i] = create_quick(rows[i].reach == BY_STEP ? 20 * ISLE_SECOND : ISLE_SECOND);
        jobs[i] = submit(its[i], source, ISLE_FOREVER);
        free(source);
    }
    flag_await(&ready, row_count);
    check_status(isle_job_wait(jobs[0], isle_deadline_in(100 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    for (size_t i = 0; i < row_count; i++) {
        isle_job_cancel(jobs[i]);
    }
    for (size_t i = 0; i < row_count; i++) {
        bool stopped = was_stopped(its[i], jobs[i]);
        bool right = stopped == (rows[i].reach == BY_STEP) || (rows[i].reach == BY_LOCK && engine_version() < 0x030e);
        printf("             %s: %s%s\n", rows[i].what, stopped ? "stopped" : "lost", right ? "" : " (!)");
        as_expected &= right;
    }
    check(as_expected);
    stop_with_stuck();
    return 3;
}

static void test_what_is_lost_without_the_hook(void **state)
{
    (void)state;
    if (free_threaded()) {
        print_message("             a free-threaded CPython makes no interpreter while one is in a long call into C\n");
        skip();
    }
    char *out = child_expect("no_patch", NULL, 120 * ISLE_SECOND, 3);
    print_message("%s", out);
    free(out);
}

int main(int argc, char **argv)
{
    static const child children[] = {
        {"storm", storm_child}, {"stuck", stuck_child}, {"no_patch", no_patch_child}, {NULL, NULL}};
    child_main(argc, argv, children);
    struct CMUnitTest tests[row_count + never_count + 10];
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = rows[i].what, .test_func = test_row, .initial_state = (void *)&rows[i]};
    }
    for (size_t i = 0; i < never_count; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = never[i].what, .test_func = test_never_row, .initial_state = (void *)&never[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_finally_has_its_grace);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_the_exception_tells_of_the_deadline);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_what_becomes_of_the_exception);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_queued_job_is_cancelled_at_once);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_an_interrupted_import_can_be_tried_again);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_a_module_without_its_package_is_forgotten);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_an_event_loop_can_be_used_again);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_no_lock_is_left_taken);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_a_thousand_interrupts);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_what_is_lost_without_the_hook);
    begin(false);
    testing_begins();
    int failed = _cmocka_run_group_tests("interrupts", tests, count, NULL, without_runtime);
    return failed;
}
