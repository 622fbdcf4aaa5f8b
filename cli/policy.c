/* Reads and joins the options of a policy, and words its report. */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

const char *const policy_option_names[POLICY_OPTIONS] = {
    [POLICY_READ] = "allow-read", [POLICY_WRITE] = "allow-write",
    [POLICY_EXEC] = "allow-exec", [POLICY_CONNECT] = "allow-connect",
    [POLICY_BIND] = "allow-bind", [POLICY_SECCOMP] = "seccomp",
    [POLICY_DENY] = "deny",       [POLICY_ALLOW] = "allow",
    [POLICY_OBSERVE] = "observe",
};

/* --- reading ------------------------------------------------------------------------------------------------- */

static int read_path(struct policy_options *options, enum policy_option which, const char *value)
{
    if (value[0] == '\0') {
        complain("--%s: the path is empty (none: nothing)", policy_option_names[which]);
        return EXIT_USAGE;
    }
    options->paths_set[which] = true;
    if (strcmp(value, "none") != 0) {
        strings_add(&options->paths[which], value);
    }
    return 0;
}

static void add_port(struct policy_options *options, size_t list, uint16_t port)
{
    size_t count = options->port_count[list]++;
    options->ports[list] = text_resize(options->ports[list], (count + 1) * sizeof *options->ports[list]);
    options->ports[list][count] = port;
}

static int read_port(struct policy_options *options, enum policy_option which, const char *value)
{
    char *end = NULL;
    long least = which == POLICY_CONNECT ? 1 : 0;
    size_t list = (size_t)(which - POLICY_CONNECT);
    options->ports_set[list] = true;
    if (strcmp(value, "none") == 0) {
        return 0;
    }
    long port = strtol(value, &end, 10);
    if (end == value || *end != '\0' || port < least || port > 65535) {
        complain("--%s: '%s' is neither a port from %ld to 65535 nor none", policy_option_names[which], value, least);
        return EXIT_USAGE;
    }
    add_port(options, list, (uint16_t)port);
    return 0;
}

static int read_profile(struct policy_options *options, const char *value)
{
    const char *names[32];
    size_t count = 0;
    struct buffer all = {0};
    while (count < 32 && (names[count] = isle_policy_profile(count, NULL)) != NULL) {
        if (strcmp(names[count], value) == 0) {
            strings_add(&options->profiles, value);
            buffer_free(&all);
            return 0;
        }
        buffer_format(&all, "%s%s", count > 0 ? ", " : "", names[count]);
        count++;
    }
    complain("--seccomp: '%s' is none of %.*s", value, (int)all.len, all.data != NULL ? all.data : "");
    buffer_free(&all);
    return EXIT_USAGE;
}

static int read_rule(struct policy_options *options, enum policy_option which, const char *value)
{
    char *text = text_format("%s %s", policy_option_names[which], value);
    const char *fault = isle_policy_rule_fault(text);
    strings_take(&options->rules, text);
    if (fault != NULL) {
        complain("--%s: '%s' %s (EVENT or EVENT:PATTERN)", policy_option_names[which], value, fault);
        return EXIT_USAGE;
    }
    return 0;
}

int policy_read_option(struct policy_options *options, enum policy_option which, const char *value)
{
    switch (which) {
    case POLICY_READ:
    case POLICY_WRITE:
    case POLICY_EXEC:
        return read_path(options, which, value);
    case POLICY_CONNECT:
    case POLICY_BIND:
        return read_port(options, which, value);
    case POLICY_SECCOMP:
        return read_profile(options, value);
    case POLICY_DENY:
    case POLICY_ALLOW:
        return read_rule(options, which, value);
    default:
        options->observe = true;
        return 0;
    }
}

/* --- joining ------------------------------------------------------------------------------------------------- */

static int join_paths(struct policy_options *options, size_t list, const struct policy_options *from)
{
    options->paths_set[list] = options->paths_set[list] || from->paths_set[list];
    for (size_t i = 0; i < from->paths[list].count; i++) {
        const char *path = from->paths[list].items[i];
        if (access(path, F_OK) != 0) {
            complain("--%s: %s: %s", policy_option_names[list], path, strerror(errno));
            return EXIT_USAGE;
        }
        strings_take(&options->paths[list], text_absolute(path));
    }
    return 0;
}

static int join(struct policy_options *options, const struct policy_options *from)
{
    int status = 0;
    for (size_t list = 0; status == 0 && list < 3; list++) {
        status = join_paths(options, list, from);
    }
    for (size_t list = 0; list < 2; list++) {
        options->ports_set[list] = options->ports_set[list] || from->ports_set[list];
        for (size_t i = 0; i < from->port_count[list]; i++) {
            add_port(options, list, from->ports[list][i]);
        }
    }
    strings_add_all(&options->profiles, &from->profiles);
    strings_add_all(&options->rules, &from->rules);
    options->observe = options->observe || from->observe;
    return status;
}

