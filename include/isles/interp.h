/* Interpreters: created, run and ended by a home thread of their own; used from any thread by id. */
#ifndef ISLES_INTERP_H
#define ISLES_INTERP_H

#include <isles/budget.h>
#include <isles/runtime.h>

ISLE_BEGIN_DECLS

typedef struct isle_interp { uint64_t id; } isle_interp; /* 0 is no interpreter; never used again */

typedef enum isle_gil {
    ISLE_GIL_OWN,   /* its own: runs in parallel; refuses extensions that don't say they can (PEP 684) */
    ISLE_GIL_SHARED /* the main interpreter's: for extensions that need it. Not with a free-threaded CPython */
} isle_gil;

/* What becomes of extension modules that don't say they can have a GIL of their own. With a free-threaded CPython
 * all but STRICT are ISLE_ERR_UNSUPPORTED. */
typedef enum isle_extensions {
    ISLE_EXTENSIONS_STRICT,     /* CPython's rule: with its own GIL, ImportError */
    ISLE_EXTENSIONS_PRIVATE,    /* the interpreter loads a copy of their library for itself (docs/extensions.md) */
    ISLE_EXTENSIONS_SHARED_GIL, /* the interpreter has no GIL of its own: as ISLE_GIL_SHARED */
    ISLE_EXTENSIONS_AUTO        /* as PRIVATE, but those that `isles check` found to need more are refused, with what
                                   they need: docs/extensions.md */
} isle_extensions;

typedef enum isle_stream_kind {
    ISLE_STREAM_INHERIT,  /* the process's descriptor 0, 1 or 2 */
    ISLE_STREAM_NULL,     /* empty to read; dropped when written */
    ISLE_STREAM_FD,       /* `fd`, borrowed until the interpreter has ended */
    ISLE_STREAM_CALLBACK, /* `write` for stdout and stderr, `read` for stdin */
    ISLE_STREAM_QUEUE,    /* `queue`. stdout and stderr: each item is one line as str, with its newline; only what is
                             flushed in the middle of a line has none. stdin: items are str or bytes, lines or not; a
                             closed queue is the end */
    ISLE_STREAM_FILE      /* `path`, opened by the interpreter and closed at its end */
} isle_stream_kind;

typedef enum isle_buffering {
    ISLE_BUFFERING_AUTO,  /* as Python: by lines for stderr, terminals, call-backs and queues, else in blocks */
    ISLE_BUFFERING_LINE,
    ISLE_BUFFERING_BLOCK,
    ISLE_BUFFERING_NONE   /* as python -u: each write goes out at once, also the parts of a line */
} isle_buffering;

/* What a write does when its reader is slow: the pipe, socket, terminal or queue is full. Call-backs see to that
 * themselves. */
typedef enum isle_full {
    ISLE_FULL_WAIT,       /* it waits, with the GIL released; deadline, cancel and end interrupt it */
    ISLE_FULL_DROP,       /* it is dropped and counted; a line says so where it is missing (not among bytes) */
    ISLE_FULL_DROP_SILENT /* the same without that line */
} isle_full;

/* Called with what Python wrote, in order, on the thread that wrote it, with its GIL released. `stream` is 1 or 2. */
typedef void (*isle_write_fn)(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len);
/* Fills `buffer`; returns the number of bytes, 0 at the end. The GIL is released. */
typedef size_t (*isle_read_fn)(void *ctx, uint64_t interp_id, char *buffer, size_t len);

/* Whole lines stay whole where several interpreters write to one file, pipe, socket or terminal, whatever numbers its
 * descriptors have; see docs/streams.md. */
