/* One interpreter: created, and destroyed, on its home thread, with no thread state and no lock held (the protocol that
 * was stable on every engine; docs/engine.md). */
#include <string.h>

#include "account.h"
#include "extensions.h"
#include "python.h"
#include "quota.h"
#include "shape.h"

static void drop_objects(engine_interp *interp)
{
    streams_drop(interp);
    target_drop(interp);
    Py_CLEAR(interp->support);
    Py_CLEAR(interp->processes);
    signals_drop(interp);
    value_types_drop(interp);
    text_drop_keys(interp);
    shape_drop_all(interp);
    extensions_forget_modules(interp);
}

/* CPython takes the interpreter's state apart: no more pending calls, no more exceptions of ours. */
static void on_state_goes(PyObject *capsule)
{
    engine_interp *interp = PyCapsule_GetPointer(capsule, "isles.end");
    interrupt_unlink(interp);
    account_set_state(interp->account, NULL); /* before its address can be another's */
    value_types_drop(interp);                 /* again: a finalizer may have needed them */
    signals_drop(interp);
    text_drop_keys(interp);
    shape_drop_all(interp);
    extensions_drop(interp);
    Py_CLEAR(interp->over_budget);
    environment_drop(interp);
    Py_CLEAR(interp->processes); /* likewise */
    Py_CLEAR(interp->cancelled);
    Py_CLEAR(interp->host_error);
    Py_CLEAR(interp->not_shareable);
    Py_CLEAR(interp->queue_type);
    Py_CLEAR(interp->buffer_type);
    Py_CLEAR(interp->unbound);
    Py_CLEAR(interp->job_type);
    Py_CLEAR(interp->job_error);
    for (size_t i = 0; i < sizeof interp->queue_errors / sizeof *interp->queue_errors; i++) {
        Py_CLEAR(interp->queue_errors[i]);
    }
}

