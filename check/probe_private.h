/* What the files of the probes share: scenes, and the line of JSON that a child gets. */
#ifndef CHECK_PROBE_PRIVATE_H
#define CHECK_PROBE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"


typedef enum scene_where { WHERE_MAIN, WHERE_SHARED, WHERE_OWN, WHERE_PRIVATE, WHERE_COUNT } scene_where;

typedef enum scene_what {
    WHAT_ONCE,  /* imported and exercised */
    WHAT_TWICE, /* imported, forgotten, imported again */
    WHAT_TWO,   /* in two at the same time; then again in one, and in the other when the first has ended */
    WHAT_AGAIN, /* interpreters that end, one after the other, and what each leaves behind */
    WHAT_STATE, /* in two: is what the one has the other's, too? */
} scene_what;

typedef struct probe_scene {
    const char *name; /* of probe.h */
    scene_where where;
    scene_what what;
} probe_scene;

enum { PROBE_INSPECT = -1 }; /* no scene: what the module says of itself */

extern const probe_scene probe_scenes[];
extern const size_t probe_scene_count;

#endif
