/* A policy as it was read from an isle_policy: what the thread is to be confined to, the rules of events, and what was
 * found. Made by the core, which confines the home thread; asked by the engine at audit events. It doesn't change once
 * it is made, but for the findings. */
#ifndef ISLES_POLICY_PRIVATE_H
#define ISLES_POLICY_PRIVATE_H

#include <isles/policy.h>

#include "confine.h"
#include "findings.h"
#include "rules.h"

typedef struct policy_path {
    char *path;        /* owned */
    char *real;        /* owned; links followed; NULL: it isn't there. Only where the policy observes */
    unsigned access;   /* plat_access */
    const char *field; /* "read"; NULL: of those that are always there, and may be missing */
    size_t index;      /* in that field */
} policy_path;

typedef struct policy_port {
    uint16_t port;
    unsigned access;
    const char *field;
    size_t index;
} policy_port;

typedef struct policy {
    bool observe;
    unsigned limits;   /* plat_access: what is limited at all */
    unsigned profiles; /* bits as plat_profiles_apply has them */
    policy_path *paths;
    size_t path_count;
    policy_port *ports;
    size_t port_count;
    rules rules;
    findings found;
} policy;

enum { POLICY_OWN_RULES = 2 }; /* the first ones: other interpreters are out of reach */

/* A checked one. NULL: no memory. */
policy *policy_new(const isle_policy *from);
void policy_free(policy *p); /* NULL is fine */
/* A path of those that are always there. false: no memory. */
bool policy_add_path(policy *p, const char *path, unsigned access);

unsigned policy_profile_bit(const char *name); /* 0: there is none of that name */

/* For policies that observe: would Landlock let it pass? What is no limit passes. */
bool policy_allows_path(const policy *p, const char *path, unsigned access);
bool policy_allows_port(const policy *p, uint16_t port, unsigned access);
/* Is it the rule that hides CPython's own way to other interpreters, of which nothing is told? The standard library
 * looks whether there is one. */
bool policy_is_silent(const policy *p, const rule *r);
/* How a limit of one kind is called: "read". */
const char *policy_limit_name(unsigned access);

#endif
