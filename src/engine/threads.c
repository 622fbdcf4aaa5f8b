/* The threads that code left in its interpreter: counting them, naming them, making them end.
 *
 * Runs on the home thread while the interpreter ends. A thread's state leaves CPython's list only while its
 * thread is attached, so the list, and the thread behind each entry, hold still while we are attached; on free-threaded
 * builds the world is stopped for that. */
#include <stdio.h>
#include <string.h>

#include "python.h"

enum { MAX_THREADS = 256, GENTLE_ROUNDS = 5 };

#ifdef Py_GIL_DISABLED
extern void _PyEval_StopTheWorld(PyInterpreterState *interp);
extern void _PyEval_StartTheWorld(PyInterpreterState *interp);
#define HOLD_STILL(state) _PyEval_StopTheWorld(state)
#define GO_ON(state) _PyEval_StartTheWorld(state)
#else
#define HOLD_STILL(state) ((void)(state))
#define GO_ON(state) ((void)(state))
#endif

/* Attached. Fills `idents` with the threads other than the home thread and wakes each by a signal. */
static size_t list_threads(engine_interp *interp, unsigned long *idents, bool signal_them)
{
    size_t count = 0;
    HOLD_STILL(interp->state);
    for (PyThreadState *t = PyInterpreterState_ThreadHead(interp->state); t != NULL; t = PyThreadState_Next(t)) {
        if (t == interp->home || t->thread_id == 0 || count == MAX_THREADS) {
            continue;
        }
        idents[count++] = t->thread_id;
        if (signal_them) {
            pthread_kill((pthread_t)t->thread_id, engine.signal);
        }
    }
    GO_ON(interp->state);
    return count;
}

size_t engine_reap_threads(engine_interp *interp)
{
    static const int64_t moment = 3 * ISLE_MS;
    unsigned long idents[MAX_THREADS];
    PyEval_RestoreThread(interp->home);
    size_t count = list_threads(interp, idents, false);
    if (count == 0) {
        PyEval_SaveThread();
        return 0;
    }
    for (int round = 0; round < GENTLE_ROUNDS && count > 0; round++) {
        for (size_t i = 0; i < count; i++) {
            PyThreadState_SetAsyncExc(idents[i], PyExc_SystemExit);
        }
        interrupt_threads(interp, true, round > 0);
        list_threads(interp, idents, true);
        PyEval_SaveThread();
        plat_gate never = {0};
        plat_gate_wait(&never, plat_now() + moment);
        interrupt_threads(interp, false, false);
        PyEval_RestoreThread(interp->home);
        count = list_threads(interp, idents, false);
    }
    PyEval_SaveThread();
    return count;
}

char *engine_thread_names(engine_interp *interp)
{
    char *names = NULL;
    PyEval_RestoreThread(interp->home);
    PyObject *text = support_call(interp, "thread_names", PyTuple_New(0));
    const char *utf8 = text != NULL && PyUnicode_Check(text) ? PyUnicode_AsUTF8(text) : NULL;
    if (utf8 != NULL && utf8[0] != '\0') {
        names = plat_strdup(utf8);
    }
    Py_XDECREF(text);
    PyErr_Clear();
    unsigned long idents[MAX_THREADS];
    size_t count = names == NULL ? list_threads(interp, idents, false) : 0;
    if (count > 0) {
        names = plat_printf("%zu threads", count);
    }
    PyEval_SaveThread();
    return names;
}
