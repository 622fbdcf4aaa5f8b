/* Gates: opened before, while and after somebody waits; deadlines; many waiters; gates that die as soon as they are
 * open; signals. gate_portable_test.c runs the same against the implementation without futexes. */
#include "platform.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)
#define ROUNDS 10000
#define WAITERS 24

static plat_thread start_thread(int signal_wanted, plat_thread_fn fn, void *arg)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "gate", 0, signal_wanted, fn, arg), 0);
    return thread;
}

static void test_open_gate_lets_through_whatever_the_deadline(void **state)
{
    (void)state;
    plat_gate gate = {0};
    assert_false(plat_gate_is_open(&gate));
    plat_gate_open(&gate);
    plat_gate_open(&gate);
    assert_true(plat_gate_is_open(&gate));
    assert_true(plat_gate_wait(&gate, PLAT_FOREVER));
    assert_true(plat_gate_wait(&gate, 0));
    assert_true(plat_gate_wait(&gate, -1));
    assert_true(plat_gate_wait(&gate, 1));
}

static void test_deadline_passes(void **state)
{
    (void)state;
    plat_gate gate = {0};
    assert_false(plat_gate_wait(&gate, INT64_MIN));
    assert_false(plat_gate_wait(&gate, 0));
    assert_false(plat_gate_wait(&gate, plat_now() - SECOND));
    int64_t deadline = plat_now() + 20 * MS;
    assert_false(plat_gate_wait(&gate, deadline));
    assert_true(plat_now() >= deadline);
}

struct waiter {
    plat_gate *gate;
    _Atomic int tid;
    _Atomic bool passed;
};

static void wait_forever(void *arg)
{
    struct waiter *waiter = arg;
    atomic_store(&waiter->tid, (int)syscall(SYS_gettid));
    atomic_store(&waiter->passed, plat_gate_wait(waiter->gate, PLAT_FOREVER));
}

/* Looks until the kernel says that the thread sleeps. */
static void until_asleep(const struct waiter *waiter)
{
    int64_t deadline = plat_now() + 20 * SECOND;
    char state = 0;
    while (state != 'S') {
        assert_true(plat_now() < deadline);
        sched_yield();
        int tid = atomic_load(&waiter->tid);
        if (tid == 0) {
            continue;
        }
        char path[64], stat[512] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        size_t len = fread(stat, 1, sizeof(stat) - 1, file);
        fclose(file);
        const char *after_name = len ? strrchr(stat, ')') : NULL;
        state = after_name ? after_name[2] : 0;
    }
}

static void test_opened_while_waiting(void **state)
{
    (void)state;
    plat_gate gate = {0};
    struct waiter waiter = {.gate = &gate};
    plat_thread thread = start_thread(0, wait_forever, &waiter);
    until_asleep(&waiter);
    assert_false(atomic_load(&waiter.passed));
    plat_gate_open(&gate);
    plat_thread_join(thread);
    assert_true(atomic_load(&waiter.passed));
}

static void test_all_waiters_wake(void **state)
{
    (void)state;
    plat_gate gate = {0};
    struct waiter waiters[WAITERS];
    plat_thread threads[WAITERS];
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){.gate = &gate};
        threads[i] = start_thread(0, wait_forever, &waiters[i]);
    }
    for (int i = 0; i < WAITERS; i++) {
        until_asleep(&waiters[i]);
    }
    plat_gate_open(&gate);
    for (int i = 0; i < WAITERS; i++) {
        plat_thread_join(threads[i]);
        assert_true(atomic_load(&waiters[i].passed));
    }
}

struct pair {
    plat_gate ping, pong;
    int value; /* handed to and fro: a race detector sees it if a gate does not order */
};

static void answer(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < ROUNDS; i++) {
        plat_gate_wait(&pair->ping, PLAT_FOREVER);
        atomic_store(&pair->ping.open, 0); /* its owner resets it */
        pair->value++;
        plat_gate_open(&pair->pong);
    }
}

static void test_no_wake_up_is_lost(void **state)
{
    (void)state;
    struct pair pair = {.value = 0};
    plat_thread thread = start_thread(0, answer, &pair);
    for (int i = 0; i < ROUNDS; i++) {
        pair.value++;
        plat_gate_open(&pair.ping);
        int64_t deadline = plat_now() + 30 * SECOND;
        plat_gate_wait(&pair.pong, deadline);
        assert_true(plat_now() < deadline);
        atomic_store(&pair.pong.open, 0);
    }
    plat_thread_join(thread);
    assert_int_equal(pair.value, 2 * ROUNDS);
}

struct race {
    plat_gate *_Atomic gate;
    _Atomic int round, late;
};

static void wait_each_round(void *arg)
{
    struct race *race = arg;
    for (int i = 1; i <= ROUNDS; i++) {
        while (atomic_load(&race->round) != i) {
            sched_yield();
        }
        int64_t deadline = plat_now() + 5 * SECOND;
        plat_gate_wait(atomic_load(&race->gate), deadline);
        if (plat_now() >= deadline) { /* a lost wake-up shows in the time only: the gate is open when it looks again */
            atomic_fetch_add(&race->late, 1);
        }
        atomic_store(&race->round, -i);
    }
}

