/* Tests of the runtime: started, adopted, stopped with everything alive; events and the host's functions. */
#include <pthread.h>
#include <signal.h>

#include "platform.h"
#include "testing/core_testing.h"

static void test_one_at_a_time(void **state)
{
    (void)state;
    isle_runtime *rt = start_runtime(), *second;
    isle_error *err = NULL;
    assert_int_equal(isle_runtime_start(NULL, &second, &err), ISLE_ERR_STATE);
    assert_int_equal(isle_error_status(err), ISLE_ERR_STATE);
    isle_error_free(err);
    stop_runtime(rt);
    assert_int_equal(fake.starts, 1);
    assert_int_equal(fake.stops, 1);
    isle_interp it;
    assert_int_equal(isle_interp_create(rt, NULL, &it, NULL), ISLE_ERR_STATE); /* not even a stale pointer hurts */
    assert_int_equal(isle_runtime_stop(rt, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_runtime_stop(NULL, SOON, NULL), ISLE_OK);
}

static void test_configs_that_are_not_valid(void **state)
{
    (void)state;
    isle_runtime *rt;
    const isle_runtime_config good = ISLE_RUNTIME_CONFIG_INIT;
    isle_runtime_config c = good;
    c.size = 4;
    assert_int_equal(isle_runtime_start(&c, &rt, NULL), ISLE_ERR_INVALID);
    c = good;
    c.interrupt_signal = SIGRTMAX + 1;
    assert_int_equal(isle_runtime_start(&c, &rt, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_runtime_start(&good, NULL, NULL), ISLE_ERR_INVALID);
    isle_error *err = NULL;
    c = good;
    c.python = "/there/is/no/python";
    assert_int_equal(isle_runtime_start(&c, &rt, &err), ISLE_ERR_INVALID);
    assert_non_null(strstr(isle_error_message(err), "config.python: /there/is/no/python: No such file"));
    isle_error_free(err);
}

static void test_the_engine_refuses_to_start(void **state)
{
    (void)state;
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    fake_reset();
    fake.start_status = ISLE_ERR_UNSUPPORTED;
    assert_int_equal(isle_runtime_start(NULL, &rt, &err), ISLE_ERR_UNSUPPORTED);
    assert_string_equal(isle_error_message(err), "the fake engine won't start");
    isle_error_free(err);
    assert_null(rt);
    fake_attach_main();
    assert_int_equal(isle_runtime_adopt(NULL, &rt, NULL), ISLE_ERR_UNSUPPORTED);
    fake_detach_main();
    stop_runtime(start_runtime());
}

static void test_the_engine_stops_badly(void **state)
{
    (void)state;
    isle_runtime *rt = start_runtime();
    isle_error *err = NULL;
    create(rt);
    fake.stop_status = ISLE_ERR_ENGINE;
    assert_int_equal(isle_runtime_stop(rt, SOON, &err), ISLE_ERR_ENGINE);
    assert_string_equal(isle_error_message(err), "the fake engine stopped badly");
    isle_error_free(err);
    stop_runtime(start_runtime());
}

/* --- stopping ----------------------------------------------------------------------------------------------------- */

static void *run_until_refused(void *arg)
{
    isle_interp it = *(isle_interp *)arg;
    isle_status status;
    do {
        status = isle_interp_run(it, "ok", SOON, NULL);
    } while (status == ISLE_OK);
    check(status == ISLE_ERR_ENDED || status == ISLE_ERR_NO_INTERP);
    return NULL;
}

static void *create_until_refused(void *arg)
{
    isle_interp it;
    while (isle_interp_create(arg, NULL, &it, NULL) == ISLE_OK) {
        run(it, "ok");
    }
    return NULL;
}

static void test_stop_with_everything_alive(void **state)
{
    (void)state;
    enum { CALLERS = 4 };
    for (int round = 0; round < 10; round++) {
        isle_runtime *rt = start_runtime();
        isle_interp its[CALLERS];
        pthread_t threads[CALLERS + 2];
        for (int i = 0; i < CALLERS; i++) {
            its[i] = create(rt);
            submit_status(its[i], i % 2 ? "threads 2" : "ok");
            pthread_create(&threads[i], NULL, run_until_refused, &its[i]);
        }
        pthread_create(&threads[CALLERS], NULL, create_until_refused, rt);
        pthread_create(&threads[CALLERS + 1], NULL, create_until_refused, rt);
        isle_interp spinning = create(rt);
        isle_job *job = submit(spinning, "spin", ISLE_FOREVER);
        isle_interp ended = create(rt);
        assert_int_equal(isle_interp_end_later(ended, ISLE_FOREVER), ISLE_OK);
        assert_int_equal(isle_runtime_stop(rt, isle_deadline_in(ISLE_MS), NULL), ISLE_OK);
        assert_int_equal(fake.created, fake.freed);
        for (int i = 0; i < CALLERS + 2; i++) {
            pthread_join(threads[i], NULL);
        }
        assert_int_equal(wait_for(job), ISLE_ERR_ENDED);
    }
}

static void *stop_it(void *rt)
{
    check(isle_runtime_stop(rt, SOON, NULL) == ISLE_OK);
    return NULL;
}

static void test_stop_from_many_threads(void **state)
{
    (void)state;
    isle_runtime *rt = start_runtime();
    pthread_t threads[4];
    create(rt);
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, stop_it, rt);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(fake.stops, 1);
}

/* --- adopting ----------------------------------------------------------------------------------------------------- */

static void test_adopt(void **state)
{
    (void)state;
    isle_runtime *rt = NULL;
    fake_reset();
    fake_attach_main();
    assert_int_equal(isle_runtime_adopt(NULL, &rt, NULL), ISLE_OK);
    isle_interp it = create(rt);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(isle_interp_run(it, "spin", isle_deadline_in(ISLE_MS), NULL), ISLE_ERR_TIMEOUT);
    assert_int_equal(isle_runtime_stop(rt, SOON, NULL), ISLE_OK);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.freed, 1);

    assert_int_equal(isle_runtime_adopt(NULL, &rt, NULL), ISLE_OK); /* Python exits and nobody has stopped us */
    it = create(rt);
    isle_job *job = submit(it, "finish", ISLE_FOREVER);
    isle_job_cancel(job);
    fake.on_exit(fake.on_exit_ctx);
    assert_int_equal(fake.stops, 2);
    assert_true(isle_job_done(job));
    isle_job_free(job);
    fake.on_exit(fake.on_exit_ctx); /* somebody has */
    assert_int_equal(isle_runtime_stop(rt, SOON, NULL), ISLE_OK);
    assert_int_equal(fake.stops, 2);
    fake_detach_main();
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void test_events_come_in_order_with_what_they_tell(void **state)
{
    (void)state;
    isle_runtime *rt = start_runtime();
    isle_interp it = create(rt);
    assert_int_equal(run(it, "sleep 2"), ISLE_OK);
    assert_int_equal(run(it, "fail"), ISLE_ERR_PYTHON);
    assert_int_equal(run(it, "error oops"), ISLE_OK);
    isle_job *job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    isle_job_cancel(job);
    assert_int_equal(wait_for(job), ISLE_ERR_CANCELLED);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_string_equal(record_kinds(it.id),
                        "INTERP_CREATED JOB_STARTED JOB_ENDED JOB_STARTED JOB_ENDED JOB_STARTED ERROR JOB_ENDED "
                        "JOB_STARTED INTERRUPT JOB_ENDED INTERP_ENDED");
    recorded first = record_at(2), failed = record_at(4), error = record_at(6), interrupt = record_at(9);
    assert_int_equal(first.job_id, record_at(1).job_id);
    assert_true(first.wall_ns >= 2 * ISLE_MS);
    assert_int_equal(failed.status, ISLE_ERR_PYTHON);
    assert_string_equal(failed.message, "ValueError: no such colour");
    assert_string_equal(error.message, "oops");
    assert_int_equal(interrupt.status, ISLE_ERR_CANCELLED);
    assert_int_equal(interrupt.job_id, record_at(10).job_id);
    stop_runtime(rt);
}

static void cancel_when_it_starts(void *ctx, const isle_event *event)
{
    isle_job *job = *(isle_job **)ctx;
    if (job == NULL || event->job_id != isle_job_id(job)) {
        return;
    }
    if (event->kind == ISLE_EVENT_JOB_STARTED) {
        isle_job_cancel(job);
    } else if (event->kind == ISLE_EVENT_JOB_ENDED) {
        check(isle_job_done(job)); /* its call-back may ask for the result */
        check(isle_job_wait(job, ISLE_FOREVER) == ISLE_OK);
        check(isle_job_result(job, NULL, NULL) == ISLE_ERR_CANCELLED);
    }
}

static void test_a_call_back_may_ask_and_cancel(void **state)
{
    (void)state;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_runtime *rt;
    isle_job *job = NULL;
    fake_reset();
    config.on_event = cancel_when_it_starts;
    config.event_ctx = &job;
    assert_int_equal(isle_runtime_start(&config, &rt, NULL), ISLE_OK);
    isle_interp it = create(rt);
    isle_job *gate = submit(it, "wait", SOON);
    assert_true(fake_await_lasting(it.id, SOON));
    job = submit(it, "spin", SOON);
    fake_open_gate();
    assert_int_equal(isle_job_wait(job, SOON), ISLE_OK);
    assert_int_equal(isle_job_result(job, NULL, NULL), ISLE_ERR_CANCELLED);
    isle_job_free(gate);
    assert_int_equal(isle_runtime_stop(rt, SOON, NULL), ISLE_OK);
    isle_job_free(job);
}

static void test_event_names(void **state)
{
    (void)state;
    assert_string_equal(isle_event_name(ISLE_EVENT_JOB_ENDED), "JOB_ENDED");
    assert_string_equal(isle_event_name((isle_event_kind)99), "unknown");
}

/* --- the host's functions ----------------------------------------------------------------------------------------- */

static isle_status add_one(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                           isle_error **err)
{
    (void)err;
    int64_t n = 0;
    *(uint64_t *)ctx = interp_id;
    check(isle_value_type(args) == ISLE_TUPLE && isle_value_as_int64(isle_value_at(args, 0), &n));
    *out_value = isle_value_new_int(n + 1);
    return ISLE_OK;
}

static isle_status give_nothing(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                                isle_error **err)
{
    (void)ctx, (void)interp_id, (void)args, (void)out_value, (void)err;
    return ISLE_OK;
}

static isle_status refuse(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                          isle_error **err)
{
    (void)interp_id, (void)args, (void)out_value;
    if (ctx == NULL) {
        *err = isle_error_new(ISLE_ERR_LIMIT, "not today");
    }
    return ISLE_ERR_LIMIT;
}

static void test_host_functions(void **state)
{
    (void)state;
    uint64_t caller = 0;
    char name[] = "add_one";
    const isle_host_function functions[] = {
        {name, add_one, &caller}, {"nothing", give_nothing, NULL}, {"refuse", refuse, NULL}, {"mute", refuse, &caller}};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_runtime *rt;
    isle_error *err = NULL;
    fake_reset();
    config.host_functions = functions;
    config.host_function_count = 4;
    assert_int_equal(isle_runtime_start(&config, &rt, NULL), ISLE_OK);
    name[0] = 'X';
    isle_interp it = create(rt);
    isle_value *value = NULL;
    assert_int_equal(isle_interp_call(it, "host add_one", NULL, SOON, &value, NULL), ISLE_OK);
    int64_t n = 0;
    assert_true(isle_value_as_int64(value, &n));
    assert_int_equal(n, 2);
    assert_int_equal(caller, it.id);
    isle_value_free(value);
    assert_int_equal(isle_interp_call(it, "host nothing", NULL, SOON, &value, NULL), ISLE_OK);
    assert_int_equal(isle_value_type(value), ISLE_NONE);
    isle_value_free(value);
    assert_int_equal(isle_interp_call(it, "host refuse", NULL, SOON, NULL, &err), ISLE_ERR_PYTHON);
    assert_string_equal(isle_error_message(err), "not today");
    isle_error_free(err);
    assert_int_equal(isle_interp_call(it, "host mute", NULL, SOON, NULL, NULL), ISLE_ERR_PYTHON);
    assert_int_equal(isle_interp_call(it, "host nobody", NULL, SOON, NULL, &err), ISLE_ERR_PYTHON);
    assert_string_equal(isle_error_message(err), "the host has no such function");
    isle_error_free(err);
    assert_int_equal(isle_runtime_stop(rt, SOON, NULL), ISLE_OK);
}

static void test_host_functions_that_are_not_valid(void **state)
{
    (void)state;
    const isle_host_function bad[][2] = {{{"a b", refuse, NULL}, {"ok", refuse, NULL}},
                                         {{"ok", refuse, NULL}, {"1a", refuse, NULL}},
                                         {{"ok", refuse, NULL}, {"no", NULL, NULL}},
                                         {{"ok", refuse, NULL}, {"ok", refuse, NULL}},
                                         {{"ok", refuse, NULL}, {NULL, refuse, NULL}}};
    isle_runtime *rt;
    fake_reset();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
        config.host_functions = bad[i];
        config.host_function_count = 2;
        assert_int_equal(isle_runtime_start(&config, &rt, NULL), ISLE_ERR_INVALID);
    }
    assert_int_equal(fake.starts, 0);
}

static void test_output_is_counted(void **state)
{
    (void)state;
    isle_runtime *rt = start_runtime();
    isle_interp it = create(rt);
    assert_int_equal(run(it, "output hello"), ISLE_OK);
    assert_int_equal(run(it, "output you"), ISLE_OK);
    assert_int_equal(stats_of(it).output_bytes, 8);
    stop_runtime(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_configs_that_are_not_valid),
        cmocka_unit_test(test_the_engine_refuses_to_start),
        cmocka_unit_test(test_the_engine_stops_badly),
        cmocka_unit_test(test_stop_with_everything_alive),
        cmocka_unit_test(test_stop_from_many_threads),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_events_come_in_order_with_what_they_tell),
        cmocka_unit_test(test_a_call_back_may_ask_and_cancel),
        cmocka_unit_test(test_event_names),
        cmocka_unit_test(test_host_functions),
        cmocka_unit_test(test_host_functions_that_are_not_valid),
        cmocka_unit_test(test_output_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
