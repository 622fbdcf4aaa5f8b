/* Signals of an interpreter's own. The host sends them (isle_interp_signal), or the code to itself
 * (signal.raise_signal, os.kill of its own process, an alarm). The process's signals and what it does about them are
 * the host's, and are not touched.
 *
 * One that was sent is a bit, until the home thread takes it and runs its handler: between two steps of byte code, in
 * the pending call of interrupt.c; in a blocking call, by the hook; in waits of ours; or, if it came between two jobs,
 * before the next. The byte for a wake-up descriptor is written in our signal handler on the home thread.
 *
 * What the core calls comes from any thread; signals.h says who may call the rest. */
#include <errno.h>
#include <unistd.h>

#include "python.h"

enum { SIGNALS = 64, MOST_NESTED = 8 };
enum { DEFAULT = 0, IGNORE = 1 }; /* signal.SIG_DFL and SIG_IGN */

typedef struct signal_waiter { /* on the stack of a thread that waits for signals */
    uint64_t set;
    bool claims; /* takes them; else it only wants to know */
    plat_gate gate;
    struct signal_waiter *next;
} signal_waiter;

/* --- what there is ---------------------------------------------------------------------------------------------- */

bool engine_signal_exists(int number)
{
    bool kept_by_libc = number > 31 && number < SIGRTMIN;
    return number >= 1 && number <= SIGRTMAX && !kept_by_libc && number != SIGKILL && number != SIGSTOP;
}

/* Unless it has a handler. Stopping is for processes: one interpreter can't be stopped and continued. */
static bool does_nothing(int number)
{
    switch (number) {
    case SIGCHLD:
    case SIGCONT:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
        return true;
    default:
        return false;
    }
}

/* As Python begins: SIGINT raises KeyboardInterrupt, writing to a closed pipe is an error. */
void signals_init(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    atomic_store(&s->callable, signal_bit(SIGINT));
    atomic_store(&s->standard, signal_bit(SIGINT));
    atomic_store(&s->ignored, signal_bit(SIGPIPE) | signal_bit(SIGXFSZ));
    pthread_sigmask(SIG_SETMASK, NULL, &s->floor);
}

static uint64_t handled(const signal_table *s)
{
    return atomic_load(&s->callable) & ~atomic_load(&s->standard);
}

static uint64_t held_back(const signal_table *s)
{
    return atomic_load(&s->blocked) | atomic_load(&s->claimed);
}

static uint64_t due(const signal_table *s)
{
    return atomic_load(&s->pending) & ~held_back(s);
}

bool engine_handles_signal(const engine_interp *interp, int number)
{
    return (handled(&interp->signals) & signal_bit(number)) != 0;
}

/* --- sending; under the lock ------------------------------------------------------------------------------------ */

/* Is there anything to be done about it? */
static bool is_wanted(const signal_table *s, int number, bool code_runs)
{
    uint64_t bit = signal_bit(number);
    if (((handled(s) | held_back(s)) & bit) != 0) {
        return true;
    }
    if ((atomic_load(&s->callable) & bit) != 0) { /* KeyboardInterrupt */
        return code_runs;
    }
    return code_runs && (atomic_load(&s->ignored) & bit) == 0 && !does_nothing(number);
}

static void wake(engine_interp *interp)
{
    if (!atomic_load(&interp->signals.heard)) {
        return; /* the next task looks before it begins */
    }
    if (interp->alive) {
        interrupt_queue(interp);
    }
    if (!pthread_equal(pthread_self(), interp->home_thread)) {
        pthread_kill(interp->home_thread, engine.signal);
    }
}

static void tell_waiters(const signal_table *s, uint64_t bit)
{
    for (signal_waiter *w = s->waiters; w != NULL; w = w->next) {
        if ((w->set & bit) != 0) {
            plat_gate_open(&w->gate);
        }
    }
}

void engine_signal(engine_interp *interp, int number, bool code_runs)
{
    signal_table *s = &interp->signals;
    uint64_t bit = signal_bit(number);
    plat_lock_take(&interp->lock);
    if (is_wanted(s, number, code_runs) && (atomic_fetch_or(&s->pending, bit) & bit) == 0) {
        atomic_fetch_or(&s->unwritten, bit & atomic_load(&s->callable));
        atomic_store(&s->passed_on, false);
        tell_waiters(s, bit);
        wake(interp);
    }
    plat_lock_give(&interp->lock);
}

bool engine_signal_again(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    plat_lock_take(&interp->lock);
    bool waits = atomic_load(&s->heard) && due(s) != 0;
    if (waits) {
        atomic_store(&s->passed_on, false);
        wake(interp);
    }
    plat_lock_give(&interp->lock);
    return waits;
}

