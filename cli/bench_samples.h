/* Measurements: all are kept, so that the least, the median and the greatest can be told, and never a mean alone.
 * `isles bench` and the programs of bench/ share this. */
#ifndef CLI_BENCH_SAMPLES_H
#define CLI_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct samples { /* zero is none */
    double *values;
    size_t count, capacity;
};

struct summary {
    double min, median, max;
    size_t count;
};

enum unit { UNIT_NS, UNIT_BYTES, UNIT_TIMES };

void samples_add(struct samples *samples, double value);
void samples_free(struct samples *samples);
struct summary samples_summary(const struct samples *samples); /* all zero when there is none */

/* "850 ns", "12.3 us", "2.05 MiB", "1.97": three digits. Free with free(). */
char *unit_text(enum unit unit, double value);
const char *unit_name(enum unit unit); /* as JSON says it: "ns", "bytes", "times" */

/* {"min":, "median":, "max":, "samples":} */
json_t *summary_json(struct summary summary);
/* The machine, without a name: {"cores":, "system":, "architecture":} */
json_t *machine_json(void);
char *today(void); /* "2026-11-22"; free with free() */

#endif
