/* Pools: interpreters kept warm. A pool has as many slots as its capacity; each holds one interpreter, or waits for
 * one. The pool's worker thread fills the slots and resets what was given back, so that acquire and release only
 * take the lock and change a slot's state:
 *
 *            make                acquire            release
 *   EMPTY ---------> WARM ------------------> BUSY ---------> USED
 *     ^  \            ^                                         |
 *     |   (failed)    +------------------ reset ----------------+   worker
 *     +----------------- end, for ISLE_REUSE_NEVER, too many uses, or a reset that failed
 *
 * The lock guards everything but what the worker does with the slot that it has in hand (HELD). No function of
 * Isles that waits is called under it. This file sees the public headers only. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <isles/pool.h>

#include "policy_copy.h"

#define DEFAULT_CAPACITY 2
#define DEFAULT_END_GRACE_NS ISLE_SECOND

typedef enum slot_state { SLOT_EMPTY, SLOT_HELD, SLOT_WARM, SLOT_BUSY, SLOT_USED } slot_state;

typedef struct slot {
    slot_state state;
    isle_interp interp; /* 0: none */
    uint64_t uses;
} slot;

struct isle_pool {
    isle_runtime *runtime;
    size_t capacity;
    isle_reuse reuse;
    uint64_t max_uses;
    int64_t end_grace_ns;
    char *warm_up;
    isle_interp_config interp; /* its texts are ours */
    pthread_t worker;

    pthread_mutex_t lock;
    pthread_cond_t for_worker;
    pthread_cond_t for_callers;
    bool stopping;
    bool worker_is_busy; /* it looks at the slots again before it sleeps */
    size_t waiting;      /* calls of isle_pool_acquire */
    bool retry;          /* somebody waits: try again though the last attempt failed */
    uint64_t failures;   /* attempts to make an interpreter */
    isle_status failure; /* of the last attempt; ISLE_OK: it worked */
    isle_error *error;   /* its error, until the first one takes it */
    char failure_text[256];
    uint64_t acquired, created, reset, replaced;
    slot *slots;
    isle_interp *ending; /* those that were told to end, and may not have yet; as many as slots */
};

/* --- copies ------------------------------------------------------------------------------------------------------- */

/* One block: the array and its texts. */
static bool copy_texts(const char *const **items, size_t count)
{
    size_t size = count * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        size += strlen((*items)[i]) + 1;
    }
    if (count == 0) {
        *items = NULL;
        return true;
    }
    char **copies = malloc(size);
    if (copies == NULL) {
        *items = NULL;
        return false;
    }
    char *at = (char *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen((*items)[i]) + 1;
        copies[i] = memcpy(at, (*items)[i], len);
        at += len;
    }
    *items = (const char *const *)copies;
    return true;
}

static bool copy_text(const char **text)
{
    if (*text != NULL) {
        *text = strdup(*text);
        return *text != NULL;
    }
    return true;
}

