/* A lock that is handed on in the order in which threads came, for what can take long under it: a write to somebody who
 * reads slowly. A wait for it ends when a signal came and the thread is to stop. A thread that has it may take it
 * again, as often. */
#ifndef ISLES_TURN_H
#define ISLES_TURN_H

#include <pthread.h>
#include <stdbool.h>

#include "platform.h"

typedef struct turn { /* zero is not enough: turn_init */
    plat_lock lock;   /* a leaf; guards the rest */
    struct turn_waiter *first, *last;
    pthread_t owner;
    unsigned depth; /* how often the owner has it; 0: nobody has */
    bool blocked;   /* the owner waits for a reader */
} turn;

typedef enum turn_result { TURN_TAKEN, TURN_BLOCKED, TURN_INTERRUPTED } turn_result;

/* How a thread waits. Zero: for as long as it takes. */
typedef struct turn_patience {
    bool unless_blocked;         /* not while the owner waits for a reader: TURN_BLOCKED */
    bool (*gives_up)(void *ctx); /* asked when a signal came, with no lock held. NULL: signals don't matter */
    void *ctx;
} turn_patience;

void turn_init(turn *t);
void turn_destroy(turn *t);
bool turn_try(turn *t); /* false: another thread has it */
turn_result turn_take(turn *t, const turn_patience *patience);
void turn_give(turn *t);
/* By who has it: sends those away that would not wait now. */
void turn_set_blocked(turn *t, bool blocked);

#endif
