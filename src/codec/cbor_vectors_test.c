/* The examples of RFC 8949, Appendix A: what each decodes to (as Python prints it), and that it is written back
 * the same where this codec would write it so (definite, floats in eight bytes). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <isles/value.h>

enum same { SAME, OTHER }; /* is it written back in the same bytes? */

static const struct vector {
    const char *hex;
    const char *repr; /* NULL: well-formed, but without a meaning here */
    enum same same;
} vectors[] = {
    {"00", "0", SAME},
    {"01", "1", SAME},
    {"0a", "10", SAME},
    {"17", "23", SAME},
    {"1818", "24", SAME},
    {"1819", "25", SAME},
    {"1864", "100", SAME},
    {"1903e8", "1000", SAME},
    {"1a000f4240", "1000000", SAME},
    {"1b000000e8d4a51000", "1000000000000", SAME},
    {"1bffffffffffffffff", "18446744073709551615", SAME},
    {"c249010000000000000000", "18446744073709551616", SAME},
    {"3bffffffffffffffff", "-18446744073709551616", SAME},
    {"c349010000000000000000", "-18446744073709551617", SAME},
    {"20", "-1", SAME},
    {"29", "-10", SAME},
    {"3863", "-100", SAME},
    {"3903e7", "-1000", SAME},
    {"f90000", "0.0", OTHER},
    {"f98000", "-0.0", OTHER},
    {"f93c00", "1.0", OTHER},
    {"fb3ff199999999999a", "1.1", SAME},
    {"f93e00", "1.5", OTHER},
    {"f97bff", "65504.0", OTHER},
    {"fa47c35000", "100000.0", OTHER},
    {"fa7f7fffff", "3.4028234663852886e+38", OTHER},
    {"fb7e37e43c8800759c", "1e+300", SAME},
    {"f90001", "5.960464477539063e-08", OTHER},
    {"f90400", "6.103515625e-05", OTHER},
    {"f9c400", "-4.0", OTHER},
    {"fbc010666666666666", "-4.1", SAME},
    {"f97c00", "inf", OTHER},
    {"f97e00", "nan", OTHER},
    {"f9fc00", "-inf", OTHER},
    {"fa7f800000", "inf", OTHER},
    {"fa7fc00000", "nan", OTHER},
    {"faff800000", "-inf", OTHER},
    {"fb7ff0000000000000", "inf", SAME},
    {"fb7ff8000000000000", "nan", SAME},
    {"fbfff0000000000000", "-inf", SAME},
    {"f4", "False", SAME},
    {"f5", "True", SAME},
    {"f6", "None", SAME},
    {"f7", "None", OTHER}, /* undefined */
    {"f0", NULL, OTHER},   /* simple(16) */
    {"f8ff", NULL, OTHER}, /* simple(255) */
    {"c074323031332d30332d32315432303a30343a30305a", NULL, OTHER},
    {"c11a514b67b0", NULL, OTHER},
    {"c1fb41d452d9ec200000", NULL, OTHER},
    {"d74401020304", NULL, OTHER},
    {"d818456449455446", NULL, OTHER},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", NULL, OTHER},
    {"40", "b''", SAME},
    {"4401020304", "b'\\x01\\x02\\x03\\x04'", SAME},
    {"60", "''", SAME},
    {"6161", "'a'", SAME},
    {"6449455446", "'IETF'", SAME},
    {"62225c", "'\"\\\\'", SAME},
    {"62c3bc", "'\xc3\xbc'", SAME},
    {"63e6b0b4", "'\xe6\xb0\xb4'", SAME},
    {"64f0908591", "'\xf0\x90\x85\x91'", SAME},
    {"80", "[]", SAME},
    {"83010203", "[1, 2, 3]", SAME},
    {"8301820203820405", "[1, [2, 3], [4, 5]]", SAME},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]", SAME},
    {"a0", "{}", SAME},
    {"a201020304", "{1: 2, 3: 4}", SAME},
    {"a26161016162820203", "{'a': 1, 'b': [2, 3]}", SAME},
    {"826161a161626163", "['a', {'b': 'c'}]", SAME},
    {"a56161614161626142616361436164614461656145", "{'a': 'A', 'b': 'B', 'c': 'C', 'd': 'D', 'e': 'E'}", SAME},
    {"5f42010243030405ff", "b'\\x01\\x02\\x03\\x04\\x05'", OTHER},
    {"7f657374726561646d696e67ff", "'streaming'", OTHER},
    {"9fff", "[]", OTHER},
    {"9f018202039f0405ffff", "[1, [2, 3], [4, 5]]", OTHER},
    {"9f01820203820405ff", "[1, [2, 3], [4, 5]]", OTHER},
    {"83018202039f0405ff", "[1, [2, 3], [4, 5]]", OTHER},
    {"83019f0203ff820405", "[1, [2, 3], [4, 5]]", OTHER},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]", OTHER},
    {"bf61610161629f0203ffff", "{'a': 1, 'b': [2, 3]}", OTHER},
    {"826161bf61626163ff", "['a', {'b': 'c'}]", OTHER},
    {"bf6346756ef563416d7421ff", "{'Fun': True, 'Amt': -2}", OTHER},
    /* beyond the appendix: what this codec adds */
    {"d9d9f783010203", "[1, 2, 3]", OTHER},
    {"d81b81657475706c65", "()", SAME},
    {"d81b83657475706c6501d81b82657475706c6502", "(1, (2,))", SAME},
    {"d9011143eda080", "'\\ud800'", SAME},
    {"d901114161", "'a'", OTHER}, /* WTF-8 without need */
    {"c2413b", "59", OTHER},
};

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

static void check_writing(const struct vector *v, const uint8_t *bytes, size_t len, const isle_value *value)
{
    uint8_t *again;
    size_t again_len;
    assert_int_equal(isle_value_encode(value, &again, &again_len), ISLE_OK);
    bool same = again_len == len && memcmp(again, bytes, len) == 0;
    if (same != (v->same == SAME)) {
        fail_msg("%s is %swritten the same", v->hex, same ? "" : "not ");
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
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
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
        check_writing(&vectors[i], bytes, len, value);
        isle_value_free(value);
    }
}

/* Every vector cut short anywhere, and with a byte after it, is refused. */
static void test_truncated_and_followed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
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
        cmocka_unit_test(test_truncated_and_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
