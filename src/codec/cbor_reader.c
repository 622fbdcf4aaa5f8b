/* The CBOR reader: one well-formed item at a time from bytes that nobody vouches for. Every length is compared
 * with the bytes that are left before it is used; memory is taken only for joined chunks and for negative numbers
 * beyond int64, never more than the input is long (and nine bytes). It keeps no stack: nesting, and where a break
 * may stand, is for the caller, who knows what is open. Belongs to one thread.
 *
 * After a failure `at` stands where the bad bytes begin: at the item's head, or at the first byte that is no
 * UTF-8. */
#include "cbor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <platform.h>

#include "utf8.h"

#define TAG_SELF_DESCRIBED 55799

enum { MAJOR_UINT, MAJOR_NEGATIVE, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG, MAJOR_SIMPLE };
enum { INFO_1_BYTE = 24, INFO_2_BYTES, INFO_4_BYTES, INFO_8_BYTES, INFO_INDEFINITE = 31 };

typedef struct head {
    const uint8_t *start;
    const uint8_t *argument; /* its bytes after the initial one; none when it is below 24 */
    unsigned major, info;
    uint64_t value; /* of the argument; 0 when indefinite */
} head;

void cbor_reader_init(cbor_reader *r, const uint8_t *data, size_t len)
{
    *r = (cbor_reader){.start = data, .at = data, .end = len ? data + len : data};
}

void cbor_reader_done(cbor_reader *r)
{
    plat_free(r->scratch);
    r->scratch = NULL;
    r->scratch_size = 0;
}

size_t cbor_reader_offset(const cbor_reader *r)
{
    return r->at == r->start ? 0 : (size_t)(r->at - r->start);
}

static size_t left(const cbor_reader *r)
{
    return r->at == r->end ? 0 : (size_t)(r->end - r->at);
}

static bool fail(cbor_reader *r, const char *reason, const uint8_t *where)
{
    r->error = ISLE_ERR_DECODE;
    r->reason = reason;
    r->at = where;
    return false;
}

bool cbor_refuse(cbor_reader *r, isle_status error, const char *reason)
{
    r->error = error;
    r->reason = reason;
    r->at = r->item;
    return false;
}

bool cbor_refuse_tag(cbor_reader *r, uint64_t tag)
{
    snprintf(r->text, sizeof(r->text), "tag %" PRIu64 " has no meaning here", tag);
    return cbor_refuse(r, ISLE_ERR_DECODE, r->text);
}

/* Makes scratch at least `size` long; what it held is lost unless it was long enough. */
static bool reserve_scratch(cbor_reader *r, size_t size)
{
    if (size <= r->scratch_size) {
        return true;
    }
    uint8_t *scratch = plat_malloc(size);
    if (!scratch) {
        r->error = ISLE_ERR_NOMEM;
        r->reason = "out of memory";
        return false;
    }
    plat_free(r->scratch);
    r->scratch = scratch;
    r->scratch_size = size;
    return true;
}

