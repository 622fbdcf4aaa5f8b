/* Locks and conditions: exclusion, no lost wake-up, deadlines, and that misuse ends the process. */
#include "platform.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)
#define THREADS 4
#define ROUNDS 20000
#define SLOTS 3

static plat_thread start_thread(plat_thread_fn fn, void *arg)
{
    plat_thread thread;
    assert_int_equal(plat_thread_start(&thread, "lock", 0, 0, fn, arg), 0);
    return thread;
}

struct counter {
    plat_lock lock;
    long value;
};

static void count_up(void *arg)
{
    struct counter *counter = arg;
    for (int i = 0; i < ROUNDS; i++) {
        plat_lock_take(&counter->lock);
        counter->value++;
        plat_lock_give(&counter->lock);
    }
}

static void test_lock_excludes(void **state)
{
    (void)state;
    struct counter counter = {.value = 0};
    plat_thread threads[THREADS];
    plat_lock_init(&counter.lock);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = start_thread(count_up, &counter);
    }
    for (int i = 0; i < THREADS; i++) {
        plat_thread_join(threads[i]);
    }
    assert_int_equal(counter.value, THREADS * ROUNDS);
    plat_lock_destroy(&counter.lock);
}

/* A bounded buffer, small enough that both sides wait all the time. */
struct buffer {
    plat_lock lock;
    plat_cond filled, emptied;
    int slots[SLOTS];
    int count;
    _Atomic long sum;
    _Atomic int late;
};

static void wait_for(struct buffer *buffer, plat_cond *cond)
{
    if (!plat_cond_wait(cond, &buffer->lock, plat_now() + 60 * SECOND)) {
        atomic_fetch_add(&buffer->late, 1);
    }
}

static void produce(void *arg)
{
    struct buffer *buffer = arg;
    for (int i = 1; i <= ROUNDS / 4; i++) {
        plat_lock_take(&buffer->lock);
        while (buffer->count == SLOTS) {
            wait_for(buffer, &buffer->emptied);
        }
        buffer->slots[buffer->count++] = i;
        plat_cond_wake_one(&buffer->filled);
        plat_lock_give(&buffer->lock);
    }
}

static void consume(void *arg)
{
    struct buffer *buffer = arg;
    for (int i = 1; i <= ROUNDS / 4; i++) {
        plat_lock_take(&buffer->lock);
        while (buffer->count == 0) {
            wait_for(buffer, &buffer->filled);
        }
        atomic_fetch_add(&buffer->sum, buffer->slots[--buffer->count]);
        plat_cond_wake_one(&buffer->emptied);
        plat_lock_give(&buffer->lock);
    }
}

static void test_producers_and_consumers(void **state)
{
    (void)state;
    struct buffer buffer = {.count = 0};
    plat_thread threads[2 * THREADS];
    plat_lock_init(&buffer.lock);
    plat_cond_init(&buffer.filled);
    plat_cond_init(&buffer.emptied);
    for (int i = 0; i < THREADS; i++) {
        threads[2 * i] = start_thread(produce, &buffer);
        threads[2 * i + 1] = start_thread(consume, &buffer);
    }
    for (int i = 0; i < 2 * THREADS; i++) {
        plat_thread_join(threads[i]);
    }
    long n = ROUNDS / 4;
    assert_int_equal(atomic_load(&buffer.sum), THREADS * (n * (n + 1) / 2));
    assert_int_equal(atomic_load(&buffer.late), 0);
    plat_cond_destroy(&buffer.filled);
    plat_cond_destroy(&buffer.emptied);
    plat_lock_destroy(&buffer.lock);
}

static void test_deadline_passes_and_lock_is_held_again(void **state)
{
    (void)state;
    plat_lock lock;
    plat_cond cond;
    plat_lock_init(&lock);
    plat_cond_init(&cond);
    plat_lock_take(&lock);
    assert_false(plat_cond_wait(&cond, &lock, 0));
    assert_false(plat_cond_wait(&cond, &lock, INT64_MIN));
    int64_t deadline = plat_now() + 20 * MS;
    while (plat_cond_wait(&cond, &lock, deadline)) {
        assert_true(plat_now() < deadline + 20 * SECOND); /* woken for no reason: that is allowed */
    }
    assert_true(plat_now() >= deadline);
    assert_int_not_equal(pthread_mutex_trylock(&lock.mutex), 0);
    plat_lock_give(&lock);
    plat_cond_destroy(&cond);
    plat_lock_destroy(&lock);
}

struct crowd {
    plat_lock lock;
    plat_cond changed;
    int waiting, gone;
    bool go;
};

static void join_crowd(void *arg)
{
    struct crowd *crowd = arg;
    plat_lock_take(&crowd->lock);
    crowd->waiting++;
    plat_cond_wake_all(&crowd->changed);
    while (!crowd->go) {
        plat_cond_wait(&crowd->changed, &crowd->lock, PLAT_FOREVER);
    }
    crowd->gone++;
    plat_lock_give(&crowd->lock);
}

static void test_wake_all_wakes_all(void **state)
{
    (void)state;
    struct crowd crowd = {.go = false};
    plat_thread threads[16];
    plat_lock_init(&crowd.lock);
    plat_cond_init(&crowd.changed);
    for (int i = 0; i < 16; i++) {
        threads[i] = start_thread(join_crowd, &crowd);
    }
    plat_lock_take(&crowd.lock);
    while (crowd.waiting < 16) {
        plat_cond_wait(&crowd.changed, &crowd.lock, PLAT_FOREVER);
    }
    crowd.go = true;
    plat_cond_wake_all(&crowd.changed);
    plat_lock_give(&crowd.lock);
    for (int i = 0; i < 16; i++) {
        plat_thread_join(threads[i]);
    }
    assert_int_equal(crowd.gone, 16);
    plat_cond_destroy(&crowd.changed);
    plat_lock_destroy(&crowd.lock);
}

static void test_destroying_a_held_lock_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        plat_lock lock;
        plat_lock_init(&lock);
        plat_lock_take(&lock);
        plat_lock_destroy(&lock);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_producers_and_consumers),
        cmocka_unit_test(test_deadline_passes_and_lock_is_held_again),
        cmocka_unit_test(test_wake_all_wakes_all),
        cmocka_unit_test(test_destroying_a_held_lock_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
