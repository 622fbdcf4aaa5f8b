/* Hostile bytes: every input of one and two bytes, and many random ones. A second opinion, the well-formedness check of
 * RFC 8949's Appendix C, says which may be read at all; what is read must survive being written and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <isles/value.h>

#include "value_codec.h"

#define RANDOM_INPUTS 300000
#define INPUT_MAX 96

/* --- second opinion ---------------------------------------------------------------------------------------- */

struct view {
    const uint8_t *at;
    size_t left;
};

enum { MALFORMED = -1, BREAK = -2 };

static int take(struct view *v, size_t count, uint64_t *out)
{
    if (v->left < count) {
        return MALFORMED;
    }
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        *out = *out << 8 | v->at[i];
    }
    v->at += count;
    v->left -= count;
    return 0;
}

static int well_formed(struct view *v, bool breakable, unsigned depth);

static int well_formed_indefinite(struct view *v, int major, bool breakable, unsigned depth)
{
    int kind;
    switch (major) {
    case 2:
    case 3:
        while ((kind = well_formed(v, true, depth + 1)) != BREAK) {
            if (kind != major) { /* MALFORMED, another kind, or nested chunks (reported as 100 + kind) */
                return MALFORMED;
            }
        }
        return 100 + major;
    case 4:
        while ((kind = well_formed(v, true, depth + 1)) != BREAK) {
            if (kind == MALFORMED) {
                return MALFORMED;
            }
        }
        return 4;
    case 5:
        while ((kind = well_formed(v, true, depth + 1)) != BREAK) {
            if (kind == MALFORMED || well_formed(v, false, depth + 1) < 0) {
                return MALFORMED;
            }
        }
        return 5;
    case 7:
        return breakable ? BREAK : MALFORMED;
    default:
        return MALFORMED;
    }
}

/* The major type, 100 more for an indefinite string; MALFORMED; BREAK. */
static int well_formed(struct view *v, bool breakable, unsigned depth)
{
    uint64_t initial, value, ignored;
    if (depth > 2000 || take(v, 1, &initial) < 0) {
        return MALFORMED;
    }
    int major = (int)(initial >> 5), info = (int)(initial & 31);
    value = (uint64_t)info;
    if (info >= 24 && info < 28 && take(v, (size_t)1 << (info - 24), &value) < 0) {
        return MALFORMED;
    }
    if (info >= 28) {
        return info == 31 ? well_formed_indefinite(v, major, breakable, depth) : MALFORMED;
    }
    if (major == 7) {
        return info == 24 && value < 32 ? MALFORMED : 7;
    }
    if (major == 2 || major == 3) {
        if (value > v->left) {
            return MALFORMED;
        }
        v->at += value;
        v->left -= value;
        return take(v, 0, &ignored) < 0 ? MALFORMED : major;
    }
    uint64_t items = major == 4 ? value : major == 5 ? 2 * value : major == 6 ? 1 : 0;
    if (major == 5 && value > v->left) {
        return MALFORMED;
    }
    for (uint64_t i = 0; i < items; i++) {
        if (well_formed(v, false, depth + 1) < 0) {
            return MALFORMED;
        }
    }
    return major;
}

static bool is_well_formed(const uint8_t *bytes, size_t len)
{
    struct view v = {bytes, len};
    return well_formed(&v, false, 0) >= 0 && v.left == 0;
}

/* --- checks ------------------------------------------------------------------------------------------------- */

/* Reasons to refuse what is well-formed. */
static bool is_about_meaning(const char *reason)
{
    static const char *const reasons[] = {
        "has no meaning here", "not valid UTF-8", "is not WTF-8", "over a byte string", "the same key twice",
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strstr(reason, reasons[i])) {
            return true;
        }
    }
    return false;
}

static void check_refusal(const uint8_t *bytes, size_t len)
{
    cbor_reader r;
    cbor_reader_init(&r, bytes, len);
    isle_value *value = value_read(&r);
    if (!value) {
        if (is_well_formed(bytes, len) != is_about_meaning(r.reason) && is_well_formed(bytes, len)) {
            fail_msg("refused at %zu of %zu, though well-formed: %s", cbor_reader_offset(&r), len, r.reason);
        }
    } else {
        assert_true(r.at < r.end); /* the value is whole, but bytes follow it */
    }
    isle_value_free(value);
    cbor_reader_done(&r);
}

