/* Objects to CBOR and back. Runs attached; no Python code is called for the exact built-in types that cross here, so
 * containers hold still (on free-threaded builds a list may shrink meanwhile: each index is checked).
 *
 * What cannot cross is named by its path: args[2]['lock']: _thread.lock. */
#include <stdio.h>
#include <string.h>

#include "cbor.h"
#include "python.h"

enum { PATH_SIZE = 400 };

typedef struct encoder {
    cbor_writer *writer;
    int depth;
    char path[PATH_SIZE]; /* built backwards, from its end, while a failure unwinds */
    size_t path_at;
    const char *problem; /* NULL: no failure; "": see type */
    char type[200];
} encoder;

static bool encode(encoder *e, PyObject *object);

static void prepend(encoder *e, const char *text)
{
    size_t len = strlen(text);
    if (len < e->path_at) {
        e->path_at -= len;
        memcpy(e->path + e->path_at, text, len);
    }
}

static bool refuse(encoder *e, PyObject *object, const char *problem)
{
    const char *module = NULL;
    PyObject *name = PyType_GetModuleName(Py_TYPE(object));
    if (name != NULL && PyUnicode_Check(name)) {
        module = PyUnicode_AsUTF8(name);
    }
    PyObject *qualname = PyType_GetQualName(Py_TYPE(object));
    const char *text = qualname != NULL ? PyUnicode_AsUTF8(qualname) : NULL;
    if (module != NULL && strcmp(module, "builtins") != 0) {
        snprintf(e->type, sizeof e->type, "%.90s.%.90s", module, text != NULL ? text : "?");
    } else {
        snprintf(e->type, sizeof e->type, "%.180s", text != NULL ? text : Py_TYPE(object)->tp_name);
    }
    Py_XDECREF(name);
    Py_XDECREF(qualname);
    PyErr_Clear();
    e->problem = problem;
    return false;
}

static bool encode_long(encoder *e, PyObject *object)
{
    int overflow;
    long long small = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) {
        cbor_write_int(e->writer, small);
        return true;
    }
    PyObject *magnitude = PyNumber_Absolute(object);
    if (magnitude == NULL) {
        return refuse(e, object, "out of memory");
    }
    const int flags = Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER;
    Py_ssize_t size = PyLong_AsNativeBytes(magnitude, NULL, 0, flags);
    uint8_t *bytes = size > 0 ? plat_malloc((size_t)size) : NULL;
    if (bytes != NULL) {
        PyLong_AsNativeBytes(magnitude, bytes, size, flags);
        cbor_write_bigint(e->writer, overflow < 0, bytes, (size_t)size);
        plat_free(bytes);
    }
    Py_DECREF(magnitude);
    return bytes != NULL || refuse(e, object, "out of memory");
}

static bool encode_str(encoder *e, PyObject *object)
{
    Py_ssize_t len;
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
        cbor_write_text(e->writer, PyUnicode_DATA(object), (size_t)PyUnicode_GET_LENGTH(object));
        return true;
    }
    const char *utf8 = PyUnicode_AsUTF8AndSize(object, &len);
    if (utf8 != NULL) {
        cbor_write_text(e->writer, utf8, (size_t)len);
        return true;
    }
    PyErr_Clear(); /* lone surrogates */
    PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
    if (bytes == NULL) {
        return refuse(e, object, "out of memory");
    }
    cbor_write_wtf8(e->writer, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return true;
}

static void prepend_index(encoder *e, Py_ssize_t index)
{
    char text[32];
    snprintf(text, sizeof text, "[%zd]", index);
    prepend(e, text);
}

static bool encode_sequence(encoder *e, PyObject *object, bool tuple)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
    if (tuple) {
        cbor_write_tuple(e->writer, (size_t)count);
    } else {
        cbor_write_array(e->writer, (size_t)count);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = tuple ? Py_NewRef(PyTuple_GET_ITEM(object, i)) : PyList_GetItemRef(object, i);
        if (item == NULL) {
            PyErr_Clear();
            return refuse(e, object, "changed while it was read");
        }
        bool fine = encode(e, item);
        Py_DECREF(item);
        if (!fine) {
            prepend_index(e, i);
            return false;
        }
    }
    return true;
}

static void prepend_key(encoder *e, PyObject *key)
{
    PyObject *repr = PyUnicode_CheckExact(key) || PyLong_CheckExact(key) ? PyObject_Repr(key) : NULL;
    const char *text = repr != NULL ? PyUnicode_AsUTF8(repr) : NULL;
    char piece[100];
    snprintf(piece, sizeof piece, "[%.90s]", text != NULL ? text : "...");
    prepend(e, piece);
    Py_XDECREF(repr);
    PyErr_Clear();
}

