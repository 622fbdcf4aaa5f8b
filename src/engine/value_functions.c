/* What the module `isles` has of values: encode, decode, share, register, allow_pickle. */
#include "values.h"

enum { SLACK = 32, EXPECTED_MAX = 64 * 1024 }; /* what encode() takes at once, by what the last value took */

static engine_interp *interp_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, "isles.interp");
}

static void raise_failure(engine_interp *interp, engine_failure *failure)
{
    if (!PyErr_Occurred() && failure->status == ISLE_ERR_NOMEM) {
        PyErr_NoMemory();
    } else if (!PyErr_Occurred() && module_make_classes(interp) == 0) {
        PyErr_SetString(interp->not_shareable, failure->message != NULL ? failure->message : "not shareable");
    }
    engine_failure_clear(failure);
}

static PyObject *isles_encode(PyObject *capsule, PyObject *object)
{
    engine_interp *interp = interp_of(capsule);
    engine_failure failure = {0};
    cbor_writer w;
    parcel p = {.data = NULL};
    cbor_writer_init(&w);
    cbor_writer_skip(&w, 0, atomic_load_explicit(&interp->encoded_size, memory_order_relaxed));
    if (convert_write(interp, object, "value", &w, &failure) != ISLE_OK) {
        cbor_writer_free(&w);
        raise_failure(interp, &failure);
        return NULL;
    }
    if (cbor_writer_take_parcel(&w, &p) != ISLE_OK) {
        return PyErr_NoMemory();
    }
    size_t expected = p.len < EXPECTED_MAX ? p.len + SLACK : EXPECTED_MAX;
    atomic_store_explicit(&interp->encoded_size, expected, memory_order_relaxed);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)p.data, (Py_ssize_t)p.len);
    parcel_clear(&p);
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
    return value_types_register(interp_of(capsule), args, kwargs) == 0 ? Py_NewRef(Py_None) : NULL;
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

int value_functions_install(PyObject *module, PyObject *capsule)
{
    for (PyMethodDef *def = functions; def->ml_name != NULL; def++) {
        if (PyModule_Add(module, def->ml_name, PyCFunction_New(def, capsule)) < 0) {
            return -1;
        }
    }
    return 0;
}
