/* A child process, from its start to its end, whatever it does: exits, crashes, hangs, writes without end.
 *
 * It is this program or another build of it, in a process group of its own that ends with it; a probe's core is not
 * dumped. It tells what it has to on a descriptor, a probe on PROBE_TELL; what it and those that it starts write to
 * stdout and stderr otherwise is caught, and of that the end is kept. No state; any thread. */
#ifndef CHECK_PROBE_PROCESS_H
#define CHECK_PROBE_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PROBE_TELL = 3,             /* the child's descriptor */
    PROBE_OUTPUT_KEPT = 2048,   /* bytes of its output, the last ones */
    PROBE_TOLD_MOST = 1 << 20,  /* bytes that a probe tells */
};

typedef struct probe_bytes {
    char *data; /* ends with NUL; NULL: none */
    size_t len;
    uint64_t seen; /* how many came, those that are gone again too */
} probe_bytes;

typedef struct probe_outcome {
    const char *trouble; /* it could not be started or watched: errno's text, static; NULL: the rest is known */
    bool hung;           /* it was killed when its time was over */
    int wait_status;     /* as of waitpid */
    probe_bytes told, output; /* owned */
} probe_outcome;

typedef struct probe_command {
    const char *const *argv; /* NULL-ended; [0] is a path */
    int64_t limit_ns;        /* nanoseconds until it is killed; 0: none */
    int tell;                /* what it tells on: PROBE_TELL, or STDOUT_FILENO */
    size_t told_most;        /* bytes; more are dropped */
    const volatile sig_atomic_t *stop; /* set by SIGINT or SIGTERM: the child gets SIGTERM, once. NULL: not looked at */
} probe_command;
void probe_process_run(const probe_command *command, probe_outcome *out_outcome);
void probe_outcome_free(probe_outcome *outcome);

/* The child's side, first of all: no core, no life without the parent, and the first to go where memory is short.
 * Returns the descriptor to tell on: PROBE_TELL, moved out of the way of code that closes low numbers. */
int probe_process_enter(void);

#endif
