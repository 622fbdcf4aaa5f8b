/* repr: what Python 3.13 printed for each of these. */
#include <isles/value.h>

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(isle_value *value, const char *expected)
{
    char *repr = isle_value_repr(value);
    assert_string_equal(repr, expected);
    isle_string_free(repr);
    isle_value_free(value);
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *repr;
    } floats[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100.0"},
        {123456.789, "123456.789"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1.5e16, "1.5e+16"},
        {9007199254740993.0, "9007199254740992.0"},
        {0.0001, "0.0001"},
        {0.00012, "0.00012"},
        {0.00001, "1e-05"},
        {1.25e-5, "1.25e-05"},
        {1e100, "1e+100"},
        {1e22, "1e+22"},
        {1e23, "1e+23"},
        {0.3, "0.3"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {0x1p-24, "5.960464477539063e-08"}, /* beside a power of two: the even neighbour does not read back */
        {0x1p-44, "5.684341886080802e-14"},
        {5e-324, "5e-324"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {0x1.fffffffffffffp1023, "1.7976931348623157e+308"},
        {9.5, "9.5"},
        {99999.99999999999, "99999.99999999999"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
        {-NAN, "nan"},
    };
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        check(isle_value_new_float(floats[i].d), floats[i].repr);
    }
}

/* A locale with a decimal comma changes nothing. Skipped where none is installed. */
static void test_floats_in_another_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "de_DE", "fr_FR"};
    const char *found = NULL;
    for (size_t i = 0; i < 5 && !found; i++) {
        found = setlocale(LC_NUMERIC, names[i]);
    }
    if (!found) {
        skip();
    }
    test_floats(state);
    setlocale(LC_NUMERIC, "C");
}

static void test_ints(void **state)
{
    (void)state;
    static const uint8_t power[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}; /* 2**96 */
    static const uint8_t billion_squared[] = {0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0x00, 0x00};
    check(isle_value_new_int(0), "0");
    check(isle_value_new_int(INT64_MIN), "-9223372036854775808");
    check(isle_value_new_bigint(true, power, 9), "-18446744073709551616");
    check(isle_value_new_bigint(false, power, 13), "79228162514264337593543950336");
    check(isle_value_new_bigint(false, billion_squared, 8), "1000000000000000000");
    static uint8_t huge[1786];
    huge[0] = 1;
    isle_value *value = isle_value_new_bigint(false, huge, 1785); /* 2**(8 * 1784): the last that is decimal */
    char *repr = isle_value_repr(value);
    assert_int_equal(strlen(repr), 4297);
    assert_memory_equal(repr, "1995", 4);
    assert_string_equal(repr + strlen(repr) - 4, "5696");
    isle_string_free(repr);
    isle_value_free(value);
    huge[1785] = 0xab;
    value = isle_value_new_bigint(true, huge, 1786);
    repr = isle_value_repr(value);
    assert_int_equal(strlen(repr), 3 + 1 + 2 * 1785);
    assert_memory_equal(repr, "-0x100", 6);
    assert_string_equal(repr + strlen(repr) - 4, "00ab");
    isle_string_free(repr);
    isle_value_free(value);
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *repr;
    } strings[] = {
        {"", 0, "''"},
        {"a'b", 3, "\"a'b\""},
        {"a\"b", 3, "'a\"b'"},
        {"'\"", 2, "'\\'\"'"},
        {"\\", 1, "'\\\\'"},
        {"\n\r\t\b\f", 5, "'\\n\\r\\t\\x08\\x0c'"},
        {"a\0b", 3, "'a\\x00b'"},
        {"\x1f\x7f", 2, "'\\x1f\\x7f'"},
        {"\xc2\x80\xc2\xa0\xc2\xad", 6, "'\\x80\\xa0\\xad'"},
        {"\xc2\xa1\xc3\xa9", 4, "'\xc2\xa1\xc3\xa9'"},
        {"\xe2\x80\x8b\xe2\x80\xa8\xe3\x80\x80", 9, "'\\u200b\\u2028\\u3000'"},
        {"\xed\xa0\x80\xed\xbf\xbf", 6, "'\\ud800\\udfff'"},
        {"\xee\x80\x80", 3, "'\\ue000'"},
        {"\xef\xbb\xbfx", 4, "'\\ufeffx'"},
        {"\xf0\x9f\x98\x80", 4, "'\xf0\x9f\x98\x80'"},
        {"\xf3\xa0\x80\x81\xf4\x8f\xbf\xbd", 8, "'\\U000e0001\\U0010fffd'"},
        {"\xff", 1, "'\\udcff'"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        check(isle_value_new_str_n(strings[i].text, strings[i].len), strings[i].repr);
    }
    check(isle_value_new_bytes("a'\"\\\n\t\r\0\x7f\x80\xff~", 12), "b'a\\'\"\\\\\\n\\t\\r\\x00\\x7f\\x80\\xff~'");
    check(isle_value_new_bytes("it's", 4), "b\"it's\"");
    check(isle_value_new_bytes("", 0), "b''");
}

static void test_containers(void **state)
{
    (void)state;
    isle_value *list = isle_value_new_list(), *one = isle_value_new_tuple(), *two = isle_value_new_tuple();
    isle_value_append(one, isle_value_new_bool(true));
    isle_value_append(two, isle_value_new_none());
    isle_value_append(two, isle_value_new_bool(false));
    isle_value_append(list, isle_value_new_tuple());
    isle_value_append(list, one);
    isle_value_append(list, two);
    isle_value *dict = isle_value_new_dict();
    isle_value_set_str(dict, "a", list);
    isle_value_set(dict, isle_value_new_int(1), isle_value_new_dict());
    isle_value_set(dict, isle_value_new_bytes("k", 1), isle_value_new_list());
    check(dict, "{'a': [(), (True,), (None, False)], 1: {}, b'k': []}");
    check(NULL, "<NULL>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),     cmocka_unit_test(test_floats_in_another_locale),
        cmocka_unit_test(test_ints),       cmocka_unit_test(test_strings),
        cmocka_unit_test(test_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
