/* The table of a check on several engines, a column for each. Main thread only. */
#include "check_engines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_report.h"
#include "table.h"
#include "text.h"
#include "venv.h"

enum { WIDEST_MODULE = 44, INDENT = 12 };

/* --- virtual environments ------------------------------------------------------------------------------------ */

bool engines_choose_venvs(check_engines *engines, const char *const *venvs, size_t count, const char *source,
                          bool must_fit)
{
    for (size_t i = 0; i < count; i++) {
        char version[32] = "";
        bool fits = false, there = true;
        for (size_t j = 0; j < engines->count && there; j++) {
            enum venv_check look = venv_look(venvs[i], engines->items[j].version_hex, version, sizeof version);
            there = look != VENV_NONE;
            if (look == VENV_OK) {
                engines->items[j].venv = venvs[i];
                fits = true;
            }
        }
        if (!there) {
            complain("%s: no virtual environment in %s", source, venvs[i]);
            return false;
        }
        if (!fits && must_fit) {
            complain("%s: %s was made for Python %s, which is none of these engines'", source, venvs[i], version);
            return false;
        }
    }
    return true;
}

/* --- while it lasts ------------------------------------------------------------------------------------------ */

void engines_on_begin(const check_engines *engines, size_t index)
{
    char *text = text_format("checking on CPython %s (%zu of %zu)", engines->items[index].version, index + 1,
                             engines->count);
    report_progress(text);
    free(text);
}

/* --- the table ----------------------------------------------------------------------------------------------- */

/* Its version; with a number where another engine before it has the same. */
static char *head_of(const check_engines *engines, size_t index)
{
    size_t number = 1;
    for (size_t i = 0; i < index; i++) {
        number += strcmp(engines->items[i].version, engines->items[index].version) == 0;
    }
    const char *version = engines->items[index].version;
    return number > 1 ? text_format("%s (%zu)", version, number) : text_copy(version);
}

/* What decides for this row: the worst that is there. NULL: it is nowhere. */
static const check_cell *worst_of(const check_engines *engines, const check_row *row, size_t *out_engine)
{
    const check_cell *worst = NULL;
    for (size_t i = 0; i < engines->count; i++) {
        const check_cell *cell = &row->cells[i];
        if (cell->there && (worst == NULL || cell->verdict < worst->verdict)) {
            worst = cell;
            *out_engine = i;
        }
    }
    return worst;
}

static bool differs(const check_engines *engines, const check_row *row, const check_cell *worst)
{
    for (size_t i = 0; i < engines->count; i++) {
        if (row->cells[i].there && row->cells[i].verdict != worst->verdict) {
            return true;
        }
    }
    return false;
}

static char *why_of(const check_engines *engines, char *const *heads, const check_row *row)
{
    size_t engine = 0;
    const check_cell *worst = worst_of(engines, row, &engine);
    const char *reason = worst != NULL && worst->reasons.count > 0 ? worst->reasons.items[0] : "";
    bool of_one = worst != NULL && differs(engines, row, worst);
    return of_one ? text_format("%s: %s", heads[engine], reason) : text_copy(reason);
}

static void add_row(struct table *table, const check_engines *engines, char *const *heads, const check_row *row)
{
    struct table_row *out = table_add(table);
    out->cells[0] = text_cut(row->module, WIDEST_MODULE);
    for (size_t i = 0; i < engines->count; i++) {
        const check_cell *cell = &row->cells[i];
        const char *none = engines->items[i].report != NULL ? "-" : "?";
        out->cells[1 + i] = text_copy(cell->there ? check_verdict_name(cell->verdict) : none);
        out->colors[1 + i] = cell->there ? report_color(cell->verdict) : NULL;
    }
    out->cells[1 + engines->count] = why_of(engines, heads, row);
}

