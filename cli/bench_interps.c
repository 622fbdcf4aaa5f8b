/* Threads of one interpreter, fresh interpreters, and warm ones from a pool: what is measured of them. Threads are
 * timed by the Python code that starts them, interpreters by this program. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "text.h"

#define PATIENCE (60 * ISLE_SECOND)

/* --- common ------------------------------------------------------------------------------------------------------ */

static void add_list(const isle_value *list, struct samples *out)
{
    for (size_t i = 0; i < isle_value_len(list); i++) {
        int64_t ns = 0;
        isle_value_as_int64(isle_value_at(list, i), &ns);
        samples_add(out, (double)ns);
    }
}

/* A function of the module that takes a count and returns as many times. */
static char *ask_for_samples(isle_interp interp, const char *function, size_t count, struct samples *out)
{
    isle_value *list = NULL;
    char *why = world_call(interp, function, &(int64_t){(int64_t)count}, 1, &list);
    if (why == NULL) {
        add_list(list, out);
    }
    isle_value_free(list);
    return why;
}

/* --- threads ----------------------------------------------------------------------------------------------------- */

static char *thread_start(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    (void)peer;
    return ask_for_samples(world->home, "thread_start", count, out);
}

static char *thread_memory(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    (void)peer;
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        double before = process_memory(0);
        why = world_call(world->home, "thread_hold", NULL, 0, NULL);
        samples_add(out, process_memory(0) - before);
    }
    char *not_dropped = world_call(world->home, "thread_drop", NULL, 0, NULL);
    if (why == NULL) {
        return not_dropped;
    }
    free(not_dropped);
    return why;
}

static char *thread_call(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    (void)peer;
    return ask_for_samples(world->home, "thread_call", count, out);
}

static char *thread_message(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    (void)peer;
    return ask_for_samples(world->home, "thread_message", count, out);
}

static char *thread_spin(struct world *world, size_t workers, double *out_ns)
{
    const int64_t args[] = {(int64_t)world->spin, (int64_t)workers};
    isle_value *value = NULL;
    int64_t ns = 0;
    char *why = world_call(world->home, "thread_spin", args, 2, &value);
    isle_value_as_int64(value, &ns);
    isle_value_free(value);
    *out_ns = (double)ns;
    return why;
}

static char *thread_cores(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    (void)peer;
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        double one = 0, all = 1;
        why = thread_spin(world, 1, &one);
        why = why != NULL ? why : thread_spin(world, BENCH_WORKERS, &all);
        samples_add(out, BENCH_WORKERS * one / all);
    }
    return why;
}

const measure_fn thread_measures[MEASURE_COUNT] = {thread_start, thread_memory, thread_call, thread_message,
                                                   thread_cores};

/* --- taking and giving back, fresh or warm ----------------------------------------------------------------------- */

static char *take(struct world *world, enum peer peer, isle_interp *out_interp)
{
    if (peer == PEER_COLD) {
        return world_create_interp(world, out_interp);
    }
    isle_error *error = NULL;
    isle_status status = isle_pool_acquire(world->pool, isle_deadline_in(PATIENCE), out_interp, &error);
    return status == ISLE_OK ? NULL : why_from(error);
}

static void give_back(struct world *world, enum peer peer, isle_interp interp)
{
    if (interp.id == 0) {
        return;
    }
    if (peer == PEER_COLD) {
        isle_interp_end(interp, isle_deadline_in(PATIENCE), NULL);
    } else {
        isle_pool_release(world->pool, interp);
    }
}

static char *take_pair(struct world *world, enum peer peer, isle_interp *out_pair)
{
    char *why = take(world, peer, &out_pair[0]);
    return why != NULL ? why : take(world, peer, &out_pair[1]);
}

static void give_back_pair(struct world *world, enum peer peer, const isle_interp *pair)
{
    give_back(world, peer, pair[0]);
    give_back(world, peer, pair[1]);
}

/* --- interpreters ------------------------------------------------------------------------------------------------ */

/* When the function ran, by its own account. It is of a module that every interpreter has. */
static char *ran_at(isle_interp interp, int64_t *out_ns)
{
    isle_value *value = NULL;
    isle_error *error = NULL;
    isle_status status = isle_interp_call(interp, "time:monotonic_ns", NULL, isle_deadline_in(PATIENCE), &value,
                                          &error);
    isle_value_as_int64(value, out_ns);
    isle_value_free(value);
    return status == ISLE_OK ? NULL : why_from(error);
}

static bool is_warm(struct world *world)
{
    isle_pool_stats stats = {.size = sizeof stats};
    isle_pool_get_stats(world->pool, &stats);
    return stats.warm > 0;
}

/* One that was released is warm again a little later. A try that finds none waits for one, and doesn't count. */
static char *interp_start(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    char *why = NULL;
    for (size_t tries = 4 * count; tries > 0 && count > 0 && why == NULL; tries--) {
        isle_interp interp = {0};
        int64_t ran = 0;
        bool counts = peer == PEER_COLD || is_warm(world);
        int64_t before = isle_now();
        why = take(world, peer, &interp);
        why = why != NULL ? why : ran_at(interp, &ran);
        give_back(world, peer, interp);
        if (counts && why == NULL) {
            samples_add(out, (double)(ran - before));
            count--;
        }
    }
    return why;
}

