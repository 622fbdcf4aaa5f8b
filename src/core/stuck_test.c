/* Tests of what can't be stopped: each scenario in a child process, since a runtime that was stopped with stuck threads
 * stays in memory. */
#include <pthread.h>

#include "platform.h"
#include "testing/core_testing.h"

static void check_kinds(isle_interp it, const char *expected)
{
    const char *kinds = record_kinds(it.id);
    if (strcmp(kinds, expected) != 0) {
        fprintf(stderr, "%s\n", kinds);
    }
    check(strcmp(kinds, expected) == 0);
}

static void check_stuck(isle_interp it, isle_runtime *rt)
{
    check(stats_of(it).state == ISLE_INTERP_STUCK);
    check(submit_status(it, "ok") == ISLE_ERR_STUCK);
    isle_entry entry;
    isle_error *err = NULL;
    check(isle_interp_enter(it, &entry, &err) == ISLE_ERR_STUCK);
    isle_error_free(err);
    isle_interp other = create(rt); /* the others go on */
    check(run(other, "ok") == ISLE_OK);
}

static void stop_stuck(isle_runtime *rt, const char *name)
{
    isle_error *err = NULL;
    check(isle_runtime_stop(rt, 0, &err) == ISLE_ERR_STUCK);
    check(strstr(isle_error_message(err), name) != NULL);
    isle_error_free(err);
    check(fake.abandons == 1 && fake.stops == 0);
    check(isle_interp_list(NULL, 0) == 0);
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    check(isle_runtime_start(&config, &rt, NULL) == ISLE_ERR_STATE);
}

static isle_interp create_named(isle_runtime *rt, const char *name)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it;
    config.name = name;
    config.cancel_grace_ns = 5 * ISLE_MS;
    config.stuck_after_ns = 30 * ISLE_MS;
    check(isle_interp_create(rt, &config, &it, NULL) == ISLE_OK);
    return it;
}

/* --- code that can't be stopped ----------------------------------------------------------------------------------- */

static void deaf_code(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    isle_job *job = submit(it, "deaf", ISLE_FOREVER);
    isle_job *queued = submit(it, "ok", ISLE_FOREVER);
    isle_error *err = NULL;
    await_running(job);
    isle_job_cancel(job);
    check(isle_job_wait(job, SOON) == ISLE_OK);
    check(isle_job_result(job, NULL, &err) == ISLE_ERR_CANCELLED);
    check(strstr(isle_error_message(err), "parked") != NULL);
    isle_error_free(err);
    isle_job_free(job);
    check(wait_for(queued) == ISLE_ERR_STUCK);
    check(record_await(ISLE_EVENT_STUCK, 1));
    check_kinds(it, "INTERP_CREATED JOB_STARTED INTERRUPT STUCK JOB_ENDED JOB_ENDED");
    check(fake.interrupts > 0 && fake.insists > 0 && fake.parks == 1);
    check_stuck(it, rt);
    check(isle_interp_end(it, SOON, &err) == ISLE_ERR_STUCK); /* at once: there is nothing to wait for */
    check(strstr(isle_error_message(err), "web") != NULL);
    isle_error_free(err);
    check(run(it, "ok") == ISLE_ERR_NO_INTERP);
    err = NULL;
    check(isle_interp_end(it, SOON, &err) == ISLE_ERR_STUCK); /* and again */
    check(strstr(isle_error_message(err), "web") != NULL);
    isle_error_free(err);
    stop_stuck(rt, "web");
    check(isle_interp_end(it, SOON, NULL) == ISLE_ERR_STUCK);
}

static void test_deaf_code_is_parked(void **state)
{
    (void)state;
    in_child(deaf_code);
}

