/* Single-phase: a counter, an object and a type, all static. */
#include <Python.h>

#ifndef NAME
#define NAME single
#endif
#ifndef STATE_SIZE
#define STATE_SIZE -1
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

static int count;
static PyObject *kept;

static PyObject *next(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(++count);
}

static PyObject *keep(PyObject *self, PyObject *object)
{
    (void)self;
    PyObject *before = kept != NULL ? kept : Py_NewRef(Py_None);
    kept = Py_NewRef(object);
    return before;
}

static PyTypeObject thing_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = TEXT(NAME) ".Thing",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};

static PyMethodDef methods[] = {
    {"next", next, METH_NOARGS, "counts"}, {"keep", keep, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = TEXT(NAME), .m_size = STATE_SIZE,
                                 .m_methods = methods};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    PyObject *module = PyModule_Create(&def);
    if (module != NULL &&
        (PyType_Ready(&thing_type) < 0 || PyModule_AddObjectRef(module, "Thing", (PyObject *)&thing_type) < 0 ||
         PyModule_AddIntConstant(module, "initialized_as", ++count) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}
