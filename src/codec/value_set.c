/* Lists whose order doesn't count: the items of sets. They are compared by hash first, each item with those of the same
 * hash only, so that neither many items nor sets within sets make it slow. A list may hold an item twice (nobody
 * checked what came from outside), and then the other must, too.
 *
 * It takes memory for the hashes of more than a few items. Without memory the answer is the same, and slow. */
#include "value_impl.h"

#include <stdlib.h>

#include <platform.h>

#define FEW 8 /* on the stack, which may be 500 sets deep */

typedef struct entry {
    uint32_t hash;
    const isle_value *item;
} entry;

uint64_t value_sum_of_hashes(const isle_value *list)
{
    size_t count = value_count(list);
    uint64_t sum = count;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = value_hash(&list->block->cells[i]);
        sum += hash * (hash | 1); /* so that the sum is not one of a few bits */
    }
    return sum;
}

static int by_hash(const void *a, const void *b)
{
    uint32_t x = ((const entry *)a)->hash, y = ((const entry *)b)->hash;
    return (x > y) - (x < y);
}

static void collect(entry *entries, const isle_value *list)
{
    size_t count = value_count(list);
    for (size_t i = 0; i < count; i++) {
        const isle_value *item = &list->block->cells[i];
        entries[i] = (entry){.hash = value_hash(item), .item = item};
    }
    qsort(entries, count, sizeof(*entries), by_hash);
}

/* Finds b's equal of *a among those of its hash, and brings it to the front of `b`, which has `count` left. */
static bool match(const entry *a, entry *b, size_t count)
{
    for (size_t i = 0; i < count && b[i].hash == a->hash; i++) {
        if (isle_value_equal(a->item, b[i].item)) {
            entry found = b[i];
            b[i] = b[0];
            b[0] = found;
            return true;
        }
    }
    return false;
}

static bool equal_sorted(const isle_value *a, const isle_value *b, entry *entries)
{
    size_t count = value_count(a);
    collect(entries, a);
    collect(entries + count, b);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].hash != entries[count + i].hash) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!match(&entries[i], &entries[count + i], count - i)) {
            return false;
        }
    }
    return true;
}

static size_t count_of(const isle_value *list, const isle_value *item, uint32_t hash)
{
    size_t count = value_count(list), found = 0;
    for (size_t i = 0; i < count; i++) {
        const isle_value *other = &list->block->cells[i];
        found += value_hash(other) == hash && isle_value_equal(other, item);
    }
    return found;
}

static bool equal_without_memory(const isle_value *a, const isle_value *b)
{
    size_t count = value_count(a);
    for (size_t i = 0; i < count; i++) {
        const isle_value *item = &a->block->cells[i];
        uint32_t hash = value_hash(item);
        if (count_of(a, item, hash) != count_of(b, item, hash)) {
            return false;
        }
    }
    return true;
}

static bool equal_many(const isle_value *a, const isle_value *b)
{
    entry *entries = plat_calloc(value_count(a), 2 * sizeof(*entries));
    if (!entries) {
        return equal_without_memory(a, b);
    }
    bool equal = equal_sorted(a, b, entries);
    plat_free(entries);
    return equal;
}

bool value_equal_unordered(const isle_value *a, const isle_value *b)
{
    if (value_count(a) != value_count(b)) {
        return false;
    }
    if (value_count(a) > FEW) {
        return equal_many(a, b);
    }
    entry entries[2 * FEW];
    return equal_sorted(a, b, entries);
}
