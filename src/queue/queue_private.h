/* The queue's struct, for queue.c (messages and waiters) and registry.c (lifetime, ids, names). */
#ifndef ISLES_QUEUE_PRIVATE_H
#define ISLES_QUEUE_PRIVATE_H

#include "platform.h"
#include "queue.h"

typedef struct waiter {
    struct waiter *next, *previous;
    plat_gate gate;
    bool called;       /* taken off the list by somebody who has something for it */
    bool lost;         /* was called before, and found nothing any more */
    size_t size_bytes; /* of a producer's message */
} waiter;

typedef struct waiters {
    waiter *first, *last;
    size_t count;
    size_t called, called_bytes; /* off the list, and not back under the lock yet */
    size_t called_again;         /* ... of those the ones that lost before */
} waiters;

typedef struct level { /* a descriptor that follows a condition */
    int fd;            /* -1: none yet */
    bool is_set;
} level;

struct isle_queue {
    _Atomic uint32_t refs;
    /* the registry's: written before anyone knows the queue, but the links under its lock */
    uint64_t id;
    char *name;
    int tag;
    queue *next, *previous;

    queue_limits limits;
    plat_lock lock; /* guards what follows */
    queue_message *first, *last;
    size_t items, bytes;
    uint64_t put, got;
    waiters getters, putters;
    bool closed;
    level readable, writable;
    size_t refused_bytes; /* the largest message that was refused since the last that was put: `writable` is for it */
};

void queue_drop_all(queue_message *list);

#endif
