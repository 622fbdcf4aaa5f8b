/* support.py and processes.py inside an interpreter: loaded when they are first needed. */
#include "python.h"

PyObject *support_call(engine_interp *interp, const char *function, PyObject *args)
{
    if (args == NULL) {
        return NULL;
    }
    if (interp->support == NULL) {
        interp->support = script_load(SCRIPT_SUPPORT, "isles._support");
    }
    PyObject *callable = interp->support != NULL ? PyDict_GetItemString(interp->support, function) : NULL;
    PyObject *result = callable != NULL ? PyObject_Call(callable, args, NULL) : NULL;
    Py_DECREF(args);
    if (callable == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_SystemError, "isles: no support function %s", function);
    }
    return result;
}

PyObject *processes_function(engine_interp *interp, const char *name)
{
    if (interp->processes == NULL) {
        interp->processes = script_load(SCRIPT_PROCESSES, "isles._processes");
    }
    PyObject *function = interp->processes != NULL ? PyDict_GetItemString(interp->processes, name) : NULL;
    if (function == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_SystemError, "isles: no function %s", name);
    }
    return function;
}
