/* Odd: a static type in a module that is multi-phase otherwise. It has no slot that tells whether it can be in many
 * interpreters, so CPython takes it for one that shares a GIL (PEP 684): the type is one object for all of them. */
#include <Python.h>

typedef struct point {
    PyObject base;
    long x, y;
} point;

static PyTypeObject point_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "static_type.Point",
    .tp_basicsize = sizeof(point),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
};

static int execute(PyObject *module)
{
    return PyModule_AddType(module, &point_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "static_type", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit_static_type(void)
{
    return PyModuleDef_Init(&definition);
}
