/* The core room's private header: its structs, who owns them, and the order of its locks.
 *
 * Locks, in the order in which a thread may take them (each may be skipped, none taken twice):
 *   1 the runtime's (runtime.c)   the one runtime, its stopping, its stuck interpreters
 *   2 the table's (table.c)       which ids live
 *   3 an interpreter's            its queue, its jobs' states, its end, its ladder
 *   4 the warden's (warden.c)     the heap of timers
 *   5 the engine's own
 * The warden lets its lock go before it looks at an interpreter. User code (events, host functions, streams) and
 * Python run with none of these held; CORE_CHECKS has every taking and every call-back checked.
 *
 * Lifetimes
 *   interp    counted by `refs`: its home thread has one, each job, and whoever looks for a moment. `users` counts
 *             those who may call the engine or the runtime for it; the home thread frees the engine's part when it is
 *             zero. One that would not end is remembered by the runtime and never freed.
 *   isle_job  counted: the handle, the queue or home thread, and the warden while its timer fires.
 *   runtime   from start to stop; stop waits for the interpreters and for those who create one. With stuck
 *             interpreters it stays in memory, silent.
 *
 * A job changes its state under its interpreter's lock; who makes it JOB_DONE (job_end) tells its waiters
 * (job_tell). */
#ifndef ISLES_CORE_H
#define ISLES_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/job.h>
#include <isles/policy.h>

#include "counters.h"
#include "engine.h"
#include "platform.h"
#include "timer.h"

#define DEFAULT_CANCEL_GRACE_NS (50 * ISLE_MS)
#define DEFAULT_STUCK_AFTER_NS (2 * ISLE_SECOND)

typedef struct interp interp;

/* --- the warden: one thread that keeps all points in time (warden.c) ------------------------------------------ */
typedef struct warden {
    plat_lock lock;
    plat_cond cond;
    timer_heap heap;
    int64_t sleeps_until; /* INT64_MIN: awake */
    bool stopping;
} warden;

void warden_init(warden *w);
void warden_destroy(warden *w);
void warden_arm(warden *w, timer *t, int64_t at); /* moves it when it is armed */
void warden_disarm(warden *w, timer *t);          /* it may be firing just now */
void warden_serve(warden *w);                     /* the warden's thread, until warden_stop */
void warden_serve_rest(warden *w);                /* ... until no timer is armed */
void warden_stop(warden *w);
bool warden_is_me(void);

/* --- the runtime (runtime.c) ---------------------------------------------------------------------------------- */
struct isle_runtime {
    isle_event_fn on_event;
    void *event_ctx;
    isle_host_function *host; /* owned, names too */
    size_t host_count;
    int signal;
    bool adopted;
    _Atomic bool silent; /* stopped with stuck interpreters: user code isn't called any more */
    warden warden;

    plat_thread thread; /* the runtime thread: CPython's main thread and the warden; adopted: the warden */
    const isle_runtime_config *config; /* borrowed by the runtime thread until `started` */
    plat_gate started, stopped;
    engine_failure failure; /* of the start, then of the stop */

    /* guarded by the runtime's lock */
    bool stopping;
    size_t creating;      /* calls of isle_interp_create that go on */
    size_t homes;         /* home threads that may still use the runtime */
    plat_thread last_home; /* the home thread that ended last: joined by the next one, or at the stop */
    bool has_last_home;
    interp *stuck;        /* buried ones; each keeps a reference */
};

isle_runtime *runtime_running(void); /* NULL: none */
isle_status runtime_creation_begin(isle_runtime *rt, isle_error **err);
void runtime_creation_end(isle_runtime *rt);
void runtime_add_home(isle_runtime *rt);
/* A home thread's last use of the runtime. true: it is to join *out_before as its last act. */
bool runtime_leave_home(isle_runtime *rt, plat_thread *out_before);
void runtime_remember_stuck(isle_runtime *rt, interp *in); /* the same for one that is buried */
/* NULL: none of that id is stuck. Owned. */
char *runtime_stuck_message(uint64_t id);
const engine_hooks *host_hooks(void);                        /* host.c */
void host_set_runtime(isle_runtime *rt);
isle_status host_copy_functions(isle_runtime *rt, const isle_runtime_config *config, isle_error **err);
void host_free_functions(isle_runtime *rt);

