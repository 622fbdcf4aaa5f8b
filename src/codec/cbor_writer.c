/* The CBOR writer: appends items to one growing buffer. A write that finds no memory frees the buffer and marks the
 * writer failed, so that callers check once, in cbor_writer_take. Belongs to one thread. */
#include "cbor.h"

#include <string.h>

#include <platform.h>

#define FIRST_CAPACITY 128
#define HEAD_MAX 9

enum { MAJOR_UINT, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG, MAJOR_SIMPLE };

void cbor_writer_init(cbor_writer *w)
{
    *w = (cbor_writer){0};
}

void cbor_writer_free(cbor_writer *w)
{
    plat_block_give(w->data, w->capacity);
    *w = (cbor_writer){.beside = w->beside};
}

isle_status cbor_writer_take(cbor_writer *w, uint8_t **out_data, size_t *out_len)
{
    if (!w->failed && !w->data) {
        w->data = plat_malloc(0); /* nothing was written; the caller gets a buffer all the same */
        w->failed = !w->data;
    }
    if (w->failed) {
        isle_status status = w->unshareable ? ISLE_ERR_NOT_SHAREABLE : ISLE_ERR_NOMEM;
        cbor_writer_free(w);
        return status;
    }
    *out_data = w->data;
    *out_len = w->len;
    *w = (cbor_writer){.beside = w->beside};
    return ISLE_OK;
}

isle_status cbor_writer_take_parcel(cbor_writer *w, parcel *out)
{
    out->size = w->capacity;
    isle_status status = cbor_writer_take(w, &out->data, &out->len);
    if (status != ISLE_OK) {
        parcel_clear(out);
    }
    return status;
}

static uint8_t *fail(cbor_writer *w)
{
    bool unshareable = w->unshareable;
    cbor_writer_free(w);
    w->failed = true;
    w->unshareable = unshareable;
    return NULL;
}

uint8_t *cbor_writer_grow(cbor_writer *w, size_t size)
{
    if (w->failed) {
        return NULL;
    }
    size_t need, capacity;
    if (__builtin_add_overflow(w->len, size, &need) ||
        __builtin_add_overflow(w->capacity, w->capacity + FIRST_CAPACITY, &capacity)) {
        return fail(w);
    }
    if (capacity < need) {
        capacity = need;
    }
    uint8_t *data = w->data == NULL ? plat_block_take(capacity, &capacity) : plat_realloc(w->data, capacity);
    if (!data) {
        return fail(w);
    }
    w->data = data;
    w->capacity = capacity;
    return data + w->len;
}

