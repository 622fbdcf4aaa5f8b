/* What a policy denied, or would have: each kind once, with a count. Any thread may add and read; a leaf's lock. */
#ifndef ISLES_FINDINGS_H
#define ISLES_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

enum { FINDINGS_MOST = 256, FINDINGS_SUBJECT = 255 };

typedef struct finding {
    const char *rule; /* borrowed: lives as long as the findings */
    char *event, *subject;
    uint64_t count;
} finding;

typedef struct findings {
    plat_lock lock;
    finding *items; /* under the lock, as is the rest */
    size_t count;
    uint64_t left_out;
} findings;

void findings_init(findings *all);
void findings_clear(findings *all);
/* true: it was the first of its kind. What finds no room is only counted. */
bool findings_add(findings *all, const char *rule, const char *event, const char *subject);

#endif
