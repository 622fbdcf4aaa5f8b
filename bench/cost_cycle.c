/* Creating and ending an interpreter through Isles against the same by the engine's calls; a call with one int there
 * and back against one int there and back between two C threads. Pairs are measured one after the other, who is first
 * changes each time. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cost.h"

/* --- create and end ---------------------------------------------------------------------------------------------- */

struct times {
    double create, end, cpu; /* cpu: of the whole process, which does nothing else */
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct times isles_cycle(isle_runtime *runtime, bool site)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.no_site = !site;
    config.stack_size_bytes = COST_STACK_BYTES;
    isle_interp interp;
    isle_error *error = NULL;
    double cpu = cpu_now();
    int64_t begin = isle_now();
    must(isle_interp_create(runtime, &config, &interp, &error), error, "isle_interp_create");
    int64_t created = isle_now();
    must(isle_interp_end(interp, ISLE_FOREVER, &error), error, "isle_interp_end");
    return (struct times){(double)(created - begin), (double)(isle_now() - created), cpu_now() - cpu};
}

static struct times engine_cycle(bool site)
{
    double cpu = cpu_now();
    int64_t begin = isle_now();
    struct bare *bare = bare_create(site ? "import site\nsite.main()\n" : NULL);
    int64_t created = isle_now();
    bare_end(bare);
    return (struct times){(double)(created - begin), (double)(isle_now() - created), cpu_now() - cpu};
}

void cost_create(isle_runtime *runtime, const struct plan *plan, const struct cycle_figures *figures, bool site)
{
    isles_cycle(runtime, site);
    engine_cycle(site);
    for (size_t i = 0; i < plan->pairs; i++) {
        struct times isles, engine;
        if (i % 2 == 0) {
            isles = isles_cycle(runtime, site);
            engine = engine_cycle(site);
        } else {
            engine = engine_cycle(site);
            isles = isles_cycle(runtime, site);
        }
        add_pair(figures->create, isles.create, engine.create);
        add_pair(figures->end, isles.end, engine.end);
        add_pair(figures->whole, isles.create + isles.end, engine.create + engine.end);
        add_pair(figures->cpu, isles.cpu, engine.cpu);
    }
}

/* --- a call ------------------------------------------------------------------------------------------------------ */

static int64_t isles_call(isle_interp interp, int64_t number)
{
    isle_value *args = isle_value_new_list();
    isle_value *value = NULL;
    isle_error *error = NULL;
    int64_t result = 0;
    isle_value_append(args, isle_value_new_int(number));
    must(isle_interp_call(interp, "__main__:add_one", args, ISLE_FOREVER, &value, &error), error, "isle_interp_call");
    isle_value_as_int64(value, &result);
    isle_value_free(value);
    isle_value_free(args);
    return result;
}

static void check(int64_t number, int64_t result)
{
    if (result != number + 1) {
        must(ISLE_ERR_DECODE, NULL, "the result of a call");
    }
}

/* Returns the median; all go to `out`. */
static double echo_block(struct echo *e, size_t count, struct samples *out)
{
    struct samples block = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t before = isle_now();
        int64_t result = echo_call(e, (int64_t)i);
        samples_add(&block, (double)(isle_now() - before));
        samples_add(out, block.values[i]);
        check((int64_t)i, result);
    }
    double median = samples_summary(&block).median;
    samples_free(&block);
    return median;
}

static double isles_block(isle_interp interp, size_t count, struct samples *out)
{
    struct samples block = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t before = isle_now();
        int64_t result = isles_call(interp, (int64_t)i);
        samples_add(&block, (double)(isle_now() - before));
        samples_add(out, block.values[i]);
        check((int64_t)i, result);
    }
    double median = samples_summary(&block).median;
    samples_free(&block);
    return median;
}

/* Keeps the calling thread, and those that it starts from now on, on one core. false: there is no such core for us. */
static bool stay_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* The first core that the process may use, and with `other` the second. -1: there is none. */
static int core_of_ours(const cpu_set_t *ours, bool other)
{
    int seen = 0;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, ours) && seen++ == (other ? 1 : 0)) {
            return core;
        }
    }
    return -1;
}

static void call_in_turns(isle_runtime *runtime, const struct plan *plan, int caller, int called, struct figure *figure)
{
    struct samples warm_up = {0};
    struct echo e;
    isle_interp interp;
    isle_error *error = NULL;
    must(stay_on(called) ? ISLE_OK : ISLE_ERR_SYSTEM, NULL, "a core of the called");
    must(isle_interp_create(runtime, NULL, &interp, &error), error, "isle_interp_create");
    must(isle_interp_run(interp, "def add_one(n): return n + 1", ISLE_FOREVER, &error), error, "isle_interp_run");
    must(echo_start(&e) ? ISLE_OK : ISLE_ERR_SYSTEM, NULL, "a thread");
    must(stay_on(caller) ? ISLE_OK : ISLE_ERR_SYSTEM, NULL, "a core of the caller");
    echo_block(&e, plan->block / 4 + 1, &warm_up);
    isles_block(interp, plan->block / 4 + 1, &warm_up);
    for (size_t i = 0; i < plan->rounds; i++) {
        double bare = echo_block(&e, plan->block, &figure->peer);
        double isles = isles_block(interp, plan->block, &figure->isles);
        samples_add(&figure->ratio, isles / bare);
    }
    echo_call(&e, -1);
    samples_free(&warm_up);
    must(isle_interp_end(interp, ISLE_FOREVER, &error), error, "isle_interp_end");
}

/* Where the scheduler puts two threads that wake each other decides more than what they do: on two cores each wake-up
 * may have to fetch a core out of its sleep. So both ways are measured with both places given. */
void cost_call(isle_runtime *runtime, const struct plan *plan, struct figure *one_core, struct figure *two_cores)
{
    cpu_set_t ours;
    must(sched_getaffinity(0, sizeof ours, &ours) == 0 ? ISLE_OK : ISLE_ERR_SYSTEM, NULL, "the cores of the process");
    int first = core_of_ours(&ours, false), second = core_of_ours(&ours, true);
    call_in_turns(runtime, plan, first, first, one_core);
    if (second >= 0) {
        call_in_turns(runtime, plan, first, second, two_cores);
    } else {
        two_cores->failed = strdup("the process may use one core only");
    }
    sched_setaffinity(0, sizeof ours, &ours);
}
