/* Arrays of numbers in bytes that leave the process: element types, orders, strides, and claims that are not true. */
#include "typed_array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "value_codec.h"

static uint8_t memory[24];

static int fill_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(memory); i++) {
        memory[i] = (uint8_t)i;
    }
    return 0;
}

static isle_value *ints(size_t count, const int64_t *values)
{
    isle_value *list = isle_value_new_list();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(isle_value_append(list, isle_value_new_int(values[i])), ISLE_OK);
    }
    return list;
}

#define INTS(...) ints(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
#define NONE isle_value_new_list()

static isle_value *ndarray(const char *dtype, isle_value *shape, isle_value *strides, int64_t offset)
{
    isle_value *list = isle_value_new_list();
    isle_value_append(list, isle_value_new_str("ndarray"));
    isle_value_append(list, isle_value_new_buffer(memory, sizeof(memory), false, NULL, NULL));
    isle_value_append(list, isle_value_new_str(dtype));
    isle_value_append(list, shape);
    isle_value_append(list, strides);
    isle_value_append(list, isle_value_new_int(offset));
    return isle_value_new_tag(27, list);
}

/* What is written, read again and printed. Frees the value. */
static void check(isle_value *value, const char *expected)
{
    uint8_t *bytes;
    size_t len;
    isle_value *again;
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    char *repr = isle_value_repr(again);
    assert_string_equal(repr, expected);
    isle_string_free(repr);
    isle_bytes_free(bytes);
    isle_value_free(again);
    isle_value_free(value);
}

/* It has no form, and is written as the generic object that it is. */
static void check_generic(isle_value *value)
{
    uint8_t *bytes;
    size_t len;
    isle_value *again;
    const isle_value *list;
    uint64_t tag;
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    assert_true(isle_value_as_tag(again, &tag, &list));
    assert_int_equal(tag, 27);
    assert_string_equal(isle_value_as_str(isle_value_at(list, 0), NULL), "ndarray");
    assert_memory_equal(isle_value_as_bytes(isle_value_at(list, 1), NULL), memory, sizeof(memory));
    isle_bytes_free(bytes);
    isle_value_free(again);
    isle_value_free(value);
}

static void test_element_types(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        int size, tag;
    } types[] = {
        {"|u1", 1, 64}, {"<u1", 1, 64}, {">u2", 2, 65}, {">u4", 4, 66}, {">u8", 8, 67}, {"<u2", 2, 69},
        {"<u4", 4, 70}, {"<u8", 8, 71}, {"|i1", 1, 72}, {">i1", 1, 72}, {">i2", 2, 73}, {">i4", 4, 74},
        {">i8", 8, 75}, {"<i2", 2, 77}, {"<i4", 4, 78}, {"<i8", 8, 79}, {">f2", 2, 80}, {">f4", 4, 81},
        {">f8", 8, 82}, {"<f2", 2, 84}, {"<f4", 4, 85}, {"<f8", 8, 86},
    };
    static const char *const bytes[] = {
        [1] = "\\x01",
        [2] = "\\x02\\x03",
        [4] = "\\x04\\x05\\x06\\x07",
        [8] = "\\x08\\t\\n\\x0b\\x0c\\r\\x0e\\x0f",
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "Tag(%d, b'%s')", types[i].tag, bytes[types[i].size]);
        check(ndarray(types[i].dtype, INTS(1), INTS(types[i].size), types[i].size), expected);
    }
}

static void test_other_elements_stay_generic(void **state)
{
    (void)state;
    static const char *const types[] = {"|b1", "<c8", "<f16", "|f2", "|u4",     "<f1",
                                        "<u3", "<U4", "",     "f8",  "<M8[ns]", "|O"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        check_generic(ndarray(types[i], INTS(1), INTS(1), 0));
    }
}

static void test_orders(void **state)
{
    (void)state;
    check(ndarray("|u1", INTS(4), INTS(1), 0), "Tag(64, b'\\x00\\x01\\x02\\x03')");
    check(ndarray("|u1", INTS(0), INTS(1), 24), "Tag(64, b'')");
    check(ndarray("|u1", INTS(2, 3), INTS(3, 1), 0), "Tag(40, [[2, 3], Tag(64, b'\\x00\\x01\\x02\\x03\\x04\\x05')])");
    check(ndarray("|u1", INTS(2, 3), INTS(1, 2), 0), "Tag(1040, [[2, 3], Tag(64, b'\\x00\\x01\\x02\\x03\\x04\\x05')])");
    check(ndarray(">u2", INTS(2, 1, 2), INTS(4, 99, 2), 0),
          "Tag(40, [[2, 1, 2], Tag(65, b'\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07')])");
}

