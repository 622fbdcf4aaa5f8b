/* Which queues live: by id and by name. The registry's lock guards the list only; a queue in it may be on its way out
 * (refs 0), and whoever finds that one passes it by. Any thread. */
#include <string.h>

#include "queue_private.h"

static struct {
    plat_lock lock;
    queue *first;
    uint64_t last_id;
} registry = {.lock = {PTHREAD_MUTEX_INITIALIZER}};

queue *queue_ref(queue *q)
{
    atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
    return q;
}

static void close_level(const level *l)
{
    if (l->fd >= 0) {
        plat_descriptor_close(l->fd);
    }
}

static void destroy(queue *q)
{
    queue_drop_all(q->first);
    close_level(&q->readable);
    close_level(&q->writable);
    plat_lock_destroy(&q->lock);
    plat_free(q->name);
    plat_free(q);
}

void queue_unref(queue *q)
{
    if (q == NULL || atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    plat_lock_take(&registry.lock);
    *(q->previous != NULL ? &q->previous->next : &registry.first) = q->next;
    if (q->next != NULL) {
        q->next->previous = q->previous;
    }
    plat_lock_give(&registry.lock);
    destroy(q);
}

/* Lock held. A reference, or NULL. */
static queue *find(uint64_t id, const char *name)
{
    for (queue *q = registry.first; q != NULL; q = q->next) {
        bool same = name != NULL ? q->name != NULL && strcmp(q->name, name) == 0 : q->id == id;
        if (same && plat_ref_if_alive(&q->refs)) {
            return q;
        }
    }
    return NULL;
}

static queue *find_locked(uint64_t id, const char *name)
{
    plat_lock_take(&registry.lock);
    queue *q = find(id, name);
    plat_lock_give(&registry.lock);
    return q;
}

queue *queue_find(const char *name)
{
    return find_locked(0, name);
}

queue *queue_find_id(uint64_t id)
{
    return find_locked(id, NULL);
}

void queue_for_each(void (*fn)(queue *q, void *ctx), void *ctx)
{
    queue *before = NULL;
    plat_lock_take(&registry.lock);
    for (queue *q = registry.first; q != NULL; q = q->next) {
        if (!plat_ref_if_alive(&q->refs)) {
            continue;
        }
        plat_lock_give(&registry.lock);
        queue_unref(before); /* our reference kept it in the list while we stood on it */
        fn(q, ctx);
        before = q;
        plat_lock_take(&registry.lock);
    }
    plat_lock_give(&registry.lock);
    queue_unref(before);
}

static queue *allocate(const char *name, queue_limits limits, int tag)
{
    queue *q = plat_calloc(1, sizeof *q);
    char *copy = q != NULL ? plat_strdup(name) : NULL;
    if (q == NULL || (name != NULL && copy == NULL)) {
        plat_free(q);
        return NULL;
    }
    atomic_store(&q->refs, 1);
    q->name = copy;
    q->limits = limits;
    q->tag = tag;
    q->readable.fd = q->writable.fd = -1;
    plat_lock_init(&q->lock);
    return q;
}

/* A queue of that name that lives, or NULL and `q` is in the list. */
static queue *enlist(queue *q)
{
    plat_lock_take(&registry.lock);
    queue *taken = q->name != NULL ? find(0, q->name) : NULL;
    if (taken == NULL) {
        q->id = ++registry.last_id;
        q->next = registry.first;
        if (q->next != NULL) {
            q->next->previous = q;
        }
        registry.first = q;
    }
    plat_lock_give(&registry.lock);
    return taken;
}

queue *queue_new(const char *name, queue_limits limits, int tag, bool *out_taken)
{
    queue *q = allocate(name, limits, tag);
    queue *taken = q != NULL ? enlist(q) : NULL;
    *out_taken = taken != NULL;
    if (taken != NULL) {
        destroy(q);
        queue_unref(taken);
        return NULL;
    }
    return q;
}

uint64_t queue_id(const queue *q)
{
    return q->id;
}

const char *queue_name(const queue *q)
{
    return q->name;
}

queue_limits queue_limits_of(const queue *q)
{
    return q->limits;
}

int queue_tag(const queue *q)
{
    return q->tag;
}
