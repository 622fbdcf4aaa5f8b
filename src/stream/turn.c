/* The list of those who wait lies on their stacks. Who gives the turn away makes the first of them its owner, so nobody
 * who comes later is quicker, and opens its gate when the lock is given. */
#include "turn.h"

typedef struct turn_waiter {
    struct turn_waiter *next;
    plat_gate gate; /* opens when `result` is there */
    turn_result result;
    pthread_t thread;
    bool unless_blocked;
} turn_waiter;

void turn_init(turn *t)
{
    *t = (turn){.depth = 0};
    plat_lock_init(&t->lock);
}

void turn_destroy(turn *t)
{
    plat_lock_destroy(&t->lock);
}

/* Lock held. */
static bool take_now(turn *t)
{
    bool mine = t->depth > 0 && pthread_equal(t->owner, pthread_self());
    if (t->depth > 0 && !mine) {
        return false;
    }
    t->owner = pthread_self();
    t->depth++;
    return true;
}

bool turn_try(turn *t)
{
    plat_lock_take(&t->lock);
    bool taken = take_now(t);
    plat_lock_give(&t->lock);
    return taken;
}

/* Lock held. */
static void append(turn *t, turn_waiter *w)
{
    if (t->last != NULL) {
        t->last->next = w;
    } else {
        t->first = w;
    }
    t->last = w;
}

/* Lock held. `before` is the one in front of it, or NULL. */
static void unlink_after(turn *t, turn_waiter *before, turn_waiter *w)
{
    *(before != NULL ? &before->next : &t->first) = w->next;
    if (t->last == w) {
        t->last = before;
    }
}

/* Lock held. false: it has its result already. */
static bool take_out(turn *t, turn_waiter *w)
{
    turn_waiter *before = NULL;
    for (turn_waiter *i = t->first; i != NULL; before = i, i = i->next) {
        if (i == w) {
            unlink_after(t, before, w);
            return true;
        }
    }
    return false;
}

/* Lock held. The gate lies with its waiter, who may be gone once it is set: only its address is used then. */
static const plat_gate *answer(turn_waiter *w, turn_result result)
{
    w->result = result;
    return plat_gate_set(&w->gate) ? &w->gate : NULL;
}

static turn_result wait(turn *t, turn_waiter *w, const turn_patience *patience)
{
    for (;;) {
        plat_wait came = plat_gate_wait_interruptible(&w->gate, PLAT_FOREVER);
        if (came == PLAT_OPEN) {
            return w->result;
        }
        if (patience->gives_up == NULL || !patience->gives_up(patience->ctx)) {
            continue;
        }
        plat_lock_take(&t->lock);
        bool out = take_out(t, w);
        plat_lock_give(&t->lock);
        if (out) {
            return TURN_INTERRUPTED;
        }
        if (w->result == TURN_TAKEN) {
            turn_give(t);
        }
        return TURN_INTERRUPTED;
    }
}

turn_result turn_take(turn *t, const turn_patience *patience)
{
    turn_waiter w = {.thread = pthread_self(), .unless_blocked = patience->unless_blocked};
    plat_lock_take(&t->lock);
    bool taken = take_now(t);
    bool sent_away = !taken && t->blocked && patience->unless_blocked;
    if (!taken && !sent_away) {
        append(t, &w);
    }
    plat_lock_give(&t->lock);
    if (taken || sent_away) {
        return taken ? TURN_TAKEN : TURN_BLOCKED;
    }
    return wait(t, &w, patience);
}

void turn_give(turn *t)
{
    const plat_gate *gate = NULL;
    plat_lock_take(&t->lock);
    turn_waiter *next = t->depth == 1 ? t->first : NULL;
    if (next != NULL) {
        unlink_after(t, NULL, next);
        t->owner = next->thread;
        gate = answer(next, TURN_TAKEN);
    } else {
        t->depth--;
    }
    plat_lock_give(&t->lock);
    if (gate != NULL) {
        plat_gate_wake(gate);
    }
}

/* One at a time: their gates may be gone as soon as they are set. */
static bool send_one_away(turn *t)
{
    const plat_gate *gate = NULL;
    turn_waiter *before = NULL, *w;
    plat_lock_take(&t->lock);
    for (w = t->first; w != NULL && !w->unless_blocked; w = w->next) {
        before = w;
    }
    if (w != NULL) {
        unlink_after(t, before, w);
        gate = answer(w, TURN_BLOCKED);
    }
    plat_lock_give(&t->lock);
    if (gate != NULL) {
        plat_gate_wake(gate);
    }
    return w != NULL;
}

void turn_set_blocked(turn *t, bool blocked)
{
    plat_lock_take(&t->lock);
    t->blocked = blocked;
    plat_lock_give(&t->lock);
    while (blocked && send_one_away(t)) {}
}
