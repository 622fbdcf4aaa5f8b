/* The module `isles` inside an interpreter: who it is, the host's functions, the exceptions of Isles. Made once
 * for each interpreter and put into its sys.modules; its functions hold the engine_interp in a capsule. */
#include <stddef.h>
#include <string.h>

#include <isles/queue.h>
#include <isles/status.h>

#include "python.h"
#include "queue.h"

static engine_interp *interp_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, "isles.interp");
}

static PyObject *host_error(engine_interp *interp, const char *name, isle_status status, char *message)
{
    if (module_make_classes(interp) == 0) {
        PyErr_Format(interp->host_error, "%s: %s", name, message != NULL ? message : isle_status_text(status));
    }
    plat_free(message);
    return NULL;
}

/* self is (capsule, name); args the caller's. */
static PyObject *call_host(PyObject *self, PyObject *args)
{
    engine_interp *interp = interp_of(PyTuple_GET_ITEM(self, 0));
    const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(self, 1));
    parcel given, result = {.data = NULL};
    char *message = NULL;
    engine_failure failure = {0};
    if (name == NULL) {
        return NULL;
    }
    if (convert_from_object(interp, args, "args", &given, &failure) != ISLE_OK) {
        if (PyErr_Occurred()) {
            return NULL;
        }
        PyErr_SetString(PyExc_TypeError, failure.message != NULL ? failure.message : "not shareable");
        engine_failure_clear(&failure);
        return NULL;
    }
    engine_interp *before = engine_calling;
    PyThreadState *state = PyEval_SaveThread();
    engine_calling = interp;
    isle_status status = engine.hooks.on_host_call(interp->core, name, &given, &result, &message);
    engine_calling = before;
    PyEval_RestoreThread(state);
    parcel_clear(&given);
    if (status != ISLE_OK) {
        return host_error(interp, name, status, message);
    }
    PyObject *value = result.data != NULL ? convert_to_object(interp, &result) : Py_NewRef(Py_None);
    parcel_clear(&result);
    return value;
}

static PyMethodDef call_host_def = {"host function", call_host, METH_VARARGS, "A function of the host program."};

static int add_host_function(PyObject *host, PyObject *capsule, const char *name)
{
    PyObject *self = Py_BuildValue("(Os)", capsule, name);
    PyObject *function = self != NULL ? PyCFunction_New(&call_host_def, self) : NULL;
    int failed = function == NULL || PyObject_SetAttrString(host, name, function) < 0;
    Py_XDECREF(self);
    Py_XDECREF(function);
    return failed ? -1 : 0;
}

static PyObject *make_host(engine_interp *interp)
{
    PyObject *capsule = PyCapsule_New(interp, "isles.interp", NULL);
    PyObject *host = capsule != NULL ? PyModule_New("isles.host") : NULL;
    const char *name;
    for (size_t i = 0; host != NULL && (name = engine.hooks.host_function_name(i)) != NULL; i++) {
        if (add_host_function(host, capsule, name) < 0) {
            Py_CLEAR(host);
        }
    }
    Py_XDECREF(capsule);
    return host;
}

/* --- exceptions that stop code ------------------------------------------------------------------------------------ */

/* Each interpreter has them from its start, so they are made the cheap way: PyErr_NewException looks for each of the
 * slots of a class in all of its bases. */

static int visit_exception(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return ((PyTypeObject *)PyExc_BaseException)->tp_traverse(self, visit, arg);
}

static int clear_exception(PyObject *self)
{
    return ((PyTypeObject *)PyExc_BaseException)->tp_clear(self);
}

static PyObject *make_exception(const char *name, const char *doc, PyObject *base)
{
    PyType_Slot slots[] = {{Py_tp_doc, (void *)doc},
                           {Py_tp_traverse, (void *)visit_exception},
                           {Py_tp_clear, (void *)clear_exception},
                           {0, NULL}};
    PyType_Spec spec = {.name = name,
                        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
                                 Py_TPFLAGS_MANAGED_WEAKREF,
                        .slots = slots};
    return base != NULL ? PyType_FromSpecWithBases(&spec, base) : NULL;
}

