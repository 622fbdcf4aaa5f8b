/* Sizes: parsing and printing. No state; any thread. */
#include "size.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char UNITS[] = "BKMGT";

static double scale_of(size_t unit)
{
    return (double)(UINT64_C(1) << (10 * unit));
}

/* "", "B", "K", "KB", "KiB" and the like, in any case. */
static bool read_unit(const char *text, size_t *out)
{
    const char *unit = text[0] != '\0' ? strchr(UNITS, toupper((unsigned char)text[0])) : UNITS;
    if (unit == NULL) {
        return false;
    }
    *out = (size_t)(unit - UNITS);
    const char *rest = text[0] != '\0' ? text + 1 : text;
    return rest[0] == '\0' || (*out > 0 && (strcasecmp(rest, "b") == 0 || strcasecmp(rest, "ib") == 0));
}

bool size_parse(const char *text, uint64_t *out_bytes)
{
    char *end;
    size_t unit;
    if (!isdigit((unsigned char)text[0]) || strpbrk(text, "xXpPeEnN") != NULL) { /* what strtod takes beside that */
        return false;
    }
    double number = strtod(text, &end);
    while (*end == ' ') {
        end++;
    }
    if (!read_unit(end, &unit)) {
        return false;
    }
    double bytes = number * scale_of(unit);
    *out_bytes = bytes >= 1 && bytes <= 1024 * scale_of(4) ? (uint64_t)bytes : 0;
    return *out_bytes != 0;
}

void size_print(char *out, size_t size, uint64_t bytes)
{
    size_t unit = 0;
    while (unit + 2 < sizeof UNITS && (double)bytes >= 999.95 * scale_of(unit)) {
        unit++;
    }
    if (unit == 0) {
        snprintf(out, size, "%uB", (unsigned)bytes);
    } else {
        snprintf(out, size, "%.1f%c", (double)bytes / scale_of(unit), UNITS[unit]);
    }
}
