/* Queues: bounded mailboxes of values, between any threads of the host and of any interpreter.
 *
 * Order      what one producer puts comes out in that order.
 * Waiting    by futex, woken by put, get, close, the deadline; in an interpreter also by the cancelling of its job
 *            and by its end. Nothing is polled. A thread that is attached to an interpreter is detached while it waits.
 * Ownership  a queue is counted: _create and _find give you a reference, end it with isle_queue_free. What is in
 *            it when the last reference goes is dropped. Python's isles.Queue objects are references too.
 * Threads    any. */
#ifndef ISLES_QUEUE_H
#define ISLES_QUEUE_H

#include <isles/runtime.h>
#include <isles/value.h>

ISLE_BEGIN_DECLS

typedef struct isle_queue isle_queue;

/* What becomes of values whose sending interpreter ends before they are got (PEP 734). What the host put has no such
 * sender. */
typedef enum isle_unbound {
    ISLE_UNBOUND_KEEP,   /* they stay: a value is a copy and needs no sender */
    ISLE_UNBOUND_REMOVE, /* they go */
    /* they keep their places, but what is got in each is ... */
    ISLE_UNBOUND_MARKER, /* C: ISLE_ERR_UNBOUND. Python: isles.UNBOUND */
    ISLE_UNBOUND_ERROR   /* C: the same. Python: isles.QueueItemUnbound is raised */
} isle_unbound;

typedef struct isle_queue_config { /* start from ISLE_QUEUE_CONFIG_INIT; zero is the default */
    size_t size;
    const char *name;     /* found by isle_queue_find and isles.find_queue(); copied; NULL: none.
                             ISLE_ERR_INVALID: taken */
    size_t max_items;     /* 0: no limit */
    size_t max_bytes;     /* of encoded values; a value that is larger goes only into an empty queue. 0: no limit */
    isle_unbound unbound;
} isle_queue_config;

#define ISLE_QUEUE_CONFIG_INIT {.size = sizeof(isle_queue_config)}

/* Needs no runtime. `config` may be NULL. */
ISLE_API isle_status isle_queue_create(const isle_queue_config *config, isle_queue **out_queue, isle_error **err);
/* ISLE_ERR_INVALID: there is none of that name. */
ISLE_API isle_status isle_queue_find(const char *name, isle_queue **out_queue, isle_error **err);
ISLE_API isle_queue *isle_queue_ref(isle_queue *queue);
ISLE_API void isle_queue_free(isle_queue *queue); /* NULL is fine */
ISLE_API uint64_t isle_queue_id(const isle_queue *queue); /* never used again */

/* `value` is borrowed. ISLE_ERR_INVALID (one of the two is NULL), ISLE_ERR_TIMEOUT (for a deadline that has passed: no
 * room now), ISLE_ERR_CLOSED, ISLE_ERR_NOMEM, ISLE_ERR_LIMIT (nested too deeply); all that wait: ISLE_ERR_CANCELLED,
 * in a function of the host that Python code called on its interpreter's home thread, when that code is to stop. */
ISLE_API isle_status isle_queue_put(isle_queue *queue, const isle_value *value, int64_t deadline, isle_error **err);
/* ISLE_ERR_TIMEOUT, ISLE_ERR_CLOSED (and empty), ISLE_ERR_NOMEM (the value is lost), ISLE_ERR_UNBOUND (this one's
 * sender has ended, and the queue minds: it is gone, the next get has the next). */
ISLE_API isle_status isle_queue_get(isle_queue *queue, int64_t deadline, isle_value **out_value, isle_error **err);
/* Waits for one, then takes what is there, `most` at the most, into out_values[]. It ends before a value whose sender
 * has ended where that matters; the next call then gives ISLE_ERR_UNBOUND for that one alone. */
ISLE_API isle_status isle_queue_get_many(isle_queue *queue, int64_t deadline, isle_value **out_values, size_t most,
                                         size_t *out_count, isle_error **err);

/* A queue as a value, which can be sent like any other within this process: whoever gets it has the same queue. It
 * takes a reference of its own. NULL: no memory, or `queue` is NULL. (A queue that is put into itself keeps itself
 * alive until somebody gets it.) */
ISLE_API isle_value *isle_value_new_queue(isle_queue *queue);
/* Borrowed from the value: isle_queue_ref to keep it. NULL: not a queue. */
ISLE_API isle_queue *isle_value_as_queue(const isle_value *value);

/* From now on putting fails, and getting when it is empty. Who waits wakes. NULL is fine. */
ISLE_API void isle_queue_close(isle_queue *queue);

/* A descriptor that is readable exactly while a get would not wait; don't read it. The queue's. -1 and errno (EINVAL:
 * NULL). */
ISLE_API int isle_queue_fd(isle_queue *queue);
/* Likewise, readable (not writable) exactly while a put would not wait: one of a value as large as the largest that was
 * refused since the last one was put. So: put without waiting; if that says ISLE_ERR_TIMEOUT, wait for this. */
ISLE_API int isle_queue_room_fd(isle_queue *queue);

typedef struct isle_queue_stats {
    size_t size;
    size_t items, bytes, getters, putters; /* now; the last two wait */
    uint64_t put, got;                     /* ever */
    bool closed;
} isle_queue_stats;
ISLE_API void isle_queue_get_stats(isle_queue *queue, isle_queue_stats *out);

/* Waits until a get from one of the queues would not wait (a value is there, or it is closed), or one of the
 * descriptors is readable, has hung up or has an error. ready_*[i] says for each whether it is so: with ISLE_OK at
 * least one is, with every other status but ISLE_ERR_INVALID none. Arrays may be NULL where their count is 0. A
 * deadline that has passed looks only. ISLE_ERR_TIMEOUT; ISLE_ERR_SYSTEM and errno (EBADF: a descriptor is negative or
 * not open; EMFILE: no descriptor for a queue, see isle_queue_fd); ISLE_ERR_CANCELLED (see isle_queue_put);
 * ISLE_ERR_NOMEM; ISLE_ERR_INVALID (nothing to wait for, or a NULL where there must be none). */
ISLE_API isle_status isle_select(isle_queue *const *queues, size_t queue_count, bool *ready_queues, const int *fds,
                                 size_t fd_count, bool *ready_fds, int64_t deadline);

ISLE_END_DECLS

#endif
