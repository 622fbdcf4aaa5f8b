/* The queue: a linked list of messages and two lists of waiters, under one lock.
 *
 * A waiter lies on its thread's stack with a gate. Whoever can serve it takes it off its list, sets its gate, both
 * under the lock, and wakes it by the gate's address when the lock was given, so that it does not wake into a held
 * lock. Until the waiter has the lock again its call is under way, and counted: a message that somebody is on his way
 * to fetch calls nobody else, a place neither. A waiter that was called tries once more whatever ended its wait; if it
 * leaves without what it came for, its call is no longer counted, and so goes to the next (serve, which every way out
 * passes). What holds whenever the lock is given: no getter waits while there are more messages than calls, and no
 * producer whose message would fit beside those that are called. queue_model_test.c goes through every order of steps.
 *
 * A thread that comes while another is on its way may be quicker. Who loses so goes back to the head of its list, and
 * a producer that lost once is not overtaken again.
 *
 * Where a waiter looks before it sleeps, and where not, was measured (docs/queues.md). */
#include "queue_private.h"

enum { SMALL_BOUND = 8 };
enum { MOST_WAKES = 8 }; /* gates woken outside the lock at a time; the rest under it */

typedef struct wakes { /* gates to be woken when the lock is given */
    const plat_gate *gates[MOST_WAKES];
    size_t count;
} wakes;

/* --- waiters; lock held ----------------------------------------------------------------------------------------- */

static void join(waiters *list, waiter *w)
{
    /* who was called and came too late was first before, and is again */
    waiter *before = w->lost ? NULL : list->last, *after = w->lost ? list->first : NULL;
    w->previous = before;
    w->next = after;
    *(before != NULL ? &before->next : &list->first) = w;
    *(after != NULL ? &after->previous : &list->last) = w;
    list->count++;
}

static void leave(waiters *list, waiter *w)
{
    *(w->previous != NULL ? &w->previous->next : &list->first) = w->next;
    *(w->next != NULL ? &w->next->previous : &list->last) = w->previous;
    list->count--;
}

static void call(waiters *list, wakes *out)
{
    waiter *w = list->first;
    leave(list, w);
    w->called = true;
    list->called++;
    list->called_bytes += w->size_bytes;
    list->called_again += w->lost;
    if (!plat_gate_set(&w->gate)) {
        return;
    }
    if (out->count == MOST_WAKES) {
        plat_gate_wake(&w->gate);
    } else {
        out->gates[out->count++] = &w->gate;
    }
}

/* The waiter has the lock again. Was it called? Then it need not be taken off the list. */
static bool arrive(waiters *list, waiter *w)
{
    if (!w->called) {
        return false;
    }
    w->called = false;
    list->called--;
    list->called_bytes -= w->size_bytes;
    list->called_again -= w->lost;
    w->lost = true; /* unless it leaves now */
    atomic_store(&w->gate.open, 0);
    return true;
}

static void call_all(waiters *list, wakes *out)
{
    while (list->first != NULL) {
        call(list, out);
    }
}

static bool fits_beside(const queue *q, size_t items, size_t bytes, size_t size_bytes)
{
    if (q->limits.max_items != 0 && items >= q->limits.max_items) {
        return false;
    }
    return q->limits.max_bytes == 0 || items == 0 ||
           (size_bytes <= q->limits.max_bytes && bytes <= q->limits.max_bytes - size_bytes);
}

static bool fits(const queue *q, size_t size_bytes)
{
    return fits_beside(q, q->items, q->bytes, size_bytes);
}

/* Who comes while others wait lets them go first, or a stream of small messages would starve a large one. */
static bool nobody_is_before(const queue *q)
{
    return q->putters.first == NULL && q->putters.called_again == 0;
}

static void update(level *l, bool now)
{
    if (l->fd < 0 || now == l->is_set) {
        return;
    }
    l->is_set = now;
    if (now) {
        plat_levelfd_set(l->fd);
    } else {
        plat_levelfd_clear(l->fd);
    }
}

static void update_fds(queue *q)
{
    update(&q->readable, q->items != 0 || q->closed);
    update(&q->writable, q->closed || (nobody_is_before(q) && fits(q, q->refused_bytes)));
}

/* Calls whom there is something for. Each way out ends here. */
static void serve(queue *q, wakes *out)
{
    const waiters *p = &q->putters, *g = &q->getters;
    while (g->first != NULL && q->items > g->called) {
        call(&q->getters, out);
    }
    while (p->first != NULL && fits_beside(q, q->items + p->called, q->bytes + p->called_bytes, p->first->size_bytes)) {
        call(&q->putters, out);
    }
    update_fds(q);
}

static void unlock_and_wake(queue *q, const wakes *w)
{
    plat_lock_give(&q->lock);
    for (size_t i = 0; i < w->count; i++) {
        plat_gate_wake(w->gates[i]);
    }
}

/* On a queue with a bound nobody looks first, unless it is a very small one: whoever did would come for each message,
 * or each place, and both would take the lock from each other all the time; who sleeps finds many when it wakes. */
static plat_wait wait_at(const queue *q, waiter *w, int64_t deadline)
{
    bool looks = q->limits.max_items <= SMALL_BOUND; /* 0: no bound */
    return looks ? plat_gate_wait_interruptible(&w->gate, deadline) : plat_gate_sleep_interruptible(&w->gate, deadline);
}