static bool encode_dict(encoder *e, PyObject *object)
{
    Py_ssize_t position = 0, count = PyDict_GET_SIZE(object), seen = 0;
    PyObject *key, *item;
    bool fine = true;
    cbor_write_map(e->writer, (size_t)count);
    Py_BEGIN_CRITICAL_SECTION(object);
    while (fine && PyDict_Next(object, &position, &key, &item)) {
        seen++;
        fine = encode(e, key);
        if (!fine) {
            prepend(e, " (a key)");
        } else if (!encode(e, item)) {
            fine = false;
            prepend_key(e, key);
        }
    }
    Py_END_CRITICAL_SECTION();
    return fine && (seen == count || refuse(e, object, "changed while it was read"));
}

static bool encode_container(encoder *e, PyObject *object)
{
    if (e->depth == CBOR_MAX_DEPTH) {
        return refuse(e, object, "nested too deeply");
    }
    e->depth++;
    bool fine = PyDict_CheckExact(object) ? encode_dict(e, object)
                                          : encode_sequence(e, object, PyTuple_CheckExact(object));
    e->depth--;
    return fine;
}

static bool encode(encoder *e, PyObject *object)
{
    if (object == Py_None) {
        cbor_write_null(e->writer);
    } else if (PyBool_Check(object)) {
        cbor_write_bool(e->writer, object == Py_True);
    } else if (PyLong_CheckExact(object)) {
        return encode_long(e, object);
    } else if (PyUnicode_CheckExact(object)) {
        return encode_str(e, object);
    } else if (PyFloat_CheckExact(object)) {
        cbor_write_float(e->writer, PyFloat_AS_DOUBLE(object));
    } else if (PyBytes_CheckExact(object)) {
        cbor_write_bytes(e->writer, PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object));
    } else if (PyList_CheckExact(object) || PyTuple_CheckExact(object) || PyDict_CheckExact(object)) {
        return encode_container(e, object);
    } else {
        return refuse(e, object, "");
    }
    return true;
}

isle_status convert_write(PyObject *object, const char *root, cbor_writer *w, engine_failure *failure)
{
    encoder e; /* its texts are written before they are read: a short call would feel their clearing */
    e.depth = 0;
    e.path_at = PATH_SIZE - 1;
    e.path[e.path_at] = '\0';
    e.problem = NULL;
    e.writer = w;
    if (!encode(&e, object)) {
        PyErr_Clear();
        const char *path = e.path + e.path_at;
        return e.problem[0] == '\0'
                   ? engine_fail(failure, ISLE_ERR_NOT_SHAREABLE, "%s%s: %s cannot cross", root, path, e.type)
                   : engine_fail(failure, ISLE_ERR_NOT_SHAREABLE, "%s%s: %s: %s", root, path, e.type, e.problem);
    }
    return ISLE_OK;
}

isle_status convert_from_object(PyObject *object, const char *root, parcel *out, engine_failure *failure)
{
    cbor_writer w;
    *out = (parcel){.data = NULL};
    cbor_writer_init(&w);
    w.beside = &out->beside;
    isle_status status = convert_write(object, root, &w, failure);
    if (status != ISLE_OK) {
        cbor_writer_free(&w);
    } else if (cbor_writer_take(&w, &out->data, &out->len) != ISLE_OK) {
        status = engine_fail(failure, ISLE_ERR_NOMEM, "%s: out of memory", root);
    }
    if (status != ISLE_OK) {
        parcel_clear(out);
    }
    return status;
}

/* --- back ------------------------------------------------------------------------------------------------------- */

typedef struct decoder {
    cbor_reader reader;
    int depth;
} decoder;

static PyObject *decode(decoder *d);
static PyObject *decode_item(decoder *d, const cbor_item *item);

static PyObject *refuse_bytes(decoder *d, const char *reason)
{
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "not a valid value at byte %zu: %s", cbor_reader_offset(&d->reader), reason);
    }
    return NULL;
}

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

static PyObject *decode_list(decoder *d, uint64_t count)
{
    bool until_break = count == UINT64_MAX;
    PyObject *list = PyList_New(until_break ? 0 : (Py_ssize_t)count);
    for (uint64_t i = 0; list != NULL && (until_break || i < count); i++) {
        cbor_item head;
        if (!cbor_read(&d->reader, &head)) {
            refuse_bytes(d, d->reader.reason);
            Py_CLEAR(list);
            break;
        }
        if (head.kind == CBOR_BREAK && until_break) {
            break;
        }
        PyObject *item = decode_item(d, &head);
        if (item == NULL) {
            Py_CLEAR(list);
        } else if (!until_break) {
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
        } else {
            int failed = PyList_Append(list, item);
            Py_DECREF(item);
            if (failed) {
                Py_CLEAR(list);
            }
        }
    }
    return list;
}