static void check_round_trip(const isle_value *value)
{
    uint8_t *bytes, *again;
    size_t len, again_len;
    isle_value *same;
    assert_int_equal(isle_value_encode(value, &bytes, &len), ISLE_OK);
    assert_true(is_well_formed(bytes, len));
    assert_int_equal(isle_value_decode(bytes, len, &same, NULL), ISLE_OK);
    assert_true(isle_value_equal(value, same));
    assert_int_equal(isle_value_encode(same, &again, &again_len), ISLE_OK);
    assert_int_equal(len, again_len);
    assert_memory_equal(bytes, again, len);
    isle_value *copy = isle_value_copy(same);
    assert_true(isle_value_equal(copy, value));
    char *repr = isle_value_repr(copy);
    assert_non_null(repr);
    isle_string_free(repr);
    isle_value_free(copy);
    isle_value_free(same);
    isle_bytes_free(bytes);
    isle_bytes_free(again);
}

static bool check(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1); /* so that the address sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    isle_value *value = NULL;
    size_t offset = SIZE_MAX;
    isle_status status = isle_value_decode(exact, len, &value, &offset);
    if (status == ISLE_OK) {
        assert_true(is_well_formed(exact, len));
        check_round_trip(value);
    } else {
        assert_int_equal(status, ISLE_ERR_DECODE);
        assert_null(value);
        assert_true(offset <= len);
        check_refusal(exact, len);
    }
    isle_value_free(value);
    free(exact);
    return status == ISLE_OK;
}

/* --- inputs ------------------------------------------------------------------------------------------------- */

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t chance(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void test_every_input_of_up_to_two_bytes(void **state)
{
    (void)state;
    size_t good = 0;
    check((const uint8_t *)"", 0);
    for (unsigned i = 0; i < 0x10000; i++) {
        uint8_t bytes[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        good += check(bytes, 2);
        if (bytes[1] == 0) {
            good += check(bytes, 1);
        }
    }
    assert_true(good > 1000 && good < 3000); /* the checks saw both sides */
}

static void test_random_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        uint8_t bytes[INPUT_MAX];
        size_t len = chance(chance(8) ? 12 : INPUT_MAX);
        for (size_t k = 0; k < len; k++) {
            bytes[k] = (uint8_t)chance(256);
        }
        check(bytes, len);
    }
}

struct out {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};

static void put(struct out *o, uint8_t byte)
{
    if (o->len < INPUT_MAX) {
        o->bytes[o->len++] = byte;
    }
}

static void put_head(struct out *o, unsigned major, unsigned value)
{
    unsigned size = value > 23 ? 1 + chance(4) : chance(8) ? 0 : 1 + chance(4); /* longer heads than needed, too */
    put(o, (uint8_t)(major << 5 | (size ? 23 + size : value)));
    for (unsigned i = size ? 1u << (size - 1) : 0; i-- > 0;) {
        put(o, (uint8_t)(i == 0 ? value : i == 7 && !chance(30) ? 0x80 : 0));
    }
}

