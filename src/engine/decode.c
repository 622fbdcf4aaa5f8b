/* CBOR to objects, attached. Lengths and nesting are checked before memory is taken (cbor.h). The commonest items are
 * read here at once, the rest by the reader.
 *
 * Keys of dicts come again and again: an interpreter keeps the strings that were keys lately, so that most need neither
 * be made nor hashed. */
#include <string.h>

#include "values.h"

enum { KEYS = 512 };

/* Declared by CPython in an internal header; exported in 3.13 to 3.15. */
extern PyObject *_PyDict_NewPresized(Py_ssize_t count);

typedef struct known_key {
    uint64_t first, last; /* of its text: its ends */
    uint32_t len;
    PyObject *string; /* ASCII; NULL: none */
} known_key;

struct key_cache {
    known_key known[KEYS];
};

typedef struct decoder {
    cbor_reader reader;
    engine_interp *interp;
    bool plain; /* what needs code is refused */
    int depth;
    size_t owed;      /* items that open containers still wait for: each takes a byte at least */
    PyObject *shared; /* list: what tag 28 was before; None for what is not made yet. NULL: there is none */
    Py_ssize_t slot;  /* of the object that is read next: its index in `shared`; -1: it has none */
} decoder;

static PyObject *decode(decoder *d);
static PyObject *decode_item(decoder *d, const cbor_item *item);

static PyObject *refuse(decoder *d, const char *reason)
{
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "not a valid value at byte %zu: %s", cbor_reader_offset(&d->reader), reason);
    }
    return NULL;
}

/* --- shared references -------------------------------------------------------------------------------------------- */

static Py_ssize_t take_slot(decoder *d)
{
    Py_ssize_t slot = d->slot;
    d->slot = -1;
    return slot;
}

/* The object is made, perhaps not filled yet. */
static bool fill_slot(decoder *d, Py_ssize_t slot, PyObject *object)
{
    return slot < 0 || object == NULL || PyList_SetItem(d->shared, slot, Py_NewRef(object)) == 0;
}

static PyObject *decode_shareable(decoder *d)
{
    if (d->shared == NULL) {
        d->shared = PyList_New(0);
    }
    if (d->shared == NULL || PyList_Append(d->shared, Py_None) < 0) {
        return NULL;
    }
    Py_ssize_t slot = PyList_GET_SIZE(d->shared) - 1;
    if (d->depth == CBOR_MAX_DEPTH) {
        return refuse(d, "nested too deeply");
    }
    d->depth++;
    d->slot = slot;
    PyObject *object = decode(d);
    d->depth--;
    d->slot = -1;
    if (object != NULL && !fill_slot(d, slot, object)) {
        Py_CLEAR(object);
    }
    return object;
}

static PyObject *decode_shared(decoder *d)
{
    cbor_item item;
    if (!cbor_read(&d->reader, &item)) {
        return refuse(d, d->reader.reason);
    }
    Py_ssize_t count = d->shared != NULL ? PyList_GET_SIZE(d->shared) : 0;
    if (item.kind != CBOR_INT || item.integer < 0 || item.integer >= count) {
        return refuse(d, "tag 29 is not over the index of something that came before");
    }
    PyObject *object = PyList_GET_ITEM(d->shared, (Py_ssize_t)item.integer);
    return object != Py_None ? Py_NewRef(object) : refuse(d, "it is part of something that can't contain itself");
}

/* --- strings and numbers ------------------------------------------------------------------------------------------ */

static PyObject *decode_bigint(const cbor_item *item)
{
    PyObject *magnitude = PyLong_FromUnsignedNativeBytes(item->data, item->len, Py_ASNATIVEBYTES_BIG_ENDIAN);
    if (magnitude == NULL || !item->boolean) {
        return magnitude;
    }
    PyObject *negative = PyNumber_Negative(magnitude);
    Py_DECREF(magnitude);
    return negative;
}