static void test_what_is_not_contiguous_is_packed(void **state)
{
    (void)state;
    check(ndarray("|u1", INTS(3), INTS(2), 1), "Tag(64, b'\\x01\\x03\\x05')");
    check(ndarray("|u1", INTS(3), INTS(-1), 2), "Tag(64, b'\\x02\\x01\\x00')");
    check(ndarray("|u1", INTS(3), INTS(0), 2), "Tag(64, b'\\x02\\x02\\x02')");
    check(ndarray("<u2", INTS(2), INTS(-20), 21), "Tag(69, b'\\x15\\x16\\x01\\x02')"); /* not aligned either */
    check(ndarray("|u1", INTS(2, 3), INTS(-8, 2), 8), "Tag(40, [[2, 3], Tag(64, b'\\x08\\n\\x0c\\x00\\x02\\x04')])");
}

static void test_claims_that_are_not_true(void **state)
{
    (void)state;
    check_generic(ndarray("|u1", INTS(25), INTS(1), 0));
    check_generic(ndarray("|u1", INTS(24), INTS(1), 1));
    check_generic(ndarray("|u1", INTS(2), INTS(-1), 0));
    check_generic(ndarray("|u1", INTS(1), INTS(1), -1));
    check_generic(ndarray("|u1", INTS(1), INTS(1), INT64_MAX));
    check_generic(ndarray("|u1", INTS(1), INTS(1), 24));
    check_generic(ndarray("<u2", INTS(1), INTS(1), 23));
    check_generic(ndarray("|u1", INTS(-1), INTS(1), 0));
    check_generic(ndarray("|u1", INTS(INT64_MAX), INTS(INT64_MAX), 0));
    check_generic(ndarray("<u8", INTS(INT64_MAX, INT64_MAX), INTS(0, 0), 0));
    check_generic(ndarray("|u1", INTS(2), INTS(INT64_MIN), 0));
    check_generic(ndarray("|u1", INTS(2, 2), INTS(INT64_MAX, INT64_MAX), 0));
    check_generic(ndarray("|u1", INTS(5, 5), INTS(0, 0), 0)); /* larger than its buffer */
    check_generic(ndarray("|u1", INTS(INT64_MAX), INTS(0), 0));
    check_generic(ndarray("|u1", NONE, NONE, 0));
    check_generic(ndarray("|u1", INTS(0, 2), INTS(1, 1), 0));
    check_generic(ndarray("|u1", INTS(1), INTS(1, 1), 0));
    check_generic(ndarray("|u1", isle_value_new_none(), INTS(1), 0));
    check_generic(ndarray("|u1", INTS(1), isle_value_new_str("x"), 0));
}

static void test_many_dimensions(void **state)
{
    (void)state;
    int64_t ones[TYPED_ARRAY_MAX_DIMENSIONS + 1];
    for (size_t i = 0; i < TYPED_ARRAY_MAX_DIMENSIONS + 1; i++) {
        ones[i] = 1;
    }
    check_generic(ndarray("|u1", ints(65, ones), ints(65, ones), 0));
    isle_value *most = ndarray("|u1", ints(64, ones), ints(64, ones), 0);
    cbor_writer w;
    cbor_writer_init(&w);
    assert_true(typed_array_write_value(&w, most));
    cbor_writer_free(&w);
    isle_value_free(most);
}

/* In the process the array is the object that it was, memory and all. */
static void test_a_parcel_keeps_the_buffer(void **state)
{
    (void)state;
    isle_value *array = ndarray("|u1", INTS(3), INTS(2), 1), *again;
    parcel p;
    assert_int_equal(value_to_parcel(array, &p), ISLE_OK);
    assert_int_equal(value_from_parcel(&p, &again), ISLE_OK);
    parcel_clear(&p);
    assert_true(isle_value_equal(array, again));
    isle_value_free(array);
    isle_value_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_element_types),
        cmocka_unit_test(test_other_elements_stay_generic),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_what_is_not_contiguous_is_packed),
        cmocka_unit_test(test_claims_that_are_not_true),
        cmocka_unit_test(test_many_dimensions),
        cmocka_unit_test(test_a_parcel_keeps_the_buffer),
    };
    return cmocka_run_group_tests(tests, fill_memory, NULL);
}