/* Something near to a valid item. */
static void put_item(struct out *o, unsigned depth)
{
    static const uint8_t tags[][3] = {{0xc2}, {0xc3},      {0xd8, 27}, {0xd9, 1, 0x11}, {0xd9, 0xd9, 0xf7},
                                      {0xc1}, {0xd9, 1, 2}};
    static const char *const strings[] = {
        "", "a", "tuple", "\xc3\xbc", "\xff\xff\xff\xff\xff\xff\xff\xff", "\xed\xa0\x80"};
    unsigned major = chance(depth > 6 ? 4 : 9), count;
    bool indefinite = !chance(4);
    switch (major) {
    case 0:
    case 1:
        put_head(o, major, chance(256));
        return;
    case 2:
    case 3: {
        unsigned chunks = indefinite ? chance(3) : 1;
        if (indefinite) {
            put(o, (uint8_t)(major << 5 | 31));
        }
        while (chunks-- > 0) {
            const char *string = strings[chance(6)];
            put_head(o, major, (unsigned)strlen(string));
            while (*string) {
                put(o, (uint8_t)*string++);
            }
        }
        break;
    }
    case 4:
    case 5:
        count = chance(5);
        if (indefinite) {
            put(o, (uint8_t)(major << 5 | 31));
        } else {
            put_head(o, major, count);
        }
        for (unsigned i = 0; i < count * (major == 5 ? 2 : 1); i++) {
            put_item(o, depth + 1);
        }
        break;
    case 6: {
        const uint8_t *tag = tags[chance(7)];
        for (int i = 0; i < (tag[0] == 0xd8 ? 2 : tag[0] == 0xd9 ? 3 : 1); i++) {
            put(o, tag[i]);
        }
        put_item(o, depth + 1);
        return;
    }
    case 7:
        put(o, (uint8_t)(0xe0 | (20 + chance(4))));
        return;
    default:
        count = chance(3);
        put(o, (uint8_t)(0xf9 + count));
        for (unsigned i = 0; i < 2u << count; i++) {
            put(o, (uint8_t)chance(256));
        }
        return;
    }
    if (indefinite) {
        put(o, 0xff);
    }
}

static void test_random_items_whole_and_damaged(void **state)
{
    (void)state;
    size_t good = 0;
    for (int i = 0; i < RANDOM_INPUTS / 2; i++) {
        struct out o = {.len = 0};
        put_item(&o, 0);
        good += check(o.bytes, o.len);
        if (o.len > 0) {
            o.bytes[chance((uint32_t)o.len)] ^= (uint8_t)(1u << chance(8));
            check(o.bytes, chance(4) ? o.len : chance((uint32_t)o.len));
        }
    }
    assert_true(good > RANDOM_INPUTS / 8);
}

/* Claims of 2**63 items cost nothing: refused before memory is taken, where the claim is made. */
static void test_claims_are_checked_against_what_is_owed(void **state)
{
    (void)state;
    uint8_t bytes[2000];
    size_t len = 0, offset;
    isle_value *value;
    for (int i = 0; i < 200; i++) { /* each array says that all the rest is its own */
        bytes[len++] = 0x99;
        size_t rest = sizeof(bytes) - len - 2;
        bytes[len++] = (uint8_t)(rest >> 8);
        bytes[len++] = (uint8_t)rest;
    }
    memset(bytes + len, 0xf6, sizeof(bytes) - len);
    assert_int_equal(isle_value_decode(bytes, sizeof(bytes), &value, &offset), ISLE_ERR_DECODE);
    assert_int_equal(offset, 3); /* the second array's head: the first one is owed those bytes */
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        uint8_t open[16];
        size_t open_len;
        uint8_t close;
    } kinds[] = {
        {{0x81}, 1, 0},                                            /* [ */
        {{0x9f}, 1, 0xff},                                         /* [_ */
        {{0xa1, 0x00}, 2, 0},                                      /* {0: */
        {{0xbf, 0x00}, 2, 0xff},                                   /* {_ 0: */
        {{0xd8, 0x1b, 0x82, 0x65, 't', 'u', 'p', 'l', 'e'}, 9, 0}, /* ( */
        {{0xd9, 0xd9, 0xf7, 0x81}, 4, 0},                          /* self-described [ */
        {{0xc1}, 1, 0},                                            /* a tag */
    };
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        for (unsigned depth = 499; depth <= 501; depth++) {
            uint8_t bytes[501 * 17];
            size_t len = 0, offset = 0;
            for (unsigned i = 0; i < depth; i++) {
                memcpy(bytes + len, kinds[k].open, kinds[k].open_len);
                len += kinds[k].open_len;
            }
            bytes[len++] = 0x07;
            for (unsigned i = 0; i < depth && kinds[k].close; i++) {
                bytes[len++] = kinds[k].close;
            }
            isle_value *value = NULL;
            isle_status status = isle_value_decode(bytes, len, &value, &offset);
            if (depth <= CBOR_MAX_DEPTH) {
                assert_int_equal(status, ISLE_OK);
                check_round_trip(value);
                isle_value_free(value);
            } else {
                assert_int_equal(status, ISLE_ERR_LIMIT);
                assert_int_equal(offset, CBOR_MAX_DEPTH * kinds[k].open_len);
                assert_null(value);
            }
        }
    }
}

