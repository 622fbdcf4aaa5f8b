/* The writer's bytes and the reader's items, refusals and offsets. RFC 8949's own examples: cbor_vectors_test.c. */
#include "cbor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <platform.h>

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    for (; *hex; hex++) {
        if (*hex == ' ') {
            continue;
        }
        char digits[3] = {hex[0], hex[1], '\0'};
        out[len++] = (uint8_t)strtoul(digits, NULL, 16);
        hex++;
    }
    return len;
}

/* Takes what was written and compares it. */
static void assert_written(cbor_writer *w, const char *hex)
{
    uint8_t expected[512];
    uint8_t *data;
    size_t len, expected_len = from_hex(hex, expected);
    assert_int_equal(cbor_writer_take(w, &data, &len), ISLE_OK);
    assert_int_equal(len, expected_len);
    assert_memory_equal(data, expected, len);
    plat_free(data);
}

#define ASSERT_WRITES(hex, call) \
    do { \
        cbor_writer w; \
        cbor_writer_init(&w); \
        call; \
        assert_written(&w, hex); \
    } while (0)

/* --- writer ------------------------------------------------------------------------------------------------ */

static void test_ints_take_the_shortest_head(void **state)
{
    (void)state;
    ASSERT_WRITES("00", cbor_write_int(&w, 0));
    ASSERT_WRITES("17", cbor_write_int(&w, 23));
    ASSERT_WRITES("1818", cbor_write_int(&w, 24));
    ASSERT_WRITES("18ff", cbor_write_int(&w, 255));
    ASSERT_WRITES("190100", cbor_write_int(&w, 256));
    ASSERT_WRITES("19ffff", cbor_write_int(&w, 65535));
    ASSERT_WRITES("1a00010000", cbor_write_int(&w, 65536));
    ASSERT_WRITES("1affffffff", cbor_write_int(&w, UINT32_MAX));
    ASSERT_WRITES("1b0000000100000000", cbor_write_int(&w, INT64_C(1) << 32));
    ASSERT_WRITES("1b7fffffffffffffff", cbor_write_int(&w, INT64_MAX));
    ASSERT_WRITES("20", cbor_write_int(&w, -1));
    ASSERT_WRITES("37", cbor_write_int(&w, -24));
    ASSERT_WRITES("3818", cbor_write_int(&w, -25));
    ASSERT_WRITES("3b7fffffffffffffff", cbor_write_int(&w, INT64_MIN));
    ASSERT_WRITES("1bffffffffffffffff", cbor_write_uint(&w, UINT64_MAX));
}

static void write_big(cbor_writer *w, bool negative, const char *hex)
{
    uint8_t magnitude[64];
    size_t len = from_hex(hex, magnitude);
    cbor_write_bigint(w, negative, magnitude, len);
}

static void test_big_ints(void **state)
{
    (void)state;
    ASSERT_WRITES("00", write_big(&w, false, ""));
    ASSERT_WRITES("00", write_big(&w, true, "000000")); /* no negative zero */
    ASSERT_WRITES("01", write_big(&w, false, "0000000000000000000001"));
    ASSERT_WRITES("20", write_big(&w, true, "0001"));
    ASSERT_WRITES("1bffffffffffffffff", write_big(&w, false, "ffffffffffffffff"));
    ASSERT_WRITES("c249010000000000000000", write_big(&w, false, "010000000000000000"));
    ASSERT_WRITES("3bfffffffffffffffe", write_big(&w, true, "ffffffffffffffff"));
    ASSERT_WRITES("3bffffffffffffffff", write_big(&w, true, "010000000000000000")); /* -2**64 fits a head */
    ASSERT_WRITES("c349010000000000000000", write_big(&w, true, "010000000000000001"));
    ASSERT_WRITES("c349ffffffffffffffffff", write_big(&w, true, "01000000000000000000")); /* a byte shorter */
    ASSERT_WRITES("c34901ffffffffffffffff", write_big(&w, true, "020000000000000000"));
    ASSERT_WRITES("c34a0102030405060708ffff", write_big(&w, true, "00000102030405060709 0000"));
}