int policy_join(struct policy_options *options, const struct policy_options *all, const struct policy_options *own)
{
    int status = join(options, all);
    return status != 0 ? status : join(options, own);
}

void policy_let_read(struct policy_options *options, const char *path)
{
    if (options->paths_set[POLICY_READ]) {
        char *real = realpath(path, NULL);
        strings_take(&options->paths[POLICY_READ], real != NULL ? real : text_absolute(path));
    }
}

bool policy_is_set(const struct policy_options *options)
{
    return options->paths_set[POLICY_READ] || options->paths_set[POLICY_WRITE] || options->paths_set[POLICY_EXEC] ||
           options->ports_set[0] || options->ports_set[1] || options->profiles.count > 0 || options->rules.count > 0 ||
           options->observe;
}

/* A list of none is not NULL. */
static const char *const *paths_of(const struct policy_options *options, size_t list)
{
    static const char *const none[] = {NULL};
    if (!options->paths_set[list]) {
        return NULL;
    }
    return options->paths[list].count > 0 ? options->paths[list].items : none;
}

static const uint16_t *ports_of(const struct policy_options *options, size_t list)
{
    static const uint16_t none[] = {0};
    if (!options->ports_set[list]) {
        return NULL;
    }
    return options->port_count[list] > 0 ? options->ports[list] : none;
}

isle_policy policy_fill(const struct policy_options *options)
{
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = paths_of(options, POLICY_READ);
    policy.read_count = options->paths[POLICY_READ].count;
    policy.write = paths_of(options, POLICY_WRITE);
    policy.write_count = options->paths[POLICY_WRITE].count;
    policy.execute = paths_of(options, POLICY_EXEC);
    policy.execute_count = options->paths[POLICY_EXEC].count;
    policy.connect = ports_of(options, 0);
    policy.connect_count = options->port_count[0];
    policy.bind = ports_of(options, 1);
    policy.bind_count = options->port_count[1];
    policy.seccomp = options->profiles.items;
    policy.seccomp_count = options->profiles.count;
    policy.rules = options->rules.items;
    policy.rule_count = options->rules.count;
    policy.observe = options->observe;
    return policy;
}

void policy_options_free(struct policy_options *options)
{
    for (size_t list = 0; list < 3; list++) {
        strings_free(&options->paths[list]);
    }
    free(options->ports[0]);
    free(options->ports[1]);
    strings_free(&options->profiles);
    strings_free(&options->rules);
}

/* --- telling ------------------------------------------------------------------------------------------------- */

static void add_findings(struct buffer *out, const isle_policy_report *report)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        const isle_policy_finding *f = &report->findings[i];
        buffer_format(out, "isles: %6llu  %s%s%s  (%s)\n", (unsigned long long)f->count, f->event,
                      f->subject[0] != '\0' ? " " : "", f->subject, f->rule);
    }
    if (report->left_out > 0) {
        buffer_format(out, "isles: %6llu  others\n", (unsigned long long)report->left_out);
    }
}

/* Only who observes asks about rules; for others one that denied nothing is good news. */
static void add_unused(struct buffer *out, const isle_policy_report *report)
{
    for (size_t i = 0; i < report->unused_rule_count; i++) {
        buffer_format(out, "isles: nothing came for: %s\n", report->unused_rules[i]);
    }
}

static void add_report(struct buffer *out, const isle_policy_report *report)
{
    bool any = report->finding_count > 0 || report->left_out > 0;
    if (report->observe) {
        buffer_format(out, "isles: the policy would have denied%s\n", any ? ":" : " nothing (--observe)");
    } else if (any) {
        buffer_text(out, "isles: the policy denied:\n");
    }
    add_findings(out, report);
    if (report->observe) {
        add_unused(out, report);
    }
}

char *policy_tell(isle_interp interp, const struct policy_options *options, bool quiet)
{
    isle_policy_report *report = NULL;
    struct buffer out = {0};
    if (!policy_is_set(options) || (quiet && !options->observe) ||
        isle_interp_get_policy_report(interp, &report, NULL) != ISLE_OK) {
        return NULL;
    }
    add_report(&out, report);
    isle_policy_report_free(report);
    char *text = out.len > 0 ? text_format("%.*s", (int)out.len, out.data) : NULL;
    buffer_free(&out);
    return text;
}
