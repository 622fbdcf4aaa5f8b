/* The table of a check, its summary, and the evidence. Main thread only. */
#include "check_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "size.h"
#include "text.h"
#include "verdict.h"

enum { WIDEST_MODULE = 44, NARROWEST_REASON = 30, MOST_NAMES = 12, MOST_STATICS = 12, INDENT = 12 };

/* --- while it lasts ------------------------------------------------------------------------------------------ */

void report_progress(const char *text)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%s", text != NULL ? text : "");
    }
}

void report_on_done(void *ctx, const check_report *report, size_t index)
{
    (void)ctx;
    const char *next = index + 1 < report->count ? report->items[index + 1].module : "";
    char *name = text_cut(next, WIDEST_MODULE);
    char *text = text_format("checked %zu of %zu  %s", index + 1, report->count, name);
    report_progress(text);
    free(text);
    free(name);
}

/* --- the table ----------------------------------------------------------------------------------------------- */

const char *report_color(check_verdict verdict)
{
    switch (verdict) {
    case VERDICT_OWN:
    case VERDICT_PRIVATE:
        return COLOR_GREEN;
    case VERDICT_SHARED:
    case VERDICT_MAIN:
        return COLOR_YELLOW;
    default:
        return COLOR_RED;
    }
}

static const char *first_reason(const check_extension *extension)
{
    return extension->reasons.count > 0 ? extension->reasons.items[0] : "";
}

static void add_row(struct table *table, const check_extension *extension)
{
    struct table_row *row = table_add(table);
    row->cells[0] = text_cut(extension->module, WIDEST_MODULE);
    row->cells[1] = text_copy(check_verdict_name(extension->verdict));
    row->cells[2] = text_copy(verdict_init_text(verdict_init_of(extension)));
    row->cells[3] = text_copy(verdict_slot_text(verdict_interpreters_of(extension)));
    row->cells[4] = text_copy(first_reason(extension));
    row->colors[1] = report_color(extension->verdict);
}

/* The reasons are cut to what is left of a terminal's line; in a file they stay whole. */
static void cut_reasons(struct table *table)
{
    struct winsize size;
    size_t taken = 0, last = table->columns - 1;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return;
    }
    for (size_t column = 0; column < last; column++) {
        size_t widest = text_width(table->heads[column]);
        for (size_t i = 0; i < table->count; i++) {
            size_t width = text_width(table->rows[i].cells[column]);
            widest = width > widest ? width : widest;
        }
        taken += widest + 2;
    }
    size_t left = size.ws_col > taken + NARROWEST_REASON ? size.ws_col - taken : NARROWEST_REASON;
    for (size_t i = 0; i < table->count; i++) {
        char *cut = text_cut(table->rows[i].cells[last], left);
        free(table->rows[i].cells[last]);
        table->rows[i].cells[last] = cut;
    }
}

void report_print_table(struct table *table)
{
    struct buffer out = {0};
    if (table->count > 0) {
        cut_reasons(table);
        table_print(table, &out);
        fwrite(out.data, 1, out.len, stdout);
    }
    table_free(table);
    buffer_free(&out);
}

static void print_table(const check_report *report, bool color)
{
    static const char *const heads[] = {"MODULE", "VERDICT", "INIT", "SAYS", "WHY"};
    struct table table = {.heads = heads, .columns = 5, .numbers = 5, .color = color};
    for (size_t i = 0; i < report->count; i++) {
        if (!report->items[i].skipped) {
            add_row(&table, &report->items[i]);
        }
    }
    report_print_table(&table);
}

/* --- the summary --------------------------------------------------------------------------------------------- */

static const char *meaning_of(check_verdict verdict)
{
    static const char *const meanings[VERDICT_COUNT] = {
        [VERDICT_OWN] = "runs in interpreters with their own GIL as it is",
        [VERDICT_PRIVATE] =
            "runs with its own GIL where each interpreter loads a copy of it: isles run --extensions private",
        [VERDICT_SHARED] = "runs where interpreters share one GIL: isles run --gil shared",
        [VERDICT_MAIN] = "runs in a plain Python only, not in an interpreter of Isles",
        [VERDICT_WORKER] = "can hurt the process that runs it in an interpreter: give it a process of its own",
        [VERDICT_BROKEN] = "runs nowhere here",
        [VERDICT_UNKNOWN] = "could not be found out",
    };
    return meanings[verdict];
}

