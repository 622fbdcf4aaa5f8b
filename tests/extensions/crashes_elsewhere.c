/* Odd: takes for granted that it is in the main interpreter, whose __main__ has what it wants, and follows a null
 * pointer where it is not. Its slot says otherwise. */
#include <stdlib.h>

#include <Python.h>

static int execute(PyObject *module)
{
    (void)module;
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        volatile int *nothing = NULL;
        *nothing = 1;
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute}, {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "crashes_elsewhere", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_crashes_elsewhere(void)
{
    return PyModuleDef_Init(&definition);
}
