/* Arenas: the megabytes that CPython's small-object allocator takes from the system.
 *
 * They are recycled between interpreters (a fresh interpreter takes four page faults instead of 260), and, on
 * engines that leak them, followed by owner so that they can be given back when an interpreter has ended. CPython
 * 3.13 keeps the whole allocator of an interpreter whose count of blocks is not zero at the end, which is always
 * (python/cpython#113055): about 7 MB a time. Recycled arenas keep their old content; CPython does not ask for zeros.
 *
 * Installed before Py_Initialize; an adopted runtime keeps its own. Called by CPython with the GIL of some interpreter;
 * the lock is a leaf. */
#include <sys/mman.h>

#include "python.h"

enum { RECYCLED_MAX = 32 };
static const size_t ARENA = (size_t)1 << 20;

typedef struct arena {
    void *memory;
    struct arena *next;
} arena;

struct arena_owner {
    PyInterpreterState *state;
    arena *arenas;
    struct arena_owner *next;
};

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER};
static void *recycled[RECYCLED_MAX];
static size_t recycled_count;
static struct arena_owner *owners;
static ENGINE_THREAD_LOCAL struct arena_owner *current_owner;

static void *map_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

/* Locked. The thread's owner, or on threads that Python started, that of the interpreter it is attached to. */
static struct arena_owner *owner_of_thread(void)
{
    if (current_owner != NULL || owners == NULL) {
        return current_owner;
    }
    PyThreadState *current = PyThreadState_GetUnchecked();
    PyInterpreterState *state = current != NULL ? PyThreadState_GetInterpreter(current) : NULL;
    for (struct arena_owner *o = owners; state != NULL && o != NULL; o = o->next) {
        if (o->state == state) {
            return o;
        }
    }
    return NULL;
}

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *memory = NULL;
    if (size != ARENA) {
        return map_memory(size);
    }
    plat_lock_take(&lock);
    struct arena_owner *owner = owner_of_thread();
    if (recycled_count > 0) {
        memory = recycled[--recycled_count];
    }
    plat_lock_give(&lock);
    if (memory == NULL) {
        memory = map_memory(size);
    }
    arena *note = owner != NULL && memory != NULL ? plat_malloc(sizeof *note) : NULL;
    if (note != NULL) { /* without a note it is not given back early, no more */
        note->memory = memory;
        plat_lock_take(&lock);
        note->next = owner->arenas;
        owner->arenas = note;
        plat_lock_give(&lock);
    }
    return memory;
}

/* Locked. */
static void forget(void *memory)
{
    for (struct arena_owner *o = owners; o != NULL; o = o->next) {
        for (arena **link = &o->arenas; *link != NULL; link = &(*link)->next) {
            if ((*link)->memory == memory) {
                arena *note = *link;
                *link = note->next;
                plat_free(note);
                return;
            }
        }
    }
}

/* Locked. */
static bool recycle(void *memory)
{
    if (recycled_count == RECYCLED_MAX) {
        return false;
    }
    recycled[recycled_count++] = memory;
    return true;
}

static void release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    if (memory == NULL) { /* CPython 3.14 and newer do that */
        return;
    }
    bool kept = false;
    if (size == ARENA) {
        plat_lock_take(&lock);
        forget(memory);
        kept = recycle(memory);
        plat_lock_give(&lock);
    }
    if (!kept) {
        munmap(memory, size);
    }
}

void arena_start(void)
{
    PyObjectArenaAllocator allocator = {NULL, allocate, release};
    PyObject_SetArenaAllocator(&allocator);
}

struct arena_owner *arena_owner_new(void)
{
    struct arena_owner *owner = plat_calloc(1, sizeof *owner);
    if (owner != NULL) {
        plat_lock_take(&lock);
        owner->next = owners;
        owners = owner;
        plat_lock_give(&lock);
    }
    return owner;
}

void arena_owner_set_state(struct arena_owner *owner, PyInterpreterState *state)
{
    plat_lock_take(&lock);
    owner->state = state;
    plat_lock_give(&lock);
}

void arena_enter(struct arena_owner *owner)
{
    current_owner = owner;
}

void arena_owner_free(struct arena_owner *owner, bool give_back)
{
    if (owner == NULL) {
        return;
    }
    plat_lock_take(&lock);
    struct arena_owner **link = &owners;
    while (*link != owner) {
        link = &(*link)->next;
    }
    *link = owner->next;
    while (owner->arenas != NULL) {
        arena *note = owner->arenas;
        owner->arenas = note->next;
        if (give_back && !recycle(note->memory)) {
            munmap(note->memory, ARENA);
        }
        plat_free(note);
    }
    plat_lock_give(&lock);
    plat_free(owner);
}