static int make_exceptions(engine_interp *interp)
{
    interp->cancelled = make_exception(
        "isles.Cancelled", "Raised in code that is being stopped: its deadline passed, or its job was cancelled.",
        PyExc_KeyboardInterrupt);
    interp->over_budget = make_exception("isles.BudgetExceeded", "The interpreter has used up a budget.",
                                         interp->cancelled);
    return interp->over_budget != NULL ? 0 : -1;
}

/* --- queues ----------------------------------------------------------------------------------------------------- */

/* What PyArg_Parse says has no names. false: an exception. */
static bool take_name(PyObject *given, const char **out)
{
    Py_ssize_t len;
    if (!PyUnicode_Check(given)) {
        PyErr_Format(PyExc_TypeError, "name must be a str, not %.100s", Py_TYPE(given)->tp_name);
        return false;
    }
    *out = PyUnicode_AsUTF8AndSize(given, &len);
    if (*out != NULL && strlen(*out) != (size_t)len) {
        PyErr_Format(PyExc_ValueError, "name has a null character: %R", given);
        return false;
    }
    return *out != NULL;
}

static bool take_most(const char *argument, PyObject *given, size_t *out)
{
    if (!PyIndex_Check(given)) {
        PyErr_Format(PyExc_TypeError, "%s must be an int, not %.100s", argument, Py_TYPE(given)->tp_name);
        return false;
    }
    Py_ssize_t number = PyNumber_AsSsize_t(given, PyExc_OverflowError);
    *out = number > 0 ? (size_t)number : 0;
    return number != -1 || !PyErr_Occurred();
}

static PyObject *create_queue(PyObject *capsule, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"maxsize", "name", "max_bytes", "unbound", NULL};
    PyObject *maxsize = NULL, *given_name = NULL, *max_bytes = NULL, *unbound = NULL;
    queue_limits limits = {0};
    const char *name = NULL;
    bool taken;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$OOO:create_queue", names, &maxsize, &given_name, &max_bytes,
                                     &unbound) ||
        (maxsize != NULL && !take_most("maxsize", maxsize, &limits.max_items)) ||
        (max_bytes != NULL && !take_most("max_bytes", max_bytes, &limits.max_bytes)) ||
        (given_name != NULL && given_name != Py_None && !take_name(given_name, &name))) {
        return NULL;
    }
    int tag = unbound != NULL ? queue_unbound_of(unbound) : ISLE_UNBOUND_KEEP;
    if (tag < 0 || module_make_classes(interp_of(capsule)) < 0) {
        return NULL;
    }
    queue *q = queue_new(name, limits, tag, &taken);
    if (q == NULL && taken) {
        return PyErr_Format(PyExc_ValueError, "a queue named %s lives already", name);
    }
    return q != NULL ? queue_wrap(interp_of(capsule), q) : PyErr_NoMemory();
}

static PyObject *find_queue(PyObject *capsule, PyObject *arg)
{
    const char *name;
    if (!take_name(arg, &name) || module_make_classes(interp_of(capsule)) < 0) {
        return NULL;
    }
    queue *q = queue_find(name);
    return q != NULL ? queue_wrap(interp_of(capsule), q)
                     : PyErr_Format(PyExc_LookupError, "there is no queue named %s", name);
}

static PyMethodDef create_queue_def = {
    "create_queue", (PyCFunction)(void (*)(void))create_queue, METH_VARARGS | METH_KEYWORDS,
    "create_queue(maxsize=0, *, name=None, max_bytes=0, unbound='keep')\n\nA new queue. Others find it by its name "
    "while "
    "it lives. unbound says what becomes of\nvalues whose interpreter ends before they are got: 'keep', 'remove', "
    "'marker' (UNBOUND is\ngot in their place), 'error' (their getter gets QueueItemUnbound)."};
