/* A private copy of the C module _ctypes for each interpreter that imports it. From CPython 3.14 on, importing it
 * writes its table of C types anew, and for a moment entries are empty: another interpreter that calls a function of C
 * just then finds none for its int, and the process crashes (python/cpython#127945; found by 20,000 interpreters).
 *
 * CPython loads the engine's file as ever, and makes a module of the definition in it. The last step, filling the
 * module in, is ours: it runs in the interpreter that imports. The first interpreter gets what CPython made. For
 * another a copy is taken that no interpreter uses, or a new one loaded (src/platform/linux/library_copy.c). A module
 * of that takes the place of CPython's in sys.modules. When an interpreter ends, the next may have its copy. Nothing
 * is ever unloaded: objects of an ended interpreter may still point there. Where no copy can be made, CPython's is
 * filled in. */
#include "library_copy.h"
#include "python.h"

#include <dlfcn.h>
#include <string.h>

#if PY_VERSION_HEX >= 0x030e0000

typedef int (*exec_function)(PyObject *);

typedef struct copy {
    struct copy *next;
    plat_copies *set; /* with this copy alone; NULL: it is the original */
    PyModuleDef *def;
    bool used;
} copy;

enum { MOST_SLOTS = 16 };

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER}; /* a leaf; taken attached, held while the dynamic linker works */
static copy *copies;                                 /* under `lock`; never freed */
static char *file;                                   /* the engine's; this and the next two: written once, at start */
static copy original;
static exec_function fill_original;

static PyModuleDef *def_in(void *library)
{
    PyObject *(*init)(void) = NULL;
    *(void **)&init = library != NULL ? dlsym(library, "PyInit__ctypes") : NULL;
    PyObject *def = init != NULL ? init() : NULL;
    return def != NULL && PyObject_TypeCheck(def, &PyModuleDef_Type) ? (PyModuleDef *)def : NULL;
}

static PyModuleDef *load_copy(plat_copies *set)
{
    char *error = NULL;
    void *library = set != NULL ? plat_copies_load(set, file, &error) : NULL;
    plat_free(error);
    return def_in(library);
}

/* Under the lock. */
static copy *another(void)
{
    static const plat_copies_rules rules = {NULL, NULL, NULL, false, NULL};
    copy *c = plat_calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->set = plat_copies_new(&rules, NULL);
    c->def = load_copy(c->set);
    if (c->def == NULL) {
        plat_copies_free(c->set, false);
        plat_free(c);
        return NULL;
    }
    c->next = copies;
    copies = c;
    return c;
}

/* NULL: there is none. */
static copy *take(void)
{
    plat_lock_take(&lock);
    copy *c = copies;
    while (c != NULL && c->used) {
        c = c->next;
    }
    c = c != NULL ? c : another();
    if (c != NULL) {
        c->used = true;
    }
    plat_lock_give(&lock);
    return c;
}

static void give(copy *c)
{
    plat_lock_take(&lock);
    c->used = false;
    plat_lock_give(&lock);
}

static void on_state_goes(PyObject *capsule)
{
    give(PyCapsule_GetPointer(capsule, "isles.ctypes"));
}

/* The calling interpreter's, until its state goes. NULL with an exception set, or without: there is none. */
static copy *copy_of(PyObject *dict)
{
    PyObject *capsule = PyDict_GetItemString(dict, "isles.ctypes");
    if (capsule != NULL) {
        return PyCapsule_GetPointer(capsule, "isles.ctypes");
    }
    copy *c = take();
    if (c == NULL) {
        PyErr_Clear();
        return NULL;
    }
    capsule = PyCapsule_New(c, "isles.ctypes", on_state_goes);
    if (capsule == NULL) {
        give(c);
        return NULL;
    }
    int failed = PyDict_SetItemString(dict, "isles.ctypes", capsule);
    Py_DECREF(capsule);
    return failed == 0 ? c : NULL;
}

/* What the import system has set in the module that it made. */
static int copy_attributes(PyObject *from, PyObject *to)
{
    static const char *const names[] = {"__spec__", "__loader__", "__package__", "__file__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PyObject *value = PyDict_GetItemString(PyModule_GetDict(from), names[i]);
        if (value != NULL && PyDict_SetItemString(PyModule_GetDict(to), names[i], value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* importlib takes what is in sys.modules then for the module. */
static int replace(PyObject *module, PyObject *spec, PyModuleDef *def)
{
    PyObject *name = PyObject_GetAttrString(spec, "name");
    PyObject *own = name != NULL ? PyModule_FromDefAndSpec(def, spec) : NULL;
    int failed = own == NULL || copy_attributes(module, own) < 0 || PyModule_ExecDef(own, def) < 0 ||
                 PyObject_SetItem(PyImport_GetModuleDict(), name, own) < 0;
    Py_XDECREF(own);
    Py_XDECREF(name);
    return failed ? -1 : 0;
}

static int fill(PyObject *module)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *spec = PyDict_GetItemString(PyModule_GetDict(module), "__spec__");
    copy *c = dict != NULL && spec != NULL && spec != Py_None ? copy_of(dict) : NULL;
    if (c == NULL && PyErr_Occurred()) {
        return -1;
    }
    return c == NULL || c == &original ? fill_original(module) : replace(module, spec, c->def);
}

static char *find_file(void)
{
    PyObject *machinery = PyImport_ImportModule("importlib.machinery");
    PyObject *finder = machinery != NULL ? PyObject_GetAttrString(machinery, "PathFinder") : NULL;
    PyObject *spec = finder != NULL ? PyObject_CallMethod(finder, "find_spec", "s", "_ctypes") : NULL;
    PyObject *origin = spec != NULL ? PyObject_GetAttrString(spec, "origin") : NULL;
    PyObject *path = NULL;
    char *found = NULL;
    if (origin != NULL && PyUnicode_FSConverter(origin, &path)) {
        found = plat_strdup(PyBytes_AS_STRING(path));
    }
    Py_XDECREF(path);
    Py_XDECREF(origin);
    Py_XDECREF(spec);
    Py_XDECREF(finder);
    Py_XDECREF(machinery);
    PyErr_Clear();
    return found;
}

/* Ours in place of the one function that fills the module in. */
static bool put_in(PyModuleDef *def)
{
    static PyModuleDef_Slot slots[MOST_SLOTS + 1];
    size_t count_of_fills = 0;
    for (size_t i = 0; def->m_slots != NULL && def->m_slots[i].slot != 0; i++) {
        if (i == MOST_SLOTS) {
            return false;
        }
        slots[i] = def->m_slots[i];
        if (slots[i].slot == Py_mod_exec) {
            *(void **)&fill_original = slots[i].value;
            slots[i].value = (void *)fill;
            count_of_fills++;
        }
    }
    if (count_of_fills != 1) {
        return false;
    }
    def->m_slots = slots;
    return true;
}

void own_ctypes_start(void)
{
    if (file != NULL) {
        return; /* done by an earlier runtime */
    }
    file = find_file();
    PyModuleDef *def = file != NULL ? def_in(dlopen(file, RTLD_NOW | RTLD_LOCAL)) : NULL;
    if (def != NULL && put_in(def)) {
        original = (copy){.def = def};
        copies = &original;
    }
    PyErr_Clear();
}

#else

void own_ctypes_start(void)
{
}

#endif
