/* Tests of the timer heap, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "timer.h"

#define COUNT 300

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 8;
}

static int64_t earliest(const timer *timers)
{
    int64_t at = INT64_MAX;
    for (size_t i = 0; i < COUNT; i++) {
        if (timers[i].armed && timers[i].at < at) {
            at = timers[i].at;
        }
    }
    return at;
}

static void test_root_is_the_earliest_whatever_is_added_and_removed(void **state)
{
    (void)state;
    static timer timers[COUNT];
    timer_heap heap = {NULL};
    unsigned seed = 7;
    for (int step = 0; step < 20000; step++) {
        timer *t = &timers[next_random(&seed) % COUNT];
        if (t->armed) {
            timer_heap_remove(&heap, t);
        } else {
            timer_heap_add(&heap, t, next_random(&seed) % 1000);
        }
        int64_t at = earliest(timers);
        assert_int_equal(heap.root == NULL ? INT64_MAX : heap.root->at, at);
    }
}

static void test_comes_out_in_order(void **state)
{
    (void)state;
    static timer timers[COUNT];
    timer_heap heap = {NULL};
    unsigned seed = 1;
    for (size_t i = 0; i < COUNT; i++) {
        timer_heap_add(&heap, &timers[i], next_random(&seed) % 100);
    }
    int64_t last = 0;
    for (size_t i = 0; i < COUNT; i++) {
        timer *t = heap.root;
        assert_true(t->at >= last);
        last = t->at;
        timer_heap_remove(&heap, t);
        assert_false(t->armed);
    }
    assert_null(heap.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_is_the_earliest_whatever_is_added_and_removed),
        cmocka_unit_test(test_comes_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
