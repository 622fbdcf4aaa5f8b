/* Targets of calls: "pkg.mod:function", dots allowed after the colon, to the object that it names. The last target's names
 * are kept as str objects, with their hashes, for a host that calls the same function again and again; what they name is
 * looked up each time, since code may rebind it. Home thread, attached. */
#include <string.h>

#include "python.h"

static bool append(PyObject *list, const char *text, size_t len)
{
    PyObject *name = list != NULL ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)len) : NULL;
    bool fine = name != NULL && PyList_Append(list, name) == 0;
    Py_XDECREF(name);
    return fine;
}

/* (module, name, name…) */
static PyObject *parse(const char *target)
{
    const char *at = strchr(target, ':');
    if (at == NULL || at == target || at[1] == '\0') {
        PyErr_Format(PyExc_ValueError, "'%s' is not of the form module:function", target);
        return NULL;
    }
    PyObject *list = PyList_New(0);
    bool fine = append(list, target, (size_t)(at - target));
    while (fine && at != NULL) {
        const char *name = at + 1;
        at = strchr(name, '.');
        fine = append(list, name, at != NULL ? (size_t)(at - name) : strlen(name));
    }
    PyObject *names = fine ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return names;
}

/* New reference. */
static PyObject *names_of(engine_interp *interp, const char *target)
{
    if (interp->target != NULL && strcmp(interp->target, target) == 0) {
        return Py_NewRef(interp->target_names);
    }
    PyObject *names = parse(target);
    char *copy = names != NULL ? plat_strdup(target) : NULL;
    if (copy != NULL) { /* else it is not kept */
        target_drop(interp);
        interp->target = copy;
        interp->target_names = Py_NewRef(names);
    }
    return names;
}

/* New reference. A module's names are looked up in its namespace first: the general way takes ten times as long. */
static PyObject *attribute(PyObject *object, PyObject *name)
{
    PyObject *found = NULL;
    if (PyModule_CheckExact(object) && PyDict_GetItemRef(PyModule_GetDict(object), name, &found) != 0) {
        return found; /* NULL: an exception */
    }
    return PyObject_GetAttr(object, name);
}

PyObject *target_resolve(engine_interp *interp, const char *target)
{
    PyObject *names = names_of(interp, target);
    if (names == NULL) {
        return NULL;
    }
    PyObject *module = PyTuple_GET_ITEM(names, 0);
    PyObject *object = PyImport_GetModule(module); /* waits if another thread is importing it */
    if (object == NULL && !PyErr_Occurred()) {
        object = PyImport_Import(module);
    }
    for (Py_ssize_t i = 1; object != NULL && i < PyTuple_GET_SIZE(names); i++) {
        Py_SETREF(object, attribute(object, PyTuple_GET_ITEM(names, i)));
    }
    Py_DECREF(names);
    return object;
}

void target_drop(engine_interp *interp)
{
    plat_free(interp->target);
    interp->target = NULL;
    Py_CLEAR(interp->target_names);
}