static void test_strings_floats_and_containers(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'x', sizeof(text));
    ASSERT_WRITES("60", cbor_write_text(&w, NULL, 0));
    ASSERT_WRITES("40", cbor_write_bytes(&w, NULL, 0));
    ASSERT_WRITES("62c3bc", cbor_write_text(&w, "\xc3\xbc", 2));
    ASSERT_WRITES("d9011143eda080", cbor_write_wtf8(&w, "\xed\xa0\x80", 3));
    ASSERT_WRITES("fb3ff8000000000000", cbor_write_float(&w, 1.5)); /* always eight bytes */
    ASSERT_WRITES("fb8000000000000000", cbor_write_float(&w, -0.0));
    ASSERT_WRITES("f6f5f4", (cbor_write_null(&w), cbor_write_bool(&w, true), cbor_write_bool(&w, false)));
    ASSERT_WRITES("8001", (cbor_write_array(&w, 0), cbor_write_int(&w, 1)));
    ASSERT_WRITES("b818", cbor_write_map(&w, 24));
    ASSERT_WRITES("d81b83657475706c650102", (cbor_write_tuple(&w, 2), cbor_write_int(&w, 1), cbor_write_int(&w, 2)));
    cbor_writer w;
    uint8_t *data;
    size_t len;
    cbor_writer_init(&w);
    for (int i = 0; i < 1000; i++) {
        cbor_write_text(&w, text, sizeof(text));
    }
    assert_int_equal(cbor_writer_take(&w, &data, &len), ISLE_OK);
    assert_int_equal(len, 1000 * (3 + sizeof(text)));
    assert_memory_equal(data + len - sizeof(text), text, sizeof(text));
    plat_free(data);
}

static void test_nothing_written_is_an_empty_buffer(void **state)
{
    (void)state;
    ASSERT_WRITES("", (void)0);
}

static void test_impossible_length_fails_the_writer(void **state)
{
    (void)state;
    cbor_writer w;
    uint8_t *data = NULL;
    size_t len;
    cbor_writer_init(&w);
    cbor_write_int(&w, 1);
    cbor_write_bytes(&w, "", SIZE_MAX); /* fails before it reads */
    cbor_write_int(&w, 2);              /* does nothing */
    assert_true(w.failed);
    assert_int_equal(cbor_writer_take(&w, &data, &len), ISLE_ERR_NOMEM);
    assert_null(data);
    assert_false(w.failed); /* ready for use again */
    cbor_writer_free(&w);
}

/* --- reader ------------------------------------------------------------------------------------------------ */

struct input {
    uint8_t *bytes; /* of exactly the length, so that the address sanitizer sees a read past it */
    cbor_reader r;
};

static struct input open_input(const char *hex)
{
    struct input in;
    uint8_t bytes[512];
    size_t len = from_hex(hex, bytes);
    in.bytes = malloc(len ? len : 1);
    assert_non_null(in.bytes);
    memcpy(in.bytes, bytes, len);
    cbor_reader_init(&in.r, in.bytes, len);
    return in;
}

static void close_input(struct input *in)
{
    cbor_reader_done(&in->r);
    free(in->bytes);
}

static void assert_reads_int(const char *hex, int64_t expected)
{
    struct input in = open_input(hex);
    cbor_item item;
    assert_true(cbor_read(&in.r, &item));
    assert_int_equal(item.kind, CBOR_INT);
    assert_true(item.integer == expected);
    assert_ptr_equal(in.r.at, in.r.end);
    close_input(&in);
}

static void assert_reads_big(const char *hex, bool negative, const char *magnitude_hex)
{
    uint8_t magnitude[64];
    size_t len = from_hex(magnitude_hex, magnitude);
    struct input in = open_input(hex);
    cbor_item item;
    assert_true(cbor_read(&in.r, &item));
    assert_int_equal(item.kind, CBOR_BIGINT);
    assert_int_equal(item.boolean, negative);
    assert_int_equal(item.len, len);
    assert_memory_equal(item.data, magnitude, len);
    assert_ptr_equal(in.r.at, in.r.end);
    close_input(&in);
}

static void test_reads_ints(void **state)
{
    (void)state;
    assert_reads_int("1b0000000000000001", 1); /* a longer head than needed is well-formed */
    assert_reads_int("1b7fffffffffffffff", INT64_MAX);
    assert_reads_int("3b7fffffffffffffff", INT64_MIN);
    assert_reads_int("c240", 0);
    assert_reads_int("c340", -1);
    assert_reads_int("c24105", 5);
    assert_reads_int("c34105", -6);
    assert_reads_int("c24b0000007fffffffffffffff", INT64_MAX); /* a bignum that fits */
    assert_reads_int("c3487fffffffffffffff", INT64_MIN);
    assert_reads_int("c25f4101420203ff", 0x010203); /* in chunks */
    assert_reads_int("d9d9f7d9d9f701", 1);          /* self-described, twice */
}

