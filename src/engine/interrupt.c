/* Stopping code that runs.
 *
 * Three ways work together (../../docs/engine.md has the table of what each reaches):
 *   a pending call on the interpreter reaches its byte code, at the next check of the eval breaker;
 *   a signal with an empty handler makes the home thread's system call return EINTR;
 *   a check in front of PyErr_CheckSignals and Py_MakePendingCalls (hook.c) makes the C function that was
 *   interrupted, or that asks now and then, give up with our exception instead of going on.
 * What none of them reaches is parked: the thread blocks in the signal handler for good.
 *
 * engine_interrupt, engine_nudge and engine_park come from any thread; everything else runs on the thread named. */
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "python.h"

enum { PARK_NO, PARK_ASKED, PARK_REFUSED, PARK_DONE };
enum { MAX_RANGES = 16 };

/* Declared by CPython in an internal header; exported in 3.13 to 3.15. */
typedef int (*pending_fn)(void *);
extern int _PyEval_AddPendingCall(PyInterpreterState *interp, pending_fn func, void *arg, int flags);

PLAT_THREAD_LOCAL engine_interp *engine_home;
PLAT_THREAD_LOCAL engine_interp *engine_calling;

static int (*original_check_signals)(void);
static int (*original_make_pending_calls)(void);

/* Code ranges in which a thread might hold a lock of the whole process. Written at start. */
static struct {
    uintptr_t start, end;
} no_park[MAX_RANGES];
static size_t no_park_count;

/* Interpreters whose threads are being made to end, for threads that aren't home threads. */
static plat_lock reaping_lock = {PTHREAD_MUTEX_INITIALIZER};
static engine_interp *reaping_list;
static _Atomic size_t reaping_count;

/* --- raising ------------------------------------------------------------------------------------------------ */

static const char *reason_text(int reason)
{
    switch (reason) {
    case ISLE_ERR_TIMEOUT:
        return "the deadline passed";
    case ISLE_ERR_ENDED:
        return "the interpreter is ending";
    case ISLE_ERR_BUDGET:
        return "a budget is used up";
    default:
        return "cancelled";
    }
}

char *interrupt_budget_text(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    char *text = plat_strdup(interp->budget_text);
    plat_lock_give(&interp->lock);
    return text;
}

static bool is_exiting(engine_interp *interp)
{
    return atomic_load_explicit(&interp->exited, memory_order_relaxed) && !interp->destroying;
}

/* On the home thread, attached to `interp`. Raises if asked to. */
static bool raise_on_home(engine_interp *interp)
{
    if (is_exiting(interp)) {
        PyErr_SetString(interp->cancelled, interp->exit_call);
        return true;
    }
    if (!atomic_load(&interp->insist) && !atomic_exchange(&interp->once, false)) {
        return false;
    }
    int reason = atomic_load(&interp->reason);
    char *text = reason == ISLE_ERR_BUDGET ? interrupt_budget_text(interp) : NULL;
    PyErr_SetString(reason == ISLE_ERR_BUDGET ? interp->over_budget : interp->cancelled,
                    text != NULL ? text : reason_text(reason));
    plat_free(text);
    return true;
}

void engine_say_budget(engine_interp *interp, const char *text)
{
    plat_lock_take(&interp->lock);
    snprintf(interp->budget_text, sizeof interp->budget_text, "%s", text);
    plat_lock_give(&interp->lock);
}

/* Attached to it. */
static bool reaps_this_thread(const engine_interp *interp)
{
    return !atomic_load(&interp->reap_spares_entered) || threads_started_by_python(PyThreadState_GetUnchecked());
}

static bool being_reaped(PyInterpreterState *state)
{
    bool found = false;
    plat_lock_take(&reaping_lock);
    for (engine_interp *i = reaping_list; i != NULL && !found; i = i->next) {
        found = i->state == state && reaps_this_thread(i);
    }
    plat_lock_give(&reaping_lock);
    return found;
}

bool interrupt_is_wanted(void)
{
    PyThreadState *current = PyThreadState_GetUnchecked();
    if (current == NULL) {
        return false;
    }
    PyInterpreterState *state = PyThreadState_GetInterpreter(current);
    engine_interp *home = engine_home;
    if (home != NULL && home->state == state) {
        return raise_on_home(home) || (!signals_postpone(home) && signals_run(home) < 0);
    }
    if (home != NULL && (atomic_load(&home->insist) || atomic_load(&home->once))) {
        /* the home thread runs another interpreter that its code made: that code must let go first */
        PyErr_SetNone(PyExc_KeyboardInterrupt);
        return true;
    }
    if (atomic_load(&reaping_count) != 0 && being_reaped(state)) {
        PyErr_SetNone(PyExc_SystemExit);
        return true;
    }
    return false;
}

