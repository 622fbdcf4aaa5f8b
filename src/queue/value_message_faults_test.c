/* A queue as an attachment, with each allocation failing once: then there is none, and the queue is held by nobody. */
#include "value_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <platform.h>

#include "value_codec.h"

static void test_queue_as_a_value(void **state)
{
    (void)state;
    bool taken;
    queue *q = queue_new("faulty", (queue_limits){0}, 0, &taken);
    assert_non_null(q);
    for (long n = 1; n <= 3; n++) {
        plat_fault_set(n);
        attachment *a = queue_attachment(q);
        isle_value *value = value_new_attachment(a);
        plat_fault_set(0);
        assert_int_equal(value != NULL, n == 3); /* the attachment, and the value */
        isle_value_free(value);
    }
    queue_unref(q);
    assert_null(queue_find("faulty"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_as_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
