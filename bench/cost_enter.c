/* Entering an interpreter from a C thread of one's own, against the engine's calls for it; and taking a warm
 * interpreter from a pool. */
#include <pthread.h>
#include <stdlib.h>

#include "cost.h"

enum { POOL = 4 };

/* --- enter and leave --------------------------------------------------------------------------------------------- */

struct entering {
    isle_interp interp;
    const struct plan *plan;
    struct figure *figure;
};

static double isles_entries(isle_interp interp, size_t count)
{
    int64_t before = isle_now();
    for (size_t i = 0; i < count; i++) {
        isle_entry entry;
        isle_error *error = NULL;
        must(isle_interp_enter(interp, &entry, &error), error, "isle_interp_enter");
        isle_interp_leave(&entry);
    }
    return (double)(isle_now() - before) / (double)count;
}

static double engine_entries(void *target, size_t count)
{
    int64_t before = isle_now();
    for (size_t i = 0; i < count; i++) {
        bare_enter_leave(target);
    }
    return (double)(isle_now() - before) / (double)count;
}

static void *learn_target(isle_interp interp)
{
    isle_entry entry;
    isle_error *error = NULL;
    must(isle_interp_enter(interp, &entry, &error), error, "isle_interp_enter");
    void *target = bare_entry_target();
    isle_interp_leave(&entry);
    return target;
}

static void *enter_often(void *arg)
{
    struct entering *e = arg;
    void *target = learn_target(e->interp);
    for (size_t i = 0; i < e->plan->entry_blocks; i++) {
        double isles = isles_entries(e->interp, e->plan->entries);
        add_pair(e->figure, isles, engine_entries(target, e->plan->entries));
    }
    return NULL;
}

/* Not on the process's first thread: each attach there reads the memory map on 3.14 and newer. */
void cost_enter(isle_runtime *runtime, const struct plan *plan, struct figure *figure)
{
    struct entering e = {.plan = plan, .figure = figure};
    isle_error *error = NULL;
    pthread_t thread;
    must(isle_interp_create(runtime, NULL, &e.interp, &error), error, "isle_interp_create");
    if (pthread_create(&thread, NULL, enter_often, &e) != 0) {
        must(ISLE_ERR_SYSTEM, NULL, "a thread");
    }
    pthread_join(thread, NULL);
    must(isle_interp_end(e.interp, ISLE_FOREVER, &error), error, "isle_interp_end");
}

/* --- a warm interpreter ------------------------------------------------------------------------------------------ */

static bool is_warm(isle_pool *pool)
{
    isle_pool_stats stats = {.size = sizeof stats};
    isle_pool_get_stats(pool, &stats);
    return stats.warm > 0;
}

/* What was released is warm again a little later. A try that finds none waits for one, and doesn't count. */
void cost_acquire(isle_runtime *runtime, const struct plan *plan, struct figure *figure)
{
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = POOL;
    config.reuse = ISLE_REUSE_RESET;
    isle_pool *pool;
    isle_error *error = NULL;
    must(isle_pool_create(runtime, &config, &pool, &error), error, "isle_pool_create");
    size_t wanted = plan->acquires;
    for (size_t tries = 10 * wanted; tries > 0 && wanted > 0; tries--) {
        isle_interp interp;
        bool counts = is_warm(pool);
        int64_t before = isle_now();
        must(isle_pool_acquire(pool, ISLE_FOREVER, &interp, &error), error, "isle_pool_acquire");
        if (counts) {
            samples_add(&figure->isles, (double)(isle_now() - before));
            wanted--;
        }
        must(isle_pool_release(pool, interp), NULL, "isle_pool_release");
    }
    must(isle_pool_destroy(pool, ISLE_FOREVER, &error), error, "isle_pool_destroy");
}
