/* Objects to CBOR, attached. The exact built-in types are written here; what any other type is made of is told by
 * describe() in value_types.py, as a tag and its content, or as a name with arguments and a state.
 *
 * Identity inside one value is kept. An object that only its container refers to can't come twice, so only those with
 * more references are remembered. A value is first written as if nothing in it came twice, which is the rule; when
 * something does, writing begins again, with tag 28 before everything that may come again, and tag 29 where it does.
 *
 * What cannot cross is named by its path: args[2]['lock']: _thread.lock. */
#include <stdio.h>
#include <string.h>

#include "memo.h"
#include "shape.h"
#include "values.h"

enum { PATH_SIZE = 400 };

typedef struct encoder {
    cbor_writer *writer;
    engine_interp *interp;
    int depth;
    const PyObject *held; /* an item that we have a reference to while it is written; free-threaded builds only */
    bool marks;           /* tag 28 and 29 are written */
    bool seen_twice;      /* the failure is that something came twice while `marks` was false */
    bool raised;          /* the failure is an exception that is set, and no one's to swallow */
    bool attributes;      /* the next dict is an object's: its keys are attributes in paths */
    memo memo;
    char path[PATH_SIZE]; /* built backwards, from its end, while a failure unwinds */
    size_t path_at;
    const char *problem; /* NULL: no failure; "": see type */
    char type[200], text[300];
} encoder;

static bool encode(encoder *e, PyObject *object);
static bool encode_slowly(encoder *e, PyObject *object);

/* --- failures --------------------------------------------------------------------------------------------------- */

static void prepend(encoder *e, const char *text)
{
    size_t len = strlen(text);
    if (len < e->path_at) {
        e->path_at -= len;
        memcpy(e->path + e->path_at, text, len);
    }
}

static void name_type(encoder *e, PyTypeObject *type)
{
    const char *module = NULL;
    PyObject *name = PyType_GetModuleName(type);
    if (name != NULL && PyUnicode_Check(name)) {
        module = PyUnicode_AsUTF8(name);
    }
    PyObject *qualname = PyType_GetQualName(type);
    const char *text = qualname != NULL ? PyUnicode_AsUTF8(qualname) : NULL;
    if (module != NULL && strcmp(module, "builtins") != 0) {
        snprintf(e->type, sizeof e->type, "%.90s.%.90s", module, text != NULL ? text : "?");
    } else {
        snprintf(e->type, sizeof e->type, "%.180s", text != NULL ? text : type->tp_name);
    }
    Py_XDECREF(name);
    Py_XDECREF(qualname);
    PyErr_Clear();
}

static bool refuse(encoder *e, PyObject *object, const char *problem)
{
    name_type(e, Py_TYPE(object));
    e->problem = problem;
    return false;
}

/* An exception is set: why the object can't cross, unless it is one that stops the code. */
static bool refuse_with_exception(encoder *e, PyObject *object)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        e->raised = true;
        e->problem = "";
        return false;
    }
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *text = PyObject_Str(exception);
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    snprintf(e->text, sizeof e->text, "%.290s", utf8 != NULL ? utf8 : "");
    Py_XDECREF(text);
    Py_DECREF(exception);
    PyErr_Clear();
    return refuse(e, object, e->text);
}

/* --- what was seen ------------------------------------------------------------------------------------------------ */

typedef enum seen { SEEN_FIRST, SEEN_WRITTEN, SEEN_FAILED } seen;

/* For an object that may come twice. SEEN_WRITTEN: it did, and a reference was written. */
static seen look(encoder *e, PyObject *object)
{
    size_t index = memo_find(&e->memo, object);
    if (index == SIZE_MAX) {
        if (!memo_add(&e->memo, object)) {
            refuse(e, object, "out of memory");
            return SEEN_FAILED;
        }
        if (e->marks) {
            cbor_write_tag(e->writer, TAG_SHAREABLE);
        }
        return SEEN_FIRST;
    }
    if (!e->marks) {
        e->seen_twice = true;
        e->problem = "";
        return SEEN_FAILED;
    }
    cbor_write_tag(e->writer, TAG_SHARED);
    cbor_write_uint(e->writer, index);
    return SEEN_WRITTEN;
}

