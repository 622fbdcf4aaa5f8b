/* Tests of jobs: their order, their one end, what is asked of them. */
#include <poll.h>
#include <pthread.h>

#include "testing/core_testing.h"
#include "platform.h"

static void test_a_call_gives_back_its_value(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_value *args = isle_value_new_tuple(), *result = NULL;
    isle_value_append(args, isle_value_new_int(42));
    assert_int_equal(isle_interp_call(it, "echo", args, SOON, &result, NULL), ISLE_OK);
    int64_t n;
    assert_true(isle_value_as_int64(result, &n));
    assert_int_equal(n, 42);
    isle_value_free(result);
    result = NULL;
    assert_int_equal(isle_interp_call(it, "echo", NULL, SOON, &result, NULL), ISLE_OK);
    assert_int_equal(isle_value_type(result), ISLE_NONE);
    isle_value_free(result);
    assert_int_equal(isle_interp_call(it, "echo", args, ISLE_FOREVER, NULL, NULL), ISLE_OK);
    assert_int_equal(isle_interp_get_global(it, "id", SOON, &result, NULL), ISLE_OK);
    assert_true(isle_value_as_int64(result, &n));
    assert_int_equal(n, it.id);
    isle_value_free(result);
    assert_int_equal(isle_interp_set_global(it, "x", args, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_interp_reset(it, SOON, NULL), ISLE_OK);
    assert_int_equal(fake.resets, 1);
    isle_value_free(args);
}

static void test_kwargs_and_lists(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    isle_value *args = isle_value_new_list(), *kwargs = isle_value_new_dict(), *result;
    isle_value_append(args, isle_value_new_str("a"));
    isle_value_set_str(kwargs, "k", isle_value_new_int(1));
    config.kind = ISLE_JOB_CALL;
    config.target = "echo";
    config.args = args;
    config.kwargs = kwargs;
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_OK);
    assert_int_equal(isle_job_wait(job, SOON), ISLE_OK);
    assert_int_equal(isle_job_result(job, &result, NULL), ISLE_OK);
    assert_string_equal(isle_value_as_str(result, NULL), "a");
    isle_value_free(result);
    isle_job_free(job);

    config.args = kwargs;
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_ERR_INVALID);
    config.args = NULL;
    config.kwargs = args;
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_ERR_INVALID);
    isle_value_set(kwargs, isle_value_new_int(1), isle_value_new_int(1));
    config.kwargs = kwargs;
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_ERR_INVALID);
    isle_value_free(args);
    isle_value_free(kwargs);
}

static void test_configs_that_are_not_valid(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_error *err = NULL;
    const char *const hole[] = {"a", NULL};
    isle_job_config good = ISLE_JOB_CONFIG_INIT;
    good.target = "ok";
    isle_job_config bad[5];
    for (size_t i = 0; i < 5; i++) {
        bad[i] = good;
    }
    bad[0].size = 0;
    bad[1].target = NULL;
    bad[2].kind = (isle_job_kind)9;
    bad[3].argc = 2;
    bad[4].argc = 2;
    bad[4].argv = hole;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(isle_job_submit(it, &bad[i], NULL, &err), ISLE_ERR_INVALID);
        assert_int_equal(isle_error_status(err), ISLE_ERR_INVALID);
        isle_error_free(err);
        err = NULL;
    }
    assert_int_equal(isle_job_submit(it, NULL, NULL, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_interp_run(it, NULL, SOON, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_interp_set_global(it, "x", NULL, SOON, NULL), ISLE_ERR_INVALID);

    struct { /* of a later version of the library */
        isle_job_config config;
        int64_t more;
    } later = {good, 0};
    later.config.size = sizeof later;
    assert_int_equal(isle_job_submit(it, &later.config, NULL, NULL), ISLE_OK);
    later.more = 1;
    assert_int_equal(isle_job_submit(it, &later.config, NULL, NULL), ISLE_ERR_UNSUPPORTED);
}

static void test_jobs_run_in_order(void **state)
{
    (void)state;
    enum { JOBS = 50 };
    isle_interp it = create(test_runtime);
    isle_job *jobs[JOBS];
    isle_job *first = submit(it, "wait", ISLE_FOREVER);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = submit(it, "ok", i % 2 ? ISLE_FOREVER : SOON);
    }
    await_running(first);
    assert_int_equal(stats_of(it).jobs_queued, JOBS);
    assert_int_equal(stats_of(it).current_job, isle_job_id(first));
    assert_int_equal(stats_of(it).state, ISLE_INTERP_RUNNING);
    fake_open_gate();
    assert_int_equal(isle_job_wait(jobs[JOBS - 1], SOON), ISLE_OK);
    uint64_t last_started = 0;
    size_t started = 0;
    for (size_t i = 0; i < record_count(); i++) {
        recorded r = record_at(i);
        if (r.kind == ISLE_EVENT_JOB_STARTED) {
            assert_true(r.job_id > last_started);
            last_started = r.job_id;
            started++;
        }
    }
    assert_int_equal(started, JOBS + 1);
    assert_int_equal(wait_for(first), ISLE_OK);
    for (int i = 0; i < JOBS; i++) {
        assert_true(isle_job_done(jobs[i]));
        assert_int_equal(wait_for(jobs[i]), ISLE_OK);
    }
}

