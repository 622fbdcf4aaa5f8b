/* Exceptions of the main interpreter that CPython raises in another one.
 *
 * CPython 3.13 calls every extension's init function in the main interpreter first (Python/import.c,
 * import_run_extension), and if that raises an exception, raises the same object in the interpreter that imports. It is
 * the main interpreter's memory: with an own GIL and allocator (PEP 684), to free it crashes the process. So what was
 * raised by the import function, and is not among the objects of this interpreter, is replaced by an ImportError with
 * its words, and is never touched again: it stays, one for each import that fails in this way. */
#include "foreign_error.h"

#if PY_VERSION_HEX < 0x030e0000

typedef struct search {
    const PyObject *object;
    bool found;
} search;

static int look(PyObject *object, void *arg)
{
    search *s = arg;
    s->found = object == s->object;
    return !s->found;
}

/* Exceptions are tracked by the collector of the interpreter that made them, from the beginning. */
static bool is_foreign(const PyObject *error)
{
    search s = {.object = error};
    PyUnstable_GC_VisitObjects(look, &s);
    return !s.found;
}

/* A copy, so that nobody here counts references to another interpreter's string. */
static PyObject *words_of(PyObject *error)
{
    PyObject *args = ((PyBaseExceptionObject *)error)->args;
    PyObject *first = args != NULL && PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : NULL;
    if (first == NULL || !PyUnicode_CheckExact(first)) {
        return PyUnicode_FromString("no words");
    }
    return PyUnicode_FromKindAndData(PyUnicode_KIND(first), PyUnicode_DATA(first), PyUnicode_GET_LENGTH(first));
}

static void replace(PyObject *error, PyObject *spec)
{
    PyObject *name = PyObject_GetAttrString(spec, "name"), *path = PyObject_GetAttrString(spec, "origin");
    PyObject *words = name != NULL && path != NULL ? words_of(error) : NULL;
    PyObject *message = words != NULL ? PyUnicode_FromFormat(
                                            "the init function of %U failed in the main interpreter, where this CPython"
                                            " calls it first: %s: %U",
                                            name, Py_TYPE(error)->tp_name, words)
                                      : NULL;
    if (message != NULL) {
        PyErr_SetImportError(message, name, path);
    }
    Py_XDECREF(message);
    Py_XDECREF(words);
    Py_XDECREF(path);
    Py_XDECREF(name);
}

PyObject *foreign_error_checked(PyObject *module, PyObject *spec)
{
    PyObject *error = module == NULL ? PyErr_GetRaisedException() : NULL;
    if (error != NULL && is_foreign(error)) {
        replace(error, spec);
    } else if (error != NULL) {
        PyErr_SetRaisedException(error);
    }
    return module;
}

static PyObject *create_dynamic(PyObject *cpythons, PyObject *const *args, Py_ssize_t count)
{
    return foreign_error_checked(PyObject_Vectorcall(cpythons, args, (size_t)count, NULL),
                                 count > 0 ? args[0] : Py_None);
}

static PyMethodDef create_dynamic_def = {
    "create_dynamic", (PyCFunction)(void (*)(void))create_dynamic, METH_FASTCALL,
    "create_dynamic($module, spec, file=None, /)\n--\n\nCreate an extension module."};

int foreign_error_install(void)
{
    PyObject *imp = PyImport_ImportModule("_imp"), *name = PyUnicode_FromString("_imp");
    PyObject *cpythons = imp != NULL ? PyObject_GetAttrString(imp, create_dynamic_def.ml_name) : NULL;
    PyObject *ours = cpythons != NULL && name != NULL ? PyCFunction_NewEx(&create_dynamic_def, cpythons, name) : NULL;
    int result = ours != NULL ? PyObject_SetAttrString(imp, create_dynamic_def.ml_name, ours) : -1;
    Py_XDECREF(ours);
    Py_XDECREF(cpythons);
    Py_XDECREF(name);
    Py_XDECREF(imp);
    return result;
}

#else

PyObject *foreign_error_checked(PyObject *module, PyObject *spec)
{
    (void)spec;
    return module;
}

int foreign_error_install(void)
{
    return 0;
}

#endif
