/* Queues as values: which queue it is, who keeps it alive, and that one can be sent through another. */
#include <isles/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static isle_queue *new_queue(const char *name)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q = NULL;
    config.name = name;
    assert_int_equal(isle_queue_create(&config, &q, NULL), ISLE_OK);
    return q;
}

static bool lives(const char *name)
{
    isle_queue *q;
    if (isle_queue_find(name, &q, NULL) != ISLE_OK) {
        return false;
    }
    isle_queue_free(q);
    return true;
}

static void test_a_value_keeps_its_queue(void **state)
{
    (void)state;
    isle_queue *q = new_queue("kept");
    isle_value *value = isle_value_new_queue(q), *same = isle_value_new_queue(q), *none = isle_value_new_none();
    char expected[64];
    snprintf(expected, sizeof(expected), "<queue %llu>", (unsigned long long)isle_queue_id(q));
    char *repr = isle_value_repr(value);
    assert_string_equal(repr, expected);
    isle_string_free(repr);
    assert_int_equal(isle_value_type(value), ISLE_QUEUE);
    assert_ptr_equal(isle_value_as_queue(value), q);
    assert_true(isle_value_equal(value, same));
    isle_queue_free(q);
    isle_value_free(same);
    assert_true(lives("kept"));
    isle_value_free(value);
    assert_false(lives("kept"));
    assert_null(isle_value_as_queue(none));
    assert_null(isle_value_as_queue(NULL));
    assert_null(isle_value_new_queue(NULL));
    isle_value_free(none);
}

static void test_a_queue_through_a_queue(void **state)
{
    (void)state;
    isle_queue *way = new_queue("way"), *sent = new_queue("sent");
    isle_value *value = isle_value_new_queue(sent), *got = NULL, *answer = NULL, *text = isle_value_new_str("hello");
    assert_int_equal(isle_queue_put(way, value, 0, NULL), ISLE_OK);
    isle_value_free(value);
    isle_queue_free(sent);
    assert_true(lives("sent")); /* the message holds it */
    assert_int_equal(isle_queue_get(way, 0, &got, NULL), ISLE_OK);
    assert_int_equal(isle_queue_put(isle_value_as_queue(got), text, 0, NULL), ISLE_OK);
    assert_int_equal(isle_queue_get(isle_value_as_queue(got), 0, &answer, NULL), ISLE_OK);
    assert_true(isle_value_equal(answer, text));
    isle_value_free(answer);
    isle_value_free(text);
    assert_int_equal(isle_queue_put(way, got, 0, NULL), ISLE_OK);
    isle_value_free(got);
    isle_queue_free(way); /* with the message in it */
    assert_false(lives("sent"));
}

static void test_it_cannot_leave_the_process(void **state)
{
    (void)state;
    isle_queue *q = new_queue(NULL);
    isle_value *list = isle_value_new_list();
    uint8_t *bytes = NULL;
    size_t len;
    assert_int_equal(isle_value_append(list, isle_value_new_queue(q)), ISLE_OK);
    assert_int_equal(isle_value_encode(list, &bytes, &len), ISLE_ERR_NOT_SHAREABLE);
    assert_null(bytes);
    isle_value_free(list);
    isle_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_keeps_its_queue),
        cmocka_unit_test(test_a_queue_through_a_queue),
        cmocka_unit_test(test_it_cannot_leave_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
