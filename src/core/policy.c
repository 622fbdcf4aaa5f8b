/* Policies: checked by the caller of isle_interp_create; then, on the home thread and before the interpreter is made,
 * the thread is confined, for good, with all that it starts; and what was found is told. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core.h"
#include "policy.h"

/* --- what is always allowed --------------------------------------------------------------------------------------- */

typedef struct always {
    const char *path;
    unsigned access;
} always;

/* Shared libraries, and what libc and OpenSSL read once and then keep for the process: refused to one interpreter, it
 * would be missing for all. */
static const always system_paths[] = {
    {"/lib", PLAT_READ},
    {"/lib64", PLAT_READ},
    {"/usr/lib", PLAT_READ},
    {"/usr/lib64", PLAT_READ},
    {"/usr/local/lib", PLAT_READ},
    {"/etc/ld.so.cache", PLAT_READ},
    {"/etc/localtime", PLAT_READ},
    {"/usr/share/zoneinfo", PLAT_READ},
    {"/etc/nsswitch.conf", PLAT_READ},
    {"/etc/host.conf", PLAT_READ},
    {"/etc/hosts", PLAT_READ},
    {"/etc/resolv.conf", PLAT_READ},
    {"/etc/gai.conf", PLAT_READ},
    {"/etc/ssl/openssl.cnf", PLAT_READ},
    {"/etc/ssl/certs", PLAT_READ},
    {"/usr/share/ca-certificates", PLAT_READ},
    {"/etc/pki/tls/openssl.cnf", PLAT_READ},
    {"/etc/pki/tls/certs", PLAT_READ},
    {"/etc/pki/ca-trust/extracted", PLAT_READ},
    {"/dev/null", PLAT_READ | PLAT_WRITE},
    {"/dev/zero", PLAT_READ},
    {"/dev/full", PLAT_READ | PLAT_WRITE},
    {"/dev/random", PLAT_READ},
    {"/dev/urandom", PLAT_READ},
};

