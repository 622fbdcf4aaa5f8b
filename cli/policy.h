/* The policy of a program of `isles run`: --allow-..., --deny, --seccomp, --observe, and what is said of it at the end.
 * Main thread, but for policy_fill. */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include <stdbool.h>

#include <isles/isles.h>

#include "text.h"

/* Options of a policy, for getopt_long: from one of them on, their order is that of policy_read_option. */
enum policy_option {
    POLICY_READ,
    POLICY_WRITE,
    POLICY_EXEC,
    POLICY_CONNECT,
    POLICY_BIND,
    POLICY_SECCOMP,
    POLICY_DENY,
    POLICY_ALLOW,
    POLICY_OBSERVE,
    POLICY_OPTIONS
};

struct policy_options {
    struct strings paths[3]; /* by option: READ, WRITE, EXEC */
    bool paths_set[3];       /* also by "none" */
    uint16_t *ports[2];      /* CONNECT, BIND */
    size_t port_count[2];
    bool ports_set[2];
    struct strings profiles, rules;
    bool observe;
};

/* Without the dashes. */
extern const char *const policy_option_names[POLICY_OPTIONS];

/* Returns 0, or the exit status after it has said what is wrong. */
int policy_read_option(struct policy_options *options, enum policy_option which, const char *value);
/* What was said for all and then for one, with paths made absolute and checked; `options` is empty before. */
int policy_join(struct policy_options *options, const struct policy_options *all, const struct policy_options *own);
/* What a program's own files need: `path` may be read, where reading is limited. */
void policy_let_read(struct policy_options *options, const char *path);
bool policy_is_set(const struct policy_options *options);
/* Borrows all from the options. */
isle_policy policy_fill(const struct policy_options *options);
void policy_options_free(struct policy_options *options);

/* What was denied, or would have been, as lines; NULL: nothing to tell. To be freed. */
char *policy_tell(isle_interp interp, const struct policy_options *options, bool quiet);

#endif
