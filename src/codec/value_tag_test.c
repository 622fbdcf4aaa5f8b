/* Tags: what can be made, read, written; what has a type of its own and so is none; equality, order in sets, hashes;
 * how the types of Python that C has not are printed. */
#include <isles/value.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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
#define OBJECT(...) isle_value_new_tag(27, LIST(__VA_ARGS__))
#define INT isle_value_new_int
#define STR isle_value_new_str
#define FLOAT isle_value_new_float

static isle_value *round_trip(const isle_value *value)
{
    uint8_t *bytes;
    size_t len;
    isle_value *again = NULL;
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    isle_bytes_free(bytes);
    return again;
}

/* Are they equal, both ways, as keys of a dict too, and after all that can be done to one? Frees both. */
static bool equal_free(isle_value *a, isle_value *b)
{
    assert_non_null(a);
    assert_non_null(b);
    bool equal = isle_value_equal(a, b);
    assert_int_equal(isle_value_equal(b, a), equal);
    isle_value *dict = isle_value_new_dict();
    for (int i = 0; i < 20; i++) { /* with an index */
        assert_int_equal(isle_value_set(dict, INT(i), INT(i)), ISLE_OK);
    }
    assert_int_equal(isle_value_set(dict, isle_value_copy(a), INT(1)), ISLE_OK);
    assert_int_equal(isle_value_set(dict, round_trip(a), INT(2)), ISLE_OK); /* the same key */
    assert_int_equal(isle_value_len(dict), 21);
    assert_int_equal(isle_value_set(dict, b, INT(3)), ISLE_OK);
    assert_int_equal(isle_value_len(dict), equal ? 21 : 22);
    isle_value_free(dict);
    isle_value_free(a);
    return equal;
}

static void test_getters(void **state)
{
    (void)state;
    uint64_t number = 7;
    const isle_value *content = NULL;
    int64_t i = 0;
    isle_value *tag = isle_value_new_tag(UINT64_MAX, INT(5));
    assert_int_equal(isle_value_type(tag), ISLE_TAG);
    assert_string_equal(isle_type_name(ISLE_TAG), "tag");
    assert_true(isle_value_as_tag(tag, &number, &content));
    assert_true(number == UINT64_MAX);
    assert_true(isle_value_as_int64(content, &i) && i == 5);
    assert_true(isle_value_as_tag(tag, NULL, NULL));
    assert_int_equal(isle_value_len(tag), 0);
    assert_null(isle_value_at(tag, 0));
    assert_false(isle_value_as_int64(tag, &i));
    assert_int_equal(isle_value_append(tag, INT(1)), ISLE_ERR_INVALID);
    assert_false(isle_value_as_tag(content, &number, NULL));
    assert_false(isle_value_as_tag(NULL, &number, NULL));
    isle_value_free(tag);
}

/* Whatever can be built is read back as what it was. */
static void test_what_has_a_type_of_its_own_is_no_tag(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {2, 3, 273, 55799};
    static const char *const names[] = {"tuple", "buffer", "bytes", "queue"};
    for (size_t i = 0; i < 4; i++) {
        assert_null(isle_value_new_tag(numbers[i], isle_value_new_bytes("", 0)));
        assert_null(OBJECT(STR(names[i]), INT(0)));
        assert_null(OBJECT(STR(names[i])));
        assert_true(
            equal_free(isle_value_new_tag(28, LIST(STR(names[i]))), isle_value_new_tag(28, LIST(STR(names[i])))));
    }
    assert_null(isle_value_new_tag(1, NULL));
    assert_true(
        equal_free(isle_value_new_tag(27, isle_value_new_list()), isle_value_new_tag(27, isle_value_new_list())));
    assert_true(equal_free(isle_value_new_tag(27, STR("tuple")), isle_value_new_tag(27, STR("tuple"))));
    assert_true(equal_free(OBJECT(STR("tuples"), INT(1)), OBJECT(STR("tuples"), INT(1))));
}

static void test_a_tag_counts_one_level(void **state)
{
    (void)state;
    isle_value *value = INT(1);
    for (int i = 0; i < CBOR_MAX_DEPTH; i++) {
        value = isle_value_new_tag(28, value);
        assert_non_null(value);
    }
    isle_value *again = round_trip(value);
    assert_true(isle_value_equal(value, again));
    isle_value *list = isle_value_new_list();
    assert_int_equal(isle_value_append(list, again), ISLE_ERR_LIMIT);
    isle_value_free(list);
    assert_null(isle_value_new_tag(28, value)); /* and it is freed */
}

static void test_equality(void **state)
{
    (void)state;
    assert_true(equal_free(isle_value_new_tag(0, STR("a")), isle_value_new_tag(0, STR("a"))));
    assert_false(equal_free(isle_value_new_tag(0, STR("a")), isle_value_new_tag(1, STR("a"))));
    assert_false(equal_free(isle_value_new_tag(0, STR("a")), isle_value_new_tag(0, STR("b"))));
    assert_false(equal_free(isle_value_new_tag(0, STR("a")), STR("a")));
    assert_false(
        equal_free(isle_value_new_tag(30, LIST(INT(1), INT(2))), isle_value_new_tag(30, LIST(INT(2), INT(1)))));
}

static isle_value *set_of_ints(int from, int to)
{
    isle_value *list = isle_value_new_list();
    for (int i = from; i != to; i += from < to ? 1 : -1) {
        assert_int_equal(isle_value_append(list, INT(from < to ? i : i - 1)), ISLE_OK);
    }
    return isle_value_new_tag(258, list);
}

