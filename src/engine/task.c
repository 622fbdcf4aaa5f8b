/* Running one task on the home thread. Each kind is a function that returns a new reference, or NULL with an exception
 * set; what is common (attaching, interrupts, flushing, failures) is in engine_run. */
#include <string.h>

#include "account.h"
#include "extensions.h"
#include "quota.h"
#include "python.h"

static PyObject *main_namespace(void)
{
    PyObject *main = PyImport_AddModuleRef("__main__");
    PyObject *namespace = main != NULL ? PyModule_GetDict(main) : NULL;
    Py_XDECREF(main); /* sys.modules keeps it, or its namespace's last user is us: take our own reference */
    return Py_XNewRef(namespace);
}

static PyObject *list_of(const char *const *items, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *text = PyUnicode_DecodeFSDefault(items[i]);
        if (text == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, text);
        }
    }
    return list;
}

static PyObject *evaluate(PyObject *code /* stolen */)
{
    PyObject *namespace = code != NULL ? main_namespace() : NULL;
    PyObject *result = NULL;
    if (namespace != NULL) {
        result = PyEval_EvalCode(code, namespace, namespace);
        Py_DECREF(namespace);
    }
    Py_XDECREF(code);
    return result;
}

/* For jobs that leave sys.argv alone unless they are given one. */
static int set_argv(const engine_task *task, const char *name)
{
    PyObject *argv = list_of(task->argv, task->argc);
    PyObject *zero = argv != NULL ? PyUnicode_DecodeFSDefault(name) : NULL;
    int failed = zero == NULL || PyList_Insert(argv, 0, zero) < 0 || PySys_SetObject("argv", argv) < 0;
    Py_XDECREF(zero);
    Py_XDECREF(argv);
    return failed ? -1 : 0;
}

/* Code is compiled with the allowance: where an interpreter is at its limit, it can still be told what to let go. */
static PyObject *run_source(engine_interp *interp, const engine_task *task)
{
    if (task->argv != NULL && set_argv(task, "-c") < 0) {
        return NULL;
    }
    const char *filename = task->filename != NULL ? task->filename : "<string>";
    PyObject *code = Py_CompileString(task->target, filename, Py_file_input);
    account_relax(interp->account, false);
    return evaluate(code);
}

/* As CPython's own `python -m` and `python DIR`. */
static PyObject *run_as_main(const char *name, bool alter_argv)
{
    PyObject *runpy = PyImport_ImportModule("runpy");
    PyObject *function = runpy != NULL ? PyObject_GetAttrString(runpy, "_run_module_as_main") : NULL;
    PyObject *result = function != NULL ? PyObject_CallFunction(function, "si", name, alter_argv ? 1 : 0) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(runpy);
    return result;
}

static PyObject *run_file(engine_interp *interp, const engine_task *task)
{
    PyObject *argv = list_of(task->argv, task->argc);
    PyObject *path = PyUnicode_DecodeFSDefault(task->target);
    PyObject *args = argv != NULL && path != NULL ? PyTuple_Pack(3, path, argv, interp->isolated ? Py_True : Py_False)
                                                  : NULL;
    Py_XDECREF(argv);
    Py_XDECREF(path);
    PyObject *code = support_call(interp, "prepare_file", args);
    if (code != Py_None) {
        return evaluate(code);
    }
    Py_DECREF(code);
    return run_as_main("__main__", false);
}

static PyObject *run_module(engine_interp *interp, const engine_task *task)
{
    PyObject *argv = list_of(task->argv, task->argc);
    PyObject *args = argv != NULL ? PyTuple_Pack(2, argv, interp->isolated ? Py_True : Py_False) : NULL;
    Py_XDECREF(argv);
    PyObject *done = support_call(interp, "prepare_module", args);
    if (done == NULL) {
        return NULL;
    }
    Py_DECREF(done);
    return run_as_main(task->target, true);
}

static PyObject *run_call(engine_interp *interp, const engine_task *task)
{
    PyObject *args, *kwargs;
    if (task->argv != NULL && set_argv(task, task->target) < 0) {
        return NULL;
    }
    PyObject *function = target_resolve(interp, task->target);
    if (function == NULL || convert_to_call(interp, &task->args, &args, &kwargs) < 0) {
        Py_XDECREF(function);
        return NULL;
    }
    PyObject *result = PyObject_Call(function, args, kwargs);
    Py_XDECREF(kwargs);
    Py_DECREF(args);
    Py_DECREF(function);
    return result;
}

