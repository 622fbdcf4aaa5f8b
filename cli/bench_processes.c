/* Forked and spawned processes: what is measured of them. The helper process starts and times them. */
#include <stdlib.h>

#include "bench.h"

static const char *context_of(enum peer peer)
{
    return peer == PEER_FORKED ? "fork" : "spawn";
}

static void add_list(const json_t *list, struct samples *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        samples_add(out, json_number_value(json_array_get(list, i)));
    }
}

static char *ask_for_samples(struct world *world, enum peer peer, const char *function, size_t count,
                             struct samples *out)
{
    json_t *result = NULL;
    json_t *request = json_pack("[s, s, I]", context_of(peer), function, (json_int_t)count);
    char *why = helper_ask(&world->helper, request, &result);
    add_list(result, out);
    json_decref(result);
    return why;
}

static char *process_start(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    return ask_for_samples(world, peer, "process_start", count, out);
}

static char *process_call(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    return ask_for_samples(world, peer, "process_call", count, out);
}

static char *process_message(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    return ask_for_samples(world, peer, "process_message", count, out);
}

/* Shared pages are counted once, whoever has them: a child's own and what the helper got beside. */
static double memory_of(const json_t *pids)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(pids); i++) {
        sum += process_memory((pid_t)json_integer_value(json_array_get(pids, i)));
    }
    return sum;
}

static char *process_memory_each(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    double before = process_memory(world->helper.pid);
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        json_t *pids = NULL;
        why = helper_ask(&world->helper, json_pack("[s, s]", context_of(peer), "process_hold"), &pids);
        if (why == NULL) {
            double after = memory_of(pids);
            samples_add(out, after - before);
            before = after;
        }
        json_decref(pids);
    }
    json_t *none = NULL;
    char *not_dropped = helper_ask(&world->helper, json_pack("[s, s]", context_of(peer), "process_drop"), &none);
    json_decref(none);
    if (why == NULL) {
        return not_dropped;
    }
    free(not_dropped);
    return why;
}

static char *spin(struct world *world, enum peer peer, size_t workers, double *out_ns)
{
    json_t *result = NULL;
    json_t *request = json_pack("[s, s, I, I]", context_of(peer), "process_spin", (json_int_t)world->spin,
                                (json_int_t)workers);
    char *why = helper_ask(&world->helper, request, &result);
    *out_ns = json_number_value(result);
    json_decref(result);
    return why;
}

static char *process_cores(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        double one = 0, all = 1;
        why = spin(world, peer, 1, &one);
        why = why != NULL ? why : spin(world, peer, BENCH_WORKERS, &all);
        if (why == NULL) {
            samples_add(out, BENCH_WORKERS * one / all);
        }
    }
    return why;
}

const measure_fn process_measures[MEASURE_COUNT] = {process_start, process_memory_each, process_call, process_message,
                                                    process_cores};
