/* The module `bag` as it has to be for interpreters with their own GIL, and for a CPython without one: nothing of it
 * is static but constants. What ../bad/bag.c keeps in static variables is the module's state here, the type is made
 * for each module, and the slots say so. docs/extension-authors.md explains each step. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct module_state {
    PyObject *bag_type;
    PyObject *full_error; /* the exception bag.Full */
    PyObject *on_full;    /* a function of the user's, or NULL */
    atomic_long added;    /* items, in all bags of this interpreter */
} module_state;

/* --- the type: PEP 630, 573 --- */

typedef struct bag {
    PyObject ob_base; /* PyObject_HEAD */
    PyObject *items;
    Py_ssize_t limit;
} bag;

static PyObject *bag_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *const names[] = {"limit", NULL};
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

static int bag_traverse(bag *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self)); /* an object of a heap type owns its type */
    Py_VISIT(self->items);
    return 0;
}

static int bag_clear(bag *self)
{
    Py_CLEAR(self->items);
    return 0;
}

static void bag_dealloc(bag *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    bag_clear(self);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

/* A critical section costs nothing in a CPython with a GIL; in one without, it is the object's lock. What may run
 * other Python code, as a call of the user's function does, stands outside. */
static PyObject *get_on_full(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    PyObject *function;
    Py_BEGIN_CRITICAL_SECTION(module);
    function = Py_XNewRef(state->on_full);
    Py_END_CRITICAL_SECTION();
    return function;
}

static PyObject *tell_full(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    PyObject *function = get_on_full(module);
    PyObject *said = function != NULL ? PyObject_CallNoArgs(function) : Py_NewRef(Py_None);
    if (said != NULL) {
        PyErr_SetString(state->full_error, "the bag is full");
        Py_DECREF(said);
    }
    Py_XDECREF(function);
    return NULL;
}

/* METH_METHOD: CPython says of which class the method is, also where `self` is of a subclass; that class knows its
 * module. */
static PyObject *bag_add(bag *self, PyTypeObject *class, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    module_state *state = PyType_GetModuleState(class);
    bool full;
    int status = 0;
    if (count != 1 || (names != NULL && PyTuple_GET_SIZE(names) != 0)) {
        return PyErr_Format(PyExc_TypeError, "add() takes one object");
    }
    Py_BEGIN_CRITICAL_SECTION(self);
    full = PyList_GET_SIZE(self->items) >= self->limit;
    if (!full) {
        status = PyList_Append(self->items, args[0]);
    }
    Py_END_CRITICAL_SECTION();
    if (full) {
        return tell_full(PyType_GetModule(class));
    }
    if (status < 0) {
        return NULL;
    }
    atomic_fetch_add(&state->added, 1);
    Py_RETURN_NONE;
}

static PyMethodDef bag_methods[] = {
    {"add", (PyCFunction)(void (*)(void))bag_add, METH_METHOD | METH_FASTCALL | METH_KEYWORDS, "Puts an object in."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot bag_slots[] = {
    {Py_tp_new, bag_new},         {Py_tp_traverse, bag_traverse}, {Py_tp_clear, bag_clear},
    {Py_tp_dealloc, bag_dealloc}, {Py_tp_methods, bag_methods},   {0, NULL},
};

static PyType_Spec bag_spec = {
    .name = "bag.Bag",
    .basicsize = sizeof(bag),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = bag_slots,
};

/* --- the module: PEP 489, 684, 703 --- */

static PyObject *module_added(PyObject *module, PyObject *unused)
{
    module_state *state = PyModule_GetState(module);
    (void)unused;
    return PyLong_FromLong(atomic_load(&state->added));
}

static PyObject *module_on_full(PyObject *module, PyObject *function)
{
    module_state *state = PyModule_GetState(module);
    PyObject *old;
    Py_BEGIN_CRITICAL_SECTION(module);
    old = state->on_full;
    state->on_full = Py_NewRef(function);
    Py_END_CRITICAL_SECTION();
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"added", module_added, METH_NOARGS, "How many objects were put into bags."},
    {"on_full", module_on_full, METH_O, "Has this function called where a bag is full."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    state->full_error = PyErr_NewException("bag.Full", NULL, NULL);
    if (state->full_error == NULL || PyModule_AddObjectRef(module, "Full", state->full_error) < 0) {
        return -1;
    }
    state->bag_type = PyType_FromModuleAndSpec(module, &bag_spec, NULL);
    return state->bag_type != NULL ? PyModule_AddType(module, (PyTypeObject *)state->bag_type) : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    module_state *state = PyModule_GetState(module);
    Py_VISIT(state->bag_type);
    Py_VISIT(state->full_error);
    Py_VISIT(state->on_full);
    return 0;
}

static int module_clear(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->bag_type);
    Py_CLEAR(state->full_error);
    Py_CLEAR(state->on_full);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,   .m_name = "bag",       .m_size = sizeof(module_state),
    .m_methods = methods,    .m_slots = slots,      .m_traverse = module_traverse,
    .m_clear = module_clear, .m_free = module_free,
};

PyMODINIT_FUNC PyInit_bag(void)
{
    return PyModuleDef_Init(&definition);
}
