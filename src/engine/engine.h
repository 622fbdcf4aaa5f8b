/* The engine: CPython, as the core sees it. Nothing here is a PyObject, and no other room includes Python.h.
 *
 * Threads    each function says which thread may call it: "home" is the interpreter's home thread, attached by
 *            engine_attach or not as stated; "any" is any thread, attached to nothing, or to something (then the
 * function
 *            leaves that alone).
 * Locks      the engine calls back (engine_hooks) with no lock held and nothing attached.
 * Ownership  an engine_interp lives from engine_interp_create to engine_interp_free; the core keeps it alive while any
 *            thread may still call in. Buffers are plat_malloc'ed. */
#ifndef ISLES_ENGINE_H
#define ISLES_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/extension.h>
#include <isles/job.h>

#include "parcel.h"

typedef struct engine_interp engine_interp;
struct policy;

/* Why something failed. The core makes an isle_error of it. Zero is "no failure". */
typedef struct engine_failure {
    isle_status status;
    char *message;       /* owned; may be NULL */
    parcel report;       /* owned; the exception as src/engine/exceptions.c describes it; empty: no exception */
    parcel exception;    /* owned; the exception itself, where the task asked for it and it can cross; else empty */
    int exit_status;     /* SystemExit */
} engine_failure;
void engine_failure_clear(engine_failure *failure);

/* What an interpreter holds and has used, by isle_budget: nothing of wall and output, which the core counts, nor of
 * descriptors (engine_count_descriptors). */
typedef struct engine_amount {
    uint64_t used, peak;
    uint64_t refused; /* how often something was */
} engine_amount;
typedef struct engine_usage {
    engine_amount of[ISLE_BUDGET_COUNT_];
    uint64_t small_bytes; /* of memory: in arenas, for objects of up to 512 bytes, and stacks of frames */
} engine_usage;

typedef struct engine_alarm {
    int64_t left_ns;     /* until the next SIGALRM; 0: none comes */
    int64_t interval_ns; /* between those after it; 0: none comes */
} engine_alarm;

/* What the engine tells the core. Called on the thread where it happens, nothing attached, no lock held. */
typedef struct engine_hooks {
    /* an exception with nobody to report to (unraisable, or of a thread of the code): text as Python prints it goes
     * to sys.stderr as usual; this is beside it */
    void (*on_error)(void *core_interp, const char *message);
    /* os._exit or its like ends the interpreter; by any thread of it. `call` is "os._exit(3)", borrowed */
    void (*on_exit)(void *core_interp, int exit_status, const char *call);
    /* bytes are to go to sys.stdout (1) or sys.stderr (2): so many of them may, and are counted. Attached or not */
    size_t (*on_output)(void *core_interp, int stream, size_t len);
    /* ... and of those so many did not */
    void (*on_unwritten)(void *core_interp, int stream, size_t len);
    /* of one write to them so many bytes were dropped: nobody reads them fast enough */
    void (*on_dropped)(void *core_interp, int stream, size_t len);
    /* isles.host.NAME(*args): core finds and calls the host's function. *out_value is empty for None */
    isle_status (*on_host_call)(void *core_interp, const char *name, const parcel *args, parcel *out_value,
                                char **out_message);
    /* objects of the interpreter wait to be released (engine_release_due): wakes the home thread. Any thread, under a
     * lock of the engine's: it must not wait for anything */
    void (*on_due)(void *core_interp);
    /* a soft limit was passed, or something was refused for a hard one. Attached, in the middle of anything: it may
     * only ask for a later look */
    void (*on_budget)(void *core_interp, isle_budget which, bool refused);
    /* the same of what is refused with isles.BudgetExceeded: `text` gets what that says. Attached */
    void (*on_refused)(void *core_interp, isle_budget which, char *text, size_t size);
    /* a policy denied something for the first time, or observes that it would have */
    void (*on_policy)(void *core_interp, const char *message, bool denied);
    /* code sends a signal to its own interpreter, which is known. Attached: must not wait for a GIL */
    void (*on_raise)(void *core_interp, int number);
    /* its alarm (signal.setitimer): sets it, unless `set` is NULL; returns what it was. Attached, likewise */
    engine_alarm (*on_alarm)(void *core_interp, const engine_alarm *set);
    /* names of the host's functions, for isles.host; index past the end: NULL */
    const char *(*host_function_name)(size_t index);
} engine_hooks;

/* --- the runtime ------------------------------------------------------------------------------------------------ */