static void print_summary(const check_report *report, check_verdict required, bool color)
{
    size_t counts[VERDICT_COUNT] = {0}, all = 0, short_of = 0;
    for (size_t i = 0; i < report->count; i++) {
        const check_extension *extension = &report->items[i];
        if (!extension->skipped) {
            counts[extension->verdict]++;
            all++;
            short_of += extension->verdict < required;
        }
    }
    for (size_t i = 0; i < report->notes.count; i++) {
        printf("%s\n", report->notes.items[i]);
    }
    for (size_t i = 0; i < report->left_out_count; i++) {
        printf("left out: %s\n", report->left_out[i].why);
    }
    if (all == 0) {
        puts(report->left_out_count > 0 ? "nothing for this engine" : "nothing to check");
        return;
    }
    printf("\n%zu extension module%s on CPython %s:\n", all, all == 1 ? "" : "s", report->engine);
    for (int verdict = VERDICT_COUNT - 1; verdict >= 0; verdict--) {
        if (counts[verdict] > 0) {
            const char *name = check_verdict_name((check_verdict)verdict);
            printf("%5zu %s%-14s%s  ", counts[verdict], color ? report_color((check_verdict)verdict) : "", name,
                   color ? COLOR_RESET : "");
            text_wrap(meaning_of((check_verdict)verdict), 22);
        }
    }
    if (short_of > 0) {
        printf("%zu of them %s not as good as wanted (--require; %s)\n", short_of, short_of == 1 ? "is" : "are",
               check_verdict_name(required));
    }
}

/* --- the evidence -------------------------------------------------------------------------------------------- */

static void print_item(const char *label, const char *text)
{
    printf("  %-*s", INDENT - 2, label);
    text_wrap(text, INDENT);
}

static void print_items(const char *label, const check_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        print_item(i == 0 ? label : "", list->items[i]);
    }
}

static void print_list(const char *label, const check_strings *list)
{
    if (list->count > 0) {
        char *text = check_strings_join(list, MOST_NAMES);
        print_item(label, text);
        free(text);
    }
}

static void print_file(const check_extension *extension)
{
    const elf_facts *elf = &extension->elf;
    print_item("file", extension->shown);
    if (extension->file == NULL || elf->trouble != NULL) {
        return;
    }
    char *facts = text_format(
        "%s%s%s, %d bits, %s%s%s%s", extension->tag, extension->tag[0] != '\0' ? ", " : "", elf->machine, elf->bits,
        elf->stripped ? "stripped" : "with symbols", elf->has_debug_info ? " and debug information" : "",
        elf->made_with != NULL ? ", made with " : "", elf->made_with != NULL ? elf->made_with : "");
    print_item("", facts);
    free(facts);
}

static void print_module(const check_extension *extension)
{
    const elf_facts *elf = &extension->elf;
    elf_init init = verdict_init_of(extension);
    bool asked = extension->said.end == PROBE_OK;
    char *text = text_format("%s, Py_mod_multiple_interpreters: %s (%s)", verdict_init_text(init),
                             verdict_slot_text(verdict_interpreters_of(extension)),
                             asked                        ? "the module says so"
                             : elf->init_evidence != NULL ? elf->init_evidence
                                                          : "not seen");
    print_item("init", text);
    free(text);
    if (asked && extension->file != NULL && elf->init != ELF_INIT_UNKNOWN && elf->init != init) {
        text = text_format("the file looks %s, by its %s", verdict_init_text(elf->init), elf->init_evidence);
        print_item("", text);
        free(text);
    }
}

static const char *kind_text(static_kind kind)
{
    static const char *const texts[] = {
        [STATIC_DATA] = "data", [STATIC_OBJECT] = "objects", [STATIC_TYPE] = "static type", [STATIC_TABLE] = "table"};
    return texts[kind];
}

