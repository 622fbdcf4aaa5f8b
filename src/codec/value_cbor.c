/* Values to and from CBOR. Writing can only run out of memory. Reading trusts nothing: a container's cells are
 * taken at once, but only after all the items that are still owed to open containers were compared with the bytes
 * that are left (an item takes one byte at least), so that no input makes it take more than a fixed multiple of
 * the input's own length. */
#include "value_codec.h"

#include <string.h>

#include <platform.h>

#include "typed_array.h"
#include "utf8.h"
#include "value_impl.h"

/* --- writing ------------------------------------------------------------------------------------------------ */

static void write_int(cbor_writer *w, const isle_value *value)
{
    if (value->form == FORM_PLAIN) {
        cbor_write_int(w, value->integer.value);
        return;
    }
    size_t len;
    const uint8_t *magnitude = value_data(value, &len);
    cbor_write_bigint(w, value->flag, magnitude, len);
}

static void write_str(cbor_writer *w, const isle_value *value)
{
    size_t len;
    const char *text = (const char *)value_data(value, &len);
    if (value->flag) {
        cbor_write_wtf8(w, text, len);
    } else {
        cbor_write_text(w, text, len);
    }
}

static void write_items(cbor_writer *w, const isle_value *container)
{
    size_t count = value_count(container);
    for (size_t i = 0; i < count; i++) {
        value_write(w, &container->block->cells[i]);
    }
}

static void write_tag(cbor_writer *w, const isle_value *tag)
{
    if (!w->beside && typed_array_write_value(w, tag)) {
        return; /* it leaves the process: in a form that others read */
    }
    cbor_write_tag(w, tag->tag.number);
    write_items(w, tag);
}

void value_write(cbor_writer *w, const isle_value *value)
{
    size_t len;
    const uint8_t *data;
    switch (value->type) {
    case ISLE_NONE:
        cbor_write_null(w);
        break;
    case ISLE_BOOL:
        cbor_write_bool(w, value->boolean);
        break;
    case ISLE_INT:
        write_int(w, value);
        break;
    case ISLE_FLOAT:
        cbor_write_float(w, value->number);
        break;
    case ISLE_STR:
        write_str(w, value);
        break;
    case ISLE_BYTES:
        if (value->form == FORM_SHARED) {
            cbor_write_attachment(w, value->attachment);
        } else {
            data = value_data(value, &len);
            cbor_write_bytes(w, data, len);
        }
        break;
    case ISLE_LIST:
        cbor_write_array(w, value_count(value));
        write_items(w, value);
        break;
    case ISLE_TUPLE:
        cbor_write_tuple(w, value_count(value));
        write_items(w, value);
        break;
    case ISLE_DICT:
        cbor_write_map(w, value_count(value) / 2);
        write_items(w, value);
        break;
    case ISLE_TAG:
        write_tag(w, value);
        break;
    default:
        cbor_write_attachment(w, value->attachment);
    }
}

isle_status isle_value_encode(const isle_value *value, uint8_t **out_bytes, size_t *out_len)
{
    if (!value) {
        return ISLE_ERR_NOMEM; /* as a container refuses a constructor's NULL */
    }
    cbor_writer w;
    cbor_writer_init(&w);
    value_write(&w, value);
    return cbor_writer_take(&w, out_bytes, out_len);
}

isle_status value_to_parcel(const isle_value *value, parcel *out)
{
    *out = (parcel){.data = NULL};
    if (!value) {
        return ISLE_ERR_NOMEM;
    }
    cbor_writer w;
    cbor_writer_init(&w);
    w.beside = &out->beside;
    value_write(&w, value);
    return cbor_writer_take_parcel(&w, out);
}

/* --- reading ------------------------------------------------------------------------------------------------ */

typedef struct decoder {
    cbor_reader *r;
    size_t owed; /* items that open containers still wait for */
    size_t depth, max_depth;
    size_t items_left, bytes_left; /* that the value may have more */
} decoder;

