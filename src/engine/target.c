/* Targets of calls: "pkg.mod:function", dots allowed after the colon, to the object that it names. The last target's
 * names are kept as str objects, with their hashes, for a host that calls the same function again and again; what they
 * name is looked up each time, since code may rebind it. Home thread, attached. */
#include <string.h>

#include "python.h"

static bool append(PyObject *list, const char *text, size_t len)
{
    PyObject *name = list != NULL ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)len) : NULL;
    bool fine = name != NULL && PyList_Append(list, name) == 0;
    Py_XDECREF(name);
    return fine;
}

/* What the names of a target begin with; the attributes follow. */
enum { SPEC_NAME, INITIALIZING_NAME, MODULE, FIRST_ATTRIBUTE };

static PyObject *parse(const char *target)
{
    const char *at = strchr(target, ':');
    if (at == NULL || at == target || at[1] == '\0') {
        PyErr_Format(PyExc_ValueError, "'%s' is not of the form module:function", target);
        return NULL;
    }
    PyObject *list = PyList_New(0);
    bool fine = append(list, "__spec__", strlen("__spec__")) &&
                append(list, "_initializing", strlen("_initializing")) && append(list, target, (size_t)(at - target));
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
    target_drop(interp);
    if (copy != NULL) { /* else it is not kept */
        interp->target = copy;
        interp->target_names = Py_NewRef(names);
    }
    return names;
}

/* Of the names, those that each call looks up: see lookup.h. */
enum { LOOKUP_MODULE, LOOKUP_SPEC, LOOKUP_ATTRIBUTE };

/* New reference. A module's names are looked up in its namespace first: the general way takes ten times as long. */
static PyObject *attribute(PyObject *object, PyObject *name, lookup *l)
{
    PyObject *found = NULL;
    if (PyModule_CheckExact(object) && lookup_in(l, PyModule_GetDict(object), name, &found) != 0) {
        return found; /* NULL: an exception */
    }
    return PyObject_GetAttr(object, name);
}

/* false: perhaps another thread is importing it just now, and PyImport_GetModule waits. */
static bool is_whole(engine_interp *interp, PyObject *module, PyObject *names)
{
    lookup *l = &interp->target_lookups[LOOKUP_SPEC];
    PyObject *spec = NULL, *initializing = NULL;
    if (!PyModule_CheckExact(module) ||
        lookup_in(l, PyModule_GetDict(module), PyTuple_GET_ITEM(names, SPEC_NAME), &spec) < 0) {
        return false;
    }
    bool whole = spec == NULL || spec == Py_None;
    if (!whole) {
        initializing = PyObject_GetAttr(spec, PyTuple_GET_ITEM(names, INITIALIZING_NAME));
        whole = initializing == Py_False;
    }
    Py_XDECREF(initializing);
    Py_XDECREF(spec);
    return whole;
}

/* New reference. An import finds a module that is there too, but takes ten times as long. */
static PyObject *module_of(engine_interp *interp, PyObject *names)
{
    lookup *l = &interp->target_lookups[LOOKUP_MODULE];
    PyObject *name = PyTuple_GET_ITEM(names, MODULE);
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *module = NULL;
    if (PyDict_CheckExact(modules) && lookup_in(l, modules, name, &module) == 1 && is_whole(interp, module, names)) {
        return module;
    }
    Py_XDECREF(module);
    PyErr_Clear();
    module = PyImport_GetModule(name);
    if (module == Py_None) { /* what forbids the import: PyImport_Import says so */
        Py_CLEAR(module);
    }
    return module != NULL || PyErr_Occurred() ? module : PyImport_Import(name);
}

PyObject *target_resolve(engine_interp *interp, const char *target)
{
    PyObject *names = names_of(interp, target);
    PyObject *object = names != NULL ? module_of(interp, names) : NULL;
    for (Py_ssize_t i = FIRST_ATTRIBUTE; object != NULL && i < PyTuple_GET_SIZE(names); i++) {
        lookup *l = i == FIRST_ATTRIBUTE ? &interp->target_lookups[LOOKUP_ATTRIBUTE] : NULL;
        Py_SETREF(object, attribute(object, PyTuple_GET_ITEM(names, i), l));
    }
    Py_XDECREF(names);
    return object;
}

void target_drop(engine_interp *interp)
{
    plat_free(interp->target);
    interp->target = NULL;
    Py_CLEAR(interp->target_names);
    for (size_t i = 0; i < sizeof interp->target_lookups / sizeof *interp->target_lookups; i++) {
        lookup_forget(&interp->target_lookups[i]);
    }
}
