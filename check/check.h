/* The auditor of extension modules: which of them are safe in which interpreters, and why. What `isles check` prints.
 *
 *   check_find      looks for the extension modules of the targets, by an interpreter of Isles
 *   check_examine   reads each file, probes each module in children, and decides
 *   check_to_json, check_remember: what became of it
 *
 * engines.h has the same on several engines, by the programs that were built with these.
 *
 * Threads    one thread has a report; check_examine uses more of its own.
 * Memory     a program that is out of memory says so and ends. check_report_free frees all; texts and lists belong to
 *            the report. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "elf_facts.h"
#include "probe.h"

typedef enum check_verdict { /* the better, the higher */
    VERDICT_UNKNOWN, /* it could not be found out; the reasons say why */
    VERDICT_BROKEN,  /* works nowhere */
    VERDICT_WORKER,  /* hurts the process: a process of its own */
    VERDICT_MAIN,    /* works in the main interpreter only */
    VERDICT_SHARED,  /* in interpreters that share the main one's GIL */
    VERDICT_PRIVATE, /* with its own GIL, where each interpreter has a copy of the file */
    VERDICT_OWN,     /* with its own GIL */
} check_verdict;
enum { VERDICT_COUNT = VERDICT_OWN + 1 };
/* "own GIL", "private copy", "shared GIL", "main only", "worker process", "broken", "unknown" */
const char *check_verdict_name(check_verdict verdict);
bool check_verdict_of(const char *name, check_verdict *out); /* false: no such verdict */

typedef struct check_advice {
    char *text;
    char *symbol; /* NULL: none */
    char *file;   /* source file; NULL: unknown */
    int line;     /* 0: unknown */
} check_advice;

typedef struct check_extension {
    char *target; /* as it was named */
    char *module; /* as it is imported */
    char *file;   /* NULL: built into the engine */
    char *shown;  /* the file as people know it: in a wheel, below a folder */
    char *tag;    /* ABI, by its name: "cp314", "abi3", "abi3t"; "" none */
    char *sha256; /* of the file, in hexadecimal; "" unknown */
    bool fits;    /* the engine loads files with such names */
    bool stdlib;  /* a part of CPython */
    const check_strings *path; /* folders for sys.path */

    bool skipped; /* a library without an init function, or for another engine: not part of the result */
    elf_facts elf;
    check_strings bundled;     /* needed libraries that came with it */
    check_strings shared_with; /* other modules of the report that need one of those */
    probe_facts said;
    probe_results probes;

    check_verdict verdict;
    const char *basis; /* "probes", "file" or "nothing": what the verdict is founded on; static */
    check_strings reasons;
    check_strings warnings; /* what is against it, though the verdict stands */
    check_advice *advice;
    size_t advice_count;
} check_extension;

typedef struct check_left_out {
    char *target; /* as it was named */
    char *why;    /* a sentence for people, which names it */
} check_left_out;

typedef struct check_report {
    check_extension *items;
    size_t count;
    check_strings *paths;
    size_t path_count;
    check_strings notes; /* for people: targets without extension modules */
    check_left_out *left_out; /* with skip_foreign: targets, or some files of them */
    size_t left_out_count;
    char *engine;        /* "3.14.8" */
    char *engine_short;  /* "3.14": what verdicts are kept for */
    char *scratch;       /* a temporary folder, or NULL */
} check_report;

typedef struct check_options {
    const char *const *targets;
    size_t target_count;
    bool stdlib;         /* the standard library's, too */
    bool only_static;    /* run nothing */
    bool skip_foreign;   /* leave out what is for other engines */
    const char *venv;    /* where names are looked up; NULL: the engine's own packages */
    const char *snippet; /* Python source that exercises the module; NULL: none */
    int64_t timeout_ns;  /* of each scene; 0: none */
    size_t jobs;         /* examined at once; 0: as many as there are processors */
    const volatile sig_atomic_t *stop; /* set by a signal: begin nothing more. NULL: nobody stops it */
} check_options;

/* Starts Isles for it, and stops it again: once in a process. Returns why not, for people, and then the report is
 * empty; NULL: found. */
char *check_find(const check_options *options, check_report *out_report);

/* `done` is called in the report's order, on this thread, for all that was examined. */
typedef void check_done_fn(void *ctx, const check_report *report, size_t index);
void check_examine(const check_options *options, check_report *report, check_done_fn *done, void *ctx);

/* The report as JSON; docs/check.md has its keys. Free it with free(). */
char *check_to_json(const check_report *report, check_verdict required);

/* Adds the verdicts that probes gave to XDG_CACHE_HOME/isles/verdicts.json (or ~/.cache), for `extensions = auto`.
 * Returns why not, or NULL. */
char *check_remember(const check_report *report);

/* Removes the temporary folder, too. */
void check_report_free(check_report *report);

#endif
