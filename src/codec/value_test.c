/* Values: what constructors and getters give, ownership of items, equality, copies, depth. Dictionaries:
 * value_dict_test.c; bytes: cbor_*_test.c. */
#include <isles/value.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cbor.h"

static isle_value *list_of(size_t count, isle_value *const *items)
{
    isle_value *list = isle_value_new_list();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(isle_value_append(list, items[i]), ISLE_OK);
    }
    return list;
}

#define LIST(...) list_of(sizeof((isle_value *[]){__VA_ARGS__}) / sizeof(void *), (isle_value *[]){__VA_ARGS__})

/* Compares and frees both. */
static bool equal_free(isle_value *a, isle_value *b)
{
    assert_non_null(a);
    assert_non_null(b);
    bool equal = isle_value_equal(a, b);
    assert_int_equal(isle_value_equal(b, a), equal);
    isle_value_free(a);
    isle_value_free(b);
    return equal;
}

static isle_value *round_trip(const isle_value *value)
{
    uint8_t *bytes;
    size_t len;
    isle_value *again;
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    isle_bytes_free(bytes);
    return again;
}

static void test_types(void **state)
{
    (void)state;
    isle_value *values[] = {
        isle_value_new_none(),   isle_value_new_bool(true), isle_value_new_int(1),
        isle_value_new_float(1), isle_value_new_str("x"),   isle_value_new_bytes("x", 1),
        isle_value_new_list(),   isle_value_new_tuple(),    isle_value_new_dict(),
    };
    static const char *const names[] = {"NoneType", "bool", "int", "float", "str", "bytes", "list", "tuple", "dict"};
    for (int i = ISLE_NONE; i <= ISLE_DICT; i++) {
        bool b = true;
        int64_t integer = 7;
        double number = 7;
        bool negative;
        const uint8_t *magnitude;
        const isle_value *key, *item;
        size_t len;
        assert_int_equal(isle_value_type(values[i]), i);
        assert_string_equal(isle_type_name((isle_type)i), names[i]);
        assert_int_equal(isle_value_as_bool(values[i], &b), i == ISLE_BOOL);
        assert_int_equal(isle_value_as_int64(values[i], &integer), i == ISLE_INT); /* a bool is no int here */
        assert_int_equal(isle_value_as_bigint(values[i], &negative, &magnitude, &len), i == ISLE_INT);
        assert_int_equal(isle_value_as_double(values[i], &number), i == ISLE_INT || i == ISLE_FLOAT);
        assert_int_equal(isle_value_as_str(values[i], NULL) != NULL, i == ISLE_STR);
        assert_int_equal(isle_value_as_bytes(values[i], NULL) != NULL, i == ISLE_BYTES);
        assert_int_equal(isle_value_len(values[i]), i == ISLE_STR || i == ISLE_BYTES);
        assert_null(isle_value_at(values[i], 0));
        assert_false(isle_value_pair(values[i], 0, &key, &item));
        assert_null(isle_value_get_str(values[i], "x"));
        for (int k = ISLE_NONE; k <= ISLE_DICT; k++) {
            assert_int_equal(isle_value_equal(values[i], values[k]), i == k);
        }
    }
    assert_string_equal(isle_type_name((isle_type)99), "unknown");
    for (int i = ISLE_NONE; i <= ISLE_DICT; i++) {
        isle_value_free(values[i]);
    }
}

static void test_null_is_a_value_of_no_type(void **state)
{
    (void)state;
    int64_t i;
    double d;
    uint8_t *bytes = NULL;
    size_t len;
    isle_value_free(NULL);
    assert_false(isle_value_as_int64(NULL, &i));
    assert_false(isle_value_as_double(NULL, &d));
    assert_null(isle_value_as_str(NULL, NULL));
    assert_int_equal(isle_value_len(NULL), 0);
    assert_null(isle_value_at(NULL, 0));
    assert_null(isle_value_get_str(NULL, "x"));
    assert_null(isle_value_copy(NULL));
    assert_true(isle_value_equal(NULL, NULL));
    assert_int_equal(isle_value_encode(NULL, &bytes, &len), ISLE_ERR_NOMEM);
    assert_null(bytes);
    isle_value *none = isle_value_new_none();
    assert_false(isle_value_equal(none, NULL));
    assert_false(isle_value_equal(NULL, none));
    isle_value_free(none);
}

/* --- numbers ------------------------------------------------------------------------------------------------ */

