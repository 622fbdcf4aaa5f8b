/* The Python package `isles`, for interpreters: their sys.path is their own affair, and the package has to be the one
 * that belongs to this library. So the first finder of each is ours, and finds that one name. */
#include <string.h>

#include "python.h"

/* find_spec(name, path=None, target=None): importlib.abc.MetaPathFinder, of which only this function is asked. */
static PyObject *find_spec(PyObject *self, PyObject *args)
{
    const char *name = PyTuple_GET_SIZE(args) > 0 ? PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 0)) : NULL;
    if (name == NULL) {
        return NULL;
    }
    if (strcmp(name, "isles") != 0) {
        Py_RETURN_NONE;
    }
    PyObject *bootstrap = PyImport_ImportModule("_frozen_importlib_external");
    PyObject *make = bootstrap != NULL ? PyObject_GetAttrString(bootstrap, "spec_from_file_location") : NULL;
    PyObject *location = PyUnicode_FromFormat("%U/__init__.py", self);
    PyObject *given = location != NULL ? Py_BuildValue("(sO)", "isles", location) : NULL;
    PyObject *named = Py_BuildValue("{s:[O]}", "submodule_search_locations", self);
    PyObject *spec = make != NULL && given != NULL && named != NULL ? PyObject_Call(make, given, named) : NULL;
    Py_XDECREF(named);
    Py_XDECREF(given);
    Py_XDECREF(location);
    Py_XDECREF(make);
    Py_XDECREF(bootstrap);
    return spec;
}

static PyMethodDef find_spec_def = {"find_spec", find_spec, METH_VARARGS, NULL};

int package_install(void)
{
    PyObject *folder = PyUnicode_DecodeFSDefault(engine.package);
    PyObject *function = folder != NULL ? PyCFunction_New(&find_spec_def, folder) : NULL;
    PyObject *finder = function != NULL ? PyModule_New("isles finder") : NULL;
    PyObject *meta_path = PySys_GetObject("meta_path"); /* borrowed */
    int failed = finder == NULL || meta_path == NULL || PyModule_AddObjectRef(finder, "find_spec", function) < 0 ||
                 PyList_Insert(meta_path, 0, finder) < 0;
    Py_XDECREF(finder);
    Py_XDECREF(function);
    Py_XDECREF(folder);
    return failed ? -1 : 0;
}
