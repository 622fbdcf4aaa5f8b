/* Odd: sets up a library of its own once in a process, and refuses the second time, as NumPy and PyO3's modules do.
 * It is multi-phase and says that it can be in interpreters with their own GIL: in the first of them. */
#include <Python.h>

static int initialized;

static int execute(PyObject *module)
{
    (void)module;
    if (initialized) {
        PyErr_SetString(PyExc_ImportError, "cannot load module more than once per process");
        return -1;
    }
    initialized = 1;
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute}, {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "second_init_fails", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_second_init_fails(void)
{
    return PyModuleDef_Init(&definition);
}