bool interrupt_is_due(const engine_interp *interp)
{
    if (engine_home == interp) {
        return atomic_load(&interp->insist) || atomic_load(&interp->once);
    }
    return atomic_load(&interp->reaping);
}

bool engine_is_to_stop(void)
{
    const engine_interp *home = engine_home;
    return home != NULL && (atomic_load(&home->insist) || atomic_load(&home->once));
}

static int check_signals(void)
{
    return interrupt_is_wanted() ? -1 : original_check_signals();
}

static int make_pending_calls(void)
{
    return interrupt_is_wanted() ? -1 : original_make_pending_calls();
}

/* --- pending calls -------------------------------------------------------------------------------------------- */

static int pending(void *arg);

void interrupt_queue(engine_interp *interp)
{
    if (atomic_exchange(&interp->queued, true)) {
        return;
    }
    if (_PyEval_AddPendingCall(interp->state, pending, interp, 0) != 0) {
        atomic_store(&interp->queued, false); /* full: the next interrupt tries again */
    }
}

/* Some other thread of the interpreter got our call: tell the home thread by an asynchronous exception. */
static void forward_to_home(engine_interp *interp)
{
    atomic_store(&interp->async_sent, true);
    bool over = atomic_load(&interp->reason) == ISLE_ERR_BUDGET;
    PyThreadState_SetAsyncExc(interp->home_ident, over ? interp->over_budget : interp->cancelled);
    engine_nudge(interp);
}

static int pending_on_home(engine_interp *interp)
{
    bool again = atomic_load(&interp->insist) || atomic_load(&interp->reap_insist), now = !interrupt_in_gap();
    if (again || (!now && (atomic_load(&interp->once) || signals_are_due(interp)))) {
        interrupt_queue(interp);
    }
    if (!now) {
        return 0;
    }
    return raise_on_home(interp) ? -1 : signals_run_between_steps(interp);
}

static int pending_on_reaped(engine_interp *interp)
{
    if (!atomic_load(&interp->reap_insist)) {
        return 0;
    }
    interrupt_queue(interp);
    if (interrupt_in_gap() || !reaps_this_thread(interp)) {
        return 0;
    }
    PyErr_SetNone(PyExc_SystemExit);
    return -1;
}

/* Any thread of it. */
static int pending_on_exit(engine_interp *interp)
{
    interrupt_queue(interp);
    PyErr_SetString(interp->cancelled, interp->exit_call);
    return -1;
}

