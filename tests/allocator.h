/* An allocator of the program's own, as jemalloc is one: allocator.c, a library that comes before libc. */
#ifndef ISLES_TEST_ALLOCATOR_H
#define ISLES_TEST_ALLOCATOR_H

#include <stdbool.h>

/* Stays in the allocator's code, as one does that holds its lock, until it is let go: then true. */
bool allocator_hold(void);
void allocator_let_go(void);

#endif
