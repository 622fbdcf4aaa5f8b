/* bench_cost: what Isles costs over the bare engine and the bare operating system, measured in the same run, with the
 * target beside each figure. It only reports: a missed target is said, and the exit status is 0.
 *
 * Usage: bench_cost [--json] [--quick] [--only create|call|enter|acquire|leak] */
#include "cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define KIB 1024.0

enum {
    NO_SITE,
    NO_SITE_CREATE,
    NO_SITE_END,
    NO_SITE_CPU,
    SITE,
    SITE_CREATE,
    SITE_END,
    SITE_CPU,
    CALL_ONE,
    CALL_TWO,
    ENTER,
    ACQUIRE,
    LEAK_BARE,
    LEAK_IMPORTS,
    FIGURES
};

static struct figure figures[FIGURES] = {
    [NO_SITE] = {.group = "create",
                 .name = "create and end, no site",
                 .peer_name = "engine",
                 .judge = RATIO_AT_MOST,
                 .target = 1.05},
    [NO_SITE_CREATE] = {.group = "create", .name = "  of which create", .peer_name = "engine"},
    [NO_SITE_END] = {.group = "create", .name = "  of which end", .peer_name = "engine"},
    [NO_SITE_CPU] = {.group = "create",
                     .name = "  the same, CPU time",
                     .peer_name = "engine",
                     .judge = RATIO_AT_MOST,
                     .target = 1.05},
    [SITE] = {.group = "create",
              .name = "create and end, with site",
              .peer_name = "engine",
              .judge = RATIO_AT_MOST,
              .target = 1.05},
    [SITE_CREATE] = {.group = "create", .name = "  of which create", .peer_name = "engine"},
    [SITE_END] = {.group = "create", .name = "  of which end", .peer_name = "engine"},
    [SITE_CPU] = {.group = "create",
                  .name = "  the same, CPU time",
                  .peer_name = "engine",
                  .judge = RATIO_AT_MOST,
                  .target = 1.05},
    [CALL_ONE] =
        {.group = "call", .name = "call, on one core", .peer_name = "futex", .judge = RATIO_AT_MOST, .target = 1.5},
    [CALL_TWO] =
        {.group = "call", .name = "call, on two cores", .peer_name = "futex", .judge = RATIO_AT_MOST, .target = 1.5},
    [ENTER] =
        {.group = "enter", .name = "enter and leave", .peer_name = "engine", .judge = VALUE_AT_MOST, .target = 1000},
    [ACQUIRE] = {.group = "acquire", .name = "acquire a warm one", .judge = VALUE_AT_MOST, .target = 20000},
    [LEAK_BARE] = {.group = "leak",
                   .name = "kept after a cycle, bare",
                   .peer_name = "engine",
                   .unit = UNIT_BYTES,
                   .judge = VALUE_AT_MOST},
    [LEAK_IMPORTS] = {.group = "leak",
                      .name = "kept after 20 imports",
                      .peer_name = "engine",
                      .unit = UNIT_BYTES,
                      .judge = VALUE_AT_MOST},
};

static const struct plan full_plan = {.pairs = 120,
                                      .rounds = 15,
                                      .block = 1000,
                                      .entry_blocks = 400,
                                      .entries = 200,
                                      .acquires = 500,
                                      .leak_runs = 3,
                                      .leak_cycles = 60};
static const struct plan quick_plan = {.pairs = 2,
                                       .rounds = 1,
                                       .block = 20,
                                       .entry_blocks = 3,
                                       .entries = 50,
                                       .acquires = 3,
                                       .leak_runs = 1,
                                       .leak_cycles = 2};

void must(isle_status status, isle_error *error, const char *what)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "bench_cost: %s: %s\n", what,
                error != NULL ? isle_error_message(error) : isle_status_text(status));
        exit(1);
    }
}

