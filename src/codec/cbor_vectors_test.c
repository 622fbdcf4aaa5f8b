/* All examples of RFC 8949, Appendix A: what each decodes to (as Python prints it), and what is written for that.
 * Which is the appendix's own bytes where those are the preferred serialization and hold no float; floats are always
 * written in eight bytes here. The two unassigned simple values are refused: there is no type for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <isles/value.h>

#define APPENDIX_COUNT 81

static const struct vector {
    const char *hex;
    const char *repr;  /* NULL: well-formed, but without a meaning here */
    const char *again; /* what is written for it; NULL: the same */
} vectors[] = {
    {"00", "0", NULL},
    {"01", "1", NULL},
    {"0a", "10", NULL},
    {"17", "23", NULL},
    {"1818", "24", NULL},
    {"1819", "25", NULL},
    {"1864", "100", NULL},
    {"1903e8", "1000", NULL},
    {"1a000f4240", "1000000", NULL},
    {"1b000000e8d4a51000", "1000000000000", NULL},
    {"1bffffffffffffffff", "18446744073709551615", NULL},
    {"c249010000000000000000", "18446744073709551616", NULL},
    {"3bffffffffffffffff", "-18446744073709551616", NULL},
    {"c349010000000000000000", "-18446744073709551617", NULL},
    {"20", "-1", NULL},
    {"29", "-10", NULL},
    {"3863", "-100", NULL},
    {"3903e7", "-1000", NULL},
    {"f90000", "0.0", "fb0000000000000000"},
    {"f98000", "-0.0", "fb8000000000000000"},
    {"f93c00", "1.0", "fb3ff0000000000000"},
    {"fb3ff199999999999a", "1.1", NULL},
    {"f93e00", "1.5", "fb3ff8000000000000"},
    {"f97bff", "65504.0", "fb40effc0000000000"},
    {"fa47c35000", "100000.0", "fb40f86a0000000000"},
    {"fa7f7fffff", "3.4028234663852886e+38", "fb47efffffe0000000"},
    {"fb7e37e43c8800759c", "1e+300", NULL},
    {"f90001", "5.960464477539063e-08", "fb3e70000000000000"},
    {"f90400", "6.103515625e-05", "fb3f10000000000000"},
    {"f9c400", "-4.0", "fbc010000000000000"},
    {"fbc010666666666666", "-4.1", NULL},
    {"f97c00", "inf", "fb7ff0000000000000"},
    {"f97e00", "nan", "fb7ff8000000000000"},
    {"f9fc00", "-inf", "fbfff0000000000000"},
    {"fa7f800000", "inf", "fb7ff0000000000000"},
    {"fa7fc00000", "nan", "fb7ff8000000000000"},
    {"faff800000", "-inf", "fbfff0000000000000"},
    {"fb7ff0000000000000", "inf", NULL},
    {"fb7ff8000000000000", "nan", NULL},
    {"fbfff0000000000000", "-inf", NULL},
    {"f4", "False", NULL},
    {"f5", "True", NULL},
    {"f6", "None", NULL},
    {"f7", "None", "f6"}, /* undefined */
    {"f0", NULL, NULL},
    {"f8ff", NULL, NULL}, /* simple(255) */
    {"c074323031332d30332d32315432303a30343a30305a", "Tag(0, '2013-03-21T20:04:00Z')", NULL},
    {"c11a514b67b0", "Tag(1, 1363896240)", NULL},
    {"c1fb41d452d9ec200000", "Tag(1, 1363896240.5)", NULL},
    {"d74401020304", "Tag(23, b'\\x01\\x02\\x03\\x04')", NULL},
    {"d818456449455446", "Tag(24, b'dIETF')", NULL},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "Tag(32, 'http://www.example.com')", NULL},
    {"40", "b''", NULL},
    {"4401020304", "b'\\x01\\x02\\x03\\x04'", NULL},
    {"60", "''", NULL},
    {"6161", "'a'", NULL},
    {"6449455446", "'IETF'", NULL},
    {"62225c", "'\"\\\\'", NULL},
    {"62c3bc", "'\xc3\xbc'", NULL},
    {"63e6b0b4", "'\xe6\xb0\xb4'", NULL},
    {"64f0908591", "'\xf0\x90\x85\x91'", NULL},
    {"80", "[]", NULL},
    {"83010203", "[1, 2, 3]", NULL},
    {"8301820203820405", "[1, [2, 3], [4, 5]]", NULL},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]", NULL},
    {"a0", "{}", NULL},
    {"a201020304", "{1: 2, 3: 4}", NULL},
    {"a26161016162820203", "{'a': 1, 'b': [2, 3]}", NULL},
    {"826161a161626163", "['a', {'b': 'c'}]", NULL},
    {"a56161614161626142616361436164614461656145", "{'a': 'A', 'b': 'B', 'c': 'C', 'd': 'D', 'e': 'E'}", NULL},
    {"5f42010243030405ff", "b'\\x01\\x02\\x03\\x04\\x05'", "450102030405"},
    {"7f657374726561646d696e67ff", "'streaming'", "6973747265616d696e67"},
    {"9fff", "[]", "80"},
    {"9f018202039f0405ffff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"9f01820203820405ff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"83018202039f0405ff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"83019f0203ff820405", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
     "98190102030405060708090a0b0c0d0e0f101112131415161718181819"},
    {"bf61610161629f0203ffff", "{'a': 1, 'b': [2, 3]}", "a26161016162820203"},
    {"826161bf61626163ff", "['a', {'b': 'c'}]", "826161a161626163"},
    {"bf6346756ef563416d7421ff", "{'Fun': True, 'Amt': -2}", "a26346756ef563416d7421"},
    /* beyond the appendix: what this codec adds */
    {"d9d9f783010203", "[1, 2, 3]", "83010203"},
    {"d81b81657475706c65", "()", NULL},
    {"d81b83657475706c6501d81b82657475706c6502", "(1, (2,))", NULL},
    {"d9011143eda080", "'\\ud800'", NULL},
    {"d901114161", "'a'", "6161"}, /* WTF-8 without need */
    {"c2413b", "59", "183b"},
    {"d81b826566726f7a6501", "Tag(27, ['froze', 1])", NULL},
    {"d90102820102", "{1, 2}", NULL},
    {"d9a7f882fb3ff0000000000000fb4004000000000000", "(1+2.5j)", NULL},
};
#define COUNT (sizeof(vectors) / sizeof(vectors[0]))

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