static void test_reads_big_ints(void **state)
{
    (void)state;
    assert_reads_big("1b8000000000000000", false, "8000000000000000");
    assert_reads_big("1bffffffffffffffff", false, "ffffffffffffffff");
    assert_reads_big("3b8000000000000000", true, "8000000000000001");
    assert_reads_big("3bffffffffffffffff", true, "010000000000000000");
    assert_reads_big("c2488000000000000000", false, "8000000000000000");
    assert_reads_big("c34b0000ffffffffffffffffff", true, "01000000000000000000"); /* the carry makes it longer */
    assert_reads_big("c34a00ff00ffffffffffffff", true, "ff0100000000000000");
    assert_reads_big("c35f44ffffffff40440102ffffff", true, "ffffffff01030000"); /* chunks: carried in scratch */
    assert_reads_big("c35f44ffffffff45ffffffffffff", true, "01000000000000000000");
    assert_reads_big("c35f410044ffffffff45ffffffffffff", true, "01000000000000000000");
}

static void test_reads_floats(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        double number;
    } floats[] = {
        {"f90000", 0.0},
        {"f93c00", 1.0},
        {"f97bff", 65504.0},
        {"f90001", 0x1p-24},
        {"f903ff", 0x1.ff8p-15},
        {"f98400", -0x1p-14},
        {"f97c00", INFINITY},
        {"fa00000001", 0x1p-149},
        {"fa807fffff", -0x1.fffffcp-127},
        {"fa7f7fffff", 0x1.fffffep127},
        {"faff800000", -INFINITY},
        {"fb0000000000000001", 0x1p-1074},
    };
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        struct input in = open_input(floats[i].hex);
        cbor_item item;
        assert_true(cbor_read(&in.r, &item));
        assert_int_equal(item.kind, CBOR_FLOAT);
        assert_true(item.number == floats[i].number);
        close_input(&in);
    }
    static const char *const signed_zero_or_nan[] = {"f98000", "fa80000000", "f97e00", "fa7fc00001"};
    for (size_t i = 0; i < 4; i++) {
        struct input in = open_input(signed_zero_or_nan[i]);
        cbor_item item;
        assert_true(cbor_read(&in.r, &item));
        assert_true(i < 2 ? item.number == 0 && signbit(item.number) : isnan(item.number));
        close_input(&in);
    }
}

/* All halves against ldexp, all as their singles. */
static void test_every_half(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x10000; half++) {
        uint8_t bytes[3] = {0xf9, (uint8_t)(half >> 8), (uint8_t)half};
        unsigned exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
        cbor_reader r;
        cbor_item item;
        cbor_reader_init(&r, bytes, 3);
        assert_true(cbor_read(&r, &item));
        assert_int_equal(!!signbit(item.number), half >> 15);
        if (exponent == 31) {
            assert_true(fraction ? isnan(item.number) : isinf(item.number));
        } else if (exponent == 0) {
            assert_true(fabs(item.number) == ldexp(fraction, -24));
        } else {
            assert_true(fabs(item.number) == ldexp(fraction + 1024, (int)exponent - 25));
        }
    }
}

static void assert_reads_data(const char *hex, cbor_kind kind, const char *expected)
{
    struct input in = open_input(hex);
    cbor_item item;
    assert_true(cbor_read(&in.r, &item));
    assert_int_equal(item.kind, kind);
    assert_int_equal(item.len, strlen(expected));
    assert_memory_equal(item.data, expected, item.len);
    assert_ptr_equal(in.r.at, in.r.end);
    close_input(&in);
}

static void test_reads_strings(void **state)
{
    (void)state;
    assert_reads_data("63616263", CBOR_TEXT, "abc");
    assert_reads_data("7b0000000000000003616263", CBOR_TEXT, "abc");
    assert_reads_data("7fff", CBOR_TEXT, "");
    assert_reads_data("7f6062616260 6163ff", CBOR_TEXT, "abc");
    assert_reads_data("5f41ff42fe01ff", CBOR_BYTES, "\xff\xfe\x01");
    assert_reads_data("d9011143eda080", CBOR_WTF8, "\xed\xa0\x80");
    assert_reads_data("d901115f42eda04180ff", CBOR_WTF8, "\xed\xa0\x80"); /* a byte string may be cut anywhere */
}

