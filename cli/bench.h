/* `isles bench`, inside: what is measured of whom, and the world in which that happens. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <jansson.h>
#include <isles/isles.h>

#include "bench_samples.h"

enum measure { MEASURE_START, MEASURE_MEMORY, MEASURE_CALL, MEASURE_MESSAGE, MEASURE_CORES, MEASURE_COUNT };
enum peer { PEER_THREAD, PEER_COLD, PEER_WARM, PEER_FORKED, PEER_SPAWNED, PEER_COUNT };

enum { BENCH_WORKERS = 2, BENCH_POOL = 4 };

/* --- the helper: a fresh Python, with one thread, that starts processes (bench_helper.c) ------------------------- */
struct helper {
    pid_t pid;  /* 0: not started; also its process group */
    int socket;
};

/* Each returns NULL, or why not: free with free(). */
char *helper_start(struct helper *helper, const char *python, const char *folder);
/* Takes `request` over. *out_result is the caller's. */
char *helper_ask(struct helper *helper, json_t *request, json_t **out_result);
void helper_stop(struct helper *helper);

/* --- the channel: two mailboxes, as functions of the host (bench_channel.c) -------------------------------------- */
extern const isle_host_function channel_functions[];
enum { CHANNEL_FUNCTIONS = 2 };

/* --- the world (bench_world.c): one for a run -------------------------------------------------------------------- */
struct world {
    char *folder; /* of the Python module that all of them import */
    isle_runtime *runtime;
    isle_interp home; /* the interpreter whose threads are measured */
    isle_pool *pool;
    struct helper helper;
    double pool_memory; /* of each interpreter of the pool */
    size_t spin;        /* rounds of the CPU loop */
};

char *world_open(struct world *world, int64_t spin_ns);
void world_close(struct world *world);
/* A fresh interpreter that finds the module. */
char *world_create_interp(struct world *world, isle_interp *out_interp);
/* Calls a function of the module with ints; *out_value may be NULL. */
char *world_call(isle_interp interp, const char *function, const int64_t *args, size_t count, isle_value **out_value);
/* Anonymous memory of a process, what it shares counted in part; 0: itself. Below 0: unknown. */
double process_memory(pid_t pid);
char *why_from(isle_error *error); /* frees it */

/* --- the peers (bench_interps.c, bench_processes.c) -------------------------------------------------------------- */
typedef char *(*measure_fn)(struct world *world, enum peer peer, size_t count, struct samples *out);
extern const measure_fn thread_measures[MEASURE_COUNT];
extern const measure_fn interp_measures[MEASURE_COUNT]; /* cold and warm */
extern const measure_fn process_measures[MEASURE_COUNT]; /* forked and spawned */

/* --- the report (bench_report.c) --------------------------------------------------------------------------------- */
struct results {
    size_t rounds;
    bool wanted[MEASURE_COUNT];
    struct samples samples[MEASURE_COUNT][PEER_COUNT];
    char *failed[MEASURE_COUNT][PEER_COUNT]; /* why it could not be measured; NULL: it was */
};

extern const char *const measure_names[MEASURE_COUNT]; /* as --only takes them */
void report_table(const struct results *results);
void report_json(const struct results *results);

#endif