static bool texts_are_whole(const char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items == NULL || items[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* A struct that begins with its size; a size that makes no sense is refused when an interpreter is made. */
static bool copy_budgets(const isle_budgets **budgets)
{
    const isle_budgets *callers = *budgets;
    *budgets = NULL;
    if (callers == NULL) {
        return true;
    }
    size_t size = callers->size > sizeof callers->size ? callers->size : sizeof callers->size;
    isle_budgets *own = malloc(size);
    if (own != NULL) {
        memcpy(own, callers, size);
    }
    *budgets = own;
    return own != NULL;
}

static void free_interp_config(isle_interp_config *c)
{
    free((char *)c->name);
    free((char *)c->venv);
    free((void *)c->path);
    free((void *)c->env);
    free((void *)c->warnings);
    free((void *)c->xoptions);
    free((void *)c->budgets);
    policy_copy_free((isle_policy *)c->policy);
}

/* `own` holds the caller's pointers; afterwards its own, or nothing. *out_fault is written where it is not memory. */
static bool copy_interp_config(isle_interp_config *own, const char **out_fault)
{
    isle_interp_config c = *own;
    bool ok = copy_text(&c.name);
    ok = copy_text(&c.venv) && ok;
    ok = copy_texts(&c.path, c.path_count) && ok;
    ok = copy_texts(&c.env, c.env_count) && ok;
    ok = copy_texts(&c.warnings, c.warning_count) && ok;
    ok = copy_texts(&c.xoptions, c.xoption_count) && ok;
    ok = copy_budgets(&c.budgets) && ok;
    if (c.policy != NULL) {
        c.policy = policy_copy(c.policy, out_fault);
        ok = c.policy != NULL && ok;
    }
    *own = c;
    return ok;
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

static isle_status fail(isle_error **err, isle_status status, const char *text)
{
    if (err != NULL) {
        *err = isle_error_new(status, text);
    }
    return status;
}

/* Lock held. The first one gets the whole error, the others its text. */
static isle_status give_failure(isle_pool *pool, isle_error **err)
{
    if (err == NULL || pool->error == NULL) {
        return fail(err, pool->failure, pool->failure_text);
    }
    *err = pool->error;
    pool->error = NULL;
    return pool->failure;
}

/* Lock held. Takes `error` over. */
static void note_failure(isle_pool *pool, isle_status status, isle_error *error)
{
    isle_error_free(pool->error);
    pool->error = error;
    pool->failure = status;
    pool->failures++;
    const char *text = error != NULL ? isle_error_message(error) : isle_status_text(status);
    snprintf(pool->failure_text, sizeof pool->failure_text, "%s", text);
}

/* --- the worker --------------------------------------------------------------------------------------------------- */

static slot *find(isle_pool *pool, slot_state state)
{
    for (size_t i = 0; i < pool->capacity; i++) {
        if (pool->slots[i].state == state) {
            return &pool->slots[i];
        }
    }
    return NULL;
}

static bool takes_jobs(isle_interp interp)
{
    isle_interp_stats stats = {.size = sizeof stats};
    return isle_interp_get_stats(interp, &stats) == ISLE_OK &&
           (stats.state == ISLE_INTERP_IDLE || stats.state == ISLE_INTERP_RUNNING);
}

static bool lives(isle_interp interp)
{
    isle_interp_stats stats = {.size = sizeof stats};
    return interp.id != 0 && isle_interp_get_stats(interp, &stats) == ISLE_OK;
}

/* Tells it to end, and remembers it until it has. When too many are ending, waits for this one. */
static void retire(isle_pool *pool, isle_interp interp)
{
    for (size_t i = 0; i < pool->capacity; i++) {
        if (!lives(pool->ending[i])) {
            pool->ending[i] = interp;
            isle_interp_end_later(interp, isle_deadline_in(pool->end_grace_ns));
            return;
        }
    }
    isle_interp_end(interp, isle_deadline_in(pool->end_grace_ns), NULL);
}

/* Lock held when it is called and when it returns; not in between. Puts an interpreter into the slot, so that
 * isle_pool_destroy finds it even while it warms up. */
static isle_status make(isle_pool *pool, slot *s, isle_error **err)
{
    isle_interp interp = {0};
    pthread_mutex_unlock(&pool->lock);
    isle_status status = isle_interp_create(pool->runtime, &pool->interp, &interp, err);
    pthread_mutex_lock(&pool->lock);
    s->interp = interp;
    s->uses = 0;
    if (status != ISLE_OK || pool->stopping) {
        return status;
    }
    pthread_mutex_unlock(&pool->lock);
    if (pool->warm_up != NULL) {
        status = isle_interp_run(interp, pool->warm_up, ISLE_FOREVER, err);
    }
    if (status == ISLE_OK && pool->reuse == ISLE_REUSE_RESET) {
        status = isle_interp_mark(interp, ISLE_FOREVER, err);
    }
    if (status != ISLE_OK) {
        retire(pool, interp);
    }
    pthread_mutex_lock(&pool->lock);
    return status;
}

static void fill(isle_pool *pool, slot *s)
{
    isle_error *error = NULL;
    s->state = SLOT_HELD;
    pool->retry = false;
    isle_status status = make(pool, s, &error);
    if (status == ISLE_OK) {
        s->state = SLOT_WARM;
        pool->created++;
        pool->failure = ISLE_OK;
    } else {
        s->state = SLOT_EMPTY;
        s->interp.id = 0;
        note_failure(pool, status, error);
    }
    pthread_cond_broadcast(&pool->for_callers);
}

/* Resets what was given back, or makes the slot empty. */
static void renew(isle_pool *pool, slot *s)
{
    bool reuse = pool->reuse == ISLE_REUSE_RESET && (pool->max_uses == 0 || s->uses < pool->max_uses);
    s->state = SLOT_HELD;
    pthread_mutex_unlock(&pool->lock);
    reuse = reuse && isle_interp_reset(s->interp, isle_deadline_in(pool->end_grace_ns), NULL) == ISLE_OK;
    if (!reuse) {
        retire(pool, s->interp);
    }
    pthread_mutex_lock(&pool->lock);
    if (reuse) {
        s->state = SLOT_WARM;
        pool->reset++;
        pthread_cond_broadcast(&pool->for_callers);
    } else {
        s->state = SLOT_EMPTY;
        s->interp.id = 0;
        pool->replaced++;
        pool->retry = true;
    }
}

/* The worker does not push aside the thread that gives an interpreter back and so wakes it. Its interpreters' threads
 * are as others. */
static void step_back(void)
{
#ifdef SCHED_RESET_ON_FORK
    const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &none); /* Linux: 0 is this thread; may fail */
#endif
}

static void *work(void *arg)
{
    isle_pool *pool = arg;
    step_back();
    pthread_mutex_lock(&pool->lock);
    pool->worker_is_busy = true;
    while (!pool->stopping) {
        slot *used = find(pool, SLOT_USED);
        slot *empty = pool->failure == ISLE_OK || pool->retry ? find(pool, SLOT_EMPTY) : NULL;
        if (used != NULL) {
            renew(pool, used);
        } else if (empty != NULL) {
            fill(pool, empty);
        } else {
            pool->worker_is_busy = false;
            pthread_cond_wait(&pool->for_worker, &pool->lock);
            pool->worker_is_busy = true;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* --- making and destroying ---------------------------------------------------------------------------------------- */

static void pool_free(isle_pool *pool)
{
    pthread_cond_destroy(&pool->for_callers);
    pthread_cond_destroy(&pool->for_worker);
    pthread_mutex_destroy(&pool->lock);
    free_interp_config(&pool->interp);
    isle_error_free(pool->error);
    free(pool->warm_up);
    free(pool->slots);
    free(pool->ending);
    free(pool);
}

/* Copies a caller's struct of another version: what it lacks is zero. Both begin with their size_t size. */
static bool take_config(void *own, size_t own_size, const void *callers)
{
    size_t size;
    memcpy(&size, callers, sizeof size);
    if (size < sizeof size) {
        return false;
    }
    for (size_t i = own_size; i < size; i++) {
        if (((const unsigned char *)callers)[i] != 0) {
            return false; /* a field that we don't know */
        }
    }
    memcpy(own, callers, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof own_size);
    return true;
}

static const char *fault_of(const isle_pool_config *c, const isle_interp_config *interp)
{
    if (c->reuse != ISLE_REUSE_NEVER && c->reuse != ISLE_REUSE_RESET) {
        return "isle_pool_config.reuse is none of isle_reuse";
    }
    if (c->end_grace_ns < 0) {
        return "isle_pool_config.end_grace_ns is negative";
    }
    if (!texts_are_whole(interp->path, interp->path_count) || !texts_are_whole(interp->env, interp->env_count) ||
        !texts_are_whole(interp->warnings, interp->warning_count) ||
        !texts_are_whole(interp->xoptions, interp->xoption_count)) {
        return "isle_pool_config.interp has a NULL among its texts";
    }
    return NULL;
}

static isle_pool *pool_new(isle_runtime *runtime, const isle_pool_config *c, const isle_interp_config *interp,
                           const char **out_fault)
{
    isle_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->for_worker, &attr);
    pthread_cond_init(&pool->for_callers, &attr);
    pthread_condattr_destroy(&attr);
    pool->runtime = runtime;
    pool->capacity = c->capacity != 0 ? c->capacity : DEFAULT_CAPACITY;
    pool->reuse = c->reuse;
    pool->max_uses = c->max_uses;
    pool->end_grace_ns = c->end_grace_ns != 0 ? c->end_grace_ns : DEFAULT_END_GRACE_NS;
    pool->interp = *interp;
    bool ok = copy_interp_config(&pool->interp, out_fault);
    pool->warm_up = c->warm_up != NULL ? strdup(c->warm_up) : NULL;
    pool->slots = calloc(pool->capacity, sizeof *pool->slots);
    pool->ending = calloc(pool->capacity, sizeof *pool->ending);
    if (!ok || pool->slots == NULL || pool->ending == NULL || (c->warm_up != NULL && pool->warm_up == NULL)) {
        pool_free(pool);
        return NULL;
    }
    return pool;
}

static isle_status await_first(isle_pool *pool, isle_error **err)
{
    isle_status status = ISLE_OK;
    pthread_mutex_lock(&pool->lock);
    while (pool->created == 0 && pool->failures == 0) {
        pthread_cond_wait(&pool->for_callers, &pool->lock);
    }
    if (pool->created == 0) {
        status = give_failure(pool, err);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

isle_status isle_pool_create(isle_runtime *runtime, const isle_pool_config *config, isle_pool **out_pool,
                             isle_error **err)
{
    isle_pool_config own = ISLE_POOL_CONFIG_INIT;
    isle_interp_config interp = ISLE_INTERP_CONFIG_INIT;
    if ((config != NULL && !take_config(&own, sizeof own, config)) ||
        (own.interp != NULL && !take_config(&interp, sizeof interp, own.interp))) {
        return fail(err, ISLE_ERR_INVALID, "isle_pool_config: a size that is not set, or a field that is not known");
    }
    const char *fault = out_pool == NULL ? "out_pool is NULL" : fault_of(&own, &interp);
    if (fault != NULL) {
        return fail(err, ISLE_ERR_INVALID, fault);
    }
    isle_pool *pool = pool_new(runtime, &own, &interp, &fault);
    if (pool == NULL) {
        return fail(err, fault != NULL ? ISLE_ERR_INVALID : ISLE_ERR_NOMEM, fault != NULL ? fault : "out of memory");
    }
    if (pthread_create(&pool->worker, NULL, work, pool) != 0) {
        pool_free(pool);
        return fail(err, ISLE_ERR_SYSTEM, "no thread for the pool");
    }
    isle_status status = await_first(pool, err);
    if (status != ISLE_OK) {
        isle_pool_destroy(pool, 0, NULL);
        return status;
    }
    *out_pool = pool;
    return ISLE_OK;
}

/* After this nobody is in isle_pool_acquire. */
static void turn_away(isle_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->for_worker);
    pthread_cond_broadcast(&pool->for_callers);
    while (pool->waiting != 0) {
        pthread_cond_wait(&pool->for_callers, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* All begin to end at once, so that the worker, which may wait for one, comes back. */
static void begin_ending(isle_pool *pool, int64_t deadline)
{
    for (size_t i = 0; i < pool->capacity; i++) {
        pthread_mutex_lock(&pool->lock);
        isle_interp interp = pool->slots[i].interp;
        pthread_mutex_unlock(&pool->lock);
        if (interp.id != 0) {
            isle_interp_end_later(interp, deadline);
        }
    }
}

/* The first one that fails counts. */
static isle_status end(isle_interp interp, int64_t deadline, isle_status status, isle_error **err)
{
    if (interp.id == 0) {
        return status;
    }
    isle_status ended = isle_interp_end(interp, deadline, status == ISLE_OK ? err : NULL);
    return status == ISLE_OK ? ended : status;
}

isle_status isle_pool_destroy(isle_pool *pool, int64_t deadline, isle_error **err)
{
    if (pool == NULL) {
        return ISLE_OK;
    }
    isle_status status = ISLE_OK;
    turn_away(pool);
    begin_ending(pool, deadline);
    pthread_join(pool->worker, NULL);
    for (size_t i = 0; i < pool->capacity; i++) {
        status = end(pool->slots[i].interp, deadline, status, err);
        status = end(pool->ending[i], deadline, status, err);
    }
    pool_free(pool);
    return status;
}

/* --- using -------------------------------------------------------------------------------------------------------- */

/* false: the deadline passed. */
static bool wait_until(isle_pool *pool, int64_t deadline)
{
    if (deadline == ISLE_FOREVER) {
        pthread_cond_wait(&pool->for_callers, &pool->lock);
        return true;
    }
    if (deadline <= isle_now()) {
        return false;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline / ISLE_SECOND), .tv_nsec = (long)(deadline % ISLE_SECOND)};
    return pthread_cond_timedwait(&pool->for_callers, &pool->lock, &until) != ETIMEDOUT;
}

/* Lock held, but not while it looks. A warm one may have been ended by others. */
static bool take_warm(isle_pool *pool, isle_interp *out_interp)
{
    for (slot *s; (s = find(pool, SLOT_WARM)) != NULL;) {
        isle_interp interp = s->interp;
        s->state = SLOT_BUSY;
        pthread_mutex_unlock(&pool->lock);
        bool good = takes_jobs(interp);
        pthread_mutex_lock(&pool->lock);
        if (good) {
            s->uses++;
            pool->acquired++;
            *out_interp = interp;
            return true;
        }
        s->state = SLOT_USED;
        pthread_cond_signal(&pool->for_worker);
    }
    return false;
}

static bool may_get_one(isle_pool *pool)
{
    return find(pool, SLOT_BUSY) != NULL || find(pool, SLOT_USED) != NULL || find(pool, SLOT_HELD) != NULL;
}

/* Lock held. */
static isle_status acquire(isle_pool *pool, int64_t deadline, isle_interp *out_interp, isle_error **err)
{
    uint64_t failures = pool->failures;
    if (pool->failure != ISLE_OK) {
        pool->retry = true;
        pthread_cond_signal(&pool->for_worker);
    }
    bool in_time = true;
    for (;;) {
        if (pool->stopping) {
            return fail(err, ISLE_ERR_STATE, "the pool is being destroyed");
        }
        if (take_warm(pool, out_interp)) {
            return ISLE_OK;
        }
        if (pool->failures != failures && !may_get_one(pool)) {
            return give_failure(pool, err);
        }
        if (!in_time) {
            return fail(err, ISLE_ERR_TIMEOUT, "no interpreter of the pool was free in time");
        }
        in_time = wait_until(pool, deadline);
    }
}

isle_status isle_pool_acquire(isle_pool *pool, int64_t deadline, isle_interp *out_interp, isle_error **err)
{
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    isle_status status = acquire(pool, deadline, out_interp, err);
    pool->waiting--;
    if (pool->stopping) {
        pthread_cond_broadcast(&pool->for_callers);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

isle_status isle_pool_release(isle_pool *pool, isle_interp interp)
{
    isle_status status = ISLE_ERR_INVALID;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->capacity && status != ISLE_OK; i++) {
        slot *s = &pool->slots[i];
        if (s->state == SLOT_BUSY && s->interp.id == interp.id) {
            s->state = SLOT_USED;
            status = ISLE_OK;
        }
    }
    bool awake = pool->worker_is_busy;
    pthread_mutex_unlock(&pool->lock);
    if (status == ISLE_OK && !awake) {
        pthread_cond_signal(&pool->for_worker);
    }
    return status;
}

void isle_pool_get_stats(isle_pool *pool, isle_pool_stats *out)
{
    isle_pool_stats s = {.size = out->size};
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->capacity; i++) {
        slot_state state = pool->slots[i].state;
        s.warm += state == SLOT_WARM;
        s.busy += state == SLOT_BUSY;
        s.making += state == SLOT_USED || state == SLOT_HELD;
    }
    s.acquired = pool->acquired;
    s.created = pool->created;
    s.reset = pool->reset;
    s.replaced = pool->replaced;
    pthread_mutex_unlock(&pool->lock);
    memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
}