static void test_errors_come_with_the_result(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_error *err = NULL, *again = NULL;
    isle_job *job = submit(it, "fail", SOON);
    assert_int_equal(isle_job_wait(job, SOON), ISLE_OK);
    assert_int_equal(isle_job_result(job, NULL, &err), ISLE_ERR_PYTHON);
    assert_int_equal(isle_job_result(job, NULL, &again), ISLE_ERR_PYTHON);
    isle_job_free(job);
    isle_interp_end(it, SOON, NULL);
    assert_string_equal(isle_error_message(err), "ValueError: no such colour"); /* it outlives all */
    assert_string_equal(isle_exception_type(isle_error_exception(again)), "ValueError");
    isle_error_free(err);
    isle_error_free(again);
    err = NULL;

    it = create(test_runtime);
    assert_int_equal(isle_interp_run(it, "fail oddly", SOON, &err), ISLE_ERR_PYTHON);
    assert_string_equal(isle_error_message(err), "an exception");
    isle_error_free(err);
    err = NULL;
    assert_int_equal(isle_interp_run(it, "exit 3", SOON, &err), ISLE_ERR_EXIT);
    assert_int_equal(isle_error_exit_status(err), 3);
    isle_error_free(err);
    assert_int_equal(stats_of(it).jobs_failed, 2);
}

static void test_result_before_the_end_is_busy(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "wait", SOON);
    isle_error *err = NULL;
    assert_int_equal(isle_job_result(job, NULL, &err), ISLE_ERR_BUSY);
    isle_error_free(err);
    assert_false(isle_job_done(job));
    assert_int_equal(isle_job_wait(job, 0), ISLE_ERR_TIMEOUT);
    assert_int_equal(isle_job_wait(job, isle_deadline_in(ISLE_MS)), ISLE_ERR_TIMEOUT);
    fake_open_gate();
    assert_int_equal(wait_for(job), ISLE_OK);
}

static void test_a_running_job_is_cancelled(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    isle_job_cancel(job);
    isle_job_cancel(job);
    isle_error *err = NULL;
    assert_int_equal(isle_job_wait(job, SOON), ISLE_OK);
    assert_int_equal(isle_job_result(job, NULL, &err), ISLE_ERR_CANCELLED);
    assert_int_equal(isle_error_exit_status(err), 130);
    isle_error_free(err);
    isle_job_cancel(job); /* does nothing */
    isle_job_free(job);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(stats_of(it).interrupts, 1);
    isle_job_cancel(NULL);
}

static void test_a_queued_job_is_cancelled_at_once(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *first = submit(it, "wait", SOON);
    isle_job *middle = submit(it, "fail", SOON);
    isle_job *last = submit(it, "ok", SOON);
    isle_job_cancel(middle);
    assert_true(isle_job_done(middle));
    assert_int_equal(isle_job_wall_ns(middle), 0);
    assert_int_equal(wait_for(middle), ISLE_ERR_CANCELLED);
    assert_false(isle_job_done(first));
    fake_open_gate();
    assert_int_equal(wait_for(first), ISLE_OK);
    assert_int_equal(wait_for(last), ISLE_OK);
    assert_int_equal(stats_of(it).jobs_started, 2);
    assert_int_equal(stats_of(it).jobs_ended, 3);
}

