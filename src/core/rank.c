/* The order of locks, checked: which ranks the thread holds, one bit each. */
#include <stdio.h>
#include <stdlib.h>

#include "core.h"

static _Thread_local unsigned held;

static void broken(const char *what, unsigned r)
{
    fprintf(stderr, "isles: lock order: %s (rank %u, held %#x)\n", what, r, held);
    abort();
}

void rank_take(rank r)
{
    if (held >> r != 0) {
        broken("this lock or a later one is held", r);
    }
    held |= 1U << r;
}

void rank_give(rank r)
{
    if ((held >> r & 1U) == 0) {
        broken("given but not held", r);
    }
    held &= ~(1U << r);
}

void rank_none(void)
{
    if (held != 0) {
        broken("a lock is held while user code or Python would run", 0);
    }
}
