/* Two modules in one file, which share what is static there, and one whose name is not ASCII. */
#include <Python.h>

static int count;

static PyObject *next(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(++count);
}

static PyMethodDef methods[] = {{"next", next, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "several", .m_size = -1, .m_methods = methods};
static struct PyModuleDef second_def = {PyModuleDef_HEAD_INIT, .m_name = "second", .m_size = -1, .m_methods = methods};
static PyModuleDef_Slot no_slots[] = {{0, NULL}};
static struct PyModuleDef far_def = {PyModuleDef_HEAD_INIT, .m_name = "entferntes_gr\xc3\xbc\xc3\x9f",
                                     .m_methods = methods, .m_slots = no_slots};

PyMODINIT_FUNC PyInit_several(void)
{
    return PyModule_Create(&def);
}

PyMODINIT_FUNC PyInit_second(void)
{
    return PyModule_Create(&second_def);
}

/* "grüß".encode("punycode") is gr-hia9i */
PyMODINIT_FUNC PyInitU_gr_hia9i(void)
{
    return PyModuleDef_Init(&far_def);
}