/* Initializes CPython on the calling thread, which becomes its main thread, prepares it (C modules imported in the main
 * interpreter, audit hook against fork, hook for blocking calls, arena allocator), and detaches. */
isle_status engine_start(const isle_runtime_config *config, const engine_hooks *hooks, engine_failure *failure);
/* The same for a CPython that runs; the calling thread is attached to the main interpreter and stays so. `on_exit` is
 * called at the main interpreter's exit, attached to it, before it takes itself apart. */
isle_status engine_adopt(const isle_runtime_config *config, const engine_hooks *hooks, void (*on_exit)(void *),
                         void *ctx, engine_failure *failure);
/* Any thread: is it attached to an interpreter of Isles that has environment variables of its own? */
bool engine_has_environment(void);
/* These, as "NAME=value", in an array with room for `more`; one block, for plat_free. NULL: no memory. */
char **engine_copy_environment(size_t more, size_t *out_count);
/* Any thread, from engine_start on: why locales are not an interpreter's own; NULL: they can be. */
const char *engine_locale_reason(void);
/* Undoes engine_start (Py_FinalizeEx, on the same thread) or engine_adopt (any thread; CPython stays). No
 * interpreter may be alive. */
isle_status engine_stop(engine_failure *failure);
/* Undoes what can be undone with live, stuck interpreters: hooks stay, CPython is not finalized. */
void engine_abandon(void);
/* A stuck interpreter of an adopted runtime: CPython forgets it, so that its exit does not wait for it. Detached. */
void engine_leave_behind(engine_interp *interp);

/* Detaches the calling thread if it is attached to any interpreter (before a wait); engine_reattach takes what it
 * returned, NULL included. Works before engine_start too. */
void *engine_detach(void);
void engine_reattach(void *detached);
/* Is the calling thread attached to, or running code of, this interpreter? */
bool engine_is_inside(const engine_interp *interp);
/* ... of any interpreter of Isles? */
bool engine_is_inside_any(void);
/* Any thread: is it a home thread whose task is being interrupted? Raises nothing. */
bool engine_is_to_stop(void);

/* Folders that interpreters import from, and the program of Python, whatever their configuration: by index, NULL past
 * the end. Any thread, from engine_start on. */
const char *engine_library_folder(size_t index);

/* Any thread: see isle_extension_inspect. */
isle_status engine_extension_inspect(const char *file, const char *module, isle_extension_info *out,
                                     engine_failure *failure);

/* --- interpreters ------------------------------------------------------------------------------------------ */

/* Home thread, in what it is to be in (plat_own). Creates the interpreter as configured and leaves it detached.
 * `core_interp` goes to the hooks. `policy` (NULL: none) judges what happens in it from then on; it must outlive the
 * interpreter. On failure nothing remains. */
isle_status engine_interp_create(const isle_interp_config *config, uint64_t id, const char *name, void *core_interp,
                                 struct policy *policy, engine_interp **out_interp, engine_failure *failure);

typedef enum engine_task_kind {
    ENGINE_SOURCE, ENGINE_FILE, ENGINE_MODULE, ENGINE_CALL,
    ENGINE_APPLY,        /* as CALL without a target: the first of the args is what is called */
    ENGINE_GET_GLOBAL,   /* target: name */
    ENGINE_SET_GLOBAL,   /* target: name, args: the value */
    ENGINE_JOIN_THREADS, /* waits for the non-daemon threads (threading._shutdown) */
    ENGINE_ATEXIT,       /* runs atexit functions, flushes the streams */
    ENGINE_MARK, ENGINE_RESET
} engine_task_kind;

typedef struct engine_task {
    engine_task_kind kind;
    const char *target;
    const char *filename;
    const char *const *argv; /* NULL: leave sys.argv alone */
    size_t argc;
    parcel args;             /* CALL: array [array of args, map of kwargs]; SET_GLOBAL: the value */
    bool keep_exception;     /* the failure carries the exception itself, too */
} engine_task;

/* Home thread, detached. Runs the task to its end. *out_value (owned) on ISLE_OK for CALL and GET_GLOBAL,
 * else empty. When it was interrupted (engine_interrupt) and ends for that reason, the status is the interrupt's
 * reason. On return no interrupt is armed. Streams are flushed. After hooks.on_exit it is ISLE_ERR_EXIT, or ISLE_OK for
 * the exit status 0, and nothing of the interpreter runs any more: only engine_reap_threads and _destroy are left. */