/* --- interpreters --------------------------------------------------------------------------------------------- */
typedef enum activity { /* what the home thread does in the engine */
    ACTIVITY_NONE,
    ACTIVITY_JOB,
    ACTIVITY_RELEASE, /* lets go of objects whose memory others have seen */
    ACTIVITY_JOIN,   /* waits for non-daemon threads */
    ACTIVITY_REAP,   /* makes threads go */
    ACTIVITY_ATEXIT,
    ACTIVITY_DESTROY
} activity;

typedef struct ladder { /* how the activity is being stopped; see ladder.c */
    timer timer;
    _Atomic int reason; /* isle_status; 0: it isn't */
    bool announced;     /* the INTERRUPT event was begun */
    bool raised;        /* the first exception is on its way: then there is time to clean up */
    bool insisting;     /* the last rung before giving up is reached */
    bool given_up;
    int64_t began, next_interrupt;
    int64_t given_up_at;
} ladder;

typedef struct budgets { /* see budget.c; guarded by the interpreter's lock but for what is atomic */
    isle_budgets limits;
    bool any;   /* there is a limit */
    bool alive; /* the engine's part is */
    bool spent; /* of what is for life: no more jobs */
    bool insisted[ISLE_BUDGET_COUNT_]; /* in this job */
    bool raised_here; /* isles.BudgetExceeded, in the job: it has its grace */
    bool told_soft[ISLE_BUDGET_COUNT_], told_hard[ISLE_BUDGET_COUNT_];
    uint64_t reached[ISLE_BUDGET_COUNT_];
    uint64_t refusals_before[ISLE_BUDGET_COUNT_]; /* when the job began */
    uint64_t descriptors_before;                  /* likewise: how many there were */
    uint64_t descriptors_peak;
    int64_t stopping_threads; /* since when; 0: they aren't stopped */
    bool insists_on_threads, threads_parked;
    uint64_t cpu_seen;        /* at the last look */
    int64_t longest_ns;       /* job */
    _Atomic unsigned soft, refused; /* what the engine has told: a bit for each isle_budget */
    _Atomic int64_t looked;         /* when */
    _Atomic uint64_t output_mark;   /* of bytes written: from there on somebody is to look */
    _Atomic uint64_t output_hard;   /* no more are written; UINT64_MAX: no limit */
    timer timer;
} budgets;

struct interp {
    uint64_t id;
    isle_runtime *rt;
    char *name;
    int64_t created_ns;
    bool own_descriptors;
    int64_t cancel_grace_ns, stuck_after_ns;
    _Atomic uint32_t refs, users;
    counters counters;

    _Atomic int64_t holders; /* the package's: objects in any interpreter that keep this one alive */
    struct policy *policy; /* owned; NULL: none */
    plat_own *own;         /* its locale, and variables of native code; owned; NULL: the process's */
    engine_interp *engine;
    plat_thread home; /* written by the home thread before anyone knows the interpreter */
    plat_gate wake;   /* for the home thread; it resets it under the lock */
    plat_gate unused; /* `users` is zero */
    plat_gate ended;

    plat_lock lock; /* guards what follows */
    isle_job *first, *last;
    size_t queued;
    isle_job *current;
    activity activity;
    int64_t activity_began;
    ladder ladder;
    budgets budgets;
    bool announcing; /* the warden tells of an interrupt: the home thread waits before it goes on */
    size_t entries;
    bool ending, stuck, buried;
    bool exited;            /* os._exit or its like ended it: nothing of it runs any more */
    int exit_status;        /* of that */
    char exit_call[48];     /* "os._exit(3)" */
    int64_t end_deadline, end_began;
    timer end_timer;
    bool deaf;                 /* no more signals: it is being taken apart, or stuck */
    timer signal_timer;        /* sends again what was not taken */
    int64_t signal_pause;      /* before the next time; 0: it isn't armed */
    timer alarm_timer;
    int64_t alarm_at, alarm_interval; /* 0: none */

    isle_status end_status; /* these two are written before `ended` opens, then never again */
    char *end_message;
    interp *next_stuck;     /* the runtime's list */
};

/* table.c */
bool table_reserve(void);         /* room for one more; false: no memory */
void table_unreserve(void);
void table_add(interp *in);       /* in a place that was reserved */
void table_remove(interp *in);
interp *table_take(uint64_t id);  /* NULL: none lives. The caller becomes a user: interp_give */
interp *table_take_after(uint64_t id); /* the oldest of those younger than that one */
uint64_t table_new_id(void);
bool table_was(uint64_t id);      /* was it ever given out? */

