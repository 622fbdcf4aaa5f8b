/* Budgets: what an interpreter may use. Each has a soft limit, which warns by an event, and a hard one, which acts; 0
 * is none. Counted whether or not there is a limit.
 *
 * What a hard limit does
 *   memory   the allocation fails: MemoryError, there and nowhere else. Code that goes on asking a thousand times in
 *            one job is stopped like the rest
 *   cpu, output   isles.BudgetExceeded (an isles.Cancelled) is raised in the job, by the ladder of isle_job_cancel:
 *            once, after cancel_grace_ns at every step, after stuck_after_ns the interpreter is given up as stuck. The
 *            job ends with ISLE_ERR_BUDGET, as do those that wait; no more are taken until isle_interp_set_budgets
 *            gives more. cpu: its other threads are stopped likewise. output: not a byte more is written
 *   wall     the same, for that job alone
 *   threads  starting one more fails: RuntimeError
 *   queue_bytes, messages   what it puts into a queue is refused there: isles.BudgetExceeded. Asking on and on is
 *            stopped as with memory
 *   recursion   sys.setrecursionlimit above it fails: ValueError. Code's own limit is never above it: RecursionError
 *   descriptors   opening one more fails, where Python tells of it before: OSError, EMFILE. What comes by other ways is
 *            seen within 10 ms: then the job is stopped like the rest, and the next one when it opens more. Only with
 *            isle_interp_config.private_descriptors
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
    X(OUTPUT,  output_bytes, "output",  "bytes written to sys.stdout and sys.stderr, over its life")                  \
    X(QUEUE_BYTES, queue_bytes, "queue_bytes", "bytes of what it has put into queues and nobody has taken yet")      \
    X(MESSAGES,    messages,    "messages",    "how many values those are")                                          \
    X(RECURSION,   recursion,   "recursion",   "calls in calls that sys.setrecursionlimit allows")                   \
    X(DESCRIPTORS, descriptors, "descriptors", "descriptors open in its own table, 0 to 2 included")

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
    uint64_t peak;       /* the most there ever was; wall: the longest job; memory: to 64 KiB a thread;
                            queue_bytes, messages, descriptors: the most that was seen */
    uint64_t soft, hard; /* the limits */
    uint64_t reached;    /* how often the hard one was; memory: allocations refused; threads, queue_bytes, messages,
                            recursion, descriptors: how often something was */
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