void engine_signal_forget(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    if (atomic_load_explicit(&s->pending, memory_order_relaxed) == 0) {
        return;
    }
    plat_lock_take(&interp->lock);
    atomic_fetch_and(&s->pending, handled(s) | held_back(s));
    plat_lock_give(&interp->lock);
}

/* --- the wake-up descriptor ------------------------------------------------------------------------------------- */

void signals_write_wakeup(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    if (atomic_load(&s->unwritten) == 0) {
        return;
    }
    uint64_t numbers = atomic_exchange(&s->unwritten, 0);
    int fd = atomic_load(&s->wakeup) - 1;
    for (unsigned char number = 1; fd >= 0 && numbers != 0; number++, numbers >>= 1) {
        ssize_t written = 1;
        while ((numbers & 1) != 0 && (written = write(fd, &number, 1)) < 0 && errno == EINTR) {}
        if (written < 0) {
            atomic_store(&s->wakeup_error, errno);
        }
    }
}

static void report_wakeup_error(signal_table *s)
{
    int error = atomic_exchange(&s->wakeup_error, 0);
    bool is_full = error == EAGAIN || error == EWOULDBLOCK;
    if (error != 0 && (!is_full || atomic_load(&s->warn_when_full))) {
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
        PyErr_FormatUnraisable("Exception ignored when trying to write to the signal wakeup fd");
    }
}

/* --- handling --------------------------------------------------------------------------------------------------- */

/* Who sends one looks at this after he has noted it, and we at what is noted after this: one of both sees the other. */
void signals_listen(engine_interp *interp, bool on)
{
    atomic_store(&interp->signals.heard, on);
}

bool signals_are_due(engine_interp *interp)
{
    const signal_table *s = &interp->signals;
    return atomic_load(&s->heard) && due(s) != 0;
}

/* 0: none. */
static int take(engine_interp *interp, uint64_t among)
{
    signal_table *s = &interp->signals;
    int number = 0;
    plat_lock_take(&interp->lock);
    uint64_t there = atomic_load(&s->pending) & among;
    if (there != 0) {
        number = __builtin_ctzll(there) + 1;
        atomic_fetch_and(&s->pending, ~signal_bit(number));
    }
    plat_lock_give(&interp->lock);
    plat_gate_open(&s->taken);
    return number;
}

static int call_handler(engine_interp *interp, int number)
{
    signal_table *s = &interp->signals;
    PyObject *handler = s->handlers != NULL ? Py_XNewRef(s->handlers[number]) : NULL;
    if (handler == NULL) { /* SIGINT, in code that knows nothing of signals */
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        return -1;
    }
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    s->depth++;
    PyObject *done = PyObject_CallFunction(handler, "iO", number, frame != NULL ? (PyObject *)frame : Py_None);
    s->depth--;
    Py_XDECREF(done);
    Py_XDECREF(frame);
    Py_DECREF(handler);
    return done != NULL ? 0 : -1;
}

/* As a process would be ended: with the status that a shell tells of it. */
static int end_task(signal_table *s, int number)
{
    PyObject *status = PyLong_FromLong(128 + number);
    s->ended_by = number;
    if (status != NULL) {
        PyErr_SetObject(PyExc_SystemExit, status);
        Py_DECREF(status);
    }
    return -1;
}

static int act(engine_interp *interp, int number)
{
    signal_table *s = &interp->signals;
    uint64_t bit = signal_bit(number);
    if ((atomic_load(&s->callable) & bit) != 0) {
        atomic_fetch_add(&s->ran, 1);
        return call_handler(interp, number);
    }
    bool nothing = (atomic_load(&s->ignored) & bit) != 0 || does_nothing(number);
    return nothing ? 0 : end_task(s, number);
}

int signals_ended_by(engine_interp *interp)
{
    int number = interp->signals.ended_by;
    interp->signals.ended_by = 0;
    return number;
}

/* A flood of signals must not nest handlers without end. Those that are left come when the inner ones have returned. */
int signals_run(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    if (atomic_load(&s->pending) == 0 || !signals_are_due(interp) || s->depth == MOST_NESTED) {
        return 0;
    }
    signals_write_wakeup(interp);
    report_wakeup_error(s);
    for (int number; (number = take(interp, ~held_back(s))) != 0;) {
        if (act(interp, number) < 0) {
            if (signals_are_due(interp)) {
                interrupt_queue(interp);
            }
            return -1;
        }
    }
    return 0;
}

void signals_wrote(engine_interp *interp)
{
    if (engine_home == interp) {
        interp->signals.just_wrote = true;
    }
}

/* The buffer of a stream asks for signals after each write, with its lock taken: a handler that prints would fail
 * ("reentrant call"). It can run as soon as the print has returned. A write that blocks asks before. */
