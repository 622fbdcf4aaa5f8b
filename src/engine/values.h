/* Objects <-> values: what encode.c, decode.c, lender.c and buffer_type.c share. Attached threads only, unless a
 * function says otherwise. The public part for the rest of the room is in python.h. */
#ifndef ISLES_ENGINE_VALUES_H
#define ISLES_ENGINE_VALUES_H

#include "cbor.h"
#include "python.h"

/* Registered tags (RFC 8949, IANA) that both sides write in C; value_types.py has the rest. */
enum {
    TAG_SHAREABLE = 28, /* what follows may be referred to */
    TAG_SHARED = 29,    /* index of one of those, in the order in which they begin */
    TAG_SET = 258,
    TAG_COMPLEX = 43000
};

/* --- lender.c: memory of an interpreter's objects, lent to other interpreters and the host ----------------------- */

/* How an object's memory is looked at: what a Py_buffer says beside its pointer. `offset` is the first item's, from
 * the attachment's data, which covers all that the strides reach. */
typedef struct memory_shape {
    char format[32];
    int ndim;
    Py_ssize_t itemsize, offset;
    Py_ssize_t shape[PyBUF_MAX_NDIM], strides[PyBUF_MAX_NDIM];
} memory_shape;

/* A new attachment for the memory of an exporter of buffers; NULL with an exception set. `shape` may be NULL. */
attachment *lend_buffer(engine_interp *interp, PyObject *exporter, bool writable, memory_shape *shape);
attachment *lend_bytes(engine_interp *interp, PyObject *bytes); /* NULL: it can't be; no exception set */
/* Attached to the receiver, the only one who has the attachment and soon lets go of it: the bytes object itself, which
 * is the receiver's now. NULL: others have it, too, or it can't be moved; no exception set. */
PyObject *take_lent_bytes(attachment *a);
bool shape_of(const Py_buffer *view, const char *base, memory_shape *out); /* false with an exception set */

/* --- buffer_type.c: isles.Buffer, an exporter of an attachment's memory ------------------------------------------- */
int buffer_type_make(engine_interp *interp);
/* New reference; the attachment gets a reference of its own. `shape` NULL: bytes. */
PyObject *buffer_wrap(engine_interp *interp, attachment *a, const memory_shape *shape);
/* NULL (no exception) when it is none. */
attachment *buffer_attachment(engine_interp *interp, PyObject *object);
/* A memoryview of (Buffer or bytes, format, [shape], [strides], offset), or NULL with a ValueError set. */
PyObject *buffer_make_view(engine_interp *interp, PyObject *args);

#endif
