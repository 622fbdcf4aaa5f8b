/* Tests of the counters. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "counters.h"

static counters_snapshot read_at(const counters *c, int64_t now)
{
    counters_snapshot s;
    counters_read(c, now, &s);
    return s;
}

static void test_wall_time_includes_the_job_that_runs(void **state)
{
    (void)state;
    counters c = {0};
    counters_job_started(&c, 1000);
    assert_int_equal(read_at(&c, 1500).wall_ns, 500);
    counters_job_stopped(&c, 1700);
    assert_int_equal(read_at(&c, 9000).wall_ns, 700);
    counters_job_started(&c, 10000);
    assert_int_equal(read_at(&c, 10001).wall_ns, 701);
}

static void test_a_job_that_never_started_has_ended_too(void **state)
{
    (void)state;
    counters c = {0};
    counters_job_ended(&c, true);
    counters_job_started(&c, 1);
    counters_job_stopped(&c, 2);
    counters_job_ended(&c, false);
    counters_snapshot s = read_at(&c, 3);
    assert_int_equal(s.jobs_started, 1);
    assert_int_equal(s.jobs_ended, 2);
    assert_int_equal(s.jobs_failed, 1);
}

static void *count_much(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        counters_output(arg, 3, UINT64_MAX);
        counters_interrupt(arg);
    }
    return NULL;
}

static void test_threads_lose_no_count(void **state)
{
    (void)state;
    counters c = {0};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, &c), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    counters_snapshot s = read_at(&c, 0);
    assert_int_equal(s.output_bytes, 120000);
    assert_int_equal(s.interrupts, 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall_time_includes_the_job_that_runs),
        cmocka_unit_test(test_a_job_that_never_started_has_ended_too),
        cmocka_unit_test(test_threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
