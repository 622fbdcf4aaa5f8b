/* CPython in this process: starting it, taking over a running one, stopping it; what holds for all its interpreters. */
#include <stdio.h>
#include <string.h>

#include "account.h"
#include "quota.h"
#include "python.h"

engine_global engine;

/* --- the audit hook --------------------------------------------------------------------------------------------- */

static bool is_fork(const char *event)
{
    return strcmp(event, "os.fork") == 0 || strcmp(event, "os.forkpty") == 0;
}

static bool is_thread_start(const char *event)
{
    return strcmp(event, "_thread.start_new_thread") == 0 || strcmp(event, "_thread.start_joinable_thread") == 0;
}

static bool opens_descriptor(const char *event)
{
    return (event[0] == 'o' && strcmp(event, "open") == 0) || (event[0] == 's' && strcmp(event, "socket.__new__") == 0);
}

/* Told to the core: an exception that nobody can catch. */
static void tell_unraisable(PyObject *args)
{
    PyThreadState *current = PyThreadState_Get();
    engine_interp *interp = engine_home;
    if (interp != NULL && atomic_load(&interp->exited)) {
        return; /* they come of that */
    }
    if (interp == NULL || PyThreadState_GetInterpreter(current) != interp->state || PyTuple_GET_SIZE(args) < 2) {
        return;
    }
    PyObject *type = PyObject_GetAttrString(PyTuple_GET_ITEM(args, 1), "exc_type");
    char message[200];
    snprintf(message, sizeof message, "an exception was ignored: %.150s",
             type != NULL && PyType_Check(type) ? ((PyTypeObject *)type)->tp_name : "?");
    Py_XDECREF(type);
    PyErr_Clear();
    engine_interp *before = engine_calling;
    PyThreadState *state = PyEval_SaveThread();
    engine_calling = interp;
    engine.hooks.on_error(interp->core, message);
    engine_calling = before;
    PyEval_RestoreThread(state);
}

/* In every interpreter, attached (PEP 578). Costs some 60 ns an event; stays installed for the life of the process. */
static int audit(const char *event, PyObject *args, void *data)
{
    (void)data;
    if (event[0] == 'o' && is_fork(event) && atomic_load(&engine.interps) > 0) {
        /* python/cpython#139759, 3.13 to 3.15: the child of a process with interpreters crashes */
        exit_refuse_fork(event);
        return -1;
    }
    if (event[0] == '_' && is_thread_start(event) && account_before_thread() < 0) {
        return -1;
    }
    if (event[0] == 'm' && strcmp(event, "mmap.__new__") == 0 && account_before_map(args) < 0) {
        return -1;
    }
    if (opens_descriptor(event) && quota_before_descriptor() < 0) {
        return -1;
    }
    if (event[0] == 's' && strcmp(event, "sys.unraisablehook") == 0) {
        tell_unraisable(args);
    }
    return atomic_load_explicit(&engine.policies, memory_order_relaxed) == 0 ? 0 : policy_audit(event, args);
}

/* --- start ------------------------------------------------------------------------------------------------------ */

static isle_status fail_with(engine_failure *failure, PyStatus status)
{
    return engine_fail(failure, ISLE_ERR_ENGINE, "CPython did not start: %s",
                       status.err_msg != NULL ? status.err_msg : "no reason given");
}

/* UTF-8 mode (PEP 540), and the host's locale is left alone. */
static PyStatus preinitialize(const isle_runtime_config *config)
{
    PyPreConfig pre;
    PyPreConfig_InitPythonConfig(&pre);
    pre.parse_argv = 0;
    pre.utf8_mode = 1;
    pre.configure_locale = 0;
    pre.coerce_c_locale = 0;
    pre.coerce_c_locale_warn = 0;
    pre.use_environment = !config->ignore_environment;
    return Py_PreInitialize(&pre);
}

static PyStatus initialize(const isle_runtime_config *config)
{
    const char *python = config->python != NULL ? config->python : ISLES_ENGINE_PYTHON;
    PyConfig cpython;
    PyConfig_InitPythonConfig(&cpython);
    cpython.parse_argv = 0;
    cpython.install_signal_handlers = 0;
    cpython.site_import = 0; /* each interpreter imports site as it is configured (python/cpython#112434) */
    cpython.safe_path = 1;
    cpython.pathconfig_warnings = 0;
    cpython.use_environment = !config->ignore_environment;
    PyStatus status = PyConfig_SetBytesString(&cpython, &cpython.executable, python);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_SetBytesString(&cpython, &cpython.program_name, python);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&cpython);
    }
    PyConfig_Clear(&cpython);
    return status;
}

/* Interpreters may still read the one before: it stays where it is the same, and otherwise, too. */
static bool set_package(const char *package)
{
    if (engine.package == NULL || strcmp(engine.package, package) != 0) {
        engine.package = plat_strdup(package);
    }
    return engine.package != NULL;
}

/* CPython takes over the process's SIGINT when a module of the main interpreter is imported that needs `signal`, as
 * asyncio does, and gives up whatever is there at its end. It is the host's. */
static void import_modules(void)
{
    struct sigaction action;
    sigaction(SIGINT, NULL, &action);
    defects_before_interpreters();
    own_ctypes_start();
    sigaction(SIGINT, &action, NULL);
}

static int finalize(void)
{
    struct sigaction action;
    sigaction(SIGINT, NULL, &action);
    int failed = Py_FinalizeEx();
    sigaction(SIGINT, &action, NULL);
    return failed;
}

