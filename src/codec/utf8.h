/* UTF-8 (RFC 3629), and the same with surrogates as three bytes each, which is how a Python str with lone surrogates
 * is written down here. Python keeps two lone surrogates in a row apart from the one character that they would make
 * in UTF-16, and so does this: unlike strict WTF-8 it lets such a pair stand. */
#ifndef ISLES_UTF8_H
#define ISLES_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes from the beginning are valid: `len` when all are. Surrogates are invalid when out_surrogates is NULL;
 * else they are valid, and *out_surrogates says whether there were any. */
size_t utf8_scan(const uint8_t *text, size_t len, bool *out_surrogates);

/* The code point at `at` of valid text, and its length in bytes. */
uint32_t utf8_decode(const uint8_t *at, size_t *out_len);

#endif
