/* Odd: writes 32 MiB to standard output while it is imported. Otherwise it is good. */
#include <string.h>
#include <unistd.h>

#include <Python.h>

enum { PIECE = 64 * 1024, PIECES = 512 };

static int execute(PyObject *module)
{
    static const char piece[PIECE];
    (void)module;
    for (int i = 0; i < PIECES; i++) {
        if (write(STDOUT_FILENO, piece, sizeof piece) < 0) {
            break;
        }
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
                                   {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "floods", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_floods(void)
{
    return PyModuleDef_Init(&definition);
}