/* interp.c */
void interp_ref(interp *in);
void interp_unref(interp *in);
void interp_use(interp *in);  /* with the lock held and a job of it not ended, or by one who is a user */
void interp_give(interp *in);
void interp_free(interp *in); /* for interp_unref, and one that never lived */
/* Would a wait for this interpreter, here, never end? */
bool interp_forbids_wait(const interp *in);
/* end.c. An end has begun once; a later one can only make its deadline earlier. */
void interp_begin_end(interp *in, int64_t deadline); /* any user of it, no lock */
void interp_exit(interp *in, int exit_status, const char *call); /* a thread of it, no lock */
bool interp_has_exited(interp *in);                                           /* no lock */
void interp_arm_end(interp *in);                     /* lock held */
extern const timer_class end_timer_class;
/* It won't end: for its waiters it has. By whoever set `buried`, under the lock; then with no lock held. */
void interp_bury(interp *in, const char *what);
static inline void interp_lock(interp *in);
static inline void interp_unlock(interp *in);

/* policy.c */
/* Checks config->policy and copies it to `own`, where config->policy then points. */
isle_status policy_take(isle_interp_config *config, isle_policy *own, isle_error **err);
typedef struct landlock {
    int abi;            /* 0: none */
    const char *reason; /* why */
} landlock;
isle_status policy_check_landlock(const isle_policy *p, landlock there, isle_error **err); /* for policy_take */
isle_status policy_make(const isle_interp_config *config, struct policy **out, isle_error **err); /* NULL: none */
isle_status policy_confine(const struct policy *p, engine_failure *failure); /* home thread; NULL is fine */

/* home.c */
typedef struct home_start { /* between isle_interp_create and the home thread, until `ready` */
    interp *in;
    const isle_interp_config *config;
    engine_failure failure;
    plat_gate ready;
} home_start;
void home_main(void *start);
interp *home_of_this_thread(void);

/* compartment.c: on the home thread. Where the default can't be had, `config` says afterwards what there is. */
void compartment_leave(void); /* the home thread, before `own` goes */
isle_status compartment_enter(interp *in, isle_interp_config *config, engine_failure *failure);

/* ladder.c; with the interpreter's lock held */
extern const timer_class ladder_timer_class;
void ladder_start(interp *in, isle_status reason);
void ladder_clear(interp *in);

/* budget.c */
extern const timer_class budget_timer_class;
/* A caller's struct (NULL: none) as our own, checked. */
isle_status budget_take(isle_budgets *own, const isle_budgets *callers, isle_error **err);
/* Home thread, once the engine's part lives. On failure `failure` says why. */
isle_status budget_start(interp *in, const isle_budgets *limits, engine_failure *failure);
void budget_end(interp *in);                            /* before the engine's part goes */
void budget_job_begins(interp *in);                     /* lock held, `current` is the job */
void budget_job_ended(interp *in, const isle_job *job); /* lock held */
void budget_on_engine(interp *in, isle_budget b, bool refused); /* any thread, in the middle of anything */
size_t budget_on_output(interp *in, size_t len); /* any thread: how many bytes may be written; they are counted */
/* Any thread, attached: likewise; isles.BudgetExceeded is raised, and says `text`. */
void budget_on_refused(interp *in, isle_budget b, char *text, size_t size);

/* signal.c */
extern const timer_class signal_timer_class, alarm_timer_class;
void signals_forget(interp *in);                   /* lock held: the code has ended */
void signals_stop(interp *in);                     /* lock held: see `deaf` */
void signals_raise(void *core_interp, int number); /* for the engine's hooks, as the next */
engine_alarm signals_alarm(void *core_interp, const engine_alarm *set);

/* --- jobs (job.c) ----------------------------------------------------------------------------------------------- */
enum { JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct isle_job {
    _Atomic uint32_t refs;
    _Atomic int state;
    uint64_t id;
    interp *in;       /* counted */
    engine_task task; /* its strings lie behind this struct; args are owned */
    bool join_threads, has_handle, only_idle;
    void (*on_done)(void *ctx);
    void *on_done_ctx;
    int64_t deadline;
    timer timer;      /* armed from the queue to the end, unless the deadline is ISLE_FOREVER */
    plat_gate done;   /* opens when the JOB_ENDED event was told */
    _Atomic int fd;
    isle_job *next, *previous;
    int64_t started_ns, started_cpu_ns;