typedef struct isle_stream {
    isle_stream_kind kind;
    int fd;             /* CALLBACK and QUEUE, stdout and stderr: what sys.stdout.fileno() says, and where child
                           processes write; 0: it has none */
    isle_write_fn write;
    isle_read_fn read;
    void *ctx;          /* borrowed until the interpreter has ended */
    bool terminal;      /* CALLBACK: what sys.stdout.isatty() says */
    const char *path;   /* FILE. Made where it is missing; emptied, unless `append`. Written at its end */
    bool append;
    struct isle_queue *queue; /* QUEUE; the interpreter keeps a reference of its own */
    bool bytes;         /* QUEUE: items are bytes, pieces as they are flushed */
    const char *encoding;   /* NULL: "utf-8". A queue of str has none. ISLE_ERR_INVALID: Python has no such */
    const char *errors;     /* NULL: "surrogateescape"; for stderr "backslashreplace" */
    isle_buffering buffering; /* stdout, stderr */
    isle_full full;           /* stdout, stderr; FD, INHERIT, FILE, QUEUE */
} isle_stream;

typedef struct isle_policy isle_policy; /* isles/policy.h */
typedef struct isle_descriptor {
    const char *name;
    int fd;
} isle_descriptor;
typedef enum isle_env_base { /* environment variables, as Python code and the processes that it starts see them */
    ISLE_ENV_COPY,  /* its own: a copy of the process's or, created by code of an interpreter, of that one's */
    ISLE_ENV_EMPTY, /* its own, with nothing but `env` */
    ISLE_ENV_SHARED /* the process's, which os.environ then changes; not with `env` */
} isle_env_base;

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
    const char *const *env;    /* "NAME=value" set, "NAME" removed in its environment variables (see env_base) */
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
    const isle_budgets *budgets; /* what it may use; copied; NULL: no limits. ISLE_ERR_UNSUPPORTED: memory that can't
                                    be counted (a shared GIL, a free-threaded CPython, PYTHONMALLOC) */
    /* policies */
    const isle_policy *policy; /* what its code may do with files, network and system; copied; NULL: everything.
                                  ISLE_ERR_INVALID and ISLE_ERR_UNSUPPORTED name the item that can't be had */
    /* descriptors */
    const isle_descriptor *descriptors; /* those that the host hands in: isles.descriptors["name"] there; copied, the
                                  descriptors themselves are borrowed. ISLE_ERR_INVALID: not open, a name twice */
    size_t descriptor_count;
    bool private_descriptors;  /* a table of its own, with 0, 1, 2, the streams' and those handed in. For experts:
                                  docs/streams.md lists the traps. isle_interp_enter is refused then.
                                  ISLE_ERR_UNSUPPORTED: needs Linux 5.9 */
    /* What other interpreters and the host would share: its own unless said otherwise (docs/compartments.md). */
    const char *cwd;           /* the directory it starts in; NULL: where the creating thread is. Relative: from there.
                                  ISLE_ERR_INVALID names a wrong one */
    uint32_t umask;            /* with umask_set: the umask it starts with, up to 0777 */
    bool umask_set;            /* false: the creating thread's */
    bool shared_cwd;           /* working directory and umask stay the process's; not with cwd or umask_set */
    isle_env_base env_base;    /* what `env` is applied to */
    const char *locale;        /* the locale it starts with: "de_DE.UTF-8"; "": as its environment variables say; NULL:
                                  the process's or, created by code of an interpreter, that one's. ISLE_ERR_INVALID:
                                  the system has no such; ISLE_ERR_UNSUPPORTED: no locale of its own can be had */
    bool shared_locale;        /* locale.setlocale() changes the process's; not with locale */
    /* extension modules */
    isle_extensions extensions;
    size_t extension_copy_limit; /* PRIVATE, AUTO: copies of libraries; the import that would need one more fails. 0:
                                    none */
} isle_interp_config;

#define ISLE_INTERP_CONFIG_INIT ISLE_INIT(isle_interp_config)

/* Creates an interpreter with its home thread; returns once it can take jobs. `config` may be NULL.
 * Relative paths in it, but cwd, are looked up in the interpreter's working directory. Where the system gives a thread
 * no working directory of its own, cwd and umask_set are refused, and otherwise an ISLE_EVENT_LOG says so once; the
 * same goes for locale.
 * Errors: ISLE_ERR_INVALID and ISLE_ERR_UNSUPPORTED name the field; ISLE_ERR_SYSTEM: no thread, no such file;
 * ISLE_ERR_ENGINE: CPython's message; ISLE_ERR_EXIT: what runs at its start (sitecustomize) called os._exit;
 * ISLE_ERR_STATE: the runtime is stopping. */
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