static void stop_with_deaf_code(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp one = create_named(rt, "one"), two = create_named(rt, "two"), good = create(rt);
    isle_job *first = submit(one, "deaf", ISLE_FOREVER), *second = submit(two, "deaf", ISLE_FOREVER);
    isle_job *third = submit(good, "spin", ISLE_FOREVER);
    await_running(first);
    await_running(second);
    await_running(third);
    isle_error *err = NULL;
    check(isle_runtime_stop(rt, 0, &err) == ISLE_ERR_STUCK);
    check(strstr(isle_error_message(err), "one") != NULL && strstr(isle_error_message(err), "two") != NULL);
    check(strstr(isle_error_message(err), "interp-") == NULL);
    isle_error_free(err);
    check(wait_for(first) == ISLE_ERR_ENDED);
    check(wait_for(second) == ISLE_ERR_ENDED);
    check(wait_for(third) == ISLE_ERR_ENDED);
    fake_release_parked(); /* should they come back all the same, they just end */
}

static void test_the_runtime_stops_all_the_same(void **state)
{
    (void)state;
    in_child(stop_with_deaf_code);
}

static void parking_is_asked_again(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    fake.park_refusals = 5;
    check(run_and_cancel(it, "deaf") == ISLE_ERR_CANCELLED);
    stop_stuck(rt, "web");
    int64_t deadline = SOON; /* the warden goes on after the stop */
    plat_gate never = {0};
    while (fake.parks == 0 && isle_now() < deadline) {
        plat_gate_wait(&never, isle_deadline_in(ISLE_MS));
    }
    check(fake.parks == 1);
}

static void test_parking_is_asked_for_until_it_works(void **state)
{
    (void)state;
    in_child(parking_is_asked_again);
}

static void late_comer(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    check(run_and_cancel(it, "hold") == ISLE_ERR_CANCELLED);
    check(record_await(ISLE_EVENT_STUCK, 1));
    check_stuck(it, rt);
    fake_open_gate(); /* its home thread is free again: it takes no jobs, but it can end */
    int64_t deadline = SOON;
    plat_gate never = {0};
    while (stats_of(it).current_job != 0 && isle_now() < deadline) {
        plat_gate_wait(&never, isle_deadline_in(ISLE_MS));
    }
    check(submit_status(it, "ok") == ISLE_ERR_STUCK);
    check(isle_interp_end(it, SOON, NULL) == ISLE_OK);
    stop_runtime(rt);
}

static void test_one_that_comes_back_late_can_end(void **state)
{
    (void)state;
    in_child(late_comer);
}

static void late_after_burial(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    isle_job *job = submit(it, "hold", ISLE_FOREVER);
    await_running(job);
    check(isle_interp_end(it, 0, NULL) == ISLE_ERR_STUCK);
    check(wait_for(job) == ISLE_ERR_ENDED);
    check(record_await(ISLE_EVENT_INTERP_ENDED, 1));
    fake_open_gate();
    stop_stuck(rt, "web");
}

static void test_one_that_comes_back_after_its_burial_just_ends(void **state)
{
    (void)state;
    in_child(late_after_burial);
}

/* --- an end that can't be finished -------------------------------------------------------------------------------- */

static void end_is_stuck(const char *source, const char *word)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    isle_error *err = NULL;
    check(run(it, source) == ISLE_OK);
    check(isle_interp_end(it, 0, &err) == ISLE_ERR_STUCK);
    check(strstr(isle_error_message(err), word) != NULL);
    isle_error_free(err);
    check_kinds(it, "INTERP_CREATED JOB_STARTED JOB_ENDED STUCK INTERP_ENDED");
    stop_stuck(rt, word);
}

static void deaf_atexit(void)
{
    end_is_stuck("atexit deaf", "atexit");
    fake_release_parked();
}

static void deaf_destroy(void)
{
    end_is_stuck("destroy deaf", "finalizers");
    fake_release_parked();
}

static void hostile_threads(void)
{
    end_is_stuck("hostile 2", "Hostile-2");
}

static void test_an_end_that_is_stuck(void **state)
{
    (void)state;
    in_child(deaf_atexit);
    in_child(deaf_destroy);
    in_child(hostile_threads);
}

