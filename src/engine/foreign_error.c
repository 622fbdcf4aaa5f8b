/* Exceptions of the main interpreter that CPython raises in another one.
 *
 * CPython 3.13 and newer call every extension's init function in the main interpreter first. If that raises an
 * exception, 3.13.0 raises the same object in the interpreter that imports (python/cpython#144601; mended in 3.13.15,
 * 3.14.8 and 3.15.0, or before). It is the main interpreter's memory: with an own GIL and allocator (PEP 684), to free
 * it crashes the process. So what was raised by the import function, and is not among the objects of this interpreter,
 * is replaced by an ImportError with its words, and is never touched again: it stays, one for each import that fails in
 * this way. */
#include "python.h"
#include "replace.h"

static positional_fn original;

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

static void check(PyObject *spec)
{
    PyObject *error = PyErr_GetRaisedException();
    if (is_foreign(error)) {
        replace(error, spec);
    } else {
        PyErr_SetRaisedException(error);
    }
}

static PyObject *create_dynamic(PyObject *imp, PyObject *const *args, Py_ssize_t count)
{
    PyObject *module = original(imp, args, count);
    const engine_interp *interp = module == NULL && count > 0 ? interp_of_thread() : NULL;
    if (interp != NULL && interp->own_gil) {
        check(args[0]);
    }
    return module;
}

isle_status foreign_error_start(engine_failure *failure)
{
    static const replacement list[] = {
        {"_imp", "create_dynamic", METH_FASTCALL, WAY(create_dynamic), ORIGINAL(original), false}};
    return replace_functions(list, 1, failure);
}