/* A million tags or array heads must not overflow the stack either. */
static void test_endless_nesting(void **state)
{
    (void)state;
    static const uint8_t heads[][3] = {
        {0x81, 0x81, 0x81}, {0x9f, 0x9f, 0x9f}, {0xa1, 0xa1, 0xa1}, {0xc1, 0xc1, 0xc1}, {0xd9, 0xd9, 0xf7}};
    size_t len = 3000000, offset;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t k = 0; k < 5; k++) {
        isle_value *value;
        for (size_t i = 0; i < len; i++) {
            bytes[i] = heads[k][i % 3];
        }
        isle_status status = isle_value_decode(bytes, len, &value, &offset);
        assert_int_equal(status, k < 4 ? ISLE_ERR_LIMIT : ISLE_ERR_DECODE);
        assert_int_equal(offset, k < 4 ? CBOR_MAX_DEPTH : len);
    }
    free(bytes);
}

static void test_reasons_of_values(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len, offset;
        const char *reason;
    } bad[] = {
        {"\x82\x01\xd8\x1b\xd9\xd9\xf7\x81\x65tuple", 14, 2, "tag 27 has no meaning here"}, /* a disguise */
        {"\xd8\x1b\x82\xd9\x01\x11\x45queue\x00", 13, 0, "tag 27 has no meaning here"},
        {"\xd8\x1b\x82\x66"
         "buffer\x00",
         11, 10, "an attachment that did not come with these bytes"},
        {"\xc1\xff", 2, 1, "a break where a value should be"},
        {"\x9f\xc1\xff", 3, 2, "a break where a value should be"},
        {"\xff", 1, 0, "a break where a value should be"},
        {"\x81\xff", 2, 1, "a break where a value should be"},
        {"\x9f\x82\x00\xff\xff", 5, 3, "a break where a value should be"},
        {"\xbf\x00\xff", 3, 2, "a break between a key and its value"},
        {"\xa1\xff\x00", 3, 1, "a break where a value should be"},
        {"\xa3\x61\x61\x00\x61\x62\x00\x61\x61\x00", 10, 7, "a map has the same key twice"},
        {"\xbf\x81\x00\x00\x81\x00\x00\xff", 8, 4, "a map has the same key twice"},
        {"\xa2\xf9\x3c\x00\x00\xfa\x3f\x80\x00\x00\x00", 11, 5, "a map has the same key twice"}, /* 1.0 in two sizes */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cbor_reader r;
        cbor_reader_init(&r, (const uint8_t *)bad[i].bytes, bad[i].len);
        assert_null(value_read(&r));
        assert_string_equal(r.reason, bad[i].reason);
        assert_int_equal(r.error, ISLE_ERR_DECODE);
        assert_int_equal(cbor_reader_offset(&r), bad[i].offset);
        cbor_reader_done(&r);
    }
}

static void test_values_in_a_row(void **state)
{
    (void)state;
    cbor_writer w;
    uint8_t *bytes;
    size_t len;
    isle_value *one = isle_value_new_int(1), *list = isle_value_new_list();
    assert_int_equal(isle_value_append(list, isle_value_new_str("x")), ISLE_OK);
    cbor_writer_init(&w);
    cbor_write_array(&w, 2);
    value_write(&w, one);
    value_write(&w, list);
    assert_int_equal(cbor_writer_take(&w, &bytes, &len), ISLE_OK);
    cbor_reader r;
    cbor_item head;
    cbor_reader_init(&r, bytes, len);
    assert_true(cbor_read(&r, &head));
    isle_value *first = value_read(&r), *second = value_read(&r);
    assert_true(isle_value_equal(first, one) && isle_value_equal(second, list));
    assert_null(value_read(&r)); /* no more */
    cbor_reader_done(&r);
    isle_bytes_free(bytes);
    isle_value_free(first);
    isle_value_free(second);
    isle_value_free(one);
    isle_value_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input_of_up_to_two_bytes),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_random_items_whole_and_damaged),
        cmocka_unit_test(test_claims_are_checked_against_what_is_owed),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_endless_nesting),
        cmocka_unit_test(test_reasons_of_values),
        cmocka_unit_test(test_values_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
