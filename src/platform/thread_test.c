/* Threads: argument, name, stack, signal mask, CPU clock. */
#include "platform.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

struct seen {
    char name[32];
    size_t stack;
    sigset_t mask;
    pthread_t self;
};

static void look_around(void *arg)
{
    struct seen *seen = arg;
    pthread_attr_t attr;
    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstacksize(&attr, &seen->stack);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    seen->self = pthread_self();
}

static struct seen run(const char *name, size_t stack, int wanted)
{
    struct seen seen;
    memset(&seen, 0, sizeof(seen));
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, name, stack, wanted, look_around, &seen), 0);
    plat_thread_join(thread);
    assert_true(pthread_equal(seen.self, thread.id));
    return seen;
}

static void test_name_is_cut_to_15(void **state)
{
    (void)state;
    assert_string_equal(run("short", 0, 0).name, "short");
    assert_string_equal(run("fifteen-letters", 0, 0).name, "fifteen-letters");
    assert_string_equal(run("sixteen--letters", 0, 0).name, "sixteen--letter");
    assert_string_equal(run(NULL, 0, 0).name, "");
}

static void test_stack_size(void **state)
{
    (void)state;
    assert_true(run("s", 16 << 20, 0).stack >= 16 << 20);
    assert_true(run("s", (16 << 20) + 1, 0).stack > 16 << 20); /* rounded up to pages */
    assert_true(run("s", 1, 0).stack >= 16384);                /* raised to what a thread needs */
    plat_thread thread;
    assert_int_not_equal(plat_thread_start(&thread, "s", SIZE_MAX, 0, look_around, NULL), 0);
}

static void test_signals_are_blocked_but_the_synchronous(void **state)
{
    (void)state;
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    static const int blocked[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGPIPE, SIGPROF};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct seen seen = run("signals", 0, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < sizeof(synchronous) / sizeof(synchronous[0]); i++) {
        assert_int_equal(sigismember(&seen.mask, synchronous[i]), 0);
    }
    for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
        assert_int_equal(sigismember(&seen.mask, blocked[i]), 1);
    }
    for (int i = 1; i < SIGRTMAX; i++) { /* the caller's own mask is as it was */
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    }
}

/* The processes that its code starts inherit its mask: it must be the host's. */
static void test_thread_for_foreign_code_has_the_mask_of_its_maker(void **state)
{
    (void)state;
    sigset_t mine, before;
    sigemptyset(&mine);
    sigaddset(&mine, SIGHUP);
    sigaddset(&mine, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mine, &before);
    struct seen seen = run("foreign", 0, SIGUSR1);
    void (*old_pipe)(int) = signal(SIGPIPE, SIG_IGN);
    struct seen ignoring = run("foreign", 0, SIGUSR1);
    signal(SIGPIPE, old_pipe);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(sigismember(&seen.mask, SIGHUP), 1);
    assert_int_equal(sigismember(&seen.mask, SIGUSR1), 0); /* wanted */
    assert_int_equal(sigismember(&seen.mask, SIGTERM), 0);
    assert_int_equal(sigismember(&seen.mask, SIGINT), 0);
    assert_int_equal(sigismember(&seen.mask, SIGPIPE), 1); /* it would end the process */
    assert_int_equal(sigismember(&ignoring.mask, SIGPIPE), 0);
}

struct burner {
    plat_gate stop;
    _Atomic unsigned long work;
};

static void burn(void *arg)
{
    struct burner *burner = arg;
    while (!plat_gate_is_open(&burner->stop)) {
        atomic_fetch_add(&burner->work, 1);
    }
}

static void test_cpu_clock_runs_and_ends(void **state)
{
    (void)state;
    struct burner burner = {.work = 0};
    plat_thread thread;
    int64_t give_up = plat_now() + 30 * SECOND;
    assert_int_equal(plat_thread_start(&thread, "burn", 0, 0, burn, &burner), 0);
    int64_t first = plat_thread_cpu(thread.id);
    assert_true(first >= 0);
    while (plat_thread_cpu(thread.id) < first + SECOND / 100) {
        assert_true(plat_now() < give_up);
        sched_yield();
    }
    plat_gate_open(&burner.stop);
    while (plat_thread_cpu(thread.id) != -1) { /* it ends, and is not joined yet */
        assert_true(plat_now() < give_up);
        sched_yield();
    }
    plat_thread_join(thread);
    assert_true(plat_thread_cpu(pthread_self()) > 0);
}

static void open_gate(void *arg)
{
    plat_gate_open(arg);
}

static void test_detached_thread_runs(void **state)
{
    (void)state;
    static plat_gate gate; /* it may outlive the test */
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "free", 0, 0, open_gate, &gate), 0);
    plat_thread_detach(thread);
    assert_true(plat_gate_wait(&gate, plat_now() + 30 * SECOND));
}

static void test_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = plat_now();
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = plat_now();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_is_cut_to_15),
        cmocka_unit_test(test_stack_size),
        cmocka_unit_test(test_signals_are_blocked_but_the_synchronous),
        cmocka_unit_test(test_thread_for_foreign_code_has_the_mask_of_its_maker),
        cmocka_unit_test(test_cpu_clock_runs_and_ends),
        cmocka_unit_test(test_detached_thread_runs),
        cmocka_unit_test(test_clock_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
