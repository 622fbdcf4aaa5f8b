/* A bounded queue of messages, for any number of producers and consumers on any threads. It knows neither values nor
 * Python: a message is bytes counted against the limits, and a function that drops it.
 *
 * Order     what one producer puts comes out in that order. Waiters are served first come, first served, unless a
 *           thread that just comes is quicker than the one that was woken; that one then is the first again, and a
 *           waiting producer is overtaken so once at the most.
 * Waking    one message wakes one getter, one place one producer. Nobody polls; a wake-up that reaches somebody who
 *           gives up is handed on.
 * Locks     one a queue, a leaf: messages are dropped, and waiters woken, after it was given.
 * Lifetime  counted. Each has an id, never used again, and may have a name; by either it is found while it lives. */
#ifndef ISLES_QUEUE_ROOM_H
#define ISLES_QUEUE_ROOM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct isle_queue queue; /* what the public API calls isle_queue */

enum { QUEUE_TAG = -1 };

typedef struct queue_message {
    struct queue_message *next;  /* the queue's while it is in there */
    size_t size_bytes;           /* counts against max_bytes */
    uint64_t sender;             /* 0: nobody; for queue_sender_ended */
    int tag;                     /* of the putter's; QUEUE_TAG: the queue's */
    bool unbound;                /* its sender has ended, and that matters: it is taken alone */
    void (*drop)(struct queue_message *message);
} queue_message;

typedef struct queue_limits { /* 0: none */
    size_t max_items;
    size_t max_bytes; /* a message that is larger goes only into an empty queue */
} queue_limits;

typedef enum queue_result { QUEUE_OK, QUEUE_TIMEOUT, QUEUE_CLOSED, QUEUE_INTERRUPTED } queue_result;

/* Asked when a signal came during a wait: true gives up with QUEUE_INTERRUPTED. NULL: signals don't matter. */
typedef struct queue_patience {
    int64_t deadline; /* CLOCK_MONOTONIC; in the past: don't wait */
    bool (*gives_up)(void *ctx);
    void *ctx;
} queue_patience;

/* NULL and *out_taken: a queue of that name lives; NULL alone: no memory. `name` (may be NULL) is copied. `tag` is
 * the caller's to keep (queue_tag). */
queue *queue_new(const char *name, queue_limits limits, int tag, bool *out_taken);
queue *queue_ref(queue *q);
void queue_unref(queue *q); /* the last one drops what is left; NULL is fine */
uint64_t queue_id(const queue *q);
const char *queue_name(const queue *q); /* NULL: none */
queue_limits queue_limits_of(const queue *q);
int queue_tag(const queue *q);
static inline int queue_tag_of(const queue *q, const queue_message *message)
{
    return message->tag != QUEUE_TAG ? message->tag : queue_tag(q);
}
/* A reference, or NULL. */
queue *queue_find(const char *name);
queue *queue_find_id(uint64_t id);
/* Calls `fn` for each queue that lives, with a reference held and no lock. */
void queue_for_each(void (*fn)(queue *q, void *ctx), void *ctx);

/* Takes the message over on QUEUE_OK only. */
queue_result queue_put(queue *q, queue_message *message, const queue_patience *patience);
/* Takes at least one, up to `most`, linked by `next`; one that is unbound comes alone. *out_count may be NULL.
 * QUEUE_CLOSED: closed and empty. */
queue_result queue_get(queue *q, size_t most, queue_message **out_list, size_t *out_count,
                       const queue_patience *patience);

/* From now on putting fails; what is in there can be got. */
void queue_close(queue *q);

/* What is to become of the messages of a sender that has ended: `what` is called for each under the lock and may
 * change it (set `unbound`, say), or say false to have it dropped. */
void queue_sender_ended(queue *q, uint64_t sender, bool (*what)(queue_message *message, void *ctx), void *ctx);

/* A descriptor that is readable exactly while a get would not wait (a message is there, or the queue is closed).
 * Made at the first call; the queue's. -1 and errno. */
int queue_fd(queue *q);
/* Likewise, exactly while a put would not wait: one of a message as large as the largest that was refused since the
 * last that was put. */
int queue_room_fd(queue *q);

/* queue_fd for a poll by the calling thread, whose table of descriptors may be its own: then a duplicate in that, which
 * queue_polled_fd closes. */
int queue_fd_to_poll(queue *q);
void queue_polled_fd(int fd);

/* Waits until one of the descriptors is ready for its events. How many are; 0: the deadline passed; -1 and errno: EINTR
 * (it gave up), EBADF (one is not open), what ppoll() says. */
int queue_poll(struct pollfd *polled, size_t count, const queue_patience *patience);

typedef struct queue_counts {
    size_t items, bytes, getters, putters; /* now; the last two wait */
    uint64_t put, got;                     /* ever */
    bool closed;
} queue_counts;
queue_counts queue_count(queue *q);

#endif