int interp_watch_state(engine_interp *interp)
{
    PyObject *dict = PyInterpreterState_GetDict(interp->state);
    PyObject *capsule = dict != NULL ? PyCapsule_New(interp, "isles.end", on_state_goes) : NULL;
    int failed = capsule == NULL || PyDict_SetItemString(dict, "isles.end", capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}

static PyObject *strings(const char *const *items, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *text = PyUnicode_DecodeFSDefault(items[i]);
        if (text == NULL || PyList_Append(list, text) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
    }
    return list;
}

/* Exported by CPython 3.13 to 3.15, declared in an internal header: the configuration of the attached interpreter. */
extern const PyConfig *_Py_GetConfig(void);

static int append_wide(PyObject *list, const wchar_t *text)
{
    PyObject *object = PyUnicode_FromWideChar(text, -1);
    int failed = object == NULL || PyList_Append(list, object) < 0;
    Py_XDECREF(object);
    return failed ? -1 : 0;
}

/* sys.path as it was before site, in an adopted CPython, which runs site in each interpreter if it did so in the main
 * one; None where Isles started CPython, and site comes with the set-up. */
static PyObject *path_without_site(const isle_interp_config *config)
{
    if (!engine.adopted) {
        Py_RETURN_NONE;
    }
    const PyConfig *cpython = _Py_GetConfig();
    PyObject *list = PyList_New(0);
    bool failed = list == NULL;
    if (!failed && cpython->sys_path_0 != NULL && !config->isolated) { /* the folder of the main program */
        failed = append_wide(list, cpython->sys_path_0) < 0;
    }
    for (Py_ssize_t i = 0; !failed && i < cpython->module_search_paths.length; i++) {
        failed = append_wide(list, cpython->module_search_paths.items[i]) < 0;
    }
    if (failed) {
        Py_CLEAR(list);
    }
    return list;
}

/* The configuration as support.py's setup() takes it. */
static PyObject *settings_of(const isle_interp_config *config)
{
    return Py_BuildValue("({s:N,s:N,s:N,s:N,s:z,s:O,s:O,s:O})", "without_site", path_without_site(config), "path",
                         strings(config->path, config->path_count), "warnings",
                         strings(config->warnings, config->warning_count), "xoptions",
                         strings(config->xoptions, config->xoption_count), "venv", config->venv, "site",
                         config->no_site ? Py_False : Py_True, "isolated", config->isolated ? Py_True : Py_False,
                         "no_bytecode", config->no_bytecode ? Py_True : Py_False);
}

static bool needs_setup(const isle_interp_config *config)
{
    return config->venv != NULL || config->path_count > 0 || config->warning_count > 0 || config->xoption_count > 0 ||
           config->isolated || config->no_bytecode || (engine.adopted && config->no_site);
}

/* As setup() does, when there is nothing else to set up: loading support.py would double the price of that. */
static PyObject *run_site(void)
{
    return PyImport_ImportModule("site"); /* its body runs main(), since sys.flags.no_site is 0 */
}

static int set_int(PyObject *dict, const char *name, int value)
{
    PyObject *number = PyLong_FromLong(value);
    int failed = number == NULL || PyDict_SetItemString(dict, name, number) < 0;
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

static PyObject *changed_flags(const isle_interp_config *config, PyObject *flags)
{
    PyObject *replace = PyObject_GetAttrString(flags, "__replace__");
    PyObject *none = PyTuple_New(0), *changes = PyDict_New();
    const char *const as_isolated[] = {"isolated", "ignore_environment", "no_user_site"};
    bool safe_path = config->isolated; /* the main interpreter's is only ours where Isles started it */
    if (engine.adopted) {
        PyObject *host = PyObject_GetAttrString(flags, "safe_path");
        safe_path = safe_path || host == Py_True;
        Py_XDECREF(host);
    }
    int failed = replace == NULL || none == NULL || changes == NULL ||
                 PyDict_SetItemString(changes, "safe_path", safe_path ? Py_True : Py_False) < 0 ||
                 set_int(changes, "no_site", config->no_site) < 0 ||
                 (config->no_bytecode && set_int(changes, "dont_write_bytecode", 1) < 0);
    for (size_t i = 0; config->isolated && !failed && i < sizeof as_isolated / sizeof *as_isolated; i++) {
        failed = set_int(changes, as_isolated[i], 1) < 0;
    }
    PyObject *changed = failed ? NULL : PyObject_Call(replace, none, changes);
    Py_XDECREF(changes);
    Py_XDECREF(none);
    Py_XDECREF(replace);
    return changed;
}

/* sys.flags is copied from the main interpreter, which has no site and a safe path. Said of this one it would be
 * wrong, and multiprocessing and others hand it to child processes as options. */
static int set_flags(const isle_interp_config *config)
{
    PyObject *flags = Py_XNewRef(PySys_GetObject("flags"));
    PyObject *changed = flags != NULL ? changed_flags(config, flags) : NULL;
    int failed = changed == NULL || PySys_SetObject("flags", changed) < 0;
    Py_XDECREF(changed);
    Py_XDECREF(flags);
    return failed ? -1 : 0;
}

static int apply_config(engine_interp *interp, const isle_interp_config *config)
{
    PyObject *argv = Py_BuildValue("[s]", "");
    int failed = argv == NULL || PySys_SetObject("argv", argv) < 0 || set_flags(config) < 0;
    Py_XDECREF(argv);
    if (!failed && (needs_setup(config) || !config->no_site)) {
        PyObject *done = needs_setup(config) ? support_call(interp, "setup", settings_of(config)) : run_site();
        failed = done == NULL;
        Py_XDECREF(done);
    }
    return failed ? -1 : 0;
}

/* setup() raises ValueError for a field that is wrong, NotImplementedError for one that can't be had. */
static isle_status take_setup_exception(engine_interp *interp, engine_failure *failure)
{
    bool invalid = PyErr_ExceptionMatches(PyExc_ValueError);
    bool unsupported = PyErr_ExceptionMatches(PyExc_NotImplementedError);
    if (!invalid && !unsupported) {
        engine_take_exception(interp, NULL, failure);
        return failure->status = ISLE_ERR_ENGINE;
    }
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *text = PyObject_Str(exception);
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    isle_status status = engine_fail(failure, invalid ? ISLE_ERR_INVALID : ISLE_ERR_UNSUPPORTED, "%s",
                                     utf8 != NULL ? utf8 : "the configuration is not valid");
    Py_XDECREF(text);
    Py_DECREF(exception);
    PyErr_Clear();
    return status;
}

static isle_status take_setup_exit(engine_interp *interp, engine_failure *failure)
{
    PyErr_Clear();
    engine_fail(failure, ISLE_ERR_EXIT, "%s was called while the interpreter was set up", interp->exit_call);
    failure->exit_status = interp->exit_status;
    return ISLE_ERR_EXIT;
}

static PyInterpreterConfig cpython_config(bool own_gil)
{
    return (PyInterpreterConfig){
        .use_main_obmalloc = !own_gil, /* PEP 684: an own GIL needs an own allocator */
        .allow_fork = 0,               /* the child would crash: python/cpython#139759 */
        .allow_exec = 0,
        .allow_threads = 1,
        .allow_daemon_threads = 1, /* they are made to end before the interpreter does */
        .check_multi_interp_extensions = own_gil,
        .gil = own_gil ? PyInterpreterConfig_OWN_GIL : PyInterpreterConfig_SHARED_GIL,
    };
}

static engine_interp *allocate(const isle_interp_config *config, uint64_t id, const char *name, void *core)
{
    engine_interp *interp = plat_calloc(1, sizeof *interp);
    char *copy = interp != NULL ? plat_strdup(name) : NULL;
    if (copy == NULL) {
        plat_free(interp);
        return NULL;
    }
    interp->id = id;
    interp->name = copy;
    interp->number = config->number;
    interp->pickles = true;
    interp->core = core;
    interp->own_gil = config->gil == ISLE_GIL_OWN;
    interp->isolated = config->isolated;
    interp->own_descriptors = config->private_descriptors;
    interp->own_fs = !config->shared_cwd;
    interp->own = plat_own_of_thread();
    interp->home_thread = pthread_self();
    interp->home_kernel_id = plat_kernel_id_self();
    plat_lock_init(&interp->lock);
    signals_init(interp);
    return interp;
}

static bool open_account(engine_interp *interp)
{
    interp->account = account_new(interp, interp->own_gil); /* PEP 684: a shared GIL means shared arenas */
    return interp->account != NULL;
}

/* Hooks for asynchronous generators are the thread state's, so they live until all modules are gone: what they keep, an
 * event loop with its sockets, would never be freed then, nor their types: 4 MB on 3.14, 5 on 3.15. Attached. */
static void drop_asyncgen_hooks(void)
{
    PyObject *set_hooks = PySys_GetObject("set_asyncgen_hooks"); /* borrowed */
    if (set_hooks != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(set_hooks, Py_None, Py_None, NULL));
    }
    PyErr_Clear();
}

/* Threads of extensions may have come since the last were reaped. */
static void keep_out(engine_interp *interp)
{
    if (interp->extensions != NULL) {
        PyEval_SaveThread();
        while (!extensions_close(interp)) {
            engine_reap_threads(interp);
        }
        PyEval_RestoreThread(interp->home);
    }
}

/* Ends CPython's part; attached before, nothing attached after. */
static void end_state(engine_interp *interp)
{
    bool locked;
    plat_lock_take(&interp->lock);
    interp->destroying = true;
    plat_lock_give(&interp->lock);
    bool may_go = lender_close(interp); /* before its types go: releasing runs code of theirs */
    drop_objects(interp);
    drop_asyncgen_hooks();
    keep_out(interp);
    defects_end_lock(interp, &locked);
    Py_EndInterpreter(interp->home);
    extensions_state_gone(interp);
    policy_end(interp);
    defects_end_unlock(locked);
    atomic_fetch_sub(&engine.interps, 1);
    /* Extensions lose objects in their static variables, and CPython keeps the whole allocator for those: tens of
     * megabytes with NumPy and pandas. In copies nobody else can reach them. */
    bool leaks = defects_leaks_arenas() || interp->extensions != NULL;
    if (may_go && interp->own_gil && leaks) {
        arena_give_back(interp->account);
    }
    if (may_go) { /* else memory of its objects is still seen, and what releases it may be in a copy */
        extensions_end(interp);
    }
}

static isle_status fill(engine_interp *interp, const isle_interp_config *config, engine_failure *failure)
{
    bool fine = interp_watch_state(interp) == 0 && frames_install() == 0 && module_install(interp, config) == 0 &&
                signal_functions_install(interp) == 0 && streams_install(interp, config) == 0 &&
                environment_install(interp, config) == 0 && locale_install(interp, config) == 0 &&
                extensions_install(interp, config) == 0 && quota_open(interp) && apply_config(interp, config) == 0;
    if (fine) {
        return ISLE_OK;
    }
    return atomic_load(&interp->exited) ? take_setup_exit(interp, failure) : take_setup_exception(interp, failure);
}

static isle_status create_state(engine_interp *interp, engine_failure *failure)
{
    PyInterpreterConfig config = cpython_config(interp->own_gil);
    PyStatus made = Py_NewInterpreterFromConfig(&interp->home, &config);
    if (PyStatus_Exception(made) || interp->home == NULL) {
        return engine_fail(failure, ISLE_ERR_ENGINE, "CPython could not make an interpreter: %s",
                           made.err_msg != NULL ? made.err_msg : "no reason given");
    }
    interp->state = PyThreadState_GetInterpreter(interp->home);
    atomic_fetch_add(&engine.interps, 1);
    interp->home_ident = PyThread_get_thread_ident();
    interp->alive = true;
    account_set_state(interp->account, interp->state);
    return ISLE_OK;
}

/* What this engine can't do, of what is asked for; NULL: nothing. */
static const char *beyond_engine(const isle_interp_config *config)
{
#ifdef Py_GIL_DISABLED
    if (config->gil == ISLE_GIL_SHARED) {
        return "gil: a free-threaded CPython has none that could be shared";
    }
    if (config->extensions != ISLE_EXTENSIONS_STRICT) {
        return "extensions: with a free-threaded CPython ISLE_EXTENSIONS_STRICT is all there is";
    }
#else
    (void)config;
#endif
    return NULL;
}

isle_status engine_interp_create(const isle_interp_config *config, uint64_t id, const char *name, void *core_interp,
                                 struct policy *policy, engine_interp **out_interp, engine_failure *failure)
{
    if (beyond_engine(config) != NULL) {
        return engine_fail(failure, ISLE_ERR_UNSUPPORTED, "isle_interp_config.%s", beyond_engine(config));
    }
    engine_interp *interp = allocate(config, id, name, core_interp);
    if (interp == NULL || !open_account(interp)) {
        engine_interp_free(interp);
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    engine_home = interp;
    isle_status status = outlets_open(interp, config, failure);
    status = status == ISLE_OK ? create_state(interp, failure) : status;
    if (status == ISLE_OK) {
        status = fill(interp, config, failure);
        if (status == ISLE_OK && !account_add_home(interp->account)) {
            status = engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
        }
        if (status == ISLE_OK) {
            policy_begin(interp, policy);
            PyEval_SaveThread();
            *out_interp = interp;
            return ISLE_OK;
        }
        end_state(interp);
    }
    outlets_close(interp);
    engine_home = NULL;
    engine_interp_free(interp);
    return status;
}

bool engine_has_due(engine_interp *interp)
{
    return lender_has_due(interp);
}

void engine_release_due(engine_interp *interp)
{
    PyEval_RestoreThread(interp->home);
    interrupt_begin(interp);
    lender_release_due(interp);
    interrupt_end(interp);
    PyEval_SaveThread();
}

void engine_interp_destroy(engine_interp *interp)
{
    PyEval_RestoreThread(interp->home);
    interrupt_begin(interp);
    end_state(interp);
    outlets_close(interp);
    plat_lock_take(&interp->lock);
    interp->running = false;
    plat_lock_give(&interp->lock);
    engine_home = NULL;
}

void engine_interp_free(engine_interp *interp)
{
    if (interp == NULL) {
        return;
    }
    extensions_free(interp);
    quota_close(interp);
    account_free(interp->account);
    plat_lock_destroy(&interp->lock);
    plat_free(interp->name);
    plat_free(interp->target);
    plat_free(interp->marked_locale);
    plat_free(interp);
}
