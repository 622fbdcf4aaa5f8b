/* When a thread looks before it sleeps: each test runs on a thread of its own, which has no experience yet. */
#include "spin.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static plat_gate shut, open_gate = {PLAT_GATE_OPEN};
static int64_t until;

static bool one_core(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) < 2;
}

static void on_fresh_thread(plat_thread_fn fn)
{
    plat_thread thread;
    if (one_core()) {
        print_message("             one core: nobody looks\n");
        skip();
    }
    until = plat_now() + INT64_C(20000000000);
    assert_int_equal(plat_thread_start(&thread, "spin", 0, 0, fn, NULL), 0);
    plat_thread_join(thread);
}

static int sleeps_until_next_look(void)
{
    int sleeps = 0;
    while (spin_before_sleep(&shut, until) == SPIN_NOT_WANTED && sleeps < 1000) {
        sleeps++;
    }
    return sleeps;
}

static int seen[12];

static void look_in_vain(void *unused)
{
    (void)unused;
    for (int i = 0; i < 12; i++) {
        seen[i] = sleeps_until_next_look();
    }
}

static void test_looks_in_vain_become_rare(void **state)
{
    (void)state;
    on_fresh_thread(look_in_vain);
    const int wanted[] = {0, 1, 3, 7, 15, 31, 63, 127, 255, 255, 255, 255};
    assert_memory_equal(seen, wanted, sizeof(wanted));
}

static spin_result after_success[3];

static void look_with_success(void *unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        sleeps_until_next_look();
    }
    while (spin_before_sleep(&open_gate, until) != SPIN_OPEN) {}
    for (int i = 0; i < 2; i++) {
        after_success[i] = spin_before_sleep(&open_gate, until);
    }
    after_success[2] = spin_before_sleep(&shut, until);
    seen[0] = sleeps_until_next_look();
}

static void test_a_success_forgets_the_failures(void **state)
{
    (void)state;
    on_fresh_thread(look_with_success);
    const spin_result wanted[] = {SPIN_OPEN, SPIN_OPEN, SPIN_IN_VAIN};
    assert_memory_equal(after_success, wanted, sizeof(wanted));
    assert_int_equal(seen[0], 1);
}

static void learn(void *unused)
{
    (void)unused;
    for (int i = 0; i < 9; i++) {
        sleeps_until_next_look();
    }
    spin_learn_from_sleep(INT64_C(5000));    /* cheap: nothing to save */
    spin_learn_from_sleep(INT64_C(9000000)); /* longer than a look */
    seen[0] = sleeps_until_next_look();
    for (int i = 0; i < 7; i++) {
        spin_learn_from_sleep(INT64_C(50000));
    }
    seen[1] = sleeps_until_next_look();
}

static void test_short_sleeps_bring_looks_back(void **state)
{
    (void)state;
    on_fresh_thread(learn);
    assert_int_equal(seen[0], 255);
    assert_true(seen[1] <= 1);
}

/* A signal that came during the look would be slept through: who waits is told to see whether one did. */
static void wait_as_if_interrupted(void *unused)
{
    (void)unused;
    plat_gate gate = {PLAT_GATE_SHUT};
    seen[0] = plat_gate_wait_interruptible(&gate, until);
    seen[1] = plat_gate_wait_interruptible(&gate, plat_now() + 1000000);
}

static void test_a_look_in_vain_counts_as_an_interruption(void **state)
{
    (void)state;
    on_fresh_thread(wait_as_if_interrupted);
    assert_int_equal(seen[0], PLAT_INTERRUPTED);
    assert_int_equal(seen[1], PLAT_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks_in_vain_become_rare),
        cmocka_unit_test(test_a_success_forgets_the_failures),
        cmocka_unit_test(test_short_sleeps_bring_looks_back),
        cmocka_unit_test(test_a_look_in_vain_counts_as_an_interruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