static void test_containers_say_their_count(void **state)
{
    (void)state;
    struct input in = open_input("84 80 9f ff a1 01 02 bf ff");
    static const struct {
        cbor_kind kind;
        uint64_t count;
    } expected[] = {
        {CBOR_ARRAY, 4}, {CBOR_ARRAY, 0}, {CBOR_ARRAY, UINT64_MAX}, {CBOR_BREAK, 0}, {CBOR_MAP, 1},
        {CBOR_INT, 0},   {CBOR_INT, 0},   {CBOR_MAP, UINT64_MAX},   {CBOR_BREAK, 0},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        cbor_item item;
        assert_true(cbor_read(&in.r, &item));
        assert_int_equal(item.kind, expected[i].kind);
        if (item.kind == CBOR_ARRAY || item.kind == CBOR_MAP) {
            assert_true(item.count == expected[i].count);
        }
    }
    assert_ptr_equal(in.r.at, in.r.end);
    close_input(&in);
}

static void assert_reads_tuple(const char *hex, uint64_t count)
{
    struct input in = open_input(hex);
    cbor_item item;
    assert_true(cbor_read(&in.r, &item));
    assert_int_equal(item.kind, CBOR_TUPLE);
    assert_true(item.count == count);
    assert_true(cbor_read(&in.r, &item)); /* then its items */
    assert_int_equal(item.kind, count ? CBOR_INT : CBOR_NULL);
    close_input(&in);
}

static void test_tuples(void **state)
{
    (void)state;
    assert_reads_tuple("d81b82657475706c6507", 1);
    assert_reads_tuple("d81b81657475706c65 f6", 0);
    assert_reads_tuple("d81b9f657475706c6507ff", UINT64_MAX);
    assert_reads_tuple("db000000000000001b827805 7475706c6507", 1); /* longer heads than needed */
    assert_reads_tuple("d81b827f63747570626c65ff07", 1);            /* the name in chunks */
    static const char *const other_objects[] = {"d81b01", "d81b80", "d81b820102", "d81b8265547570 6c6507", "d81b8140"};
    for (size_t i = 0; i < sizeof(other_objects) / sizeof(other_objects[0]); i++) {
        struct input in = open_input(other_objects[i]);
        cbor_item item;
        assert_true(cbor_read(&in.r, &item));
        assert_int_equal(item.kind, CBOR_TAG);
        assert_int_equal(item.count, CBOR_TAG_OBJECT);
        assert_true(cbor_read(&in.r, &item)); /* what is tagged comes next */
        assert_int_equal(item.kind, i == 0 ? CBOR_INT : CBOR_ARRAY);
        close_input(&in);
    }
}

