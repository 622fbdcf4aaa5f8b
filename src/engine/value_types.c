/* value_types.py inside an interpreter, and what the module `isles` has of values: encode, decode, share, register,
 * allow_pickle, NotShareableError. The Python part is loaded when it is first needed; most values never need it. */
#include <string.h>

#include "values.h"

static engine_interp *interp_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, "isles.interp");
}

/* --- what value_types.py needs of us ------------------------------------------------------------------------------ */

/* lend(exporter): (Buffer over all of its memory that is reached, offset of its first item) */
static PyObject *lend(PyObject *capsule, PyObject *exporter)
{
    engine_interp *interp = interp_of(capsule);
    memory_shape shape;
    attachment *a = lend_buffer(interp, exporter, false, &shape);
    PyObject *buffer = a != NULL ? buffer_wrap(interp, a, NULL) : NULL;
    attachment_unref(a);
    return buffer != NULL ? Py_BuildValue("(Nn)", buffer, shape.offset) : NULL;
}

/* wrap(bytes): a Buffer over them */
static PyObject *wrap(PyObject *capsule, PyObject *exporter)
{
    PyObject *pair = lend(capsule, exporter);
    PyObject *buffer = pair != NULL ? Py_NewRef(PyTuple_GET_ITEM(pair, 0)) : NULL;
    Py_XDECREF(pair);
    return buffer;
}

static PyObject *pickles(PyObject *capsule, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(interp_of(capsule)->pickles);
}

static PyObject *make_memoryview(PyObject *capsule, PyObject *args)
{
    return decode_make_memoryview(interp_of(capsule), args);
}

static PyMethodDef helpers[] = {
    {"lend", lend, METH_O, NULL},
    {"wrap", wrap, METH_O, NULL},
    {"pickles", pickles, METH_NOARGS, NULL},
    {"make_memoryview", make_memoryview, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int add_functions(engine_interp *interp, PyObject *globals)
{
    PyObject *capsule = PyCapsule_New(interp, "isles.interp", NULL);
    int failed = capsule == NULL;
    for (PyMethodDef *def = helpers; !failed && def->ml_name != NULL; def++) {
        PyObject *function = PyCFunction_New(def, capsule);
        failed = function == NULL || PyDict_SetItemString(globals, def->ml_name, function) < 0;
        Py_XDECREF(function);
    }
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}

static int load(engine_interp *interp)
{
    if (interp->value_types != NULL) {
        return 0;
    }
    PyObject *globals = script_load(SCRIPT_VALUE_TYPES, "isles._value_types");
    PyObject *describe = NULL, *rebuild = NULL;
    if (globals == NULL || add_functions(interp, globals) < 0 ||
        PyDict_GetItemStringRef(globals, "describe", &describe) < 1 ||
        PyDict_GetItemStringRef(globals, "rebuild", &rebuild) < 1) {
        Py_XDECREF(describe);
        Py_XDECREF(globals);
        return -1;
    }
    interp->describe = describe;
    interp->rebuild = rebuild;
    interp->value_types = globals;
    return 0;
}

void value_types_drop(engine_interp *interp)
{
    Py_CLEAR(interp->describe);
    Py_CLEAR(interp->rebuild);
    Py_CLEAR(interp->value_types);
}

PyObject *value_types_describe(engine_interp *interp, PyObject *object, bool leaves_process)
{
    if (load(interp) < 0) {
        return NULL;
    }
    PyObject *args[] = {object, leaves_process ? Py_True : Py_False};
    return PyObject_Vectorcall(interp->describe, args, 2, NULL);
}

static PyObject *rebuild(engine_interp *interp, PyObject *name, PyObject *args)
{
    if (load(interp) < 0) {
        return NULL;
    }
    PyObject *both[] = {name, args};
    return PyObject_Vectorcall(interp->rebuild, both, 2, NULL);
}

PyObject *value_types_rebuild(engine_interp *interp, const char *name, PyObject *args)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *object = text != NULL ? rebuild(interp, text, args) : NULL;
    Py_XDECREF(text);
    return object;
}

PyObject *value_types_rebuild_tag(engine_interp *interp, PyObject *args)
{
    return rebuild(interp, Py_False, args);
}

PyObject *value_types_fill(engine_interp *interp, PyObject *args)
{
    return rebuild(interp, Py_True, args);
}

/* --- the module isles --------------------------------------------------------------------------------------------- */

int value_types_raise(engine_interp *interp, engine_failure *failure)
{
    if (!PyErr_Occurred() && failure->status == ISLE_ERR_NOMEM) {
        PyErr_NoMemory();
    } else if (!PyErr_Occurred() && module_make_queue_classes(interp) == 0) {
        PyErr_SetString(interp->not_shareable, failure->message != NULL ? failure->message : "not shareable");
    }
    engine_failure_clear(failure);
    return -1;
}

static PyObject *isles_encode(PyObject *capsule, PyObject *object)
{
    engine_interp *interp = interp_of(capsule);
    engine_failure failure = {0};
    cbor_writer w;
    uint8_t *data;
    size_t len;
    cbor_writer_init(&w);
    if (convert_write(interp, object, "value", &w, &failure) != ISLE_OK) {
        cbor_writer_free(&w);
        value_types_raise(interp, &failure);
        return NULL;
    }
    if (cbor_writer_take(&w, &data, &len) != ISLE_OK) {
        return PyErr_NoMemory();
    }
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)len);
    plat_free(data);
    return bytes;
}