static void test_a_set_has_no_order(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 8, 9, 1000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        assert_true(equal_free(set_of_ints(0, counts[i]), set_of_ints(counts[i], 0)));
        assert_false(equal_free(set_of_ints(0, counts[i] + 1), set_of_ints(1, counts[i] + 2)));
        assert_false(equal_free(set_of_ints(0, counts[i]), set_of_ints(0, counts[i] + 1)));
    }
#define SET(...) isle_value_new_tag(258, LIST(__VA_ARGS__))
#define FROZENSET(...) OBJECT(STR("frozenset"), LIST(__VA_ARGS__))
    assert_true(equal_free(SET(SET(INT(1), STR("x")), INT(2)), SET(INT(2), SET(STR("x"), INT(1)))));
    assert_true(equal_free(FROZENSET(INT(1), STR("x")), FROZENSET(STR("x"), INT(1))));
    assert_false(equal_free(FROZENSET(INT(1), STR("x")), SET(STR("x"), INT(1))));
    assert_false(equal_free(SET(INT(1), INT(1), INT(2)), SET(INT(1), INT(2), INT(2))));
    assert_true(equal_free(SET(INT(1), INT(2), INT(1)), SET(INT(2), INT(1), INT(1))));
    assert_false(equal_free(isle_value_new_tag(258, INT(1)), SET(INT(1))));
}

/* Many items that are one, and sets within sets, don't take the square of the time. */
static void test_large_sets(void **state)
{
    (void)state;
    isle_value *same[2], *nested[2];
    for (int k = 0; k < 2; k++) {
        isle_value *list = isle_value_new_list();
        for (int i = 0; i < 200000; i++) {
            assert_int_equal(isle_value_append(list, INT(1)), ISLE_OK);
        }
        same[k] = isle_value_new_tag(258, list);
        nested[k] = INT(0);
        for (int depth = 0; depth < CBOR_MAX_DEPTH / 2 - 1; depth++) {
            isle_value *first = k ? INT(depth) : nested[k];
            nested[k] = SET(first, k ? nested[k] : INT(depth));
        }
    }
    assert_true(equal_free(same[0], same[1]));
    assert_true(equal_free(nested[0], nested[1]));
}

static void check_repr(isle_value *value, const char *expected)
{
    char *repr = isle_value_repr(value);
    assert_string_equal(repr, expected);
    isle_string_free(repr);
    isle_value_free(value);
}

static isle_value *new_complex(double real, double imaginary)
{
    return isle_value_new_tag(43000, LIST(FLOAT(real), FLOAT(imaginary)));
}

static void test_repr_as_python(void **state)
{
    (void)state;
    double nan = __builtin_nan(""), inf = __builtin_inf();
    check_repr(isle_value_new_tag(258, isle_value_new_list()), "set()");
    check_repr(SET(INT(1), STR("a")), "{1, 'a'}");
    check_repr(OBJECT(STR("frozenset"), isle_value_new_list()), "frozenset()");
    check_repr(FROZENSET(INT(1), INT(2)), "frozenset({1, 2})");
    check_repr(OBJECT(STR("bytearray"), isle_value_new_bytes("a\0", 2)), "bytearray(b'a\\x00')");
    check_repr(OBJECT(STR("range"), INT(0), INT(3), INT(1)), "range(0, 3)");
    check_repr(OBJECT(STR("range"), INT(1), INT(2), INT(3)), "range(1, 2, 3)");
    check_repr(OBJECT(STR("slice"), INT(1), isle_value_new_none(), isle_value_new_none()), "slice(1, None, None)");
    check_repr(OBJECT(STR("Ellipsis")), "Ellipsis");
    check_repr(new_complex(1, 2.5), "(1+2.5j)");
    check_repr(new_complex(0, 1e300), "1e+300j");
    check_repr(new_complex(0, -0.0), "-0j");
    check_repr(new_complex(-0.0, 1), "(-0+1j)");
    check_repr(new_complex(-0.0, -0.0), "(-0-0j)");
    check_repr(new_complex(nan, -inf), "(nan-infj)");
    check_repr(new_complex(0, nan), "nanj");
    check_repr(new_complex(1e16, 1), "(1e+16+1j)");
    check_repr(new_complex(123456, 0.5), "(123456+0.5j)");
}

static void test_repr_of_the_rest(void **state)
{
    (void)state;
    check_repr(isle_value_new_tag(30, LIST(INT(1), INT(2))), "Tag(30, [1, 2])");
    check_repr(isle_value_new_tag(UINT64_MAX, isle_value_new_none()), "Tag(18446744073709551615, None)");
    check_repr(OBJECT(STR("app:Point"), INT(1)), "Tag(27, ['app:Point', 1])");
    check_repr(isle_value_new_tag(258, INT(1)), "Tag(258, 1)");
    check_repr(isle_value_new_tag(43000, LIST(INT(1), FLOAT(1))), "Tag(43000, [1, 1.0])");
    check_repr(OBJECT(STR("bytearray"), INT(1)), "Tag(27, ['bytearray', 1])");
    check_repr(OBJECT(STR("range"), INT(1)), "Tag(27, ['range', 1])");
    check_repr(OBJECT(STR("frozenset"), INT(1)), "Tag(27, ['frozenset', 1])");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_what_has_a_type_of_its_own_is_no_tag),
        cmocka_unit_test(test_a_tag_counts_one_level),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_a_set_has_no_order),
        cmocka_unit_test(test_large_sets),
        cmocka_unit_test(test_repr_as_python),
        cmocka_unit_test(test_repr_of_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