static bool is_ascii(const uint8_t *text, size_t len)
{
    uint64_t all = 0, eight;
    for (; len >= 8; len -= 8, text += 8) {
        memcpy(&eight, text, 8);
        all |= eight;
    }
    for (; len > 0; len--, text++) {
        all |= *text;
    }
    return (all & 0x8080808080808080) == 0;
}

static PyObject *make_text(const uint8_t *text, size_t len)
{
    if (!is_ascii(text, len)) {
        return PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)len, "strict");
    }
    if (len == 1) {
        return PyUnicode_FromOrdinal(*text); /* there is one of each */
    }
    PyObject *string = PyUnicode_New((Py_ssize_t)len, 127);
    if (string != NULL && len != 0) {
        memcpy(PyUnicode_1BYTE_DATA(string), text, len);
    }
    return string;
}

#ifdef Py_GIL_DISABLED
/* The cache has no lock. */
static PyObject *make_key(decoder *d, const uint8_t *text, size_t len)
{
    (void)d;
    return make_text(text, len);
}
#else
/* The first and the last eight bytes of a text of at least one: of one of up to 16 that is all there is. Reads no
 * further than the input reaches. */
static void ends_of(const decoder *d, const uint8_t *text, size_t len, uint64_t *first, uint64_t *last)
{
    if (len >= 8) {
        memcpy(first, text, 8);
        memcpy(last, text + len - 8, 8);
        return;
    }
    *first = 0;
    if ((size_t)(d->reader.end - text) >= 8) {
        memcpy(first, text, 8);
        *first &= ~UINT64_C(0) >> (64 - 8 * len); /* little-endian; elsewhere other bytes, but always the same */
    } else {
        memcpy(first, text, len);
    }
    *last = *first;
}

static bool is_key(const known_key *k, uint64_t first, uint64_t last, const uint8_t *text, size_t len)
{
    return k->string != NULL && k->first == first && k->last == last && k->len == len &&
           (len <= 16 || memcmp(PyUnicode_1BYTE_DATA(k->string), text, len) == 0);
}

/* An ASCII text of at most KEY_MAX that is a key. */
static PyObject *make_key(decoder *d, const uint8_t *text, size_t len)
{
    engine_interp *interp = d->interp;
    if (len == 0 || interp == NULL) {
        return make_text(text, len);
    }
    if (interp->keys == NULL) {
        interp->keys = plat_calloc(1, sizeof *interp->keys);
    }
    if (interp->keys == NULL) {
        return make_text(text, len);
    }
    uint64_t first, last;
    ends_of(d, text, len, &first, &last);
    size_t place = (((first ^ last << 1) + len) * 0x9E3779B97F4A7C15u) >> 55;
    known_key *k = &interp->keys->known[place % KEYS];
    if (is_key(k, first, last, text, len)) {
        return Py_NewRef(k->string);
    }
    PyObject *key = make_text(text, len);
    if (key != NULL) {
        Py_XSETREF(k->string, Py_NewRef(key));
        k->first = first;
        k->last = last;
        k->len = (uint32_t)len;
    }
    return key;
}
#endif

void decode_drop_keys(engine_interp *interp)
{
    for (size_t i = 0; interp->keys != NULL && i < KEYS; i++) {
        Py_CLEAR(interp->keys->known[i].string);
    }
    plat_free(interp->keys);
    interp->keys = NULL;
}

/* --- containers --------------------------------------------------------------------------------------------------- */

static bool at_break(decoder *d)
{
    if (d->reader.at == d->reader.end || *d->reader.at != 0xff) {
        return false;
    }
    d->reader.at++;
    return true;
}

