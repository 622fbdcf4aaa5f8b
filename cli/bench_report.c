/* What `isles bench` found, as two tables of the same shape (medians; least and greatest) and as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "text.h"

static const char *const peer_labels[PEER_COUNT] = {"thread", "interpreter, cold", "interpreter, warm",
                                                    "forked process", "spawned process"};
static const char *const peer_keys[PEER_COUNT] = {"thread", "interpreter_cold", "interpreter_warm", "forked",
                                                  "spawned"};
const char *const measure_names[MEASURE_COUNT] = {"start", "memory", "call", "message", "cores"};
static const char *const measure_labels[MEASURE_COUNT] = {"start", "memory each", "call", "message", "two at once"};
static const enum unit measure_units[MEASURE_COUNT] = {UNIT_NS, UNIT_BYTES, UNIT_NS, UNIT_NS, UNIT_TIMES};
static const char *const measure_texts[MEASURE_COUNT] = {
    "from asking for it until a function ran in it",
    "what one more adds, idle, after its first call (Pss_Anon: its own, and its part of what a fork shares)",
    "a function with one int, there and back: by a queue, isle_interp_call, a multiprocessing pipe",
    "64 bytes to another that waits, and back: by a queue, functions of the host, a multiprocessing pipe",
    "a CPU-bound loop in two of them at once: how many times faster than one after the other",
};

/* --- tables ------------------------------------------------------------------------------------------------------ */

enum { COLUMNS = MEASURE_COUNT + 1, ROWS = PEER_COUNT + 1 };

typedef char *(*cell_fn)(enum unit unit, struct summary summary);

static char *median_cell(enum unit unit, struct summary summary)
{
    return unit_text(unit, summary.median);
}

static char *range_cell(enum unit unit, struct summary summary)
{
    char *min = unit_text(unit, summary.min);
    char *max = unit_text(unit, summary.max);
    char *text = text_format("%s .. %s", min, max);
    free(min);
    free(max);
    return text;
}

static char *cell(const struct results *results, int measure, int peer, cell_fn tell)
{
    struct summary summary = samples_summary(&results->samples[measure][peer]);
    return summary.count > 0 ? tell(measure_units[measure], summary) : text_copy("-");
}

static void print_row(char *const *cells, const size_t *widths)
{
    printf("%-*s", (int)widths[0], cells[0]);
    for (int column = 1; column < COLUMNS; column++) {
        if (cells[column] != NULL) {
            printf("   %*s", (int)widths[column], cells[column]);
        }
    }
    putchar('\n');
}

static void print_table(const struct results *results, const char *title, cell_fn tell)
{
    char *cells[ROWS][COLUMNS] = {{text_copy(title)}};
    size_t widths[COLUMNS] = {0};
    for (int peer = 0; peer < PEER_COUNT; peer++) {
        cells[peer + 1][0] = text_copy(peer_labels[peer]);
    }
    for (int measure = 0; measure < MEASURE_COUNT; measure++) {
        for (int peer = 0; peer < PEER_COUNT && results->wanted[measure]; peer++) {
            cells[0][measure + 1] = cells[0][measure + 1] != NULL ? cells[0][measure + 1]
                                                                  : text_copy(measure_labels[measure]);
            cells[peer + 1][measure + 1] = cell(results, measure, peer, tell);
        }
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        char *text = cells[i / COLUMNS][i % COLUMNS];
        size_t width = text != NULL ? text_width(text) : 0;
        widths[i % COLUMNS] = width > widths[i % COLUMNS] ? width : widths[i % COLUMNS];
    }
    for (int row = 0; row < ROWS; row++) {
        print_row(cells[row], widths);
        for (int column = 0; column < COLUMNS; column++) {
            free(cells[row][column]);
        }
    }
}

void report_table(const struct results *results)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    json_t *machine = machine_json();
    printf("CPython %s, %s %s, %lld cores; %zu %s\n\n", engine.version,
           json_string_value(json_object_get(machine, "system")),
           json_string_value(json_object_get(machine, "architecture")),
           (long long)json_integer_value(json_object_get(machine, "cores")), results->rounds,
           results->rounds == 1 ? "round" : "rounds, in turn");
    json_decref(machine);
    print_table(results, "median", median_cell);
    putchar('\n');
    print_table(results, "least .. greatest", range_cell);
    putchar('\n');
    for (int measure = 0; measure < MEASURE_COUNT; measure++) {
        if (results->wanted[measure]) {
            printf("%-13s  %s\n", measure_labels[measure], measure_texts[measure]);
        }
    }
    for (int i = 0; i < MEASURE_COUNT * PEER_COUNT; i++) {
        const char *why = results->failed[i / PEER_COUNT][i % PEER_COUNT];
        if (why != NULL) {
            printf("not measured: %s of %s: %s\n", measure_labels[i / PEER_COUNT], peer_labels[i % PEER_COUNT], why);
        }
    }
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *measure_json(const struct results *results, int measure)
{
    json_t *peers = json_object();
    for (int peer = 0; peer < PEER_COUNT; peer++) {
        const char *why = results->failed[measure][peer];
        struct summary summary = samples_summary(&results->samples[measure][peer]);
        json_object_set_new(peers, peer_keys[peer],
                            why != NULL ? json_pack("{s:s}", "error", why) : summary_json(summary));
    }
    return json_pack("{s:s, s:o}", "unit", unit_name(measure_units[measure]), "peers", peers);
}

void report_json(const struct results *results)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    json_t *measures = json_object();
    for (int measure = 0; measure < MEASURE_COUNT; measure++) {
        if (results->wanted[measure]) {
            json_object_set_new(measures, measure_names[measure], measure_json(results, measure));
        }
    }
    char *date = today();
    json_t *report = json_pack("{s:s, s:s, s:s, s:o, s:I, s:o}", "isles", isle_version(), "engine", engine.version,
                               "date", date, "machine", machine_json(), "rounds", (json_int_t)results->rounds,
                               "measures", measures);
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
    putchar('\n');
    json_decref(report);
    free(date);
}
