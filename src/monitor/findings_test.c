/* What was found: each kind once, counted, up to a number. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings.h"

static const char one[] = "deny open", two[] = "read";

static void test_each_kind_is_kept_once(void **state)
{
    (void)state;
    findings all;
    findings_init(&all);
    assert_true(findings_add(&all, one, "open", "a"));
    assert_false(findings_add(&all, one, "open", "a"));
    assert_true(findings_add(&all, two, "open", "a"));
    assert_true(findings_add(&all, one, "open", "ab"));
    assert_true(findings_add(&all, one, "os.remove", "a"));
    assert_int_equal(all.count, 4);
    assert_int_equal(all.items[0].count, 2);
    assert_int_equal(all.items[1].count, 1);
    findings_clear(&all);
}

static void test_a_long_subject_is_cut_between_characters(void **state)
{
    (void)state;
    findings all;
    char text[400] = "x";
    for (size_t i = 1; i + 2 < 300; i += 2) {
        memcpy(text + i, "\xc3\xa4", 3);
    }
    findings_init(&all);
    assert_true(findings_add(&all, one, "open", text));
    assert_false(findings_add(&all, one, "open", text));
    assert_int_equal(strlen(all.items[0].subject), FINDINGS_SUBJECT); /* 1 + 2 * 127 */
    assert_memory_equal(all.items[0].subject + FINDINGS_SUBJECT - 2, "\xc3\xa4", 3);
    memmove(text + 1, text, strlen(text) + 1); /* now a character lies across the limit */
    assert_true(findings_add(&all, one, "open", text));
    assert_int_equal(strlen(all.items[1].subject), FINDINGS_SUBJECT - 1);
    findings_clear(&all);
}

static void test_what_has_no_room_is_counted(void **state)
{
    (void)state;
    findings all;
    char subject[20];
    findings_init(&all);
    for (int i = 0; i < FINDINGS_MOST + 10; i++) {
        sprintf(subject, "%d", i);
        assert_int_equal(findings_add(&all, one, "open", subject), i < FINDINGS_MOST);
    }
    assert_false(findings_add(&all, one, "open", "0"));
    assert_int_equal(all.count, FINDINGS_MOST);
    assert_int_equal(all.left_out, 10);
    assert_int_equal(all.items[0].count, 2);
    findings_clear(&all);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        findings_add(arg, one, "open", i % 2 == 0 ? "even" : "odd");
    }
    return NULL;
}

static void test_threads_lose_no_count(void **state)
{
    (void)state;
    findings all;
    pthread_t threads[4];
    findings_init(&all);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &all), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(all.count, 2);
    assert_int_equal(all.items[0].count + all.items[1].count, 8000);
    findings_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_is_kept_once),
        cmocka_unit_test(test_a_long_subject_is_cut_between_characters),
        cmocka_unit_test(test_what_has_no_room_is_counted),
        cmocka_unit_test(test_threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
