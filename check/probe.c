/* The dynamic half of the auditor, as yet without its scenes: nothing is run, and it says so. No state; any thread. */
#include "probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SCENES[] = {PROBE_MAIN,      PROBE_SHARED,      PROBE_OWN,
                                     PROBE_OWN_TWICE, PROBE_OWN_TWO,     PROBE_OWN_AGAIN,
                                     PROBE_PRIVATE,   PROBE_PRIVATE_TWO, PROBE_PRIVATE_AGAIN};
enum { SCENE_COUNT = sizeof SCENES / sizeof SCENES[0] };

static void *not_null(void *memory)
{
    if (memory == NULL) {
        fputs("isles: out of memory\n", stderr);
        _Exit(1);
    }
    return memory;
}

void probe_run(const probe_request *request, probe_results *out_results)
{
    (void)request;
    out_results->items = not_null(calloc(SCENE_COUNT, sizeof *out_results->items));
    out_results->count = SCENE_COUNT;
    for (size_t i = 0; i < SCENE_COUNT; i++) {
        out_results->items[i] = (probe_result){.scene = SCENES[i], .refs_slope = NAN, .rss_slope_bytes = NAN};
    }
}

void probe_results_free(probe_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        free(results->items[i].detail);
    }
    free(results->items);
    *results = (probe_results){0};
}

void probe_inspect(const probe_request *request, probe_facts *out_facts)
{
    (void)request;
    *out_facts = (probe_facts){.end = PROBE_NOT_RUN};
}

void probe_facts_free(probe_facts *facts)
{
    free(facts->detail);
    *facts = (probe_facts){0};
}

bool probe_is_child(int argc, char **argv)
{
    return argc >= 3 && strcmp(argv[1], "check") == 0 && strcmp(argv[2], "--probe-child") == 0;
}

int probe_child(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 2;
}
