/* CBOR (RFC 8949) at the level of items: a writer that appends to a growing buffer, and a reader that checks every
 * length before anything is taken. Both serve the C values (value.c) and the objects of src/engine/, so that there
 * is one encoding. No Python here; a writer or reader belongs to one thread.
 *
 * Encodings of this codec beyond plain CBOR: tuple is tag 27 ["tuple", item…] (generic object), big integers are
 * tags 2 and 3, a str with lone surrogates is tag 273 (WTF-8) over a byte string. Everything is written
 * definite-length, shortest heads, floats always as binary64; the reader takes every well-formed item, indefinite
 * lengths included. */
#ifndef ISLES_CBOR_H
#define ISLES_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <isles/status.h>

#include "parcel.h"

#define CBOR_MAX_DEPTH 500
#define CBOR_TAG_BIGNUM 2
#define CBOR_TAG_NEGATIVE_BIGNUM 3
#define CBOR_TAG_OBJECT 27
#define CBOR_TAG_WTF8 273

/* --- writer ------------------------------------------------------------------------------------------------ */
typedef struct cbor_writer {
    uint8_t *data;
    size_t len, capacity;
    bool failed; /* out of memory, or unshareable: later writes do nothing; checked once at the end */
    bool unshareable; /* it failed because a queue was to be written into bytes that must stand alone */
    attachments *beside; /* where attachments go; borrowed. NULL: the bytes must stand alone */
} cbor_writer;

void cbor_writer_init(cbor_writer *w);
/* Before the first write: leaves so many bytes free in front, which count as written. As many as `expected` can be
 * written without another allocation. */
void cbor_writer_skip(cbor_writer *w, size_t size, size_t expected);
void cbor_writer_free(cbor_writer *w);
/* Hands the buffer over (free with plat_free). ISLE_ERR_NOMEM or ISLE_ERR_NOT_SHAREABLE when a write failed; the
 * writer is then freed. */
isle_status cbor_writer_take(cbor_writer *w, uint8_t **out_data, size_t *out_len);
/* The same with what travels beside, which lies in `out` already; that is empty when it fails. */
isle_status cbor_writer_take_parcel(cbor_writer *w, parcel *out);

/* For who writes bytes that are CBOR already: room for `size` bytes at the end, of which `len` may then be raised by up
 * to as many. NULL: the writer has failed. */
uint8_t *cbor_writer_grow(cbor_writer *w, size_t size); /* what _room calls when there is not enough */
static inline uint8_t *cbor_writer_room(cbor_writer *w, size_t size)
{
    if (__builtin_expect(w->capacity - w->len < size, 0)) {
        return cbor_writer_grow(w, size);
    }
    return w->data + w->len;
}

