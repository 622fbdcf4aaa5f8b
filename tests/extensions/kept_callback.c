/* Odd: keeps the function that it was given last in a C static, whichever interpreter it is of, and calls it for all.
 * Multi-phase, without slots. */
#include <Python.h>

static PyObject *callback;

static PyObject *set_callback(PyObject *module, PyObject *function)
{
    (void)module;
    Py_XSETREF(callback, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyObject *call(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (callback == NULL) {
        Py_RETURN_NONE;
    }
    return PyObject_CallNoArgs(callback);
}

static PyMethodDef methods[] = {{"set_callback", set_callback, METH_O, "Keeps a function."},
                                {"call", call, METH_NOARGS, "Calls it."},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "kept_callback", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit_kept_callback(void)
{
    return PyModuleDef_Init(&definition);
}