/* Sends a signal to the code of an interpreter, as kill() does to a process; the process itself notices nothing. From
 * any thread, also from a call-back or a thread that is inside the interpreter; returns at once.
 *   handler       what signal.signal() has set there runs on the home thread, between two steps of the code. A call
 *                 that blocks is interrupted for it, and goes on afterwards (needs the hook, isle_engine_describe)
 *   none, SIGINT  KeyboardInterrupt is raised in the job that runs
 *   none, others  as for a process: nothing for SIGCHLD, SIGCONT, SIGURG, SIGWINCH and those that stop one; else
 *                 SystemExit(128 + signum) is raised in the job that runs
 * Of several of one number that come before the code has heard the first, one is heard. While no job runs or waits, one
 * that has a handler is kept until the next job begins, and others are dropped. 0 sends nothing: is there one?
 * ISLE_ERR_NO_INTERP; ISLE_ERR_STUCK; ISLE_ERR_INVALID: no such signal, or SIGKILL or SIGSTOP. */
ISLE_API isle_status isle_interp_signal(isle_interp interp, int signum, isle_error **err);

/* Has its code set a handler for that signal? signal.default_int_handler, which is there from the beginning, is none.
 * Errors as above, but ISLE_ERR_STUCK. */
ISLE_API isle_status isle_interp_handles_signal(isle_interp interp, int signum, bool *out_handles, isle_error **err);

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
    uint64_t dropped_bytes;    /* of these two: lost since the reader was slow (isle_full) */
    uint64_t dropped_writes;   /* in how many writes */
    uint64_t extension_copies; /* of libraries, that it has for itself (isle_extensions) */
    uint64_t extension_copy_bytes; /* what they take beside the originals, at the most */
} isle_interp_stats;

/* A snapshot of its counters. Set out->size first. ISLE_ERR_NO_INTERP. */
ISLE_API isle_status isle_interp_get_stats(isle_interp interp, isle_interp_stats *out);

/* Other limits from now on, in place of all it has. What was used stays used; an interpreter that was out of something
 * takes jobs again where the new limit is higher. ISLE_ERR_NO_INTERP, ISLE_ERR_INVALID (a soft limit over its hard
 * one), ISLE_ERR_UNSUPPORTED. */
ISLE_API isle_status isle_interp_set_budgets(isle_interp interp, const isle_budgets *budgets, isle_error **err);
/* What it has used, and its limits. ISLE_ERR_NO_INTERP. */
ISLE_API isle_status isle_interp_get_usage(isle_interp interp, isle_usage *out);

/* Ids of the interpreters that live, oldest first: writes up to `capacity` of them, returns how many live. */
ISLE_API size_t isle_interp_list(isle_interp *out_interps, size_t capacity);

/* For embedders with C API code of their own: attaches the calling thread to the interpreter, so that it may use the
 * CPython API there until isle_interp_leave, on the same thread. Entries nest, also into another interpreter. It
 * blocks while the interpreter runs other code, as any Python thread does. It keeps its own working directory and
 * umask, the host's: code that depends on the interpreter's belongs into a job. Objects touched inside must not be kept
 * for use after leaving, nor used in another interpreter. PyGILState_Ensure must not be used inside
 * (it finds the main interpreter). An interpreter that is ending waits for its entries, up to its deadline.
 * ISLE_ERR_NO_INTERP, ISLE_ERR_STUCK, ISLE_ERR_NOMEM; ISLE_ERR_UNSUPPORTED: its descriptors are private. */
typedef struct isle_entry { void *opaque[5]; } isle_entry;
ISLE_API isle_status isle_interp_enter(isle_interp interp, isle_entry *out_entry, isle_error **err);
ISLE_API void isle_interp_leave(isle_entry *entry);

ISLE_END_DECLS

#endif
