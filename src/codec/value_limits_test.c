/* Limits of decoding: what is counted, and where it is refused. */
#include <isles/value.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Decodes a literal with limits; on failure *out_offset is where. */
#define DECODE(literal, limits, out_offset) decode((const uint8_t *)(literal), sizeof(literal) - 1, limits, out_offset)

static isle_status decode(const uint8_t *bytes, size_t len, isle_decode_limits limits, size_t *out_offset)
{
    isle_value *value = NULL;
    isle_status status = isle_value_decode_limited(bytes, len, &limits, &value, out_offset);
    assert_int_equal(value != NULL, status == ISLE_OK);
    isle_value_free(value);
    return status;
}

static isle_decode_limits limits(size_t depth, size_t bytes, size_t items)
{
    isle_decode_limits l = ISLE_DECODE_LIMITS_INIT;
    l.max_depth = depth;
    l.max_bytes = bytes;
    l.max_items = items;
    return l;
}

static void test_depth(void **state)
{
    (void)state;
    size_t offset = 99;
    assert_int_equal(DECODE("\x82\x01\x81\xc1\x05", limits(3, 0, 0), &offset), ISLE_OK); /* [1, [Tag(1, 5)]] */
    assert_int_equal(DECODE("\x82\x01\x81\xc1\x05", limits(2, 0, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 3);
    assert_int_equal(DECODE("\x82\x01\x81\xc1\x05", limits(1, 0, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2);
    assert_int_equal(DECODE("\x05", limits(1, 0, 0), &offset), ISLE_OK);
    assert_int_equal(DECODE("\x81\xff", limits(1, 0, 0), &offset), ISLE_ERR_DECODE);
    uint8_t bytes[502];
    memset(bytes, 0x81, 501);
    bytes[501] = 0;
    assert_int_equal(decode(bytes, 502, limits(9999, 0, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 500);
    assert_int_equal(decode(bytes + 1, 501, limits(9999, 0, 0), &offset), ISLE_OK);
}

static void test_items(void **state)
{
    (void)state;
    size_t offset = 99;
#define FIVE "\xa1\x61k\x82\x01\xf6" /* {"k": [1, None]} */
    assert_int_equal(DECODE(FIVE, limits(0, 0, 5), &offset), ISLE_OK);
    assert_int_equal(DECODE(FIVE, limits(0, 0, 4), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 5);
    assert_int_equal(DECODE(FIVE, limits(0, 0, 1), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 1);
    assert_int_equal(DECODE("\x9f\xc1\x01\xff", limits(0, 0, 3), &offset), ISLE_OK);
    assert_int_equal(DECODE("\x9f\xc1\x01\xff", limits(0, 0, 2), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2);
}

static void test_bytes_are_refused_where_they_would_be_taken(void **state)
{
    (void)state;
    size_t offset = 99;
    assert_int_equal(DECODE("\x05", limits(0, 24, 0), &offset), ISLE_OK);
    assert_int_equal(DECODE("\x05", limits(0, 23, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 0);
    assert_int_equal(DECODE("\x82\x01\x70"
                            "0123456789abcdef",
                            limits(0, 24 + 90, 0), &offset),
                     ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2);
    assert_int_equal(DECODE("\x82\x01\x70"
                            "0123456789abcdef",
                            limits(0, 24 + 200, 0), &offset),
                     ISLE_OK);
    assert_int_equal(DECODE("\x82\x01\xc2\x51"
                            "0123456789abcdef0",
                            limits(0, 24 + 90, 0), &offset),
                     ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2);
    assert_int_equal(DECODE("\x9f\x01\x02\x03\x04\x05\x06\xff", limits(0, 24 + 90, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2); /* the first has a place, for the second there is none */
    assert_int_equal(DECODE("\x82\x01\xc1\x01", limits(0, 24 + 90, 0), &offset), ISLE_ERR_LIMIT);
    assert_int_equal(offset, 2);
}

/* What is counted is what is asked of the allocator, whatever the value is made of. */
static void test_all_memory_is_counted(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict(), *again = NULL;
    for (int i = 0; i < 200; i++) {
        isle_value *list = isle_value_new_list();
        assert_int_equal(isle_value_append(list, isle_value_new_str("a text that is too long for a cell")), ISLE_OK);
        assert_int_equal(isle_value_set(dict, isle_value_new_int(i), isle_value_new_tag(258, list)), ISLE_OK);
    }
    uint8_t *bytes;
    size_t len, offset = 0;
    assert_int_equal(isle_value_encode(dict, &bytes, &len), ISLE_OK);
    size_t least = 0, most = 1000000;
    while (most - least > 1) { /* the least that will do */
        size_t middle = (least + most) / 2;
        *(decode(bytes, len, limits(0, middle, 0), &offset) == ISLE_OK ? &most : &least) = middle;
    }
    size_t blocks = 200 * 2 * (24 + 32), texts = 200 * 35, pairs = 200 * 2 * 24 + 32, index = 1024 * 4;
    assert_in_range(most, blocks + texts + pairs, blocks + texts + pairs + index + 100);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    isle_value_free(again);
    isle_value_free(dict);
    isle_bytes_free(bytes);
}

static void test_versions_of_the_struct(void **state)
{
    (void)state;
    struct {
        isle_decode_limits known;
        size_t newer;
    } newer = {.known = {.size = sizeof(newer)}};
    isle_value *value = NULL;
    const uint8_t bytes[] = {0x81, 0x81, 0x01};
    size_t offset = 0;
    assert_int_equal(isle_value_decode_limited(bytes, 3, &newer.known, &value, &offset), ISLE_OK);
    isle_value_free(value);
    newer.newer = 1;
    assert_int_equal(isle_value_decode_limited(bytes, 3, &newer.known, &value, &offset), ISLE_ERR_UNSUPPORTED);
    isle_decode_limits older = limits(0, 0, 1);
    older.size = offsetof(isle_decode_limits, max_items);
    assert_int_equal(decode(bytes, 3, older, &offset), ISLE_OK);
    older.size = 0;
    assert_int_equal(decode(bytes, 3, older, &offset), ISLE_ERR_INVALID);
    assert_int_equal(isle_value_decode_limited(bytes, 3, NULL, &value, NULL), ISLE_OK);
    isle_value_free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_bytes_are_refused_where_they_would_be_taken),
        cmocka_unit_test(test_all_memory_is_counted),
        cmocka_unit_test(test_versions_of_the_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
