/* Durations: parsing and printing. No state; any thread. */
#include "duration.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
    const char *name;
    double ns;
} units[] = {{"", 1e9}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};

static const double longest_ns = 100 * 365.25 * 24 * 3600e9;

/* Digits with at most one point: strtod alone would also take "nan", "0x1p3" and "1e9". */
static size_t number_length(const char *text)
{
    size_t len = 0, digits = 0, points = 0;
    for (; isdigit((unsigned char)text[len]) || text[len] == '.'; len++) {
        if (text[len] == '.') {
            points++;
        } else {
            digits++;
        }
    }
    return digits > 0 && points <= 1 ? len : 0;
}

bool duration_parse(const char *text, int64_t *out_ns)
{
    size_t len = number_length(text);
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + len, units[i].name) == 0) {
            double ns = strtod(text, NULL) * units[i].ns;
            if (ns > longest_ns) {
                return false;
            }
            *out_ns = (int64_t)(ns + 0.5);
            return true;
        }
    }
    return false;
}

void duration_print(char *out, size_t size, int64_t ns)
{
    int64_t ms = (ns + 500000) / 1000000;
    int64_t seconds = (ms + 500) / 1000;
    if (ms < 1000) {
        snprintf(out, size, "%dms", (int)ms);
    } else if (ms < 59995) {
        snprintf(out, size, "%.2fs", (double)ms / 1000);
    } else if (seconds < 3600) {
        snprintf(out, size, "%dm%02ds", (int)(seconds / 60), (int)(seconds % 60));
    } else {
        snprintf(out, size, "%dh%02dm", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    }
}

void duration_print_brief(char *out, size_t size, int64_t ns)
{
    static const struct unit scales[] = {{"h", 3600e9}, {"m", 60e9}};
    for (size_t i = 0; i < 2; i++) {
        int64_t scale = (int64_t)scales[i].ns;
        if (ns >= scale && ns % scale == 0) {
            snprintf(out, size, "%d%s", (int)(ns / scale), scales[i].name);
            return;
        }
    }
    duration_print(out, size, ns);
    char *point = strchr(out, '.');
    if (point != NULL) {
        char *end = out + strlen(out) - 1; /* at the unit */
        while (end[-1] == '0') {
            end--;
        }
        end -= end[-1] == '.';
        memcpy(end, "s", 2);
    }
}
