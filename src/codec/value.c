/* Values as trees: constructors, containers, getters. Owned by whoever made it; one thread at a time
 * changes a value, any number may read one that nobody changes. How it lies in memory: value_impl.h. */
#include "value_impl.h"

#include <string.h>

#include <platform.h>

#include "utf8.h"

#define FIRST_CELLS 4

/* --- cells -------------------------------------------------------------------------------------------------- */

static inline void put_big_endian(uint8_t at[8], uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8) {
        at[i] = (uint8_t)value;
    }
}

void value_put_int(isle_value *cell, int64_t i)
{
    *cell = (isle_value){.integer = {.value = i}, .type = ISLE_INT};
    put_big_endian(cell->integer.magnitude, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

/* Whoever copies the value, or sends it, then copies a reference. */
static bool put_shared(isle_value *cell, const void *data, size_t len)
{
    attachment *bytes = value_share_bytes(data, len);
    if (!bytes) {
        return false;
    }
    *cell = (isle_value){.attachment = bytes, .type = ISLE_BYTES, .form = FORM_SHARED};
    return true;
}

bool value_put_data(isle_value *cell, isle_type type, const void *data, size_t len)
{
    *cell = (isle_value){.type = ISLE_NONE};
    if (len <= VALUE_SMALL_MAX) {
        if (len) {
            memcpy(cell->small, data, len);
        }
        cell->type = (uint8_t)type;
        cell->form = FORM_SMALL;
        cell->small_len = (uint8_t)len;
        return true;
    }
    if (type == ISLE_BYTES && len >= BYTES_BY_REFERENCE) {
        return put_shared(cell, data, len);
    }
    uint8_t *copy = len < SIZE_MAX ? plat_malloc(len + 1) : NULL;
    if (!copy) {
        return false;
    }
    memcpy(copy, data, len);
    copy[len] = '\0';
    cell->heap.data = copy;
    cell->heap.len = len;
    cell->type = (uint8_t)type;
    cell->form = FORM_HEAP;
    return true;
}

bool value_put_bigint(isle_value *cell, bool negative, const uint8_t *magnitude, size_t len)
{
    uint64_t low = 0;
    for (size_t i = 0; i < len && len <= 8; i++) {
        low = low << 8 | magnitude[i];
    }
    if (len <= 8 && low <= (uint64_t)INT64_MAX + negative) {
        value_put_int(cell, (int64_t)(negative ? 0 - low : low));
        return true;
    }
    bool ok = value_put_data(cell, ISLE_INT, magnitude, len);
    cell->flag = ok && negative;
    return ok;
}

/* Recursion ends at CBOR_MAX_DEPTH, here and below: nothing deeper can be built. */
void value_clear(isle_value *cell)
{
    if (cell->form == FORM_HEAP) {
        plat_free(cell->heap.data);
    } else if (value_holds_attachment(cell)) {
        attachment_unref(cell->attachment);
    } else if (value_is_container(cell) && cell->block) {
        value_block *block = cell->block;
        for (size_t i = 0; i < block->count; i++) {
            value_clear(&block->cells[i]);
        }
        value_index_free(block->index);
        plat_free(block);
    }
    *cell = (isle_value){.type = ISLE_NONE};
}

/* Of the block when it has room for `more` cells; 0: it has, SIZE_MAX: too many. */
static size_t grown_size(const value_block *block, size_t more, size_t *out_capacity)
{
    size_t count = block ? block->count : 0, capacity = block ? block->capacity : 0;
    if (capacity - count >= more) {
        return 0;
    }
    size_t need, size;
    if (__builtin_add_overflow(count, more, &need)) {
        return SIZE_MAX;
    }
    capacity = block ? capacity + capacity / 2 + FIRST_CELLS : 0; /* the first time just what is asked for */
    *out_capacity = capacity < need ? need : capacity;
    if (__builtin_mul_overflow(*out_capacity, sizeof(isle_value), &size) ||
        __builtin_add_overflow(size, sizeof(*block), &size)) {
        return SIZE_MAX;
    }
    return size;
}

size_t value_reserve_cost(const isle_value *container, size_t more)
{
    const value_block *block = container->block;
    size_t capacity, size = grown_size(block, more, &capacity);
    bool added = size != 0 && size != SIZE_MAX && block;
    return added ? size - sizeof(*block) - block->capacity * sizeof(isle_value) : size;
}

bool value_reserve(isle_value *container, size_t more)
{
    size_t capacity = 0, size = grown_size(container->block, more, &capacity);
    if (size == 0) {
        return true;
    }
    value_block *block = size < SIZE_MAX ? plat_realloc(container->block, size) : NULL;
    if (!block) {
        return false;
    }
    if (!container->block) {
        *block = (value_block){.depth = 1};
    }
    block->capacity = capacity;
    container->block = block;
    return true;
}

/* --- constructors ------------------------------------------------------------------------------------------- */

static isle_value *new_cell(isle_type type)
{
    isle_value *value = plat_malloc(sizeof(*value));
    if (value) {
        *value = (isle_value){.type = (uint8_t)type};
    }
    return value;
}

/* For a constructor whose cell was to be filled. */
static isle_value *filled(isle_value *value, bool ok)
{
    if (!ok) {
        plat_free(value);
        return NULL;
    }
    return value;
}

isle_value *isle_value_new_none(void)
{
    return new_cell(ISLE_NONE);
}

isle_value *isle_value_new_bool(bool b)
{
    isle_value *value = new_cell(ISLE_BOOL);
    if (value) {
        value->boolean = b;
    }
    return value;
}

isle_value *isle_value_new_int(int64_t i)
{
    isle_value *value = new_cell(ISLE_INT);
    if (value) {
        value_put_int(value, i);
    }
    return value;
}

isle_value *isle_value_new_bigint(bool negative, const uint8_t *magnitude, size_t len)
{
    while (len && *magnitude == 0) {
        magnitude++;
        len--;
    }
    isle_value *value = new_cell(ISLE_INT);
    return value ? filled(value, value_put_bigint(value, negative, magnitude, len)) : NULL;
}

isle_value *isle_value_new_float(double d)
{
    isle_value *value = new_cell(ISLE_FLOAT);
    if (value) {
        value->number = d;
    }
    return value;
}

isle_value *isle_value_new_str(const char *utf8)
{
    return utf8 ? isle_value_new_str_n(utf8, strlen(utf8)) : NULL;
}

/* Text that is not UTF-8: each bad byte becomes the surrogate U+DC80 to U+DCFF that Python's "surrogateescape" makes
 * of it. One byte becomes three at most. */
static bool put_escaped(isle_value *cell, const uint8_t *text, size_t len)
{
    uint8_t *escaped = len < SIZE_MAX / 3 ? plat_malloc(3 * len) : NULL;
    if (!escaped) {
        return false;
    }
    size_t size = 0;
    while (len) {
        bool surrogates;
        size_t valid = utf8_scan(text, len, &surrogates);
        memcpy(escaped + size, text, valid);
        size += valid;
        text += valid;
        len -= valid;
        if (len) {
            escaped[size++] = 0xed;
            escaped[size++] = (uint8_t)(0xb0 | *text >> 6);
            escaped[size++] = (uint8_t)(0x80 | (*text & 0x3f));
            text++;
            len--;
        }
    }
    bool ok = value_put_data(cell, ISLE_STR, escaped, size);
    cell->flag = ok;
    plat_free(escaped);
    return ok;
}

isle_value *isle_value_new_str_n(const char *utf8, size_t len)
{
    const uint8_t *text = (const uint8_t *)utf8;
    isle_value *value = new_cell(ISLE_STR);
    if (!value) {
        return NULL;
    }
    bool surrogates;
    if (utf8_scan(text, len, &surrogates) < len) {
        return filled(value, put_escaped(value, text, len));
    }
    bool ok = value_put_data(value, ISLE_STR, text, len);
    value->flag = surrogates;
    return filled(value, ok);
}

isle_value *isle_value_new_bytes(const void *data, size_t len)
{
    isle_value *value = new_cell(ISLE_BYTES);
    return value ? filled(value, value_put_data(value, ISLE_BYTES, data, len)) : NULL;
}

isle_value *isle_value_new_list(void)
{
    return new_cell(ISLE_LIST);
}

isle_value *isle_value_new_tuple(void)
{
    return new_cell(ISLE_TUPLE);
}

isle_value *isle_value_new_dict(void)
{
    return new_cell(ISLE_DICT);
}

void isle_value_free(isle_value *value)
{
    if (value) {
        value_clear(value);
        plat_free(value);
    }
}

/* --- building containers ------------------------------------------------------------------------------------ */

static isle_status check_depth(const isle_value *item)
{
    return value_depth(item) < CBOR_MAX_DEPTH ? ISLE_OK : ISLE_ERR_LIMIT;
}

static isle_status append_cell(isle_value *sequence, const isle_value *item)
{
    if (!sequence || !item) {
        return ISLE_ERR_NOMEM;
    }
    if (sequence->type != ISLE_LIST && sequence->type != ISLE_TUPLE) {
        return ISLE_ERR_INVALID;
    }
    isle_status status = check_depth(item);
    if (status != ISLE_OK) {
        return status;
    }
    if (!value_reserve(sequence, 1)) {
        return ISLE_ERR_NOMEM;
    }
    value_deepen(sequence->block, item);
    sequence->block->cells[sequence->block->count++] = *item;
    return ISLE_OK;
}

isle_status isle_value_append(isle_value *sequence, isle_value *item)
{
    if (sequence && sequence == item) {
        return ISLE_ERR_INVALID; /* the one case in which nothing is freed */
    }
    isle_status status = append_cell(sequence, item);
    if (status == ISLE_OK) {
        plat_free(item); /* its content has moved */
    } else {
        isle_value_free(item);
    }
    return status;
}

/* What is left in *key and *item (moved away, or the item that was replaced) is the caller's to free. */
static isle_status set_cells(isle_value *dict, isle_value *key, isle_value *item)
{
    if (!dict || !key || !item) {
        return ISLE_ERR_NOMEM;
    }
    if (dict->type != ISLE_DICT) {
        return ISLE_ERR_INVALID;
    }
    if (check_depth(key) != ISLE_OK || check_depth(item) != ISLE_OK) {
        return ISLE_ERR_LIMIT;
    }
    value_prepare_key(dict, key);
    size_t found = value_find(dict, key);
    if (found != VALUE_NOT_FOUND) {
        value_deepen(dict->block, item);
        isle_value old = dict->block->cells[found + 1];
        dict->block->cells[found + 1] = *item;
        *item = old;
        return ISLE_OK;
    }
    if (!value_reserve(dict, 2)) {
        return ISLE_ERR_NOMEM;
    }
    isle_status status = value_add_pair(dict, key, item);
    if (status == ISLE_OK) {
        value_deepen(dict->block, key);
        value_deepen(dict->block, item);
        *key = *item = (isle_value){.type = ISLE_NONE};
    }
    return status;
}

isle_status isle_value_set(isle_value *dict, isle_value *key, isle_value *item)
{
    if ((key && key == item) || (dict && (dict == key || dict == item))) {
        isle_value_free(key == dict ? NULL : key);
        isle_value_free(item == dict || item == key ? NULL : item);
        return ISLE_ERR_INVALID;
    }
    isle_status status = set_cells(dict, key, item);
    isle_value_free(key);
    isle_value_free(item);
    return status;
}

isle_status isle_value_set_str(isle_value *dict, const char *key, isle_value *item)
{
    return isle_value_set(dict, isle_value_new_str(key), item);
}

/* --- getters ------------------------------------------------------------------------------------------------ */

isle_type isle_value_type(const isle_value *value)
{
    return value ? (isle_type)value->type : ISLE_NONE;
}

const char *isle_type_name(isle_type type)
{
    static const char *const names[] = {
        [ISLE_NONE] = "NoneType", [ISLE_BOOL] = "bool",   [ISLE_INT] = "int",       [ISLE_FLOAT] = "float",
        [ISLE_STR] = "str",       [ISLE_BYTES] = "bytes", [ISLE_LIST] = "list",     [ISLE_TUPLE] = "tuple",
        [ISLE_DICT] = "dict",     [ISLE_TAG] = "tag",     [ISLE_BUFFER] = "buffer", [ISLE_QUEUE] = "queue",
    };
    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}

bool isle_value_as_bool(const isle_value *value, bool *out)
{
    if (isle_value_type(value) != ISLE_BOOL) {
        return false;
    }
    *out = value->boolean;
    return true;
}

bool isle_value_as_int64(const isle_value *value, int64_t *out)
{
    if (isle_value_type(value) != ISLE_INT || value->form != FORM_PLAIN) {
        return false;
    }
    *out = value->integer.value;
    return true;
}

bool isle_value_as_bigint(const isle_value *value, bool *out_negative, const uint8_t **out_magnitude, size_t *out_len)
{
    if (isle_value_type(value) != ISLE_INT) {
        return false;
    }
    if (value->form != FORM_PLAIN) {
        *out_negative = value->flag;
        *out_magnitude = value_data(value, out_len);
        return true;
    }
    size_t zeros = 0;
    while (zeros < sizeof(value->integer.magnitude) && value->integer.magnitude[zeros] == 0) {
        zeros++;
    }
    *out_negative = value->integer.value < 0;
    *out_magnitude = value->integer.magnitude + zeros;
    *out_len = sizeof(value->integer.magnitude) - zeros;
    return true;
}

/* An int that fits a double exactly: 53 bits at most between its first and its last one, and below 2**1024. */
static bool exact_double(const isle_value *value, double *out)
{
    bool negative;
    const uint8_t *magnitude;
    size_t len, shift = 0;
    isle_value_as_bigint(value, &negative, &magnitude, &len);
    if (len > 1024 / 8) {
        return false;
    }
    while (len && magnitude[len - 1] == 0) {
        len--;
        shift += 8;
    }
    if (len > 8) { /* 53 bits touch eight bytes at most */
        return false;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | magnitude[i];
    }
    while (bits && !(bits & 1)) {
        bits >>= 1;
        shift++;
    }
    if (bits >> 53) {
        return false;
    }
    double d = (double)bits;
    for (size_t i = 0; i < shift; i++) {
        d *= 2; /* at most 1024 times, and exact */
    }
    *out = negative ? -d : d;
    return true;
}

bool isle_value_as_double(const isle_value *value, double *out)
{
    switch (isle_value_type(value)) {
    case ISLE_FLOAT:
        *out = value->number;
        return true;
    case ISLE_INT:
        return value && exact_double(value, out);
    default:
        return false;
    }
}

static const void *data_of(const isle_value *value, isle_type type, size_t *out_len)
{
    if (!value || value->type != type) {
        return NULL;
    }
    size_t len;
    const void *data = value_data(value, &len);
    if (out_len) {
        *out_len = len;
    }
    return data;
}

const char *isle_value_as_str(const isle_value *value, size_t *out_len)
{
    return data_of(value, ISLE_STR, out_len);
}

const void *isle_value_as_bytes(const isle_value *value, size_t *out_len)
{
    return data_of(value, ISLE_BYTES, out_len);
}

size_t isle_value_len(const isle_value *value)
{
    size_t len = 0;
    switch (isle_value_type(value)) {
    case ISLE_STR:
    case ISLE_BYTES:
        value_data(value, &len);
        return len;
    case ISLE_LIST:
    case ISLE_TUPLE:
        return value_count(value);
    case ISLE_DICT:
        return value_count(value) / 2;
    case ISLE_BUFFER:
        return value->attachment->len;
    default:
        return 0;
    }
}

const isle_value *isle_value_at(const isle_value *sequence, size_t index)
{
    isle_type type = isle_value_type(sequence);
    if ((type != ISLE_LIST && type != ISLE_TUPLE) || index >= value_count(sequence)) {
        return NULL;
    }
    return &sequence->block->cells[index];
}

bool isle_value_pair(const isle_value *dict, size_t index, const isle_value **out_key, const isle_value **out_item)
{
    if (isle_value_type(dict) != ISLE_DICT || index >= value_count(dict) / 2) {
        return false;
    }
    *out_key = &dict->block->cells[2 * index];
    *out_item = &dict->block->cells[2 * index + 1];
    return true;
}

const isle_value *isle_value_get(const isle_value *dict, const isle_value *key)
{
    size_t found = isle_value_type(dict) == ISLE_DICT && key ? value_find(dict, key) : VALUE_NOT_FOUND;
    return found == VALUE_NOT_FOUND ? NULL : &dict->block->cells[found + 1];
}

const isle_value *isle_value_get_str(const isle_value *dict, const char *key)
{
    if (isle_value_type(dict) != ISLE_DICT || !key) {
        return NULL;
    }
    size_t len = strlen(key);
    isle_value borrowed = {.type = ISLE_STR, .form = FORM_HEAP};
    borrowed.heap.data = (uint8_t *)(uintptr_t)key; /* only read */
    borrowed.heap.len = len;
    isle_value *escaped = NULL;
    bool surrogates;
    if (utf8_scan(borrowed.heap.data, len, &surrogates) < len) {
        escaped = isle_value_new_str_n(key, len); /* as isle_value_set_str wrote it */
        if (!escaped) {
            return NULL;
        }
    }
    const isle_value *item = isle_value_get(dict, escaped ? escaped : &borrowed);
    isle_value_free(escaped);
    return item;
}
