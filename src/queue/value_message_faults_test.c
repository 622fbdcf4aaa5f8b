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

static void drop_nothing(attachment *a)
{
    plat_free(a);
}

static value_message *message_with_everything(int i)
{
    attachments beside;
    cbor_writer w;
    attachment *a = plat_calloc(1, sizeof *a);
    assert_non_null(a);
    *a = (attachment){.refs = 1, .kind = ATTACHMENT_BUFFER, .drop = drop_nothing};
    value_message_begin(&w, &beside, 0);
    cbor_write_array(&w, 2);
    cbor_write_int(&w, i);
    cbor_write_attachment(&w, a);
    attachment_unref(a);
    value_message *m = value_message_take(&w, 0);
    assert_non_null(m);
    return m;
}

/* After a million messages as many allocations live as before, whether they were got or dropped. */
static void test_a_million_messages_leave_nothing(void **state)
{
    (void)state;
    bool taken;
    plat_fault_set(0);
    queue *q = queue_new(NULL, (queue_limits){.max_items = 100}, 0, &taken);
    long before = plat_live_count();
    const queue_patience now = {.deadline = 0};
    for (int i = 0; i < 1000000; i++) {
        value_message *m = message_with_everything(i);
        queue_message *got = &m->message;
        bool queued = queue_put(q, &m->message, &now) == QUEUE_OK;
        if (queued && i % 3 != 0) { /* the rest fills the queue, whose last ones are dropped with it */
            assert_int_equal(queue_get(q, 1, &got, NULL, &now), QUEUE_OK);
        }
        if (!queued || i % 3 != 0) {
            got->drop(got);
        }
    }
    assert_int_equal(queue_count(q).items, 100);
    assert_int_equal(plat_live_count(), before + 3L * 100); /* message, list of attachments, attachment */
    queue_unref(q);
    assert_int_equal(plat_live_count(), before - 1); /* the queue itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_as_a_value),
        cmocka_unit_test(test_a_million_messages_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