static void test_deadlines(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_error *err = NULL;
    int64_t before = isle_now();
    assert_int_equal(isle_interp_run(it, "spin", isle_deadline_in(10 * ISLE_MS), &err), ISLE_ERR_TIMEOUT);
    assert_true(isle_now() - before >= 10 * ISLE_MS);
    assert_int_equal(isle_error_exit_status(err), 124);
    isle_error_free(err);

    isle_job *first = submit(it, "wait", SOON); /* a queued one is stopped too, and without delay */
    isle_job *queued = submit(it, "ok", isle_deadline_in(5 * ISLE_MS));
    assert_int_equal(wait_for(queued), ISLE_ERR_TIMEOUT);
    assert_false(isle_job_done(first));
    assert_int_equal(isle_interp_run(it, "ok", isle_deadline_in(5 * ISLE_MS), NULL), ISLE_ERR_TIMEOUT);
    fake_open_gate();
    assert_int_equal(wait_for(first), ISLE_OK);

    uint64_t started = stats_of(it).jobs_started; /* one that has passed never starts */
    assert_int_equal(isle_interp_run(it, "ok", 0, NULL), ISLE_ERR_TIMEOUT);
    assert_int_equal(isle_interp_run(it, "ok", isle_now(), NULL), ISLE_ERR_TIMEOUT);
    assert_int_equal(stats_of(it).jobs_started, started);
    assert_int_equal(run(it, "ok"), ISLE_OK);
}

static void test_a_job_that_ends_well_while_it_is_interrupted_keeps_its_outcome(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    assert_int_equal(run_and_cancel(it, "finish"), ISLE_OK);
}

static void test_code_that_catches_gets_it_at_every_step(void **state)
{
    (void)state;
    isle_interp it = create_impatient(test_runtime, 15, 20000);
    int64_t before = isle_now();
    assert_int_equal(run_and_cancel(it, "stubborn"), ISLE_ERR_CANCELLED);
    assert_true(isle_now() - before >= 15 * ISLE_MS);
    assert_true(fake.insists >= 1);
    assert_true(fake.interrupts >= 1); /* gently at first */
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(stats_of(it).state, ISLE_INTERP_IDLE);
}

/* One exception, then time to clean up; only the system call is woken again and again. */
static void test_it_is_interrupted_once_until_its_grace_is_over(void **state)
{
    (void)state;
    isle_interp it = create_impatient(test_runtime, 100, 30000);
    int64_t before = isle_now();
    assert_int_equal(run_and_cancel(it, "again 2"), ISLE_ERR_CANCELLED);
    assert_true(isle_now() - before >= 100 * ISLE_MS);
    assert_int_equal(fake.interrupts, 1);
    assert_int_equal(fake.insists, 1);
    it = create_impatient(test_runtime, 20000, 30000);
    assert_int_equal(run_and_cancel(it, "nudged 4"), ISLE_ERR_CANCELLED);
    assert_int_equal(fake.interrupts, 2);
    assert_int_equal(fake.insists, 1);
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_descriptor_is_readable_at_the_end(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "wait", SOON);
    int fd = isle_job_fd(job);
    assert_true(fd >= 0);
    assert_int_equal(isle_job_fd(job), fd);
    assert_false(is_readable(fd));
    fake_open_gate();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 20000), 1);
    assert_true(isle_job_done(job));
    assert_int_equal(wait_for(job), ISLE_OK);

    job = submit(it, "ok", SOON);
    assert_int_equal(isle_job_wait(job, SOON), ISLE_OK);
    assert_true(is_readable(isle_job_fd(job))); /* made after the end */
    isle_job_free(job);
}

static void test_a_handle_may_go_before_its_job(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "wait", SOON);
    isle_job_free(job);
    isle_job_free(NULL);
    assert_int_equal(submit_status(it, "ok"), ISLE_OK);
    fake_open_gate();
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(stats_of(it).jobs_ended, 3);
}

static void test_a_handle_may_stay_after_all_has_ended(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *done = submit(it, "ok", SOON), *running = submit(it, "spin", ISLE_FOREVER);
    isle_job *queued = submit(it, "ok", ISLE_FOREVER);
    await_running(running);
    assert_int_equal(isle_runtime_stop(test_runtime, 0, NULL), ISLE_OK);
    assert_int_equal(wait_for(done), ISLE_OK);
    assert_int_equal(isle_job_wait(running, 0), ISLE_OK);
    assert_true(isle_job_wall_ns(running) > 0);
    isle_job_cancel(running);
    assert_true(is_readable(isle_job_fd(running)));
    assert_int_equal(wait_for(running), ISLE_ERR_ENDED);
    assert_int_equal(wait_for(queued), ISLE_ERR_ENDED);
    test_runtime = start_runtime();
}

static void test_join_threads_lasts_as_long_as_they_do(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    config.target = "threads 2";
    config.join_threads = true;
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_OK);
    await_running(job);
    isle_job_cancel(job);
    assert_int_equal(wait_for(job), ISLE_ERR_CANCELLED);
    config.target = "fail"; /* how the code itself failed counts for more */
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_OK);
    await_running(job);
    isle_job_cancel(job);
    assert_int_equal(wait_for(job), ISLE_ERR_PYTHON);
    config.target = "threads 0";
    assert_int_equal(isle_job_submit(it, &config, &job, NULL), ISLE_OK);
    assert_int_equal(wait_for(job), ISLE_OK);
}

