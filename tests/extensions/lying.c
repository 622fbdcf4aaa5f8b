/* Odd: says by its slot that it can be in interpreters with their own GIL, and keeps an object in a C static all the
 * same. CPython believes it: two interpreters change one list with two GILs. */
#include <Python.h>

static PyObject *cache;

static PyObject *remember(PyObject *module, PyObject *object)
{
    (void)module;
    if (PyList_Append(cache, object) < 0) {
        return NULL;
    }
    return PyLong_FromSsize_t(PyList_Size(cache));
}

static int execute(PyObject *module)
{
    if (cache == NULL) {
        cache = PyList_New(0);
    }
    return cache != NULL ? PyModule_AddObjectRef(module, "cache", cache) : -1;
}

static PyMethodDef methods[] = {{"remember", remember, METH_O, "Keeps it; how many there are."}, {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
                                   {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "lying", .m_size = 0, .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_lying(void)
{
    return PyModuleDef_Init(&definition);
}
