/* The dynamic half of the auditor: an extension module imported and exercised in child processes, so that a crash is
 * a result. Nothing here loads the module into the calling process.
 *
 * Threads    any, several at once: a call has no state but its own children.
 * Memory     a program that is out of memory says so and ends. Results are freed by probe_results_free and
 *            probe_facts_free. Text is UTF-8.
 * Children   are this program itself, started again with "check --probe-child ..." (/proc/self/exe). A program that
 *            uses this library hands that command line over: `if (probe_is_child(argc, argv)) return
 *            probe_child(argc, argv)`. */
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum probe_end {
    PROBE_NOT_RUN,
    PROBE_OK,
    PROBE_REFUSED, /* CPython's ImportError for subinterpreters */
    PROBE_FAILED,  /* an exception, in detail */
    PROBE_CRASHED, /* by `signal` */
    PROBE_HUNG,    /* the deadline passed */
    PROBE_LEAKED,  /* all went well, but references or memory grow */
    PROBE_SHARES,  /* all went well, but what is one interpreter's is another's, too: `detail` names it */
} probe_end;

typedef struct probe_result {
    const char *scene; /* one of the names below; static */
    probe_end end;
    int signal;             /* PROBE_CRASHED; 0: it ended by itself, too early (exit) */
    char *detail;           /* owned; NULL: nothing to say. Where it was, the exception, the last output; why not run */
    double refs_slope;      /* "... again": references (debug builds) or allocated blocks that a round leaves, beyond
                               what one without the module leaves; else NaN: not measured */
    double rss_slope_bytes; /* likewise, of resident memory */
} probe_result;

/* The scenes. Where the one that is named like its place did not go well, the others of that place are not run.
 * "private": each interpreter has a GIL of its own and loads a private copy. */
#define PROBE_MAIN "main" /* imported and exercised in the main interpreter: that of the engine's own python */
#define PROBE_MAIN_TWICE "main twice"             /* imported, forgotten (sys.modules) and imported again */
#define PROBE_SHARED "shared gil"                 /* in an interpreter that shares the main one's GIL */
#define PROBE_SHARED_TWICE "shared gil twice"
#define PROBE_SHARED_TWO "shared gil two at once" /* in two at the same time; the one works on after the other's end */
#define PROBE_SHARED_AGAIN "shared gil ended and again" /* the interpreter ended, and the next, some rounds: slopes */
#define PROBE_SHARED_STATE "shared gil state"     /* is an object of the one in the other, too? A change of state? */
#define PROBE_OWN "own gil"                       /* in an interpreter with a GIL of its own, CPython's rule */
#define PROBE_OWN_TWICE "own gil twice"
#define PROBE_OWN_TWO "two at once"
#define PROBE_OWN_AGAIN "ended and again"
#define PROBE_OWN_STATE "own gil state"
#define PROBE_PRIVATE "private"
#define PROBE_PRIVATE_TWICE "private twice"
#define PROBE_PRIVATE_TWO "private two at once"
#define PROBE_PRIVATE_AGAIN "private ended and again"
#define PROBE_PRIVATE_STATE "private state"

typedef struct probe_results {
    probe_result *items;
    size_t count;
} probe_results;

/* All borrowed, for the length of the call. */
typedef struct probe_request {
    const char *module;      /* as it is imported: "numpy._core._multiarray_umath" */
    const char *file;        /* its .so; NULL: built into the engine */
    const char *const *path; /* folders put at the front of sys.path */
    size_t path_count;
    const char *snippet; /* Python source that exercises it, as the global `module`. It may define change(module) and
                            state(module): a call of change in one interpreter must not change what state returns in
                            another. NULL: import, work if it is a well-known package (probe_smoke.py), and a walk
                            over its attributes */
    int64_t deadline_ns; /* nanoseconds each scene may take; 0: no limit */
} probe_request;

/* Runs all scenes, one after the other. Always gives results; what can't be run is PROBE_NOT_RUN with its reason. */
void probe_run(const probe_request *request, probe_results *out_results);
void probe_results_free(probe_results *results);

/* What the module says of itself. */
typedef enum probe_init { PROBE_INIT_UNKNOWN, PROBE_INIT_SINGLE, PROBE_INIT_MULTI } probe_init;
/* Py_mod_multiple_interpreters. NONE: multi-phase without that slot, which means the same as SHARED_GIL. */
typedef enum probe_interpreters {
    PROBE_INTERPRETERS_UNKNOWN,
    PROBE_INTERPRETERS_NONE,
    PROBE_INTERPRETERS_NOT_SUPPORTED,
    PROBE_INTERPRETERS_SHARED_GIL,
    PROBE_INTERPRETERS_OWN_GIL,
} probe_interpreters;
/* Py_mod_gil: of free-threaded engines. */
typedef enum probe_gil { PROBE_GIL_UNKNOWN, PROBE_GIL_NONE, PROBE_GIL_USED, PROBE_GIL_NOT_USED } probe_gil;

typedef struct probe_facts {
    probe_end end; /* of the child that looked; PROBE_OK: the rest is known */
    probe_init init;
    probe_interpreters interpreters;
    probe_gil gil;
    int64_t state_bytes; /* m_size: -1: no state, can't be made twice; 0: none needed */
    char *detail;        /* owned; NULL: nothing to say */
} probe_facts;

/* Runs the module's init function in a child and reads what it gives. Does not execute a multi-phase module. */
void probe_inspect(const probe_request *request, probe_facts *out_facts);
void probe_facts_free(probe_facts *facts);

/* The child's side. */
bool probe_is_child(int argc, char **argv);
int probe_child(int argc, char **argv);

#endif