static PyObject *isles_decode(PyObject *capsule, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data", "objects", NULL};
    Py_buffer view;
    int objects = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|$p:decode", names, &view, &objects)) {
        return NULL;
    }
    PyObject *object = convert_read_foreign(interp_of(capsule), view.buf, (size_t)view.len, objects);
    PyBuffer_Release(&view);
    return object;
}

static PyObject *isles_share(PyObject *capsule, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "writable", NULL};
    engine_interp *interp = interp_of(capsule);
    PyObject *exporter;
    int writable = 0;
    memory_shape shape;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:share", names, &exporter, &writable)) {
        return NULL;
    }
    attachment *a = lend_buffer(interp, exporter, writable, &shape);
    PyObject *buffer = a != NULL ? buffer_wrap(interp, a, &shape) : NULL;
    PyObject *view = buffer != NULL ? PyMemoryView_FromObject(buffer) : NULL;
    Py_XDECREF(buffer);
    attachment_unref(a);
    return view;
}

static PyObject *isles_register(PyObject *capsule, PyObject *args, PyObject *kwargs)
{
    engine_interp *interp = interp_of(capsule);
    PyObject *function = load(interp) == 0 ? PyDict_GetItemString(interp->value_types, "register") : NULL;
    return function != NULL ? PyObject_Call(function, args, kwargs) : NULL;
}

static PyObject *isles_allow_pickle(PyObject *capsule, PyObject *arg)
{
    engine_interp *interp = interp_of(capsule);
    int on = PyObject_IsTrue(arg);
    if (on < 0) {
        return NULL;
    }
    bool before = interp->pickles;
    interp->pickles = on;
    return PyBool_FromLong(before);
}

#define WITH_KEYWORDS(f) (PyCFunction)(void (*)(void))(f), METH_VARARGS | METH_KEYWORDS

static PyMethodDef functions[] = {
    {"encode", isles_encode, METH_O, "encode(obj) -> bytes\n\nThe value as CBOR (RFC 8949) that stands alone."},
    {"decode", WITH_KEYWORDS(isles_decode),
     "decode(data, *, objects=False)\n\nThe value that CBOR stands for. Raises ValueError, which says where it is "
     "wrong.\n"
     "objects=True: also instances of classes, functions and pickles: they run code, so only of bytes that you trust."},
    {"share", WITH_KEYWORDS(isles_share),
     "share(obj, *, writable=False) -> memoryview\n\nA view on the memory of obj (bytearray, array, mmap, NumPy array) "
     "that "
     "crosses as\nthat memory, with no copy. writable=True: who gets it may write."},
    {"register", WITH_KEYWORDS(isles_register),
     "register(cls, encode, decode)\n\nObjects of cls cross as encode(obj), and are made again by decode(value). To be "
     "called in\nboth interpreters; where the module of cls does it, importing that is enough."},
    {"allow_pickle", isles_allow_pickle, METH_O,
     "allow_pickle(on) -> bool\n\nMay what has no encoding of its own be pickled, and pickles be loaded, in this "
     "interpreter? Returns\nwhat held before. It does at first."},
    {NULL, NULL, 0, NULL},
};

int value_types_install(PyObject *module, PyObject *capsule)
{
    for (PyMethodDef *def = functions; def->ml_name != NULL; def++) {
        if (PyModule_Add(module, def->ml_name, PyCFunction_New(def, capsule)) < 0) {
            return -1;
        }
    }
    return 0;
}
