/* value_types.py inside an interpreter: loaded when it is first needed; most values never need it. */
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
    return buffer_make_view(interp_of(capsule), args);
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

int value_types_register(engine_interp *interp, PyObject *args, PyObject *kwargs)
{
    PyObject *function = load(interp) == 0 ? PyDict_GetItemString(interp->value_types, "register") : NULL;
    PyObject *done = function != NULL ? PyObject_Call(function, args, kwargs) : NULL;
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}