static void check_meaning(const struct vector *v, const isle_value *value)
{
    char *repr = isle_value_repr(value);
    assert_string_equal(repr, v->repr);
    isle_string_free(repr);
}

static void check_writing(const struct vector *v, const isle_value *value)
{
    uint8_t *again;
    size_t again_len;
    assert_int_equal(isle_value_encode(value, &again, &again_len), ISLE_OK);
    uint8_t expected[256];
    size_t expected_len = from_hex(v->again ? v->again : v->hex, expected);
    if (again_len != expected_len || memcmp(again, expected, expected_len) != 0) {
        fail_msg("%s is not written as %s", v->hex, v->again ? v->again : "the same");
    }
    isle_value *value_again;
    assert_int_equal(isle_value_decode(again, again_len, &value_again, NULL), ISLE_OK);
    assert_true(isle_value_equal(value, value_again));
    isle_value_free(value_again);
    isle_bytes_free(again);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t bytes[256];
        size_t len = from_hex(vectors[i].hex, bytes), offset = 99;
        isle_value *value = NULL;
        isle_status status = isle_value_decode(bytes, len, &value, &offset);
        if (!vectors[i].repr) {
            assert_int_equal(status, ISLE_ERR_DECODE);
            assert_int_equal(offset, 0);
            assert_null(value);
            continue;
        }
        if (status != ISLE_OK) {
            fail_msg("%s: %s at %zu", vectors[i].hex, isle_status_name(status), offset);
        }
        check_meaning(&vectors[i], value);
        check_writing(&vectors[i], value);
        isle_value_free(value);
    }
}

/* The appendix's table has 81 rows, all of which are here. */
static void test_the_appendix_is_complete(void **state)
{
    (void)state;
    size_t first_of_ours = 0;
    while (strcmp(vectors[first_of_ours].hex, "d9d9f783010203") != 0) {
        for (size_t i = 0; i < first_of_ours; i++) {
            assert_string_not_equal(vectors[i].hex, vectors[first_of_ours].hex);
        }
        first_of_ours++;
    }
    assert_int_equal(first_of_ours, APPENDIX_COUNT);
}

/* Every vector cut short anywhere, and with a byte after it, is refused. */
static void test_truncated_and_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t bytes[256];
        size_t len = from_hex(vectors[i].hex, bytes), offset = 99;
        isle_value *value = NULL;
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(isle_value_decode(bytes, cut, &value, &offset), ISLE_ERR_DECODE);
            assert_true(offset <= cut);
        }
        bytes[len] = 0;
        assert_int_equal(isle_value_decode(bytes, len + 1, &value, &offset), ISLE_ERR_DECODE);
        assert_int_equal(offset, vectors[i].repr ? len : 0);
        assert_null(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_the_appendix_is_complete),
        cmocka_unit_test(test_truncated_and_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
