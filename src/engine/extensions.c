/* Private copies of extension modules. In an interpreter that wants them _imp.create_dynamic, which importlib's loaders
 * call, is a function of ours. Loaders, specs, __file__ and sys.modules stay importlib's.
 *
 * A module that says that it can have a GIL of its own, and looks for nothing outside of its interpreter, goes
 * CPython's way. Of another one's library the interpreter loads a copy (src/platform/linux/library_copy.c), once for a
 * file, and its init function runs here, not in the main interpreter as CPython would have it. To know which, the init
 * function has to be called; that is done in the copy too, which is then unloaded again, and is remembered for the
 * process by the file's identity.
 *
 * One `extensions` belongs to an interpreter and is touched attached to it; engine_interp's counts are for any
 * thread. */
#include "extensions.h"

#include <string.h>
#include <sys/stat.h>

#include "extension_init.h"
#include "gilstate.h"
#include "library_copy.h"

typedef struct made { /* a module that was made from a copy */
    struct made *next;
    char *file, *name; /* the original's path; the full name in UTF-8 */
    void *library;
    PyModuleDef *def;  /* SINGLE_PHASE */
    PyObject *content; /* ... that can be initialized once only: its dict after that; owned */
} made;

struct extensions {
    plat_copies *copies;
    gilstate *gilstate; /* their owner */
    made *made;
    PyObject *cpythons;         /* _imp.create_dynamic as it was */
    PyObject *cpythons_exec;    /* _imp.exec_dynamic, likewise */
    PyObject *cpythons_builtin; /* _imp.create_builtin, likewise */
    PyObject *check;            /* _imp._override_multi_interp_extensions_check */
    size_t limit;               /* 0: none */
    bool by_verdict;
    PyObject *verdicts; /* verdict.c's; NULL until needed */
};

typedef struct wanted { /* what is being imported; borrowed but for `file` */
    struct extensions *e;
    PyObject *spec, *name, *path;
    PyObject *file; /* bytes; owned */
} wanted;

/* --- what may be in a copy ---------------------------------------------------------------------------------------- */

static bool is_pythons(const char *symbol)
{
    return strncmp(symbol, "Py", 2) == 0 || strncmp(symbol, "_Py", 3) == 0;
}

