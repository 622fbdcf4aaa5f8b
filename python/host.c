/* isles._host: lets Isles adopt the Python that runs this. The library is linked into it; the module is imported once, by
 * the main interpreter, and stays until the process ends. What Python code then uses is the module `_isles`. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <isles/isles.h>

static isle_runtime *runtime; /* stops by itself when Python exits */

static PyObject *adopt(PyObject *module, PyObject *package)
{
    (void)module;
    PyObject *folder = NULL;
    isle_error *error = NULL;
    if (runtime != NULL) {
        Py_RETURN_NONE;
    }
    if (!PyUnicode_FSConverter(package, &folder)) {
        return NULL;
    }
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.package = PyBytes_AS_STRING(folder);
    isle_status status = isle_runtime_adopt(&config, &runtime, &error);
    if (status != ISLE_OK) {
        PyErr_Format(PyExc_ImportError, "isles: %s", isle_error_message(error));
        isle_error_free(error);
    }
    Py_DECREF(folder);
    return status == ISLE_OK ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef functions[] = {
    {"adopt", adopt, METH_O,
     "adopt(package)\n\nLets Isles adopt this Python; package is the folder of the package isles."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* the main one adopts for all */
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,  .m_name = "isles._host", .m_doc = "Isles in this process.",
    .m_methods = functions, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__host(void)
{
    return PyModuleDef_Init(&definition);
}