/* Reads one item into *cell. On failure the reader says why and *cell is none. */
static bool decode(decoder *d, isle_value *cell);
static bool decode_item(decoder *d, const cbor_item *item, isle_value *cell);

static bool no_memory(decoder *d)
{
    return cbor_refuse(d->r, ISLE_ERR_NOMEM, "out of memory");
}

/* Before so much memory is taken. */
static bool charge(decoder *d, size_t bytes)
{
    if (bytes > d->bytes_left) {
        return cbor_refuse(d->r, ISLE_ERR_LIMIT, "the value takes more memory than it may");
    }
    d->bytes_left -= bytes;
    return true;
}

static bool charge_data(decoder *d, size_t len)
{
    return len <= VALUE_SMALL_MAX || charge(d, len + 1);
}

static bool reserve(decoder *d, isle_value *container, size_t cells)
{
    return charge(d, value_reserve_cost(container, cells)) && (value_reserve(container, cells) || no_memory(d));
}

static bool decode_bigint(decoder *d, const cbor_item *item, isle_value *cell)
{
    return charge_data(d, item->len) && (value_put_bigint(cell, item->boolean, item->data, item->len) || no_memory(d));
}

static bool decode_data(decoder *d, const cbor_item *item, isle_type type, isle_value *cell)
{
    return charge_data(d, item->len) && (value_put_data(cell, type, item->data, item->len) || no_memory(d));
}

static bool decode_wtf8(decoder *d, const cbor_item *item, isle_value *cell)
{
    bool surrogates;
    utf8_scan(item->data, item->len, &surrogates);
    if (!decode_data(d, item, ISLE_STR, cell)) {
        return false;
    }
    cell->flag = surrogates;
    return true;
}

/* Reads the next item of an open container; at its break *out_end is true. */
static bool decode_next(decoder *d, bool definite, isle_value *cell, bool *out_end)
{
    cbor_item item;
    *cell = (isle_value){.type = ISLE_NONE};
    if (!cbor_read(d->r, &item)) {
        return false;
    }
    *out_end = !definite && item.kind == CBOR_BREAK;
    if (definite) {
        d->owed--;
    }
    return *out_end || decode_item(d, &item, cell);
}

static bool decode_sequence(decoder *d, uint64_t count, isle_value *sequence)
{
    bool definite = count != UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        d->r->item = d->r->at; /* what comes is what there may be no room for */
        if (!definite && !reserve(d, sequence, 1)) {
            return false;
        }
        value_block *block = sequence->block;
        isle_value *cell = &block->cells[block->count];
        bool end;
        if (!decode_next(d, definite, cell, &end)) {
            return false;
        }
        if (end) {
            return true;
        }
        block->count++;
        value_deepen(block, cell);
    }
    return true;
}

/* The pair's key and item were read. They move into the dict, or stay the caller's. */
static bool add_pair(decoder *d, isle_value *dict, isle_value *key, isle_value *item)
{
    if (!reserve(d, dict, 2) || !charge(d, value_index_cost(dict))) {
        return false;
    }
    isle_status status = value_add_pair(dict, key, item);
    if (status != ISLE_OK) {
        return cbor_refuse(d->r, status, status == ISLE_ERR_LIMIT ? "a map has too many pairs" : "out of memory");
    }
    value_deepen(dict->block, key);
    value_deepen(dict->block, item);
    *key = *item = (isle_value){.type = ISLE_NONE};
    return true;
}

static bool decode_pair(decoder *d, bool definite, isle_value *dict, isle_value *key, isle_value *item, bool *out_end)
{
    const uint8_t *start = d->r->at;
    if (!decode_next(d, definite, key, out_end)) {
        return false;
    }
    if (*out_end) {
        return true;
    }
    value_prepare_key(dict, key);
    if (value_find(dict, key) != VALUE_NOT_FOUND) {
        d->r->item = start;
        return cbor_refuse(d->r, ISLE_ERR_DECODE, "a map has the same key twice");
    }
    bool end;
    if (!decode_next(d, definite, item, &end)) {
        return false;
    }
    if (end) {
        return cbor_refuse(d->r, ISLE_ERR_DECODE, "a break between a key and its value");
    }
    return add_pair(d, dict, key, item);
}

