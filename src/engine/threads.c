/* The threads that code left in its interpreter: counting them, naming them, making them end.
 *
 * Runs on the home thread while the interpreter ends. A thread's state leaves CPython's list only while its
 * thread is attached, so the list, and the thread behind each entry, hold still while we are attached; on free-threaded
 * builds the world is stopped for that. */
#include <stdio.h>

#include "python.h"

enum { ROUNDS = 5 };

#if !defined(Py_GIL_DISABLED)
#define HOLD_STILL(state) ((void)(state))
#define GO_ON(state) ((void)(state))
#elif PY_VERSION_HEX >= 0x030e0000
extern void _PyEval_StopTheWorld(PyInterpreterState *interp);
extern void _PyEval_StartTheWorld(PyInterpreterState *interp);
#define HOLD_STILL(state) _PyEval_StopTheWorld(state)
#define GO_ON(state) _PyEval_StartTheWorld(state)
#else /* 3.13t does not export those: the lock of the list is what there is */
#define Py_BUILD_CORE
#include <internal/pycore_runtime.h>
#undef Py_BUILD_CORE
#define HOLD_STILL(state) ((void)(state), PyMutex_Lock(&_PyRuntime.interpreters.mutex))
#define GO_ON(state) ((void)(state), PyMutex_Unlock(&_PyRuntime.interpreters.mutex))
#endif

typedef struct thread_list {
    unsigned long idents[ENGINE_MAX_LEFT]; /* as Python knows them */
    plat_kernel_id kernel_ids[ENGINE_MAX_LEFT];
    size_t count;
} thread_list;

/* Attached. All threads but the home thread (the first of them, where there are very many: the rest come later). One that
 * was started and has not come to life yet has an ident and a kernel id of 0; an asynchronous exception waits for it. */
static void list_threads(engine_interp *interp, thread_list *out)
{
    out->count = 0;
    HOLD_STILL(interp->state);
    for (PyThreadState *t = PyInterpreterState_ThreadHead(interp->state); t != NULL; t = PyThreadState_Next(t)) {
        if (t != interp->home && out->count < ENGINE_MAX_LEFT) {
            out->idents[out->count] = t->thread_id;
            out->kernel_ids[out->count] = (plat_kernel_id)t->native_thread_id;
            out->count++;
        }
    }
    GO_ON(interp->state);
}

/* For engine_park: home and its caller may not be able to attach any more when it is needed. */
static void remember_left(engine_interp *interp, const thread_list *list)
{
    plat_lock_take(&interp->lock);
    interp->left_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->kernel_ids[i] != 0) {
            interp->left[interp->left_count++] = list->kernel_ids[i];
        }
    }
    plat_lock_give(&interp->lock);
}

/* Attached. One interruption of each. */
static void interrupt_all(engine_interp *interp, const thread_list *list, bool insist)
{
    for (size_t i = 0; i < list->count; i++) {
        PyThreadState_SetAsyncExc(list->idents[i], PyExc_SystemExit);
    }
    interrupt_threads(interp, true, insist);
    for (size_t i = 0; i < list->count; i++) {
        if (list->kernel_ids[i] != 0) {
            plat_kernel_id_signal(list->kernel_ids[i], engine.signal, NULL);
        }
    }
}

size_t engine_reap_threads(engine_interp *interp)
{
    static const int64_t moment = 3 * ISLE_MS;
    thread_list list;
    PyEval_RestoreThread(interp->home);
    list_threads(interp, &list);
    remember_left(interp, &list);
    for (int round = 0; round < ROUNDS && list.count > 0; round++) {
        interrupt_all(interp, &list, round > 0);
        PyEval_SaveThread();
        plat_gate never = {0};
        plat_gate_wait(&never, plat_now() + moment);
        interrupt_threads(interp, false, false);
        PyEval_RestoreThread(interp->home);
        list_threads(interp, &list);
        remember_left(interp, &list);
    }
    PyEval_SaveThread();
    return list.count;
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
    thread_list list = {.count = 0};
    if (names == NULL) {
        list_threads(interp, &list);
    }
    if (list.count > 0) {
        names = plat_printf("%zu threads", list.count);
    }
    PyEval_SaveThread();
    return names;
}