static uint64_t big_endian(const uint8_t *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static inline bool read_head(cbor_reader *r, head *h)
{
    h->start = r->at;
    if (r->at == r->end) {
        return fail(r, "the bytes end before the value does", r->at);
    }
    uint8_t initial = *r->at++;
    h->argument = r->at;
    h->major = initial >> 5;
    h->info = initial & 0x1f;
    h->value = h->info;
    if (h->info < INFO_1_BYTE) {
        return true;
    }
    if (h->info <= INFO_8_BYTES) {
        size_t size = (size_t)1 << (h->info - INFO_1_BYTE);
        if (left(r) < size) {
            return fail(r, "the bytes end before the value does", h->start);
        }
        h->value = big_endian(r->at, size);
        r->at += size;
        return true;
    }
    h->value = 0;
    if (h->info != INFO_INDEFINITE) {
        return fail(r, "reserved additional information", h->start);
    }
    if (h->major == MAJOR_UINT || h->major == MAJOR_NEGATIVE || h->major == MAJOR_TAG) {
        return fail(r, "an item of this kind cannot be indefinite", h->start);
    }
    return true;
}

/* --- strings ----------------------------------------------------------------------------------------------- */

/* One definite string (or chunk) whose head was read: its content is checked and passed over. */
static bool read_chunk(cbor_reader *r, const head *h, const uint8_t **out_data, size_t *out_len)
{
    if (h->value > left(r)) {
        return fail(r, "a string is longer than the bytes that are left", h->start);
    }
    const uint8_t *data = r->at;
    size_t len = (size_t)h->value;
    if (h->major == MAJOR_TEXT) {
        size_t valid = utf8_scan(data, len, NULL);
        if (valid < len) {
            return fail(r, "a text is not valid UTF-8", data + valid);
        }
    }
    r->at += len;
    *out_data = data;
    *out_len = len;
    return true;
}

/* Reads chunks up to the break. With `into` they are copied there, too. */
static bool read_chunks(cbor_reader *r, unsigned major, uint8_t *into, size_t *out_len)
{
    size_t total = 0;
    for (;;) {
        head h;
        if (!read_head(r, &h)) {
            return false;
        }
        if (h.major == MAJOR_SIMPLE && h.info == INFO_INDEFINITE) {
            *out_len = total;
            return true;
        }
        if (h.major != major || h.info == INFO_INDEFINITE) {
            return fail(r, "a chunk of an indefinite string is not a definite string of its kind", h.start);
        }
        const uint8_t *data;
        size_t len;
        if (!read_chunk(r, &h, &data, &len)) {
            return false;
        }
        if (into && len) {
            memcpy(into + total, data, len);
        }
        total += len;
    }
}

/* Chunks are read twice, so that the memory is taken once and to the byte. They begin at scratch + 1: a negative bignum
 * may carry into the byte before. */
static bool join_chunks(cbor_reader *r, const head *h, const uint8_t **out_data, size_t *out_len)
{
    const uint8_t *first = r->at;
    if (!read_chunks(r, h->major, NULL, out_len)) {
        return false;
    }
    if (!reserve_scratch(r, *out_len + 1)) {
        r->at = h->start;
        return false;
    }
    r->at = first;
    *out_data = r->scratch + 1;
    return read_chunks(r, h->major, r->scratch + 1, out_len);
}

static inline bool read_string(cbor_reader *r, const head *h, const uint8_t **out_data, size_t *out_len)
{
    if (h->info == INFO_INDEFINITE) {
        return join_chunks(r, h, out_data, out_len);
    }
    return read_chunk(r, h, out_data, out_len);
}

/* Reads a byte string that must follow a tag. */
static bool read_tagged_bytes(cbor_reader *r, const head *tag, const char *reason, cbor_item *out)
{
    head h;
    if (!read_head(r, &h)) {
        return false;
    }
    if (h.major != MAJOR_BYTES) {
        return fail(r, reason, tag->start);
    }
    return read_string(r, &h, &out->data, &out->len);
}

/* --- integers ---------------------------------------------------------------------------------------------- */

/* Magnitude + 1, in scratch. It may lie in scratch already, and then begins at scratch + 1 or later. */
static bool add_one(cbor_reader *r, cbor_item *out)
{
    uintptr_t at = (uintptr_t)out->data, scratch = (uintptr_t)r->scratch;
    if (at < scratch || at >= scratch + r->scratch_size) {
        if (!reserve_scratch(r, out->len + 1)) {
            return false;
        }
        memcpy(r->scratch + 1, out->data, out->len);
        out->data = r->scratch + 1;
    }
    uint8_t *magnitude = r->scratch + (out->data - r->scratch);
    size_t i = out->len;
    while (i > 0 && ++magnitude[i - 1] == 0) {
        i--;
    }
    if (i == 0) {
        *--magnitude = 1;
        out->data = magnitude;
        out->len++;
    }
    return true;
}

/* Makes out->data, the magnitude of n or of -1 - n, an INT or a BIGINT. */
static bool big_integer(cbor_reader *r, const head *h, bool negative, cbor_item *out)
{
    while (out->len && *out->data == 0) {
        out->data++;
        out->len--;
    }
    if (out->len <= 8) {
        uint64_t n = big_endian(out->data, out->len);
        if (n <= INT64_MAX) {
            out->kind = CBOR_INT;
            out->integer = negative ? -1 - (int64_t)n : (int64_t)n;
            return true;
        }
    }
    out->kind = CBOR_BIGINT;
    out->boolean = negative;
    if (negative && !add_one(r, out)) {
        r->at = h->start;
        return false;
    }
    return true;
}

static inline bool read_integer(cbor_reader *r, const head *h, cbor_item *out)
{
    bool negative = h->major == MAJOR_NEGATIVE;
    if (__builtin_expect(h->value <= INT64_MAX, 1)) {
        out->kind = CBOR_INT;
        out->integer = negative ? -1 - (int64_t)h->value : (int64_t)h->value;
        return true;
    }
    out->data = h->argument; /* eight bytes, most significant first: a magnitude as it stands */
    out->len = 8;
    return big_integer(r, h, negative, out);
}

/* --- floats and simple values ------------------------------------------------------------------------------ */

static double from_bits(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static double from_half(uint64_t half)
{
    uint64_t sign = (half >> 15) << 63;
    uint64_t exponent = half >> 10 & 0x1f;
    uint64_t fraction = half & 0x3ff;
    if (exponent == 0) { /* zero or subnormal: fraction * 2**-24, exactly */
        double d = (double)fraction * 0x1p-24;
        return sign ? -d : d;
    }
    uint64_t wide = exponent == 0x1f ? 0x7ff : exponent - 15 + 1023;
    return from_bits(sign | wide << 52 | fraction << 42);
}

static double from_single(uint64_t single)
{
    uint64_t sign = (single >> 31) << 63;
    uint64_t exponent = single >> 23 & 0xff;
    uint64_t fraction = single & 0x7fffff;
    if (exponent == 0) {
        double d = (double)fraction * 0x1p-149;
        return sign ? -d : d;
    }
    uint64_t wide = exponent == 0xff ? 0x7ff : exponent - 127 + 1023;
    return from_bits(sign | wide << 52 | fraction << 29);
}

static bool read_simple(cbor_reader *r, const head *h, cbor_item *out)
{
    switch (h->info) {
    case 20:
    case 21:
        out->kind = CBOR_BOOL;
        out->boolean = h->info == 21;
        return true;
    case 22:
    case 23: /* undefined */
        out->kind = CBOR_NULL;
        return true;
    case INFO_1_BYTE:
        return fail(r, h->value < 32 ? "a simple value below 32 in two bytes" : "a simple value has no meaning here",
                    h->start);
    case INFO_2_BYTES:
        out->number = from_half(h->value);
        break;
    case INFO_4_BYTES:
        out->number = from_single(h->value);
        break;
    case INFO_8_BYTES:
        out->number = from_bits(h->value);
        break;
    case INFO_INDEFINITE:
        out->kind = CBOR_BREAK;
        return true;
    default:
        return fail(r, "a simple value has no meaning here", h->start);
    }
    out->kind = CBOR_FLOAT;
    return true;
}

/* --- containers and tags ----------------------------------------------------------------------------------- */

static inline bool read_container(cbor_reader *r, const head *h, cbor_item *out)
{
    bool map = h->major == MAJOR_MAP;
    out->kind = map ? CBOR_MAP : CBOR_ARRAY;
    if (h->info == INFO_INDEFINITE) {
        out->count = UINT64_MAX;
        return true;
    }
    if (h->value > left(r) / (map ? 2 : 1)) {
        return fail(r, "an array or map has more items than bytes are left", h->start);
    }
    out->count = h->value;
    return true;
}

/* The names of objects that the reader knows itself. */
enum { NAME_OTHER, NAME_TUPLE, NAME_BUFFER, NAME_BYTES, NAME_QUEUE };

static int name_of(const uint8_t *name, size_t len)
{
    if (len == 5) {
        return memcmp(name, "tuple", 5) == 0   ? NAME_TUPLE
               : memcmp(name, "bytes", 5) == 0 ? NAME_BYTES
               : memcmp(name, "queue", 5) == 0 ? NAME_QUEUE
                                               : NAME_OTHER;
    }
    return len == 6 && memcmp(name, "buffer", 6) == 0 ? NAME_BUFFER : NAME_OTHER;
}

/* Does one of these names come next? If so it is passed over; if not, *out_name is NAME_OTHER and nothing is. */
static bool read_name(cbor_reader *r, int *out_name)
{
    const uint8_t *before = r->at;
    const uint8_t *name;
    size_t len;
    head h;
    if (!read_head(r, &h)) {
        return false;
    }
    *out_name = NAME_OTHER;
    if (h.major == MAJOR_TEXT) {
        if (!read_string(r, &h, &name, &len)) {
            return false;
        }
        *out_name = name_of(name, len);
    }
    if (*out_name == NAME_OTHER) {
        r->at = before;
    }
    return true;
}

/* The rest of ["buffer", index] and its like; `list` is the array's head. */
static bool read_attachment(cbor_reader *r, const head *list, int name, cbor_item *out)
{
    static const attachment_kind kinds[] = {
        [NAME_BUFFER] = ATTACHMENT_BUFFER, [NAME_BYTES] = ATTACHMENT_BYTES, [NAME_QUEUE] = ATTACHMENT_QUEUE};
    attachment_kind kind = kinds[name];
    head h;
    if (list->info == INFO_INDEFINITE || list->value != 2) {
        return fail(r, "an attachment is not [name, index]", list->start);
    }
    if (!read_head(r, &h)) {
        return false;
    }
    if (h.major != MAJOR_UINT || !r->beside || h.value >= r->beside->count || r->beside->items[h.value]->kind != kind) {
        return fail(r, "an attachment that did not come with these bytes", h.start);
    }
    out->kind = CBOR_ATTACHMENT;
    out->attachment = r->beside->items[h.value];
    if (kind == ATTACHMENT_BYTES) {
        out->kind = CBOR_BYTES;
        out->data = attachment_data(out->attachment);
        out->len = out->attachment->len;
    }
    return true;
}

/* Tag 27 over an array that begins with a name of ours. Any other object is left for the caller, as CBOR_TAG. */
static bool read_object(cbor_reader *r, cbor_item *out)
{
    const uint8_t *after_tag = r->at;
    int name = NAME_OTHER;
    head h;
    if (!read_head(r, &h)) {
        return false;
    }
    if (h.major == MAJOR_ARRAY && (h.info == INFO_INDEFINITE || h.value > 0)) {
        if (!read_container(r, &h, out) || !read_name(r, &name)) {
            return false;
        }
    }
    if (name == NAME_OTHER) {
        r->at = after_tag;
        out->kind = CBOR_TAG;
        out->count = CBOR_TAG_OBJECT;
        return true;
    }
    if (name != NAME_TUPLE) {
        return read_attachment(r, &h, name, out);
    }
    if (out->count != UINT64_MAX && --out->count > left(r)) {
        return fail(r, "an array or map has more items than bytes are left", h.start);
    }
    out->kind = CBOR_TUPLE;
    return true;
}

static bool read_wtf8(cbor_reader *r, const head *tag, cbor_item *out)
{
    if (!read_tagged_bytes(r, tag, "tag 273 (WTF-8) is not over a byte string", out)) {
        return false;
    }
    bool surrogates;
    if (utf8_scan(out->data, out->len, &surrogates) < out->len) {
        return fail(r, "a byte string of tag 273 is not WTF-8", tag->start);
    }
    out->kind = CBOR_WTF8;
    return true;
}

static bool read_tagged(cbor_reader *r, const head *tag, cbor_item *out)
{
    switch (tag->value) {
    case CBOR_TAG_BIGNUM:
    case CBOR_TAG_NEGATIVE_BIGNUM:
        return read_tagged_bytes(r, tag, "a bignum is not over a byte string", out) &&
               big_integer(r, tag, tag->value == CBOR_TAG_NEGATIVE_BIGNUM, out);
    case CBOR_TAG_OBJECT:
        return read_object(r, out);
    case CBOR_TAG_WTF8:
        return read_wtf8(r, tag, out);
    default:
        out->kind = CBOR_TAG;
        out->count = tag->value;
        return true;
    }
}

bool cbor_read(cbor_reader *r, cbor_item *out_item)
{
    head h;
    if (r->error) {
        return false;
    }
    r->item = r->at;
    if (!read_head(r, &h)) {
        return false;
    }
    while (h.major == MAJOR_TAG && h.value == TAG_SELF_DESCRIBED) {
        if (!read_head(r, &h)) {
            return false;
        }
        if (h.major == MAJOR_SIMPLE && h.info == INFO_INDEFINITE) {
            return fail(r, "a break where a value should be", h.start);
        }
    }
    switch (h.major) {
    case MAJOR_UINT:
    case MAJOR_NEGATIVE:
        return read_integer(r, &h, out_item);
    case MAJOR_BYTES:
    case MAJOR_TEXT:
        out_item->kind = h.major == MAJOR_TEXT ? CBOR_TEXT : CBOR_BYTES;
        out_item->attachment = NULL;
        return read_string(r, &h, &out_item->data, &out_item->len);
    case MAJOR_ARRAY:
    case MAJOR_MAP:
        return read_container(r, &h, out_item);
    case MAJOR_TAG:
        return read_tagged(r, &h, out_item);
    default:
        return read_simple(r, &h, out_item);
    }
}
