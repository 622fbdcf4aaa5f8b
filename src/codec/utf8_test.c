/* UTF-8: every code point, and every short byte sequence against a decoder that goes by the definition. */
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static size_t encode(uint32_t c, uint8_t *at)
{
    if (c < 0x80) {
        at[0] = (uint8_t)c;
        return 1;
    }
    size_t tails = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = tails; i > 0; i--, c >>= 6) {
        at[i] = (uint8_t)(0x80 | (c & 0x3f));
    }
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    at[0] = (uint8_t)(lead[tails] | c);
    return tails + 1;
}

/* By the definition: decode the bits, then see whether encoding gives the same bytes. 0: invalid. */
static size_t defined_len(const uint8_t *at, size_t left, bool *surrogate)
{
    static const struct {
        uint8_t mask, lead;
    } forms[] = {{0x80, 0}, {0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};
    for (size_t n = 1; n <= 4; n++) {
        if ((at[0] & forms[n - 1].mask) != forms[n - 1].lead) {
            continue;
        }
        if (left < n) {
            return 0;
        }
        uint32_t c = at[0] & (uint8_t)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if (at[i] >> 6 != 2) {
                return 0;
            }
            c = c << 6 | (at[i] & 0x3f);
        }
        uint8_t again[4];
        *surrogate = c >= 0xd800 && c < 0xe000;
        return c < 0x110000 && encode(c, again) == n ? n : 0;
    }
    return 0;
}

static void check(const uint8_t *text, size_t len)
{
    size_t strict = 0, lax = 0;
    bool strict_over = false, any = false, surrogates = true;
    while (lax < len) {
        bool surrogate = false;
        size_t n = defined_len(text + lax, len - lax, &surrogate);
        if (n == 0) {
            break;
        }
        any |= surrogate;
        lax += n;
        strict_over |= surrogate;
        strict = strict_over ? strict : lax;
    }
    size_t got_lax = utf8_scan(text, len, &surrogates), got_strict = utf8_scan(text, len, NULL);
    if (got_lax != lax || got_strict != strict || surrogates != any) {
        fail_msg("%02x %02x %02x %02x: %zu, %zu", text[0], text[1], text[2], text[3], got_lax, got_strict);
    }
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t text[4] = {0};
        size_t len = encode(c, text), decoded_len = 0;
        bool surrogates;
        assert_int_equal(utf8_decode(text, &decoded_len), c);
        assert_int_equal(decoded_len, len);
        assert_int_equal(utf8_scan(text, len, &surrogates), len);
        assert_int_equal(surrogates, c >= 0xd800 && c < 0xe000);
        assert_int_equal(utf8_scan(text, len - 1, NULL), 0); /* cut off */
    }
}

static void test_every_short_sequence(void **state)
{
    (void)state;
    uint8_t text[4] = {0};
    for (unsigned bytes = 0; bytes < 0x10000; bytes++) {
        text[0] = (uint8_t)(bytes >> 8);
        text[1] = (uint8_t)bytes;
        check(text, 1);
        check(text, 2);
    }
    static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xff};
    for (unsigned bytes = 0; bytes < 0x10000; bytes++) {
        text[0] = (uint8_t)(bytes >> 8);
        text[1] = (uint8_t)bytes;
        for (size_t i = 0; i < sizeof(edges); i++) {
            text[2] = edges[i];
            check(text, 3);
            for (size_t k = 0; k < sizeof(edges); k++) {
                text[3] = edges[k];
                check(text, 4);
            }
        }
    }
}

/* The eight-at-a-time path: a bad byte at every place of texts of every length. */
static void test_bad_byte_anywhere(void **state)
{
    (void)state;
    char text[64];
    for (size_t len = 0; len <= 40; len++) {
        memset(text, 'a', sizeof(text));
        assert_int_equal(utf8_scan((uint8_t *)text, len, NULL), len);
        for (size_t bad = 0; bad < len; bad++) {
            text[bad] = (char)0x80;
            assert_int_equal(utf8_scan((uint8_t *)text, len, NULL), bad);
            text[bad] = 'a';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_bad_byte_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
