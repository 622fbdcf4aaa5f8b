/* PEP 793, CPython 3.15: no init function, but slots. Older ones find no module here. */
#include <Python.h>

#if PY_VERSION_HEX >= 0x030f0000
static int count;

static PyObject *next(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(++count);
}

static PyMethodDef methods[] = {{"next", next, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
PyABIInfo_VAR(abi);
static PySlot slots[] = {PySlot_STATIC_DATA(Py_mod_abi, &abi),
                         PySlot_STATIC_DATA(Py_mod_name, "exported"),
                         PySlot_STATIC_DATA(Py_mod_methods, methods),
                         PySlot_SIZE(Py_mod_state_size, 24),
                         PySlot_DATA(Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED),
                         PySlot_END};

PyMODEXPORT_FUNC PyModExport_exported(void)
{
    return slots;
}
#endif
