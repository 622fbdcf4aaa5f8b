/* Status names and texts, version, deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <isles/status.h>

static void test_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(isle_status_name(ISLE_OK), "ISLE_OK");
    assert_string_equal(isle_status_name(ISLE_ERR_TIMEOUT), "ISLE_ERR_TIMEOUT");
    assert_string_equal(isle_status_text(ISLE_ERR_TIMEOUT), "the deadline passed");
    assert_string_equal(isle_status_name((isle_status)-1000), "unknown");
    assert_string_equal(isle_status_name((isle_status)1), "unknown");
    assert_non_null(isle_status_text((isle_status)-1000));
#define CHECK(name, value, text) \
    assert_int_equal(ISLE_ERR_##name, value); \
    assert_string_equal(isle_status_name(ISLE_ERR_##name), "ISLE_ERR_" #name); \
    assert_string_equal(isle_status_text(ISLE_ERR_##name), text);
    ISLE_STATUS_LIST(CHECK)
#undef CHECK
}

static void test_version_is_that_of_the_headers(void **state)
{
    (void)state;
    char numbers[64];
    assert_string_equal(isle_version(), ISLE_VERSION_STRING);
    snprintf(numbers, sizeof(numbers), "%d.%d.%d", ISLE_VERSION_MAJOR, ISLE_VERSION_MINOR, ISLE_VERSION_PATCH);
    assert_string_equal(isle_version(), numbers);
}

static void test_deadlines(void **state)
{
    (void)state;
    int64_t before = isle_now(), deadline = isle_deadline_in(5 * ISLE_SECOND), after = isle_now();
    assert_true(before > 0 && before <= after);
    assert_true(deadline >= before + 5 * ISLE_SECOND && deadline <= after + 5 * ISLE_SECOND);
    assert_true(isle_deadline_in(ISLE_FOREVER) == ISLE_FOREVER);
    assert_true(isle_deadline_in(ISLE_FOREVER - 1) == ISLE_FOREVER); /* does not overflow */
    assert_true(isle_deadline_in(-ISLE_SECOND) < isle_now());
    assert_true(isle_deadline_in(INT64_MIN) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_texts),
        cmocka_unit_test(test_version_is_that_of_the_headers),
        cmocka_unit_test(test_deadlines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