/* Functions by which others learn addresses of the library, and may call them when the interpreter has gone. */
static bool hands_out_code(const char *symbol)
{
    static const char *const names[] = {"Py_AtExit",
                                        "PyUnstable_AtExit",
                                        "Py_AddPendingCall",
                                        "PyOS_setsig",
                                        "PyOS_InputHook",
                                        "PySys_AddAuditHook",
                                        "PyMem_SetAllocator",
                                        "PyObject_SetArenaAllocator",
                                        "PyEval_SetProfileAllThreads",
                                        "PyEval_SetTraceAllThreads",
                                        "PyThread_start_new_thread",
                                        "PyImport_AppendInittab",
                                        "PyImport_ExtendInittab",
                                        "PyImport_FrozenModules",
                                        "_PyInterpreterState_SetEvalFrameFunc",
                                        "pthread_create",
                                        "thrd_create",
                                        "pthread_key_create",
                                        "tss_create",
                                        "pthread_atfork",
                                        "__register_atfork",
                                        "signal",
                                        "sigaction",
                                        "bsd_signal",
                                        "sysv_signal",
                                        "__sysv_signal",
                                        "timer_create",
                                        "atexit",
                                        "on_exit",
                                        "__cxa_thread_atexit",
                                        "__asan_register_globals", /* the address sanitizer's list of variables */
                                        "__asan_register_elf_globals",
                                        "__cxa_thread_atexit_impl",
                                        "GOMP_parallel",
                                        "__kmpc_fork_call"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(symbol, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(symbol, "_ZNSt6thread", 12) == 0;
}

/* Libraries of the same wheel keep call-backs, registries and errors of whoever uses them, and few stand two users
 * that don't know of each other (HDF5, GDAL, Arrow, FFmpeg): each interpreter has its own, but of those that keep
 * nothing of their users, have threads of their own or are huge. */
static bool may_be_shared(const char *name)
{
    static const char *const begins[] = {"libopenblas", "libscipy_openblas", "libmkl",   "libblas", "liblapack",
                                         "libgfortran", "libquadmath",       "libgomp",  "libomp",  "libiomp",
                                         "libtbb",      "libstdc++",         "libgcc_s", "libcu",   "libnv",
                                         "libnccl",     "libtorch",          "libc10"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        if (strncmp(name, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Destructors of what uses Python are often there to release its objects, which are gone with their interpreter. */
const plat_copies_rules extensions_rules = {is_pythons, hands_out_code, may_be_shared, true, gilstate_calls};

static bool is_for_definitions(const char *symbol)
{
    return strcmp(symbol, "PyModuleDef_Init") == 0;
}

/* That finds functions of another extension; or the main interpreter, and in a copy its own (gilstate.c). */
static bool looks_elsewhere(const char *symbol)
{
    static const char *const names[] = {"PyCapsule_GetPointer", "PyCapsule_Import", "PyGILState_Ensure",
                                        "Py_AddPendingCall"};
    bool found = false;
    for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++) {
        found = strcmp(symbol, names[i]) == 0;
    }
    return found;
}

/* --- modules that need no copy ------------------------------------------------------------------------------------ */

typedef struct fit {
    struct fit *next;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    char name[]; /* the last part: a file may have several modules */
} fit;

static plat_lock fit_lock = {PTHREAD_MUTEX_INITIALIZER}; /* a leaf */
static fit *fits;                                        /* under it; for the life of the process */

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

static bool is_fit(const struct stat *about, const char *name)
{
    plat_lock_take(&fit_lock);
    fit *f = fits;
    while (f != NULL && (f->device != about->st_dev || f->inode != about->st_ino || f->size != about->st_size ||
                         f->changed.tv_sec != about->st_mtim.tv_sec || f->changed.tv_nsec != about->st_mtim.tv_nsec ||
                         strcmp(f->name, last_part(name)) != 0)) {
        f = f->next;
    }
    plat_lock_give(&fit_lock);
    return f != NULL;
}

/* Without memory it is looked at again next time. */
static void note_fit(const struct stat *about, const char *name)
{
    size_t len = strlen(last_part(name)) + 1;
    fit *f = plat_malloc(sizeof *f + len);
    if (f == NULL) {
        return;
    }
    *f = (fit){.device = about->st_dev, .inode = about->st_ino, .size = about->st_size, .changed = about->st_mtim};
    memcpy(f->name, last_part(name), len);
    plat_lock_take(&fit_lock);
    f->next = fits;
    fits = f;
    plat_lock_give(&fit_lock);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static PyObject *refuse(const wanted *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    if (message != NULL) {
        PyErr_SetImportError(message, w->name, w->path);
        Py_DECREF(message);
    }
    return NULL;
}

/* Takes the text. */
static PyObject *refuse_text(const wanted *w, char *text)
{
    PyObject *message = text != NULL ? PyUnicode_DecodeFSDefault(text) : NULL;
    plat_free(text);
    if (message == NULL) {
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    refuse(w, "%U", message);
    Py_DECREF(message);
    return NULL;
}

/* --- a module by multi-phase initialization ----------------------------------------------------------------------- */

/* CPython's check, of the interpreter that it is called in: -1 off, 0 as configured. Returns what it was; NULL: an
 * exception is set. */
static PyObject *set_check(const struct extensions *e, int value)
{
    return PyObject_CallFunction(e->check, "i", value);
}

/* Takes what set_check() gave, and keeps the exception that is set. */
static void restore_check(const struct extensions *e, PyObject *before)
{
    PyObject *exception = PyErr_GetRaisedException();
    Py_XDECREF(PyObject_CallOneArg(e->check, before));
    Py_DECREF(before);
    PyErr_Clear();
    if (exception != NULL) {
        PyErr_SetRaisedException(exception);
    }
}

static PyObject *from_definition(const wanted *w, const extension_init *init)
{
    PyObject *before = set_check(w->e, -1);
    if (before == NULL) {
        return NULL;
    }
#if PY_VERSION_HEX >= 0x030f0000
    PyObject *module = init->info.init == ISLE_EXTENSION_EXPORT ? PyModule_FromSlotsAndSpec(init->slots, w->spec)
                                                                : PyModule_FromDefAndSpec(init->def, w->spec);
#else
    PyObject *module = PyModule_FromDefAndSpec(init->def, w->spec);
#endif
    restore_check(w->e, before);
    return module;
}

/* --- a module by single-phase initialization ---------------------------------------------------------------------- */

static bool is_last_part(PyObject *name, PyObject *full)
{
    Py_ssize_t length = PyUnicode_GetLength(full), dot = PyUnicode_FindChar(full, '.', 0, length, -1);
    PyObject *last = dot >= 0 ? PyUnicode_Substring(full, dot + 1, length) : NULL;
    bool same = last != NULL && PyUnicode_Compare(name, last) == 0;
    Py_XDECREF(last);
    return same;
}

/* CPython tells PyModule_Create the package by a hidden variable of its own. Here the names are set afterwards: the
 * module's, and those by which its functions are pickled. */
static int set_full_name(PyObject *module, PyObject *full)
{
    PyObject *dict = PyModule_GetDict(module), *key, *value;
    PyObject *name = PyDict_GetItemString(dict, "__name__");
    Py_ssize_t at = 0;
    if (name == NULL || !PyUnicode_Check(name) || !is_last_part(name, full)) {
        return 0;
    }
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (PyCFunction_Check(value) && PyCFunction_GET_SELF(value) == module) {
            Py_XSETREF(((PyCFunctionObject *)value)->m_module, Py_NewRef(full));
        }
    }
    return PyDict_SetItemString(dict, "__name__", full);
}

/* For PyState_FindModule(). Some add themselves, which may be done once only. */
static int add_to_state(PyObject *module, PyModuleDef *def)
{
    return PyState_FindModule(def) == module || PyState_AddModule(module, def) == 0 ? 0 : -1;
}

static PyObject *finish(const wanted *w, PyObject *module /* stolen */, PyModuleDef *def)
{
    if (set_full_name(module, w->name) < 0 || PyModule_AddObjectRef(module, "__file__", w->path) < 0 ||
        add_to_state(module, def) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

/* As CPython: what says that it can't be initialized twice (m_size -1) gets what it had in its dict the first time. */
static PyObject *with_old_content(const wanted *w, const made *m)
{
    PyObject *module = Py_XNewRef(PyImport_AddModuleObject(w->name));
    if (module != NULL &&
        (PyDict_Update(PyModule_GetDict(module), m->content) < 0 || add_to_state(module, m->def) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

static void recount(engine_interp *interp)
{
    const struct extensions *e = interp->extensions;
    atomic_store(&interp->copies, e->copies != NULL ? plat_copies_count(e->copies) : 0);
    atomic_store(&interp->copy_bytes, e->copies != NULL ? plat_copies_bytes(e->copies) : 0);
}

static made *find_made(const wanted *w, const char *name)
{
    made *m = w->e->made;
    while (m != NULL && (strcmp(m->name, name) != 0 || strcmp(m->file, PyBytes_AS_STRING(w->file)) != 0)) {
        m = m->next;
    }
    return m;
}

static void made_free(made *m)
{
    if (m != NULL) {
        plat_free(m->file);
        plat_free(m->name);
        Py_XDECREF(m->content);
        plat_free(m);
    }
}

/* So that it can be imported again. */
static int remember(const wanted *w, void *library, const extension_init *init, PyObject *module)
{
    made *m = plat_calloc(1, sizeof *m);
    const char *name = PyUnicode_AsUTF8(w->name);
    bool single = init->info.init == ISLE_EXTENSION_SINGLE_PHASE;
    if (m == NULL || name == NULL || (m->file = plat_strdup(PyBytes_AS_STRING(w->file))) == NULL ||
        (m->name = plat_strdup(name)) == NULL) {
        made_free(m);
        if (name != NULL) {
            PyErr_NoMemory();
        }
        return -1;
    }
    m->library = library;
    if (single && init->info.state_size < 0) {
        m->def = init->def;
        m->content = PyDict_Copy(PyModule_GetDict(module));
        if (m->content == NULL) {
            made_free(m);
            return -1;
        }
    }
    m->next = w->e->made;
    w->e->made = m;
    return 0;
}

static PyObject *module_of(const wanted *w, extension_init *init)
{
    return init->info.init == ISLE_EXTENSION_SINGLE_PHASE ? finish(w, init->module, init->def)
                                                          : from_definition(w, init);
}

static PyObject *make_again(const wanted *w, const made *m)
{
    extension_init init;
    if (m->content != NULL) {
        return with_old_content(w, m);
    }
    return extension_init_call(m->library, w->name, w->path, &init) ? module_of(w, &init) : NULL;
}

static PyObject *over_limit(const wanted *w)
{
    return refuse(w,
                  "%U is not loaded: the interpreter has as many copies of libraries as it may "
                  "(extension_copy_limit is %zu)",
                  w->path, w->e->limit);
}

static bool is_over_limit(const wanted *w, size_t count)
{
    return w->e->limit != 0 && count > w->e->limit;
}

static bool is_cpythons(const wanted *w)
{
    return strstr(PyBytes_AS_STRING(w->file), "/lib-dynload/") != NULL;
}

/* Functions of another extension, which may be a copy: kept in a static variable, as numpy's import_array() does, they
 * are no other interpreter's. Threads of its own come into the main interpreter. What comes with CPython takes
 * functions from its own modules only, which are never copied, and starts no such threads. */
static bool needs_copy(const wanted *w)
{
    return !is_cpythons(w) && plat_library_wants(PyBytes_AS_STRING(w->file), looks_elsewhere);
}

typedef enum copy_outcome { COPY_FAILED, COPY_MADE, COPY_NEEDLESS } copy_outcome;

/* What the copy's init function gave decides. */
static copy_outcome use_copy(const wanted *w, void *library, size_t copies_before, PyObject **out)
{
    extension_init init;
    if (!extension_init_call(library, w->name, w->path, &init)) {
        return COPY_FAILED; /* its code has run: it stays until the interpreter's end */
    }
    if (init.info.init == ISLE_EXTENSION_NO_INIT) {
        plat_copies_drop(w->e->copies, copies_before);
        refuse(w, "%U has no init function for the module %U", w->path, w->name);
        return COPY_FAILED;
    }
    if (init.info.interpreters == ISLE_EXTENSION_PER_INTERPRETER_GIL && !needs_copy(w)) {
        plat_copies_drop(w->e->copies, copies_before);
        return COPY_NEEDLESS;
    }
    if (init.info.init != ISLE_EXTENSION_SINGLE_PHASE && is_over_limit(w, plat_copies_count(w->e->copies))) {
        plat_copies_drop(w->e->copies, copies_before);
        over_limit(w);
        return COPY_FAILED;
    }
    *out = module_of(w, &init);
    if (*out != NULL && remember(w, library, &init, *out) < 0) {
        Py_CLEAR(*out);
    }
    return *out != NULL ? COPY_MADE : COPY_FAILED;
}

static copy_outcome make(const wanted *w, PyObject **out)
{
    const char *file = PyBytes_AS_STRING(w->file);
    char *why = NULL;
    size_t before = plat_copies_count(w->e->copies);
    /* a definition tells what the module is before anything has happened; else it would be too late */
    if (is_over_limit(w, before + 1) && !plat_library_wants(file, is_for_definitions)) {
        over_limit(w);
        return COPY_FAILED;
    }
    void *library = plat_copies_load(w->e->copies, file, &why);
    if (library == NULL) {
        refuse_text(w, why);
        return COPY_FAILED;
    }
    return use_copy(w, library, before, out);
}

/* --- _imp.create_dynamic ------------------------------------------------------------------------------------------ */

static PyObject *cpythons_way(const wanted *w)
{
    return PyObject_CallOneArg(w->e->cpythons, w->spec);
}

/* What audit hooks and policies hear of CPython's. */
static bool tell(const wanted *w)
{
    return PySys_Audit("import", "OOOOO", w->name, w->path, Py_None, Py_None, Py_None) == 0;
}

/* With extensions = auto. What comes with CPython needs no verdict, and is what finding one needs. */
static bool is_allowed(const wanted *w, const struct stat *about)
{
    const char *against = NULL;
    if (!w->e->by_verdict || is_cpythons(w)) {
        return true;
    }
    if (verdict_on(&w->e->verdicts, w->path, about, &against) < 0) {
        return false;
    }
    if (against != NULL) {
        refuse(w, "%U is not loaded: isles check found that %s; or try a copy all the same with extensions = private",
               w->path, against);
    }
    return against == NULL;
}

static PyObject *create(engine_interp *interp, const wanted *w)
{
    struct stat about;
    const char *name = PyUnicode_AsUTF8(w->name);
    if (name == NULL) {
        return NULL;
    }
    made *m = find_made(w, name);
    if (m != NULL) {
        return make_again(w, m);
    }
    bool found = stat(PyBytes_AS_STRING(w->file), &about) == 0;
    if (!found || is_fit(&about, name)) {
        return cpythons_way(w); /* which knows what to say of a file that isn't there */
    }
    PyObject *module = NULL;
    copy_outcome outcome = tell(w) && is_allowed(w, &about) ? make(w, &module) : COPY_FAILED;
    recount(interp);
    if (outcome == COPY_NEEDLESS) {
        note_fit(&about, name);
        return cpythons_way(w);
    }
    return module;
}

static PyObject *create_dynamic(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    engine_interp *interp = interp_of_thread();
    if (count < 1 || interp == NULL || interp->extensions == NULL || interp->extensions->cpythons == NULL) {
        return PyErr_Format(PyExc_TypeError, "create_dynamic() needs a spec, in an interpreter that runs");
    }
    wanted w = {.e = interp->extensions, .spec = args[0]};
    PyObject *module = NULL;
    w.name = PyObject_GetAttrString(w.spec, "name");
    w.path = w.name != NULL ? PyObject_GetAttrString(w.spec, "origin") : NULL;
    if (w.path != NULL && (!PyUnicode_Check(w.name) || !PyUnicode_Check(w.path))) {
        PyErr_SetString(PyExc_TypeError, "spec.name and spec.origin must be str");
    } else if (w.path != NULL && PyUnicode_FSConverter(w.path, &w.file)) {
        module = create(interp, &w);
        Py_DECREF(w.file);
    }
    Py_XDECREF(w.path);
    Py_XDECREF(w.name);
    return module;
}

static PyMethodDef create_dynamic_def = {
    "create_dynamic", (PyCFunction)(void (*)(void))create_dynamic, METH_FASTCALL,
    "create_dynamic($module, spec, file=None, /)\n--\n\nCreate an extension module."};

void engine_get_copies(engine_interp *interp, uint64_t *out_count, uint64_t *out_bytes)
{
    *out_count = atomic_load(&interp->copies);
    *out_bytes = atomic_load(&interp->copy_bytes);
}

/* --- _imp.exec_dynamic -------------------------------------------------------------------------------------------- */

/* While a module is filled in it may make others of its own, as those of PyO3 do: they are from the same copy. */
static PyObject *exec_dynamic(PyObject *self, PyObject *module)
{
    (void)self;
    engine_interp *interp = interp_of_thread();
    struct extensions *e = interp != NULL ? interp->extensions : NULL;
    PyObject *before = e != NULL && e->cpythons_exec != NULL ? set_check(e, -1) : NULL;
    if (before == NULL) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_RuntimeError, "the interpreter is ending");
    }
    PyObject *done = PyObject_CallOneArg(e->cpythons_exec, module);
    restore_check(e, before);
    return done;
}

static PyMethodDef exec_dynamic_def = {"exec_dynamic", exec_dynamic, METH_O,
                                       "exec_dynamic($module, mod, /)\n--\n\nInitialize an extension module."};

/* --- _imp.create_builtin -----------------------------------------------------------------------------------------*/

/* faulthandler refuses, and is inside CPython: there is no library to copy. Packages import it for what they may need
 * later (joblib, and so scikit-learn). So it may be imported; what it would set is the process's, and it does not. */
static PyObject *refuse_handlers(PyObject *self, PyObject *args, PyObject *names)
{
    (void)self;
    (void)args;
    (void)names;
    return PyErr_Format(PyExc_RuntimeError,
                        "the handlers of faulthandler are the process's, and an interpreter can't set them");
}

static PyMethodDef handlers[] = {
#define HANDLER(name) \
    { \
        name, (PyCFunction)(void (*)(void))refuse_handlers, METH_VARARGS | METH_KEYWORDS, NULL \
    }
    HANDLER("enable"),
    HANDLER("disable"),
    HANDLER("register"),
    HANDLER("unregister"),
    HANDLER("dump_traceback_later"),
    HANDLER("cancel_dump_traceback_later"),
    {NULL, NULL, 0, NULL}};

static PyObject *create_faulthandler(struct extensions *e, PyObject *spec)
{
    PyObject *before = set_check(e, -1);
    PyObject *module = before != NULL ? PyObject_CallOneArg(e->cpythons_builtin, spec) : NULL;
    if (before != NULL) {
        restore_check(e, before);
    }
    if (module != NULL && (!PyModule_Check(module) || PyModule_AddFunctions(module, handlers) < 0)) {
        Py_CLEAR(module);
    }
    return module;
}

static PyObject *create_builtin(PyObject *self, PyObject *spec)
{
    (void)self;
    engine_interp *interp = interp_of_thread();
    struct extensions *e = interp != NULL ? interp->extensions : NULL;
    PyObject *name = e != NULL && e->cpythons_builtin != NULL ? PyObject_GetAttrString(spec, "name") : NULL;
    if (name == NULL) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_RuntimeError, "the interpreter is ending");
    }
    bool is_it = PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "faulthandler") == 0;
    Py_DECREF(name);
    return is_it ? create_faulthandler(e, spec) : PyObject_CallOneArg(e->cpythons_builtin, spec);
}

static PyMethodDef create_builtin_def = {"create_builtin", create_builtin, METH_O,
                                         "create_builtin($module, spec, /)\n--\n\nCreate an extension module."};

/* --- its life ----------------------------------------------------------------------------------------------------- */

/* Ours in place of a function of _imp, which is returned. */
static PyObject *take_place(PyObject *imp, PyMethodDef *ours)
{
    PyObject *before = PyObject_GetAttrString(imp, ours->ml_name), *name = PyUnicode_FromString("_imp");
    PyObject *function = before != NULL && name != NULL ? PyCFunction_NewEx(ours, NULL, name) : NULL;
    if (function == NULL || PyObject_SetAttrString(imp, ours->ml_name, function) < 0) {
        Py_CLEAR(before);
    }
    Py_XDECREF(function);
    Py_XDECREF(name);
    return before;
}

static int take_places(struct extensions *e)
{
    PyObject *imp = PyImport_ImportModule("_imp");
    e->check = imp != NULL ? PyObject_GetAttrString(imp, "_override_multi_interp_extensions_check") : NULL;
    e->cpythons_exec = e->check != NULL ? take_place(imp, &exec_dynamic_def) : NULL;
    e->cpythons_builtin = e->cpythons_exec != NULL ? take_place(imp, &create_builtin_def) : NULL;
    e->cpythons = e->cpythons_builtin != NULL ? take_place(imp, &create_dynamic_def) : NULL;
    Py_XDECREF(imp);
    return e->cpythons != NULL ? 0 : -1;
}

int extensions_install(engine_interp *interp, const isle_interp_config *config)
{
    if (config->extensions != ISLE_EXTENSIONS_PRIVATE && config->extensions != ISLE_EXTENSIONS_AUTO) {
        return 0;
    }
    struct extensions *e = plat_calloc(1, sizeof *e);
    if (e == NULL || (e->gilstate = gilstate_new(interp)) == NULL ||
        (e->copies = plat_copies_new(&extensions_rules, e->gilstate)) == NULL) {
        if (e != NULL && e->gilstate != NULL) {
            gilstate_free(e->gilstate);
        }
        plat_free(e);
        PyErr_NoMemory();
        return -1;
    }
    e->limit = config->extension_copy_limit;
    e->by_verdict = config->extensions == ISLE_EXTENSIONS_AUTO;
    interp->extensions = e;
    return take_places(e);
}

void extensions_forget_modules(engine_interp *interp)
{
    struct extensions *e = interp->extensions;
    while (e != NULL && e->made != NULL) {
        made *m = e->made;
        e->made = m->next;
        made_free(m);
    }
}

void extensions_drop(engine_interp *interp)
{
    struct extensions *e = interp->extensions;
    extensions_forget_modules(interp);
    if (e != NULL) {
        Py_CLEAR(e->verdicts);
        Py_CLEAR(e->cpythons);
        Py_CLEAR(e->cpythons_exec);
        Py_CLEAR(e->cpythons_builtin);
        Py_CLEAR(e->check);
    }
}

void extensions_hold(engine_interp *interp, bool held)
{
    if (interp->extensions != NULL) {
        (held ? gilstate_hold : gilstate_let)(interp->extensions->gilstate);
    }
}

bool extensions_close(engine_interp *interp)
{
    return interp->extensions == NULL || gilstate_close(interp->extensions->gilstate, interp);
}

void extensions_state_gone(engine_interp *interp)
{
    if (interp->extensions != NULL) {
        gilstate_shut(interp->extensions->gilstate, true);
    }
}

/* While a copy is loaded it may call for its owner. */
static void free_copies(struct extensions *e, bool close)
{
    bool is_free = plat_copies_free(e->copies, close);
    e->copies = NULL;
    if (e->gilstate != NULL) {
        (is_free ? gilstate_free : gilstate_keep)(e->gilstate);
    }
    e->gilstate = NULL;
}

void extensions_end(engine_interp *interp)
{
    if (interp->extensions != NULL) {
        free_copies(interp->extensions, true);
        recount(interp);
    }
}

void extensions_free(engine_interp *interp)
{
    struct extensions *e = interp->extensions;
    if (e != NULL) {
        if (e->gilstate != NULL) {
            gilstate_shut(e->gilstate, false);
            free_copies(e, false);
        }
        plat_free(e);
        interp->extensions = NULL;
    }
}