static void check_int(int64_t i, size_t magnitude_len)
{
    isle_value *value = isle_value_new_int(i);
    int64_t got = 0;
    bool negative;
    const uint8_t *magnitude;
    size_t len;
    uint64_t read = 0;
    assert_true(isle_value_as_int64(value, &got) && got == i);
    assert_true(isle_value_as_bigint(value, &negative, &magnitude, &len));
    assert_int_equal(len, magnitude_len);
    assert_int_equal(negative, i < 0);
    for (size_t k = 0; k < len; k++) {
        read = read << 8 | magnitude[k];
    }
    assert_true(read == (i < 0 ? 0 - (uint64_t)i : (uint64_t)i));
    isle_value *big = isle_value_new_bigint(negative, magnitude, len);
    assert_true(isle_value_equal(value, big)); /* both ways to make it are the same value */
    assert_true(equal_free(round_trip(value), big));
    isle_value_free(value);
}

static void test_int64(void **state)
{
    (void)state;
    check_int(0, 0);
    check_int(1, 1);
    check_int(-1, 1);
    check_int(255, 1);
    check_int(-256, 2);
    check_int(INT64_C(1) << 56, 8);
    check_int(INT64_MAX, 8);
    check_int(INT64_MIN, 8);
}

static void test_big_ints(void **state)
{
    (void)state;
    static const uint8_t magnitude[] = {0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    for (size_t len = 3; len <= sizeof(magnitude); len++) {
        for (int negative = 0; negative < 2; negative++) {
            isle_value *value = isle_value_new_bigint(negative, magnitude, len);
            int64_t i = 7;
            bool sign;
            const uint8_t *got;
            size_t got_len;
            bool fits = len < 10 || (len == 10 && negative); /* -2**63 */
            assert_int_equal(isle_value_as_int64(value, &i), fits);
            assert_true(fits || i == 7);
            assert_true(isle_value_as_bigint(value, &sign, &got, &got_len));
            assert_int_equal(sign, negative);
            assert_int_equal(got_len, len - 2); /* no leading zeros */
            assert_memory_equal(got, magnitude + 2, got_len);
            isle_value *again = round_trip(value), *copy = isle_value_copy(value);
            assert_true(isle_value_equal(value, copy));
            isle_value *other = isle_value_new_bigint(!negative, magnitude, len);
            assert_false(equal_free(copy, other));
            assert_true(equal_free(again, value));
        }
    }
    assert_true(equal_free(isle_value_new_bigint(true, magnitude, 2), isle_value_new_int(0))); /* no negative zero */
    assert_true(equal_free(isle_value_new_bigint(true, NULL, 0), isle_value_new_int(0)));
}

/* 2**bits - less, as a double if that is exact. */
static bool power_as_double(unsigned bits, unsigned less, double *out)
{
    uint8_t magnitude[160] = {0};
    magnitude[sizeof(magnitude) - 1 - bits / 8] = (uint8_t)(1u << bits % 8);
    for (size_t i = sizeof(magnitude); less && i-- > 0;) {
        if (magnitude[i]-- != 0) {
            break;
        }
    }
    isle_value *value = isle_value_new_bigint(false, magnitude, sizeof(magnitude));
    bool ok = isle_value_as_double(value, out);
    isle_value_free(value);
    return ok;
}

static void test_ints_as_doubles_only_when_exact(void **state)
{
    (void)state;
    double d = -1;
    assert_true(power_as_double(53, 1, &d) && d == 9007199254740991.0);
    assert_true(power_as_double(62, 0, &d) && d == 0x1p62);
    d = -1;
    assert_false(power_as_double(54, 1, &d)); /* 54 ones */
    assert_false(power_as_double(63, 1, &d)); /* INT64_MAX */
    assert_false(power_as_double(1024, 0, &d));
    assert_false(power_as_double(1024, 1, &d));
    assert_true(d == -1);
    assert_true(power_as_double(1023, 0, &d) && d == 0x1p1023);
    assert_true(power_as_double(100, 0, &d) && d == 0x1p100);
    isle_value *least = isle_value_new_int(INT64_MIN);
    assert_true(isle_value_as_double(least, &d) && d == -0x1p63);
    isle_value_free(least);
}

static void test_floats_compare_by_bits(void **state)
{
    (void)state;
    assert_true(equal_free(isle_value_new_float(NAN), isle_value_new_float(NAN)));
    assert_false(equal_free(isle_value_new_float(0.0), isle_value_new_float(-0.0)));
    assert_false(equal_free(isle_value_new_float(1.0), isle_value_new_int(1)));
    isle_value *nan = isle_value_new_float(NAN);
    assert_true(equal_free(round_trip(nan), nan));
}

/* --- text and bytes ----------------------------------------------------------------------------------------- */

/* Around the length at which text moves out of the cell. */
static void test_strings_of_every_length(void **state)
{
    (void)state;
    char text[300];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i % 7 ? 'a' + i % 26 : 0); /* NULs, too */
    }
    for (size_t n = 0; n < sizeof(text); n++) {
        size_t len = 0;
        isle_value *str = isle_value_new_str_n(text, n), *bytes = isle_value_new_bytes(text, n);
        const char *got = isle_value_as_str(str, &len);
        assert_int_equal(len, n);
        assert_memory_equal(got, text, n);
        assert_int_equal(got[n], 0);
        got = isle_value_as_bytes(bytes, &len);
        assert_int_equal(len, n);
        assert_memory_equal(got, text, n);
        assert_int_equal(isle_value_len(str), n);
        assert_false(isle_value_equal(str, bytes));
        isle_value *str_again = round_trip(str), *bytes_again = round_trip(bytes);
        assert_true(equal_free(str_again, isle_value_copy(str)));
        assert_true(equal_free(bytes_again, isle_value_copy(bytes)));
        isle_value *other = isle_value_new_str_n(text, n ? n - 1 : 1);
        assert_false(equal_free(str, other));
        isle_value_free(bytes);
    }
    assert_null(isle_value_new_str(NULL));
}

