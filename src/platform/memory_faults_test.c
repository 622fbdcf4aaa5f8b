/* Fault injection: the n-th allocation, thread or eventfd fails, once, whoever asks for it. */
#include "platform.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4
#define ALLOCATIONS 2000

static void test_each_function_can_fail(void **state)
{
    (void)state;
    char kept[] = "old";
    plat_fault_set(1);
    assert_null(plat_malloc(8));
    plat_fault_set(1);
    assert_null(plat_calloc(2, 8));
    plat_fault_set(1);
    assert_null(plat_strdup(kept));
    plat_fault_set(1);
    assert_null(plat_strndup(kept, 1));
    plat_fault_set(1);
    assert_null(plat_printf("%s", kept));
    char *old = plat_strdup(kept);
    plat_fault_set(1);
    assert_null(plat_realloc(old, 1000));
    assert_string_equal(old, kept); /* still ours */
    plat_free(old);
    plat_fault_set(1);
    assert_int_equal(plat_eventfd_create(), -1);
    assert_int_equal(errno, EMFILE);
}

static void test_only_the_nth_fails_and_once(void **state)
{
    (void)state;
    plat_fault_set(3);
    for (int i = 1; i <= 10; i++) {
        void *memory = plat_malloc(1);
        assert_int_equal(memory == NULL, i == 3);
        plat_free(memory);
    }
    assert_int_equal(plat_fault_count(), 10);
    plat_fault_set(0);
    void *memory = plat_malloc(1);
    assert_non_null(memory);
    plat_free(memory);
}

static void never_runs(void *arg)
{
    *(bool *)arg = true;
}

static void test_thread_creation_can_fail(void **state)
{
    (void)state;
    bool ran = false;
    plat_thread thread;
    plat_fault_set(1); /* its memory */
    assert_int_equal(plat_thread_start(&thread, "none", 0, 0, never_runs, &ran), ENOMEM);
    plat_fault_set(2); /* the thread */
    assert_int_equal(plat_thread_start(&thread, "none", 0, 0, never_runs, &ran), EAGAIN);
    plat_fault_set(0);
    assert_false(ran);
}

static _Atomic int failures;

/* All begin once all are there: the n-th is then an allocation of one of them, and no thread's creation. */
static void allocate(void *arg)
{
    plat_gate_wait(arg, PLAT_FOREVER);
    for (int i = 0; i < ALLOCATIONS; i++) {
        void *memory = plat_malloc(16);
        if (!memory) {
            atomic_fetch_add(&failures, 1);
        }
        plat_free(memory);
    }
}

static void test_many_threads_see_one_failure(void **state)
{
    (void)state;
    plat_thread threads[THREADS];
    plat_gate all_there = {0};
    plat_fault_set(2 * THREADS + THREADS * ALLOCATIONS / 2);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(plat_thread_start(&threads[i], "alloc", 0, 0, allocate, &all_there), 0);
    }
    plat_gate_open(&all_there);
    for (int i = 0; i < THREADS; i++) {
        plat_thread_join(threads[i]);
    }
    assert_int_equal(atomic_load(&failures), 1);
    assert_int_equal(plat_fault_count(), 2 * THREADS + THREADS * ALLOCATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_function_can_fail),
        cmocka_unit_test(test_only_the_nth_fails_and_once),
        cmocka_unit_test(test_thread_creation_can_fail),
        cmocka_unit_test(test_many_threads_see_one_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
