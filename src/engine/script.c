/* Python code of ours: compiled once by the main interpreter at start, loaded into another when it is first needed
 * there. The marshalled bytes are written before any other interpreter exists and only read afterwards. */
#include <string.h>

#include "python.h"

#include <marshal.h>

#include "processes_source.h" /* made by CMake from the .py files beside this one */
#include "support_source.h"
#include "value_types_source.h"
#include "verdicts_source.h"

static struct {
    const char *source;
    char *data;
    size_t size;
} scripts[SCRIPTS] = {[SCRIPT_SUPPORT] = {.source = support_source},
                      [SCRIPT_PROCESSES] = {.source = processes_source},
                      [SCRIPT_VALUE_TYPES] = {.source = value_types_source},
                      [SCRIPT_VERDICTS] = {.source = verdicts_source}};

static int prepare(script which)
{
    PyObject *code = Py_CompileString(scripts[which].source, "<isles>", Py_file_input);
    PyObject *bytes = code != NULL ? PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION) : NULL;
    Py_XDECREF(code);
    if (bytes == NULL) {
        return -1;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    char *copy = plat_malloc(size);
    if (copy != NULL) {
        memcpy(copy, PyBytes_AS_STRING(bytes), size);
        plat_free(scripts[which].data);
        scripts[which].data = copy;
        scripts[which].size = size;
    } else {
        PyErr_NoMemory();
    }
    Py_DECREF(bytes);
    return copy != NULL ? 0 : -1;
}

int script_prepare(void)
{
    for (int i = 0; i < SCRIPTS; i++) {
        if (prepare((script)i) < 0) {
            return -1;
        }
    }
    return 0;
}

void script_forget(void)
{
    for (int i = 0; i < SCRIPTS; i++) {
        plat_free(scripts[i].data);
        scripts[i].data = NULL;
    }
}

static PyObject *load(script which, const char *name)
{
    PyObject *globals = PyDict_New();
    PyObject *code = PyMarshal_ReadObjectFromString(scripts[which].data, (Py_ssize_t)scripts[which].size);
    PyObject *text = PyUnicode_FromString(name);
    PyObject *done = NULL;
    if (globals != NULL && code != NULL && text != NULL && PyDict_SetItemString(globals, "__name__", text) == 0 &&
        PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()) == 0) {
        done = PyEval_EvalCode(code, globals, globals);
    }
    if (done == NULL) {
        Py_CLEAR(globals);
    }
    Py_XDECREF(done);
    Py_XDECREF(text);
    Py_XDECREF(code);
    return globals;
}

PyObject *script_load(script which, const char *name)
{
    policy_pause(true); /* it is no doing of the program's, and runs none of its code */
    PyObject *globals = load(which, name);
    policy_pause(false);
    return globals;
}