static PyObject *decode_endless_list(decoder *d, Py_ssize_t slot)
{
    PyObject *list = PyList_New(0);
    if (list == NULL || !fill_slot(d, slot, list)) {
        Py_XDECREF(list);
        return NULL;
    }
    while (!at_break(d)) {
        PyObject *item = decode(d);
        int failed = item == NULL || PyList_Append(list, item) < 0;
        Py_XDECREF(item);
        if (failed) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

static PyObject *decode_list(decoder *d, uint64_t count)
{
    Py_ssize_t slot = take_slot(d);
    if (count == UINT64_MAX) {
        return decode_endless_list(d, slot);
    }
    PyObject *list = PyList_New((Py_ssize_t)count);
    if (list == NULL || !fill_slot(d, slot, list)) {
        Py_XDECREF(list);
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++) {
        d->owed--;
        PyObject *item = decode(d);
        if (item == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

/* One that refers to itself is known before it is filled: until then it holds None, so that whoever comes across it (a
 * hash, a finalizer) finds a tuple. */
static PyObject *new_tuple(decoder *d, Py_ssize_t count)
{
    Py_ssize_t slot = take_slot(d);
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL || slot < 0) {
        return tuple;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(Py_None));
    }
    if (!fill_slot(d, slot, tuple)) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *decode_tuple(decoder *d, uint64_t count)
{
    if (count == UINT64_MAX) {
        take_slot(d);
        PyObject *list = decode_endless_list(d, -1);
        PyObject *from_list = list != NULL ? PyList_AsTuple(list) : NULL;
        Py_XDECREF(list);
        return from_list;
    }
    PyObject *tuple = new_tuple(d, (Py_ssize_t)count);
    for (uint64_t i = 0; tuple != NULL && i < count; i++) {
        d->owed--;
        PyObject *item = decode(d);
        if (item != NULL) {
            Py_XDECREF(PyTuple_GET_ITEM(tuple, (Py_ssize_t)i)); /* the None of new_tuple, which is immortal */
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
        } else {
            Py_CLEAR(tuple);
        }
    }
    return tuple;
}

/* Short ASCII text is the rule. */
static PyObject *decode_key(decoder *d)
{
    const uint8_t *at = d->reader.at;
    size_t left = (size_t)(d->reader.end - at);
    if (left != 0 && (*at & 0xe0) == 0x60 && (*at & 0x1f) < 24) {
        size_t len = *at & 0x1f;
        if (len < left && is_ascii(at + 1, len)) {
            d->reader.at += 1 + len;
            return make_key(d, at + 1, len);
        }
    }
    return decode(d);
}

static bool decode_pair(decoder *d, PyObject *dict, size_t owed)
{
    d->owed -= owed;
    PyObject *key = decode_key(d);
    PyObject *item = key != NULL ? decode(d) : NULL;
    bool fine = item != NULL && PyDict_SetItem(dict, key, item) == 0;
    Py_XDECREF(key);
    Py_XDECREF(item);
    return fine;
}

static PyObject *decode_dict(decoder *d, uint64_t count)
{
    Py_ssize_t slot = take_slot(d);
    bool until_break = count == UINT64_MAX;
    PyObject *dict = until_break ? PyDict_New() : _PyDict_NewPresized((Py_ssize_t)count);
    bool fine = dict != NULL && fill_slot(d, slot, dict);
    for (uint64_t i = 0; fine && (until_break ? !at_break(d) : i < count); i++) {
        fine = decode_pair(d, dict, until_break ? 0 : 2);
    }
    if (!fine) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* The items of an array behind tag 258, or of the one argument of "frozenset". */
static PyObject *decode_set(decoder *d, bool frozen)
{
    Py_ssize_t slot = take_slot(d);
    PyObject *set = frozen ? NULL : PySet_New(NULL);
    if (!frozen && (set == NULL || !fill_slot(d, slot, set))) {
        Py_XDECREF(set);
        return NULL;
    }
    PyObject *items = decode(d);
    if (items != NULL && !PyList_CheckExact(items)) {
        Py_CLEAR(items);
        refuse(d, "a set is no array");
    }
    bool fine = items != NULL;
    for (Py_ssize_t i = 0; fine && !frozen && i < PyList_GET_SIZE(items); i++) {
        fine = PySet_Add(set, PyList_GET_ITEM(items, i)) == 0;
    }
    if (fine && frozen) {
        set = PyFrozenSet_New(items);
    } else if (!fine) {
        Py_CLEAR(set);
    }
    Py_XDECREF(items);
    return set;
}

/* The reader compared the count with the bytes that are left; so many open containers may not each have that many. */
static bool owe(decoder *d, cbor_kind kind, uint64_t count)
{
    if (count == UINT64_MAX) {
        return true;
    }
    size_t items = (size_t)count * (kind == CBOR_MAP ? 2 : 1);
    if (items + d->owed > (size_t)(d->reader.end - d->reader.at)) {
        return false;
    }
    d->owed += items;
    return true;
}

static PyObject *decode_container(decoder *d, cbor_kind kind, uint64_t count)
{
    if (d->depth == CBOR_MAX_DEPTH) {
        return refuse(d, "nested too deeply");
    }
    if (!owe(d, kind, count)) {
        return refuse(d, "an array or map has more items than bytes are left");
    }
    d->depth++;
    PyObject *result = kind == CBOR_MAP     ? decode_dict(d, count)
                       : kind == CBOR_TUPLE ? decode_tuple(d, count)
                                            : decode_list(d, count);
    d->depth--;
    return result;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static bool read_sizes(PyObject *list, Py_ssize_t *out, int *out_count)
{
    Py_ssize_t count = PyList_CheckExact(list) ? PyList_GET_SIZE(list) : PyBUF_MAX_NDIM + 1;
    if (count > PyBUF_MAX_NDIM) {
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        out[i] = PyLong_AsSsize_t(PyList_GET_ITEM(list, i));
        if (out[i] == -1 && PyErr_Occurred()) {
            return false;
        }
    }
    *out_count = (int)count;
    return true;
}

/* Does all that the shape reaches lie inside the memory? */
static bool fits(const memory_shape *s, size_t len)
{
    Py_ssize_t low = s->offset, high, span;
    if (s->itemsize <= 0 || s->offset < 0 || __builtin_add_overflow(s->offset, s->itemsize, &high)) {
        return false;
    }
    for (int i = 0; i < s->ndim; i++) {
        if (s->shape[i] < 0) {
            return false;
        }
        if (s->shape[i] == 0) {
            return true; /* nothing is looked at */
        }
        if (__builtin_mul_overflow(s->strides[i], s->shape[i] - 1, &span) ||
            __builtin_add_overflow(span < 0 ? low : high, span, span < 0 ? &low : &high)) {
            return false;
        }
    }
    return low >= 0 && (size_t)high <= len;
}

static bool read_shape(PyObject *args, memory_shape *s)
{
    int strides;
    const char *format = PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 1));
    if (format == NULL || strlen(format) >= sizeof s->format ||
        !read_sizes(PyTuple_GET_ITEM(args, 2), s->shape, &s->ndim) ||
        !read_sizes(PyTuple_GET_ITEM(args, 3), s->strides, &strides) || strides != s->ndim) {
        return false;
    }
    memcpy(s->format, format, strlen(format) + 1);
    s->itemsize = PyBuffer_SizeFromFormat(format);
    s->offset = PyLong_AsSsize_t(PyTuple_GET_ITEM(args, 4));
    return s->itemsize > 0;
}

/* (buffer or bytes, format, shape, strides, offset) */
static PyObject *make_memoryview(engine_interp *interp, PyObject *args)
{
    memory_shape s;
    bool fine = PyTuple_GET_SIZE(args) == 5 && read_shape(args, &s);
    attachment *a = fine ? buffer_attachment(interp, PyTuple_GET_ITEM(args, 0)) : NULL;
    if (fine && a == NULL) {
        return value_types_rebuild(interp, "memoryview", args);
    }
    if (!fine || !fits(&s, a->len)) {
        return PyErr_Format(PyExc_ValueError, "a memoryview %s", fine ? "reaches beyond its memory" : "is malformed");
    }
    PyObject *buffer = buffer_wrap(interp, a, &s);
    PyObject *view = buffer != NULL ? PyMemoryView_FromObject(buffer) : NULL;
    Py_XDECREF(buffer);
    return view;
}

static PyObject *decode_attachment(decoder *d, attachment *a)
{
    if (d->interp == NULL) {
        return refuse(d, "an attachment has no meaning here");
    }
    return a->kind == ATTACHMENT_QUEUE ? queue_object_new(d->interp, a) : buffer_wrap(d->interp, a, NULL);
}

/* --- other types -------------------------------------------------------------------------------------------------- */

static PyObject *make_complex(decoder *d, PyObject *parts)
{
    if (!PyList_CheckExact(parts) || PyList_GET_SIZE(parts) != 2) {
        return refuse(d, "a complex number is no array of two");
    }
    double real = PyFloat_AsDouble(PyList_GET_ITEM(parts, 0)), imag = PyFloat_AsDouble(PyList_GET_ITEM(parts, 1));
    return PyErr_Occurred() ? NULL : PyComplex_FromDoubles(real, imag);
}

static PyObject *decode_tagged(decoder *d, uint64_t tag)
{
    if (tag == TAG_SET) {
        return decode_set(d, false);
    }
    take_slot(d);
    PyObject *content = decode(d);
    if (content == NULL) {
        return NULL;
    }
    PyObject *number = PyLong_FromUnsignedLongLong(tag);
    PyObject *args = tag != TAG_COMPLEX && number != NULL ? PyTuple_Pack(2, number, content) : NULL;
    PyObject *object = tag == TAG_COMPLEX ? make_complex(d, content)
                       : args != NULL     ? value_types_rebuild_tag(d->interp, args)
                                          : NULL;
    Py_XDECREF(args);
    Py_XDECREF(number);
    Py_DECREF(content);
    return object;
}

/* "name", argument, ... */
static PyObject *decode_plain_object(decoder *d, const char *name, uint64_t count)
{
    if (strcmp(name, "frozenset") == 0 && count == 1) {
        return decode_set(d, true);
    }
    PyObject *args = owe(d, CBOR_ARRAY, count) ? decode_tuple(d, count) : refuse(d, "too many arguments"), *object;
    if (args == NULL) {
        return NULL;
    }
    if (strcmp(name, "memoryview") == 0) {
        object = make_memoryview(d->interp, args);
    } else if (strcmp(name, "bytearray") == 0 && count == 1) {
        object = PyByteArray_FromObject(PyTuple_GET_ITEM(args, 0));
    } else {
        object = value_types_rebuild(d->interp, name, args);
    }
    Py_DECREF(args);
    return object;
}

/* "module:name", [arguments], state: made from the arguments, then known to what refers to it, then given its state. */
static PyObject *decode_instance(decoder *d, const char *name, Py_ssize_t slot)
{
    PyObject *list = decode(d);
    PyObject *args = list != NULL ? PyList_CheckExact(list) ? PyList_AsTuple(list) : refuse(d, "no arguments") : NULL;
    Py_XDECREF(list);
    PyObject *object = args != NULL ? value_types_rebuild(d->interp, name, args) : NULL;
    Py_XDECREF(args);
    if (object == NULL || !fill_slot(d, slot, object)) {
        Py_XDECREF(object);
        return NULL;
    }
    PyObject *state = decode(d);
    PyObject *pair = state != NULL ? PyTuple_Pack(2, object, state) : NULL;
    PyObject *filled = pair != NULL ? value_types_fill(d->interp, pair) : NULL;
    Py_XDECREF(pair);
    Py_XDECREF(state);
    Py_DECREF(object);
    return filled;
}

static PyObject *decode_object(decoder *d)
{
    Py_ssize_t slot = take_slot(d);
    cbor_item head, name;
    char text[256];
    if (!cbor_read(&d->reader, &head) || head.kind != CBOR_ARRAY || head.count == 0 || head.count == UINT64_MAX ||
        !cbor_read(&d->reader, &name) || name.kind != CBOR_TEXT || name.len >= sizeof text) {
        return refuse(d, d->reader.reason != NULL ? d->reader.reason : "tag 27 is not over [name, ...]");
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    bool is_plain = memchr(text, ':', name.len) == NULL;
    if (d->plain && !is_plain) {
        return PyErr_Format(PyExc_ValueError, "%s at byte %zu needs code: decode(..., objects=True)", text,
                            cbor_reader_offset(&d->reader));
    }
    if (is_plain || text[0] == ':') {
        return decode_plain_object(d, text, head.count - 1);
    }
    return head.count == 3 ? decode_instance(d, text, slot) : refuse(d, "an instance is not [name, arguments, state]");
}

static PyObject *decode_tag(decoder *d, uint64_t tag)
{
    if (d->depth == CBOR_MAX_DEPTH) {
        return refuse(d, "nested too deeply");
    }
    if (tag == TAG_SHAREABLE) {
        return decode_shareable(d);
    }
    if (tag == TAG_SHARED) {
        return decode_shared(d);
    }
    if (d->interp == NULL) {
        return refuse(d, "a tag that has no meaning here");
    }
    d->depth++;
    PyObject *object = tag == CBOR_TAG_OBJECT ? decode_object(d) : decode_tagged(d, tag);
    d->depth--;
    return object;
}

static PyObject *decode_item(decoder *d, const cbor_item *item)
{
    switch (item->kind) {
    case CBOR_NULL:
        Py_RETURN_NONE;
    case CBOR_BOOL:
        return PyBool_FromLong(item->boolean);
    case CBOR_INT:
        return PyLong_FromLongLong(item->integer);
    case CBOR_BIGINT:
        return decode_bigint(item);
    case CBOR_FLOAT:
        return PyFloat_FromDouble(item->number);
    case CBOR_TEXT:
        return make_text(item->data, item->len);
    case CBOR_WTF8:
        return PyUnicode_DecodeUTF8((const char *)item->data, (Py_ssize_t)item->len, "surrogatepass");
    case CBOR_BYTES:
        return PyBytes_FromStringAndSize((const char *)item->data, (Py_ssize_t)item->len);
    case CBOR_ARRAY:
    case CBOR_TUPLE:
    case CBOR_MAP:
        return decode_container(d, item->kind, item->count);
    case CBOR_TAG:
        return decode_tag(d, item->count);
    case CBOR_ATTACHMENT:
        return decode_attachment(d, item->attachment);
    case CBOR_BREAK:
        break;
    }
    return refuse(d, "a break where a value should be");
}

/* An unsigned integer of 1 to 8 bytes behind its initial byte; NULL: not wholly there. */
static PyObject *decode_wide_int(decoder *d, const uint8_t *at, size_t left)
{
    size_t size = (size_t)1 << (*at - 24);
    uint64_t value = 0;
    if (left <= size) {
        return refuse(d, "the bytes end before the value does");
    }
    for (size_t i = 1; i <= size; i++) {
        value = value << 8 | at[i];
    }
    d->reader.at += 1 + size;
    return PyLong_FromUnsignedLongLong(value);
}

/* The commonest items; false: it is for the reader. */
static bool decode_quickly(decoder *d, PyObject **out)
{
    const uint8_t *at = d->reader.at;
    size_t left = (size_t)(d->reader.end - at), argument = *at & 0x1f;
    switch (*at >> 5) {
    case 0:
        if (argument < 24) {
            d->reader.at++;
            *out = PyLong_FromLong((long)argument);
            return true;
        }
        if (argument < 28) {
            d->reader.item = at;
            *out = decode_wide_int(d, at, left);
            return true;
        }
        return false;
    case 3:
        if (argument < 24 && argument < left && is_ascii(at + 1, argument)) {
            d->reader.at += 1 + argument;
            *out = make_text(at + 1, argument);
            return true;
        }
        return false;
    case 4:
    case 5:
        if (argument < 24 && argument < left / 2) { /* each item takes one byte at least, a pair two */
            d->reader.at++;
            *out = decode_container(d, *at >> 5 == 4 ? CBOR_ARRAY : CBOR_MAP, argument);
            return true;
        }
        return false;
    case 7:
        if (argument >= 20 && argument <= 22) {
            d->reader.at++;
            *out = Py_NewRef(argument == 20 ? Py_False : argument == 21 ? Py_True : Py_None);
            return true;
        }
        return false;
    default:
        return false;
    }
}

static PyObject *decode(decoder *d)
{
    cbor_item item;
    PyObject *object;
    if (d->reader.at != d->reader.end && decode_quickly(d, &object)) {
        return object;
    }
    return cbor_read(&d->reader, &item) ? decode_item(d, &item) : refuse(d, d->reader.reason);
}

/* --- whole values ------------------------------------------------------------------------------------------------- */

static void begin(decoder *d, engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside)
{
    cbor_reader_init(&d->reader, data, len);
    d->reader.beside = beside;
    d->interp = interp;
    d->plain = false;
    d->depth = 0;
    d->owed = 0;
    d->shared = NULL;
    d->slot = -1;
}

static void done(decoder *d)
{
    Py_CLEAR(d->shared);
    cbor_reader_done(&d->reader);
}

static PyObject *read_all(decoder *d)
{
    PyObject *object = decode(d);
    if (object != NULL && d->reader.at != d->reader.end) {
        Py_CLEAR(object);
        refuse(d, "more bytes than one value");
    }
    done(d);
    return object;
}

PyObject *convert_read(engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside)
{
    decoder d;
    begin(&d, interp, data, len, beside);
    return read_all(&d);
}

PyObject *convert_read_foreign(engine_interp *interp, const uint8_t *data, size_t len, bool objects)
{
    decoder d;
    begin(&d, interp, data, len, NULL);
    d.plain = !objects;
    return read_all(&d);
}

PyObject *decode_make_memoryview(engine_interp *interp, PyObject *args)
{
    return make_memoryview(interp, args);
}

PyObject *convert_to_object(engine_interp *interp, const parcel *p)
{
    return convert_read(interp, p->data, p->len, &p->beside);
}

/* The args as a tuple at once: a list in between would be the larger part of a short call's decoding. */
static bool decode_call(decoder *d, PyObject **out_args, PyObject **out_kwargs)
{
    cbor_item head;
    if (!cbor_read(&d->reader, &head) || head.kind != CBOR_ARRAY || head.count != 2 || !cbor_read(&d->reader, &head) ||
        head.kind != CBOR_ARRAY) {
        return false;
    }
    d->depth = 1;
    d->owed = (size_t)head.count; /* no more than the bytes that are left */
    *out_args = decode_tuple(d, head.count);
    if (*out_args == NULL || !cbor_read(&d->reader, &head) || head.kind != CBOR_MAP) {
        return false;
    }
    if (head.count != 0 && owe(d, CBOR_MAP, head.count)) {
        *out_kwargs = decode_dict(d, head.count);
    }
    return (head.count == 0 || *out_kwargs != NULL) && d->reader.at == d->reader.end;
}

int convert_to_call(engine_interp *interp, const parcel *p, PyObject **out_args, PyObject **out_kwargs)
{
    decoder d;
    *out_args = *out_kwargs = NULL;
    begin(&d, interp, p->data, p->len, &p->beside);
    bool fine = decode_call(&d, out_args, out_kwargs);
    if (!fine) {
        Py_CLEAR(*out_args);
        Py_CLEAR(*out_kwargs);
        refuse(&d, d.reader.reason != NULL ? d.reader.reason : "malformed arguments");
    }
    done(&d);
    return fine ? 0 : -1;
}