/* --- plain things ------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) bool encode_big_long(encoder *e, PyObject *object, bool negative)
{
    PyObject *magnitude = PyNumber_Absolute(object);
    if (magnitude == NULL) {
        PyErr_Clear();
        return refuse(e, object, "out of memory");
    }
    const int flags = Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER;
    Py_ssize_t size = PyLong_AsNativeBytes(magnitude, NULL, 0, flags);
    uint8_t *bytes = size > 0 ? plat_malloc((size_t)size) : NULL;
    if (bytes != NULL) {
        PyLong_AsNativeBytes(magnitude, bytes, size, flags);
        cbor_write_bigint(e->writer, negative, bytes, (size_t)size);
        plat_free(bytes);
    }
    Py_DECREF(magnitude);
    return bytes != NULL || refuse(e, object, "out of memory");
}

static inline bool encode_long(encoder *e, PyObject *object)
{
    int overflow;
    if (PyUnstable_Long_IsCompact((PyLongObject *)object)) {
        cbor_write_short_int(e->writer, PyUnstable_Long_CompactValue((PyLongObject *)object));
        return true;
    }
    long long small = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0) {
        return encode_big_long(e, object, overflow < 0);
    }
    cbor_write_int(e->writer, small);
    return true;
}

static __attribute__((noinline)) bool encode_wide_str(encoder *e, PyObject *object)
{
    Py_ssize_t len;
    const char *utf8 = PyUnicode_AsUTF8AndSize(object, &len);
    if (utf8 != NULL) {
        cbor_write_text(e->writer, utf8, (size_t)len);
        return true;
    }
    PyErr_Clear(); /* lone surrogates */
    PyObject *bytes = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
    if (bytes == NULL) {
        PyErr_Clear();
        return refuse(e, object, "out of memory");
    }
    cbor_write_wtf8(e->writer, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return true;
}

static inline bool encode_str(encoder *e, PyObject *object)
{
    if (PyUnicode_IS_COMPACT_ASCII(object)) {
        cbor_write_short_text(e->writer, (PyASCIIObject *)object + 1, (size_t)PyUnicode_GET_LENGTH(object));
        return true;
    }
    return encode_wide_str(e, object);
}

/* Large ones are not copied: the receiver's copy is the only one. */
static __attribute__((noinline)) bool encode_bytes(encoder *e, PyObject *object)
{
    bool large = PyBytes_GET_SIZE(object) >= BYTES_BY_REFERENCE && e->writer->beside != NULL && e->interp != NULL;
    attachment *a = large ? lend_bytes(e->interp, object) : NULL;
    if (a != NULL) {
        cbor_write_attachment(e->writer, a);
        attachment_unref(a);
    } else {
        cbor_write_bytes(e->writer, PyBytes_AS_STRING(object), (size_t)PyBytes_GET_SIZE(object));
    }
    return true;
}

/* What has no inside at once: part of the loops over containers. */
static inline __attribute__((always_inline)) bool encode_item(encoder *e, PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    if (type == &PyUnicode_Type) {
        return encode_str(e, object);
    }
    if (type == &PyLong_Type) {
        return encode_long(e, object);
    }
    if (object == Py_None) {
        cbor_write_null(e->writer);
    } else if (type == &PyFloat_Type) {
        cbor_write_float(e->writer, PyFloat_AS_DOUBLE(object));
    } else if (type == &PyBool_Type) {
        cbor_write_bool(e->writer, object == Py_True);
    } else if (type == &PyBytes_Type) {
        return encode_bytes(e, object);
    } else {
        return encode_slowly(e, object);
    }
    return true;
}

/* --- containers --------------------------------------------------------------------------------------------------- */

static void prepend_index(encoder *e, Py_ssize_t index)
{
    char text[32];
    snprintf(text, sizeof text, "[%zd]", index);
    prepend(e, text);
}

static bool encode_tuple(encoder *e, PyObject *object)
{
    Py_ssize_t count = PyTuple_GET_SIZE(object);
    cbor_write_tuple(e->writer, (size_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!encode_item(e, PyTuple_GET_ITEM(object, i))) {
            prepend_index(e, i);
            return false;
        }
    }
    return true;
}

#ifdef Py_GIL_DISABLED
static PyObject *item_of(encoder *e, PyObject *list, Py_ssize_t i, PyObject **out_owned)
{
    PyObject *item = *out_owned = PyList_GetItemRef(list, i);
    PyErr_Clear();
    e->held = item;
    return item;
}
#else
static PyObject *item_of(encoder *e, PyObject *list, Py_ssize_t i, PyObject **out_owned)
{
    (void)e;
    *out_owned = NULL; /* whoever runs Python while it is written takes a reference (encode_slowly) */
    return i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : NULL;
}
#endif

static bool encode_list(encoder *e, PyObject *object)
{
    Py_ssize_t count = PyList_GET_SIZE(object);
    cbor_write_array(e->writer, (size_t)count);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *owned, *item = item_of(e, object, i, &owned);
        bool fine = item != NULL ? encode_item(e, item) : refuse(e, object, "changed while it was read");
        Py_XDECREF(owned);
        if (!fine) {
            prepend_index(e, i);
            return false;
        }
    }
    return true;
}

