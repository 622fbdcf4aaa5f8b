/* Thread-local data in the static TLS block (initial-exec), of which a process has a small reserve for libraries that
 * are loaded later: each copy takes some of it. */
#include <Python.h>

static __thread char block[400] __attribute__((tls_model("initial-exec")));

static PyObject *next(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(++block[17]);
}

static PyMethodDef methods[] = {{"next", next, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = "static_tls", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_static_tls(void)
{
    return PyModule_Create(&def);
}
