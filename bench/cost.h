/* bench_cost, inside: what Isles costs over the bare engine and the bare operating system, in the same run.
 *
 *   cost.c         the program: which figures, in which order; the table and the JSON
 *   cost_cycle.c   creating and ending an interpreter; a call
 *   echo.c         the wake-ups that bound a call
 *   cost_enter.c   entering from another thread; a warm interpreter from the pool
 *   cost_leak.c    what stays in memory after a cycle, in processes of their own
 *   cost_engine.c  the bare engine: the only file that sees Python.h */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/isles.h>

#include "bench_samples.h"
#include "echo.h"

#define COST_STACK_BYTES ((size_t)8 << 20) /* of the home threads, ours and the bare ones */

enum judge { NO_TARGET, RATIO_AT_MOST, VALUE_AT_MOST };

struct figure {
    const char *group; /* as --only takes it */
    const char *name;
    const char *peer_name; /* what it is compared with */
    enum unit unit;
    struct samples isles, peer;
    struct samples ratio; /* of pairs measured one after the other */
    enum judge judge;
    double target;
    char *failed; /* why it could not be measured */
};

struct plan {
    size_t pairs;              /* interpreters created and ended, each way */
    size_t rounds, block;      /* calls */
    size_t entry_blocks, entries; /* short blocks: on a busy machine long ones are seldom left alone */
    size_t acquires;
    size_t leak_runs, leak_cycles;
};

/* Each measures its group. They end the program with a message when something cannot go on. */
struct cycle_figures {
    struct figure *whole, *create, *end, *cpu;
};
void cost_create(isle_runtime *runtime, const struct plan *plan, const struct cycle_figures *figures, bool site);
void cost_call(isle_runtime *runtime, const struct plan *plan, struct figure *one_core, struct figure *two_cores);
void cost_enter(isle_runtime *runtime, const struct plan *plan, struct figure *figure);
void cost_acquire(isle_runtime *runtime, const struct plan *plan, struct figure *figure);
void cost_leak(const struct plan *plan, struct figure *bare, struct figure *imports);
/* The child: `who` is "isles" or "engine", `work` "bare" or "imports". */
int leak_child(const char *who, const char *work, size_t cycles);

void must(isle_status status, isle_error *error, const char *what); /* ends the program */
void add_pair(struct figure *figure, double isles, double peer);

/* --- the bare engine (cost_engine.c) ----------------------------------------------------------------------------- */
struct bare; /* an interpreter on a fresh thread, made as Isles makes its own */
struct bare *bare_create(const char *source); /* runs `source` in it; NULL: none */
void bare_end(struct bare *bare);
/* Starts and stops the engine without Isles; the modules are imported in main first, which 3.13 needs. */
void bare_start(const char *imports);
/* An entry made of the engine's own calls: what isle_interp_enter and _leave do. The thread is inside the interpreter
 * once, for bare_entry_target. */
void *bare_entry_target(void);
void bare_enter_leave(void *target);

extern const char cost_imports[]; /* 20 common modules */
bool engine_leaks(void);          /* 3.13 does, whatever Isles does */

#endif