static void print_table(const check_engines *engines, char *const *heads, bool color)
{
    const char *words[TABLE_COLUMNS] = {"MODULE"};
    for (size_t i = 0; i < engines->count; i++) {
        words[1 + i] = heads[i];
    }
    words[1 + engines->count] = "WHY";
    struct table table = {.heads = words, .columns = 2 + engines->count, .numbers = 2 + engines->count, .color = color};
    for (size_t i = 0; i < engines->row_count; i++) {
        add_row(&table, engines, heads, &engines->rows[i]);
    }
    report_print_table(&table);
}

/* --- the evidence -------------------------------------------------------------------------------------------- */

static void print_texts(const char *label, const check_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        printf("  %-*s", INDENT - 2, i == 0 ? label : "");
        text_wrap(list->items[i], INDENT);
    }
}

static void print_evidence(const check_engines *engines, char *const *heads, const check_row *row, bool color)
{
    for (size_t i = 0; i < engines->count; i++) {
        const check_cell *cell = &row->cells[i];
        if (cell->there) {
            printf("\n%s%s%s on %s: %s%s%s\n", color ? COLOR_BOLD : "", row->module, color ? COLOR_RESET : "", heads[i],
                   color ? report_color(cell->verdict) : "", check_verdict_name(cell->verdict),
                   color ? COLOR_RESET : "");
            print_texts("because", &cell->reasons);
            print_texts("but", &cell->warnings);
            print_texts("to change", &cell->advice);
        }
    }
}

/* --- the summary --------------------------------------------------------------------------------------------- */

/* "11 private copy, 2 own GIL; 2 not as good as wanted (--require)" */
static void add_counts(const check_engines *engines, size_t index, struct buffer *out)
{
    size_t counts[VERDICT_COUNT] = {0}, bad = 0;
    for (size_t i = 0; i < engines->row_count; i++) {
        const check_cell *cell = &engines->rows[i].cells[index];
        counts[cell->verdict] += cell->there;
        bad += cell->there && !cell->good_enough;
    }
    for (int verdict = VERDICT_COUNT - 1; verdict >= 0; verdict--) {
        if (counts[verdict] > 0) {
            buffer_format(out, "%s%zu %s", out->len > 0 ? ", " : "", counts[verdict],
                          check_verdict_name((check_verdict)verdict));
        }
    }
    if (bad > 0) {
        buffer_format(out, "; %zu not as good as wanted (--require)", bad);
    }
}

/* A line of counts, and what else it told. */
static void print_engine(const check_engines *engines, size_t index, const char *head)
{
    struct buffer counts = {0};
    check_strings told = {0};
    add_counts(engines, index, &counts);
    const char *none = engines->items[index].report != NULL ? "nothing" : "not checked";
    printf("CPython %s: %.*s\n", head, counts.len > 0 ? (int)counts.len : (int)strlen(none),
           counts.len > 0 ? counts.data : none);
    check_engines_told(engines, index, &told);
    for (size_t i = 0; i < told.count; i++) {
        fputs("  ", stdout);
        text_wrap(told.items[i], 2);
    }
    check_strings_free(&told);
    buffer_free(&counts);
}

void engines_print(const check_engines *engines, bool color, bool verbose)
{
    char *heads[CHECK_ENGINES_MOST];
    for (size_t i = 0; i < engines->count; i++) {
        heads[i] = head_of(engines, i);
    }
    print_table(engines, heads, color);
    for (size_t i = 0; i < engines->row_count && verbose; i++) {
        print_evidence(engines, heads, &engines->rows[i], color);
    }
    fputs(engines->row_count > 0 ? "\n" : "", stdout);
    for (size_t i = 0; i < engines->count; i++) {
        print_engine(engines, i, heads[i]);
        free(heads[i]);
    }
    for (size_t i = 0; i < engines->notes.count; i++) {
        puts(engines->notes.items[i]);
    }
}

void engines_complain(const check_engines *engines)
{
    for (size_t i = 0; i < engines->count; i++) {
        const check_engine *engine = &engines->items[i];
        if (engine->trouble != NULL) {
            complain("check on CPython %s (%s): %s", engine->version, engine->program, engine->trouble);
        }
    }
    for (size_t i = 0; i < engines->none.count; i++) {
        complain("check: %s", engines->none.items[i]);
    }
}
