/* The warden: one thread for the whole runtime that wakes when a point in time has come: a deadline, the next rung of
 * a ladder. It sleeps on a condition until the earliest timer, and without a timeout when none is armed.
 *
 * Disarming does not wake it, and arming does only for a point before the one it sleeps to; so a call that
 * ends before its deadline costs two takings of a lock that is free. */
#include "core.h"

static _Thread_local bool is_warden;

void warden_init(warden *w)
{
    *w = (warden){.sleeps_until = INT64_MIN};
    plat_lock_init(&w->lock);
    plat_cond_init(&w->cond);
}

void warden_destroy(warden *w)
{
    plat_cond_destroy(&w->cond);
    plat_lock_destroy(&w->lock);
}

void warden_arm(warden *w, timer *t, int64_t at)
{
    core_lock(&w->lock, RANK_WARDEN);
    if (t->armed) {
        timer_heap_remove(&w->heap, t);
    }
    timer_heap_add(&w->heap, t, at);
    bool earlier = at < w->sleeps_until;
    if (earlier) {
        w->sleeps_until = INT64_MIN; /* one wake-up is enough */
    }
    core_unlock(&w->lock, RANK_WARDEN);
    if (earlier) {
        plat_cond_wake_one(&w->cond);
    }
}

void warden_disarm(warden *w, timer *t)
{
    core_lock(&w->lock, RANK_WARDEN);
    if (t->armed) {
        timer_heap_remove(&w->heap, t);
    }
    core_unlock(&w->lock, RANK_WARDEN);
}

static void fire(warden *w, timer *t)
{
    timer_heap_remove(&w->heap, t);
    t->class->hold(t);
    core_unlock(&w->lock, RANK_WARDEN);
    t->class->fire(t);
    core_lock(&w->lock, RANK_WARDEN);
}

static void sleep_until(warden *w, int64_t point)
{
    w->sleeps_until = point;
    plat_cond_wait(&w->cond, &w->lock, point);
    w->sleeps_until = INT64_MIN;
}

static void serve(warden *w, bool rest)
{
    is_warden = true;
    core_lock(&w->lock, RANK_WARDEN);
    while (rest ? w->heap.root != NULL : !w->stopping) {
        timer *t = w->heap.root;
        if (t != NULL && t->at <= plat_now()) {
            fire(w, t);
        } else {
            sleep_until(w, t != NULL ? t->at : PLAT_FOREVER);
        }
    }
    core_unlock(&w->lock, RANK_WARDEN);
    is_warden = false;
}

void warden_serve(warden *w)
{
    serve(w, false);
}

void warden_serve_rest(warden *w)
{
    serve(w, true);
}

void warden_stop(warden *w)
{
    core_lock(&w->lock, RANK_WARDEN);
    w->stopping = true;
    core_unlock(&w->lock, RANK_WARDEN);
    plat_cond_wake_one(&w->cond);
}

bool warden_is_me(void)
{
    return is_warden;
}