/* Enters and leaves with the lock held. `list` is where to wait. QUEUE_OK: look again. */
static queue_result wait_in(queue *q, waiters *list, waiter *w, const queue_patience *patience)
{
    plat_wait ended;
    bool given_up;
    if (patience->deadline <= 0) {
        return QUEUE_TIMEOUT; /* the common way of the first try, without leaving the lock */
    }
    join(list, w);
    do {
        plat_lock_give(&q->lock);
        ended = wait_at(q, w, patience->deadline);
        given_up = ended == PLAT_INTERRUPTED && patience->gives_up != NULL && patience->gives_up(patience->ctx);
        plat_lock_take(&q->lock);
    } while (ended == PLAT_INTERRUPTED && !given_up && !w->called);
    bool called = arrive(list, w);
    if (!called) {
        leave(list, w);
    }
    if (given_up) {
        return QUEUE_INTERRUPTED;
    }
    return called ? QUEUE_OK : QUEUE_TIMEOUT;
}

/* --- putting ---------------------------------------------------------------------------------------------------- */

static void append(queue *q, queue_message *message)
{
    message->next = NULL;
    *(q->last != NULL ? &q->last->next : &q->first) = message;
    q->last = message;
    q->items++;
    q->bytes += message->size_bytes;
    q->put++;
    if (q->refused_bytes != 0) { /* seldom: the getter's core need not fetch its cache line for each message */
        q->refused_bytes = 0;
    }
}

queue_result queue_put(queue *q, queue_message *message, const queue_patience *patience)
{
    waiter me = {.size_bytes = message->size_bytes};
    queue_result result = QUEUE_OK;
    wakes out = {.count = 0};
    plat_lock_take(&q->lock);
    bool may = nobody_is_before(q);
    while (result == QUEUE_OK && !q->closed && !(may && fits(q, message->size_bytes))) {
        result = wait_in(q, &q->putters, &me, patience);
        may = true;
    }
    if (q->closed) {
        result = QUEUE_CLOSED;
    } else if (result == QUEUE_OK || (result == QUEUE_TIMEOUT && nobody_is_before(q) && fits(q, message->size_bytes))) {
        result = QUEUE_OK;
        append(q, message);
    } else if (message->size_bytes > q->refused_bytes) {
        q->refused_bytes = message->size_bytes;
    }
    serve(q, &out);
    unlock_and_wake(q, &out);
    return result;
}

/* --- getting ---------------------------------------------------------------------------------------------------- */

/* What has no sender any more comes alone: it may be an error for the getter, and no other message may go with it. */
static size_t take(queue *q, size_t most, queue_message **out_list)
{
    size_t count = 1;
    queue_message *last = q->first;
    *out_list = last;
    size_t bytes = last->size_bytes;
    while (count < most && last->next != NULL && !(*out_list)->unbound && !last->next->unbound) {
        last = last->next;
        bytes += last->size_bytes;
        count++;
    }
    q->first = last->next;
    __builtin_prefetch(q->first); /* for the next get: it was written by another core */
    q->last = q->first != NULL ? q->last : NULL;
    last->next = NULL;
    q->items -= count;
    q->bytes -= bytes;
    q->got += count;
    return count;
}

queue_result queue_get(queue *q, size_t most, queue_message **out_list, size_t *out_count,
                       const queue_patience *patience)
{
    waiter me = {.called = false};
    queue_result result = QUEUE_OK;
    wakes out = {.count = 0};
    size_t count = 0;
    plat_lock_take(&q->lock);
    while (result == QUEUE_OK && !q->closed && q->items == 0) {
        result = wait_in(q, &q->getters, &me, patience);
    }
    if (q->items != 0 && result != QUEUE_INTERRUPTED) {
        result = QUEUE_OK;
        count = take(q, most, out_list);
    } else if (result == QUEUE_OK) {
        result = QUEUE_CLOSED;
    }
    serve(q, &out);
    unlock_and_wake(q, &out);
    if (result == QUEUE_OK && out_count != NULL) {
        *out_count = count;
    }
    return result;
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

void queue_drop_all(queue_message *list)
{
    while (list != NULL) {
        queue_message *message = list;
        list = message->next;
        message->drop(message);
    }
}

void queue_close(queue *q)
{
    wakes out = {.count = 0};
    plat_lock_take(&q->lock);
    q->closed = true;
    call_all(&q->getters, &out);
    call_all(&q->putters, &out);
    update_fds(q);
    unlock_and_wake(q, &out);
}

void queue_sender_ended(queue *q, uint64_t sender, bool (*what)(queue_message *message, void *ctx), void *ctx)
{
    queue_message *dropped = NULL;
    wakes out = {.count = 0};
    plat_lock_take(&q->lock);
    q->last = NULL;
    for (queue_message **link = &q->first; *link != NULL;) {
        queue_message *message = *link;
        if (message->sender == sender && !what(message, ctx)) {
            *link = message->next;
            message->next = dropped;
            dropped = message;
            q->items--;
            q->bytes -= message->size_bytes;
        } else {
            q->last = message;
            link = &message->next;
        }
    }
    serve(q, &out);
    unlock_and_wake(q, &out);
    queue_drop_all(dropped);
}

static int fd_of(queue *q, level *l)
{
    plat_lock_take(&q->lock);
    if (l->fd < 0) {
        l->fd = plat_levelfd_create();
        l->is_set = false;
        update_fds(q);
    }
    int fd = l->fd;
    plat_lock_give(&q->lock);
    return fd;
}

int queue_fd(queue *q)
{
    return fd_of(q, &q->readable);
}

int queue_room_fd(queue *q)
{
    return fd_of(q, &q->writable);
}

queue_counts queue_count(queue *q)
{
    plat_lock_take(&q->lock);
    queue_counts counts = {.items = q->items,
                           .bytes = q->bytes,
                           .getters = q->getters.count,
                           .putters = q->putters.count,
                           .put = q->put,
                           .got = q->got,
                           .closed = q->closed};
    plat_lock_give(&q->lock);
    return counts;
}
