/* Writes arrays of numbers as RFC 8746 has it: typed_array.h. What comes here may be anybody's claim, so shape and
 * strides are compared with the buffer before an element is read. Any thread. */
#include "typed_array.h"

#include <string.h>

#include "value_impl.h"

#define TAG_ROW_MAJOR 40
#define TAG_COLUMN_MAJOR 1040
#define TAG_UINT8 64
#define BIT_FLOAT 16
#define BIT_SIGNED 8
#define BIT_LITTLE_ENDIAN 4

typedef struct layout {
    size_t item;  /* bytes of an element */
    size_t total; /* of all */
    uint64_t tag; /* of the typed array */
} layout;

/* --- elements ----------------------------------------------------------------------------------------------- */

/* The tag's last two bits; -1: no such size. Integers of 1 to 8 bytes, floats of 2 to 8: a float of 16 bytes is, on
 * most machines, not IEEE's. */
static int size_code(char kind, char size)
{
    static const char ints[] = "1248", floats[] = "248";
    const char *sizes = kind == 'f' ? floats : ints;
    const char *found = strchr(sizes, size);
    return found && size ? (int)(found - sizes) : -1;
}

static bool read_dtype(const typed_array *a, layout *out)
{
    if (a->dtype_len != 3 || !strchr("<>|", a->dtype[0]) || !strchr("iuf", a->dtype[1])) {
        return false;
    }
    char order = a->dtype[0], kind = a->dtype[1], size = a->dtype[2];
    int code = size_code(kind, size);
    if (order == '\0' || kind == '\0' || code < 0 || (order == '|' && size != '1')) {
        return false;
    }
    out->item = (size_t)(size - '0');
    out->tag = TAG_UINT8 + (uint64_t)code;
    out->tag += kind == 'f' ? BIT_FLOAT : kind == 'i' ? BIT_SIGNED : 0;
    out->tag += order == '<' && size != '1' ? BIT_LITTLE_ENDIAN : 0;
    return true;
}

/* --- where the elements lie ---------------------------------------------------------------------------------- */

/* Does the array lie in its buffer, and is it no larger? (Strides of 0 can make few bytes as large as you like: such an
 * array takes less room as it is.) Finds out->total. */
static bool fits(const typed_array *a, layout *out)
{
    int64_t low = a->offset, high = a->offset, span;
    out->total = out->item;
    for (size_t i = 0; i < a->dimensions; i++) {
        if (a->shape[i] < 0 || __builtin_mul_overflow(out->total, (size_t)a->shape[i], &out->total)) {
            return false;
        }
    }
    if (out->total == 0) {
        return a->dimensions == 1;
    }
    for (size_t i = 0; i < a->dimensions; i++) {
        if (__builtin_mul_overflow(a->shape[i] - 1, a->strides[i], &span) ||
            __builtin_add_overflow(span < 0 ? low : high, span, span < 0 ? &low : &high)) {
            return false;
        }
    }
    return low >= 0 && out->total <= a->len && (uint64_t)high <= a->len && a->len - (size_t)high >= out->item;
}

/* Do the elements follow each other, the last index (or else the first) running fastest? */
static bool is_contiguous(const typed_array *a, size_t item, bool first_runs)
{
    size_t expected = item;
    for (size_t n = 0; n < a->dimensions; n++) {
        size_t i = first_runs ? n : a->dimensions - 1 - n;
        if (a->shape[i] > 1 && (a->strides[i] < 0 || (size_t)a->strides[i] != expected)) {
            return false;
        }
        expected *= (size_t)a->shape[i]; /* at most the total */
    }
    return true;
}

/* Copies the elements one by one, the last index running fastest. */
static void pack(const typed_array *a, const layout *l, uint8_t *to)
{
    int64_t index[TYPED_ARRAY_MAX_DIMENSIONS] = {0};
    int64_t at = a->offset; /* always that of an element */
    for (size_t done = 0; done < l->total; done += l->item) {
        memcpy(to + done, a->data + at, l->item);
        for (size_t i = a->dimensions; i-- > 0;) {
            if (++index[i] < a->shape[i]) {
                at += a->strides[i];
                break;
            }
            at -= (a->shape[i] - 1) * a->strides[i];
            index[i] = 0;
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------------------ */

static void write_elements(cbor_writer *w, const typed_array *a, const layout *l, bool contiguous)
{
    cbor_write_tag(w, l->tag);
    if (contiguous || l->total == 0) {
        cbor_write_bytes(w, l->total ? a->data + a->offset : NULL, l->total);
        return;
    }
    uint8_t *to = cbor_write_blank(w, l->total);
    if (to) {
        pack(a, l, to);
    }
}

bool typed_array_write(cbor_writer *w, const typed_array *array)
{
    layout l;
    if (array->dimensions == 0 || array->dimensions > TYPED_ARRAY_MAX_DIMENSIONS || !read_dtype(array, &l) ||
        !fits(array, &l)) {
        return false;
    }
    bool rows = is_contiguous(array, l.item, false), columns = !rows && is_contiguous(array, l.item, true);
    if (array->dimensions > 1) {
        cbor_write_tag(w, columns ? TAG_COLUMN_MAJOR : TAG_ROW_MAJOR);
        cbor_write_array(w, 2);
        cbor_write_array(w, array->dimensions);
        for (size_t i = 0; i < array->dimensions; i++) {
            cbor_write_int(w, array->shape[i]);
        }
    }
    write_elements(w, array, &l, rows || columns);
    return true;
}

/* --- values ------------------------------------------------------------------------------------------------- */

/* A list of ints; false: something else, or too many. */
static bool read_ints(const isle_value *list, int64_t out[TYPED_ARRAY_MAX_DIMENSIONS], size_t *out_count)
{
    *out_count = isle_value_len(list);
    if (list->type != ISLE_LIST || *out_count > TYPED_ARRAY_MAX_DIMENSIONS) {
        return false;
    }
    for (size_t i = 0; i < *out_count; i++) {
        if (!isle_value_as_int64(isle_value_at(list, i), &out[i])) {
            return false;
        }
    }
    return true;
}

/* Not inlined: its arrays would be on the stack of every level of a nested value. */
static __attribute__((noinline)) bool write_parts(cbor_writer *w, const isle_value *parts)
{
    int64_t shape[TYPED_ARRAY_MAX_DIMENSIONS], strides[TYPED_ARRAY_MAX_DIMENSIONS];
    size_t stride_count;
    typed_array a = {.shape = shape, .strides = strides};
    a.data = isle_value_as_buffer(&parts[0], &a.len);
    a.dtype = isle_value_as_str(&parts[1], &a.dtype_len);
    return a.data && a.dtype && read_ints(&parts[2], shape, &a.dimensions) &&
           read_ints(&parts[3], strides, &stride_count) && stride_count == a.dimensions &&
           isle_value_as_int64(&parts[4], &a.offset) && typed_array_write(w, &a);
}

bool typed_array_write_value(cbor_writer *w, const isle_value *value)
{
    const isle_value *parts = value_object(value, "ndarray", 5);
    return parts && write_parts(w, parts);
}