void add_pair(struct figure *figure, double isles, double peer)
{
    samples_add(&figure->isles, isles);
    samples_add(&figure->peer, peer);
    samples_add(&figure->ratio, isles / peer);
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static bool wanted(const char *group, const char *only)
{
    return only == NULL || strcmp(group, only) == 0;
}

static void measure(const struct plan *plan, const char *only)
{
    isle_runtime *runtime;
    isle_error *error = NULL;
    if (wanted("leak", only)) {
        cost_leak(plan, &figures[LEAK_BARE], &figures[LEAK_IMPORTS]);
    }
    must(isle_runtime_start(NULL, &runtime, &error), error, "isle_runtime_start");
    if (wanted("create", only)) {
        const struct cycle_figures without = {&figures[NO_SITE], &figures[NO_SITE_CREATE], &figures[NO_SITE_END],
                                              &figures[NO_SITE_CPU]};
        const struct cycle_figures with = {&figures[SITE], &figures[SITE_CREATE], &figures[SITE_END],
                                           &figures[SITE_CPU]};
        cost_create(runtime, plan, &without, false);
        cost_create(runtime, plan, &with, true);
    }
    if (wanted("call", only)) {
        cost_call(runtime, plan, &figures[CALL_ONE], &figures[CALL_TWO]);
    }
    if (wanted("enter", only)) {
        cost_enter(runtime, plan, &figures[ENTER]);
    }
    if (wanted("acquire", only)) {
        cost_acquire(runtime, plan, &figures[ACQUIRE]);
    }
    must(isle_runtime_stop(runtime, ISLE_FOREVER, &error), error, "isle_runtime_stop");
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

static bool quick;

static const char *verdict(const struct figure *f)
{
    if (f->judge == NO_TARGET || quick) {
        return f->judge == NO_TARGET ? "" : "not judged"; /* a few samples say nothing */
    }
    const struct samples *judged = f->judge == RATIO_AT_MOST ? &f->ratio : &f->isles;
    return judged->count == 0 ? "not measured" : samples_summary(judged).median <= f->target ? "met" : "MISSED";
}

static void print_line(const char *name, const char *who, enum unit unit, const struct samples *samples,
                       const char *target, const char *result)
{
    struct summary s = samples_summary(samples);
    char *min = unit_text(unit, s.min);
    char *median = unit_text(unit, s.median);
    char *max = unit_text(unit, s.max);
    printf("%-30s %-7s %11s %11s %11s   %-12s %s\n", name, who, min, median, max, target, result);
    free(min);
    free(median);
    free(max);
}

static void print_figure(const struct figure *f)
{
    bool by_ratio = f->judge == RATIO_AT_MOST;
    char *limit = f->judge == NO_TARGET ? text_copy("") : unit_text(by_ratio ? UNIT_TIMES : f->unit, f->target);
    char *target = text_format("%s%s", limit[0] != '\0' ? "<= " : "", limit);
    print_line(f->name, "Isles", f->unit, &f->isles, by_ratio ? "" : target, by_ratio ? "" : verdict(f));
    if (f->peer.count > 0) {
        print_line("", f->peer_name, f->unit, &f->peer, "", "");
    }
    if (f->ratio.count > 0) {
        print_line("", "ratio", UNIT_TIMES, &f->ratio, by_ratio ? target : "", by_ratio ? verdict(f) : "");
    }
    if (f->failed != NULL) {
        printf("  not measured: %s\n", f->failed);
    }
    free(target);
    free(limit);
}

static void print_table(const char *only)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    printf("Isles %s, CPython %s\n\n", isle_version(), engine.version);
    printf("%-30s %-7s %11s %11s %11s   %-12s\n", "", "", "min", "median", "max", "target");
    for (int i = 0; i < FIGURES; i++) {
        if (wanted(figures[i].group, only)) {
            print_figure(&figures[i]);
        }
    }
}

static json_t *figure_json(const struct figure *f)
{
    const char *judges[] = {"none", "ratio", "value"};
    json_t *j = json_pack("{s:s, s:s, s:s, s:o}", "group", f->group, "name", f->name + strspn(f->name, " "), "unit",
                          unit_name(f->unit), "isles", summary_json(samples_summary(&f->isles)));
    if (f->peer.count > 0) {
        json_object_set_new(j, "peer", json_string(f->peer_name));
        json_object_set_new(j, f->peer_name, summary_json(samples_summary(&f->peer)));
    }
    if (f->ratio.count > 0) {
        json_object_set_new(j, "ratio", summary_json(samples_summary(&f->ratio)));
    }
    if (f->judge != NO_TARGET) {
        json_object_set_new(
            j, "target",
            json_pack("{s:s, s:f, s:s}", "of", judges[f->judge], "at_most", f->target, "result", verdict(f)));
    }
    if (f->failed != NULL) {
        json_object_set_new(j, "error", json_string(f->failed));
    }
    return j;
}

static void print_json(const char *only)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    char *date = today();
    json_t *list = json_array();
    for (int i = 0; i < FIGURES; i++) {
        if (wanted(figures[i].group, only)) {
            json_array_append_new(list, figure_json(&figures[i]));
        }
    }
    json_t *report = json_pack("{s:s, s:s, s:s, s:o, s:o}", "isles", isle_version(), "engine", engine.version, "date",
                               date, "machine", machine_json(), "figures", list);
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
    putchar('\n');
    json_decref(report);
    free(date);
}

static int usage(void)
{
    fputs("usage: bench_cost [--json] [--quick] [--only create|call|enter|acquire|leak]\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    bool json = false;
    const char *only = NULL;
    if (argc == 5 && strcmp(argv[1], "--leak-child") == 0) {
        return leak_child(argv[2], argv[3], (size_t)strtoul(argv[4], NULL, 10));
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            quick = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        } else {
            return usage();
        }
    }
    double leak = engine_leaks() ? 512 * KIB : 16 * KIB; /* nothing, but for what a page more or less makes */
    figures[LEAK_BARE].target = figures[LEAK_IMPORTS].target = leak;
    measure(quick ? &quick_plan : &full_plan, only);
    if (json) {
        print_json(only);
    } else {
        print_table(only);
    }
    return 0;
}
