/* Private copies and the interpreter that they belong to. Extensions have threads that Python does not know, and those
 * come in by PyGILState_Ensure(). For such a thread CPython takes the main interpreter, as it does for what
 * Py_AddPendingCall() is given (python/cpython#59956, #90453; up to 3.15). A copy belongs to one interpreter, so its
 * calls come here (src/platform/linux/library_calls.c) with the `gilstate` of that.
 *
 * A thread that has a state of the interpreter already, Python's own threads that is, goes CPython's way. Another one
 * gets a state for as long as it is inside, and steps out of any other interpreter meanwhile.
 *
 * A `gilstate` has a door. While threads are made to leave, nobody comes in, but waits. When none but the home thread
 * has a state, the interpreter closes it for good. Who comes later waits for ever, as CPython has it at its own exit:
 * there is nothing to return to, and code behind the call takes it for granted that it is attached. Py_IsInitialized()
 * says so before. The door's lock is a leaf: while CPython is called for somebody who comes in, he is counted, and the
 * door waits for him. A `gilstate` lives as long as a copy of its interpreter's is loaded, which may be for ever. */
#include "gilstate.h"

#define Py_BUILD_CORE /* for _PyEval_AddPendingCall, 3.13 to 3.15 */
#include <internal/pycore_ceval.h>
#undef Py_BUILD_CORE

typedef enum door { DOOR_OPEN, DOOR_CLOSING, DOOR_CLOSED } door;

struct gilstate {
    plat_lock lock;
    plat_cond changed; /* the door, or that nobody comes in just now */
    door door;         /* this and the next: under `lock` */
    size_t coming;
    _Atomic(PyInterpreterState *) state; /* NULL: it is gone */
    PyInterpreterState *was;             /* the same for good: to compare with only */
    plat_own *own;                       /* what its threads are in; a reference; NULL: the process's */
    gilstate *next;                      /* of those that are kept */
};

/* Only code that copies call names these, where no tool looks for leaks. */
static gilstate *_Atomic kept;

typedef struct entry { /* a state that was made for a thread; the newest first */
    struct entry *outer;
    PyThreadState *state;
    void *before; /* where it was attached; NULL: nowhere */
    plat_own *own_before;
} entry;

static PLAT_THREAD_LOCAL entry *entries;

/* --- the door ----------------------------------------------------------------------------------------------------- */

static bool is_inside(gilstate *g)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
    return mine != NULL && PyThreadState_GetInterpreter(mine) == atomic_load(&g->state);
}

static bool is_closed(gilstate *g)
{
    plat_lock_take(&g->lock);
    bool closed = g->door == DOOR_CLOSED;
    plat_lock_give(&g->lock);
    return closed;
}

static bool come(gilstate *g, bool waits)
{
    plat_lock_take(&g->lock);
    while (waits && g->door == DOOR_CLOSING) {
        plat_cond_wait(&g->changed, &g->lock, PLAT_FOREVER);
    }
    bool open = g->door != DOOR_CLOSED;
    g->coming += open;
    plat_lock_give(&g->lock);
    return open;
}

static void has_come(gilstate *g)
{
    plat_lock_take(&g->lock);
    if (--g->coming == 0) {
        plat_cond_wake_all(&g->changed);
    }
    plat_lock_give(&g->lock);
}

static void wait_for_ever(void)
{
    for (;;) {
        plat_gate never = {0};
        plat_gate_wait(&never, PLAT_FOREVER);
    }
}

static void set_door(gilstate *g, door now)
{
    plat_lock_take(&g->lock);
    g->door = now;
    plat_cond_wake_all(&g->changed);
    plat_lock_give(&g->lock);
}

void gilstate_hold(gilstate *g)
{
    set_door(g, DOOR_CLOSING);
}

void gilstate_let(gilstate *g)
{
    plat_lock_take(&g->lock);
    bool held = g->door == DOOR_CLOSING;
    plat_lock_give(&g->lock);
    if (held) { /* only the home thread holds it */
        set_door(g, DOOR_OPEN);
    }
}

bool gilstate_close(gilstate *g, engine_interp *interp)
{
    plat_lock_take(&g->lock);
    g->door = DOOR_CLOSING;
    while (g->coming != 0) {
        plat_cond_wait(&g->changed, &g->lock, PLAT_FOREVER);
    }
    plat_lock_give(&g->lock);
    bool alone = threads_are_none(interp);
    set_door(g, alone ? DOOR_CLOSED : DOOR_OPEN);
    return alone;
}

void gilstate_shut(gilstate *g, bool gone)
{
    set_door(g, DOOR_CLOSED);
    if (gone) {
        atomic_store(&g->state, NULL);
    }
}

