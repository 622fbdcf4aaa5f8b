/* The engine room's private header: Python.h, what the room's files share, and who owns what.
 *
 *   engine_interp   made by interp.c on the home thread; `state` and `home` are CPython's and valid until
 *                   engine_interp_destroy; the rest until engine_interp_free
 *   engine          the process-wide part (runtime.c); written at start and stop only
 *
 * Locks: interp->lock guards running, alive, and what interrupt.c writes. It is a leaf: nothing is called
 * under it but _PyEval_AddPendingCall and pthread_kill, and no thread state is waited for. */
#ifndef ISLES_ENGINE_PYTHON_H
#define ISLES_ENGINE_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030d0000
#error "Isles needs CPython 3.13 or newer"
#endif

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "cbor.h"
#include "engine.h"
#include "lookup.h"
#include "outlet.h"
#include "platform.h"
#include "signals.h"

enum { ENGINE_MAX_LEFT = 64, BUDGET_TEXT_SIZE = 120 };

struct account;
struct tally;

enum { IO_TEXT_WRITE, IO_BUFFER_WRITE, IO_BUFFER_FLUSH, IO_METHODS };

struct engine_interp {
    uint64_t id;
    char *name;
    uint64_t number;
    void *core; /* for the hooks */
    bool own_gil;
    bool isolated;
    bool own_descriptors; /* a table of its own */
    bool hurries;         /* it ends, and its output would not: who reads slowly is waited for no more */
    outlet outlets[3];
    bool own_fs; /* working directory and umask */
    plat_own *own;       /* locale, and variables of native code; borrowed; NULL: the process's */
    char *marked_locale; /* at the last mark; owned; NULL: there was none */

    PyInterpreterState *state;
    PyThreadState *home; /* the home thread's, for life */
    pthread_t home_thread;
    unsigned long home_ident; /* as Python knows it */
    plat_kernel_id home_kernel_id;
    struct account *account; /* what it holds and uses */
    struct tally *tally;     /* what it has in queues; NULL: nobody counts */
    struct {
        _Atomic uint64_t soft, hard; /* 0: none */
        _Atomic uint64_t now, peak, refused;
        _Atomic bool due; /* `hard` is to be applied before code runs */
        uint64_t own;     /* attached: the code's limit, where `hard` took its place; else 0 */
    } recursion;
    struct {
        _Atomic uint64_t hard, refused;
    } descriptors;
    _Atomic bool was_refused; /* something, with isles.BudgetExceeded, since this task or its last flush began */
    bool discards;            /* it ends: output over the budget is no error any more */

    /* Objects of the interpreter; touched by attached threads only. */
    PyObject *cancelled;     /* isles.Cancelled */
    PyObject *over_budget;   /* isles.BudgetExceeded, one of those */
    PyObject *host_error;    /* isles.HostError; this and those up to `unbound`: NULL until somebody asks for one */
    PyObject *not_shareable; /* isles.NotShareableError */
    PyObject *queue_type;    /* isles.Queue */
    PyObject *queue_errors[4];
    PyObject *unbound;  /* isles.UNBOUND */
    PyObject *job_type; /* src/module/: isles.Job, and what a failed one raises */
    PyObject *job_error;
    PyObject *buffer_type; /* isles.Buffer; NULL until needed */
    PyObject *value_types; /* globals of value_types.py; this and the next two: NULL until needed */
    PyObject *describe, *rebuild;
    struct key_cache *keys;      /* text.c: strings that were keys lately; NULL until needed */
    struct shape_table *shapes;  /* shape.c: of dicts that came lately; NULL until needed */
    _Atomic size_t encoded_size; /* of the last value that isles.encode wrote, about */
    bool pickles;                /* what has no encoding of its own may be pickled (isles.allow_pickle) */
    PyObject *files[3];          /* sys.stdin, sys.stdout, sys.stderr as made */
    PyObject *file_names[3];     /* "stdin", "stdout", "stderr" */
    PyObject *flush[3];          /* their bound methods; [0] isn't used */
    _Atomic bool unflushed[3];   /* it was written to since it was flushed */
    PyObject *io_methods[IO_METHODS]; /* of io's own classes, which streams.c calls in its own ones */
    PyObject *sys_dict;          /* of the module sys: each task looks up two names there */
    PyObject *support;           /* globals of support.py; NULL until needed */
    PyObject *processes;         /* the same of processes.py */
    bool own_environment;        /* false: the process's */
    PyObject *environment;       /* environment.c: a dict of bytes; NULL: the process's, or its end is nearly over */
    uint64_t variables_seen;     /* how often native code had changed them when it was made anew */
    PyObject *marked_environment; /* as it was at the last mark; NULL: there was none */
    lookup file_lookups[3];      /* of the files there */
    PyObject *target_names;      /* of the last call's target: see target.c */
    lookup target_lookups[3];
    char *target;

