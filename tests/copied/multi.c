/* Multi-phase, with a static counter; what it says of interpreters is given by SAYS. */
#include <Python.h>

#ifndef NAME
#define NAME multi
#define SAYS Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

static int count;

static PyObject *next(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(++count);
}

static PyObject *address(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromVoidPtr(&count);
}

static PyObject *code(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromVoidPtr((void *)next);
}

static int fill(PyObject *module)
{
    return PyModule_AddIntConstant(module, "filled", 1);
}

static PyMethodDef methods[] = {{"next", next, METH_NOARGS, NULL},
                                {"address", address, METH_NOARGS, NULL},
                                {"code", code, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)fill},
#ifdef SAYS
                                   {Py_mod_multiple_interpreters, SAYS},
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                                   {0, NULL}};

static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = TEXT(NAME), .m_size = 16, .m_methods = methods,
                                 .m_slots = slots};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    return PyModuleDef_Init(&def);
}
