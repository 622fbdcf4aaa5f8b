/* Pools, against the real library: warm interpreters are taken, given back, reset or replaced; failures reach whoever
 * waits; destroying wakes all and ends all. */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static isle_pool *make_pool(isle_pool_config config)
{
    isle_pool *pool = NULL;
    isle_error *err = NULL;
    check_status(isle_pool_create(runtime, &config, &pool, &err), ISLE_OK, err);
    return pool;
}

static void destroy(isle_pool *pool)
{
    isle_error *err = NULL;
    check_status(isle_pool_destroy(pool, SOON, &err), ISLE_OK, err);
    check(isle_interp_list(NULL, 0) == 0);
}

static isle_interp acquire(isle_pool *pool)
{
    isle_interp it = {0};
    isle_error *err = NULL;
    check_status(isle_pool_acquire(pool, SOON, &it, &err), ISLE_OK, err);
    return it;
}

static void release(isle_pool *pool, isle_interp it)
{
    check(isle_pool_release(pool, it) == ISLE_OK);
}

static isle_pool_stats stats_of(isle_pool *pool)
{
    isle_pool_stats stats = {.size = sizeof stats};
    isle_pool_get_stats(pool, &stats);
    return stats;
}

static void await_warm(isle_pool *pool, size_t count)
{
    int64_t limit = SOON;
    const struct timespec moment = {.tv_nsec = 100000};
    while (stats_of(pool).warm < count && isle_now() < limit) {
        nanosleep(&moment, NULL);
    }
    check(stats_of(pool).warm >= count);
}

/* --- reuse -------------------------------------------------------------------------------------------------------- */

static void test_a_reset_one_is_as_it_was_after_the_warm_up(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    config.reuse = ISLE_REUSE_RESET;
    config.warm_up = "import json, sys\nkept = 7";
    isle_pool *pool = make_pool(config);
    isle_interp first = acquire(pool);
    run(first, "import csv\nmine = 1\nkept = 8\nsys.argv.append('x')");
    release(pool, first);
    isle_interp second = acquire(pool);
    assert_int_equal(second.id, first.id);
    check_eval(second, "kept", "7");
    check_eval(second, "'json' in sys.modules", "True");
    check_eval(second, "'csv' in sys.modules", "False");
    check_eval(second, "'mine' in globals()", "False");
    check_eval(second, "'x' in sys.argv", "False");
    release(pool, second);
    await_warm(pool, 1);
    isle_pool_stats stats = stats_of(pool);
    assert_int_equal(stats.acquired, 2);
    assert_int_equal(stats.created, 1);
    assert_int_equal(stats.reset, 2);
    assert_int_equal(stats.replaced, 0);
    destroy(pool);
}

static void test_never_reused(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    isle_pool *pool = make_pool(config);
    uint64_t seen[6] = {0};
    for (int i = 0; i < 6; i++) {
        isle_interp it = acquire(pool);
        run(it, "assert 'mine' not in globals()\nmine = 1");
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(seen[j], it.id);
        }
        seen[i] = it.id;
        release(pool, it);
    }
    await_warm(pool, 2); /* the default capacity */
    assert_int_equal(stats_of(pool).replaced, 6);
    assert_int_equal(stats_of(pool).created, 8);
    assert_int_equal(stats_of(pool).reset, 0);
    destroy(pool);
}

