/* Odd: waits for ever while it is imported outside the main interpreter, in C, where no exception reaches it. */
#include <unistd.h>

#include <Python.h>

static int execute(PyObject *module)
{
    (void)module;
    while (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        pause();
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute}, {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "hangs", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_hangs(void)
{
    return PyModuleDef_Init(&definition);
}