static bool add_what_is_always_allowed(policy *p, const isle_interp_config *config)
{
    const char *loader = plat_program_loader(), *folder;
    bool added = loader == NULL || policy_add_path(p, loader, PLAT_READ | PLAT_EXECUTE);
    for (size_t i = 0; added && i < sizeof system_paths / sizeof *system_paths; i++) {
        added = policy_add_path(p, system_paths[i].path, system_paths[i].access);
    }
    for (size_t i = 0; added && (folder = engine_library_folder(i)) != NULL; i++) {
        added = policy_add_path(p, folder, PLAT_READ);
    }
    for (size_t i = 0; added && i < config->path_count; i++) {
        added = policy_add_path(p, config->path[i], PLAT_READ);
    }
    return added && (config->venv == NULL || policy_add_path(p, config->venv, PLAT_READ));
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static isle_status check_paths(const char *field, const char *const *paths, size_t count, isle_error **err)
{
    for (size_t i = 0; i < count; i++) {
        if (paths == NULL || paths[i] == NULL || paths[i][0] == '\0') {
            return error_set(err, ISLE_ERR_INVALID, "policy.%s[%zu] is %s", field, i,
                             paths == NULL || paths[i] == NULL ? "NULL" : "empty");
        }
    }
    return ISLE_OK;
}

static isle_status check_ports(const char *field, const uint16_t *ports, size_t count, bool zero, isle_error **err)
{
    for (size_t i = 0; i < count; i++) {
        if (ports == NULL || (ports[i] == 0 && !zero)) {
            return error_set(err, ISLE_ERR_INVALID, "policy.%s[%zu] is %s", field, i,
                             ports == NULL ? "NULL" : "0, which is no port");
        }
    }
    return ISLE_OK;
}

static isle_status refuse_profile(size_t index, const char *name, isle_error **err)
{
    const char *profile;
    char names[200] = "";
    for (size_t i = 0; (profile = isle_policy_profile(i, NULL)) != NULL; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", i > 0 ? ", " : "", profile);
    }
    if (names[0] == '\0') {
        return error_set(err, ISLE_ERR_UNSUPPORTED, "policy.seccomp[%zu]: this system has no seccomp", index);
    }
    return error_set(err, ISLE_ERR_INVALID, "policy.seccomp[%zu]: '%s' is none of %s", index, name, names);
}

static isle_status check_texts(const isle_policy *p, isle_error **err)
{
    isle_status status = check_paths("seccomp", p->seccomp, p->seccomp_count, err);
    for (size_t i = 0; status == ISLE_OK && i < p->seccomp_count; i++) {
        if (policy_profile_bit(p->seccomp[i]) == 0) {
            status = refuse_profile(i, p->seccomp[i], err);
        }
    }
    status = status != ISLE_OK ? status : check_paths("rules", p->rules, p->rule_count, err);
    for (size_t i = 0; status == ISLE_OK && i < p->rule_count; i++) {
        const char *fault = rules_fault(p->rules[i]);
        if (fault != NULL) {
            status = error_set(err, ISLE_ERR_INVALID, "policy.rules[%zu]: '%s' %s", i, p->rules[i], fault);
        }
    }
    return status;
}

/* Does the kernel have what the limit of one kind needs? */
static isle_status check_limit(plat_access limit, const void *wanted, landlock there, isle_error **err)
{
    const char *linux_version = NULL;
    int needed = plat_landlock_abi_for(limit, &linux_version);
    if (wanted == NULL || there.abi >= needed) {
        return ISLE_OK;
    }
    const char *name = policy_limit_name(limit);
    if (there.abi == 0) {
        return error_set(err, ISLE_ERR_UNSUPPORTED, "policy.%s needs Landlock %d (Linux %s): %s", name, needed,
                         linux_version, there.reason);
    }
    return error_set(err, ISLE_ERR_UNSUPPORTED, "policy.%s needs Landlock %d (Linux %s): the kernel has %d", name,
                     needed, linux_version, there.abi);
}

isle_status policy_check_landlock(const isle_policy *p, landlock there, isle_error **err)
{
    isle_status status = check_limit(PLAT_READ, p->read, there, err);
    status = status != ISLE_OK ? status : check_limit(PLAT_WRITE, p->write, there, err);
    status = status != ISLE_OK ? status : check_limit(PLAT_EXECUTE, p->execute, there, err);
    status = status != ISLE_OK ? status : check_limit(PLAT_CONNECT, p->connect, there, err);
    return status != ISLE_OK ? status : check_limit(PLAT_BIND, p->bind, there, err);
}

static isle_status check_kernel(const isle_policy *p, isle_error **err)
{
    landlock there = {.reason = NULL};
    there.abi = plat_landlock_abi(&there.reason);
    return p->observe ? ISLE_OK : policy_check_landlock(p, there, err);
}

isle_status policy_take(isle_interp_config *config, isle_policy *own, isle_error **err)
{
    if (config->policy == NULL) {
        return ISLE_OK;
    }
    isle_status status = config_take(own, sizeof *own, config->policy, "isle_policy", err);
    config->policy = own;
    status = status != ISLE_OK ? status : check_paths("read", own->read, own->read_count, err);
    status = status != ISLE_OK ? status : check_paths("write", own->write, own->write_count, err);
    status = status != ISLE_OK ? status : check_paths("execute", own->execute, own->execute_count, err);
    status = status != ISLE_OK ? status : check_ports("connect", own->connect, own->connect_count, false, err);
    status = status != ISLE_OK ? status : check_ports("bind", own->bind, own->bind_count, true, err);
    status = status != ISLE_OK ? status : check_texts(own, err);
    return status != ISLE_OK ? status : check_kernel(own, err);
}

isle_status policy_make(const isle_interp_config *config, policy **out, isle_error **err)
{
    policy *p = config->policy != NULL ? policy_new(config->policy) : NULL;
    if (config->policy != NULL && (p == NULL || !add_what_is_always_allowed(p, config))) {
        policy_free(p);
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    *out = p;
    return ISLE_OK;
}

/* --- confining ---------------------------------------------------------------------------------------------------- */

static isle_status fail(engine_failure *failure, isle_status status, char *message)
{
    failure->message = message;
    return failure->status = message != NULL ? status : ISLE_ERR_NOMEM;
}

static isle_status add_paths(const policy *p, int set, engine_failure *failure)
{
    for (size_t i = 0; i < p->path_count; i++) {
        const policy_path *path = &p->paths[i];
        int error = plat_rules_add_path(set, p->limits, path->path, path->access);
        if (error != 0 && path->field != NULL) {
            return fail(failure, ISLE_ERR_INVALID,
                        plat_printf("policy.%s[%zu]: %s: %s", path->field, path->index, path->path, strerror(error)));
        }
    }
    return ISLE_OK;
}

static isle_status add_ports(const policy *p, int set, engine_failure *failure)
{
    for (size_t i = 0; i < p->port_count; i++) {
        const policy_port *port = &p->ports[i];
        int error = plat_rules_add_port(set, port->port, port->access);
        if (error != 0) {
            return fail(
                failure, ISLE_ERR_SYSTEM,
                plat_printf("policy.%s[%zu]: port %u: %s", port->field, port->index, port->port, strerror(error)));
        }
    }
    return ISLE_OK;
}

static isle_status apply_rules(const policy *p, int set, engine_failure *failure)
{
    isle_status status = add_paths(p, set, failure);
    status = status != ISLE_OK ? status : add_ports(p, set, failure);
    if (status != ISLE_OK) {
        return status;
    }
    int error = plat_rules_allow_moves(set, p->limits);
    error = error != 0 ? error : plat_rules_apply(set);
    return error == 0 ? ISLE_OK
                      : fail(failure, ISLE_ERR_SYSTEM, plat_printf("policy: Landlock refused: %s", strerror(error)));
}

static isle_status confine_by_landlock(const policy *p, engine_failure *failure)
{
    int set = plat_rules_new(p->limits);
    if (set < 0) {
        return fail(failure, ISLE_ERR_SYSTEM, plat_printf("policy: Landlock refused: %s", strerror(errno)));
    }
    isle_status status = apply_rules(p, set, failure);
    close(set);
    return status;
}

isle_status policy_confine(const policy *p, engine_failure *failure)
{
    if (p == NULL || p->observe) {
        return ISLE_OK;
    }
    isle_status status = p->limits != 0 ? confine_by_landlock(p, failure) : ISLE_OK;
    int error = status == ISLE_OK && p->profiles != 0 ? plat_profiles_apply(p->profiles) : 0;
    return error == 0 ? status
                      : fail(failure, error == ENOSYS || error == EINVAL ? ISLE_ERR_UNSUPPORTED : ISLE_ERR_SYSTEM,
                             plat_printf("policy.seccomp: the system refused: %s", strerror(error)));
}

/* --- what was found ----------------------------------------------------------------------------------------------- */

typedef struct whole_report { /* what isle_policy_report_free frees: one block, then its texts */
    isle_policy_report report;
    isle_policy_finding findings[FINDINGS_MOST];
    const char **unused;
} whole_report;

void isle_policy_report_free(isle_policy_report *report)
{
    if (report == NULL) {
        return;
    }
    whole_report *whole = (whole_report *)report;
    for (size_t i = 0; i < report->finding_count; i++) {
        plat_free((char *)whole->findings[i].rule);
        plat_free((char *)whole->findings[i].event);
        plat_free((char *)whole->findings[i].subject);
    }
    for (size_t i = 0; i < report->unused_rule_count; i++) {
        plat_free((char *)whole->unused[i]);
    }
    plat_free(whole->unused);
    plat_free(whole);
}

/* The findings' lock held. */
static bool copy_findings(whole_report *out, const findings *from)
{
    bool copied = true;
    for (size_t i = 0; copied && i < from->count; i++) {
        const finding *f = &from->items[i];
        isle_policy_finding *to = &out->findings[out->report.finding_count++];
        *to = (isle_policy_finding){plat_strdup(f->rule), plat_strdup(f->event), plat_strdup(f->subject), f->count};
        copied = to->rule != NULL && to->event != NULL && to->subject != NULL;
    }
    out->report.left_out = from->left_out;
    return copied;
}

static bool copy_unused(whole_report *out, const policy *p)
{
    out->unused = plat_calloc(p->rules.count + 1, sizeof *out->unused);
    for (size_t i = POLICY_OWN_RULES; out->unused != NULL && i < p->rules.count; i++) {
        const rule *r = &p->rules.items[i];
        if (!r->deny || atomic_load_explicit(&r->used, memory_order_relaxed)) {
            continue;
        }
        char *text = plat_strdup(r->text);
        if (text == NULL) {
            return false;
        }
        out->unused[out->report.unused_rule_count++] = text;
    }
    return out->unused != NULL;
}

static bool fill_report(whole_report *out, policy *p)
{
    if (p == NULL) {
        return true;
    }
    out->report.observe = p->observe;
    plat_lock_take(&p->found.lock);
    bool copied = copy_findings(out, &p->found);
    plat_lock_give(&p->found.lock);
    return copied && copy_unused(out, p);
}

isle_status isle_interp_get_policy_report(isle_interp handle, isle_policy_report **out_report, isle_error **err)
{
    if (out_report == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "out_report is NULL");
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter");
    }
    whole_report *whole = plat_calloc(1, sizeof *whole);
    bool filled = whole != NULL && fill_report(whole, in->policy);
    interp_give(in);
    if (!filled) {
        isle_policy_report_free(whole != NULL ? &whole->report : NULL);
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    whole->report.size = sizeof whole->report;
    whole->report.findings = whole->findings;
    whole->report.unused_rules = whole->unused;
    *out_report = &whole->report;
    return ISLE_OK;
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

int isle_policy_landlock(const char **out_reason)
{
    const char *reason = NULL;
    int abi = plat_landlock_abi(&reason);
    if (abi == 0 && out_reason != NULL) {
        *out_reason = reason;
    }
    return abi;
}

const char *isle_policy_profile(size_t index, const char **out_forbids)
{
    const plat_profile *profile = plat_profile_at(index);
    if (profile != NULL && out_forbids != NULL) {
        *out_forbids = profile->forbids;
    }
    return profile != NULL ? profile->name : NULL;
}

const char *isle_policy_rule_fault(const char *text)
{
    return text != NULL ? rules_fault(text) : "is NULL";
}