static void prepend_key(encoder *e, PyObject *key, bool attribute)
{
    PyObject *repr = PyUnicode_CheckExact(key) || PyLong_CheckExact(key) ? PyObject_Repr(key) : NULL;
    const char *text = repr != NULL ? PyUnicode_AsUTF8(attribute ? key : repr) : NULL;
    char piece[100];
    snprintf(piece, sizeof piece, attribute ? ".%.90s" : "[%.90s]", text != NULL ? text : "...");
    prepend(e, piece);
    Py_XDECREF(repr);
    PyErr_Clear();
}

static bool encode_pair(encoder *e, const shape *s, Py_ssize_t i, PyObject *key, PyObject *item, bool attribute)
{
    if ((s == NULL || !shape_write_key(s, (size_t)i, key, e->writer)) && !encode(e, key)) {
        prepend(e, " (a key)");
        return false;
    }
    Py_INCREF(key); /* for the path, when the dict is changed meanwhile */
    bool fine = encode_item(e, item);
    if (!fine) {
        prepend_key(e, key, attribute && PyUnicode_CheckExact(key));
    }
    Py_DECREF(key);
    return fine;
}

static bool encode_dict(encoder *e, PyObject *object)
{
    Py_ssize_t position = 0, count = PyDict_GET_SIZE(object), read = 0;
    PyObject *key, *item;
    bool fine = true, attribute = e->attributes;
    e->attributes = false;
    cbor_write_map(e->writer, (size_t)count);
    shape *s = shape_of_dict(e->interp, object);
    Py_BEGIN_CRITICAL_SECTION(object);
    while (fine && read < count && shape_next(object, &position, &key, &item)) {
        fine = encode_pair(e, s, read++, key, item, attribute);
    }
    Py_END_CRITICAL_SECTION();
    shape_release(s);
    return fine && (read == count || refuse(e, object, "changed while it was read"));
}

/* What a set holds, as an array: behind tag 258, or as the one argument of "frozenset". */
static bool encode_set_items(encoder *e, PyObject *object)
{
    Py_ssize_t count = PySet_GET_SIZE(object), read = 0;
    PyObject *iterator = PyObject_GetIter(object), *item;
    cbor_write_array(e->writer, (size_t)count);
    bool fine = iterator != NULL;
    while (fine && (item = PyIter_Next(iterator)) != NULL) {
        read++;
        fine = encode(e, item);
        if (!fine) {
            prepend(e, "{...}");
        }
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    if (fine && PyErr_Occurred()) {
        return refuse_with_exception(e, object);
    }
    return fine && (read == count || refuse(e, object, "changed while it was read"));
}

static void write_name(encoder *e, const char *name, size_t args)
{
    cbor_write_tag(e->writer, CBOR_TAG_OBJECT);
    cbor_write_array(e->writer, args + 1);
    cbor_write_text(e->writer, name, strlen(name));
}

static bool encode_any_set(encoder *e, PyObject *object)
{
    if (PySet_CheckExact(object)) {
        cbor_write_tag(e->writer, TAG_SET);
    } else {
        write_name(e, "frozenset", 1);
    }
    return encode_set_items(e, object);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void write_sizes(encoder *e, const Py_ssize_t *sizes, int count)
{
    cbor_write_array(e->writer, (size_t)count);
    for (int i = 0; i < count; i++) {
        cbor_write_int(e->writer, sizes[i]);
    }
}

static void write_memoryview(encoder *e, attachment *a, const memory_shape *s)
{
    write_name(e, "memoryview", 5);
    cbor_write_attachment(e->writer, a);
    cbor_write_text(e->writer, s->format, strlen(s->format));
    write_sizes(e, s->shape, s->ndim);
    write_sizes(e, s->strides, s->ndim);
    cbor_write_int(e->writer, s->offset);
}

/* A view on memory that came from elsewhere goes on as what it is; of our own memory a loan is made. */
static bool encode_memoryview(encoder *e, PyObject *object)
{
    const Py_buffer *view = PyMemoryView_GET_BUFFER(object);
    attachment *a = view->obj != NULL ? buffer_attachment(e->interp, view->obj) : NULL;
    memory_shape s;
    if (a != NULL) {
        if (!shape_of(view, attachment_data(a), &s)) {
            return refuse_with_exception(e, object);
        }
        attachment_ref(a);
    } else if ((a = lend_buffer(e->interp, object, false, &s)) == NULL) {
        return refuse_with_exception(e, object);
    }
    write_memoryview(e, a, &s);
    attachment_unref(a);
    return true;
}

static bool encode_queue(encoder *e, PyObject *object)
{
    if (e->writer->beside == NULL) {
        return refuse(e, object, "a queue lives in its process only");
    }
    attachment *a = queue_object_attachment(object);
    if (a == NULL) {
        return refuse(e, object, "out of memory");
    }
    cbor_write_attachment(e->writer, a);
    attachment_unref(a);
    return true;
}

/* --- all other types ---------------------------------------------------------------------------------------------- */

/* (tag, content) */
static bool encode_tagged(encoder *e, PyObject *object, PyObject *described)
{
    unsigned long long tag = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(described, 0));
    if (tag == (unsigned long long)-1 && PyErr_Occurred()) {
        return refuse_with_exception(e, object);
    }
    cbor_write_tag(e->writer, tag);
    return encode(e, PyTuple_GET_ITEM(described, 1));
}

static bool encode_items_of(encoder *e, PyObject *tuple)
{
    bool fine = true;
    for (Py_ssize_t i = 0; fine && i < PyTuple_GET_SIZE(tuple); i++) {
        fine = encode(e, PyTuple_GET_ITEM(tuple, i));
    }
    return fine;
}

/* (name, arguments): ["name", argument, ...]. (name, arguments, state): ["module:name", [arguments], state] */
static bool encode_named(encoder *e, PyObject *object, PyObject *described)
{
    Py_ssize_t len;
    const char *name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(described, 0), &len);
    PyObject *args = PyTuple_GET_ITEM(described, 1);
    bool has_state = PyTuple_GET_SIZE(described) == 3;
    if (name == NULL || !PyTuple_Check(args)) {
        return name == NULL ? refuse_with_exception(e, object) : refuse(e, object, "its arguments are no tuple");
    }
    size_t count = (size_t)PyTuple_GET_SIZE(args);
    write_name(e, name, has_state ? 2 : count);
    if (has_state) {
        cbor_write_array(e->writer, count);
    }
    if (!encode_items_of(e, args)) {
        return false;
    }
    e->attributes = true;
    bool fine = !has_state || encode(e, PyTuple_GET_ITEM(described, 2));
    e->attributes = false;
    return fine;
}

