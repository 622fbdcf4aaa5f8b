/* UTF-8: validation and decoding of one character. Pure functions. */
#include "utf8.h"

#include <string.h>

static bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the ASCII run at the beginning, or a little less: eight at a time is what makes it fast. */
static size_t ascii_run(const uint8_t *text, size_t len)
{
    size_t i = 0;
    for (uint64_t word; len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, text + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
    }
    return i;
}

/* Bytes of the character at `at`, of which `left` are there; 0: invalid. */
static size_t char_len(const uint8_t *at, size_t left, bool *out_surrogates)
{
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xe0) {
        return lead >= 0xc2 && left >= 2 && is_tail(at[1]) ? 2 : 0;
    }
    if (lead < 0xf0) {
        if (left < 3 || !is_tail(at[1]) || !is_tail(at[2]) || (lead == 0xe0 && at[1] < 0xa0)) {
            return 0;
        }
        if (lead == 0xed && at[1] >= 0xa0) {
            if (!out_surrogates) {
                return 0;
            }
            *out_surrogates = true;
        }
        return 3;
    }
    if (lead > 0xf4 || left < 4 || !is_tail(at[1]) || !is_tail(at[2]) || !is_tail(at[3])) {
        return 0;
    }
    if ((lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] >= 0x90)) {
        return 0;
    }
    return 4;
}

size_t utf8_scan(const uint8_t *text, size_t len, bool *out_surrogates)
{
    if (out_surrogates) {
        *out_surrogates = false;
    }
    size_t i = 0;
    while (i < len) {
        if (text[i] < 0x80) {
            size_t run = ascii_run(text + i, len - i);
            i += run ? run : 1;
            continue;
        }
        size_t n = char_len(text + i, len - i, out_surrogates);
        if (n == 0) {
            return i;
        }
        i += n;
    }
    return len;
}

uint32_t utf8_decode(const uint8_t *at, size_t *out_len)
{
    if (at[0] < 0x80) {
        *out_len = 1;
        return at[0];
    }
    if (at[0] < 0xe0) {
        *out_len = 2;
        return (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
    }
    if (at[0] < 0xf0) {
        *out_len = 3;
        return (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    }
    *out_len = 4;
    return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 | (uint32_t)(at[2] & 0x3f) << 6 |
           (at[3] & 0x3f);
}
