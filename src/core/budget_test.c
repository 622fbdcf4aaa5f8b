/* Tests of budgets, with an engine that says it has used what it is told to say. */
#include <pthread.h>

#include "testing/core_testing.h"
#include "platform.h"

static isle_interp create_with(const isle_budgets *limits)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    config.budgets = limits;
    config.stuck_after_ns = 20 * ISLE_SECOND;
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, NULL), ISLE_OK);
    return it;
}

static size_t told(const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < record_count(); i++) {
        recorded r = record_at(i);
        count += r.kind == ISLE_EVENT_BUDGET && strncmp(r.message, text, strlen(text)) == 0;
    }
    return count;
}

static void test_cpu_time_that_is_used_up_ends_the_job_and_those_behind_it(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.cpu_ns = (isle_limit){.soft = 10 * ISLE_MS, .hard = 20 * ISLE_MS};
    isle_interp it = create_with(&limits);
    isle_job *first = submit(it, "spin", ISLE_FOREVER), *second = submit(it, "ok", ISLE_FOREVER);
    await_running(first);
    atomic_store(&fake.cpu_ns, 15 * ISLE_MS);
    assert_true(record_await(ISLE_EVENT_BUDGET, 1));
    assert_int_equal(told("cpu: the soft limit of 0.01 s is used up (0.015 s)"), 1);
    assert_false(isle_job_done(first));
    atomic_store(&fake.cpu_ns, 25 * ISLE_MS);
    assert_int_equal(wait_for(first), ISLE_ERR_BUDGET);
    assert_int_equal(wait_for(second), ISLE_ERR_BUDGET);
    assert_int_equal(submit_status(it, "ok"), ISLE_ERR_BUDGET);
    assert_int_equal(told("cpu: the limit of 0.02 s is used up (0.025 s)"), 1);
    limits.cpu_ns.hard = ISLE_SECOND;
    assert_int_equal(isle_interp_set_budgets(it, &limits, NULL), ISLE_OK);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    isle_usage u = {.size = sizeof u};
    assert_int_equal(isle_interp_get_usage(it, &u), ISLE_OK);
    assert_int_equal(u.cpu_ns.used, 25 * ISLE_MS);
    assert_int_equal(u.cpu_ns.hard, ISLE_SECOND);
    assert_int_equal(u.cpu_ns.reached, 1);
}

static void test_wall_time_is_of_one_job(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.wall_ns.hard = 10 * ISLE_MS;
    isle_interp it = create_with(&limits);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(it, "spin"), ISLE_ERR_BUDGET);
        assert_int_equal(run(it, "ok"), ISLE_OK);
    }
    assert_int_equal(told("wall: the limit of 0.01 s is reached"), 3);
    assert_int_equal(run(it, "stubborn"), ISLE_ERR_BUDGET);
    isle_usage u = {.size = sizeof u};
    assert_int_equal(isle_interp_get_usage(it, &u), ISLE_OK);
    assert_int_equal(u.wall_ns.reached, 4);
    assert_int_equal(u.wall_ns.used, 0);
    assert_true(u.wall_ns.peak >= 10 * ISLE_MS);
}

static void test_output_that_is_used_up(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.output_bytes = (isle_limit){.soft = 3, .hard = 6};
    isle_interp it = create_with(&limits);
    assert_int_equal(run(it, "output abcd"), ISLE_OK);
    assert_true(record_await(ISLE_EVENT_BUDGET, 1));
    assert_int_equal(told("output: the soft limit of 3 bytes is used up (4 bytes)"), 1);
    isle_job *job = submit(it, "output abcd", ISLE_FOREVER);
    isle_job_wait(job, SOON);
    isle_job_free(job);
    assert_true(record_await(ISLE_EVENT_BUDGET, 2));
    assert_int_equal(told("output: the limit of 6 bytes is used up (6 bytes)"), 1);
    isle_usage u = {.size = sizeof u};
    assert_int_equal(isle_interp_get_usage(it, &u), ISLE_OK);
    assert_int_equal(u.output_bytes.used, 6);
    assert_int_equal(u.output_bytes.reached, 1);
    assert_int_equal(submit_status(it, "ok"), ISLE_ERR_BUDGET);
}

