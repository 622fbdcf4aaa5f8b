/* Tests of how interpreters are created, entered and ended: twice, at once, from elsewhere, with what still runs. */
#include <pthread.h>

#include "platform.h"
#include "testing/core_testing.h"

/* --- creating ----------------------------------------------------------------------------------------------------- */

static void test_names_and_list(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    char name[] = "a name that is much longer than the name of a thread may be";
    config.name = name;
    isle_interp it, list[4];
    assert_int_equal(isle_interp_create(test_runtime, &config, &it, NULL), ISLE_OK);
    name[0] = 'X';
    assert_string_equal(stats_of(it).name, "a name that is much longer than the name of a thread may be");
    isle_interp unnamed;
    assert_int_equal(isle_interp_create(test_runtime, NULL, &unnamed, NULL), ISLE_OK);
    char expected[40];
    snprintf(expected, sizeof expected, "interp-%llu", (unsigned long long)unnamed.id);
    assert_string_equal(stats_of(unnamed).name, expected);
    assert_true(unnamed.id > it.id);
    isle_interp third = create(test_runtime);
    assert_int_equal(isle_interp_end(unnamed, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_interp_list(list, 4), 2);
    assert_int_equal(list[0].id, it.id);
    assert_int_equal(list[1].id, third.id);
    assert_int_equal(isle_interp_list(list, 1), 2);
    assert_int_equal(isle_interp_list(NULL, 0), 2);
}

static void assert_refused(const isle_interp_config *config, isle_status status, const char *word)
{
    isle_error *err = NULL;
    isle_interp it = {77};
    assert_int_equal(isle_interp_create(test_runtime, config, &it, &err), status);
    assert_int_equal(it.id, 77);
    assert_non_null(strstr(isle_error_message(err), word));
    isle_error_free(err);
}

static void test_configs_that_are_not_valid(void **state)
{
    (void)state;
    const char *const hole[] = {"a", NULL};
    const isle_interp_config good = ISLE_INTERP_CONFIG_INIT;
    isle_interp_config c = good;
    c.size = 0;
    assert_refused(&c, ISLE_ERR_INVALID, "size");
    c = good;
    c.gil = (isle_gil)5;
    assert_refused(&c, ISLE_ERR_INVALID, "gil");
    c = good;
    c.path = hole;
    c.path_count = 2;
    assert_refused(&c, ISLE_ERR_INVALID, "path[1]");
    c = good;
    c.stuck_after_ns = -1;
    assert_refused(&c, ISLE_ERR_INVALID, "stuck_after_ns");
    c = good;
    c.stdout_.kind = ISLE_STREAM_CALLBACK;
    assert_refused(&c, ISLE_ERR_INVALID, "stdout_");
    c = good;
    c.stdin_.kind = ISLE_STREAM_FD;
    c.stdin_.fd = -1;
    assert_refused(&c, ISLE_ERR_INVALID, "stdin_");
    c = good;
    c.stack_size_bytes = 1;
    assert_refused(&c, ISLE_ERR_INVALID, "stack_size_bytes");
    c = good;
    c.venv = "x";
    c.no_site = true;
    assert_refused(&c, ISLE_ERR_INVALID, "venv");
    assert_int_equal(isle_interp_create(test_runtime, NULL, NULL, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_interp_create(NULL, NULL, &(isle_interp){0}, NULL), ISLE_ERR_STATE);
}

static void test_the_engine_refuses(void **state)
{
    (void)state;
    fake.create_status = ISLE_ERR_UNSUPPORTED;
    assert_refused(NULL, ISLE_ERR_UNSUPPORTED, "the fake engine makes no interpreter");
    fake.create_status = ISLE_OK;
    assert_int_equal(isle_interp_list(NULL, 0), 0);
}

static void test_stats_of_an_older_struct(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    struct {
        isle_interp_stats stats;
    } s;
    memset(&s, 0x5a, sizeof s);
    s.stats.size = offsetof(isle_interp_stats, jobs_started);
    assert_int_equal(isle_interp_get_stats(it, &s.stats), ISLE_OK);
    assert_int_equal(s.stats.id, it.id);
    assert_int_equal(s.stats.size, offsetof(isle_interp_stats, jobs_started));
    assert_int_equal(s.stats.jobs_started, 0x5a5a5a5a5a5a5a5a);
    s.stats.size = 0;
    assert_int_equal(isle_interp_get_stats(it, &s.stats), ISLE_ERR_INVALID);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

static void test_end_twice(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_interp_end_later(it, SOON), ISLE_OK);
    assert_int_equal(isle_interp_end((isle_interp){0}, SOON, NULL), ISLE_ERR_NO_INTERP);
    isle_error *err = NULL;
    assert_int_equal(isle_interp_end((isle_interp){it.id + 1000}, SOON, &err), ISLE_ERR_NO_INTERP);
    isle_error_free(err);
    assert_string_equal(record_kinds(it.id), "INTERP_CREATED INTERP_ENDED");
}

static void *end_it(void *arg)
{
    check(isle_interp_end(*(isle_interp *)arg, SOON, NULL) == ISLE_OK);
    return NULL;
}

static void test_end_at_once_from_many_threads(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        isle_interp it = create(test_runtime);
        pthread_t threads[8];
        for (int i = 0; i < 8; i++) {
            pthread_create(&threads[i], NULL, end_it, &it);
        }
        for (int i = 0; i < 8; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    assert_int_equal(fake.freed, 20);
}

static void test_end_wakes_all_waiters(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *running = submit(it, "spin", ISLE_FOREVER), *queued = submit(it, "ok", ISLE_FOREVER);
    await_running(running);
    assert_int_equal(isle_interp_end(it, 0, NULL), ISLE_OK);
    isle_error *err = NULL;
    assert_true(isle_job_done(running));
    assert_true(isle_job_done(queued));
    assert_int_equal(isle_job_result(queued, NULL, &err), ISLE_ERR_ENDED);
    assert_non_null(strstr(isle_error_message(err), "before the job could start"));
    isle_error_free(err);
    assert_int_equal(wait_for(running), ISLE_ERR_ENDED);
    assert_int_equal(wait_for(queued), ISLE_ERR_ENDED);
    size_t last = record_count() - 1;
    assert_int_equal(record_at(last).kind, ISLE_EVENT_INTERP_ENDED); /* all else was told before */
    assert_int_equal(last, 5);
}

static void test_the_running_job_has_until_the_deadline(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "sleep 10", ISLE_FOREVER);
    await_running(job);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_int_equal(wait_for(job), ISLE_OK);
    assert_int_equal(fake.interrupts, 0);
}

static void test_a_later_end_can_be_more_urgent(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    isle_job *job = submit(it, "spin", ISLE_FOREVER);
    await_running(job);
    assert_int_equal(isle_interp_end_later(it, ISLE_FOREVER), ISLE_OK);
    assert_int_equal(stats_of(it).state, ISLE_INTERP_ENDING);
    assert_int_equal(run(it, "ok"), ISLE_ERR_NO_INTERP); /* no new jobs */
    isle_entry entry;
    assert_int_equal(isle_interp_enter(it, &entry, NULL), ISLE_ERR_NO_INTERP);
    assert_false(isle_job_done(job));
    assert_int_equal(isle_interp_end(it, isle_deadline_in(5 * ISLE_MS), NULL), ISLE_OK);
    assert_int_equal(wait_for(job), ISLE_ERR_ENDED);
}

static void test_threads_have_until_the_deadline_then_they_are_interrupted(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    assert_int_equal(run(it, "threads 3"), ISLE_OK);
    int64_t before = isle_now();
    assert_int_equal(isle_interp_end(it, isle_deadline_in(20 * ISLE_MS), NULL), ISLE_OK);
    assert_true(isle_now() - before >= 20 * ISLE_MS);
    assert_true(fake.interrupts >= 1);
}

static void test_atexit_and_finalizers_are_interrupted_when_they_take_too_long(void **state)
{
    (void)state;
    isle_interp it = create_impatient(test_runtime, 5, 300);
    assert_int_equal(run(it, "atexit spin"), ISLE_OK);
    assert_int_equal(run(it, "destroy spin"), ISLE_OK);
    int64_t before = isle_now();
    assert_int_equal(isle_interp_end(it, 0, NULL), ISLE_OK);
    assert_true(isle_now() - before >= 600 * ISLE_MS); /* each has stuck_after_ns, though the deadline has passed */
    assert_true(fake.interrupts >= 2);
}

static void end_another(void *ctx)
{
    check(isle_interp_end(*(isle_interp *)ctx, 0, NULL) == ISLE_OK);
}

/* os._exit: the job says with which status, those behind it end, and no task of the end runs. */
static void ends_itself(const char *how, isle_status status, const char *message)
{
    isle_interp it = create(test_runtime);
    assert_int_equal(run(it, "atexit deaf"), ISLE_OK);
    assert_int_equal(run(it, "threads 1"), ISLE_OK);
    isle_job *waits = submit(it, "wait", ISLE_FOREVER);
    isle_job *leaves = submit(it, how, ISLE_FOREVER);
    isle_job *behind = submit(it, "ok", ISLE_FOREVER);
    fake_open_gate();
    assert_int_equal(wait_for(waits), ISLE_OK);
    assert_int_equal(wait_for(leaves), status);
    assert_int_equal(wait_for(behind), ISLE_ERR_ENDED);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_true(record_await(ISLE_EVENT_INTERP_ENDED, 1));
    recorded last = record_at(record_count() - 1);
    assert_int_equal(last.kind, ISLE_EVENT_INTERP_ENDED);
    assert_int_equal(last.status, status);
    assert_string_equal(last.message, message);
}

static void test_one_that_ends_itself(void **state)
{
    (void)state;
    ends_itself("leave 3", ISLE_ERR_EXIT, "os._exit(3) ended the interpreter");
}

static void test_one_that_ends_itself_well(void **state)
{
    (void)state;
    ends_itself("leave 0", ISLE_OK, "os._exit(0) ended the interpreter");
}

static void test_end_from_inside_another(void **state)
{
    (void)state;
    isle_interp one = create(test_runtime), another = create(test_runtime);
    fake.callback = end_another;
    fake.callback_ctx = &another;
    assert_int_equal(run(one, "callback"), ISLE_OK);
    assert_int_equal(isle_interp_list(NULL, 0), 1);
}

static void end_ourselves_later(void *ctx)
{
    isle_interp it = *(isle_interp *)ctx;
    check(isle_interp_end(it, SOON, NULL) == ISLE_ERR_STATE);
    check(isle_interp_end_later(it, SOON) == ISLE_OK);
}

static void test_end_from_inside_itself(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    fake.callback = end_ourselves_later;
    fake.callback_ctx = &it;
    assert_int_equal(run(it, "callback"), ISLE_OK);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_int_equal(fake.destroyed, 1); /* its memory may be freed a moment later: the teardown looks */
}

static void test_end_with_the_caller_attached_elsewhere(void **state)
{
    (void)state;
    isle_interp one = create(test_runtime), another = create(test_runtime);
    isle_entry entry;
    assert_int_equal(isle_interp_enter(another, &entry, NULL), ISLE_OK);
    assert_int_equal(isle_interp_end(another, SOON, NULL), ISLE_ERR_STATE);
    assert_int_equal(isle_interp_end(one, SOON, NULL), ISLE_OK);
    isle_interp_leave(&entry);
}

/* --- entering ----------------------------------------------------------------------------------------------------- */

static void test_entries_nest(void **state)
{
    (void)state;
    isle_interp one = create(test_runtime), another = create(test_runtime);
    isle_entry first, second, third;
    isle_error *err = NULL;
    assert_int_equal(isle_interp_enter(one, &first, NULL), ISLE_OK);
    assert_int_equal(isle_interp_enter(another, &second, NULL), ISLE_OK);
    assert_int_equal(isle_interp_run(another, "ok", SOON, &err), ISLE_ERR_STATE);
    isle_error_free(err);
    assert_int_equal(run(one, "ok"), ISLE_OK);
    assert_int_equal(isle_interp_enter(one, &third, NULL), ISLE_OK);
    isle_interp_leave(&third);
    isle_interp_leave(&second);
    isle_interp_leave(&first);
    isle_interp_leave(&first); /* harmless */
    isle_interp_leave(NULL);
    assert_int_equal(isle_interp_enter((isle_interp){0}, &first, NULL), ISLE_ERR_NO_INTERP);
}

static plat_gate entered, may_leave;

static void *stay_inside(void *arg)
{
    isle_entry entry;
    check(isle_interp_enter(*(isle_interp *)arg, &entry, NULL) == ISLE_OK);
    plat_gate_open(&entered);
    plat_gate_wait(&may_leave, SOON);
    isle_interp_leave(&entry);
    return NULL;
}

static void test_end_waits_for_entries(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    pthread_t thread;
    entered = may_leave = (plat_gate){0};
    pthread_create(&thread, NULL, stay_inside, &it);
    plat_gate_wait(&entered, SOON);
    assert_int_equal(isle_interp_end_later(it, SOON), ISLE_OK);
    assert_int_equal(stats_of(it).state, ISLE_INTERP_ENDING);
    assert_int_equal(fake.destroyed, 0);
    plat_gate_open(&may_leave);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_and_list),
        TEST(test_configs_that_are_not_valid),
        TEST(test_the_engine_refuses),
        TEST(test_stats_of_an_older_struct),
        TEST(test_end_twice),
        TEST(test_end_at_once_from_many_threads),
        TEST(test_end_wakes_all_waiters),
        TEST(test_the_running_job_has_until_the_deadline),
        TEST(test_a_later_end_can_be_more_urgent),
        TEST(test_threads_have_until_the_deadline_then_they_are_interrupted),
        TEST(test_atexit_and_finalizers_are_interrupted_when_they_take_too_long),
        TEST(test_one_that_ends_itself),
        TEST(test_one_that_ends_itself_well),
        TEST(test_end_from_inside_another),
        TEST(test_end_from_inside_itself),
        TEST(test_end_with_the_caller_attached_elsewhere),
        TEST(test_entries_nest),
        TEST(test_end_waits_for_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