/* --- PyGILState --------------------------------------------------------------------------------------------------- */

/* Detached. */
static PyThreadState *make_state(gilstate *g)
{
    if (!come(g, true)) {
        wait_for_ever();
    }
    PyThreadState *state = PyThreadState_New(atomic_load(&g->state));
    has_come(g);
    return state;
}

static PyGILState_STATE ensure(void *owner)
{
    gilstate *g = owner;
    if (is_inside(g)) {
        return PyGILState_Ensure();
    }
    void *before = engine_detach();
    entry *e = plat_malloc(sizeof *e);
    PyThreadState *state = e != NULL ? make_state(g) : NULL;
    if (state == NULL) {
        Py_FatalError("PyGILState_Ensure: no memory for a thread state");
    }
    PyEval_RestoreThread(state);
    *e = (entry){entries, state, before, plat_own_enter(g->own)};
    entries = e;
    return PyGILState_UNLOCKED;
}

/* CPython counts what is between: a state that is made has a count of 1. */
static void release(PyGILState_STATE before, void *owner)
{
    entry *e = entries;
    (void)owner;
    if (e == NULL || PyGILState_GetThisThreadState() != e->state || e->state->gilstate_counter > 1) {
        PyGILState_Release(before);
        return;
    }
    if (PyThreadState_GetUnchecked() != e->state) {
        Py_FatalError("PyGILState_Release: the thread is not attached");
    }
    PyThreadState_Clear(e->state); /* runs code, which may call ensure() */
    PyThreadState_DeleteCurrent();
    plat_own_enter(e->own_before);
    entries = e->outer;
    engine_reattach(e->before);
    plat_free(e);
}

static int check(void *owner)
{
    gilstate *g = owner;
    PyThreadState *now = PyThreadState_GetUnchecked();
    return now != NULL && PyThreadState_GetInterpreter(now) == atomic_load(&g->state);
}

static PyThreadState *of_this_thread(void *owner)
{
    return is_inside(owner) ? PyGILState_GetThisThreadState() : NULL;
}

/* pybind11 makes states by itself, of the interpreter that it was loaded in. */
static PyThreadState *new_state(PyInterpreterState *interp, void *owner)
{
    gilstate *g = owner;
    if (interp != g->was || is_inside(g)) {
        return PyThreadState_New(interp);
    }
    void *before = engine_detach();
    PyThreadState *state = make_state(g);
    engine_reattach(before);
    return state;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

/* Any thread of the interpreter makes it. What is asked of one that is gone is never done, as at CPython's exit. */
static int add_pending_call(int (*function)(void *), void *arg, void *owner)
{
    gilstate *g = owner;
    bool inside = is_inside(g);
    if (!inside && !come(g, false)) {
        return 0;
    }
    int result = _PyEval_AddPendingCall(atomic_load(&g->state), function, arg, 0);
    if (!inside) {
        has_come(g);
    }
    return result;
}

/* Its home thread, which takes it apart, is inside, and has to release what there is. */
static int is_initialized(void *owner)
{
    return (is_inside(owner) || !is_closed(owner)) && Py_IsInitialized();
}

static int is_finalizing(void *owner)
{
    return (!is_inside(owner) && is_closed(owner)) || Py_IsFinalizing();
}

#define OURS(function) (void (*)(void))(function)
const plat_copies_call gilstate_calls[] = {
    {"PyGILState_Ensure", OURS(ensure), 0},        {"PyGILState_Release", OURS(release), 1},
    {"PyGILState_Check", OURS(check), 0},          {"PyGILState_GetThisThreadState", OURS(of_this_thread), 0},
    {"PyThreadState_New", OURS(new_state), 1},     {"Py_AddPendingCall", OURS(add_pending_call), 2},
    {"Py_IsInitialized", OURS(is_initialized), 0}, {"Py_IsFinalizing", OURS(is_finalizing), 0},
    {"_Py_IsFinalizing", OURS(is_finalizing), 0},  {NULL, NULL, 0},
};

/* --- its life ----------------------------------------------------------------------------------------------------- */

gilstate *gilstate_new(engine_interp *interp)
{
    gilstate *g = plat_calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    plat_lock_init(&g->lock);
    plat_cond_init(&g->changed);
    atomic_init(&g->state, interp->state);
    g->was = interp->state;
    g->own = interp->own;
    if (g->own != NULL) {
        plat_own_ref(g->own);
    }
    return g;
}

void gilstate_free(gilstate *g)
{
    plat_own_unref(g->own);
    plat_cond_destroy(&g->changed);
    plat_lock_destroy(&g->lock);
    plat_free(g);
}

void gilstate_keep(gilstate *g)
{
    g->next = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &g->next, g)) {}
}