isle_status engine_run(engine_interp *interp, const engine_task *task, parcel *out_value, engine_failure *failure);

/* Interrupts: from any thread, at any time between create and free; they act on what engine_run runs now and are
 * harmless otherwise (engine_run disarms on its return; one that comes between tasks is dropped by the next
 * engine_run).
 *   engine_interrupt  raises isles.Cancelled once, with the reason (ISLE_ERR_TIMEOUT, _CANCELLED, _ENDED) as text, or
 *                     isles.BudgetExceeded (_BUDGET), and makes the home thread's system call return EINTR
 *   insist            the same, at every step from now on until the task has ended
 *   engine_nudge      makes the system call return EINTR again (a signal can come just before the call) */
bool engine_interrupt(engine_interp *interp, isle_status reason, bool insist); /* false: it was dropped */
void engine_nudge(engine_interp *interp);
/* Stops the home thread where it is, for good: it blocks in a signal handler and burns no CPU. false: it is inside
 * libc or the dynamic linker just now, where it might hold a lock of the process; ask again. */
bool engine_park(engine_interp *interp);
/* Once the home thread is parked: its Python frames, the innermost first, each as "\n  File ..., line ..., in ...".
 * Owned; NULL: none, or no memory. */
char *engine_stuck_stack(engine_interp *interp);

/* Any thread. */
void engine_get_usage(engine_interp *interp, engine_usage *out);
/* Any thread: of its own table; 0: it has none, or the system does not tell. */
uint64_t engine_count_descriptors(engine_interp *interp);
/* Any thread. NULL, or why memory can't be limited (then it is not; all else is). That of recursion holds from the next
 * task on, for what sys.setrecursionlimit may at once. */
const char *engine_set_limits(engine_interp *interp, const isle_budgets *limits);
/* Any thread: the threads that its code started are to end. Each gets isles.BudgetExceeded once; insist: they are
 * stopped at every step, also in calls that block, until engine_let_threads. _park: those that are left block for good;
 * false: one is inside libc just now, ask again. */
void engine_stop_threads(engine_interp *interp, bool insist);
void engine_let_threads(engine_interp *interp);
bool engine_park_threads(engine_interp *interp);
/* Any thread: what isles.BudgetExceeded says when it is raised next. Copied, and cut at 120 bytes. */
void engine_say_budget(engine_interp *interp, const char *text);
/* Any thread: copies of libraries that it has for itself, and their bytes. */
void engine_get_copies(engine_interp *interp, uint64_t *out_count, uint64_t *out_bytes);
uint64_t engine_memory_left(void); /* bytes that are held for interpreters that have ended */

/* Signals to the code (isle_interp_signal): any thread, between create and free, by one thread at a time.
 *   engine_signal        sends it; `code_runs`: there is code that its default action, if it has no handler, is for
 *   engine_signal_again  wakes the home thread once more, if one is waiting that the code has to hear now: a call that
 *                        blocks may have begun just then, or another thread was asked first. false: none is
 *   engine_signal_forget the code has ended: what waits and has no handler is dropped */
bool engine_signal_exists(int number); /* ... and can be caught */
void engine_signal(engine_interp *interp, int number, bool code_runs);
bool engine_signal_again(engine_interp *interp);
void engine_signal_forget(engine_interp *interp);
bool engine_handles_signal(const engine_interp *interp, int number);

/* Home thread, detached, between tasks: releases objects whose memory others have seen and let go of. */
bool engine_has_due(engine_interp *interp);
void engine_release_due(engine_interp *interp);

/* Home thread, detached, after the last task. One round of making the threads that the code left go: interrupts
 * all of them and gives them a moment. Returns how many are left. 0: those that extensions have wait outside until the
 * next engine_run. */
size_t engine_reap_threads(engine_interp *interp);
/* Names of the threads that are left, comma-separated; owned; NULL when none. */
char *engine_thread_names(engine_interp *interp);
/* Home thread, detached; no other thread state may be left. Finalizers run; engine_interrupt works on them (not
 * insist). */
void engine_interp_destroy(engine_interp *interp);
/* Any thread, once nobody can call in. Also after a failed end (then CPython's part leaks). */
void engine_interp_free(engine_interp *interp);

/* Any thread. The core counts entries and keeps the interpreter alive. opaque[2] of the entry is the core's. */
isle_status engine_enter(engine_interp *interp, isle_entry *out_entry);
void engine_leave(isle_entry *entry);

#endif