static plat_gate entered, leave, left;

static void *stay_inside(void *arg)
{
    isle_entry entry;
    check(isle_interp_enter(*(isle_interp *)arg, &entry, NULL) == ISLE_OK);
    plat_gate_open(&entered);
    plat_gate_wait(&leave, PLAT_FOREVER);
    isle_interp_leave(&entry);
    plat_gate_open(&left);
    return NULL;
}

static void entered_threads(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create_named(rt, "web");
    pthread_t thread;
    pthread_create(&thread, NULL, stay_inside, &it);
    plat_gate_wait(&entered, SOON);
    isle_error *err = NULL;
    check(isle_interp_end(it, 0, &err) == ISLE_ERR_STUCK);
    check(strstr(isle_error_message(err), "1 entered threads") != NULL);
    isle_error_free(err);
    stop_stuck(rt, "web");
    plat_gate_open(&leave); /* what it touches is still there */
    check(plat_gate_wait(&left, SOON));
    pthread_join(thread, NULL);
}

static void test_entered_threads_that_stay(void **state)
{
    (void)state;
    in_child(entered_threads);
}

/* --- reset -------------------------------------------------------------------------------------------------------- */

static void reset_with_threads(void)
{
    isle_runtime *rt = start_runtime();
    isle_interp it = create(rt);
    check(run(it, "threads 3") == ISLE_OK);
    check(isle_interp_reset(it, SOON, NULL) == ISLE_OK);
    check(fake.resets == 1);
    it = create_named(rt, "web");
    check(run(it, "hostile 1") == ISLE_OK);
    check(isle_interp_reset(it, SOON, NULL) == ISLE_ERR_STUCK);
    check(fake.resets == 1);
    stop_stuck(rt, "web");
}

static void test_a_reset_makes_threads_go_first(void **state)
{
    (void)state;
    in_child(reset_with_threads);
}

/* --- call-backs on the warden's thread ---------------------------------------------------------------------------- */

static isle_interp other;
static isle_runtime *runtime;
static isle_status run_status, end_status, stop_status, create_status;

static void wait_in_event(void *ctx, const isle_event *event)
{
    if (event->kind == ISLE_EVENT_INTERRUPT) {
        isle_interp it;
        run_status = isle_interp_run(other, "ok", SOON, NULL);
        end_status = isle_interp_end(other, SOON, NULL);
        stop_status = isle_runtime_stop(runtime, SOON, NULL);
        create_status = isle_interp_create(runtime, NULL, &it, NULL);
    }
    record(ctx, event);
}

static void test_no_waiting_where_deadlines_are_kept(void **state)
{
    (void)state;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    fake_reset();
    record_clear();
    config.on_event = wait_in_event;
    assert_int_equal(isle_runtime_start(&config, &runtime, NULL), ISLE_OK);
    isle_interp it = create(runtime);
    other = create(runtime);
    assert_int_equal(run_and_cancel(it, "spin"), ISLE_ERR_CANCELLED);
    stop_runtime(runtime);
    assert_int_equal(run_status, ISLE_ERR_STATE);
    assert_int_equal(end_status, ISLE_ERR_STATE);
    assert_int_equal(stop_status, ISLE_ERR_STATE);
    assert_int_equal(create_status, ISLE_ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deaf_code_is_parked),
        cmocka_unit_test(test_the_runtime_stops_all_the_same),
        cmocka_unit_test(test_parking_is_asked_for_until_it_works),
        cmocka_unit_test(test_one_that_comes_back_late_can_end),
        cmocka_unit_test(test_one_that_comes_back_after_its_burial_just_ends),
        cmocka_unit_test(test_an_end_that_is_stuck),
        cmocka_unit_test(test_entered_threads_that_stay),
        cmocka_unit_test(test_a_reset_makes_threads_go_first),
        cmocka_unit_test(test_no_waiting_where_deadlines_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
