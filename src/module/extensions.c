/* What an extension module says of itself, and how many copies of libraries the process has. No state; runs
 * attached. */
#include "module.h"

#include <isles/extension.h>

/* _inspect_extension(file, module): its init style, what it says of interpreters and of the GIL, bytes of its state. It
 * is an import for audit hooks and policies: the file's code runs. */
static PyObject *inspect_extension(PyObject *capsule, PyObject *args)
{
    static const char *const inits[] = {[ISLE_EXTENSION_NO_INIT] = NULL,
                                        [ISLE_EXTENSION_SINGLE_PHASE] = "single-phase",
                                        [ISLE_EXTENSION_MULTI_PHASE] = "multi-phase",
                                        [ISLE_EXTENSION_EXPORT] = "export"};
    static const char *const interpreters[] = {[ISLE_EXTENSION_UNSAID] = NULL,
                                               [ISLE_EXTENSION_NOT_SUPPORTED] = "not supported",
                                               [ISLE_EXTENSION_SUPPORTED] = "shared GIL",
                                               [ISLE_EXTENSION_PER_INTERPRETER_GIL] = "own GIL"};
    static const char *const gils[] = {[ISLE_EXTENSION_GIL_UNSAID] = NULL,
                                       [ISLE_EXTENSION_GIL_USED] = "used",
                                       [ISLE_EXTENSION_GIL_NOT_USED] = "not used"};
    isle_extension_info info = {.size = sizeof info};
    isle_error *error = NULL;
    PyObject *path = NULL;
    const char *module;
    if (!PyArg_ParseTuple(args, "O&s", PyUnicode_FSConverter, &path, &module)) {
        return NULL;
    }
    if (PySys_Audit("import", "sOOOO", module, PyTuple_GET_ITEM(args, 0), Py_None, Py_None, Py_None) < 0) {
        Py_DECREF(path);
        return NULL;
    }
    isle_status status = isle_extension_inspect(runtime_running(), PyBytes_AS_STRING(path), module, &info, &error);
    Py_DECREF(path);
    if (status != ISLE_OK) {
        return raise_failure(interp_of(capsule), status, error);
    }
    return Py_BuildValue("(zzzL)", inits[info.init], interpreters[info.interpreters], gils[info.gil],
                         (long long)info.state_size);
}

/* _extension_copies(): of the whole process: number and bytes, of living interpreters and left by ended ones. */
static PyObject *extension_copies(PyObject *capsule, PyObject *unused)
{
    (void)capsule;
    (void)unused;
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    return Py_BuildValue("(KKKK)", info.extension_copies, info.extension_copy_bytes, info.extension_copies_left,
                         info.extension_copies_left_bytes);
}

PyMethodDef extension_functions[] = {
    {"_inspect_extension", inspect_extension, METH_VARARGS, "_inspect_extension(file, module)"},
    {"_extension_copies", extension_copies, METH_NOARGS, "_extension_copies()"},
    {NULL, NULL, 0, NULL},
};
