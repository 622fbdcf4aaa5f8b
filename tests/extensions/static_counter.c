/* Odd: a number in a C static, as old modules keep it. Single-phase, so that CPython initializes it once, in the main
 * interpreter, and all interpreters count in one variable. Only a copy of the library gives an interpreter its own. */
#include <Python.h>

static long counter;

static PyObject *count(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyLong_FromLong(++counter);
}

static PyObject *value(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyLong_FromLong(counter);
}

static PyMethodDef methods[] = {{"count", count, METH_NOARGS, "Counts this call."},
                                {"value", value, METH_NOARGS, "How often that was."},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "static_counter", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_static_counter(void)
{
    return PyModule_Create(&definition);
}