static bool decode_map(decoder *d, uint64_t count, isle_value *dict)
{
    isle_value key = {.type = ISLE_NONE}, item = {.type = ISLE_NONE};
    bool ok = true, end = false;
    for (uint64_t i = 0; i < count && ok && !end; i++) {
        ok = decode_pair(d, count != UINT64_MAX, dict, &key, &item, &end);
        if (!ok) {
            value_clear(&key);
            value_clear(&item);
        }
    }
    return ok;
}

static bool decode_container(decoder *d, const cbor_item *item, isle_value *cell)
{
    isle_type type = item->kind == CBOR_MAP ? ISLE_DICT : item->kind == CBOR_TUPLE ? ISLE_TUPLE : ISLE_LIST;
    *cell = (isle_value){.type = (uint8_t)type};
    if (d->depth == d->max_depth) {
        return cbor_refuse(d->r, ISLE_ERR_LIMIT, "nested too deep");
    }
    if (item->count != UINT64_MAX) {
        size_t cells = (size_t)item->count * (type == ISLE_DICT ? 2 : 1); /* at most the bytes left: no overflow */
        if (cells + d->owed > (size_t)(d->r->end - d->r->at)) {
            return cbor_refuse(d->r, ISLE_ERR_DECODE, "an array or map has more items than bytes are left");
        }
        if (cells && !reserve(d, cell, cells)) {
            return false;
        }
        d->owed += cells;
    }
    d->depth++;
    bool ok = type == ISLE_DICT ? decode_map(d, item->count, cell) : decode_sequence(d, item->count, cell);
    d->depth--;
    if (!ok) {
        value_clear(cell);
    }
    return ok;
}

static bool decode_tag(decoder *d, uint64_t number, isle_value *cell)
{
    const uint8_t *start = d->r->item;
    if (d->depth == d->max_depth) {
        return cbor_refuse(d->r, ISLE_ERR_LIMIT, "nested too deep");
    }
    if (!charge(d, value_reserve_cost(cell, 1))) { /* an empty cell has no block either */
        return false;
    }
    if (!value_put_tag(cell, number)) {
        return no_memory(d);
    }
    d->depth++;
    bool ok = decode(d, value_tag_content(cell));
    d->depth--;
    if (ok) {
        value_seal_tag(cell);
        if (value_tag_is_reserved(number,
                                  value_tag_content(cell))) { /* spelled in a way that the reader doesn't know */
            d->r->item = start;
            ok = cbor_refuse_tag(d->r, number);
        }
    }
    if (!ok) {
        value_clear(cell);
    }
    return ok;
}

static bool decode_attachment(const cbor_item *item, isle_value *cell)
{
    cell->type = item->attachment->kind == ATTACHMENT_QUEUE ? ISLE_QUEUE : ISLE_BUFFER;
    cell->attachment = attachment_ref(item->attachment);
    return true;
}

static bool decode_item(decoder *d, const cbor_item *item, isle_value *cell)
{
    *cell = (isle_value){.type = ISLE_NONE};
    if (d->items_left-- == 0) {
        return cbor_refuse(d->r, ISLE_ERR_LIMIT, "the value has more items than it may");
    }
    switch (item->kind) {
    case CBOR_NULL:
        return true;
    case CBOR_BOOL:
        cell->type = ISLE_BOOL;
        cell->boolean = item->boolean;
        return true;
    case CBOR_INT:
        value_put_int(cell, item->integer);
        return true;
    case CBOR_BIGINT:
        return decode_bigint(d, item, cell);
    case CBOR_FLOAT:
        cell->type = ISLE_FLOAT;
        cell->number = item->number;
        return true;
    case CBOR_TEXT:
        return decode_data(d, item, ISLE_STR, cell);
    case CBOR_WTF8:
        return decode_wtf8(d, item, cell);
    case CBOR_BYTES:
        return decode_data(d, item, ISLE_BYTES, cell);
    case CBOR_ARRAY:
    case CBOR_TUPLE:
    case CBOR_MAP:
        return decode_container(d, item, cell);
    case CBOR_TAG:
        return decode_tag(d, item->count, cell);
    case CBOR_ATTACHMENT:
        return decode_attachment(item, cell);
    default:
        return cbor_refuse(d->r, ISLE_ERR_DECODE, "a break where a value should be");
    }
}