static bool encode_described(encoder *e, PyObject *object)
{
    PyObject *described = value_types_describe(e->interp, object, e->writer->beside == NULL);
    if (described == NULL) {
        return refuse_with_exception(e, object);
    }
    bool is_tuple = PyTuple_Check(described) && PyTuple_GET_SIZE(described) >= 2;
    bool fine = !is_tuple                                      ? refuse(e, object, "")
                : PyLong_Check(PyTuple_GET_ITEM(described, 0)) ? encode_tagged(e, object, described)
                                                               : encode_named(e, object, described);
    Py_DECREF(described);
    return fine;
}

static bool encode_other(encoder *e, PyObject *object)
{
    attachment *a;
    if (PyMemoryView_Check(object)) {
        return encode_memoryview(e, object);
    }
    if (e->interp != NULL && e->interp->queue_type != NULL &&
        Py_TYPE(object) == (PyTypeObject *)e->interp->queue_type) {
        return encode_queue(e, object);
    }
    if (e->interp != NULL && (a = buffer_attachment(e->interp, object)) != NULL) {
        cbor_write_attachment(e->writer, a);
        return true;
    }
    if (PyComplex_CheckExact(object)) {
        cbor_write_tag(e->writer, TAG_COMPLEX);
        cbor_write_array(e->writer, 2);
        cbor_write_float(e->writer, PyComplex_RealAsDouble(object));
        cbor_write_float(e->writer, PyComplex_ImagAsDouble(object));
        return true;
    }
    if (PyByteArray_CheckExact(object)) {
        write_name(e, "bytearray", 1);
        cbor_write_bytes(e->writer, PyByteArray_AS_STRING(object), (size_t)PyByteArray_GET_SIZE(object));
        return true;
    }
    return encode_described(e, object);
}

/* A container, or anything that Python code describes. */
static bool encode_inside(encoder *e, PyObject *object)
{
    bool attributes = e->attributes;
    e->attributes = false;
    if (PyDict_CheckExact(object)) {
        e->attributes = attributes;
        return encode_dict(e, object);
    }
    if (PyList_CheckExact(object)) {
        return encode_list(e, object);
    }
    if (PyTuple_CheckExact(object)) {
        return encode_tuple(e, object);
    }
    return PyAnySet_CheckExact(object) ? encode_any_set(e, object) : encode_other(e, object);
}

