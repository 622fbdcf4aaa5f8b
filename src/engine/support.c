/* support.py inside an interpreter: compiled once by the main interpreter at start, loaded into another when it is
 * first needed. The marshalled bytes are written before any other interpreter exists and only read afterwards. */
#include <string.h>

#include "python.h"

#include <marshal.h>

#include "support_source.h" /* made by CMake from support.py */

int support_prepare(void)
{
    PyObject *code = Py_CompileString(support_source, "<isles>", Py_file_input);
    PyObject *bytes = code != NULL ? PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION) : NULL;
    Py_XDECREF(code);
    if (bytes == NULL) {
        return -1;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    char *copy = plat_malloc(size);
    if (copy != NULL) {
        memcpy(copy, PyBytes_AS_STRING(bytes), size);
        plat_free(engine.support_data);
        engine.support_data = copy;
        engine.support_size = size;
    } else {
        PyErr_NoMemory();
    }
    Py_DECREF(bytes);
    return copy != NULL ? 0 : -1;
}

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
    PyObject *globals = PyDict_New();
    PyObject *code = PyMarshal_ReadObjectFromString(engine.support_data, (Py_ssize_t)engine.support_size);
    PyObject *name = PyUnicode_FromString("isles._support");
    PyObject *done = NULL;
    if (globals != NULL && code != NULL && name != NULL && PyDict_SetItemString(globals, "__name__", name) == 0 &&
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0 && add_functions(globals) == 0) {
        done = PyEval_EvalCode(code, globals, globals);
    }
    if (done == NULL) {
        Py_CLEAR(globals);
    }
    Py_XDECREF(done);
    Py_XDECREF(name);
    Py_XDECREF(code);
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