/* Waiter and opener start together, the opener a few steps later each round, so that some of the openings fall between
 * the waiter's last look and its sleep. */
static void test_opened_at_any_moment(void **state)
{
    (void)state;
    plat_gate gate;
    struct race race = {.gate = &gate};
    plat_thread thread = start_thread(0, wait_each_round, &race);
    for (int i = 1; i <= ROUNDS && atomic_load(&race.late) == 0; i++) {
        atomic_store(&gate.open, 0);
        atomic_store(&race.round, i);
        for (volatile int step = 0; step < i % 500; step++) {}
        plat_gate_open(&gate);
        while (atomic_load(&race.round) != -i) {
            sched_yield();
        }
    }
    assert_int_equal(atomic_load(&race.late), 0);
    plat_thread_join(thread);
}

struct mailbox {
    plat_gate *_Atomic gate;
    plat_gate taken;
};

static void open_what_comes(void *arg)
{
    struct mailbox *box = arg;
    for (int i = 0; i < ROUNDS; i++) {
        plat_gate_wait(&box->taken, PLAT_FOREVER);
        atomic_store(&box->taken.open, 0);
        plat_gate_open(atomic_load(&box->gate));
    }
}

/* The waiter frees the gate the moment it is through; the opener must not touch it then. */
static void test_gate_dies_once_it_is_open(void **state)
{
    (void)state;
    struct mailbox box = {.gate = NULL};
    plat_thread thread = start_thread(0, open_what_comes, &box);
    for (int i = 0; i < ROUNDS; i++) {
        plat_gate *gate = plat_calloc(1, sizeof(*gate));
        atomic_store(&box.gate, gate);
        plat_gate_open(&box.taken);
        int64_t deadline = plat_now() + 30 * SECOND;
        plat_gate_wait(gate, deadline);
        assert_true(plat_now() < deadline);
        plat_free(gate);
    }
    plat_thread_join(thread);
}

static void wait_shortly(void *arg)
{
    struct waiter *waiter = arg;
    bool passed = plat_gate_wait(waiter->gate, plat_now() + 20000);
    atomic_store(&waiter->passed, passed);
}

/* A deadline of 20 us and an opener race; whoever wins, the answer is true only when the gate is open. */
static void test_deadline_and_opening_race(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        plat_gate gate = {0};
        struct waiter waiters[2] = {{.gate = &gate}, {.gate = &gate}};
        plat_thread threads[2] = {start_thread(0, wait_shortly, &waiters[0]),
                                  start_thread(0, wait_shortly, &waiters[1])};
        if (i % 2) {
            plat_gate_open(&gate);
        }
        for (int k = 0; k < 2; k++) {
            plat_thread_join(threads[k]);
            assert_true(i % 2 || !atomic_load(&waiters[k].passed));
        }
    }
}

static _Atomic int signals;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

static void test_signal_does_not_end_a_wait(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = count_signal}, old; /* no SA_RESTART: system calls give EINTR */
    sigaction(SIGUSR1, &action, &old);
    atomic_store(&signals, 0);
    plat_gate gate = {0};
    struct waiter waiter = {.gate = &gate};
    plat_thread thread = start_thread(SIGUSR1, wait_forever, &waiter);
    for (int i = 1; i <= 50; i++) {
        until_asleep(&waiter);
        assert_int_equal(pthread_kill(thread.id, SIGUSR1), 0);
        int64_t deadline = plat_now() + 20 * SECOND;
        while (atomic_load(&signals) < i) {
            assert_true(plat_now() < deadline);
            sched_yield();
        }
    }
    assert_false(atomic_load(&waiter.passed));
    plat_gate_open(&gate);
    plat_thread_join(thread);
    assert_true(atomic_load(&waiter.passed));
    sigaction(SIGUSR1, &old, NULL);
}

#ifndef PLAT_PORTABLE
static plat_gate opened_by_handler;

static void open_in_handler(int number)
{
    (void)number;
    plat_gate_open(&opened_by_handler);
}

static void test_opened_by_a_signal_handler(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = open_in_handler}, old;
    sigaction(SIGUSR2, &action, &old);
    struct waiter waiter = {.gate = &opened_by_handler};
    plat_thread thread = start_thread(SIGUSR2, wait_forever, &waiter);
    until_asleep(&waiter);
    assert_int_equal(pthread_kill(thread.id, SIGUSR2), 0);
    plat_thread_join(thread);
    assert_true(atomic_load(&waiter.passed));
    sigaction(SIGUSR2, &old, NULL);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_gate_lets_through_whatever_the_deadline),
        cmocka_unit_test(test_deadline_passes),
        cmocka_unit_test(test_opened_while_waiting),
        cmocka_unit_test(test_all_waiters_wake),
        cmocka_unit_test(test_no_wake_up_is_lost),
        cmocka_unit_test(test_opened_at_any_moment),
        cmocka_unit_test(test_gate_dies_once_it_is_open),
        cmocka_unit_test(test_deadline_and_opening_race),
        cmocka_unit_test(test_signal_does_not_end_a_wait),
#ifndef PLAT_PORTABLE
        cmocka_unit_test(test_opened_by_a_signal_handler),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
