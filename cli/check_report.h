/* What the operator sees of a check. Main thread only. */
#ifndef CLI_CHECK_REPORT_H
#define CLI_CHECK_REPORT_H

#include "check.h"
#include "table.h"

/* The line on a terminal while it lasts; NULL: no more. */
void report_progress(const char *text);
/* A check_done_fn: moves that line. */
void report_on_done(void *ctx, const check_report *report, size_t index);

/* For tables of others: the colour of a verdict. */
const char *report_color(check_verdict verdict);
/* On stdout, its last column cut to what is left of a terminal's line; nothing where it has no row. Frees it. */
void report_print_table(struct table *table);

/* The table on stdout, what the verdicts mean, and with `verbose` all that is known. */
void report_print(const check_report *report, check_verdict required, bool color, bool verbose);

#endif
