/* Tables for people: columns as wide as they need, cells in colours. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

#include "text.h"

extern const char COLOR_RESET[], COLOR_DIM[], COLOR_RED[], COLOR_GREEN[], COLOR_YELLOW[], COLOR_BOLD[];

enum { TABLE_COLUMNS = 12 }; /* at most */

struct table_row {
    char *cells[TABLE_COLUMNS];
    const char *colors[TABLE_COLUMNS]; /* of a cell; NULL: none */
};

struct table {
    const char *const *heads; /* borrowed */
    size_t columns, numbers;  /* columns from `numbers` on stand right */
    bool color;
    struct table_row *rows;   /* set by table_add */
    size_t count;
};

/* A new row, whose cells the caller fills with text that table_free frees. */
struct table_row *table_add(struct table *table);
/* The heads, and the rows. */
void table_print(const struct table *table, struct buffer *out);
void table_free(struct table *table);

#endif
