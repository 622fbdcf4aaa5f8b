/* Odd: what each interpreter makes of it outlives the interpreter: 1 MiB of memory and an object, both in its module's
 * state, which nothing frees (m_free is missing). Otherwise it is good. */
#include <string.h>

#include <Python.h>

enum { WASTE = 1024 * 1024 };

typedef struct state {
    char *memory;
    PyObject *object;
} state;

static int execute(PyObject *module)
{
    state *own = PyModule_GetState(module);
    own->memory = malloc(WASTE);
    own->object = PyDict_New();
    if (own->memory == NULL || own->object == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(own->memory, 1, WASTE);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
                                   {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "leaking", .m_size = sizeof(state), .m_slots = slots};

PyMODINIT_FUNC PyInit_leaking(void)
{
    return PyModuleDef_Init(&definition);
}