static inline void put16(uint8_t *at, uint64_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint64_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static inline void put64(uint8_t *at, uint64_t value)
{
    put32(at, value >> 32);
    put32(at + 4, value);
}

/* Writes the shortest head and returns its length. */
static inline size_t put_head(uint8_t *at, unsigned major, uint64_t value)
{
    uint8_t initial = (uint8_t)(major << 5);
    if (value < 24) {
        at[0] = (uint8_t)(initial | value);
        return 1;
    }
    if (value <= UINT8_MAX) {
        at[0] = initial | 24;
        at[1] = (uint8_t)value;
        return 2;
    }
    if (value <= UINT16_MAX) {
        at[0] = initial | 25;
        put16(at + 1, value);
        return 3;
    }
    if (value <= UINT32_MAX) {
        at[0] = initial | 26;
        put32(at + 1, value);
        return 5;
    }
    at[0] = initial | 27;
    put64(at + 1, value);
    return 9;
}

static inline void write_head(cbor_writer *w, unsigned major, uint64_t value)
{
    uint8_t *at = cbor_writer_room(w, HEAD_MAX);
    if (at) {
        w->len += put_head(at, major, value);
    }
}

static inline void write_byte(cbor_writer *w, uint8_t byte)
{
    uint8_t *at = cbor_writer_room(w, 1);
    if (at) {
        *at = byte;
        w->len++;
    }
}

/* A string's head, and room for its content. */
static inline uint8_t *write_blank(cbor_writer *w, unsigned major, size_t len)
{
    if (len > SIZE_MAX - HEAD_MAX) {
        return fail(w);
    }
    uint8_t *at = cbor_writer_room(w, HEAD_MAX + len);
    if (!at) {
        return NULL;
    }
    size_t head = put_head(at, major, len);
    w->len += head + len;
    return at + head;
}

static inline void write_string(cbor_writer *w, unsigned major, const void *data, size_t len)
{
    uint8_t *at = write_blank(w, major, len);
    if (at && len) {
        memcpy(at, data, len);
    }
}

void cbor_write_null(cbor_writer *w)
{
    write_byte(w, MAJOR_SIMPLE << 5 | 22);
}

void cbor_write_bool(cbor_writer *w, bool b)
{
    write_byte(w, (uint8_t)(MAJOR_SIMPLE << 5 | (b ? 21 : 20)));
}

void cbor_write_int(cbor_writer *w, int64_t i)
{
    if (i < 0) {
        write_head(w, MAJOR_NEGATIVE, ~(uint64_t)i); /* -1 - i */
    } else {
        write_head(w, MAJOR_UINT, (uint64_t)i);
    }
}

void cbor_write_uint(cbor_writer *w, uint64_t i)
{
    write_head(w, MAJOR_UINT, i);
}

/* The magnitude less one, which is what CBOR stores of a negative number. It is not zero and has no leading zeros. */
static void write_less_one(cbor_writer *w, const uint8_t *magnitude, size_t len)
{
    size_t zeros = 0; /* at the end: the borrow turns them into 0xff */
    while (magnitude[len - 1 - zeros] == 0) {
        zeros++;
    }
    size_t drop = magnitude[0] == 1 && zeros == len - 1; /* 0x0100… loses its first byte */
    cbor_write_tag(w, CBOR_TAG_NEGATIVE_BIGNUM);
    write_string(w, MAJOR_BYTES, magnitude + drop, len - drop);
    if (w->failed) {
        return;
    }
    uint8_t *end = w->data + w->len;
    memset(end - zeros, 0xff, zeros);
    if (!drop) {
        end[-1 - (ptrdiff_t)zeros]--;
    }
}

void cbor_write_bigint(cbor_writer *w, bool negative, const uint8_t *magnitude, size_t len)
{
    while (len && *magnitude == 0) {
        magnitude++;
        len--;
    }
    uint64_t low = 0; /* of the last eight bytes */
    for (size_t i = len > 8 ? len - 8 : 0; i < len; i++) {
        low = low << 8 | magnitude[i];
    }
    bool one_and_zeros = len == 9 && magnitude[0] == 1 && low == 0; /* 2**64: its negative fits a head */
    if (len == 0) {
        write_head(w, MAJOR_UINT, 0);
    } else if (negative && (len <= 8 || one_and_zeros)) {
        write_head(w, MAJOR_NEGATIVE, low - 1);
    } else if (negative) {
        write_less_one(w, magnitude, len);
    } else if (len <= 8) {
        write_head(w, MAJOR_UINT, low);
    } else {
        cbor_write_tag(w, CBOR_TAG_BIGNUM);
        write_string(w, MAJOR_BYTES, magnitude, len);
    }
}

void cbor_write_text(cbor_writer *w, const char *utf8, size_t len)
{
    write_string(w, MAJOR_TEXT, utf8, len);
}

void cbor_write_bytes(cbor_writer *w, const void *data, size_t len)
{
    write_string(w, MAJOR_BYTES, data, len);
}

uint8_t *cbor_write_blank(cbor_writer *w, size_t len)
{
    return write_blank(w, MAJOR_BYTES, len);
}

void cbor_write_wtf8(cbor_writer *w, const char *wtf8, size_t len)
{
    cbor_write_tag(w, CBOR_TAG_WTF8);
    write_string(w, MAJOR_BYTES, wtf8, len);
}

void cbor_write_array(cbor_writer *w, size_t count)
{
    write_head(w, MAJOR_ARRAY, count);
}

void cbor_write_map(cbor_writer *w, size_t count)
{
    write_head(w, MAJOR_MAP, count);
}

void cbor_write_tag(cbor_writer *w, uint64_t tag)
{
    write_head(w, MAJOR_TAG, tag);
}

void cbor_write_tuple(cbor_writer *w, size_t count)
{
    static const uint8_t head[] = {
        MAJOR_TAG << 5 | 24, CBOR_TAG_OBJECT, MAJOR_ARRAY << 5, MAJOR_TEXT << 5 | 5, 't', 'u', 'p', 'l', 'e'};
    uint8_t *at = count < 23 ? cbor_writer_room(w, sizeof head) : NULL;
    if (at) {
        memcpy(at, head, sizeof head);
        at[2] |= (uint8_t)(count + 1);
        w->len += sizeof head;
        return;
    }
    cbor_write_tag(w, CBOR_TAG_OBJECT);
    write_head(w, MAJOR_ARRAY, (uint64_t)count + 1);
    write_string(w, MAJOR_TEXT, "tuple", 5);
}

void cbor_writer_skip(cbor_writer *w, size_t size, size_t expected)
{
    if (cbor_writer_room(w, size + (expected != 0 ? expected : FIRST_CAPACITY))) {
        w->len += size;
    }
}

void cbor_write_attachment(cbor_writer *w, attachment *a)
{
    if (!w->beside && a->kind == ATTACHMENT_QUEUE) {
        w->unshareable = w->unshareable || !w->failed;
        fail(w);
        return;
    }
    if (!w->beside) {
        cbor_write_bytes(w, attachment_data(a), a->len);
        return;
    }
    size_t index = attachments_add(w->beside, a);
    if (index == SIZE_MAX) {
        fail(w);
        return;
    }
    static const char *const names[] = {"buffer", "bytes", "queue"}; /* by kind */
    cbor_write_tag(w, CBOR_TAG_OBJECT);
    write_head(w, MAJOR_ARRAY, 2);
    write_string(w, MAJOR_TEXT, names[a->kind], strlen(names[a->kind]));
    cbor_write_uint(w, index);
}
