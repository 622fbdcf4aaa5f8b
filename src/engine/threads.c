/* The threads that code left in its interpreter: counting them, naming them, making them end.
 *
 * CPython's list of thread states is walked with its lock held, so that no state goes while we look at it:
 * detaching a thread takes its state off the list under that lock. The lock is CPython's own and has no API. */
#include <sched.h>
#include <stdio.h>

#define Py_BUILD_CORE /* for _PyRuntime.interpreters.mutex, 3.13 to 3.15 */
#include "extensions.h"
#include "python.h"

#include <internal/pycore_runtime.h>
#undef Py_BUILD_CORE

enum { ROUNDS = 5 };

typedef struct thread_list {
    unsigned long idents[ENGINE_MAX_LEFT]; /* as Python knows them */
    plat_kernel_id kernel_ids[ENGINE_MAX_LEFT];
    bool entered[ENGINE_MAX_LEFT]; /* a thread of the host's (isle_interp_enter): it is not ours to park */
    size_t count;
} thread_list;

bool threads_started_by_python(const PyThreadState *t)
{
#ifdef _PyThreadState_WHENCE_THREADING_DAEMON
    if (t->_whence == _PyThreadState_WHENCE_THREADING_DAEMON) {
        return true;
    }
#endif
    return t->_whence == _PyThreadState_WHENCE_THREADING;
}

/* Without giving the GIL up, as CPython's HEAD_LOCK: PyMutex_Lock would be handed the lock, and then wait for a GIL
 * whose holder waits for the lock. The function that does so is not exported by 3.13. It is never held for long. */
void threads_lock_list(void)
{
    enum { LOCKED = 1 };
    uint8_t *bits = &_PyRuntime.interpreters.mutex._bits;
    uint8_t seen = __atomic_load_n(bits, __ATOMIC_RELAXED);
    while ((seen & LOCKED) != 0 ||
           !__atomic_compare_exchange_n(bits, &seen, seen | LOCKED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if ((seen & LOCKED) != 0) {
            sched_yield();
            seen = __atomic_load_n(bits, __ATOMIC_RELAXED);
        }
    }
}

void threads_unlock_list(void)
{
    PyMutex_Unlock(&_PyRuntime.interpreters.mutex);
}

/* Any thread. All threads but the home thread (the first of them, where there are very many: the rest come later).
 * One that was started and has not come to life yet has an ident and a kernel id of 0; an asynchronous exception
 * waits for it. */
static void list_threads(engine_interp *interp, thread_list *out)
{
    out->count = 0;
    threads_lock_list();
    for (PyThreadState *t = PyInterpreterState_ThreadHead(interp->state); t != NULL; t = PyThreadState_Next(t)) {
        if (t != interp->home && out->count < ENGINE_MAX_LEFT) {
            out->idents[out->count] = t->thread_id;
            out->kernel_ids[out->count] = (plat_kernel_id)t->native_thread_id;
            out->entered[out->count] = !threads_started_by_python(t);
            out->count++;
        }
    }
    threads_unlock_list();
}

size_t threads_count(engine_interp *interp)
{
    size_t count = 0;
    threads_lock_list();
    for (PyThreadState *t = PyInterpreterState_ThreadHead(interp->state); t != NULL; t = PyThreadState_Next(t)) {
        count += t != interp->home && threads_started_by_python(t);
    }
    threads_unlock_list();
    return count;
}

bool threads_are_none(engine_interp *interp)
{
    threads_lock_list();
    PyThreadState *first = PyInterpreterState_ThreadHead(interp->state);
    bool none = first == interp->home && PyThreadState_Next(first) == NULL;
    threads_unlock_list();
    return none;
}

bool threads_has(engine_interp *interp, unsigned long ident)
{
    bool found = false;
    threads_lock_list();
    PyThreadState *t = PyInterpreterState_ThreadHead(interp->state);
    for (; t != NULL && !found; t = PyThreadState_Next(t)) {
        found = t->thread_id == ident;
    }
    threads_unlock_list();
    return found;
}

/* For engine_park, whose caller can't attach when it is needed. */
static void remember_left(engine_interp *interp, const thread_list *list)
{
    plat_lock_take(&interp->lock);
    interp->left_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->kernel_ids[i] != 0 && !list->entered[i]) {
            interp->left[interp->left_count++] = list->kernel_ids[i];
        }
    }
    plat_lock_give(&interp->lock);
}

void threads_note_left(engine_interp *interp)
{
    thread_list list;
    list_threads(interp, &list);
    remember_left(interp, &list);
}

void threads_forget_left(engine_interp *interp)
{
    remember_left(interp, &(thread_list){.count = 0});
}

static void raise_in_all(const thread_list *list, PyObject *type, bool entered)
{
    for (size_t i = 0; i < list->count; i++) {
        if (entered || !list->entered[i]) {
            PyThreadState_SetAsyncExc(list->idents[i], type);
        }
    }
}

static void signal_all(const thread_list *list, bool entered)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->kernel_ids[i] != 0 && (entered || !list->entered[i])) {
            plat_kernel_id_signal(list->kernel_ids[i], engine.signal, NULL);
        }
    }
}

void threads_raise(engine_interp *interp, PyObject *type)
{
    thread_list list;
    list_threads(interp, &list);
    raise_in_all(&list, type, false);
}

void threads_signal(engine_interp *interp)
{
    thread_list list;
    list_threads(interp, &list);
    signal_all(&list, false);
}

/* Attached. One interruption of each. */
static void interrupt_all(engine_interp *interp, const thread_list *list, bool insist)
{
    raise_in_all(list, PyExc_SystemExit, true);
    interrupt_threads(interp, true, insist);
    signal_all(list, true);
}

size_t engine_reap_threads(engine_interp *interp)
{
    engine_let_threads(interp);
    static const int64_t moment = 3 * ISLE_MS;
    thread_list list;
    threads_note_left(interp); /* one of them may hold the GIL for good: then we get no further */
    PyEval_RestoreThread(interp->home);
    list_threads(interp, &list);
    remember_left(interp, &list);
    for (int round = 0; round < ROUNDS && list.count > 0; round++) {
        if (round == 1) {
            extensions_hold(interp, true); /* some come again and again */
        }
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
    extensions_hold(interp, list.count == 0);
    return list.count;
}

void threads_visit(engine_interp *interp, void (*visit)(PyThreadState *thread))
{
    threads_lock_list();
    PyThreadState *t = PyInterpreterState_ThreadHead(interp->state);
    threads_unlock_list();
    while (t != NULL) { /* with the GIL no thread of the list can go; new ones come before the first */
        visit(t);
        threads_lock_list();
        t = PyThreadState_Next(t);
        threads_unlock_list();
    }
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