static PyMethodDef select_def = {"select", (PyCFunction)(void (*)(void))queue_select, METH_FASTCALL | METH_KEYWORDS,
                                 "select(things, timeout=None)\n\nWaits until one of the things can be read; gives a "
                                 "list of those that can. They are\nqueues (from which a get would not wait), "
                                 "descriptors, objects with fileno().\nAn empty list: the time is over."};
static PyMethodDef find_queue_def = {"find_queue", find_queue, METH_O,
                                     "find_queue(name)\n\nThe queue of that name. Raises LookupError."};

/* What the module has once somebody asked for one of them, and where the interpreter keeps it. */
static const struct {
    const char *name;
    size_t offset;
} lazy_names[] = {
    {"HostError", offsetof(engine_interp, host_error)},
    {"Queue", offsetof(engine_interp, queue_type)},
    {"UNBOUND", offsetof(engine_interp, unbound)},
    {"NotShareableError", offsetof(engine_interp, not_shareable)},
    {"QueueClosed", offsetof(engine_interp, queue_errors[QUEUE_ERROR_CLOSED])},
    {"QueueEmpty", offsetof(engine_interp, queue_errors[QUEUE_ERROR_EMPTY])},
    {"QueueFull", offsetof(engine_interp, queue_errors[QUEUE_ERROR_FULL])},
    {"QueueItemUnbound", offsetof(engine_interp, queue_errors[QUEUE_ERROR_UNBOUND])},
};

static PyObject **lazy_object_of(engine_interp *interp, size_t which)
{
    return (PyObject **)((char *)interp + lazy_names[which].offset);
}

/* The classes are made when somebody first asks for one: most interpreters never do. They are then attributes of
 * the module. */
int module_make_classes(engine_interp *interp)
{
    if (interp->queue_type != NULL) {
        return 0;
    }
    PyObject *module = PyImport_ImportModule("_isles");
    Py_XSETREF(interp->host_error, PyErr_NewExceptionWithDoc("isles.HostError", "A function of the host failed.",
                                                             PyExc_RuntimeError, NULL));
    int failed = module == NULL || interp->host_error == NULL || queue_type_make(interp) < 0;
    for (size_t i = 0; !failed && i < sizeof lazy_names / sizeof *lazy_names; i++) {
        failed = PyModule_AddObjectRef(module, lazy_names[i].name, *lazy_object_of(interp, i)) < 0;
    }
    Py_XDECREF(module);
    return failed ? -1 : 0;
}