static void check_str(const char *given, const char *kept)
{
    isle_value *value = isle_value_new_str(given);
    assert_string_equal(isle_value_as_str(value, NULL), kept);
    isle_value *again = round_trip(value);
    assert_string_equal(isle_value_as_str(again, NULL), kept);
    assert_true(equal_free(again, value));
}

static void test_surrogates_and_bad_bytes(void **state)
{
    (void)state;
    check_str("\xed\xa0\x80", "\xed\xa0\x80");                         /* a lone surrogate stays */
    check_str("\xed\xa0\xbd\xed\xb8\x80", "\xed\xa0\xbd\xed\xb8\x80"); /* two are not one character */
    check_str("\x80", "\xed\xb2\x80");                                 /* U+DC80 */
    check_str("a\xffz", "a\xed\xb3\xbfz");                             /* U+DCFF */
    check_str("caf\xe9", "caf\xed\xb3\xa9");                           /* Latin-1 */
    check_str("\xf0\x9f\x98", "\xed\xb3\xb0\xed\xb2\x9f\xed\xb2\x98"); /* cut off */
    check_str("a long text with \xe9 in it", "a long text with \xed\xb3\xa9 in it");
    uint8_t *bytes;
    size_t len;
    isle_value *value = isle_value_new_str("\xff");
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_int_equal(len, 7);
    assert_memory_equal(bytes, "\xd9\x01\x11\x43\xed\xb3\xbf", 7);
    isle_bytes_free(bytes);
    isle_value_free(value);
}

/* --- containers --------------------------------------------------------------------------------------------- */

static void test_sequences(void **state)
{
    (void)state;
    isle_value *list = isle_value_new_list(), *tuple = isle_value_new_tuple();
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(isle_value_append(list, isle_value_new_int(i)), ISLE_OK);
        assert_int_equal(isle_value_append(tuple, isle_value_new_str("an item that is on the heap")), ISLE_OK);
        assert_int_equal(isle_value_len(list), i + 1);
    }
    for (int64_t i = 0; i < 1000; i++) {
        int64_t got;
        assert_true(isle_value_as_int64(isle_value_at(list, (size_t)i), &got) && got == i);
    }
    assert_null(isle_value_at(list, 1000));
    assert_null(isle_value_at(list, SIZE_MAX));
    assert_true(equal_free(round_trip(tuple), tuple));
    isle_value *copy = isle_value_copy(list);
    assert_int_equal(isle_value_append(copy, isle_value_new_none()), ISLE_OK);
    assert_int_equal(isle_value_len(list), 1000); /* the copy is its own */
    assert_false(equal_free(list, copy));
    assert_false(equal_free(LIST(isle_value_new_int(1)), LIST(isle_value_new_int(2))));
    assert_true(equal_free(LIST(isle_value_new_list(), isle_value_new_none()),
                           LIST(isle_value_new_list(), isle_value_new_none())));
}