bool signals_postpone(engine_interp *interp)
{
    if (!interp->signals.just_wrote) {
        return false;
    }
    interp->signals.just_wrote = false;
    if (signals_are_due(interp)) {
        interrupt_queue(interp);
    }
    return true;
}

int signals_run_between_steps(engine_interp *interp)
{
    if (!signals_are_due(interp)) {
        return 0;
    }
    bool open = pending_calls_open();
    int result = signals_run(interp);
    if (open) {
        pending_calls_close();
    }
    return result;
}

/* The pending call is on the wrong thread: it is queued again, and the GIL let go for a moment, so that the home thread
 * finds it. If it does not, the core asks again. */
void signals_pass_on(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    if (atomic_exchange(&s->passed_on, true) || !pending_calls_open()) {
        return;
    }
    atomic_store(&s->taken.open, 0);
    interrupt_queue(interp);
    engine_nudge(interp);
    PyThreadState *me = PyEval_SaveThread();
    plat_gate_wait(&s->taken, plat_now() + ISLE_MS);
    PyEval_RestoreThread(me);
    pending_calls_close();
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

static void renew_claims(signal_table *s)
{
    uint64_t claimed = 0;
    for (const signal_waiter *w = s->waiters; w != NULL; w = w->next) {
        claimed |= w->claims ? w->set : 0;
    }
    atomic_store(&s->claimed, claimed);
}

static void begin_waiting(engine_interp *interp, signal_waiter *me)
{
    signal_table *s = &interp->signals;
    plat_lock_take(&interp->lock);
    me->next = s->waiters;
    s->waiters = me;
    renew_claims(s);
    plat_lock_give(&interp->lock);
}

static void end_waiting(engine_interp *interp, signal_waiter *me)
{
    signal_table *s = &interp->signals;
    plat_lock_take(&interp->lock);
    signal_waiter **link = &s->waiters;
    while (*link != me) {
        link = &(*link)->next;
    }
    *link = me->next;
    renew_claims(s);
    bool left = signals_are_due(interp); /* others than ours, or ours that came too late */
    if (left && interp->alive) {
        interrupt_queue(interp);
    }
    plat_lock_give(&interp->lock);
}

/* Sleeps until something has come; false: it is of no use to go on: *out is what the wait gives. */
static bool sleep_on(signal_waiter *me, int64_t deadline, int *out)
{
    PyThreadState *state = PyEval_SaveThread();
    plat_wait result = plat_gate_sleep_interruptible(&me->gate, deadline);
    PyEval_RestoreThread(state);
    atomic_store(&me->gate.open, 0); /* whatever it was for is looked at now */
    *out = result == PLAT_TIMEOUT ? 0 : interrupt_is_wanted() || PyErr_CheckSignals() < 0 ? -1 : 0;
    return result != PLAT_TIMEOUT && *out == 0;
}

int signals_wait(engine_interp *interp, uint64_t set, int64_t deadline)
{
    signal_waiter me = {.set = set, .claims = true};
    int number, given_up = 0;
    begin_waiting(interp, &me);
    while ((number = take(interp, set)) == 0 && sleep_on(&me, deadline, &given_up)) {}
    if (number == 0) {
        number = given_up < 0 ? -1 : take(interp, set);
    }
    end_waiting(interp, &me);
    return number;
}

int signals_pause(engine_interp *interp)
{
    signal_waiter me = {.set = UINT64_MAX};
    unsigned before = atomic_load(&interp->signals.ran);
    int given_up = 0;
    begin_waiting(interp, &me);
    if (interrupt_is_wanted()) {
        given_up = -1;
    }
    while (given_up == 0 && atomic_load(&interp->signals.ran) == before && sleep_on(&me, PLAT_FOREVER, &given_up)) {}
    end_waiting(interp, &me);
    return given_up;
}

void signals_block(engine_interp *interp, uint64_t mask)
{
    plat_lock_take(&interp->lock);
    atomic_store(&interp->signals.blocked, mask);
    plat_lock_give(&interp->lock);
}

/* --- handlers --------------------------------------------------------------------------------------------------- */

static PyObject *new_handler(const signal_table *s, int number)
{
    if (number == SIGINT && s->int_handler != NULL) {
        return Py_NewRef(s->int_handler);
    }
    bool ignored = number == SIGPIPE || number == SIGXFSZ;
    return PyLong_FromLong(ignored ? IGNORE : DEFAULT);
}

static PyObject *imported_int_handler(void)
{
    PyObject *module = PyImport_ImportModule("_signal");
    PyObject *handler = module != NULL ? PyObject_GetAttrString(module, "default_int_handler") : NULL;
    Py_XDECREF(module);
    return handler;
}

static void drop_table(PyObject ***table)
{
    PyObject **gone = *table;
    *table = NULL;
    for (int n = 1; gone != NULL && n <= SIGNALS; n++) {
        Py_XDECREF(gone[n]);
    }
    plat_free(gone);
}

static void set_bit(_Atomic uint64_t *mask, uint64_t bit, bool on)
{
    if (on) {
        atomic_fetch_or(mask, bit);
    } else {
        atomic_fetch_and(mask, ~bit);
    }
}

/* Returns what was there. */
static PyObject *put(engine_interp *interp, int number, PyObject *handler /* stolen */)
{
    signal_table *s = &interp->signals;
    uint64_t bit = signal_bit(number);
    bool is_int = PyLong_CheckExact(handler), ignores = is_int && PyLong_AsLong(handler) == IGNORE;
    plat_lock_take(&interp->lock);
    PyObject *old = s->handlers[number];
    s->handlers[number] = handler;
    set_bit(&s->callable, bit, !is_int);
    set_bit(&s->standard, bit, number == SIGINT && handler == s->int_handler);
    set_bit(&s->ignored, bit, ignores);
    if (ignores && (held_back(s) & bit) == 0) {
        atomic_fetch_and(&s->pending, ~bit);
    }
    plat_lock_give(&interp->lock);
    return old;
}

/* Made when somebody first asks. */
static int need_table(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    PyObject *int_handler = s->int_handler == NULL ? imported_int_handler() : NULL;
    if (int_handler != NULL && s->int_handler == NULL) {
        s->int_handler = Py_NewRef(int_handler);
    }
    Py_XDECREF(int_handler);
    if (s->int_handler == NULL) {
        return -1;
    }
    if (s->handlers == NULL) {
        s->handlers = plat_calloc(SIGNALS + 1, sizeof *s->handlers);
        for (int n = 1; s->handlers != NULL && n <= SIGNALS; n++) {
            s->handlers[n] = new_handler(s, n);
        }
    }
    if (s->handlers == NULL) {
        PyErr_NoMemory();
    }
    return s->handlers != NULL ? 0 : -1;
}

/* The module is imported, perhaps again. */
int signals_imported(engine_interp *interp, PyObject *module)
{
    signal_table *s = &interp->signals;
    PyObject *int_handler = PyObject_GetAttrString(module, "default_int_handler"), *old = s->int_handler;
    if (int_handler == NULL) {
        return -1;
    }
    s->int_handler = int_handler;
    if (s->handlers != NULL && s->handlers[SIGINT] == old) {
        Py_XDECREF(put(interp, SIGINT, Py_NewRef(int_handler)));
    }
    Py_XDECREF(old);
    return 0;
}

int signals_set_handler(engine_interp *interp, int number, PyObject *handler, PyObject **out_old)
{
    if (need_table(interp) < 0 || signals_run(interp) < 0) { /* what has come was for the old one */
        return -1;
    }
    *out_old = put(interp, number, Py_NewRef(handler));
    return 0;
}

PyObject *signals_handler(engine_interp *interp, int number)
{
    if (need_table(interp) < 0) {
        return NULL;
    }
    plat_lock_take(&interp->lock);
    PyObject *handler = Py_NewRef(interp->signals.handlers[number]);
    plat_lock_give(&interp->lock);
    return handler;
}

/* --- reuse, and the end ----------------------------------------------------------------------------------------- */

void signals_mark(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    drop_table(&s->marked);
    s->marked = s->handlers != NULL ? plat_calloc(SIGNALS + 1, sizeof *s->marked) : NULL;
    for (int n = 1; s->marked != NULL && n <= SIGNALS; n++) {
        s->marked[n] = Py_NewRef(s->handlers[n]);
    }
}

static void forget_rest(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    atomic_store(&s->wakeup, 0);
    plat_lock_take(&interp->lock);
    atomic_store(&s->pending, 0);
    atomic_store(&s->unwritten, 0);
    atomic_store(&s->blocked, 0);
    plat_lock_give(&interp->lock);
}

void signals_reset(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    static const engine_alarm none = {0};
    engine.hooks.on_alarm(interp->core, &none);
    forget_rest(interp);
    pthread_sigmask(SIG_SETMASK, &s->floor, NULL);
    for (int n = 1; s->handlers != NULL && n <= SIGNALS; n++) {
        PyObject *handler = s->marked != NULL ? Py_NewRef(s->marked[n]) : new_handler(s, n);
        Py_XDECREF(put(interp, n, handler));
    }
}

void signals_drop(engine_interp *interp)
{
    signal_table *s = &interp->signals;
    forget_rest(interp);
    plat_lock_take(&interp->lock);
    atomic_store(&s->callable, 0);
    plat_lock_give(&interp->lock);
    drop_table(&s->handlers);
    drop_table(&s->marked);
    Py_CLEAR(s->int_handler);
}