static void test_the_first_reason_counts(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.wall_ns.hard = 30 * ISLE_MS;
    isle_interp it = create_with(&limits);
    isle_job *job = submit(it, "again 2", isle_deadline_in(1 * ISLE_MS));
    assert_int_equal(wait_for(job), ISLE_ERR_TIMEOUT);
}

static void test_memory_that_cannot_be_counted(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    isle_error *err = NULL;
    atomic_store(&fake.counts_no_memory, true);
    limits.threads.hard = 3;
    config.budgets = &limits;
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, NULL), ISLE_OK);
    limits.memory_bytes.soft = 3;
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, &err), ISLE_ERR_UNSUPPORTED);
    assert_string_equal(isle_error_message(err), "isle_interp_config.budgets: memory_bytes: this engine can't");
    isle_error_free(err);
    err = NULL;
    assert_int_equal(isle_interp_set_budgets(it, &limits, &err), ISLE_ERR_UNSUPPORTED);
    assert_string_equal(isle_error_message(err), "isle_budgets.memory_bytes: this engine can't");
    isle_error_free(err);
    atomic_store(&fake.counts_no_memory, false);
}

/* Nothing is refused for a limit that is just met, so there is no need to stop. */
static void test_output_up_to_the_limit(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.output_bytes.hard = 8;
    isle_interp it = create_with(&limits);
    assert_int_equal(run(it, "output abcd"), ISLE_OK);
    assert_int_equal(run(it, "output abcd"), ISLE_OK);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    assert_int_equal(told("output"), 0);
    run(it, "output x");
    assert_int_equal(submit_status(it, "ok"), ISLE_ERR_BUDGET); /* at once, before the warden has looked */
}

static void await_count(_Atomic int *count, int wanted)
{
    int64_t until = SOON;
    while (atomic_load(count) < wanted && plat_now() < until) {
        plat_gate never = {0};
        plat_gate_wait(&never, plat_now() + ISLE_MS);
    }
    assert_true(atomic_load(count) >= wanted);
}

static void test_threads_that_use_up_cpu_time_are_stopped(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    limits.cpu_ns.hard = 20 * ISLE_MS;
    config.budgets = &limits;
    config.cancel_grace_ns = 20 * ISLE_MS;
    config.stuck_after_ns = 100 * ISLE_MS;
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, NULL), ISLE_OK);
    atomic_store(&fake.burning, 2);
    assert_int_equal(run(it, "ok"), ISLE_OK); /* from now on the threads alone run */
    atomic_store(&fake.cpu_ns, 25 * ISLE_MS);
    await_count(&fake.thread_insists, 1);
    assert_int_equal(atomic_load(&fake.thread_stops), 1);
    assert_true(record_await(ISLE_EVENT_BUDGET, 2));
    assert_int_equal(told("cpu: the limit of 0.02 s is used up (0.025 s)"), 1);
    assert_int_equal(told("cpu: the limit of 0.02 s is used up, and threads that could not be stopped are parked"), 1);
    assert_int_equal(atomic_load(&fake.burning), 0);
    assert_int_equal(submit_status(it, "ok"), ISLE_ERR_STUCK);
}

static void test_more_cpu_time_lets_threads_be(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.cpu_ns.hard = 20 * ISLE_MS;
    isle_interp it = create_with(&limits);
    atomic_store(&fake.burning, 1);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    atomic_store(&fake.cpu_ns, 25 * ISLE_MS);
    await_count(&fake.thread_insists, 1);
    limits.cpu_ns.hard = ISLE_SECOND;
    assert_int_equal(isle_interp_set_budgets(it, &limits, NULL), ISLE_OK);
    assert_int_equal(atomic_load(&fake.thread_lets), 1);
    assert_int_equal(run(it, "ok"), ISLE_OK);
    atomic_store(&fake.burning, 0);
}