static void print_static(const static_data *data)
{
    struct buffer text = {0};
    buffer_format(&text, "%s: %s", data->name != NULL ? data->name : data->type, kind_text(data->kind));
    if (data->type != NULL && data->name != NULL) {
        buffer_format(&text, " (%s)", data->type);
    }
    buffer_format(&text, ", %" PRIu64 " bytes", data->size);
    if (data->section[0] != '\0') {
        buffer_format(&text, " of %s", data->section);
    }
    if (data->file != NULL) {
        buffer_format(&text, ", %s:%d", data->file, data->line);
    }
    if (data->kind != STATIC_DATA) {
        buffer_format(&text, ", by %s", data->evidence);
    }
    buffer_add(&text, "", 1);
    print_item("", text.data);
    buffer_free(&text);
}

static void print_statics(const check_extension *extension)
{
    const elf_facts *elf = &extension->elf;
    size_t shown = 0, counted = 0;
    char size[16];
    for (size_t i = 0; i < elf->static_count; i++) {
        counted += elf->statics[i].kind != STATIC_TABLE;
    }
    size_print(size, sizeof size, elf->writable_bytes);
    char *text = text_format("%s are writable; %zu known variables beside tables of definitions", size, counted);
    print_item("static", text);
    free(text);
    for (int kind = STATIC_TYPE; kind >= STATIC_DATA; kind--) {
        for (size_t i = 0; i < elf->static_count && shown < MOST_STATICS; i++) {
            if (elf->statics[i].kind == (static_kind)kind) {
                print_static(&elf->statics[i]);
                shown++;
            }
        }
    }
    if (shown < counted) {
        text = text_format("... and %zu more (--json has all)", counted - shown);
        print_item("", text);
        free(text);
    }
}

static void print_probes(const probe_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        const probe_result *result = &results->items[i];
        struct buffer text = {0};
        buffer_format(&text, "%s: %s", result->scene, verdict_end_text(result->end));
        if (result->end == PROBE_CRASHED && result->signal != 0) {
            buffer_format(&text, " by signal %d (%s)", result->signal, strsignal(result->signal));
        }
        if (!isnan(result->refs_slope)) {
            buffer_format(&text, ", %.1f references a round", result->refs_slope);
        }
        if (!isnan(result->rss_slope_bytes)) {
            buffer_format(&text, ", %.0f KiB a round", result->rss_slope_bytes / 1024);
        }
        if (result->detail != NULL && result->detail[0] != '\0') {
            buffer_format(&text, ": %s", result->detail);
        }
        buffer_add(&text, "", 1);
        print_item(i == 0 ? "probes" : "", text.data);
        buffer_free(&text);
    }
}

static void print_advice(const check_extension *extension)
{
    for (size_t i = 0; i < extension->advice_count; i++) {
        const check_advice *item = &extension->advice[i];
        struct buffer text = {0};
        if (item->symbol != NULL) {
            buffer_format(&text, "%s: ", item->symbol);
        }
        if (item->file != NULL) {
            buffer_format(&text, "%s:%d: ", item->file, item->line);
        }
        buffer_text(&text, item->text);
        buffer_add(&text, "", 1);
        print_item(i == 0 ? "to change" : "", text.data);
        buffer_free(&text);
    }
}

static void print_evidence(const check_extension *extension, bool color)
{
    const elf_facts *elf = &extension->elf;
    printf("\n%s%s%s: %s%s%s\n", color ? COLOR_BOLD : "", extension->module, color ? COLOR_RESET : "",
           color ? report_color(extension->verdict) : "", check_verdict_name(extension->verdict),
           color ? COLOR_RESET : "");
    print_file(extension);
    print_items("because", &extension->reasons);
    print_items("but", &extension->warnings);
    if (elf->trouble == NULL) {
        print_module(extension);
    }
    if (extension->file != NULL && elf->trouble == NULL) {
        print_statics(extension);
        print_list("calls", &elf->imports);
        print_list("private", &elf->private_api);
        print_list("unique", &elf->unique);
        print_list("needs", &elf->needed);
        print_list("bundled", &extension->bundled);
        print_list("shared by", &extension->shared_with);
    }
    print_probes(&extension->probes);
    print_advice(extension);
}

void report_print(const check_report *report, check_verdict required, bool color, bool verbose)
{
    print_table(report, color);
    for (size_t i = 0; i < report->count && verbose; i++) {
        if (!report->items[i].skipped) {
            print_evidence(&report->items[i], color);
        }
    }
    print_summary(report, required, color);
}
