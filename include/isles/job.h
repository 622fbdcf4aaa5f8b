/* Jobs: one piece of work for an interpreter. A job ends exactly once, and whoever waits for it always wakes.
 *
 * An interpreter runs its jobs one after the other, in the order they were submitted.
 * If the calling thread is attached to some interpreter, a call that waits detaches it meanwhile. */
#ifndef ISLES_JOB_H
#define ISLES_JOB_H

#include <isles/interp.h>

ISLE_BEGIN_DECLS

typedef struct isle_job isle_job;

typedef enum isle_job_kind {
    ISLE_JOB_SOURCE, /* `target` is Python source, run in __main__ */
    ISLE_JOB_FILE,   /* `target` is a path: a script, a directory or a zip with __main__.py; as `python PATH` */
    ISLE_JOB_MODULE, /* `target` is a module's name; as `python -m NAME` */
    ISLE_JOB_CALL    /* `target` is "pkg.mod:function" (dots allowed after the colon); imported and called */
} isle_job_kind;

typedef struct isle_job_config { /* start from ISLE_JOB_CONFIG_INIT; all is copied */
    size_t size;
    isle_job_kind kind;
    const char *target;
    const char *filename;         /* SOURCE: its name in tracebacks; NULL: "<string>" */
    const char *const *argv;      /* sys.argv[1:]; NULL: left alone for SOURCE and CALL, else empty */
    size_t argc;
    const isle_value *args;       /* CALL: a list or tuple; NULL: none */
    const isle_value *kwargs;     /* CALL: a dict with str keys; NULL: none */
    int64_t deadline;             /* the job is stopped then; ISLE_FOREVER (the initializer's) for none */
    bool join_threads;            /* the job lasts until the non-daemon threads that the code started have ended */
} isle_job_config;

#define ISLE_JOB_CONFIG_INIT ISLE_INIT_WITH(isle_job_config, .deadline = ISLE_FOREVER)

/* Puts a job at the end of the interpreter's queue. *out_job is ended with isle_job_free; NULL: nobody will ask.
 * ISLE_ERR_NO_INTERP, ISLE_ERR_STUCK, ISLE_ERR_BUDGET (it has used one up), ISLE_ERR_INVALID, ISLE_ERR_NOMEM. */
ISLE_API isle_status isle_job_submit(isle_interp interp, const isle_job_config *config, isle_job **out_job,
                                     isle_error **err);

/* Waits until it has ended. ISLE_OK: it has, however it ended; ISLE_ERR_TIMEOUT: not yet; ISLE_ERR_STATE: on the
 * thread that would have to run it; ISLE_ERR_INVALID: NULL. */
ISLE_API isle_status isle_job_wait(isle_job *job, int64_t deadline);

ISLE_API bool isle_job_done(const isle_job *job);
ISLE_API uint64_t isle_job_id(const isle_job *job);

/* How it ended. *out_value (may be NULL) is the function's result for CALL, None for the rest: a copy for you to
 * free; *err likewise. ISLE_ERR_BUSY: not ended. ISLE_OK, or ISLE_ERR_PYTHON, _EXIT, _TIMEOUT, _CANCELLED, _STUCK,
 * _ENDED, _BUDGET, _NOT_SHAREABLE; ISLE_ERR_INVALID: `job` is NULL. A SystemExit with status 0 is ISLE_OK. */
ISLE_API isle_status isle_job_result(const isle_job *job, isle_value **out_value, isle_error **err);

/* Stops it: a queued job ends at once, a running one is interrupted: isles.Cancelled, a KeyboardInterrupt, is raised
 * in it, once; what still runs after cancel_grace_ns gets it at every step. Returns at once. Cancelling an ended job
 * does nothing. */
ISLE_API void isle_job_cancel(isle_job *job);

/* A descriptor that becomes readable when the job has ended; don't read it. Borrowed from the job.
 * -1 when the system gives none (errno). */
ISLE_API int isle_job_fd(isle_job *job);

/* How long it ran, and the CPU time of the home thread in it. 0 before it has started. */
ISLE_API int64_t isle_job_wall_ns(const isle_job *job);
ISLE_API int64_t isle_job_cpu_ns(const isle_job *job);

/* Lets go of the handle; the job itself goes on. NULL is fine. */
ISLE_API void isle_job_free(isle_job *job);

/* The same in one call: submit, wait, result. The deadline is the job's: when it passes, the code is stopped and the
 * status is ISLE_ERR_TIMEOUT. ISLE_ERR_STATE: called from inside that interpreter, which would wait for itself. */
ISLE_API isle_status isle_interp_run(isle_interp interp, const char *source, int64_t deadline, isle_error **err);
ISLE_API isle_status isle_interp_run_file(isle_interp interp, const char *path, int64_t deadline, isle_error **err);
ISLE_API isle_status isle_interp_run_module(isle_interp interp, const char *name, int64_t deadline,
                                            isle_error **err);
/* `args`: list, tuple or NULL; borrowed. `out_value` may be NULL. */
ISLE_API isle_status isle_interp_call(isle_interp interp, const char *function, const isle_value *args,
                                      int64_t deadline, isle_value **out_value, isle_error **err);
/* Reads or sets a global of __main__. Reading one that is not there: ISLE_ERR_PYTHON, a NameError. `value` is
 * borrowed. */
ISLE_API isle_status isle_interp_get_global(isle_interp interp, const char *name, int64_t deadline,
                                            isle_value **out_value, isle_error **err);
ISLE_API isle_status isle_interp_set_global(isle_interp interp, const char *name, const isle_value *value,
                                            int64_t deadline, isle_error **err);

/* Puts the interpreter back to how it was after its creation, as far as Python code can: __main__, sys.argv,
 * sys.path, sys.modules (what was imported since goes), os.environ, streams, warnings filters, settings of gc and
 * sys (recursion limit, switch interval). What C modules and modules loaded before keep, stays. Threads that the
 * code left are interrupted. A new interpreter is the surer way. */
ISLE_API isle_status isle_interp_reset(isle_interp interp, int64_t deadline, isle_error **err);

/* Remembers what is loaded now as the state that isle_interp_reset goes back to (after a warm-up, say). */
ISLE_API isle_status isle_interp_mark(isle_interp interp, int64_t deadline, isle_error **err);

ISLE_END_DECLS

#endif