    _Atomic bool exited; /* os._exit or its like was called: no Python code of it runs any more. Set once, by an
                            attached thread, after the next two */
    int exit_status;
    char exit_call[48];  /* "os._exit(3)" */

    signal_table signals;
    struct lender *lender; /* lender.c; NULL: nothing was lent yet */
    bool lends_no_more;    /* it ends; home thread, attached */

    plat_lock lock;
    bool alive;                   /* `state` may be given to _PyEval_AddPendingCall */
    bool running;                 /* a task runs: interrupts are wanted */
    bool destroying;              /* CPython takes it apart: nothing is to be raised for an exit any more */
    _Atomic int64_t shield_until; /* no interrupts before: an exception is being described */
    _Atomic int reason;           /* isle_status of the last interrupt in this task; 0: none */
    char budget_text[BUDGET_TEXT_SIZE]; /* what isles.BudgetExceeded says */
    _Atomic bool queued;          /* our pending call is in the interpreter's queue */
    _Atomic bool async_sent;      /* an asynchronous exception was set for the home thread */
    _Atomic bool once;            /* raise once more */
    _Atomic bool insist;          /* raise at every step */
    _Atomic bool reaping;         /* its other threads are being made to end */
    _Atomic bool reap_insist;
    _Atomic bool reap_spares_entered; /* threads of the host's are not made to end */
    _Atomic bool threads_once;    /* all but the home thread get isles.BudgetExceeded */
    _Atomic int park; /* what the thread that was asked last answered; see interrupt.c */
    plat_gate park_answer;
    bool home_parked;
    plat_kernel_id left[ENGINE_MAX_LEFT]; /* under `lock`: kernel ids of the threads that would not go; 0: parked */
    size_t left_count;
    struct engine_interp *next; /* runtime.c's list of those that are reaping */

    struct extensions *extensions;     /* extensions.c; NULL: CPython's rule */
    _Atomic size_t copies;             /* of libraries */
    _Atomic uint64_t copy_bytes;

    struct policy *policy;             /* the core's; NULL: none */
    int64_t policy_key;                /* policy.c: CPython's id of the interpreter + 1; 0: not in its list */
    struct engine_interp *policy_next; /* its list; under its lock */
};

typedef struct engine_global {
    bool started, adopted;
    engine_hooks hooks;
    PyInterpreterState *main;
    char *package;                    /* folder of the Python package; NULL: none */
    PyThreadState *main_thread_state; /* own runtime: the runtime thread's, detached */
    int signal;
    const char *hook_reason; /* NULL: blocking calls can be interrupted */
    bool hook_active;
    _Atomic size_t interps; /* alive: os.fork is refused */
    _Atomic size_t policies; /* ... that have a policy */
    _Atomic size_t descriptor_limits; /* ... that have one of those */
} engine_global;
extern engine_global engine;

/* The interpreter whose home thread this is; and the one whose hook is being called on this thread. */
extern PLAT_THREAD_LOCAL engine_interp *engine_home;
extern PLAT_THREAD_LOCAL engine_interp *engine_calling;

