/* Running another program from a test: its output is kept, its time is limited, and no grandchild outlives it. */
#ifndef ISLES_TEST_PROCESS_H
#define ISLES_TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct process {
    int status;     /* exit status, or 128 + the signal that ended it */
    bool timed_out; /* it was killed at the limit (status 128 + SIGKILL) */
    char *out;      /* NUL-terminated */
    char *err;
} process;

/* Runs argv[0] (found by PATH) to its end, standard input empty, with the environment of this process. Fails the test
 * when it can't be started. */
process process_run(const char *const *argv, int64_t limit_ns);
void process_free(process *p);

/* Runs this test's program again as `argv[0] --child NAME ARG`: child_main then runs the function of that name. */
process child_run(const char *name, const char *arg, int64_t limit_ns);

typedef struct child {
    const char *name;
    int (*fn)(const char *arg); /* its result is the exit status */
} child;

/* First thing in main(): runs the child that argv names and exits, or returns. `children` ends with a NULL name. */
void child_main(int argc, char **argv, const child *children);

/* The same and fails the test, showing what it wrote, unless it ends with `status` in time. Returns what it wrote to
 * stdout, to be freed. */
char *child_expect(const char *name, const char *arg, int64_t limit_ns, int status);

/* In a child of child_main: returns if the process has no privilege, else runs the child of that name without: in a
 * user namespace, where the owner's files can still be read, or as nobody. */
void become_unprivileged(const char *child_name);

#endif
