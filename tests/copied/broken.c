/* Init functions that fail, each in its way. */
#include <Python.h>

PyMODINIT_FUNC PyInit_broken(void)
{
    return NULL;
}

PyMODINIT_FUNC PyInit_raises(void)
{
    PyErr_SetString(PyExc_RuntimeError, "not today");
    return NULL;
}

PyMODINIT_FUNC PyInit_no_module(void)
{
    return PyLong_FromLong(5);
}

PyMODINIT_FUNC PyInit_leaves_exception(void)
{
    static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "leaves_exception", .m_size = -1};
    PyObject *module = PyModule_Create(&def);
    PyErr_SetString(PyExc_RuntimeError, "left behind");
    return module;
}

PyMODINIT_FUNC PyInit_imports(void)
{
    PyObject *module = PyImport_ImportModule("of_no_such_name");
    Py_XDECREF(module);
    return NULL;
}