void cbor_write_null(cbor_writer *w);
void cbor_write_bool(cbor_writer *w, bool b);
void cbor_write_int(cbor_writer *w, int64_t i);
void cbor_write_uint(cbor_writer *w, uint64_t i);
/* Magnitude most significant first, leading zeros allowed; small ones become plain ints. */
void cbor_write_bigint(cbor_writer *w, bool negative, const uint8_t *magnitude, size_t len);
static inline void cbor_write_float(cbor_writer *w, double d)
{
    uint8_t *at = cbor_writer_room(w, 9);
    if (at != NULL) {
        uint64_t bits;
        memcpy(&bits, &d, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        bits = __builtin_bswap64(bits);
#endif
        at[0] = 0xfb;
        memcpy(at + 1, &bits, sizeof bits);
        w->len += 9;
    }
}
void cbor_write_text(cbor_writer *w, const char *utf8, size_t len);
void cbor_write_bytes(cbor_writer *w, const void *data, size_t len);
/* The same without the content: where the caller has to put it before the next write. NULL: the writer has failed. */
uint8_t *cbor_write_blank(cbor_writer *w, size_t len);
void cbor_write_wtf8(cbor_writer *w, const char *wtf8, size_t len);
void cbor_write_array(cbor_writer *w, size_t count);
void cbor_write_map(cbor_writer *w, size_t count);
void cbor_write_tag(cbor_writer *w, uint64_t tag);
/* The same for what is short, at the place itself. */
static inline void cbor_write_short_text(cbor_writer *w, const void *ascii, size_t len)
{
    uint8_t *at = len < 24 ? cbor_writer_room(w, 1 + len) : NULL;
    if (at == NULL) {
        cbor_write_text(w, ascii, len); /* does nothing where the writer has failed */
        return;
    }
    at[0] = (uint8_t)(0x60 | len);
    memcpy(at + 1, ascii, len);
    w->len += 1 + len;
}

static inline void cbor_write_short_int(cbor_writer *w, int64_t i)
{
    uint8_t *at = (uint64_t)i <= UINT16_MAX ? cbor_writer_room(w, 3) : NULL;
    if (at == NULL) {
        cbor_write_int(w, i);
    } else if (i < 24) {
        at[0] = (uint8_t)i;
        w->len++;
    } else if (i <= UINT8_MAX) {
        at[0] = 0x18;
        at[1] = (uint8_t)i;
        w->len += 2;
    } else {
        at[0] = 0x19;
        at[1] = (uint8_t)(i >> 8);
        at[2] = (uint8_t)i;
        w->len += 3;
    }
}

/* Tag 27, the array's head and "tuple"; then write `count` items. */
void cbor_write_tuple(cbor_writer *w, size_t count);

/* Tag 27 ["buffer", index] (or "queue"), and the attachment goes into w->beside. Where that is NULL the memory
 * itself is written, as a byte string; a queue then can't be, and the writer fails. */
void cbor_write_attachment(cbor_writer *w, attachment *a);

/* --- reader ------------------------------------------------------------------------------------------------ */
typedef enum cbor_kind {
    CBOR_NULL, CBOR_BOOL, CBOR_INT, CBOR_BIGINT, CBOR_FLOAT, CBOR_TEXT, CBOR_WTF8, CBOR_BYTES,
    CBOR_ARRAY, CBOR_TUPLE, CBOR_MAP, CBOR_BREAK, CBOR_TAG, CBOR_ATTACHMENT
} cbor_kind;

typedef struct cbor_item {
    cbor_kind kind;
    bool boolean;      /* BOOL; for BIGINT: negative */
    int64_t integer;   /* INT */
    double number;     /* FLOAT */
    const uint8_t *data; /* TEXT, WTF8, BYTES; BIGINT: magnitude, most significant first, no leading zeros. Of a
                            negative one it is the number's own (RFC 8949's n + 1 is added) */
    size_t len;          /* of data */
    uint64_t count;      /* ARRAY, TUPLE, MAP: items (pairs) that follow; UINT64_MAX: until CBOR_BREAK.
                            TAG: its number */
    attachment *attachment; /* ATTACHMENT: borrowed from the parcel; BYTES: whose the data is, or NULL */
} cbor_item;

typedef struct cbor_reader {
    const uint8_t *start, *at, *end;
    const attachments *beside; /* what indexes mean; borrowed. NULL: an index is refused */
    const uint8_t *item;     /* where the item that was read last begins */
    isle_status error;       /* sticky: ISLE_ERR_DECODE or ISLE_ERR_NOMEM, or what the caller refused it with */
    const char *reason;      /* static, or in text: valid as long as the reader */
    char text[48];
    uint8_t *scratch;        /* joined chunks, or a negative bignum; freed by cbor_reader_done */
    size_t scratch_size;
} cbor_reader;

void cbor_reader_init(cbor_reader *r, const uint8_t *data, size_t len);
void cbor_reader_done(cbor_reader *r);
/* Reads one item's head (and a string's content, borrowed from the input or from scratch until the next read). The
 * reader guarantees that a definite count does not exceed the bytes that are left (each item takes one at least),
 * and that TEXT is valid UTF-8. false: r->error, r->reason and cbor_reader_offset say why and where. */
bool cbor_read(cbor_reader *r, cbor_item *out_item);
/* For the caller who finds that the item that was read last must not stand there (a CBOR_BREAK, a tag, too deep):
 * fails the reader at that item. Both return false. */
bool cbor_refuse(cbor_reader *r, isle_status error, const char *reason);
bool cbor_refuse_tag(cbor_reader *r, uint64_t tag); /* "tag 5 has no meaning here" */
size_t cbor_reader_offset(const cbor_reader *r);

#endif