static void test_max_uses(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    config.reuse = ISLE_REUSE_RESET;
    config.max_uses = 2;
    isle_pool *pool = make_pool(config);
    uint64_t ids[4];
    for (int i = 0; i < 4; i++) {
        isle_interp it = acquire(pool);
        ids[i] = it.id;
        release(pool, it);
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_not_equal(ids[1], ids[2]);
    assert_int_equal(ids[2], ids[3]);
    destroy(pool);
}

static void test_one_that_can_not_be_reset_is_replaced(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    config.reuse = ISLE_REUSE_RESET;
    config.end_grace_ns = 50 * ISLE_MS;
    isle_pool *pool = make_pool(config);
    isle_interp it = acquire(pool);
    isle_job *job = submit(it, "while True: pass", ISLE_FOREVER); /* still runs when it is given back */
    release(pool, it);
    isle_interp other = acquire(pool);
    assert_int_not_equal(other.id, it.id);
    assert_int_equal(wait_for(job, NULL), ISLE_ERR_ENDED);
    end(other); /* somebody ends one that is busy */
    release(pool, other);
    it = acquire(pool);
    assert_int_not_equal(it.id, other.id);
    release(pool, it);
    await_warm(pool, 1);
    end(it); /* ... or warm */
    other = acquire(pool);
    assert_int_not_equal(it.id, other.id);
    run(other, "pass");
    assert_int_equal(stats_of(pool).replaced, 3);
    release(pool, other);
    destroy(pool);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static void *release_later(void *arg)
{
    void **both = arg;
    release(both[0], *(isle_interp *)both[1]);
    return NULL;
}

static void test_the_capacity_holds(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 2;
    config.reuse = ISLE_REUSE_RESET;
    isle_pool *pool = make_pool(config);
    isle_interp one = acquire(pool), two = acquire(pool), three;
    isle_error *err = NULL;
    assert_int_not_equal(one.id, two.id);
    assert_int_equal(stats_of(pool).busy, 2);
    assert_int_equal(isle_pool_acquire(pool, 0, &three, NULL), ISLE_ERR_TIMEOUT);
    assert_int_equal(isle_pool_acquire(pool, isle_deadline_in(5 * ISLE_MS), &three, &err), ISLE_ERR_TIMEOUT);
    assert_int_equal(isle_error_status(err), ISLE_ERR_TIMEOUT);
    isle_error_free(err);
    assert_int_equal(isle_interp_list(NULL, 0), 2);
    pthread_t thread;
    void *both[] = {pool, &one};
    pthread_create(&thread, NULL, release_later, both);
    three = acquire(pool); /* wakes */
    assert_int_equal(three.id, one.id);
    pthread_join(thread, NULL);
    release(pool, two);
    release(pool, three);
    assert_int_equal(isle_pool_release(pool, three), ISLE_ERR_INVALID);
    assert_int_equal(isle_pool_release(pool, (isle_interp){0}), ISLE_ERR_INVALID);
    destroy(pool);
}

static void *use_often(void *pool)
{
    for (int i = 0; i < 15; i++) {
        isle_interp it = acquire(pool);
        run(it, "assert 'user' not in globals()\nuser = 1");
        check_eval(it, "user", "1");
        release(pool, it);
    }
    return NULL;
}

static void test_many_threads_share_a_pool(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 3;
    config.reuse = ISLE_REUSE_RESET;
    config.max_uses = 20;
    isle_pool *pool = make_pool(config);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) {
        pthread_create(&threads[i], NULL, use_often, pool);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(stats_of(pool).acquired, 90);
    destroy(pool);
}

/* --- failures ----------------------------------------------------------------------------------------------------- */

static void test_a_warm_up_that_fails(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    isle_pool *pool = NULL;
    isle_error *err = NULL;
    config.warm_up = "raise ValueError('too cold')";
    assert_int_equal(isle_pool_create(runtime, &config, &pool, &err), ISLE_ERR_PYTHON);
    assert_string_equal(isle_error_message(err), "ValueError: too cold");
    assert_non_null(isle_error_exception(err));
    assert_null(pool);
    isle_error_free(err);
    assert_int_equal(isle_interp_list(NULL, 0), 0);
}

static void test_failures_later_on_reach_who_waits(void **state)
{
    (void)state;
    char *path = write_file("warm/up.py", "x = 1\n");
    char *warm_up = text_of("exec(open(%c%s%c).read())", '"', path, '"');
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    config.warm_up = warm_up;
    isle_pool *pool = make_pool(config);
    isle_interp it = acquire(pool);
    assert_int_equal(unlink(path), 0);
    release(pool, it);
    isle_error *err = NULL;
    assert_int_equal(isle_pool_acquire(pool, SOON, &it, &err), ISLE_ERR_PYTHON);
    assert_non_null(strstr(isle_error_message(err), "FileNotFoundError"));
    isle_error_free(err);
    free(path);
    path = write_file("warm/up.py", "x = 1\n"); /* it is tried again for each who waits */
    it = acquire(pool);
    check_eval(it, "x", "1");
    release(pool, it);
    destroy(pool);
    free(path);
    free(warm_up);
}

static void assert_invalid(isle_pool_config config)
{
    isle_pool *pool = NULL;
    isle_error *err = NULL;
    assert_int_equal(isle_pool_create(runtime, &config, &pool, &err), ISLE_ERR_INVALID);
    assert_int_equal(isle_error_status(err), ISLE_ERR_INVALID);
    isle_error_free(err);
}

static void test_configs_that_are_not_valid(void **state)
{
    (void)state;
    const char *const hole[] = {"a", NULL};
    isle_pool *pool;
    isle_interp_config interp = ISLE_INTERP_CONFIG_INIT;
    const isle_pool_config good = ISLE_POOL_CONFIG_INIT;
    isle_pool_config c = good;
    c.size = 0;
    assert_invalid(c);
    c = good;
    c.reuse = (isle_reuse)7;
    assert_invalid(c);
    c = good;
    c.end_grace_ns = -1;
    assert_invalid(c);
    c = good;
    interp.env = hole;
    interp.env_count = 2;
    c.interp = &interp;
    assert_invalid(c);
    assert_int_equal(isle_pool_create(runtime, &good, NULL, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_pool_create(NULL, &good, &pool, NULL), ISLE_ERR_STATE);
}

static void test_the_config_is_copied(void **state)
{
    (void)state;
    char name[] = "warm", text[] = "COLOUR=red", warm_up[] = "import os";
    const char *env[] = {text};
    isle_interp_config interp = ISLE_INTERP_CONFIG_INIT;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    interp.name = name;
    interp.env = env;
    interp.env_count = 1;
    config.interp = &interp;
    config.warm_up = warm_up;
    isle_pool *pool = make_pool(config);
    memset(name, 'x', sizeof name - 1);
    memset(text, 'x', sizeof text - 1);
    memset(warm_up, 'x', sizeof warm_up - 1);
    env[0] = NULL;
    memset(&interp, 0x5a, sizeof interp);
    for (int i = 0; i < 4; i++) {
        isle_interp it = acquire(pool);
        isle_interp_stats stats = {.size = sizeof stats};
        assert_int_equal(isle_interp_get_stats(it, &stats), ISLE_OK);
        assert_string_equal(stats.name, "warm");
        check_eval(it, "os.environ['COLOUR']", "red");
        release(pool, it);
    }
    destroy(pool);
}

/* --- destroying --------------------------------------------------------------------------------------------------- */

static _Atomic int arrived;

static void *acquire_in_vain(void *pool)
{
    isle_interp it;
    isle_error *err = NULL;
    atomic_fetch_add(&arrived, 1);
    check_status(isle_pool_acquire(pool, ISLE_FOREVER, &it, &err), ISLE_ERR_STATE, err);
    isle_error_free(err);
    return NULL;
}

static void test_destroy_wakes_all_and_ends_all(void **state)
{
    (void)state;
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    isle_pool *pool = make_pool(config);
    isle_interp it = acquire(pool);
    isle_job *job = submit(it, "while True: pass", ISLE_FOREVER);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, acquire_in_vain, pool);
    }
    /* who comes to a pool that was destroyed touches freed memory: all are to wait by then */
    const struct timespec moment = {.tv_nsec = 200 * ISLE_MS};
    while (atomic_load(&arrived) < 3) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    nanosleep(&moment, NULL);
    assert_int_equal(isle_pool_destroy(pool, isle_deadline_in(20 * ISLE_MS), NULL), ISLE_OK);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(wait_for(job, NULL), ISLE_ERR_ENDED);
    assert_int_equal(isle_interp_list(NULL, 0), 0);
    assert_int_equal(isle_pool_destroy(NULL, SOON, NULL), ISLE_OK);
}

static void test_destroy_in_the_midst_of_a_warm_up(void **state)
{
    (void)state;
    char *path = write_file("slow/up.py", "pass\n");
    char *warm_up = text_of("exec(open(%c%s%c).read())", '"', path, '"');
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = 1;
    config.warm_up = warm_up;
    isle_pool *pool = make_pool(config);
    isle_interp it = acquire(pool);
    free(path);
    path = write_file("slow/up.py", "while True: pass\n");
    release(pool, it);
    int64_t before = isle_now();
    assert_int_equal(isle_pool_destroy(pool, isle_deadline_in(100 * ISLE_MS), NULL), ISLE_OK);
    assert_true(isle_now() - before < 20 * ISLE_SECOND);
    assert_int_equal(isle_interp_list(NULL, 0), 0);
    free(path);
    free(warm_up);
}

/* --- cost --------------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void test_warm_ones_cost_little(void **state)
{
    (void)state;
    enum { ROUNDS = 41 };
    int64_t times[ROUNDS];
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.reuse = ISLE_REUSE_RESET;
    isle_pool *pool = make_pool(config);
    for (int i = 0; i < ROUNDS; i++) {
        isle_interp it;
        await_warm(pool, 2);
        int64_t before = isle_now();
        check(isle_pool_acquire(pool, SOON, &it, NULL) == ISLE_OK);
        check(isle_pool_release(pool, it) == ISLE_OK);
        times[i] = isle_now() - before;
    }
    destroy(pool);
    qsort(times, ROUNDS, sizeof *times, compare);
    int64_t quartile = times[ROUNDS / 4]; /* the others may have had the CPU taken away */
    print_message("acquire and release of a warm interpreter: %.1f us\n", (double)quartile / 1e3);
    assert_true(sanitized() || quartile < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reset_one_is_as_it_was_after_the_warm_up),
        cmocka_unit_test(test_never_reused),
        cmocka_unit_test(test_max_uses),
        cmocka_unit_test(test_one_that_can_not_be_reset_is_replaced),
        cmocka_unit_test(test_the_capacity_holds),
        cmocka_unit_test(test_many_threads_share_a_pool),
        cmocka_unit_test(test_a_warm_up_that_fails),
        cmocka_unit_test(test_failures_later_on_reach_who_waits),
        cmocka_unit_test(test_configs_that_are_not_valid),
        cmocka_unit_test(test_the_config_is_copied),
        cmocka_unit_test(test_destroy_wakes_all_and_ends_all),
        cmocka_unit_test(test_destroy_in_the_midst_of_a_warm_up),
        cmocka_unit_test(test_warm_ones_cost_little),
    };
    return RUN_TESTS(tests);
}
