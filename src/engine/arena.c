/* Arenas: the megabytes that CPython's small-object allocator takes from the system; also the chunks of its stacks of
 * frames, which come the same way.
 *
 * Each is counted to the account of the interpreter that it is for. In a runtime that Isles started they are recycled
 * between interpreters (a fresh interpreter takes four page faults instead of 260), with their old content: CPython
 * does not ask for zeros. And on engines that leak them they are given back when their interpreter has ended: CPython
 * 3.13 keeps the whole allocator of an interpreter whose count of blocks is not zero at the end, which is always
 * (python/cpython#113055): about 7 MB a time; and newer ones, where an extension lost an object (extensions.c). In a
 * runtime that Isles did not start, arenas come from where CPython takes them, and are not recycled.
 *
 * Called by CPython with the GIL of some interpreter; the lock is a leaf. */
#include <sys/mman.h>

#include "account.h"
#include "python.h"

enum { RECYCLED_MAX = 32, BUCKETS = 1024 };
static const size_t ARENA = (size_t)1 << 20;

typedef struct note { /* an arena that is somebody's */
    void *memory;
    size_t size;
    account *owner;
    struct note *next; /* of its bucket */
} note;

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER};
static void *recycled[RECYCLED_MAX];
static size_t recycled_count;
static note *buckets[BUCKETS];
static PyObjectArenaAllocator below; /* what CPython had, in a runtime that Isles did not start */

/* --- ours ------------------------------------------------------------------------------------------------------- */

static void *take(void *ctx, size_t size)
{
    (void)ctx;
    void *memory = NULL;
    plat_lock_take(&lock);
    if (size == ARENA && recycled_count > 0) {
        memory = recycled[--recycled_count];
    }
    plat_lock_give(&lock);
    if (memory == NULL) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    return memory != MAP_FAILED ? memory : NULL;
}

/* Locked. */
static bool recycle(void *memory, size_t size)
{
    if (size != ARENA || recycled_count == RECYCLED_MAX) {
        return false;
    }
    recycled[recycled_count++] = memory;
    return true;
}

static void give(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    plat_lock_take(&lock);
    bool kept = recycle(memory, size);
    plat_lock_give(&lock);
    if (!kept) {
        munmap(memory, size);
    }
}

/* --- notes ------------------------------------------------------------------------------------------------------ */

static note **bucket_of(const void *memory)
{
    return &buckets[((uintptr_t)memory >> 12) * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

static void keep(note *n)
{
    note **bucket = bucket_of(n->memory);
    plat_lock_take(&lock);
    n->next = *bucket;
    *bucket = n;
    plat_lock_give(&lock);
}

static note *forget(const void *memory)
{
    note **link = bucket_of(memory);
    plat_lock_take(&lock);
    while (*link != NULL && (*link)->memory != memory) {
        link = &(*link)->next;
    }
    note *found = *link;
    if (found != NULL) {
        *link = found->next;
    }
    plat_lock_give(&lock);
    return found;
}

/* NULL: over the limit, or no memory. */
static note *charge(account *a, size_t size)
{
    note *n = plat_malloc(sizeof *n);
    /* an arena is cut into small blocks; where there is none CPython asks for the block alone */
    if (n == NULL || !(size == ARENA ? account_charge_if_room(a, size) : account_charge(a, size))) {
        plat_free(n);
        return NULL;
    }
    *n = (note){.size = size, .owner = a};
    account_count_small(a, (int64_t)size);
    return n;
}

static void uncharge(note *n)
{
    if (n != NULL) {
        account_count_small(n->owner, -(int64_t)n->size);
        account_give_back(n->owner, n->size);
        plat_free(n);
    }
}

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    account *a = account_of_thread();
    note *n = a != NULL ? charge(a, size) : NULL;
    if (a != NULL && n == NULL) {
        return NULL;
    }
    void *memory = below.alloc(below.ctx, size);
    if (n != NULL && memory != NULL) {
        n->memory = memory;
        keep(n);
    } else {
        uncharge(n);
    }
    return memory;
}

static void release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    if (memory != NULL) { /* CPython 3.14 and newer do that */
        uncharge(forget(memory));
        below.free(below.ctx, memory, size);
    }
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

/* Also where nothing is counted: the first frame of a thread comes by here, and its CPU time counts from then on. */
void arena_start(void)
{
    PyObjectArenaAllocator hooks = {NULL, allocate, release}, ours = {NULL, take, give};
    PyObject_GetArenaAllocator(&below);
    if (!engine.adopted) {
        below = ours;
    }
    PyObject_SetArenaAllocator(&hooks);
}

void arena_give_back(account *owner)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        note *gone = NULL;
        plat_lock_take(&lock);
        for (note **link = &buckets[i]; *link != NULL;) {
            note *n = *link;
            if (n->owner == owner && n->size == ARENA) {
                *link = n->next;
                n->next = gone;
                gone = n;
            } else {
                link = &n->next;
            }
        }
        plat_lock_give(&lock);
        while (gone != NULL) {
            note *n = gone;
            gone = n->next;
            below.free(below.ctx, n->memory, n->size);
            uncharge(n);
        }
    }
}