static void test_times(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "sleep 10", SOON);
    isle_job *queued = submit(it, "ok", SOON);
    await_running(job);
    assert_true(isle_job_wall_ns(job) > 0);
    assert_int_equal(isle_job_cpu_ns(queued), 0);
    assert_int_equal(isle_job_wait(queued, SOON), ISLE_OK);
    assert_true(isle_job_wall_ns(job) >= 10 * ISLE_MS);
    assert_true(isle_job_cpu_ns(job) > 0);
    assert_true(isle_job_cpu_ns(job) < 10 * ISLE_MS);
    assert_true(stats_of(it).wall_ns >= 10 * ISLE_MS);
    assert_true(stats_of(it).cpu_ns > 0);
    isle_job_free(job);
    isle_job_free(queued);
}

/* On the home thread, inside the interpreter. */
static void call_ourselves(void *ctx)
{
    isle_interp it = *(isle_interp *)ctx;
    isle_error *err = NULL;
    check(isle_interp_run(it, "ok", SOON, &err) == ISLE_ERR_STATE);
    check(isle_error_status(err) == ISLE_ERR_STATE);
    isle_error_free(err);
    check(isle_interp_end(it, SOON, NULL) == ISLE_ERR_STATE);
    check(isle_runtime_stop(test_runtime, SOON, NULL) == ISLE_ERR_STATE);
    isle_job *job = submit(it, "ok", ISLE_FOREVER); /* it will run after this one */
    check(isle_job_wait(job, SOON) == ISLE_ERR_STATE);
    check(isle_job_wait(job, 0) == ISLE_ERR_TIMEOUT);
    isle_job_free(job);
}

static void test_from_inside_nothing_waits_for_itself(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    fake.callback = call_ourselves;
    fake.callback_ctx = &it;
    assert_int_equal(run(it, "callback"), ISLE_OK);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(stats_of(it).jobs_ended, 3);
}

static void call_another(void *ctx)
{
    check(run(*(isle_interp *)ctx, "ok") == ISLE_OK);
}

static void test_one_interpreter_calls_another(void **state)
{
    (void)state;
    isle_interp one = create(test_runtime), another = create(test_runtime);
    fake.callback = call_another;
    fake.callback_ctx = &another;
    assert_int_equal(run(one, "callback"), ISLE_OK);
    assert_int_equal(stats_of(another).jobs_ended, 1);
}

static void test_no_such_interpreter(void **state)
{
    (void)state;
    isle_interp none = {0}, never = {UINT64_MAX}, ended = create(test_runtime);
    isle_interp_end(ended, SOON, NULL);
    isle_interp_stats stats = {.size = sizeof stats};
    const isle_interp all[] = {none, never, ended};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(run(all[i], "ok"), ISLE_ERR_NO_INTERP);
        assert_int_equal(submit_status(all[i], "ok"), ISLE_ERR_NO_INTERP);
        assert_int_equal(isle_interp_get_stats(all[i], &stats), ISLE_ERR_NO_INTERP);
    }
}

static void test_an_attached_caller_is_detached_while_it_waits(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    fake_attach_main();
    assert_int_equal(run(it, "sleep 1"), ISLE_OK);
    fake_detach_main(); /* it is attached again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_call_gives_back_its_value),
        TEST(test_kwargs_and_lists),
        TEST(test_configs_that_are_not_valid),
        TEST(test_jobs_run_in_order),
        TEST(test_errors_come_with_the_result),
        TEST(test_result_before_the_end_is_busy),
        TEST(test_a_running_job_is_cancelled),
        TEST(test_a_queued_job_is_cancelled_at_once),
        TEST(test_deadlines),
        TEST(test_a_job_that_ends_well_while_it_is_interrupted_keeps_its_outcome),
        TEST(test_code_that_catches_gets_it_at_every_step),
        TEST(test_it_is_interrupted_once_until_its_grace_is_over),
        TEST(test_descriptor_is_readable_at_the_end),
        TEST(test_a_handle_may_go_before_its_job),
        TEST(test_a_handle_may_stay_after_all_has_ended),
        TEST(test_join_threads_lasts_as_long_as_they_do),
        TEST(test_times),
        TEST(test_from_inside_nothing_waits_for_itself),
        TEST(test_one_interpreter_calls_another),
        TEST(test_no_such_interpreter),
        TEST(test_an_attached_caller_is_detached_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
