/* An extension that binds to a ring of libraries. */
#include <Python.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

int FIRST(int depth);

static PyObject *call(PyObject *self, PyObject *depth)
{
    (void)self;
    return PyLong_FromLong(FIRST((int)PyLong_AsLong(depth)));
}

static PyMethodDef methods[] = {{"call", call, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = TEXT(NAME), .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    return PyModule_Create(&def);
}
