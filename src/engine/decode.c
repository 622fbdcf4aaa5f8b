/* CBOR to objects, attached. Lengths and nesting are checked before memory is taken (cbor.h). The commonest items are
 * read here at once, the rest by the reader. */
#include <string.h>

#include "shape.h"
#include "text.h"
#include "values.h"

/* Declared by CPython in an internal header; exported in 3.13 to 3.15. */
extern PyObject *_PyDict_NewPresized(Py_ssize_t count);

typedef struct decoder {
    cbor_reader reader;
    engine_interp *interp;
    bool plain; /* what needs code is refused */
    bool takes; /* nobody reads it again */
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

/* An unsigned integer of 1 to 8 bytes behind its initial byte, all of which are there. */
static inline PyObject *make_wide_int(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 1; i <= size; i++) {
        value = value << 8 | at[i];
    }
    return PyLong_FromUnsignedLongLong(value);
}

/* A double behind its initial byte, all of which is there. */
static inline PyObject *make_double(const uint8_t *at)
{
    uint64_t bits;
    double number;
    memcpy(&bits, at + 1, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    memcpy(&number, &bits, sizeof number);
    return PyFloat_FromDouble(number);
}

/* The commonest items without others in them. Returns how long the item is, 0 where it is for someone else; `left`: not
 * 0. */
static inline __attribute__((always_inline)) size_t decode_scalar(const uint8_t *at, size_t left, PyObject **out)
{
    size_t len = *at & 0x1f;
    switch (*at) {
    case 0x00 ... 0x17: /* these ranges: GCC's and Clang's */
        *out = PyLong_FromLong(*at);
        return 1;
    case 0x18 ... 0x1b:
        len = (size_t)1 << (*at & 3);
        if (len >= left) {
            return 0;
        }
        *out = make_wide_int(at, len);
        return 1 + len;
    case 0x40 ... 0x57:
        if (len >= left) {
            return 0;
        }
        *out = PyBytes_FromStringAndSize((const char *)at + 1, (Py_ssize_t)len);
        return 1 + len;
    case 0x60 ... 0x77:
        if (len >= left || !text_is_ascii(at + 1, len)) {
            return 0;
        }
        *out = text_make_ascii(at + 1, len);
        return 1 + len;
    case 0xf4:
        *out = Py_NewRef(Py_False);
        return 1;
    case 0xf5:
        *out = Py_NewRef(Py_True);
        return 1;
    case 0xf6:
        *out = Py_NewRef(Py_None);
        return 1;
    case 0xfb:
        if (left <= 8) {
            return 0;
        }
        *out = make_double(at);
        return 9;
    default:
        return 0;
    }
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

static __attribute__((noinline)) PyObject *decode_list(decoder *d, uint64_t count)
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

static __attribute__((noinline)) PyObject *decode_tuple(decoder *d, uint64_t count)
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
        if (len < left && text_is_ascii(at + 1, len)) {
            d->reader.at += 1 + len;
            return text_make_key(d->interp, &d->reader, at + 1, len);
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

static PyObject *decode_endless_dict(decoder *d, Py_ssize_t slot)
{
    PyObject *dict = PyDict_New();
    bool fine = dict != NULL && fill_slot(d, slot, dict);
    while (fine && !at_break(d)) {
        fine = decode_pair(d, dict, 0);
    }
    if (!fine) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* Those pairs of `count` that follow the first `i`, into the dict of these, which is taken over. */
static PyObject *decode_pairs(decoder *d, PyObject *dict, uint64_t i, uint64_t count)
{
    for (; dict != NULL && i < count; i++) {
        if (!decode_pair(d, dict, 2)) {
            Py_CLEAR(dict);
        }
    }
    if (dict != NULL) {
        shape_learn(d->interp, dict, count);
    }
    return dict;
}

/* It began like a shape that is known, but another key than the i-th came. */
static PyObject *decode_other_shape(decoder *d, shape *s, PyObject *shaped, uint64_t i, uint64_t count)
{
    PyObject *dict = _PyDict_NewPresized((Py_ssize_t)count);
    if (dict == NULL) {
        shape_abandon(s, shaped);
    } else if (!shape_leave(s, shaped, i, dict)) {
        Py_CLEAR(dict);
    }
    return decode_pairs(d, dict, i, count);
}

/* What most records are made of is decoded here, and whatever else comes by `decode`; only for that is the decoder kept
 * up to date. */
static PyObject *decode_shaped(decoder *d, shape *s, uint64_t count)
{
    const uint8_t *at = d->reader.at, *const end = d->reader.end;
    const size_t owed = d->owed;
    PyObject **value, *dict = shape_open(s, &value);
    if (dict == NULL) {
        return NULL;
    }
    for (const shape_key *k = s->keys, *const stop = k + count; k != stop; k++, value += 2) {
        size_t key = shape_match(k, at, (size_t)(end - at));
        at += key;
        size_t len = key != 0 && at != end ? decode_scalar(at, (size_t)(end - at), value) : 0;
        at += len;
        if (len == 0) {
            size_t i = (size_t)(k - s->keys);
            d->reader.at = at;
            d->owed = owed - 2 * i;
            if (key == 0) {
                return decode_other_shape(d, s, dict, i, count);
            }
            d->owed -= 2;
            *value = decode(d);
            at = d->reader.at;
        }
        if (*value == NULL) {
            *value = Py_None;
            shape_abandon(s, dict);
            return NULL;
        }
    }
    d->reader.at = at;
    d->owed = owed - 2 * count;
    return shape_close(s, dict);
}

static __attribute__((noinline)) PyObject *decode_dict(decoder *d, uint64_t count)
{
    Py_ssize_t slot = take_slot(d);
    if (count == UINT64_MAX) {
        return decode_endless_dict(d, slot);
    }
    shape *s = slot < 0 ? shape_find(d->interp, &d->reader, count)
                        : NULL; /* a shaped one is known when it is complete */
    if (s != NULL) {
        return decode_shaped(d, s, count);
    }
    PyObject *dict = _PyDict_NewPresized((Py_ssize_t)count);
    if (dict != NULL && !fill_slot(d, slot, dict)) {
        Py_CLEAR(dict);
    }
    return decode_pairs(d, dict, 0, count);
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
static inline bool owe(decoder *d, cbor_kind kind, uint64_t count)
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

static inline bool enter(decoder *d, cbor_kind kind, uint64_t count)
{
    if (d->depth == CBOR_MAX_DEPTH) {
        refuse(d, "nested too deeply");
        return false;
    }
    if (!owe(d, kind, count)) {
        refuse(d, "an array or map has more items than bytes are left");
        return false;
    }
    d->depth++;
    return true;
}

static inline PyObject *decode_container(decoder *d, cbor_kind kind, uint64_t count)
{
    if (!enter(d, kind, count)) {
        return NULL;
    }
    PyObject *result = kind == CBOR_MAP     ? decode_dict(d, count)
                       : kind == CBOR_TUPLE ? decode_tuple(d, count)
                                            : decode_list(d, count);
    d->depth--;
    return result;
}

static PyObject *decode_bytes(const decoder *d, const cbor_item *item)
{
    PyObject *moved = d->takes && item->attachment != NULL ? take_lent_bytes(item->attachment) : NULL;
    return moved != NULL ? moved : PyBytes_FromStringAndSize((const char *)item->data, (Py_ssize_t)item->len);
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
        object = buffer_make_view(d->interp, args);
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
        return text_make(item->data, item->len);
    case CBOR_WTF8:
        return PyUnicode_DecodeUTF8((const char *)item->data, (Py_ssize_t)item->len, "surrogatepass");
    case CBOR_BYTES:
        return decode_bytes(d, item);
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

static __attribute__((noinline)) PyObject *decode_slowly(decoder *d)
{
    cbor_item item;
    return cbor_read(&d->reader, &item) ? decode_item(d, &item) : refuse(d, d->reader.reason);
}

/* Tag 27 over an array of up to 22 items behind "tuple"; false: it is something else. */
static bool decode_short_tuple(decoder *d, const uint8_t *at, size_t left, PyObject **out)
{
    enum { NAME_AT = 3, ITEMS_AT = 9 };
    if (left < ITEMS_AT || at[0] != 0xd8 || at[1] != CBOR_TAG_OBJECT || at[2] <= 0x80 || at[2] > 0x97 ||
        memcmp(at + NAME_AT, "\x65tuple", ITEMS_AT - NAME_AT) != 0) {
        return false;
    }
    d->reader.item = at;
    d->reader.at += ITEMS_AT;
    *out = decode_container(d, CBOR_TUPLE, at[2] - 0x81u);
    return true;
}

/* The commonest containers; false: it is for the reader. */
static inline bool decode_short_container(decoder *d, const uint8_t *at, size_t left, PyObject **out)
{
    size_t count = *at & 0x1f;
    unsigned major = *at >> 5;
    if (major == 6) {
        return decode_short_tuple(d, at, left, out);
    }
    if ((major != 4 && major != 5) || count >= 24 ||
        count >= left / 2) { /* an item takes a byte at least, a pair two */
        return false;
    }
    d->reader.at++;
    *out = decode_container(d, major == 4 ? CBOR_ARRAY : CBOR_MAP, count);
    return true;
}

static PyObject *decode(decoder *d)
{
    const uint8_t *at = d->reader.at;
    size_t left = (size_t)(d->reader.end - at);
    PyObject *object;
    if (left == 0) {
        return decode_slowly(d);
    }
    size_t len = decode_scalar(at, left, &object);
    if (len != 0) {
        d->reader.at += len;
        return object;
    }
    return decode_short_container(d, at, left, &object) ? object : decode_slowly(d);
}

/* --- whole values ------------------------------------------------------------------------------------------------- */

static void begin(decoder *d, engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside)
{
    cbor_reader_init(&d->reader, data, len);
    d->reader.beside = beside;
    d->interp = interp;
    d->plain = false;
    d->takes = false;
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

PyObject *convert_take(engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside)
{
    decoder d;
    begin(&d, interp, data, len, beside);
    d.takes = !beside->repeats; /* the second time its data would be gone */
    return read_all(&d);
}

PyObject *convert_read_foreign(engine_interp *interp, const uint8_t *data, size_t len, bool objects)
{
    decoder d;
    begin(&d, interp, data, len, NULL);
    d.plain = !objects;
    return read_all(&d);
}

PyObject *convert_to_object(engine_interp *interp, const parcel *p)
{
    return convert_read(interp, p->data, p->len, &p->beside);
}

/* The head of an array or map; it has no more items than bytes are left. */
static bool read_head(decoder *d, cbor_kind kind, uint64_t *out_count)
{
    cbor_item head;
    const uint8_t *at = d->reader.at, initial = kind == CBOR_ARRAY ? 0x80 : 0xa0;
    if (at != d->reader.end && *at >= initial && *at - initial < 24) {
        d->reader.item = at;
        d->reader.at++;
        *out_count = *at - initial;
        return *out_count * (kind == CBOR_MAP ? 2 : 1) <= (size_t)(d->reader.end - d->reader.at);
    }
    bool fine = cbor_read(&d->reader, &head) && head.kind == kind;
    *out_count = fine ? head.count : 0;
    return fine;
}

/* The args as a tuple at once: a list in between would be the larger part of a short call's decoding. */
static bool decode_call(decoder *d, PyObject **out_args, PyObject **out_kwargs)
{
    uint64_t count;
    if (!read_head(d, CBOR_ARRAY, &count) || count != 2 || !read_head(d, CBOR_ARRAY, &count)) {
        return false;
    }
    d->depth = 1;
    d->owed = (size_t)count; /* no more than the bytes that are left */
    *out_args = decode_tuple(d, count);
    if (*out_args == NULL || !read_head(d, CBOR_MAP, &count)) {
        return false;
    }
    if (count != 0 && owe(d, CBOR_MAP, count)) {
        *out_kwargs = decode_dict(d, count);
    }
    return (count == 0 || *out_kwargs != NULL) && d->reader.at == d->reader.end;
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