    /* written before the state is JOB_DONE, then never again */
    isle_status status;
    parcel value; /* empty: None */
    isle_error *error;
    const char *note; /* static; says more than the status where there is no error */
    int64_t wall_ns, cpu_ns;
};

typedef struct job_outcome {
    isle_status status;
    parcel value;
    isle_error *error;
    const char *note;
} job_outcome;

typedef struct job_spec { /* what job_new copies */
    engine_task task;     /* but args: those are taken over */
    int64_t deadline;
    bool join_threads, has_handle;
    void (*on_done)(void *ctx); /* told once when it has ended, after its waiters: must not wait. NULL: nobody */
    void *on_done_ctx;
    bool only_idle;       /* job_queue gives ISLE_ERR_BUSY where the interpreter runs something, or is to */
} job_spec;

isle_job *job_new(interp *in, const job_spec *spec); /* NULL: no memory (and args are freed) */
isle_status job_queue(isle_job *job, isle_error **err);
void job_ref(isle_job *job);
void job_unref(isle_job *job); /* not with a lock held */
/* Lock held. Makes it JOB_DONE and takes the outcome's things over; false: it was already, nothing is taken. */
bool job_end(isle_job *job, job_outcome *outcome);
void job_tell(isle_job *job); /* no lock: by whom job_end returned true to; the event, then the waiters */
/* Lock held: takes all queued ones out, ends them and returns them, linked by `next`, for job_tell_all. */
isle_job *job_end_queued(interp *in, isle_status status, const char *note);
void job_tell_all(isle_job *list); /* lets go of each */
isle_job *job_pop(interp *in);     /* lock held; NULL: none */

void queues_interp_ended(uint64_t interp_id); /* queues.c: what it had put, where that is to go with it */

/* call.c: CBOR [args, kwargs] as the engine wants them */
isle_status encode_args(const isle_value *args, const isle_value *kwargs, parcel *out, isle_error **err);

/* --- errors (failure.c, report.c) -------------------------------------------------------------------------------- */
isle_status error_set(isle_error **err, isle_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes the failure's things over. Never NULL: when memory is out, one that is static. */
isle_error *error_from_failure(engine_failure *failure);
isle_status error_set_failure(isle_error **err, engine_failure *failure);
isle_error *error_ref(isle_error *error); /* NULL is fine */

/* --- events (event.c) --------------------------------------------------------------------------------------------- */
typedef struct event_details {
    isle_status status;
    uint64_t job_id;
    int64_t wall_ns;
    int exit_status;
    const char *message;
} event_details;
void event_tell(isle_runtime *rt, interp *in, isle_event_kind kind, event_details details);
bool event_is_being_told(void); /* by this thread */

/* --- config structs (config.c) ------------------------------------------------------------------------------------ */
/* Copies a caller's struct of another version: what it lacks is zero. ISLE_ERR_INVALID, ISLE_ERR_UNSUPPORTED (it sets
 * a field that this library does not know). Both begin with their size_t size. */
isle_status config_take(void *own, size_t own_size, const void *callers, const char *name, isle_error **err);

/* Waits, stepping out of the interpreter that the thread is attached to. */
bool core_wait(plat_gate *gate, int64_t deadline);

/* --- the order of locks ------------------------------------------------------------------------------------------- */
typedef enum rank { RANK_RUNTIME = 1, RANK_TABLE, RANK_INTERP, RANK_WARDEN } rank;

#if !defined(NDEBUG) || defined(ISLES_FAULTS) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CORE_CHECKS 1
#else
#define CORE_CHECKS 0
#endif

void rank_take(rank r); /* ends the process when a lock of this rank or a later one is held */
void rank_give(rank r);
void rank_none(void);   /* ... when any is */

static inline void core_lock(plat_lock *lock, rank r)
{
    if (CORE_CHECKS) {
        rank_take(r);
    }
    plat_lock_take(lock);
}

static inline void core_unlock(plat_lock *lock, rank r)
{
    plat_lock_give(lock);
    if (CORE_CHECKS) {
        rank_give(r);
    }
}

static inline void core_no_lock(void)
{
    if (CORE_CHECKS) {
        rank_none();
    }
}

static inline void interp_lock(interp *in)
{
    core_lock(&in->lock, RANK_INTERP);
}

static inline void interp_unlock(interp *in)
{
    core_unlock(&in->lock, RANK_INTERP);
}

#endif