/* failure.c */
isle_status engine_fail(engine_failure *failure, isle_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* exceptions.c: takes the exception that is set; returns the status of the failure. `task` may be NULL. */
isle_status engine_take_exception(engine_interp *interp, const engine_task *task, engine_failure *failure);

/* encode.c: `root` names the value in the message ("args"). ISLE_ERR_NOT_SHAREABLE, ISLE_ERR_NOMEM; no exception is
 * left set, except with ISLE_ERR_PYTHON: one that is to stop the code came while Python code described an object.
 * `interp` may be NULL: only plain values then. */
isle_status convert_from_object(engine_interp *interp, PyObject *object, const char *root, parcel *out,
                                engine_failure *failure);
/* The same, as one item behind what the writer has; its `beside` must be there. On failure the writer's content is of
 * no use. */
isle_status convert_write(engine_interp *interp, PyObject *object, const char *root, cbor_writer *w,
                          engine_failure *failure);
/* The args (a tuple of at least one) and kwargs (a dict or NULL) of an ENGINE_APPLY. */
isle_status convert_from_call(engine_interp *interp, PyObject *args, PyObject *kwargs, parcel *out,
                              engine_failure *failure);
PyObject *convert_to_object(engine_interp *interp, const parcel *p); /* NULL with a ValueError set */
PyObject *convert_read(engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside);
/* The same, and nobody reads it again: large bytes that have no other holder change hands without a copy. */
PyObject *convert_take(engine_interp *interp, const uint8_t *data, size_t len, const attachments *beside);
/* [args, kwargs] as the core writes it: a tuple, and a dict or NULL for none. -1 with an exception set. */
int convert_to_call(engine_interp *interp, const parcel *p, PyObject **out_args, PyObject **out_kwargs);

/* lender.c; attached to it */
typedef struct lender lender;
void lender_release_due(engine_interp *interp); /* what others have let go of */
bool lender_has_due(engine_interp *interp);     /* any thread that may call the engine for it */
bool lender_close(engine_interp *interp);       /* its end: false: memory of it is still seen and must stay */

/* value_types.c: what value_types.py says. New references, or NULL with an exception set. */
PyObject *value_types_describe(engine_interp *interp, PyObject *object, bool leaves_process);
PyObject *value_types_rebuild(engine_interp *interp, const char *name, PyObject *args);
PyObject *value_types_rebuild_tag(engine_interp *interp, PyObject *args); /* (tag, content) */
PyObject *value_types_fill(engine_interp *interp, PyObject *args);        /* (object, state) */
int value_types_register(engine_interp *interp, PyObject *args, PyObject *kwargs);
void value_types_drop(engine_interp *interp);

/* value_functions.c: isles.encode and its like */
int value_functions_install(PyObject *module, PyObject *capsule);

/* decode.c */
/* Of bytes that stand alone. Without `objects`, what needs code is refused: classes, functions, pickles. */
PyObject *convert_read_foreign(engine_interp *interp, const uint8_t *data, size_t len, bool objects);

/* text.c */
void text_drop_keys(engine_interp *interp);

/* streams.c */
int streams_install(engine_interp *interp, const isle_interp_config *config); /* its outlets are open */
bool streams_flush(engine_interp *interp); /* after each task; false: something could not be written */
void streams_drop(engine_interp *interp);

/* outlet.c; attached. outlet_write returns how many bytes it took, at least one, or -1 with an exception set. */
isle_status outlets_open(engine_interp *interp, const isle_interp_config *config, engine_failure *failure);
void outlets_close(engine_interp *interp); /* home thread, detached; again is fine */
bool outlet_enter(outlet *o);              /* one thread at a time; false with an exception set */
void outlet_leave(outlet *o);
Py_ssize_t outlet_write(engine_interp *interp, outlet *o, const char *data, size_t len);
int outlet_flush(engine_interp *interp, outlet *o);
Py_ssize_t outlet_read(engine_interp *interp, outlet *o, char *buffer, size_t len); /* 0: the end */

/* outlet_budget.c */
/* Attached or not: of so many bytes, how many may be written; those count. What of them was not is given back. */
size_t outlet_ask(engine_interp *interp, const outlet *o, size_t len);
void outlet_give_back(engine_interp *interp, const outlet *o, size_t len);
/* Attached: none may: -1 with isles.BudgetExceeded set; or `len`, where what is too much is thrown away. */
Py_ssize_t outlet_refuse(engine_interp *interp, outlet *o, size_t len);

/* outlet_queue.c: the same for those that go to a queue. `data` is whole lines, unless it ends in a flush. */
void outlet_put_note(engine_interp *interp, outlet *o); /* about what was lost, if there is room for it */
Py_ssize_t outlet_put(engine_interp *interp, outlet *o, const char *data, size_t len);
int outlet_get(engine_interp *interp, outlet *o); /* what comes next is in `held`; nothing: the end */

int outlet_descriptor(outlet *o); /* what fileno() says; for nowhere, that of /dev/null. -1: none */

/* children.c: what processes get that it starts */
isle_status children_start(engine_failure *failure); /* main interpreter, attached */

/* queue_wait.c: arguments and waits, for queue_type.c and select.c. */
struct queue_patience;
typedef struct queue_wait { /* the thread that waits, attached to nothing meanwhile */
    PyThreadState *state;
} queue_wait;
/* A function's arguments by position and name: out[i] (borrowed) for names[i], or NULL; `names` ends with NULL, the
 * first `needed` must be there. false with a TypeError set. */
bool queue_args(const char *function, const char *const *names, size_t needed, PyObject *const *args, Py_ssize_t count,
                PyObject *kwnames, PyObject **out);
/* `timeout` in seconds from now; NULL or None: for ever. false with an exception set. */
bool queue_deadline(PyObject *timeout, int64_t *out);
/* Between them the thread is detached. _begin fills `out`: signals are looked at, and may set an exception. */
void queue_wait_begin(queue_wait *wait, int64_t deadline, struct queue_patience *out);
void queue_wait_end(queue_wait *wait);

/* select.c */
PyObject *queue_select(PyObject *capsule, PyObject *const *args, Py_ssize_t count, PyObject *kwnames);

/* queue_type.c */
extern const char *const queue_unbound_names[]; /* by isle_unbound */
int queue_unbound_of(PyObject *name);           /* -1 with an exception set */
enum { QUEUE_ERROR_CLOSED, QUEUE_ERROR_EMPTY, QUEUE_ERROR_FULL, QUEUE_ERROR_UNBOUND };
struct isle_queue;
struct isle_queue *queue_unwrap(const engine_interp *interp, PyObject *object); /* borrowed; NULL: it is no queue */
int queue_type_make(engine_interp *interp);
PyObject *queue_descriptor(int fd); /* as fileno() says it; -1: errno. NULL with an exception set */
PyObject *queue_wrap(engine_interp *interp, struct isle_queue *q /* stolen */);
attachment *queue_object_attachment(PyObject *object); /* NULL: no memory */
PyObject *queue_object_new(engine_interp *interp, attachment *a);

/* module.c */
int module_install(engine_interp *interp, const isle_interp_config *config); /* NULL: the main interpreter */
int module_make_classes(engine_interp *interp); /* when somebody first needs them */

/* What other rooms add to each `_isles` (src/module/), when it is made; NULL: nothing. -1 with an exception set. */
extern int (*engine_extend_module)(engine_interp *interp, PyObject *module, PyObject *capsule);

/* package.c: makes `isles` the package of engine.package in this interpreter. -1 with an exception set. */
int package_install(void);

/* guest.c: the main interpreter of an adopted runtime, as one that sends and gets values. Attached to it. */
isle_status guest_install(engine_failure *failure);
void guest_close(void);

/* interp.c: has our objects let go when CPython takes the interpreter apart. -1 with an exception set. */
int interp_watch_state(engine_interp *interp);

/* current.c: the interpreter of Isles that the calling thread is attached to; NULL: none, or the main one. */
engine_interp *interp_of_thread(void);

/* target.c: new reference to what "module:function" names, or NULL with an exception set. */
PyObject *target_resolve(engine_interp *interp, const char *target);
void target_drop(engine_interp *interp);

/* script.c: Python code of ours. It is compiled by the main interpreter at start, attached, and loaded where it is
 * needed: new reference to its globals, or NULL with an exception set. */
typedef enum script { SCRIPT_SUPPORT, SCRIPT_PROCESSES, SCRIPT_VALUE_TYPES, SCRIPT_VERDICTS, SCRIPTS } script;
int script_prepare(void);
void script_forget(void);
PyObject *script_load(script which, const char *name);

/* support.c: calls a function of support.py; new reference or NULL with an exception set. */
PyObject *support_call(engine_interp *interp, const char *function, PyObject *args /* stolen */);
/* A function of processes.py, borrowed, or NULL with an exception set. */
PyObject *processes_function(engine_interp *interp, const char *name);

/* environment.c; attached to the interpreter. -1 with an exception set. */
isle_status environment_start(engine_failure *failure); /* main interpreter, attached */
PyObject *environment_of(engine_interp *interp); /* borrowed; NULL: the process's */
PyObject *environment_find(engine_interp *interp, const char *name); /* bytes; borrowed; NULL: not set. No exception */
int environment_install(engine_interp *interp, const isle_interp_config *config);
int environment_mark(engine_interp *interp);  /* what environment_reset goes back to */
int environment_reset(engine_interp *interp);
void environment_drop(engine_interp *interp);

/* locale.c; attached to the interpreter. -1 with an exception set. */
isle_status locale_start(engine_failure *failure); /* main interpreter, attached */
int locale_install(engine_interp *interp, const isle_interp_config *config);
int locale_mark(engine_interp *interp); /* what locale_reset goes back to */
int locale_reset(engine_interp *interp);

/* foreign_error.c */
isle_status foreign_error_start(engine_failure *failure); /* main interpreter, attached */

/* exit.c */
isle_status exit_start(engine_failure *failure); /* main interpreter, attached */
/* Home thread, attached: the interpreter has exited. What its task came to. */
isle_status exit_conclude(engine_interp *interp, engine_failure *failure);
PyObject *exit_by_abort(engine_interp *interp, const char *call); /* attached: as os.abort() does; NULL */
void exit_refuse_fork(const char *name); /* sets the exception */

/* gate_type.c: gates, for Python, and for waits of the module room. gate_wait: 1: it is open; 0: the deadline passed;
 * -1: this thread's code is to stop, or a signal handler raised: an exception is set. */
PyObject *gate_type_make(void);
int gate_wait(plat_gate *gate, int64_t deadline);
typedef struct gate_list {
    plat_gate **gates; /* of objects that the Python list keeps */
    Py_ssize_t count;
} gate_list;
bool gates_take(PyObject *list, gate_list *out); /* false: an exception is set */
void gates_open(const gate_list *list);          /* detached, too */
void gates_forget(gate_list *list);

/* reentry.c: attached, in a pending call: lets CPython make other pending calls meanwhile. false: it won't */
bool pending_calls_open(void);
void pending_calls_close(void);

/* gaps.c: attached, between two steps of byte code: an interrupt would leave a lock taken here */
bool interrupt_in_gap(void);

/* interrupt.c */
int interrupt_start(int signal_number, bool no_code_patch); /* 0 or an errno */
char *interrupt_budget_text(engine_interp *interp); /* owned; NULL: no memory */
bool interrupt_is_due(const engine_interp *interp); /* attached or not: will code of it on this thread be stopped? */
bool interrupt_is_wanted(void);              /* attached: is this thread's code to stop? Then an exception is set */
void interrupt_queue(engine_interp *interp); /* its pending call; attached, or with its lock held and alive */
void interrupt_begin(engine_interp *interp); /* home: a task begins */
void interrupt_shield(engine_interp *interp, int64_t ns); /* home, attached: let an exception be described in peace */
void interrupt_end(engine_interp *interp);                /* home, attached: the task has ended */
void interrupt_unlink(engine_interp *interp);             /* its state is going: no more pending calls */
void interrupt_exit(engine_interp *interp); /* attached: it has exited: each step of each of its threads raises */
void interrupt_threads(engine_interp *interp, bool on, bool insist); /* see threads.c */

/* threads.c: for engine_park, whose caller can't attach when it is needed. Any thread. */
size_t threads_count(engine_interp *interp); /* that Python code started, those that have not come to life included */
bool threads_are_none(engine_interp *interp); /* no state but the home thread's, whoever made it */
bool threads_started_by_python(const PyThreadState *t);
bool threads_has(engine_interp *interp, unsigned long ident); /* is that thread one of the interpreter's? */
/* Of those that Python code started. _raise: attached; asynchronously. _signal: their system calls return EINTR */
void threads_raise(engine_interp *interp, PyObject *type);
void threads_signal(engine_interp *interp);
void threads_note_left(engine_interp *interp);
void threads_forget_left(engine_interp *interp);
/* Attached to it, by a thread that has its GIL meanwhile: calls the function for each of its threads. */
void threads_visit(engine_interp *interp, void (*visit)(PyThreadState *thread));
void threads_lock_list(void); /* CPython's list of thread states: none goes, and none comes */
void threads_unlock_list(void);

/* frames.c: attached. -1 with an exception set. */
int frames_install(void);

/* hook.c: replaces a function of CPython. NULL on success, else the reason. */
const char *hook_install(void *function, void *replacement, void **out_original);
bool hook_built(void);

/* memory.c */
void memory_start(void); /* before Py_Initialize, or in a CPython that runs: attached */
const char *memory_reason(void); /* why CPython's memory can't be counted here; NULL: it is */
bool memory_can_move(void);      /* objects of more than 512 bytes can change hands between interpreters */
/* A block of that kind becomes the calling thread's interpreter's. false: it can't, or has no room there. */
bool memory_adopt(void *block);

/* arena.c */
void arena_start(void);                       /* for memory_start */
void arena_give_back(struct account *owner); /* those that CPython left at its end */

/* policy.c; home, attached (the end: nothing attached) */
void policy_begin(engine_interp *interp, struct policy *policy); /* NULL: none */
void policy_end(engine_interp *interp);
int policy_prepare(void); /* main interpreter, attached; -1 with an exception set */
void policy_pause(bool on); /* this thread: what happens is not judged */
/* An audit event: 0, or -1 with an exception set. Attached. */
int policy_audit(const char *event, PyObject *args);

/* frozen.c */
void frozen_start(void); /* main interpreter, attached */
void frozen_stop(void);  /* CPython has stopped */

/* own_ctypes.c */
void own_ctypes_start(void); /* main interpreter, attached */

/* defects.c */
void defects_before_interpreters(void);                         /* main interpreter, attached */
void defects_end_lock(engine_interp *interp, bool *out_locked); /* around Py_EndInterpreter */
void defects_end_unlock(bool locked);
bool defects_leaks_arenas(void);

#endif
