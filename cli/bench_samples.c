/* Measurements and how they are told. No state; any thread. */
#include "bench_samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity == 0 ? 64 : samples->capacity * 2;
        samples->values = text_resize(samples->values, samples->capacity * sizeof *samples->values);
    }
    samples->values[samples->count++] = value;
}

void samples_free(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){0};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct summary samples_summary(const struct samples *samples)
{
    size_t count = samples->count;
    if (count == 0) {
        return (struct summary){0};
    }
    double *sorted = text_alloc(count * sizeof *sorted);
    memcpy(sorted, samples->values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    struct summary summary = {
        .min = sorted[0],
        .median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
        .max = sorted[count - 1],
        .count = count,
    };
    free(sorted);
    return summary;
}

static char *scaled(double value, double step, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i + 1 < count && fabs(value) >= 0.9995 * step) {
        value /= step;
        i++;
    }
    int decimals = fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1 : 0;
    return text_format("%.*f %s", i == 0 ? 0 : decimals, value, names[i]);
}

char *unit_text(enum unit unit, double value)
{
    static const char *const times[] = {"ns", "us", "ms", "s"};
    static const char *const sizes[] = {"B", "KiB", "MiB", "GiB"};
    switch (unit) {
    case UNIT_NS:
        return scaled(value, 1000, times, 4);
    case UNIT_BYTES:
        return scaled(value, 1024, sizes, 4);
    default:
        return text_format("%.2f", value);
    }
}

const char *unit_name(enum unit unit)
{
    return unit == UNIT_NS ? "ns" : unit == UNIT_BYTES ? "bytes" : "times";
}

json_t *summary_json(struct summary s)
{
    return json_pack("{s:f, s:f, s:f, s:I}", "min", s.min, "median", s.median, "max", s.max, "samples",
                     (json_int_t)s.count);
}

json_t *machine_json(void)
{
    struct utsname name = {0};
    uname(&name);
    return json_pack("{s:I, s:s, s:s}", "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "system", name.sysname,
                     "architecture", name.machine);
}

char *today(void)
{
    char text[sizeof "-2147483648-01-01"];
    time_t now = time(NULL);
    struct tm date;
    gmtime_r(&now, &date);
    strftime(text, sizeof text, "%Y-%m-%d", &date);
    return text_copy(text);
}
