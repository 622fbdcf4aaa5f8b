/* Odd: ends the process while it is imported, by exit(). */
#include <stdlib.h>

#include <Python.h>

static int execute(PyObject *module)
{
    (void)module;
    exit(3);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute}, {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "exits", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_exits(void)
{
    return PyModuleDef_Init(&definition);
}
