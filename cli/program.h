/* One program of `isles run`: what it is, made from the command line and checked before anything starts, and
 * how it went. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <isles/isles.h>

#include "options.h"
#include "output.h"

enum program_state { PROGRAM_WAITING, PROGRAM_STARTING, PROGRAM_RUNNING, PROGRAM_ENDING, PROGRAM_DONE };

enum program_result {
    RESULT_NONE,
    RESULT_OK,
    RESULT_FAILED,
    RESULT_TIMEOUT,
    RESULT_LIMIT,
    RESULT_CANCELLED,
    RESULT_STUCK
};

/* Belongs to the main thread. Before any is started, and while it is STARTING, a worker reads what is above the line;
 * then it writes what is below "started". */
struct program {
    char *name;
    const char *target;
    char *own_target;          /* owned, if `target` is not as typed; else NULL */
    isle_job_kind kind;
    uint64_t number;           /* of the copy */
    struct strings env, path, args, warnings, xoptions;
    char *venv;                /* NULL: none */
    isle_gil gil;
    isle_extensions extensions;
    size_t extension_copies;   /* at most; 0: any number */
    bool isolated, no_site, no_bytecode, unbuffered;
    struct policy_options policy; /* owned */
    const char *destinations[2]; /* of stdout and stderr: "null" or a file; NULL: as the run shows it */
    bool append;
    char *cwd;                 /* absolute; NULL: ours */
    unsigned umask;
    bool umask_set, shared_cwd, shared_locale;
    const char *locale; /* NULL: the process's at its start */
    isle_env_base env_base;
    int64_t timeout_ns;        /* 0: none */
    isle_budgets budgets;
    isle_stream_kind stdin_kind;
    int stdin_fd;              /* -1: none */
    struct output_channel output;
    struct run *run;

    /* started */
    isle_interp interp;
    isle_job *job;             /* NULL: could not start, and start_error says why */
    isle_error *start_error;

    /* how it goes: main thread */
    enum program_state state;
    enum program_result result;
    int exit_status;
    bool cancelled;            /* asked to stop */
    int told;                  /* ... by this signal, which it has a handler for; 0: none */
    int64_t wall_ns, cpu_ns;   /* when it has ended */
    uint64_t memory_peak_bytes; /* 0: not counted on this engine */
    uint64_t library_copies, library_copy_bytes; /* --extensions private */
};

struct programs {
    struct program *items;
    size_t count;
};

/* Makes and checks the programs. Returns 0, or the exit status after it has said what is wrong. */
int programs_make(const struct run_options *options, const isle_engine_info *engine, struct programs *out);
void programs_free(struct programs *programs);

/* "ok", "failed", ... */
const char *program_result_name(enum program_result result);

#endif