/* Main interpreter, attached. */
static isle_status prepare(const isle_runtime_config *config, engine_failure *failure)
{
    static bool audited;
    int error = interrupt_start(config->interrupt_signal, config->no_code_patch);
    if (error != 0) {
        return engine_fail(failure, ISLE_ERR_SYSTEM, "interrupt_signal: %s", strerror(error));
    }
    if (script_prepare() < 0) {
        PyErr_Clear();
        return engine_fail(failure, ISLE_ERR_ENGINE, "the support code did not compile");
    }
    if (!audited && PySys_AddAuditHook(audit, NULL) < 0) {
        PyErr_Clear();
        return engine_fail(failure, ISLE_ERR_ENGINE, "another audit hook refused ours");
    }
    audited = true;
    if (frames_install() < 0) {
        PyErr_Clear();
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    import_modules();
    signal_functions_start();
    engine.main = PyInterpreterState_Main();
    if (policy_prepare() < 0) {
        PyErr_Clear();
        return engine_fail(failure, ISLE_ERR_ENGINE, "the folders of Python's library are not known");
    }
    isle_status replaced = environment_start(failure);
    replaced = replaced != ISLE_OK ? replaced : children_start(failure);
    replaced = replaced != ISLE_OK ? replaced : exit_start(failure);
    replaced = replaced != ISLE_OK ? replaced : locale_start(failure);
    replaced = replaced != ISLE_OK ? replaced : quota_start(failure);
    replaced = replaced != ISLE_OK ? replaced : foreign_error_start(failure);
    if (replaced != ISLE_OK) {
        return replaced;
    }
    if (config->package != NULL && !set_package(config->package)) {
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    engine.started = true;
    return ISLE_OK;
}

isle_status engine_start(const isle_runtime_config *config, const engine_hooks *hooks, engine_failure *failure)
{
    static bool ran;
    if (Py_IsInitialized()) {
        return engine_fail(failure, ISLE_ERR_STATE, "Python already runs in this process: adopt it");
    }
    if (ran) {
        return engine_fail(failure, ISLE_ERR_STATE,
                           "CPython ran in this process before, and can't start twice reliably");
    }
    engine.hooks = *hooks;
    engine.adopted = false;
    PyStatus status = preinitialize(config);
    if (PyStatus_Exception(status)) {
        return fail_with(failure, status);
    }
    memory_start();
    status = initialize(config);
    if (PyStatus_Exception(status)) {
        return fail_with(failure, status);
    }
    isle_status prepared = prepare(config, failure);
    if (prepared != ISLE_OK) {
        finalize();
        return prepared;
    }
    frozen_start();
    engine.main_thread_state = PyEval_SaveThread();
    ran = true;
    return ISLE_OK;
}

/* --- adopting --------------------------------------------------------------------------------------------------- */

static void (*exit_fn)(void *);
static void *exit_ctx;

static PyObject *at_exit(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    if (engine.started && exit_fn != NULL) {
        exit_fn(exit_ctx);
    }
    guest_close();
    Py_RETURN_NONE;
}

static PyMethodDef at_exit_def = {"isles_at_exit", at_exit, METH_NOARGS, NULL};

static int register_exit(void)
{
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *function = atexit != NULL ? PyCFunction_New(&at_exit_def, NULL) : NULL;
    PyObject *done = function != NULL ? PyObject_CallMethod(atexit, "register", "O", function) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(atexit);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

isle_status engine_adopt(const isle_runtime_config *config, const engine_hooks *hooks, void (*on_exit)(void *),
                         void *ctx, engine_failure *failure)
{
    PyThreadState *current = Py_IsInitialized() ? PyThreadState_GetUnchecked() : NULL;
    if (current == NULL || PyThreadState_GetInterpreter(current) != PyInterpreterState_Main()) {
        return engine_fail(failure, ISLE_ERR_STATE, "the calling thread is not attached to the main interpreter");
    }
    if ((Py_Version >> 16) != (PY_VERSION_HEX >> 16)) {
        return engine_fail(failure, ISLE_ERR_UNSUPPORTED, "built for Python %d.%d, this is another", PY_MAJOR_VERSION,
                           PY_MINOR_VERSION);
    }
    engine.hooks = *hooks;
    engine.adopted = true;
    exit_fn = on_exit;
    exit_ctx = ctx;
    memory_start();
    isle_status status = prepare(config, failure);
    if (status == ISLE_OK && config->package != NULL) {
        status = guest_install(failure);
        engine.started = status == ISLE_OK;
    }
    if (status == ISLE_OK && register_exit() < 0) {
        PyErr_Clear();
        engine.started = false;
        status = engine_fail(failure, ISLE_ERR_ENGINE, "atexit refused a function");
    }
    return status;
}

/* --- stop ------------------------------------------------------------------------------------------------------- */

void engine_abandon(void)
{
    engine.started = false;
}

isle_status engine_stop(engine_failure *failure)
{
    engine.started = false;
    if (engine.adopted) {
        return ISLE_OK;
    }
    PyEval_RestoreThread(engine.main_thread_state);
    int failed = finalize();
    frozen_stop();
    script_forget();
    return failed == 0 ? ISLE_OK
                       : engine_fail(failure, ISLE_ERR_ENGINE, "CPython could not flush its files at its end");
}
