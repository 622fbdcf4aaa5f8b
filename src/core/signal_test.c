/* Tests of signals as the core sends them: to whom they count, that they are sent again until they are taken, alarms,
 * and that an interpreter that ends or is stuck hears none. */
#include <pthread.h>
#include <signal.h>

#include "platform.h"
#include "testing/core_testing.h"

static void send(isle_interp it, int number)
{
    assert_int_equal(isle_interp_signal(it, number, NULL), ISLE_OK);
}

/* Until the counter has got there. */
static void await(const _Atomic int *counter, int least)
{
    plat_gate never = {0};
    while (atomic_load(counter) < least) {
        plat_gate_wait(&never, plat_now() + ISLE_MS);
    }
}

static void test_for_whom_they_count(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    send(it, SIGTERM);
    assert_int_equal(fake.signals, 1);
    assert_int_equal(fake.signals_to_code, 0);
    isle_job *running = submit(it, "wait", ISLE_FOREVER);
    await_running(running);
    send(it, SIGTERM);
    send(it, 0);
    assert_int_equal(fake.signals, 2);
    assert_int_equal(fake.signals_to_code, 1);
    int forgotten = fake.signals_forgotten;
    fake_open_gate();
    assert_int_equal(wait_for(running), ISLE_OK);
    await(&fake.signals_forgotten, forgotten + 1);
    assert_int_equal(run(it, "raise"), ISLE_OK);
    assert_int_equal(fake.signals_to_code, 2);
}

static void test_a_job_that_waits_counts(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    for (int i = 0; i < 200; i++) { /* it may be taken out of the queue just then */
        int before = fake.signals_to_code;
        isle_job *job = submit(it, "spin", ISLE_FOREVER);
        send(it, SIGTERM);
        assert_int_equal(fake.signals_to_code, before + 1);
        isle_job_cancel(job);
        assert_int_equal(wait_for(job), ISLE_ERR_CANCELLED);
    }
}

static void test_sent_again_until_it_is_taken(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    fake.signal_repeats = 4;
    isle_job *running = submit(it, "wait", ISLE_FOREVER);
    await_running(running);
    send(it, SIGUSR1);
    await(&fake.signals_again, 4);
    plat_gate never = {0};
    plat_gate_wait(&never, plat_now() + 50 * ISLE_MS);
    assert_int_equal(fake.signals_again, 4);
    send(it, SIGUSR1);
    await(&fake.signals_again, 8);
    fake_open_gate();
    assert_int_equal(wait_for(running), ISLE_OK);
    int forgotten = fake.signals_forgotten, again = fake.signals_again;
    await(&fake.signals_forgotten, forgotten); /* the job has ended for its home thread, too */
    send(it, SIGUSR1);                         /* nobody to send it to again */
    plat_gate_wait(&never, plat_now() + 20 * ISLE_MS);
    assert_true(fake.signals_again == again || fake.signals_again == again + 1);
}

static void test_alarms(void **state)
{
    (void)state;
    isle_interp it = create(test_runtime);
    assert_int_equal(run(it, "alarm 5,0"), ISLE_OK);
    await(&fake.signals, 1);
    assert_int_equal(run(it, "alarm 1,1"), ISLE_OK);
    await(&fake.signals, 5);
    assert_int_equal(run(it, "alarm 0,0"), ISLE_OK);
    int now = fake.signals;
    plat_gate never = {0};
    plat_gate_wait(&never, plat_now() + 20 * ISLE_MS);
    assert_int_equal(fake.signals, now);
    assert_int_equal(run(it, "alarm 1,1"), ISLE_OK);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK); /* with it */
}

static void test_what_cannot_be_sent(void **state)
{
    (void)state;
    bool handles = false;
    isle_interp it = create(test_runtime);
    assert_int_equal(isle_interp_signal(it, SIGKILL, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_interp_signal(it, -1, NULL), ISLE_ERR_INVALID);
    assert_int_equal(isle_interp_signal((isle_interp){0}, SIGTERM, NULL), ISLE_ERR_NO_INTERP);
    assert_int_equal(isle_interp_handles_signal(it, SIGUSR1, &handles, NULL), ISLE_OK);
    assert_true(handles);
    assert_int_equal(isle_interp_handles_signal(it, SIGUSR2, &handles, NULL), ISLE_OK);
    assert_false(handles);
    assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
    assert_int_equal(isle_interp_signal(it, SIGTERM, NULL), ISLE_ERR_NO_INTERP);
    assert_int_equal(isle_interp_handles_signal(it, SIGTERM, &handles, NULL), ISLE_ERR_NO_INTERP);
}

static void *send_until_it_is_gone(void *arg)
{
    isle_interp it = *(isle_interp *)arg;
    while (isle_interp_signal(it, SIGUSR1, NULL) == ISLE_OK) {}
    return NULL;
}

/* From several threads, with an alarm, while jobs run and while it ends. */
static void test_many_while_it_ends(void **state)
{
    (void)state;
    enum { SENDERS = 3 };
    fake.signal_repeats = 2;
    for (int i = 0; i < 30; i++) {
        isle_interp it = create(test_runtime);
        pthread_t senders[SENDERS];
        for (int j = 0; j < SENDERS; j++) {
            assert_int_equal(pthread_create(&senders[j], NULL, send_until_it_is_gone, &it), 0);
        }
        assert_int_equal(run(it, "alarm 1,1"), ISLE_OK);
        assert_int_equal(run(it, "sleep 2"), ISLE_OK);
        assert_int_equal(isle_interp_end(it, SOON, NULL), ISLE_OK);
        for (int j = 0; j < SENDERS; j++) {
            pthread_join(senders[j], NULL);
        }
    }
}

/* What is left of its alarm must not keep the runtime from stopping. */
static void stuck_scenario(void)
{
    isle_runtime *own = start_runtime();
    isle_interp it = create_impatient(own, 5, 20);
    check(run(it, "alarm 3600000,0") == ISLE_OK);
    fake.signal_repeats = 1000000;
    isle_job *job = submit(it, "deaf", ISLE_FOREVER);
    await_running(job);
    check(isle_interp_signal(it, SIGUSR1, NULL) == ISLE_OK);
    isle_job_cancel(job);
    check(wait_for(job) == ISLE_ERR_CANCELLED);
    check(isle_interp_signal(it, SIGUSR1, NULL) == ISLE_ERR_STUCK);
    check(isle_runtime_stop(own, isle_deadline_in(100 * ISLE_MS), NULL) == ISLE_ERR_STUCK);
    fake_release_parked();
}

static void test_a_stuck_one(void **state)
{
    (void)state;
    in_child(stuck_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_for_whom_they_count),          TEST(test_a_job_that_waits_counts),
        TEST(test_sent_again_until_it_is_taken), TEST(test_alarms),
        TEST(test_what_cannot_be_sent),          TEST(test_many_while_it_ends),
        cmocka_unit_test(test_a_stuck_one),
    };
    return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