static char *cold_memory(struct world *world, isle_interp *interps, size_t count, struct samples *out)
{
    char *why = NULL;
    for (size_t i = 0; i < count && why == NULL; i++) {
        double before = process_memory(0);
        why = world_create_interp(world, &interps[i]);
        why = why != NULL ? why : world_call(interps[i], "add_one", &(int64_t){1}, 1, NULL);
        samples_add(out, process_memory(0) - before);
    }
    return why;
}

static char *interp_memory(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    if (peer == PEER_WARM) { /* the pool fills itself; it was measured when it was made */
        samples_add(out, world->pool_memory);
        return NULL;
    }
    isle_interp *interps = text_alloc(count * sizeof *interps);
    char *why = cold_memory(world, interps, count, out);
    for (size_t i = 0; i < count; i++) {
        give_back(world, peer, interps[i]);
    }
    free(interps);
    return why;
}

static char *one_call(isle_interp interp, int64_t number)
{
    isle_value *args = isle_value_new_list();
    isle_value *value = NULL;
    isle_error *error = NULL;
    int64_t result = 0;
    isle_value_append(args, isle_value_new_int(number));
    isle_status status = isle_interp_call(interp, "isles_bench_peers:add_one", args, isle_deadline_in(PATIENCE), &value,
                                          &error);
    isle_value_as_int64(value, &result);
    isle_value_free(value);
    isle_value_free(args);
    if (status != ISLE_OK) {
        return why_from(error);
    }
    return result == number + 1 ? NULL : text_copy("the call's result is wrong");
}

static char *interp_call(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    isle_interp interp = {0};
    char *why = take(world, peer, &interp);
    why = why != NULL ? why : one_call(interp, 0); /* imports the module */
    for (size_t i = 0; i < count && why == NULL; i++) {
        int64_t before = isle_now();
        why = one_call(interp, (int64_t)i);
        samples_add(out, (double)(isle_now() - before));
    }
    give_back(world, peer, interp);
    return why;
}

/* Submits function(count). */
static char *submit(isle_interp interp, const char *function, size_t count, isle_job **out_job)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_value *args = isle_value_new_list();
    isle_error *error = NULL;
    isle_value_append(args, isle_value_new_int((int64_t)count));
    config.kind = ISLE_JOB_CALL;
    config.target = function;
    config.args = args;
    config.deadline = isle_deadline_in(PATIENCE);
    isle_status status = isle_job_submit(interp, &config, out_job, &error);
    isle_value_free(args);
    return status == ISLE_OK ? NULL : why_from(error);
}

static char *finish(isle_job *job)
{
    isle_error *error = NULL;
    isle_job_wait(job, ISLE_FOREVER); /* the job has a deadline itself */
    isle_status status = isle_job_result(job, NULL, &error);
    isle_job_free(job);
    return status == ISLE_OK ? NULL : why_from(error);
}

static char *exchange(const isle_interp *pair, size_t count, struct samples *out)
{
    isle_job *pong = NULL;
    char *why = submit(pair[1], "isles_bench_peers:interpreter_pong", count, &pong);
    if (why != NULL) {
        return why;
    }
    why = ask_for_samples(pair[0], "interpreter_ping", count, out);
    char *other = finish(pong);
    if (why == NULL) {
        return other;
    }
    free(other);
    return why;
}

static char *interp_message(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    isle_interp pair[2] = {{0}, {0}};
    char *why = take_pair(world, peer, pair);
    why = why != NULL ? why : exchange(pair, count, out);
    give_back_pair(world, peer, pair);
    return why;
}

/* How long `workers` interpreters take, each with the whole loop. */
static char *spin(struct world *world, const isle_interp *interps, size_t workers, double *out_ns)
{
    isle_job *jobs[BENCH_WORKERS] = {NULL};
    char *why = NULL;
    int64_t before = isle_now();
    for (size_t i = 0; i < workers && why == NULL; i++) {
        why = submit(interps[i], "isles_bench_peers:spin", world->spin, &jobs[i]);
    }
    for (size_t i = 0; i < workers; i++) {
        char *one = jobs[i] != NULL ? finish(jobs[i]) : NULL;
        if (why == NULL) {
            why = one;
        } else {
            free(one);
        }
    }
    *out_ns = (double)(isle_now() - before);
    return why;
}

static char *interp_cores(struct world *world, enum peer peer, size_t count, struct samples *out)
{
    isle_interp pair[2] = {{0}, {0}};
    char *why = take_pair(world, peer, pair);
    for (int i = 0; i < 2 && why == NULL; i++) {
        why = one_call(pair[i], 0); /* imports the module */
    }
    for (size_t i = 0; i < count && why == NULL; i++) {
        double one = 0, all = 1;
        why = spin(world, pair, 1, &one);
        why = why != NULL ? why : spin(world, pair, BENCH_WORKERS, &all);
        samples_add(out, BENCH_WORKERS * one / all);
    }
    give_back_pair(world, peer, pair);
    return why;
}

const measure_fn interp_measures[MEASURE_COUNT] = {interp_start, interp_memory, interp_call, interp_message,
                                                   interp_cores};
