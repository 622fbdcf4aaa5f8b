/* JSON: what goes there and back, what has no form and where that is, what is refused and where. */
#include <isles/value.h>

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cbor.h"

static isle_value *from(const char *json)
{
    isle_value *value = NULL;
    size_t offset = 0;
    isle_status status = isle_value_from_json(json, strlen(json), &value, &offset);
    if (status != ISLE_OK) {
        fail_msg("%s: %s at %zu", json, isle_status_name(status), offset);
    }
    return value;
}

/* JSON to a value, as Python prints it, to JSON again. */
static void check(const char *json, const char *repr, const char *again)
{
    isle_value *value = from(json);
    char *printed = isle_value_repr(value), *written = NULL;
    assert_string_equal(printed, repr);
    assert_int_equal(isle_value_to_json(value, &written, NULL), ISLE_OK);
    assert_string_equal(written, again ? again : json);
    isle_string_free(printed);
    isle_string_free(written);
    isle_value_free(value);
}

static void test_there_and_back(void **state)
{
    (void)state;
    check("null", "None", NULL);
    check("true", "True", NULL);
    check("[false]", "[False]", NULL);
    check("0", "0", NULL);
    check("9223372036854775807", "9223372036854775807", NULL);
    check("-9223372036854775808", "-9223372036854775808", NULL);
    check("\"\"", "''", NULL);
    check("\"h\\u00e9\\\"\\n\"", "'h\xc3\xa9\"\\n'", "\"h\xc3\xa9\\\"\\n\"");
    check("\"a\\u0000b\"", "'a\\x00b'", NULL);
    check("\"\\ud834\\udd1e\"", "'\xf0\x9d\x84\x9e'", "\"\xf0\x9d\x84\x9e\"");
    check("[]", "[]", NULL);
    check("{}", "{}", NULL);
    check(" [1 ,2.5,{\"b\":[],\"a\":null}]", "[1, 2.5, {'b': [], 'a': None}]", "[1, 2.5, {\"b\": [], \"a\": null}]");
}

static void test_floats(void **state)
{
    (void)state;
    check("1.0", "1.0", NULL); /* still a float */
    check("1.1", "1.1", NULL);
    check("-0.0", "-0.0", NULL);
    check("[0.30000000000000004]", "[0.30000000000000004]", NULL);
    check("1e300", "1e+300", "1e300");
    static const double doubles[] = {DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 1.0 / 3, 2.0 / 3, 1e22, 9007199254740993.0};
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        isle_value *value = isle_value_new_float(doubles[i]);
        char *json = NULL;
        assert_int_equal(isle_value_to_json(value, &json, NULL), ISLE_OK);
        isle_value *again = from(json);
        assert_true(isle_value_equal(value, again));
        isle_string_free(json);
        isle_value_free(again);
        isle_value_free(value);
    }
}

static void test_a_tuple_is_an_array(void **state)
{
    (void)state;
    isle_value *tuple = isle_value_new_tuple();
    char *json = NULL;
    assert_int_equal(isle_value_append(tuple, isle_value_new_int(1)), ISLE_OK);
    assert_int_equal(isle_value_to_json(tuple, &json, NULL), ISLE_OK);
    assert_string_equal(json, "[1]");
    isle_string_free(json);
    isle_value_free(tuple);
}

/* --- what has no form ---------------------------------------------------------------------------------------- */

static void check_refused(isle_value *value, const char *expected)
{
    char *json = NULL, *path = NULL;
    assert_int_equal(isle_value_to_json(value, &json, &path), ISLE_ERR_NOT_SHAREABLE);
    assert_null(json);
    assert_string_equal(path, expected);
    assert_int_equal(isle_value_to_json(value, &json, NULL), ISLE_ERR_NOT_SHAREABLE);
    isle_string_free(path);
    isle_value_free(value);
}

static isle_value *dict_of(isle_value *key, isle_value *item)
{
    isle_value *dict = isle_value_new_dict();
    assert_int_equal(isle_value_set(dict, key, item), ISLE_OK);
    return dict;
}

static isle_value *inside(isle_value *value) /* {'a': [0, 1, value]} */
{
    isle_value *list = isle_value_new_list();
    assert_int_equal(isle_value_append(list, isle_value_new_int(0)), ISLE_OK);
    assert_int_equal(isle_value_append(list, isle_value_new_int(1)), ISLE_OK);
    assert_int_equal(isle_value_append(list, value), ISLE_OK);
    return dict_of(isle_value_new_str("a"), list);
}

