/* The table: which interpreters live, by id. Ids only grow, so a sorted array is kept by adding at its end; it spans
 * runtimes, since a handle is an id and nothing else. Any thread; the table's lock is held for a search at most. */
#include <string.h>

#include "core.h"

static struct {
    plat_lock lock;
    interp **items; /* sorted by id */
    size_t count, capacity;
    size_t reserved; /* places promised beyond `count` */
    _Atomic uint64_t last_id;
} table = {.lock = {PTHREAD_MUTEX_INITIALIZER}};

static void lock(void)
{
    core_lock(&table.lock, RANK_TABLE);
}

static void unlock(void)
{
    core_unlock(&table.lock, RANK_TABLE);
}

uint64_t table_new_id(void)
{
    return atomic_fetch_add(&table.last_id, 1) + 1;
}

bool table_was(uint64_t id)
{
    return id != 0 && id <= atomic_load(&table.last_id);
}

/* The place of the first item whose id is not below. */
static size_t place_of(uint64_t id)
{
    size_t low = 0, high = table.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table.items[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool grow(void)
{
    size_t capacity = table.capacity != 0 ? table.capacity * 2 : 8;
    interp **items = plat_realloc(table.items, capacity * sizeof(interp *));
    if (items == NULL) {
        return false;
    }
    table.items = items;
    table.capacity = capacity;
    return true;
}

bool table_reserve(void)
{
    lock();
    bool ok = table.count + table.reserved < table.capacity || grow();
    if (ok) {
        table.reserved++;
    }
    unlock();
    return ok;
}

/* With nothing in it, the table holds no memory. */
static void shrink(void)
{
    if (table.count + table.reserved == 0) {
        plat_free(table.items);
        table.items = NULL;
        table.capacity = 0;
    }
}

void table_unreserve(void)
{
    lock();
    table.reserved--;
    shrink();
    unlock();
}

void table_add(interp *in)
{
    lock();
    size_t at = place_of(in->id); /* near the end: several may be created at once */
    memmove(&table.items[at + 1], &table.items[at], (table.count - at) * sizeof(interp *));
    table.items[at] = in;
    table.count++;
    table.reserved--;
    unlock();
}

void table_remove(interp *in)
{
    lock();
    size_t at = place_of(in->id);
    if (at < table.count && table.items[at] == in) {
        table.count--;
        memmove(&table.items[at], &table.items[at + 1], (table.count - at) * sizeof(interp *));
        shrink();
    }
    unlock();
}

interp *table_take(uint64_t id)
{
    interp *in = NULL;
    lock();
    size_t at = place_of(id);
    if (at < table.count && table.items[at]->id == id) {
        in = table.items[at];
        interp_use(in);
    }
    unlock();
    return in;
}

interp *table_take_after(uint64_t id)
{
    interp *in = NULL;
    lock();
    size_t at = place_of(id + 1);
    if (at < table.count) {
        in = table.items[at];
        interp_use(in);
    }
    unlock();
    return in;
}

size_t isle_interp_list(isle_interp *out_interps, size_t capacity)
{
    lock();
    size_t count = table.count;
    for (size_t i = 0; i < count && i < capacity; i++) {
        out_interps[i].id = table.items[i]->id;
    }
    unlock();
    return count;
}
