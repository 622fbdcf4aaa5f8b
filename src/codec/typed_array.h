/* Arrays of numbers as other programs read them: RFC 8746. Where a value leaves the process, an ndarray
 *
 *     tag 27 ["ndarray", buffer, "<f8", [shape], [strides in bytes], offset]
 *
 * becomes a typed array (tags 64 to 87 over a byte string) if it has one dimension, and tag 40 (row-major) or 1040
 * (column-major) over [[shape], typed array] if it has more. What is not contiguous is packed on the way. No Python
 * here; nothing is kept. */
#ifndef ISLES_TYPED_ARRAY_H
#define ISLES_TYPED_ARRAY_H

#include <isles/value.h>

#include "cbor.h"

#define TYPED_ARRAY_MAX_DIMENSIONS 64 /* as many as NumPy has */

typedef struct typed_array {
    const uint8_t *data; /* the buffer's, `len` bytes */
    size_t len;
    const char *dtype; /* "<f8": byte order, kind, bytes */
    size_t dtype_len;
    size_t dimensions;
    const int64_t *shape, *strides; /* strides in bytes */
    int64_t offset;                 /* of the first element in the buffer */
} typed_array;

/* Writes it. false: nothing was written, since RFC 8746 has no form for it (other elements than integers and IEEE
 * floats, no dimension, or several of which one is empty), it does not lie in its buffer, or is larger than that. */
bool typed_array_write(cbor_writer *w, const typed_array *array);

/* The same for a value, if it is an ndarray as above over a buffer. */
bool typed_array_write_value(cbor_writer *w, const isle_value *value);

#endif