/* Runs on whichever thread of the interpreter looks at its eval breaker first. */
static int pending(void *arg)
{
    engine_interp *interp = arg;
    atomic_store(&interp->queued, false);
    if (atomic_exchange(&interp->threads_once, false) && interp->over_budget != NULL) {
        threads_raise(interp, interp->over_budget);
    }
    if (is_exiting(interp)) {
        return pending_on_exit(interp);
    }
    if (engine_home == interp) {
        return pending_on_home(interp);
    }
    if (atomic_load(&interp->reaping)) {
        return pending_on_reaped(interp);
    }
    if (atomic_load(&interp->insist) || atomic_load(&interp->once)) {
        forward_to_home(interp);
    } else if (signals_are_due(interp)) {
        signals_pass_on(interp);
    }
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

bool engine_interrupt(engine_interp *interp, isle_status reason, bool insist)
{
    plat_lock_take(&interp->lock);
    bool taken = interp->running && plat_now() >= atomic_load(&interp->shield_until);
    if (taken) {
        atomic_store(&interp->reason, (int)reason);
        atomic_store(&interp->once, true);
        if (insist) {
            atomic_store(&interp->insist, true);
        }
        if (interp->alive) {
            interrupt_queue(interp);
        }
        pthread_kill(interp->home_thread, engine.signal);
    }
    plat_lock_give(&interp->lock);
    return taken;
}

void engine_nudge(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    if (interp->running) {
        pthread_kill(interp->home_thread, engine.signal);
    }
    plat_lock_give(&interp->lock);
}

/* These three are passed by each task, also the shortest: under the lock plain stores do. */

void interrupt_begin(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    interp->running = true;
    atomic_store_explicit(&interp->reason, 0, memory_order_relaxed);
    atomic_store_explicit(&interp->was_refused, false, memory_order_relaxed);
    plat_lock_give(&interp->lock);
}

static void disarm(engine_interp *interp, int64_t shield_until)
{
    atomic_store_explicit(&interp->shield_until, shield_until, memory_order_relaxed);
    atomic_store_explicit(&interp->once, false, memory_order_relaxed);
    atomic_store_explicit(&interp->insist, false, memory_order_relaxed);
}

/* Attached, as whoever sends one is: it can't come just now. */
static void take_back_async(engine_interp *interp)
{
    if (atomic_load_explicit(&interp->async_sent, memory_order_relaxed)) {
        atomic_store(&interp->async_sent, false);
        PyThreadState_SetAsyncExc(interp->home_ident, NULL);
    }
}

void interrupt_shield(engine_interp *interp, int64_t ns)
{
    plat_lock_take(&interp->lock);
    disarm(interp, ns == 0 ? 0 : plat_now() + ns);
    plat_lock_give(&interp->lock);
    take_back_async(interp);
}

void interrupt_end(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    interp->running = false;
    disarm(interp, 0);
    plat_lock_give(&interp->lock);
    take_back_async(interp);
}

void interrupt_exit(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    if (interp->alive && !interp->destroying) {
        interrupt_queue(interp);
    }
    if (interp->running) {
        pthread_kill(interp->home_thread, engine.signal);
    }
    plat_lock_give(&interp->lock);
}

void interrupt_unlink(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    interp->alive = false;
    plat_lock_give(&interp->lock);
}

void interrupt_threads(engine_interp *interp, bool on, bool insist)
{
    plat_lock_take(&reaping_lock);
    if (on && !atomic_load(&interp->reaping)) {
        interp->next = reaping_list;
        reaping_list = interp;
        atomic_fetch_add(&reaping_count, 1);
    } else if (!on && atomic_load(&interp->reaping)) {
        engine_interp **link = &reaping_list;
        while (*link != interp) {
            link = &(*link)->next;
        }
        *link = interp->next;
        atomic_fetch_sub(&reaping_count, 1);
    }
    atomic_store(&interp->reaping, on);
    atomic_store(&interp->reap_insist, on && insist);
    plat_lock_give(&reaping_lock);
    if (on && insist) {
        plat_lock_take(&interp->lock);
        if (interp->alive) {
            interrupt_queue(interp);
        }
        plat_lock_give(&interp->lock);
    }
}

/* --- the other threads ------------------------------------------------------------------------------------------- */

void engine_stop_threads(engine_interp *interp, bool insist)
{
    if (insist) {
        atomic_store(&interp->reap_spares_entered, true);
        interrupt_threads(interp, true, true);
        threads_signal(interp);
        return;
    }
    plat_lock_take(&interp->lock);
    if (interp->alive) {
        atomic_store(&interp->threads_once, true);
        interrupt_queue(interp);
    }
    plat_lock_give(&interp->lock);
}

void engine_let_threads(engine_interp *interp)
{
    interrupt_threads(interp, false, false);
    atomic_store(&interp->reap_spares_entered, false);
}

/* --- the signal -------------------------------------------------------------------------------------------------- */

static uintptr_t interrupted_at(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static bool may_park(uintptr_t at)
{
    for (size_t i = 0; i < no_park_count; i++) {
        if (at >= no_park[i].start && at < no_park[i].end) {
            return false;
        }
    }
    return at != 0 && engine_calling == NULL;
}

/* A free-threaded CPython stops all threads of the process now and then (to end an interpreter, say), and waits for
 * those that are attached: this one must seem to be none of them. The numbers are of an internal header, the field is
 * not. */
static void seem_detached(void)
{
#ifdef Py_GIL_DISABLED
    enum { DETACHED, ATTACHED };
    PyThreadState *current = PyThreadState_GetUnchecked();
    int expected = ATTACHED;
    if (current != NULL) {
        __atomic_compare_exchange_n(&current->state, &expected, DETACHED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
#endif
}

static void block_for_ever(void)
{
    seem_detached();
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        sigsuspend(&all);
    }
}

/* Its main work is to exist: the interrupted system call returns EINTR. A queued one asks the thread to park. The byte
 * for a wake-up descriptor is written here, too: the descriptor may be one of this thread only. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    int saved = errno;
    if (engine_home != NULL) {
        signals_write_wakeup(engine_home);
    }
    engine_interp *interp = info->si_code == SI_QUEUE ? info->si_value.sival_ptr : NULL;
    if (interp != NULL && atomic_load(&interp->park) == PARK_ASKED) {
        bool parked = may_park(interrupted_at(context));
        atomic_store(&interp->park, parked ? PARK_DONE : PARK_REFUSED);
        plat_gate_open(&interp->park_answer);
        if (parked) {
            block_for_ever();
        }
    }
    errno = saved;
}

/* true: it is parked, or has ended. */
static bool park_thread(engine_interp *interp, plat_kernel_id thread)
{
    atomic_store(&interp->park_answer.open, 0);
    atomic_store(&interp->park, PARK_ASKED);
    int error = plat_kernel_id_signal(thread, engine.signal, interp);
    if (error != 0) {
        atomic_store(&interp->park, PARK_NO);
        return error == ESRCH;
    }
    plat_gate_wait(&interp->park_answer, plat_now() + 50 * ISLE_MS);
    int answer = PARK_ASKED; /* no answer yet: take the question back */
    return !atomic_compare_exchange_strong(&interp->park, &answer, PARK_NO) && answer == PARK_DONE;
}

/* Lock held. */
static bool park_left(engine_interp *interp)
{
    bool all = true;
    for (size_t i = 0; i < interp->left_count; i++) {
        if (interp->left[i] != 0 && park_thread(interp, interp->left[i])) {
            interp->left[i] = 0;
        }
        all = all && interp->left[i] == 0;
    }
    return all;
}

bool engine_park(engine_interp *interp)
{
    plat_lock_take(&interp->lock);
    bool all = true;
    if (interp->running && !interp->home_parked) {
        all = interp->home_parked = park_thread(interp, interp->home_kernel_id);
    }
    all = park_left(interp) && all;
    plat_lock_give(&interp->lock);
    return all;
}

bool engine_park_threads(engine_interp *interp)
{
    threads_note_left(interp);
    plat_lock_take(&interp->lock);
    bool all = park_left(interp);
    plat_lock_give(&interp->lock);
    return all;
}

/* --- start ----------------------------------------------------------------------------------------------------- */

static bool is_in(const struct dl_phdr_info *info, const void *address)
{
    uintptr_t at = (uintptr_t)address;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type == PT_LOAD && at >= start && at < start + info->dlpi_phdr[i].p_memsz) {
            return true;
        }
    }
    return false;
}

/* A symbol of whoever allocates for this process: libc, or what comes before it (jemalloc, tcmalloc, a sanitizer). It
 * is not malloc: programs take the address of that, and then its place can be a stub in the program. */
static const char of_allocator[] = "posix_memalign";

static bool is_part_of_libc(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    static const char *const prefixes[] = {"libc.so", "libc-", "ld-linux", "ld-", "libpthread"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Where a thread may hold a lock that all threads of the process need. */
static int note_ranges(struct dl_phdr_info *info, size_t size, void *allocator)
{
    (void)size;
    bool is_ours = is_in(info, (void *)note_ranges); /* libisles, or the Python package's module */
    if (!is_ours && !is_in(info, allocator) && (info->dlpi_name == NULL || !is_part_of_libc(info->dlpi_name))) {
        return 0;
    }
    for (size_t i = 0; i < info->dlpi_phnum && no_park_count < MAX_RANGES; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
            no_park[no_park_count].start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            no_park[no_park_count].end = no_park[no_park_count].start + info->dlpi_phdr[i].p_memsz;
            no_park_count++;
        }
    }
    return 0;
}

static const char *install_hooks(void)
{
    const char *reason = hook_install((void *)PyErr_CheckSignals, (void *)check_signals,
                                      (void **)&original_check_signals);
    if (reason == NULL) {
        reason = hook_install((void *)Py_MakePendingCalls, (void *)make_pending_calls,
                              (void **)&original_make_pending_calls);
    }
    return reason;
}

int interrupt_start(int signal_number, bool no_code_patch)
{
    engine.signal = signal_number != 0 ? signal_number : SIGRTMIN + 5;
    no_park_count = 0;
    dl_iterate_phdr(note_ranges, dlsym(RTLD_DEFAULT, of_allocator));
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    if (sigaction(engine.signal, &action, NULL) != 0) {
        return errno;
    }
    if (engine.hook_active) {
        return 0; /* installed by an earlier runtime of this process */
    }
    engine.hook_reason = no_code_patch ? "turned off (no_code_patch)" : install_hooks();
    engine.hook_active = engine.hook_reason == NULL;
    return 0;
}
