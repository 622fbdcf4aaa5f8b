/* A library that uses Python and keeps an object: each interpreter needs one of its own. */
#include <Python.h>

int plain_next(void);
static PyObject *list;

PyObject *helper_list(void)
{
    if (list == NULL) {
        list = PyList_New(0);
    }
    return Py_XNewRef(list);
}

int helper_plain(void)
{
    return plain_next();
}