static PyObject *run_apply(engine_interp *interp, const engine_task *task)
{
    PyObject *all, *kwargs;
    if (convert_to_call(interp, &task->args, &all, &kwargs) < 0) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(all) - 1; /* whoever made the task put one there */
    PyObject *const *items = ((PyTupleObject *)all)->ob_item;
    PyObject *result = PyObject_VectorcallDict(items[0], items + 1, (size_t)count, kwargs);
    Py_XDECREF(kwargs);
    Py_DECREF(all);
    return result;
}

static PyObject *get_global(const engine_task *task)
{
    PyObject *namespace = main_namespace();
    PyObject *value = namespace != NULL ? PyMapping_GetItemString(namespace, task->target) : NULL;
    Py_XDECREF(namespace);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyErr_Format(PyExc_NameError, "name '%s' is not defined", task->target);
    }
    return value;
}

static PyObject *set_global(engine_interp *interp, const engine_task *task)
{
    PyObject *namespace = main_namespace();
    PyObject *value = namespace != NULL ? convert_to_object(interp, &task->args) : NULL;
    int failed = value == NULL || PyDict_SetItemString(namespace, task->target, value) < 0;
    Py_XDECREF(value);
    Py_XDECREF(namespace);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* What belongs to a module that nobody imported has nothing to do: most interpreters end without Python code of
 * ours. */
static PyObject *call_if_loaded(engine_interp *interp, const char *module, const char *function)
{
    PyObject *name = PyUnicode_FromString(module);
    PyObject *loaded = name != NULL ? PyImport_GetModule(name) : NULL;
    bool absent = loaded == NULL ? !PyErr_Occurred() : loaded == Py_None;
    PyObject *result = loaded != NULL && !absent ? support_call(interp, function, PyTuple_Pack(1, loaded)) : NULL;
    Py_XDECREF(loaded);
    Py_XDECREF(name);
    return absent ? Py_NewRef(Py_None) : result;
}

static PyObject *mark(engine_interp *interp)
{
    PyObject *own = interp->own_fs ? Py_True : Py_False;
    signals_mark(interp);
    return environment_mark(interp) < 0 || locale_mark(interp) < 0 ? NULL
                                                                   : support_call(interp, "mark", PyTuple_Pack(1, own));
}

static PyObject *reset(engine_interp *interp)
{
    value_types_drop(interp); /* it knows classes of modules that go */
    PyObject *done = support_call(interp, "reset", PyTuple_New(0));
    if (done != NULL && (environment_reset(interp) < 0 || locale_reset(interp) < 0)) {
        Py_CLEAR(done);
    }
    if (done != NULL) {
        signals_reset(interp);
    }
    return done;
}

static PyObject *dispatch(engine_interp *interp, const engine_task *task)
{
    switch (task->kind) {
    case ENGINE_SOURCE:
        return run_source(interp, task);
    case ENGINE_FILE:
        return run_file(interp, task);
    case ENGINE_MODULE:
        return run_module(interp, task);
    case ENGINE_CALL:
        return run_call(interp, task);
    case ENGINE_APPLY:
        return run_apply(interp, task);
    case ENGINE_GET_GLOBAL:
        return get_global(task);
    case ENGINE_SET_GLOBAL:
        return set_global(interp, task);
    case ENGINE_JOIN_THREADS:
        return call_if_loaded(interp, "threading", "join_threads");
    case ENGINE_ATEXIT:
        return call_if_loaded(interp, "atexit", "run_atexit");
    case ENGINE_MARK:
        return mark(interp);
    case ENGINE_RESET:
        return reset(interp);
    }
    PyErr_SetString(PyExc_SystemError, "unknown task");
    return NULL;
}

/* Kinds that run the program's code. */
static bool hears_signals(engine_task_kind kind)
{
    switch (kind) {
    case ENGINE_GET_GLOBAL:
    case ENGINE_SET_GLOBAL:
    case ENGINE_MARK:
    case ENGINE_RESET:
        return false;
    default:
        return true;
    }
}

/* Handlers of what came before it are run first. */
static PyObject *dispatch_listening(engine_interp *interp, const engine_task *task)
{
    if (!hears_signals(task->kind)) {
        return dispatch(interp, task);
    }
    signals_listen(interp, true);
    PyObject *result = signals_run(interp) == 0 ? dispatch(interp, task) : NULL;
    signals_listen(interp, false);
    return result;
}

static bool has_value(engine_task_kind kind)
{
    return kind == ENGINE_CALL || kind == ENGINE_APPLY || kind == ENGINE_GET_GLOBAL;
}

/* What an interrupt may have left behind that the next task would trip over. */
static void tidy(engine_interp *interp)
{
    if (atomic_load(&interp->reason) != 0 && !atomic_load(&interp->exited)) {
        PyObject *done = support_call(interp, "after_interrupt", PyTuple_New(0));
        Py_XDECREF(done);
    }
    PyErr_Clear();
}

/* A MemoryError says nothing. */
static void note_refused_memory(engine_interp *interp)
{
    if (!account_was_denied(interp->account) || !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return;
    }
    PyObject *exception = PyErr_GetRaisedException();
    Py_XDECREF(PyObject_CallMethod(exception, "add_note", "s", "the interpreter's memory limit is reached"));
    PyErr_Clear();
    PyErr_SetRaisedException(exception);
}

/* Attached. The result as a value, or why there is none. */
static isle_status conclude(engine_interp *interp, const engine_task *task, PyObject *result, parcel *out_value,
                            engine_failure *failure)
{
    if (result == NULL) {
        note_refused_memory(interp);
        quota_note_recursion(interp);
        return engine_take_exception(interp, task, failure);
    }
    if (!has_value(task->kind)) {
        return ISLE_OK;
    }
    const char *root = task->kind == ENGINE_GET_GLOBAL ? task->target : "result";
    isle_status status = convert_from_object(interp, result, root, out_value, failure);
    return status == ISLE_ERR_PYTHON ? engine_take_exception(interp, task, failure) : status;
}

static bool is_good(isle_status status, const engine_failure *failure)
{
    return status == ISLE_OK || (status == ISLE_ERR_EXIT && failure->exit_status == 0);
}

/* A task that is stopped while its output still waits for a reader is not good: what it wrote is not where it goes.
 * What follows in an interpreter that ends waits no more. */
static isle_status flush(engine_interp *interp, isle_status status, parcel *out_value, engine_failure *failure)
{
    atomic_store(&interp->was_refused, false);
    bool flushed = streams_flush(interp);
    if (!flushed && atomic_load(&interp->was_refused) && is_good(status, failure)) {
        parcel_clear(out_value);
        engine_failure_clear(failure);
        char *text = interrupt_budget_text(interp);
        status = engine_fail(failure, ISLE_ERR_BUDGET, "%s", text != NULL ? text : "a budget is used up");
        plat_free(text);
    }
    isle_status reason = flushed ? ISLE_OK : (isle_status)atomic_load(&interp->reason);
    interp->hurries = interp->hurries || reason == ISLE_ERR_ENDED;
    if (reason == ISLE_OK || !is_good(status, failure)) {
        return status;
    }
    parcel_clear(out_value);
    engine_failure_clear(failure);
    return engine_fail(failure, reason, "its output still waited for a reader");
}

isle_status engine_run(engine_interp *interp, const engine_task *task, parcel *out_value, engine_failure *failure)
{
    isle_status status;
    *out_value = (parcel){.data = NULL};
    extensions_hold(interp, false);
    if (task->kind == ENGINE_JOIN_THREADS) {
        threads_note_left(interp); /* one of them may hold the GIL for good: then we get no further */
    }
    PyEval_RestoreThread(interp->home);
    interrupt_begin(interp);
    quota_apply(interp);
    account_relax(interp->account, task->kind == ENGINE_SOURCE);
    PyObject *result = dispatch_listening(interp, task);
    account_relax(interp->account, true);
    int ended_by = signals_ended_by(interp);
    if (atomic_load(&interp->exited)) {
        status = exit_conclude(interp, failure);
    } else if (task->kind == ENGINE_JOIN_THREADS && atomic_load(&interp->reason) != 0) {
        /* threading swallows what interrupts its wait, or it comes just after */
        status = engine_fail(failure, (isle_status)atomic_load(&interp->reason), "threads that it started still ran");
        PyErr_Clear();
    } else if (task->kind == ENGINE_JOIN_THREADS && ended_by != 0) {
        status = engine_fail(failure, ISLE_ERR_EXIT, "threads that it started still ran");
        failure->exit_status = 128 + ended_by;
        PyErr_Clear();
    } else {
        status = conclude(interp, task, result, out_value, failure);
    }
    Py_XDECREF(result);
    interp->discards = interp->discards || task->kind == ENGINE_ATEXIT;
    status = flush(interp, status, out_value, failure);
    interrupt_end(interp);
    tidy(interp);
    PyEval_SaveThread();
    if (task->kind == ENGINE_JOIN_THREADS) {
        threads_forget_left(interp);
    }
    if (status == ISLE_ERR_EXIT && is_good(status, failure)) {
        engine_failure_clear(failure);
        status = ISLE_OK;
    }
    return status;
}
