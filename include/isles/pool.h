/* Pools: interpreters kept warm.
 *
 * Unlike those of job.h, the calls here that wait don't detach the calling thread from an interpreter: do so before. */
#ifndef ISLES_POOL_H
#define ISLES_POOL_H

#include <isles/job.h>

ISLE_BEGIN_DECLS

typedef struct isle_pool isle_pool;

typedef enum isle_reuse {
    ISLE_REUSE_NEVER, /* a released interpreter is ended, and a fresh one made in the background */
    ISLE_REUSE_RESET  /* __main__, sys.argv, sys.path, os.environ and the modules imported since are put back; state
                         in C modules and in modules that were there before stays */
} isle_reuse;

typedef struct isle_pool_config { /* start from ISLE_POOL_CONFIG_INIT */
    size_t size;
    size_t capacity;               /* interpreters of the pool, busy and warm together; 0: 2 */
    isle_reuse reuse;
    uint64_t max_uses;             /* RESET: acquired so often, then replaced; 0: no limit */
    const char *warm_up;           /* Python source run in each fresh interpreter, imports say; NULL: none */
    const isle_interp_config *interp; /* for each; NULL: defaults. Deep-copied */
    int64_t end_grace_ns;          /* given to an interpreter that is being ended; 0: 1 s */
} isle_pool_config;

#define ISLE_POOL_CONFIG_INIT ISLE_INIT(isle_pool_config)

/* Makes the pool and begins to fill it; returns when the first interpreter is warm. */
ISLE_API isle_status isle_pool_create(isle_runtime *runtime, const isle_pool_config *config, isle_pool **out_pool,
                                      isle_error **err);

/* Takes a warm interpreter, waiting for one until the deadline. ISLE_ERR_TIMEOUT, ISLE_ERR_STATE (being
 * destroyed), or why no interpreter could be made. */
ISLE_API isle_status isle_pool_acquire(isle_pool *pool, int64_t deadline, isle_interp *out_interp,
                                       isle_error **err);

/* Gives it back; returns at once. One that has ended or is stuck is replaced. ISLE_ERR_INVALID: not acquired from
 * this pool. */
ISLE_API isle_status isle_pool_release(isle_pool *pool, isle_interp interp);

typedef struct isle_pool_stats {
    size_t size;
    size_t warm, busy, making; /* now */
    uint64_t acquired, created, reset, replaced; /* since the beginning */
} isle_pool_stats;
ISLE_API void isle_pool_get_stats(isle_pool *pool, isle_pool_stats *out);

/* Ends all its interpreters, busy ones too, and frees it. NULL is fine. Before isle_runtime_stop. */
ISLE_API isle_status isle_pool_destroy(isle_pool *pool, int64_t deadline, isle_error **err);

ISLE_END_DECLS

#endif