static void test_refused_items_are_freed(void **state)
{
    (void)state; /* the leak sanitizer is the judge */
    isle_value *list = isle_value_new_list(), *dict = isle_value_new_dict(), *number = isle_value_new_int(1);
    assert_int_equal(isle_value_append(list, NULL), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_append(NULL, isle_value_new_int(1)), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_append(number, isle_value_new_str("a text that is on the heap")), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_append(dict, isle_value_new_list()), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_append(list, list), ISLE_ERR_INVALID); /* and is alive */
    assert_int_equal(isle_value_set(dict, NULL, isle_value_new_int(1)), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_set(dict, isle_value_new_int(1), NULL), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_set(NULL, isle_value_new_int(1), isle_value_new_int(1)), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_set(list, isle_value_new_int(1), isle_value_new_int(1)), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_set(dict, dict, isle_value_new_int(1)), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_set(dict, isle_value_new_int(1), dict), ISLE_ERR_INVALID);
    isle_value *both = isle_value_new_str("a text that is on the heap");
    assert_int_equal(isle_value_set(dict, both, both), ISLE_ERR_INVALID);
    both = isle_value_new_int(1);
    assert_int_equal(isle_value_set(NULL, both, both), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_set_str(dict, NULL, isle_value_new_int(1)), ISLE_ERR_NOMEM);
    assert_int_equal(isle_value_len(list), 0);
    assert_int_equal(isle_value_len(dict), 0);
    isle_value_free(number);
    isle_value_free(list);
    isle_value_free(dict);
}

/* --- depth -------------------------------------------------------------------------------------------------- */

static isle_value *wrap(isle_value *inner, int kind)
{
    isle_value *outer = kind == 0 ? isle_value_new_list() : kind == 1 ? isle_value_new_tuple() : isle_value_new_dict();
    isle_status status = kind == 2   ? isle_value_set_str(outer, "in", inner)
                         : kind == 3 ? isle_value_set(outer, inner, isle_value_new_none()) /* a key is deep, too */
                                     : isle_value_append(outer, inner);
    if (status == ISLE_OK) {
        return outer;
    }
    assert_int_equal(status, ISLE_ERR_LIMIT);
    assert_int_equal(isle_value_len(outer), 0);
    isle_value_free(outer);
    return NULL;
}

static void test_500_levels_and_no_more(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        isle_value *value = isle_value_new_list(); /* the first level; it holds nothing */
        for (int depth = 2; depth <= CBOR_MAX_DEPTH; depth++) {
            value = wrap(value, kind);
            assert_non_null(value);
        }
        isle_value *copy = isle_value_copy(value), *again = round_trip(value);
        char *repr = isle_value_repr(value);
        assert_true(strlen(repr) >= 2 * CBOR_MAX_DEPTH);
        assert_true(isle_value_equal(value, copy));
        assert_true(equal_free(value, isle_value_copy(again)));
        isle_string_free(repr);
        assert_null(wrap(copy, kind)); /* and it was freed */
        assert_null(wrap(again, kind));
    }
}

static void test_depth_is_that_of_the_deepest(void **state)
{
    (void)state;
    isle_value *deep = isle_value_new_list();
    for (int depth = 2; depth < CBOR_MAX_DEPTH; depth++) {
        deep = wrap(deep, 0);
    }
    isle_value *wide = isle_value_new_dict();
    assert_int_equal(isle_value_set_str(wide, "deep", deep), ISLE_OK); /* 500 now */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(isle_value_set(wide, isle_value_new_int(i), isle_value_new_list()), ISLE_OK);
    }
    isle_value *copy = isle_value_copy(wide), *again = round_trip(wide);
    assert_null(wrap(wide, 1));
    assert_null(wrap(copy, 1)); /* copies and decoded values know it as well */
    assert_null(wrap(again, 1));
}

/* What lies side by side adds no depth. */
static void test_a_thousand_brothers(void **state)
{
    (void)state;
    isle_value *list = isle_value_new_list();
    for (int i = 0; i < 1000; i++) {
        isle_value *dict = isle_value_new_dict();
        assert_int_equal(isle_value_set_str(dict, "tuple", isle_value_new_tuple()), ISLE_OK);
        assert_int_equal(isle_value_append(list, dict), ISLE_OK);
    }
    assert_true(equal_free(round_trip(list), list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_null_is_a_value_of_no_type),
        cmocka_unit_test(test_int64),
        cmocka_unit_test(test_big_ints),
        cmocka_unit_test(test_ints_as_doubles_only_when_exact),
        cmocka_unit_test(test_floats_compare_by_bits),
        cmocka_unit_test(test_strings_of_every_length),
        cmocka_unit_test(test_surrogates_and_bad_bytes),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_refused_items_are_freed),
        cmocka_unit_test(test_500_levels_and_no_more),
        cmocka_unit_test(test_depth_is_that_of_the_deepest),
        cmocka_unit_test(test_a_thousand_brothers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
