/* One of two extensions that share libcopied_python_helper.so. */
#include <Python.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

PyObject *helper_list(void);
int helper_plain(void);
int plain_next(void);
int blas_next(void);

static PyObject *shared_list(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return helper_list();
}

static PyObject *plain(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    int by_helper = helper_plain();
    return Py_BuildValue("(ii)", by_helper, plain_next());
}

static PyObject *blas(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLong(blas_next());
}

static PyMethodDef methods[] = {{"shared_list", shared_list, METH_NOARGS, NULL},
                                {"plain", plain, METH_NOARGS, NULL},
                                {"blas", blas, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = TEXT(NAME), .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    return PyModule_Create(&def);
}
