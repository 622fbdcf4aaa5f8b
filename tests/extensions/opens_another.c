/* Odd: opens a library that lies beside it (tally.c) while it is imported, and counts there. No DT_NEEDED tells of it.
 * Single-phase. */
#include <dlfcn.h>

#include <Python.h>

static long (*tally)(long more);

static PyObject *count(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyLong_FromLong(tally(1));
}

static PyObject *value(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyLong_FromLong(tally(0));
}

static PyMethodDef methods[] = {{"count", count, METH_NOARGS, "Counts this call."},
                                {"value", value, METH_NOARGS, "How often that was."},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "opens_another", .m_size = -1, .m_methods = methods};

static int open_tally(void)
{
    void *library = dlopen(ISLES_TALLY, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "tally") : NULL;
    if (symbol == NULL) {
        PyErr_SetString(PyExc_ImportError, dlerror());
        return -1;
    }
    memcpy(&tally, &symbol, sizeof tally);
    return 0;
}

PyMODINIT_FUNC PyInit_opens_another(void)
{
    return open_tally() == 0 ? PyModule_Create(&definition) : NULL;
}