static void test_who_asks_on_and_on_is_stopped(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.messages.hard = 1;
    isle_interp it = create_with(&limits);
    isle_job *job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    atomic_store(&fake.messages_refused, 999);
    fake_refuse(it.id, ISLE_BUDGET_MESSAGES);
    assert_true(record_await(ISLE_EVENT_BUDGET, 1));
    assert_false(isle_job_done(job));
    atomic_store(&fake.messages_refused, 1000);
    fake_refuse(it.id, ISLE_BUDGET_MESSAGES);
    assert_int_equal(wait_for(job), ISLE_ERR_BUDGET);
    assert_int_equal(run(it, "ok"), ISLE_OK);
}

static void test_descriptors_are_looked_at(void **state)
{
    (void)state;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    limits.descriptors = (isle_limit){.soft = 5, .hard = 10};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    isle_error *err = NULL;
    config.budgets = &limits;
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, &err), ISLE_ERR_INVALID);
    assert_non_null(strstr(isle_error_message(err), "descriptors: the interpreter has no table of its own"));
    isle_error_free(err);
    config.private_descriptors = true;
    config.stuck_after_ns = 20 * ISLE_SECOND;
    if (isle_interp_create(test_runtime, &config, &it, NULL) != ISLE_OK) {
        return; /* the system has no such thing */
    }
    atomic_store(&fake.descriptors, 3);
    isle_job *job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    atomic_store(&fake.descriptors, 10);
    assert_true(record_await(ISLE_EVENT_BUDGET, 1));
    assert_int_equal(told("descriptors: the soft limit of 5 is reached (10)"), 1);
    atomic_store(&fake.descriptors, 11);
    assert_int_equal(wait_for(job), ISLE_ERR_BUDGET);
    assert_int_equal(told("descriptors: the limit of 10 is reached (11)"), 1);
    assert_int_equal(run(it, "sleep 30"), ISLE_OK); /* it may close what there is too much */
    job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    atomic_store(&fake.descriptors, 12);
    assert_int_equal(wait_for(job), ISLE_ERR_BUDGET);
}

/* Limits change, usage is read and jobs run, all at once. */
static void *change_limits(void *arg)
{
    isle_interp it = *(isle_interp *)arg;
    isle_budgets limits = ISLE_BUDGETS_INIT;
    isle_usage u = {.size = sizeof u};
    for (int i = 0; i < 300; i++) {
        limits.cpu_ns.hard = i % 2 == 0 ? 1 : ISLE_SECOND;
        limits.wall_ns.hard = i % 3 == 0 ? 1 : ISLE_SECOND;
        isle_interp_set_budgets(it, &limits, NULL);
        isle_interp_get_usage(it, &u);
    }
    return NULL;
}

static void test_all_at_once(void **state)
{
    (void)state;
    isle_interp it = create_with(NULL);
    pthread_t threads[2];
    atomic_store(&fake.cpu_ns, 100);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, change_limits, &it), 0);
    }
    for (int i = 0; i < 300; i++) {
        isle_status status = isle_interp_run(it, i % 2 == 0 ? "sleep 1" : "output x", SOON, NULL);
        assert_true(status == ISLE_OK || status == ISLE_ERR_BUDGET);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cpu_time_that_is_used_up_ends_the_job_and_those_behind_it),
        TEST(test_wall_time_is_of_one_job),
        TEST(test_output_that_is_used_up),
        TEST(test_output_up_to_the_limit),
        TEST(test_threads_that_use_up_cpu_time_are_stopped),
        TEST(test_more_cpu_time_lets_threads_be),
        TEST(test_who_asks_on_and_on_is_stopped),
        TEST(test_descriptors_are_looked_at),
        TEST(test_the_first_reason_counts),
        TEST(test_memory_that_cannot_be_counted),
        TEST(test_all_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
