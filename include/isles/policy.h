/* Policies: what the code of one interpreter may do with files, network and the rest of the system, and a list of what
 * was denied. Guard rails for code that means well or is unknown, not walls: native code shares the process's memory
 * and gets round them (docs/policy.md shows how).
 *
 * Three means, each of which may be left alone:
 *   read, write, execute,  The kernel's Landlock. Holds for the interpreter's home thread, from before the interpreter
 *   connect, bind          is made, for all threads and processes that its code starts, and for native code. A denied
 *                          call fails with EACCES (PermissionError).
 *   seccomp                Profiles of system calls that fail with EPERM. Likewise.
 *   rules                  Of Python's audit events (PEP 578), in all threads of the interpreter, once it is set up.
 *                          Native code isn't seen, nor are processes that it starts. A denied event raises
 *                          PermissionError, which names the rule; a denied import ImportError.
 * The first two set no_new_privs: setuid programs that the code starts get no privileges.
 *
 * Code under a policy can't make, use or end other interpreters, which need not have it: the rules "allow isles.*"
 * (those of Isles) and "allow import:_interpreters" (CPython's own) permit it. */
#ifndef ISLES_POLICY_H
#define ISLES_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/interp.h>

ISLE_BEGIN_DECLS

struct isle_policy { /* start from ISLE_POLICY_INIT; zero is the default: everything is allowed */
    size_t size;                /* set by the initializer: names the version of this struct */
    /* Files and folders, with all below them. NULL: not limited; a list of none: nothing. A path that is not there is
     * ISLE_ERR_INVALID; a relative one is looked up when the interpreter is created. What Python needs to run may
     * always be read (docs/policy.md lists it): its library, the venv, config.path, shared libraries, /dev/null. */
    const char *const *read;    /* open to read, list. What may be written or executed may be read, too */
    size_t read_count;
    const char *const *write;   /* open to write, make, rename, remove, truncate; /dev/null always */
    size_t write_count;
    const char *const *execute; /* run as a program */
    size_t execute_count;
    const uint16_t *connect;    /* TCP ports; NULL: not limited. UDP is not covered: "no-network" */
    size_t connect_count;
    const uint16_t *bind;       /* 0: any that is free */
    size_t bind_count;
    const char *const *seccomp; /* names of profiles: isle_policy_profile */
    size_t seccomp_count;
    /* "deny EVENT", "deny EVENT:PATTERN", and the same with allow. Both are patterns as of file names (*, ?, [...]).
     * The last rule that matches an event decides; none: it is allowed. PATTERN is compared with the event's first
     * argument that is text or a number ("host:port" for an address); one that begins with / with the absolute path. */
    const char *const *rules;
    size_t rule_count;
    bool observe;               /* deny nothing: list what Python's audit events show of what would have been denied */
};

#define ISLE_POLICY_INIT ISLE_INIT(isle_policy)

/* What was denied to an interpreter so far, or would have been. Owned: isle_policy_report_free. */
typedef struct isle_policy_finding {
    const char *rule;    /* as it was given: "deny open:/etc/passwd"; of a list "read", "bind"; "seccomp no-exec" */
    const char *event;   /* Python's: "open" */
    const char *subject; /* the path, host:port, ... as far as it is known, cut at 255 bytes; "" */
    uint64_t count;
} isle_policy_finding;

typedef struct isle_policy_report {
    size_t size;
    bool observe;        /* true: it was not denied */
    const isle_policy_finding *findings; /* in the order of their first time */
    size_t finding_count; /* 256 at the most */
    uint64_t left_out;   /* times that something came that had no room among them */
    const char *const *unused_rules; /* deny rules that denied nothing: a typing mistake? */
    size_t unused_rule_count;
} isle_policy_report;

/* Only what came as an audit event is known: the kernel tells nobody what it refuses. Without a policy the report is
 * empty.
 * ISLE_ERR_NO_INTERP, ISLE_ERR_NOMEM, ISLE_ERR_INVALID: out_report is NULL. */
ISLE_API isle_status isle_interp_get_policy_report(isle_interp interp, isle_policy_report **out_report,
                                                   isle_error **err);
ISLE_API void isle_policy_report_free(isle_policy_report *report);

/* The kernel's version of Landlock: 4 and more have all that a policy can ask for. 0: none, and *out_reason says why
 * (static; NULL is fine). */
ISLE_API int isle_policy_landlock(const char **out_reason);

/* Profiles of `seccomp`: the name ("no-exec"), and in words what it forbids (NULL is fine). NULL past the end.
 * Static. */
ISLE_API const char *isle_policy_profile(size_t index, const char **out_forbids);

/* What is wrong with a rule of `rules`; NULL: nothing. Static. */
ISLE_API const char *isle_policy_rule_fault(const char *rule);

ISLE_END_DECLS

#endif
