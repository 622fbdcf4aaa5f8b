/* Timers: what the warden waits for. A timer is embedded in what it is for, so that arming one needs no memory; those
 * that are armed form a pairing heap, the earliest at its root. The warden's lock guards the heap; see warden.c. */
#ifndef ISLES_CORE_TIMER_H
#define ISLES_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct timer timer;

/* What to do when it is due. The warden calls both on its own thread: `hold` under its lock, to keep the timer's owner
 * alive; then `fire` with no lock, which ends by letting the owner go. */
typedef struct timer_class {
    void (*hold)(timer *t);
    void (*fire)(timer *t);
} timer_class;

struct timer {
    const timer_class *class;
    int64_t at;             /* CLOCK_MONOTONIC, ns */
    bool armed;
    timer *child;           /* the first of those below */
    timer *next, *previous; /* siblings; the first one's `previous` is the parent */
};

typedef struct timer_heap {
    timer *root; /* the earliest; NULL: none is armed */
} timer_heap;

void timer_heap_add(timer_heap *heap, timer *t, int64_t at); /* not armed before */
void timer_heap_remove(timer_heap *heap, timer *t);          /* armed before */

#endif
