/* Odd: the library's destructor releases an object that it kept, after the interpreter that made it has ended. In the
 * main interpreter it asks first whether Python still runs; where another interpreter was the object's, Python does. */
#include <Python.h>

static PyObject *kept;

__attribute__((destructor)) static void release(void)
{
    if (Py_IsInitialized()) {
        Py_CLEAR(kept);
    }
}

static int execute(PyObject *module)
{
    if (kept == NULL) {
        kept = PyList_New(0);
    }
    return PyModule_AddObjectRef(module, "kept", kept);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "destructor_order", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_destructor_order(void)
{
    return PyModuleDef_Init(&definition);
}