static bool is_lazy(PyObject *name)
{
    for (size_t i = 0; i < sizeof lazy_names / sizeof *lazy_names; i++) {
        if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, lazy_names[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* The module's __getattr__ (PEP 562): asked for what it has not. */
static PyObject *find_attribute(PyObject *capsule, PyObject *name)
{
    engine_interp *interp = interp_of(capsule);
    if (!is_lazy(name) || interp->queue_type != NULL) {
        return PyErr_Format(PyExc_AttributeError, "module '%s' has no attribute '%S'",
                            engine.package != NULL ? "_isles" : "isles", name);
    }
    PyObject *module = module_make_classes(interp) == 0 ? PyImport_ImportModule("_isles") : NULL;
    PyObject *value = module != NULL ? PyObject_GetAttr(module, name) : NULL;
    Py_XDECREF(module);
    return value;
}

static PyMethodDef find_attribute_def = {"__getattr__", find_attribute, METH_O, NULL};

static int add_queues(engine_interp *interp, PyObject *module)
{
    PyObject *capsule = PyCapsule_New(interp, "isles.interp", NULL);
    int failed = capsule == NULL ||
                 (engine_extend_module != NULL && engine_extend_module(interp, module, capsule) < 0) ||
                 PyModule_Add(module, "create_queue", PyCFunction_New(&create_queue_def, capsule)) < 0 ||
                 PyModule_Add(module, "find_queue", PyCFunction_New(&find_queue_def, capsule)) < 0 ||
                 PyModule_Add(module, "select", PyCFunction_New(&select_def, capsule)) < 0 ||
                 PyModule_Add(module, "__getattr__", PyCFunction_New(&find_attribute_def, capsule)) < 0 ||
                 value_functions_install(module, capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}

/* threading makes its main thread from this: the home thread, not the process's first. */
static PyObject *main_thread_ident(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyMethodDef main_thread_ident_def = {
    "_get_main_thread_ident", main_thread_ident, METH_NOARGS,
    "_get_main_thread_ident($module, /)\n--\n\nThe ident of this interpreter's main thread: its home thread (Isles)."};

static int name_main_thread(engine_interp *interp)
{
    PyObject *thread = PyImport_ImportModule("_thread");
    PyObject *ident = PyLong_FromUnsignedLong(interp->home_ident);
    PyObject *name = PyUnicode_FromString("_thread");
    PyObject *function = ident != NULL && name != NULL ? PyCFunction_NewEx(&main_thread_ident_def, ident, name) : NULL;
    int failed = thread == NULL || function == NULL ||
                 PyObject_SetAttrString(thread, "_get_main_thread_ident", function) < 0;
    Py_XDECREF(thread);
    Py_XDECREF(ident);
    Py_XDECREF(name);
    Py_XDECREF(function);
    return failed ? -1 : 0;
}

int (*engine_extend_module)(engine_interp *interp, PyObject *module, PyObject *capsule);

/* Names and numbers of those that the host handed in. */
static PyObject *make_descriptors(const isle_interp_config *config)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && config != NULL && i < config->descriptor_count; i++) {
        PyObject *name = PyUnicode_DecodeFSDefault(config->descriptors[i].name);
        PyObject *number = PyLong_FromLong(config->descriptors[i].fd);
        if (name == NULL || number == NULL || PyDict_SetItem(dict, name, number) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(name);
        Py_XDECREF(number);
    }
    PyObject *proxy = dict != NULL ? PyDictProxy_New(dict) : NULL;
    Py_XDECREF(dict);
    return proxy;
}

int module_install(engine_interp *interp, const isle_interp_config *config)
{
    PyObject *modules = PyImport_GetModuleDict();
    bool as_isles = engine.package == NULL; /* else `isles` is the package, which has this in it */
    PyObject *module = PyModule_New(as_isles ? "isles" : "_isles");
    PyObject *host = make_host(interp);
    int failed = make_exceptions(interp) < 0 || module == NULL || host == NULL ||
                 PyModule_SetDocString(module, "What Isles gives to the code that it runs.") < 0 ||
                 PyModule_Add(module, "id", PyLong_FromUnsignedLongLong(interp->id)) < 0 ||
                 PyModule_Add(module, "name", PyUnicode_DecodeFSDefault(interp->name)) < 0 ||
                 PyModule_Add(module, "number", PyLong_FromUnsignedLongLong(interp->number)) < 0 ||
                 PyModule_AddStringConstant(module, "__version__", ISLE_VERSION_STRING) < 0 ||
                 PyModule_Add(module, "descriptors", make_descriptors(config)) < 0 ||
                 PyModule_AddObjectRef(module, "host", host) < 0 ||
                 PyModule_AddObjectRef(module, "Cancelled", interp->cancelled) < 0 ||
                 PyModule_AddObjectRef(module, "BudgetExceeded", interp->over_budget) < 0 ||
                 add_queues(interp, module) < 0 || PyDict_SetItemString(modules, "_isles", module) < 0 ||
                 PyDict_SetItemString(modules, "isles.host", host) < 0 ||
                 (as_isles && PyDict_SetItemString(modules, "isles", module) < 0) ||
                 (interp->home != NULL && (name_main_thread(interp) < 0 || (!as_isles && package_install() < 0)));
    Py_XDECREF(module);
    Py_XDECREF(host);
    return failed ? -1 : 0;
}