static PyObject *decode_tuple(decoder *d, uint64_t count)
{
    if (count == UINT64_MAX) {
        PyObject *list = decode_list(d, count);
        PyObject *tuple = list != NULL ? PyList_AsTuple(list) : NULL;
        Py_XDECREF(list);
        return tuple;
    }
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (uint64_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *item = decode(d);
        if (item == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, item);
        }
    }
    return tuple;
}

static bool decode_pair(decoder *d, const cbor_item *key_head, PyObject *dict)
{
    PyObject *key = decode_item(d, key_head);
    PyObject *item = key != NULL ? decode(d) : NULL;
    bool fine = item != NULL && PyDict_SetItem(dict, key, item) == 0;
    Py_XDECREF(key);
    Py_XDECREF(item);
    return fine;
}

static PyObject *decode_dict(decoder *d, uint64_t count)
{
    bool until_break = count == UINT64_MAX;
    PyObject *dict = PyDict_New();
    for (uint64_t i = 0; dict != NULL && (until_break || i < count); i++) {
        cbor_item head;
        if (!cbor_read(&d->reader, &head)) {
            refuse_bytes(d, d->reader.reason);
            Py_CLEAR(dict);
        } else if (head.kind == CBOR_BREAK && until_break) {
            break;
        } else if (!decode_pair(d, &head, dict)) {
            Py_CLEAR(dict);
        }
    }
    return dict;
}

static PyObject *decode_container(decoder *d, const cbor_item *item)
{
    if (d->depth == CBOR_MAX_DEPTH) {
        return refuse_bytes(d, "nested too deeply");
    }
    d->depth++;
    PyObject *result = item->kind == CBOR_MAP     ? decode_dict(d, item->count)
                       : item->kind == CBOR_TUPLE ? decode_tuple(d, item->count)
                                                  : decode_list(d, item->count);
    d->depth--;
    return result;
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
        return PyUnicode_DecodeUTF8((const char *)item->data, (Py_ssize_t)item->len, "strict");
    case CBOR_WTF8:
        return PyUnicode_DecodeUTF8((const char *)item->data, (Py_ssize_t)item->len, "surrogatepass");
    case CBOR_BYTES:
        return PyBytes_FromStringAndSize((const char *)item->data, (Py_ssize_t)item->len);
    case CBOR_ARRAY:
    case CBOR_TUPLE:
    case CBOR_MAP:
        return decode_container(d, item);
    case CBOR_TAG:
    case CBOR_BREAK:
    case CBOR_ATTACHMENT:
        break;
    }
    return refuse_bytes(d, "an item that has no meaning here");
}

static PyObject *decode(decoder *d)
{
    cbor_item item;
    if (!cbor_read(&d->reader, &item)) {
        return refuse_bytes(d, d->reader.reason);
    }
    return decode_item(d, &item);
}

PyObject *convert_read(const uint8_t *data, size_t len, const attachments *beside)
{
    decoder d = {.depth = 0};
    cbor_reader_init(&d.reader, data, len);
    d.reader.beside = beside;
    PyObject *object = decode(&d);
    if (object != NULL && d.reader.at != d.reader.end) {
        Py_CLEAR(object);
        refuse_bytes(&d, "more bytes than one value");
    }
    cbor_reader_done(&d.reader);
    return object;
}

PyObject *convert_to_object(const parcel *p)
{
    return convert_read(p->data, p->len, &p->beside);
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
    *out_args = decode_tuple(d, head.count);
    if (*out_args == NULL || !cbor_read(&d->reader, &head) || head.kind != CBOR_MAP) {
        return false;
    }
    if (head.count != 0) {
        *out_kwargs = decode_dict(d, head.count);
    }
    return (head.count == 0 || *out_kwargs != NULL) && d->reader.at == d->reader.end;
}

int convert_to_call(const parcel *p, PyObject **out_args, PyObject **out_kwargs)
{
    decoder d = {.depth = 0};
    *out_args = *out_kwargs = NULL;
    cbor_reader_init(&d.reader, p->data, p->len);
    d.reader.beside = &p->beside;
    bool fine = decode_call(&d, out_args, out_kwargs);
    if (!fine) {
        Py_CLEAR(*out_args);
        Py_CLEAR(*out_kwargs);
        refuse_bytes(&d, d.reader.reason != NULL ? d.reader.reason : "malformed arguments");
    }
    cbor_reader_done(&d.reader);
    return fine ? 0 : -1;
}
