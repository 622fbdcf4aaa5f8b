/* What would end or replace the whole process, called by code of an interpreter: os._exit, os.abort and
 * signal.raise_signal(SIGABRT) end that interpreter; os.exec* and os.fork are refused, but for the fork of os.spawn*.
 *
 * "No Python code runs after os._exit" is kept by three things, all under the GIL of whoever calls it:
 *   the interpreter gets a frame evaluation function (PEP 523) that raises instead of running a frame: no function,
 *     generator, finalizer or call-back begins or goes on
 *   the code of all frames that are active, on any of its threads, loses its exception table: no except, finally or
 *     with block of it is entered
 *   at the next step of each thread there is an exception (interrupt.c), again and again
 * Then the home thread comes back from the engine, and the core ends the interpreter. Code in C goes on until it
 * returns, or asks whether it is to stop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "replace.h"

enum { ABORTED = 128 + SIGABRT };

static keywords_fn exit_of_python, execve_of_python;
static positional_fn execv_of_python;
static no_args_fn abort_of_python, fork_of_python, forkpty_of_python;

/* --- stopping all of it ------------------------------------------------------------------------------------------- */

static void forget_handlers(PyCodeObject *code)
{
    Py_XSETREF(code->co_exceptiontable, PyBytes_FromStringAndSize(NULL, 0)); /* that object always exists */
}

static PyObject *refuse_frame(PyThreadState *thread, struct _PyInterpreterFrame *frame, int throwing)
{
    PyObject *code = PyUnstable_InterpreterFrame_GetCode(frame);
    engine_interp *interp = interp_of_thread();
    (void)throwing;
    if (code != NULL && PyCode_Check(code)) {
        forget_handlers((PyCodeObject *)code);
    }
    Py_XDECREF(code);
    if (PyErr_Occurred() == NULL && interp != NULL && interp->cancelled != NULL) {
        PyErr_SetString(interp->cancelled, interp->exit_call);
    } else if (PyErr_Occurred() == NULL) {
        PyErr_SetNone(PyExc_KeyboardInterrupt); /* its end is nearly over */
    }
    return _PyEval_EvalFrameDefault(thread, frame, 1);
}

static void stop_frames_of(PyThreadState *thread)
{
    PyFrameObject *frame = PyThreadState_GetFrame(thread);
    while (frame != NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        forget_handlers(code);
        Py_DECREF(code);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
}

/* The functions of atexit: those written in C would still run. */
static void clear_atexit(void)
{
    PyObject *atexit = PyDict_GetItemString(PyImport_GetModuleDict(), "atexit");
    PyObject *done = atexit != NULL ? PyObject_CallMethod(atexit, "_clear", NULL) : NULL;
    Py_XDECREF(done);
    PyErr_Clear();
}

static void stop_everything(engine_interp *interp)
{
    clear_atexit();
    PySys_SetObject("stderr", Py_None);     /* nobody is to read of exceptions that come of this */
    PySys_SetObject("__stderr__", Py_None); /* CPython goes back to that one at the end */
    PyErr_Clear();
    _PyInterpreterState_SetEvalFrameFunc(interp->state, refuse_frame);
    threads_visit(interp, stop_frames_of);
    interrupt_exit(interp);
}

/* By any thread of it. The first call counts. */
static void begin_exit(engine_interp *interp, int status, const char *call)
{
    if (atomic_load(&interp->exited)) {
        return;
    }
    interp->exit_status = status & 0xff; /* as a process has it */
    snprintf(interp->exit_call, sizeof interp->exit_call, "%s", call);
    atomic_store(&interp->exited, true);
    stop_everything(interp);
    engine_interp *before = engine_calling;
    PyThreadState *state = PyEval_SaveThread();
    engine_calling = interp;
    engine.hooks.on_exit(interp->core, interp->exit_status, interp->exit_call);
    engine_calling = before;
    PyEval_RestoreThread(state);
}

static PyObject *exit_interpreter(engine_interp *interp, int status, const char *call)
{
    begin_exit(interp, status, call);
    PyErr_SetString(interp->cancelled != NULL ? interp->cancelled : PyExc_KeyboardInterrupt, interp->exit_call);
    return NULL;
}

isle_status exit_conclude(engine_interp *interp, engine_failure *failure)
{
    PyErr_Clear();
    if (interp->exit_status == 0) {
        return ISLE_OK;
    }
    engine_fail(failure, ISLE_ERR_EXIT, "%s ended the interpreter", interp->exit_call);
    failure->exit_status = interp->exit_status;
    return ISLE_ERR_EXIT;
}

/* --- functions that end the process ------------------------------------------------------------------------------- */

/* An interpreter that code of ours made by itself (concurrent.interpreters) and runs on its home thread: there is no
 * way to end it and go on. */
static PyObject *refuse_in_nested(const char *name)
{
    return PyErr_Format(PyExc_RuntimeError,
                        "%s: not in an interpreter that Isles did not make: it would end the "
                        "process",
                        name);
}

static bool is_nested(void)
{
    return engine_home != NULL && interp_of_thread() == NULL;
}

static PyObject *exit_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *argument = only_argument(args, count, names, "status");
    engine_interp *interp = interp_of_thread();
    char call[sizeof interp->exit_call];
    if (argument == NULL || (interp == NULL && !is_nested())) {
        return exit_of_python(module, args, count, names);
    }
    int status = PyLong_AsInt(argument);
    if (status == -1 && PyErr_Occurred()) {
        return NULL;
    }
    snprintf(call, sizeof call, "os._exit(%d)", status);
    return interp != NULL ? exit_interpreter(interp, status, call) : refuse_in_nested("os._exit");
}

