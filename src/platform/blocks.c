/* Blocks: memory of a few sizes that one thread takes and another gives back, as messages are. malloc() has a cache for
 * each thread, but for blocks that travel it is full on the one side and empty on the other, and both sides meet at the
 * lock of the arena that the blocks are from, for each message. Here they meet once in BATCH blocks: a thread has up to
 * two batches, and gives a whole one to the depot, or takes it from there. Each block is one of malloc()'s, so whatever
 * else is done with it is as well. Any thread. */
#include "fault.h"

#include <pthread.h>
#include <stddef.h>

enum { CLASSES = 4, SMALLEST = 128, BATCH = 16, MOST_BATCHES = 64 };

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(ISLES_FAULTS) || defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
enum { KEEPS = false }; /* each allocation is to be seen */
#else
enum { KEEPS = true };
#endif

typedef struct block {        /* that nobody has */
    struct block *next;       /* of its batch */
    struct block *next_batch; /* of the first of a batch in the depot */
} block;

typedef struct stash {  /* a thread's, of one class */
    block *some, *full; /* `full`: a whole batch or none */
    unsigned count;     /* of `some`, at most BATCH */
} stash;

static struct depot {
    plat_lock lock;
    block *batches;
    unsigned count;
} depots[CLASSES] = {
    {.lock = {PTHREAD_MUTEX_INITIALIZER}},
    {.lock = {PTHREAD_MUTEX_INITIALIZER}},
    {.lock = {PTHREAD_MUTEX_INITIALIZER}},
    {.lock = {PTHREAD_MUTEX_INITIALIZER}},
};

static PLAT_THREAD_LOCAL stash *of_thread; /* CLASSES of them */
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool has_key;

/* The smallest class with blocks of that size; CLASSES: none. */
static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < CLASSES && size > (size_t)SMALLEST << class) {
        class ++;
    }
    return class;
}

static void free_all(block *list)
{
    while (list != NULL) {
        block *next = list->next;
        plat_free(list);
        list = next;
    }
}

/* --- the depot ---------------------------------------------------------------------------------------------------- */

static void give_batch(struct depot *d, block *batch)
{
    plat_lock_take(&d->lock);
    bool kept = d->count < MOST_BATCHES;
    if (kept) {
        batch->next_batch = d->batches;
        d->batches = batch;
        d->count++;
    }
    plat_lock_give(&d->lock);
    if (!kept) {
        free_all(batch);
    }
}

static block *take_batch(struct depot *d)
{
    plat_lock_take(&d->lock);
    block *batch = d->batches;
    if (batch != NULL) {
        d->batches = batch->next_batch;
        d->count--;
    }
    plat_lock_give(&d->lock);
    return batch;
}

/* --- of a thread -------------------------------------------------------------------------------------------------- */

static void thread_ends(void *stashes)
{
    stash *all = stashes;
    of_thread = NULL;
    for (unsigned class = 0; class < CLASSES; class ++) {
        free_all(all[class].some);
        free_all(all[class].full);
    }
    plat_free(all);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, thread_ends) == 0;
}

static __attribute__((noinline)) stash *make_stashes(void)
{
    pthread_once(&key_once, make_key);
    stash *all = has_key ? plat_calloc(CLASSES, sizeof *all) : NULL;
    if (all != NULL && pthread_setspecific(key, all) != 0) {
        plat_free(all);
        all = NULL;
    }
    of_thread = all;
    return all;
}

/* NULL: nothing is kept. */
static inline stash *stash_of(unsigned class)
{
    if (!KEEPS || class == CLASSES) {
        return NULL;
    }
    stash *all = of_thread != NULL ? of_thread : make_stashes();
    return all != NULL ? &all[class] : NULL;
}

static void refill(stash *s, struct depot *d)
{
    s->some = s->full != NULL ? s->full : take_batch(d);
    s->full = NULL;
    s->count = s->some != NULL ? BATCH : 0;
}

void *plat_block_take(size_t size, size_t *out_size)
{
    unsigned class = class_of(size);
    stash *s = stash_of(class);
    *out_size = class < CLASSES ? (size_t)SMALLEST << class : size;
    if (s != NULL && s->count == 0) {
        refill(s, &depots[class]);
    }
    if (s == NULL || s->count == 0) {
        return plat_malloc(*out_size);
    }
    block *b = s->some;
    s->some = b->next;
    s->count--;
    return b;
}

void plat_block_give(void *memory, size_t size)
{
    unsigned class = class_of(size);
    stash *s = memory != NULL && class < CLASSES && size == (size_t)SMALLEST << class ? stash_of(class) : NULL;
    if (s == NULL) {
        plat_free(memory);
        return;
    }
    if (s->count == BATCH) {
        if (s->full != NULL) {
            give_batch(&depots[class], s->full);
        }
        s->full = s->some;
        s->some = NULL;
        s->count = 0;
    }
    block *b = memory;
    b->next = s->some;
    s->some = b;
    s->count++;
}

bool plat_blocks_are_kept(void)
{
    return KEEPS;
}
