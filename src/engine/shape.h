/* Shapes of dicts: the keys, in their order, of dicts that came or went lately. A stream of records has one or a few. A
 * dict of a known shape is decoded as a copy of an empty form whose values are put in, and its keys need only be
 * compared; when it is encoded, the bytes of its keys are there. Attached, and never Python code. */
#ifndef ISLES_ENGINE_SHAPE_H
#define ISLES_ENGINE_SHAPE_H

#include <string.h>

#include "cbor.h"
#include "python.h"

enum { SHAPE_TEXT_MAX = 23 };

typedef struct shape_key { /* as CBOR: a head of one byte and the text */
    uint64_t first, mask;  /* up to eight bytes of it, and which of a word they are */
    uint8_t bytes[1 + SHAPE_TEXT_MAX];
    uint8_t len;
    PyObject *object; /* borrowed of the form */
} shape_key;

typedef struct shape {
    PyObject *form; /* a dict of the keys, each value None; the collector doesn't know it. NULL: nothing is here */
    shape_key *keys;
    size_t count;
    unsigned users;    /* decoders and encoders that are at it: it stays as it is meanwhile */
    unsigned patience; /* of other shapes that want its place */
} shape;

/* --- decoding ---------------------------------------------------------------------------------------------------- */

/* The shape that a map of `count` pairs may have, by its first key, which is where the reader is. NULL: none. */
shape *shape_find(engine_interp *interp, const cbor_reader *r, uint64_t count);
/* A new dict of that shape, each value None, or NULL with an exception set. Nobody can come across it, not even by the
 * garbage collector, until _close. The value of key i is at out_values[2 * i]: a reference may be put there. */
PyObject *shape_open(shape *s, PyObject ***out_values);

/* How long the key is where it lies at the beginning of the bytes; 0: it does not. */
static inline size_t shape_match(const shape_key *k, const uint8_t *at, size_t left)
{
    uint64_t first;
    if (left < 8) {
        return left >= k->len && memcmp(at, k->bytes, k->len) == 0 ? k->len : 0;
    }
    memcpy(&first, at, 8);
    if ((first & k->mask) != k->first || left < k->len) {
        return 0;
    }
    return k->len <= 8 || memcmp(at + 8, k->bytes + 8, k->len - 8u) == 0 ? k->len : 0;
}

/* Each _open ends with one of these. */
PyObject *shape_close(shape *s, PyObject *dict);                     /* all values are there: the dict */
void shape_abandon(shape *s, PyObject *dict);                        /* decoding has failed */
/* Another key came than the i-th: `into` gets what was before. false with an exception set. */
bool shape_leave(shape *s, PyObject *dict, size_t i, PyObject *into);
/* A dict that was decoded of a map of `count` pairs without a shape. */
void shape_learn(engine_interp *interp, PyObject *dict, uint64_t count);

/* --- encoding ---------------------------------------------------------------------------------------------------- */

/* The shape that a dict may have, by its first key. NULL: none. Ends with shape_release. */
shape *shape_of_dict(engine_interp *interp, PyObject *dict);
/* As PyDict_Next. */
bool shape_next(PyObject *dict, Py_ssize_t *position, PyObject **key, PyObject **value);

/* Writes the i-th key, where it is this object. */
static inline bool shape_write_key(const shape *s, size_t i, const PyObject *key, cbor_writer *w)
{
    const shape_key *k = &s->keys[i];
    uint8_t *at = i < s->count && k->object == key ? cbor_writer_room(w, sizeof k->bytes) : NULL;
    if (at == NULL) {
        return false;
    }
    memcpy(at, k->bytes, sizeof k->bytes); /* of one length: what is too much will be written over */
    w->len += k->len;
    return true;
}

void shape_release(shape *s); /* NULL is fine */

void shape_drop_all(engine_interp *interp);

#endif
