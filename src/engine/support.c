/* support.py inside an interpreter: loaded when it is first needed. */
#include "python.h"

/* Calls what `find` returns, with no frame of ours in between (a debugger stops in the caller's); None: nothing. */
static PyObject *found(PyObject *find, PyObject *args, PyObject *kwargs)
{
    PyObject *function = PyObject_CallNoArgs(find);
    if (function == NULL || function == Py_None) {
        return function;
    }
    PyObject *result = PyObject_Call(function, args, kwargs);
    Py_DECREF(function);
    return result;
}

static PyMethodDef found_def = {"breakpointhook", (PyCFunction)(void (*)(void))found, METH_VARARGS | METH_KEYWORDS,
                                "breakpointhook($module, /, *args, **kwargs)\n--\n\nWhat breakpoint() calls, as "
                                "PYTHONBREAKPOINT in os.environ says."};

static PyObject *call_found(PyObject *self, PyObject *find)
{
    (void)self;
    return PyCFunction_New(&found_def, find);
}

static PyMethodDef call_found_def = {"call_found", call_found, METH_O, NULL};

static int add_functions(PyObject *globals)
{
    PyObject *function = PyCFunction_New(&call_found_def, NULL);
    int failed = function == NULL || PyDict_SetItemString(globals, "call_found", function) < 0;
    Py_XDECREF(function);
    return failed ? -1 : 0;
}

static PyObject *load(void)
{
    PyObject *globals = script_load(SCRIPT_SUPPORT, "isles._support");
    if (globals != NULL && add_functions(globals) < 0) {
        Py_CLEAR(globals);
    }
    return globals;
}

PyObject *support_call(engine_interp *interp, const char *function, PyObject *args)
{
    if (args == NULL) {
        return NULL;
    }
    if (interp->support == NULL) {
        interp->support = load();
    }
    PyObject *callable = interp->support != NULL ? PyDict_GetItemString(interp->support, function) : NULL;
    PyObject *result = callable != NULL ? PyObject_Call(callable, args, NULL) : NULL;
    Py_DECREF(args);
    if (callable == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_SystemError, "isles: no support function %s", function);
    }
    return result;
}
