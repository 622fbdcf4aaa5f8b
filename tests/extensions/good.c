/* Not odd: multi-phase, a type and a counter in the module's state, its own GIL (PEP 489, 573, 630, 684, 703). */
#include <Python.h>

typedef struct state {
    PyObject *type;
    long counter;
} state;

static PyObject *count(PyObject *module, PyObject *unused)
{
    state *own = PyModule_GetState(module);
    (void)unused;
    return PyLong_FromLong(++own->counter);
}

static void point_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static int point_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyType_Slot point_slots[] = {{Py_tp_dealloc, point_free}, {Py_tp_traverse, point_traverse}, {0, NULL}};

static PyType_Spec point_spec = {.name = "good.Point",
                                 .basicsize = sizeof(PyObject),
                                 .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                                 .slots = point_slots};

static int execute(PyObject *module)
{
    state *own = PyModule_GetState(module);
    own->type = PyType_FromModuleAndSpec(module, &point_spec, NULL);
    return own->type != NULL ? PyModule_AddType(module, (PyTypeObject *)own->type) : -1;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    state *own = PyModule_GetState(module);
    Py_VISIT(own->type);
    return 0;
}

static int clear(PyObject *module)
{
    state *own = PyModule_GetState(module);
    Py_CLEAR(own->type);
    return 0;
}

static void module_free(void *module)
{
    clear(module);
}

static PyMethodDef methods[] = {{"count", count, METH_NOARGS, "How often it was called in this interpreter."},
                                {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
                                   {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "good",
    .m_size = sizeof(state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_good(void)
{
    return PyModuleDef_Init(&definition);
}
