/* Budgets: what an interpreter may use. Each has a soft limit, which warns by an event, and a hard one, which acts; 0
 * is none. Counted whether or not there is a limit.
 *
 * What a hard limit does
 *   memory   the allocation fails: MemoryError, there and nowhere else. Code that goes on asking a thousand times in
 *            one job is stopped like the rest
 *   cpu, output   isles.BudgetExceeded (an isles.Cancelled) is raised in the job, by the ladder of isle_job_cancel:
 *            once, after cancel_grace_ns at every step, after stuck_after_ns the interpreter is given up as stuck. The
 *            job ends with ISLE_ERR_BUDGET, as do those that wait; no more are taken until isle_interp_set_budgets
 *            gives more
 *   wall     the same, for that job alone
 *   threads  starting one more fails: RuntimeError
 *
 * Soft and hard limits that are reached are told as ISLE_EVENT_BUDGET. */
#ifndef ISLES_BUDGET_H
#define ISLES_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include <isles/error.h>

ISLE_BEGIN_DECLS

/*       name     field         called     what it is of */
#define ISLE_BUDGET_LIST(X)                                                                                          \
    X(MEMORY,  memory_bytes, "memory",  "bytes held by its Python allocations: objects, buffers, CPython's own")      \
    X(CPU,     cpu_ns,       "cpu",     "CPU time of all its threads, over its life")                                 \
    X(WALL,    wall_ns,      "wall",    "time that one job may run")                                                  \
    X(THREADS, threads,      "threads", "threads that its code started and that live, the home thread not counted")   \
    X(OUTPUT,  output_bytes, "output",  "bytes written to sys.stdout and sys.stderr, over its life")

typedef enum isle_budget {
#define ISLE_BUDGET_ENUM(name, field, called, text) ISLE_BUDGET_##name,
    ISLE_BUDGET_LIST(ISLE_BUDGET_ENUM)
#undef ISLE_BUDGET_ENUM
    ISLE_BUDGET_COUNT_
} isle_budget;

ISLE_API const char *isle_budget_name(isle_budget budget); /* "memory"; static */

typedef struct isle_limit { uint64_t soft, hard; } isle_limit; /* 0: none */

typedef struct isle_budgets { /* start from ISLE_BUDGETS_INIT; zero is the default */
    size_t size;
#define ISLE_BUDGET_FIELD(name, field, called, text) isle_limit field;
    ISLE_BUDGET_LIST(ISLE_BUDGET_FIELD)
#undef ISLE_BUDGET_FIELD
} isle_budgets;

#define ISLE_BUDGETS_INIT ISLE_INIT(isle_budgets)

typedef struct isle_amount {
    uint64_t used;       /* now; wall: of the job that runs */
    uint64_t peak;       /* the most there ever was; wall: the longest job */
    uint64_t soft, hard; /* the limits */
    uint64_t reached;    /* how often the hard one was; memory: allocations refused */
} isle_amount;

typedef struct isle_usage { /* set `size` first */
    size_t size;
#define ISLE_BUDGET_FIELD(name, field, called, text) isle_amount field;
    ISLE_BUDGET_LIST(ISLE_BUDGET_FIELD)
#undef ISLE_BUDGET_FIELD
    uint64_t memory_small_bytes; /* of memory_bytes: arenas, for objects of up to 512 bytes, and stacks of frames; the
                                    rest are larger objects, buffers and what CPython allocates for itself */
} isle_usage;

ISLE_END_DECLS

#endif
