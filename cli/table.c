/* Tables: widths are measured, cells padded. No state; any thread. */
#include "table.h"

#include <stdlib.h>

const char COLOR_RESET[] = "\033[0m", COLOR_DIM[] = "\033[2m", COLOR_RED[] = "\033[31m", COLOR_GREEN[] = "\033[32m",
           COLOR_YELLOW[] = "\033[33m", COLOR_BOLD[] = "\033[1m";

struct table_row *table_add(struct table *table)
{
    table->rows = text_resize(table->rows, (table->count + 1) * sizeof *table->rows);
    table->rows[table->count] = (struct table_row){0};
    return &table->rows[table->count++];
}

static void add_cell(const struct table *table, struct buffer *out, size_t column, const char *text, size_t width,
                     const char *color)
{
    size_t padding = width - text_width(text);
    bool right = column >= table->numbers, last = column + 1 == table->columns;
    buffer_spaces(out, (column > 0 ? 2 : 0) + (right ? padding : 0));
    buffer_format(out, "%s%s%s", color != NULL ? color : "", text, color != NULL ? COLOR_RESET : "");
    buffer_spaces(out, right || last ? 0 : padding);
}

static void add_row(const struct table *table, struct buffer *out, const char *const *cells, const size_t *widths,
                    const char *const *colors)
{
    for (size_t i = 0; i < table->columns; i++) {
        add_cell(table, out, i, cells[i], widths[i], table->color && colors != NULL ? colors[i] : NULL);
    }
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t j = 0; j < table->columns; j++) {
        widths[j] = text_width(table->heads[j]);
        for (size_t i = 0; i < table->count; i++) {
            size_t width = text_width(table->rows[i].cells[j]);
            widths[j] = width > widths[j] ? width : widths[j];
        }
    }
}

void table_print(const struct table *table, struct buffer *out)
{
    size_t widths[TABLE_COLUMNS];
    measure(table, widths);
    buffer_text(out, table->color ? COLOR_DIM : "");
    add_row(table, out, table->heads, widths, NULL);
    buffer_text(out, table->color ? COLOR_RESET : "");
    buffer_add(out, "\n", 1);
    for (size_t i = 0; i < table->count; i++) {
        add_row(table, out, (const char *const *)table->rows[i].cells, widths, table->rows[i].colors);
        buffer_add(out, "\n", 1);
    }
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        for (size_t j = 0; j < table->columns; j++) {
            free(table->rows[i].cells[j]);
        }
    }
    free(table->rows);
    *table = (struct table){0};
}