static bool decode(decoder *d, isle_value *cell)
{
    cbor_item item;
    return cbor_read(d->r, &item) && decode_item(d, &item, cell);
}

static isle_value *read_limited(cbor_reader *r, const isle_decode_limits *limits)
{
    decoder d = {.r = r,
                 .max_depth = limits->max_depth && limits->max_depth < CBOR_MAX_DEPTH ? limits->max_depth
                                                                                      : CBOR_MAX_DEPTH,
                 .bytes_left = limits->max_bytes ? limits->max_bytes : SIZE_MAX,
                 .items_left = limits->max_items ? limits->max_items : SIZE_MAX};
    r->item = r->at;
    isle_value *value = charge(&d, sizeof(*value)) ? isle_value_new_none() : NULL;
    if (!value && r->error == ISLE_OK) {
        no_memory(&d);
    }
    if (!value || !decode(&d, value)) {
        plat_free(value);
        return NULL;
    }
    return value;
}

static const isle_decode_limits no_limits = ISLE_DECODE_LIMITS_INIT;

isle_value *value_read(cbor_reader *r)
{
    return read_limited(r, &no_limits);
}

static isle_status read_whole(cbor_reader *r, const isle_decode_limits *limits, isle_value **out_value,
                              size_t *out_offset)
{
    isle_value *value = read_limited(r, limits);
    isle_status status = r->error;
    if (value && r->at != r->end) {
        status = ISLE_ERR_DECODE; /* more follows the value */
        isle_value_free(value);
    }
    if (status == ISLE_OK) {
        *out_value = value;
    } else if (out_offset) {
        *out_offset = cbor_reader_offset(r);
    }
    cbor_reader_done(r);
    return status;
}

isle_status value_from_bytes(const uint8_t *bytes, size_t len, const attachments *beside, isle_value **out_value,
                             size_t *out_offset)
{
    cbor_reader r;
    cbor_reader_init(&r, bytes, len);
    r.beside = beside;
    return read_whole(&r, &no_limits, out_value, out_offset);
}

isle_status isle_value_decode(const uint8_t *bytes, size_t len, isle_value **out_value, size_t *out_offset)
{
    return value_from_bytes(bytes, len, NULL, out_value, out_offset);
}

/* The caller's header may be older (fields are missing) or newer (fields that are not known must be 0). */
static isle_status take_limits(const isle_decode_limits *given, isle_decode_limits *own)
{
    *own = no_limits;
    if (!given) {
        return ISLE_OK;
    }
    if (given->size < sizeof(given->size)) {
        return ISLE_ERR_INVALID;
    }
    for (size_t i = sizeof(*own); i < given->size; i++) {
        if (((const char *)given)[i]) {
            return ISLE_ERR_UNSUPPORTED;
        }
    }
    memcpy(own, given, given->size < sizeof(*own) ? given->size : sizeof(*own));
    return ISLE_OK;
}

isle_status isle_value_decode_limited(const uint8_t *bytes, size_t len, const isle_decode_limits *limits,
                                      isle_value **out_value, size_t *out_offset)
{
    isle_decode_limits own;
    isle_status status = take_limits(limits, &own);
    if (status != ISLE_OK) {
        return status;
    }
    cbor_reader r;
    cbor_reader_init(&r, bytes, len);
    return read_whole(&r, &own, out_value, out_offset);
}
