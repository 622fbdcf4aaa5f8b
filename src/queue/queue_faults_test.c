/* Queues when memory or descriptors run out: nothing half-made stays, a name is free again, and what failed once works
 * the next time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "platform.h"
#include "queue.h"
#include "value_message.h"

static void count_one(queue *q, void *ctx)
{
    (void)q;
    ++*(int *)ctx;
}

static int living(void)
{
    int count = 0;
    queue_for_each(count_one, &count);
    return count;
}

static void test_a_queue_is_made_or_not(void **state)
{
    (void)state;
    bool taken;
    int failed = 0;
    for (long n = 1;; n++) {
        plat_fault_set(n);
        queue *q = queue_new("faulty", (queue_limits){0}, 0, &taken);
        plat_fault_set(0);
        assert_false(taken);
        if (q != NULL) {
            assert_int_equal(living(), 1);
            queue_unref(q);
            break;
        }
        failed++;
        assert_int_equal(living(), 0);
    }
    assert_true(failed >= 2); /* itself, its name */
}

static void test_a_descriptor_is_asked_for_again(void **state)
{
    (void)state;
    bool taken;
    queue *q = queue_new(NULL, (queue_limits){0}, 0, &taken);
    plat_fault_set(1);
    assert_int_equal(queue_fd(q), -1);
    assert_int_equal(errno, EMFILE);
    plat_fault_set(0);
    assert_true(queue_fd(q) >= 0);
    queue_unref(q);
}

static void test_a_message_that_cannot_be_written(void **state)
{
    (void)state;
    attachments beside;
    cbor_writer w;
    plat_fault_set(1);
    value_message_begin(&w, &beside, 0);
    cbor_write_uint(&w, 7);
    assert_null(value_message_take(&w, 0));
    plat_fault_set(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_is_made_or_not),
        cmocka_unit_test(test_a_descriptor_is_asked_for_again),
        cmocka_unit_test(test_a_message_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
