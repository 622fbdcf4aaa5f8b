/* Reading an isle_policy, and what Landlock would say of a path: the same question, asked without the kernel. */
#include "policy.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- making ------------------------------------------------------------------------------------------------------- */

static bool add_path(policy *p, const char *path, unsigned access, const char *field, size_t index)
{
    policy_path *paths = plat_realloc(p->paths, (p->path_count + 1) * sizeof *paths);
    if (paths == NULL) {
        return false;
    }
    p->paths = paths;
    policy_path new = {.path = plat_strdup(path), .access = access, .field = field, .index = index};
    if (new.path == NULL) {
        return false;
    }
    if (p->observe) {
        char real[PATH_MAX];
        new.real = realpath(path, real) != NULL ? plat_strdup(real) : NULL;
    }
    p->paths[p->path_count++] = new;
    return true;
}

bool policy_add_path(policy *p, const char *path, unsigned access)
{
    return add_path(p, path, access, NULL, 0);
}

/* What may be done to a path that is in the list of one kind. */
static unsigned access_of_list(unsigned limit)
{
    return limit | PLAT_READ;
}

static bool add_paths(policy *p, unsigned limit, const char *const *paths, size_t count)
{
    if (paths == NULL) {
        return true;
    }
    p->limits |= limit;
    for (size_t i = 0; i < count; i++) {
        if (!add_path(p, paths[i], access_of_list(limit), policy_limit_name(limit), i)) {
            return false;
        }
    }
    return true;
}

static bool add_ports(policy *p, unsigned limit, const uint16_t *ports, size_t count)
{
    if (ports == NULL) {
        return true;
    }
    p->limits |= limit;
    policy_port *all = plat_realloc(p->ports, (p->port_count + count + 1) * sizeof *all);
    if (all == NULL) {
        return false;
    }
    p->ports = all;
    for (size_t i = 0; i < count; i++) {
        all[p->port_count++] = (policy_port){ports[i], limit, policy_limit_name(limit), i};
    }
    return true;
}

static bool add_rules(policy *p, const char *const *texts, size_t count)
{
    /* others need not have this policy: they would be a way out of it */
    bool added = rules_add(&p->rules, "deny isles.*") && rules_add(&p->rules, "deny import:_interpreters");
    for (size_t i = 0; added && i < count; i++) {
        added = rules_add(&p->rules, texts[i]);
    }
    return added;
}

policy *policy_new(const isle_policy *from)
{
    policy *p = plat_calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    findings_init(&p->found);
    p->observe = from->observe;
    for (size_t i = 0; i < from->seccomp_count; i++) {
        p->profiles |= policy_profile_bit(from->seccomp[i]);
    }
    if (!add_paths(p, PLAT_READ, from->read, from->read_count) ||
        !add_paths(p, PLAT_WRITE, from->write, from->write_count) ||
        !add_paths(p, PLAT_EXECUTE, from->execute, from->execute_count) ||
        !add_ports(p, PLAT_CONNECT, from->connect, from->connect_count) ||
        !add_ports(p, PLAT_BIND, from->bind, from->bind_count) || !add_rules(p, from->rules, from->rule_count)) {
        policy_free(p);
        return NULL;
    }
    return p;
}

void policy_free(policy *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->path_count; i++) {
        plat_free(p->paths[i].path);
        plat_free(p->paths[i].real);
    }
    plat_free(p->paths);
    plat_free(p->ports);
    rules_clear(&p->rules);
    findings_clear(&p->found);
    plat_free(p);
}

bool policy_is_silent(const policy *p, const rule *r)
{
    return r == &p->rules.items[POLICY_OWN_RULES - 1];
}

/* --- names -------------------------------------------------------------------------------------------------------- */

const char *policy_limit_name(unsigned access)
{
    switch (access) {
    case PLAT_READ:
        return "read";
    case PLAT_WRITE:
        return "write";
    case PLAT_EXECUTE:
        return "execute";
    case PLAT_CONNECT:
        return "connect";
    default:
        return "bind";
    }
}

unsigned policy_profile_bit(const char *name)
{
    const plat_profile *profile;
    for (size_t i = 0; (profile = plat_profile_at(i)) != NULL; i++) {
        if (strcmp(profile->name, name) == 0) {
            return 1U << i;
        }
    }
    return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static bool lies_in(const char *path, const char *folder)
{
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* As realpath, of a path whose last part need not be there yet. */
static bool real_path(const char *path, char real[PATH_MAX])
{
    char folder[PATH_MAX];
    if (realpath(path, real) != NULL) {
        return true;
    }
    const char *absolute = rules_absolute(path, folder, sizeof folder);
    char *slash = absolute != NULL ? strrchr(folder, '/') : NULL;
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    if (realpath(slash == folder ? "/" : folder, real) == NULL) {
        return false; /* nor is its folder: no rule is needed for that to fail */
    }
    size_t length = strcmp(real, "/") == 0 ? 0 : strlen(real);
    if (length + strlen(slash + 1) + 2 > PATH_MAX) {
        return false;
    }
    real[length] = '/';
    memcpy(real + length + 1, slash + 1, strlen(slash + 1) + 1);
    return true;
}

bool policy_allows_path(const policy *p, const char *path, unsigned access)
{
    char real[PATH_MAX];
    if ((p->limits & access) == 0 || !real_path(path, real)) {
        return true;
    }
    for (size_t i = 0; i < p->path_count; i++) {
        const policy_path *given = &p->paths[i];
        if ((given->access & access) != 0 && given->real != NULL && lies_in(real, given->real)) {
            return true;
        }
    }
    return false;
}

bool policy_allows_port(const policy *p, uint16_t port, unsigned access)
{
    if ((p->limits & access) == 0) {
        return true;
    }
    for (size_t i = 0; i < p->port_count; i++) {
        if (p->ports[i].port == port && (p->ports[i].access & access) != 0) {
            return true;
        }
    }
    return false;
}
