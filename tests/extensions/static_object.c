/* Odd: an object kept in a C static, made by whoever asks first and given to all. Single-phase. Two interpreters then
 * have one list, whose owner may be gone. */
#include <Python.h>

static PyObject *cache;

static PyObject *get(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (cache == NULL) {
        cache = PyList_New(0);
    }
    return Py_XNewRef(cache);
}

static PyMethodDef methods[] = {{"get", get, METH_NOARGS, "The one list."}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "static_object", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_static_object(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyObject *list = module != NULL ? get(module, NULL) : NULL;
    if (list == NULL || PyModule_AddObjectRef(module, "everything", list) < 0) {
        Py_CLEAR(module);
    }
    Py_XDECREF(list);
    return module;
}