static PyObject *abort_here(PyObject *module, PyObject *unused)
{
    engine_interp *interp = interp_of_thread();
    if (interp == NULL) {
        return is_nested() ? refuse_in_nested("os.abort") : abort_of_python(module, unused);
    }
    return exit_interpreter(interp, ABORTED, "os.abort()");
}

PyObject *exit_by_abort(engine_interp *interp, const char *call)
{
    return exit_interpreter(interp, ABORTED, call);
}

/* --- functions that replace or copy it ---------------------------------------------------------------------------- */

static PyObject *refuse_exec(const char *name)
{
    return PyErr_Format(PyExc_RuntimeError,
                        "%s: not in an interpreter: it would replace the whole process, with all that runs in it (use "
                        "subprocess)",
                        name);
}

static PyObject *execv_here(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    return interp_of_thread() != NULL ? refuse_exec("os.execv") : execv_of_python(module, args, count);
}

static PyObject *execve_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return interp_of_thread() != NULL ? refuse_exec("os.execve") : execve_of_python(module, args, count, names);
}

void exit_refuse_fork(const char *name)
{
    PyErr_Format(PyExc_RuntimeError,
                 "%s: not in a process with interpreters of Isles: the child would crash (use subprocess, or "
                 "multiprocessing with spawn)",
                 name);
}

static bool is_spawnvef(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *name = globals != NULL ? PyDict_GetItemString(globals, "__name__") : NULL; /* borrowed */
    bool is = PyUnicode_EqualToUTF8(code->co_name, "_spawnvef") && name != NULL && PyUnicode_Check(name) &&
              PyUnicode_EqualToUTF8(name, "os");
    Py_XDECREF(globals);
    Py_DECREF(code);
    return is;
}

/* os.spawn* fork, and what the child does is known: the process that it would become is started instead, by what the
 * caller has in its variables. Its ID is all that the parent wants of fork(). */
static PyObject *spawn_instead(engine_interp *interp, PyFrameObject *frame)
{
    static const char *const names[] = {"file", "args", "env", "func"};
    PyObject *spawn = processes_function(interp, "spawn");
    PyObject *args[5] = {interp->environment != NULL ? interp->environment : Py_None};
    bool complete = spawn != NULL;
    for (size_t i = 0; complete && i < sizeof names / sizeof *names; i++) {
        args[i + 1] = PyFrame_GetVarString(frame, names[i]);
        complete = args[i + 1] != NULL;
    }
    PyObject *pid = complete ? PyObject_Vectorcall(spawn, args, 5, NULL) : NULL;
    for (size_t i = 1; i < 5; i++) {
        Py_XDECREF(args[i]);
    }
    return pid;
}

static PyObject *fork_here(PyObject *module, PyObject *unused)
{
    engine_interp *interp = interp_of_thread();
    PyFrameObject *frame = interp != NULL ? PyEval_GetFrame() : NULL; /* borrowed */
    if (interp == NULL) {
        return fork_of_python(module, unused);
    }
    if (frame != NULL && is_spawnvef(frame)) {
        return spawn_instead(interp, frame);
    }
    exit_refuse_fork("os.fork");
    return NULL;
}

static PyObject *forkpty_here(PyObject *module, PyObject *unused)
{
    if (interp_of_thread() == NULL) {
        return forkpty_of_python(module, unused);
    }
    exit_refuse_fork("os.forkpty");
    return NULL;
}

isle_status exit_start(engine_failure *failure)
{
    const int keywords = METH_FASTCALL | METH_KEYWORDS;
    const replacement list[] = {
        {"posix", "_exit", keywords, WAY(exit_here), ORIGINAL(exit_of_python), false},
        {"posix", "abort", METH_NOARGS, WAY(abort_here), ORIGINAL(abort_of_python), false},
        {"posix", "execv", METH_FASTCALL, WAY(execv_here), ORIGINAL(execv_of_python), true},
        {"posix", "execve", keywords, WAY(execve_here), ORIGINAL(execve_of_python), true},
        {"posix", "fork", METH_NOARGS, WAY(fork_here), ORIGINAL(fork_of_python), true},
        {"posix", "forkpty", METH_NOARGS, WAY(forkpty_here), ORIGINAL(forkpty_of_python), true},
    };
    return replace_functions(list, sizeof list / sizeof *list, failure);
}