static void test_the_path_of_what_has_no_form(void **state)
{
    (void)state;
    static const uint8_t big[9] = {1};
    check_refused(isle_value_new_bytes("x", 1), "bytes");
    check_refused(inside(isle_value_new_bytes("x", 1)), "['a'][2]: bytes");
    check_refused(inside(isle_value_new_tag(258, isle_value_new_list())), "['a'][2]: tag");
    check_refused(inside(isle_value_new_buffer(NULL, 0, false, NULL, NULL)), "['a'][2]: buffer");
    check_refused(inside(isle_value_new_float(__builtin_nan(""))), "['a'][2]: nan");
    check_refused(inside(isle_value_new_float(-__builtin_inf())), "['a'][2]: inf");
    check_refused(inside(isle_value_new_bigint(true, big, 9)), "['a'][2]: an int of more than 64 bits");
    check_refused(inside(isle_value_new_str("\xff")), "['a'][2]: a str with lone surrogates");
    check_refused(inside(dict_of(isle_value_new_int(1), isle_value_new_none())), "['a'][2]: a key that is no str");
    check_refused(dict_of(isle_value_new_str("\xff"), isle_value_new_none()), "a key with lone surrogates");
    check_refused(dict_of(isle_value_new_str_n("a\0", 2), isle_value_new_none()), "a key with a NUL");
    char *json = NULL;
    assert_int_equal(isle_value_to_json(NULL, &json, NULL), ISLE_ERR_NOMEM);
}

static void test_a_long_path_loses_its_beginning(void **state)
{
    (void)state;
    isle_value *value = isle_value_new_bytes("", 0);
    for (int i = 0; i < 400; i++) {
        value = dict_of(isle_value_new_str("long"), value);
    }
    char *json, *path = NULL;
    assert_int_equal(isle_value_to_json(value, &json, &path), ISLE_ERR_NOT_SHAREABLE);
    assert_in_range(strlen(path), 500, 520);
    assert_string_equal(path + strlen(path) - 15, "['long']: bytes");
    isle_string_free(path);
    isle_value_free(value);
}

/* --- what is refused ----------------------------------------------------------------------------------------- */

static void test_bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        isle_status status;
    } bad[] = {
        {"", ISLE_ERR_DECODE},
        {"[1,]", ISLE_ERR_DECODE},
        {"[1] 2", ISLE_ERR_DECODE},
        {"nul", ISLE_ERR_DECODE},
        {"'a'", ISLE_ERR_DECODE},
        {"\"\xff\"", ISLE_ERR_DECODE},
        {"\"\\ud800\"", ISLE_ERR_DECODE},
        {"{\"a\":1,\"a\":2}", ISLE_ERR_DECODE},
        {"{\"a\\u0000\":1}", ISLE_ERR_DECODE},
        {"NaN", ISLE_ERR_DECODE},
        {"9223372036854775808", ISLE_ERR_LIMIT},
        {"1e999", ISLE_ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        isle_value *value = NULL;
        size_t offset = 99, len = strlen(bad[i].json);
        assert_int_equal(isle_value_from_json(bad[i].json, len, &value, &offset), bad[i].status);
        assert_null(value);
        assert_true(offset <= len);
    }
    isle_value *value = NULL;
    size_t offset = 0;
    assert_int_equal(isle_value_from_json("[1, x]", 6, &value, &offset), ISLE_ERR_DECODE);
    assert_in_range(offset, 4, 5);
    assert_int_equal(isle_value_from_json(NULL, 0, &value, NULL), ISLE_ERR_DECODE);
}

/* ["[[\"",[[[...]]]], `depth` lists in each other. Brackets in a string don't count. */
static char *nested(size_t depth, size_t *out_len)
{
    static const char first[] = "[\"[[\\\"\",";
    size_t head = sizeof(first) - 1;
    *out_len = head + depth - 1 + depth;
    char *json = malloc(*out_len);
    assert_non_null(json);
    memcpy(json, first, head);
    memset(json + head, '[', depth - 1);
    memset(json + head + depth - 1, ']', depth);
    return json;
}

static void test_depth(void **state)
{
    (void)state;
    static const size_t depths[] = {CBOR_MAX_DEPTH, CBOR_MAX_DEPTH + 1, 2000, 100000};
    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        size_t len, offset = 0;
        char *json = nested(depths[i], &len), *text = NULL;
        isle_value *value = NULL;
        isle_status status = isle_value_from_json(json, len, &value, &offset);
        assert_int_equal(status, i == 0 ? ISLE_OK : ISLE_ERR_LIMIT);
        if (i == 1) {
            assert_int_equal(offset, len - 2 * (CBOR_MAX_DEPTH + 1) + CBOR_MAX_DEPTH); /* the innermost */
        }
        if (value) {
            assert_int_equal(isle_value_to_json(value, &text, NULL), ISLE_OK);
            isle_value *again = from(text);
            assert_true(isle_value_equal(value, again));
            isle_value_free(again);
        }
        isle_string_free(text);
        isle_value_free(value);
        free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_a_tuple_is_an_array),
        cmocka_unit_test(test_the_path_of_what_has_no_form),
        cmocka_unit_test(test_a_long_path_loses_its_beginning),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