static void test_refuses_with_reason_and_offset(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t offset;
        const char *reason;
    } bad[] = {
        {"", 0, "the bytes end before the value does"},
        {"18", 0, "the bytes end before the value does"},
        {"1b00000000000000", 0, "the bytes end before the value does"},
        {"fb00000000", 0, "the bytes end before the value does"},
        {"c1", 1, NULL}, /* a tag over nothing: see below */
        {"1c", 0, "reserved additional information"},
        {"5d", 0, "reserved additional information"},
        {"fe", 0, "reserved additional information"},
        {"1f", 0, "an item of this kind cannot be indefinite"},
        {"3f", 0, "an item of this kind cannot be indefinite"},
        {"df", 0, "an item of this kind cannot be indefinite"},
        {"42ff", 0, "a string is longer than the bytes that are left"},
        {"5bffffffffffffffff00", 0, "a string is longer than the bytes that are left"},
        {"7b7fffffffffffffff00", 0, "a string is longer than the bytes that are left"},
        {"8201", 0, "an array or map has more items than bytes are left"},
        {"9bffffffffffffffff00", 0, "an array or map has more items than bytes are left"},
        {"a101", 0, "an array or map has more items than bytes are left"},
        {"bb800000000000000100", 0, "an array or map has more items than bytes are left"},
        {"d81b9a00100000657475706c65", 2, "an array or map has more items than bytes are left"},
        {"d81b87657475706c6501", 2, "an array or map has more items than bytes are left"},
        {"6361ff62", 2, "a text is not valid UTF-8"},
        {"63eda080", 1, "a text is not valid UTF-8"},     /* a surrogate */
        {"7f61c361bcff", 2, "a text is not valid UTF-8"}, /* a character across two chunks */
        {"5f6161ff", 1, "a chunk of an indefinite string is not a definite string of its kind"},
        {"7f4161ff", 1, "a chunk of an indefinite string is not a definite string of its kind"},
        {"5f5f4100ffff", 1, "a chunk of an indefinite string is not a definite string of its kind"},
        {"5f4100", 3, "the bytes end before the value does"},
        {"5f00ff", 1, "a chunk of an indefinite string is not a definite string of its kind"},
        {"5fc14100ff", 1, "a chunk of an indefinite string is not a definite string of its kind"},
        {"5f4100 4500ff", 3, "a string is longer than the bytes that are left"},
        {"c26161", 0, "a bignum is not over a byte string"},
        {"c300", 0, "a bignum is not over a byte string"},
        {"c2c24100", 0, "a bignum is not over a byte string"},
        {"d901116161", 0, "tag 273 (WTF-8) is not over a byte string"},
        {"d9011141ff", 0, "a byte string of tag 273 is not WTF-8"},
        {"d9011142eda0", 0, "a byte string of tag 273 is not WTF-8"},
        {"e0", 0, "a simple value has no meaning here"},
        {"f3", 0, "a simple value has no meaning here"},
        {"f8ff", 0, "a simple value has no meaning here"},
        {"f820", 0, "a simple value has no meaning here"},
        {"f814", 0, "a simple value below 32 in two bytes"}, /* false, but malformed */
        {"d9d9f7ff", 3, "a break where a value should be"},
        {"d9d9f7", 3, "the bytes end before the value does"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct input in = open_input(bad[i].hex);
        cbor_item item;
        if (!bad[i].reason) {
            assert_true(cbor_read(&in.r, &item));
            assert_int_equal(item.kind, CBOR_TAG);
            assert_false(cbor_read(&in.r, &item));
        } else if (cbor_read(&in.r, &item)) {
            fail_msg("%s was read", bad[i].hex);
        } else {
            assert_string_equal(in.r.reason, bad[i].reason);
        }
        assert_int_equal(in.r.error, ISLE_ERR_DECODE);
        if (cbor_reader_offset(&in.r) != bad[i].offset) {
            fail_msg("%s: offset %zu", bad[i].hex, cbor_reader_offset(&in.r));
        }
        assert_false(cbor_read(&in.r, &item)); /* and stays so */
        close_input(&in);
    }
}

static void test_the_caller_refuses(void **state)
{
    (void)state;
    struct input in = open_input("82 01 d9d9f7 c1 1a00000000");
    cbor_item item;
    assert_true(cbor_read(&in.r, &item) && cbor_read(&in.r, &item) && cbor_read(&in.r, &item));
    assert_int_equal(item.kind, CBOR_TAG);
    assert_false(cbor_refuse_tag(&in.r, UINT64_MAX));
    assert_int_equal(in.r.error, ISLE_ERR_DECODE);
    assert_string_equal(in.r.reason, "tag 18446744073709551615 has no meaning here");
    assert_int_equal(cbor_reader_offset(&in.r), 2); /* where the item begins, with what was skipped */
    assert_false(cbor_read(&in.r, &item));
    close_input(&in);
    in = open_input("8180");
    assert_true(cbor_read(&in.r, &item) && cbor_read(&in.r, &item));
    assert_false(cbor_refuse(&in.r, ISLE_ERR_LIMIT, "too deep"));
    assert_int_equal(in.r.error, ISLE_ERR_LIMIT);
    assert_int_equal(cbor_reader_offset(&in.r), 1);
    close_input(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ints_take_the_shortest_head),
        cmocka_unit_test(test_big_ints),
        cmocka_unit_test(test_strings_floats_and_containers),
        cmocka_unit_test(test_nothing_written_is_an_empty_buffer),
        cmocka_unit_test(test_impossible_length_fails_the_writer),
        cmocka_unit_test(test_reads_ints),
        cmocka_unit_test(test_reads_big_ints),
        cmocka_unit_test(test_reads_floats),
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_reads_strings),
        cmocka_unit_test(test_containers_say_their_count),
        cmocka_unit_test(test_tuples),
        cmocka_unit_test(test_refuses_with_reason_and_offset),
        cmocka_unit_test(test_the_caller_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
