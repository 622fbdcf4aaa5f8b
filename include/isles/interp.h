/* Interpreters: created, run and ended by a home thread of their own; used from any thread by id. */
#ifndef ISLES_INTERP_H
#define ISLES_INTERP_H

#include <isles/runtime.h>

ISLE_BEGIN_DECLS

typedef struct isle_interp { uint64_t id; } isle_interp; /* 0 is no interpreter; never used again */

typedef enum isle_gil {
    ISLE_GIL_OWN,   /* its own: runs in parallel; refuses extensions that don't say they can (PEP 684) */
    ISLE_GIL_SHARED /* the main interpreter's: for extensions that need it */
} isle_gil;

typedef enum isle_stream_kind {
    ISLE_STREAM_INHERIT,  /* the process's descriptor 0, 1 or 2 */
    ISLE_STREAM_NULL,     /* empty to read; dropped when written */
    ISLE_STREAM_FD,       /* `fd`, borrowed until the interpreter has ended */
    ISLE_STREAM_CALLBACK  /* `write` for stdout and stderr, `read` for stdin */
} isle_stream_kind;

/* Called with what Python wrote, in order, on the thread that wrote it, with its GIL released. `stream` is 1 or 2. */
typedef void (*isle_write_fn)(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len);
/* Fills `buffer`; returns the number of bytes, 0 at the end. The GIL is released. */
typedef size_t (*isle_read_fn)(void *ctx, uint64_t interp_id, char *buffer, size_t len);

typedef struct isle_stream {
    isle_stream_kind kind;
    int fd;             /* CALLBACK, stdout and stderr: what sys.stdout.fileno() says, so that a child process can be
                           given the stream (subprocess.run(..., stdout=sys.stdout)); 0: it has none */
    isle_write_fn write;
    isle_read_fn read;
    void *ctx;          /* borrowed until the interpreter has ended */
    bool terminal;      /* CALLBACK: what sys.stdout.isatty() says */
} isle_stream;

typedef struct isle_interp_config { /* start from ISLE_INTERP_CONFIG_INIT; zero is the default */
    size_t size;               /* set by the initializer: names the version of this struct */
    const char *name;          /* for logs and metrics; copied; NULL: "interp-<id>" */
    uint64_t number;           /* what `isles.number` says, for copies of one program */
    isle_gil gil;
    const char *venv;          /* a virtual environment: its pyvenv.cfg is honoured. ISLE_ERR_INVALID: none there, or
                                  made for another Python version. NULL: none */
    const char *const *path;   /* put at the front of sys.path; copied */
    size_t path_count;
    bool no_site;              /* don't import site: no site-packages (a venv needs site) */
    bool isolated;             /* as python -I: no user site, no PYTHONPATH, no script directory in sys.path */
    bool no_bytecode;          /* as -B */
    const char *const *env;    /* "NAME=value" set on top of the process's for os.environ and children; "NAME" removes.
                                  Python-level only: native getenv() sees the process's */
    size_t env_count;
    const char *const *warnings; /* as -W: "error", "ignore::DeprecationWarning" */
    size_t warning_count;
    const char *const *xoptions; /* as -X; those of which an interpreter can have its own: int_max_str_digits=N,
                                    pycache_prefix=DIR, and names of your own (sys._xoptions).
                                    ISLE_ERR_UNSUPPORTED names one that is the process's */
    size_t xoption_count;
    isle_stream stdin_, stdout_, stderr_;
    size_t stack_size_bytes;   /* of the home thread; 0: 8 MiB (OpenBLAS needs that) */
    int64_t cancel_grace_ns;   /* from the first exception to one at every step; 0: 50 ms */
    int64_t stuck_after_ns;    /* from the first exception to giving up; 0: 2 s */
} isle_interp_config;

#define ISLE_INTERP_CONFIG_INIT ISLE_INIT(isle_interp_config)

/* Creates an interpreter with its home thread; returns once it can take jobs. `config` may be NULL.
 * Errors: ISLE_ERR_INVALID and ISLE_ERR_UNSUPPORTED name the field; ISLE_ERR_SYSTEM: no thread; ISLE_ERR_ENGINE:
 * CPython's message; ISLE_ERR_STATE: the runtime is stopping. */
ISLE_API isle_status isle_interp_create(isle_runtime *runtime, const isle_interp_config *config,
                                        isle_interp *out_interp, isle_error **err);

/* Ends it, on its home thread, in this order:
 *   1 no new jobs; queued ones end with ISLE_ERR_ENDED
 *   2 the running job, and then the non-daemon threads that the code started, have until `deadline`
 *   3 what still runs, daemon threads included, is interrupted
 *   4 atexit functions, then finalizers (Py_EndInterpreter)
 * Returns when it has ended. Ending one that is being ended waits for that end, and can only make its deadline
 * earlier; one that has ended gives ISLE_OK.
 * ISLE_ERR_STUCK: something would not end; the error names it; its threads are parked, its memory stays, its
 * id is gone. ISLE_ERR_STATE: called from inside that interpreter (use isle_interp_end_later there). */
ISLE_API isle_status isle_interp_end(isle_interp interp, int64_t deadline, isle_error **err);

/* Begins the same and returns at once. */
ISLE_API isle_status isle_interp_end_later(isle_interp interp, int64_t deadline);

typedef enum isle_interp_state {
    ISLE_INTERP_IDLE,
    ISLE_INTERP_RUNNING,
    ISLE_INTERP_ENDING,
    ISLE_INTERP_STUCK /* takes no jobs */
} isle_interp_state;

typedef struct isle_interp_stats {
    size_t size;
    uint64_t id;
    char name[64];             /* cut if longer */
    isle_interp_state state;
    uint64_t jobs_started, jobs_ended, jobs_failed; /* failed: ended with anything but ISLE_OK */
    uint64_t jobs_queued;      /* now */
    uint64_t current_job;      /* id; 0: none */
    uint64_t interrupts;
    int64_t created_ns;        /* CLOCK_MONOTONIC */
    int64_t wall_ns;           /* spent in jobs, the current one included */
    int64_t cpu_ns;            /* CPU time of the home thread */
    uint64_t output_bytes;     /* written to sys.stdout and sys.stderr */
} isle_interp_stats;

/* A snapshot of its counters. Set out->size first. ISLE_ERR_NO_INTERP. */
ISLE_API isle_status isle_interp_get_stats(isle_interp interp, isle_interp_stats *out);

/* Ids of the interpreters that live, oldest first: writes up to `capacity` of them, returns how many live. */
ISLE_API size_t isle_interp_list(isle_interp *out_interps, size_t capacity);

/* For embedders with C API code of their own: attaches the calling thread to the interpreter, so that it may use the
 * CPython API there until isle_interp_leave, on the same thread. Entries nest, also into another interpreter. It
 * blocks while the interpreter runs other code, as any Python thread does. Objects touched inside must not be kept
 * for use after leaving, nor used in another interpreter. PyGILState_Ensure must not be used inside
 * (it finds the main interpreter). An interpreter that is ending waits for its entries, up to its deadline.
 * ISLE_ERR_NO_INTERP, ISLE_ERR_STUCK, ISLE_ERR_NOMEM. */
typedef struct isle_entry { void *opaque[4]; } isle_entry;
ISLE_API isle_status isle_interp_enter(isle_interp interp, isle_entry *out_entry, isle_error **err);
ISLE_API void isle_interp_leave(isle_entry *entry);

ISLE_END_DECLS

#endif