static bool is_alone(encoder *e, PyObject *object)
{
    Py_ssize_t ours = e->held == object ? 1 : 0;
    e->held = NULL; /* elsewhere it is not */
    return Py_REFCNT(object) == 1 + ours || (PyTuple_CheckExact(object) && PyTuple_GET_SIZE(object) == 0);
}

static bool encode_slowly(encoder *e, PyObject *object)
{
    if (e->interp == NULL && !PyDict_CheckExact(object) && !PyList_CheckExact(object) && !PyTuple_CheckExact(object)) {
        return refuse(e, object, "");
    }
    if (!is_alone(e, object)) {
        seen s = look(e, object);
        if (s != SEEN_FIRST) {
            return s == SEEN_WRITTEN;
        }
    }
    if (e->depth == CBOR_MAX_DEPTH) {
        return refuse(e, object, "nested too deeply");
    }
    e->depth++;
    Py_INCREF(object);
    bool fine = encode_inside(e, object);
    Py_DECREF(object);
    e->depth--;
    return fine;
}

static bool encode(encoder *e, PyObject *object)
{
    return encode_item(e, object);
}

/* --- whole values ------------------------------------------------------------------------------------------------- */

static isle_status tell(encoder *e, const char *root, engine_failure *failure)
{
    const char *path = e->path + e->path_at;
    if (e->raised) {
        return failure->status = ISLE_ERR_PYTHON; /* the exception stays set */
    }
    PyErr_Clear();
    return e->problem[0] == '\0'
               ? engine_fail(failure, ISLE_ERR_NOT_SHAREABLE, "%s%s: %s cannot cross", root, path, e->type)
               : engine_fail(failure, ISLE_ERR_NOT_SHAREABLE, "%s%s: %s: %s", root, path, e->type, e->problem);
}

static void begin(encoder *e, engine_interp *interp, cbor_writer *w)
{
    e->writer = w; /* the texts are written before they are read: a short call would feel their clearing */
    e->interp = interp;
    e->depth = 0;
    e->held = NULL;
    e->path_at = PATH_SIZE - 1;
    e->path[e->path_at] = '\0';
    e->problem = NULL;
    e->marks = e->seen_twice = e->raised = e->attributes = false;
    memo_init(&e->memo);
}

/* What was written is taken back; then once more, with marks. */
static bool encode_again(encoder *e, PyObject *object, size_t written, size_t beside)
{
    cbor_writer *w = e->writer;
    memo_clear(&e->memo);
    w->len = w->failed ? w->len : written;
    while (w->beside != NULL && w->beside->count > beside) {
        attachment_unref(w->beside->items[--w->beside->count]);
    }
    begin(e, e->interp, w);
    e->marks = true;
    return encode(e, object);
}

isle_status convert_write(engine_interp *interp, PyObject *object, const char *root, cbor_writer *w,
                          engine_failure *failure)
{
    encoder e;
    size_t written = w->len, beside = w->beside != NULL ? w->beside->count : 0;
    begin(&e, interp, w);
    bool fine = encode(&e, object);
    if (!fine && e.seen_twice) {
        fine = encode_again(&e, object, written, beside);
    }
    memo_clear(&e.memo);
    return fine ? ISLE_OK : tell(&e, root, failure);
}

isle_status convert_from_object(engine_interp *interp, PyObject *object, const char *root, parcel *out,
                                engine_failure *failure)
{
    cbor_writer w;
    *out = (parcel){.data = NULL};
    cbor_writer_init(&w);
    w.beside = &out->beside;
    isle_status status = convert_write(interp, object, root, &w, failure);
    if (status != ISLE_OK) {
        cbor_writer_free(&w);
        parcel_clear(out);
    } else if (cbor_writer_take_parcel(&w, out) != ISLE_OK) {
        status = engine_fail(failure, ISLE_ERR_NOMEM, "%s: out of memory", root);
    }
    return status;
}

isle_status convert_from_call(engine_interp *interp, PyObject *args, PyObject *kwargs, parcel *out,
                              engine_failure *failure)
{
    PyObject *list = PySequence_List(args); /* lists are plain arrays, tuples have a tag */
    PyObject *names = kwargs == NULL ? PyDict_New() : PyDict_Copy(kwargs); /* ours alone: never marked as shared */
    PyObject *call = list != NULL && names != NULL ? PyList_New(2) : NULL;
    if (call == NULL) {
        Py_XDECREF(list);
        Py_XDECREF(names);
        PyErr_Clear();
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    PyList_SET_ITEM(call, 0, list);
    PyList_SET_ITEM(call, 1, names);
    isle_status status = convert_from_object(interp, call, "call", out, failure);
    Py_DECREF(call);
    return status;
}
