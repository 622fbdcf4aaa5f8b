/* The module `bag` as extensions were written for many years, with what keeps it from interpreters of their own: static
 * types, static objects, static numbers, and an init function that makes the module itself (single-phase). It works
 * in one interpreter. docs/extension-authors.md goes from here to ../good/bag.c, step by step. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *full_error; /* the exception bag.Full */
static PyObject *on_full;    /* a function of the user's, or NULL */
static long added;           /* items, in all bags */

typedef struct bag {
    PyObject ob_base; /* PyObject_HEAD */
    PyObject *items;
    Py_ssize_t limit;
} bag;

static PyObject *bag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"limit", NULL};
    Py_ssize_t limit = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n", names, &limit)) {
        return NULL;
    }
    bag *self = (bag *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->limit = limit;
        self->items = PyList_New(0);
        if (self->items == NULL) {
            Py_CLEAR(self);
        }
    }
    return (PyObject *)self;
}

static void bag_dealloc(bag *self)
{
    Py_XDECREF(self->items);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *tell_full(void)
{
    PyObject *said = on_full != NULL ? PyObject_CallNoArgs(on_full) : Py_NewRef(Py_None);
    if (said != NULL) {
        PyErr_SetString(full_error, "the bag is full");
        Py_DECREF(said);
    }
    return NULL;
}

static PyObject *bag_add(bag *self, PyObject *item)
{
    if (PyList_GET_SIZE(self->items) >= self->limit) {
        return tell_full();
    }
    if (PyList_Append(self->items, item) < 0) {
        return NULL;
    }
    added++;
    Py_RETURN_NONE;
}

static PyMethodDef bag_methods[] = {{"add", (PyCFunction)bag_add, METH_O, "Puts an object in."}, {NULL, NULL, 0, NULL}};

static PyTypeObject bag_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0}, /* PyVarObject_HEAD_INIT(NULL, 0) */
    .tp_name = "bag.Bag",
    .tp_basicsize = sizeof(bag),
    .tp_dealloc = (destructor)bag_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = bag_methods,
    .tp_new = bag_new,
};

static PyObject *module_added(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return PyLong_FromLong(added);
}

static PyObject *module_on_full(PyObject *module, PyObject *function)
{
    (void)module;
    Py_XSETREF(on_full, Py_NewRef(function));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"added", module_added, METH_NOARGS, "How many objects were put into bags."},
    {"on_full", module_on_full, METH_O, "Has this function called where a bag is full."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "bag", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_bag(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    full_error = PyErr_NewException("bag.Full", NULL, NULL);
    if (PyModule_AddObjectRef(module, "Full", full_error) < 0 || PyModule_AddType(module, &bag_type) < 0) {
        Py_CLEAR(module);
    }
    return module;
}
