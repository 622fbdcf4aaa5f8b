/* The ladder: how code that must stop is stopped. It starts when a deadline passes, a job is cancelled or an
 * interpreter ends; the warden climbs it while the home thread is in the engine:
 *
 *   at once               isles.Cancelled is raised, once
 *   each 2 ms             the home thread's system call returns EINTR (a signal can come just before the call)
 *   cancel_grace_ns       the exception comes at every step
 *   stuck_after_ns        given up: the job ends for those who wait for it, the interpreter takes no more,
 *                         and its thread is parked as soon as the engine can
 *
 * However late the warden is, no rung is left out.
 *
 * One ladder an interpreter, guarded by its lock. The warden calls the engine under that lock, while an activity
 * goes on: so an interrupt never hits the next job, and the engine's part is alive. */
#include "core.h"

#define NUDGE_NS (2 * ISLE_MS)
#define REPEAT_NS (10 * ISLE_MS)
#define REPEAT_FOR_EACH_NS (50 * ISLE_MS)
#define GRACES_FOR_ALL 4
#define PARK_SOON_NS ISLE_MS
#define PARK_LATER_NS (100 * ISLE_MS)
#define PARK_SOON_FOR_NS ISLE_SECOND

static interp *interp_of(timer *t)
{
    return (interp *)((char *)t - offsetof(interp, ladder.timer));
}

static void arm(interp *in, int64_t at)
{
    warden_arm(&in->rt->warden, &in->ladder.timer, at);
}

void ladder_start(interp *in, isle_status reason)
{
    ladder *l = &in->ladder;
    if (l->reason != 0) {
        return; /* the first reason counts */
    }
    l->began = plat_now();
    l->announced = l->raised = l->insisting = l->given_up = false;
    l->next_interrupt = 0;
    atomic_store(&l->reason, (int)reason);
    arm(in, l->began);
}

void ladder_clear(interp *in)
{
    if (in->ladder.reason != 0) {
        atomic_store(&in->ladder.reason, 0);
        in->ladder.given_up = false;
        warden_disarm(&in->rt->warden, &in->ladder.timer);
    }
}

/* Tells that the job is being stopped, before it is, so that the events are in order. The home thread waits for us
 * if the job ends meanwhile. */
static void announce(interp *in)
{
    event_details details = {.status = (isle_status)in->ladder.reason, .job_id = in->current->id};
    in->ladder.announced = true;
    in->announcing = true;
    counters_interrupt(&in->counters);
    interp_use(in);
    interp_unlock(in);
    event_tell(in->rt, in, ISLE_EVENT_INTERRUPT, details);
    interp_lock(in);
    in->announcing = false;
    plat_gate_open(&in->wake);
    interp_give(in);
    in->ladder.began = plat_now();
}

static int64_t stuck_at(const interp *in)
{
    return in->ladder.began + in->stuck_after_ns;
}

/* Each of many atexit functions and finalizers is stopped for itself: the next one has some time, also where the
 * machine is busy. */
static bool runs_many(const interp *in)
{
    return in->activity == ACTIVITY_ATEXIT || in->activity == ACTIVITY_DESTROY;
}

static int64_t insists_at(const interp *in)
{
    int64_t grace_end = in->ladder.began + (runs_many(in) ? GRACES_FOR_ALL : 1) * in->cancel_grace_ns;
    return grace_end < stuck_at(in) ? grace_end : stuck_at(in);
}

/* The next point after now: a nudge, or the rung that comes before it. */
static int64_t next_point(const interp *in, int64_t now)
{
    int64_t next = now + NUDGE_NS;
    const int64_t rungs[] = {insists_at(in), stuck_at(in)};
    for (size_t i = 0; i < 2; i++) {
        if (rungs[i] > now && rungs[i] < next) {
            next = rungs[i];
        }
    }
    return next;
}

static void press(interp *in, int64_t now)
{
    ladder *l = &in->ladder;
    bool late = now >= insists_at(in);
    bool again = !l->raised || late || in->activity != ACTIVITY_JOB; /* a job has its grace */
    if ((again && now >= l->next_interrupt) || late != l->insisting) {
        bool insist = late && in->activity != ACTIVITY_DESTROY;
        l->raised |= engine_interrupt(in->engine, (isle_status)l->reason, insist);
        l->insisting = late;
        l->next_interrupt = now + (runs_many(in) ? REPEAT_FOR_EACH_NS : REPEAT_NS);
    } else {
        engine_nudge(in->engine);
    }
    arm(in, next_point(in, now));
}

static bool park(interp *in, int64_t now)
{
    bool parked = engine_park(in->engine);
    if (!parked) {
        bool soon = now - in->ladder.given_up_at < PARK_SOON_FOR_NS;
        arm(in, now + (soon ? PARK_SOON_NS : PARK_LATER_NS));
    }
    return parked;
}

static const char *what_is_stuck(activity a)
{
    switch (a) {
    case ACTIVITY_JOIN:
    case ACTIVITY_REAP:
        return "its threads could not be stopped";
    case ACTIVITY_ATEXIT:
        return "its atexit functions could not be stopped";
    case ACTIVITY_DESTROY:
        return "its finalizers could not be stopped";
    default:
        return "its code could not be stopped";
    }
}

static void tell_stuck(interp *in, uint64_t job_id, isle_status reason, const char *what, bool parked)
{
    char *stack = parked ? engine_stuck_stack(in->engine) : NULL;
    char *message = plat_printf("%s: %s; the home thread is%s parked%s%s", in->name, what, parked ? "" : " not yet",
                                stack != NULL ? " at" : "", stack != NULL ? stack : "");
    event_details details = {.status = reason, .job_id = job_id, .message = message != NULL ? message : what};
    event_tell(in->rt, in, ISLE_EVENT_STUCK, details);
    plat_free(message);
    plat_free(stack);
}

/* Enters and leaves with the lock held. */
static void give_up(interp *in, int64_t now)
{
    isle_status reason = (isle_status)in->ladder.reason;
    isle_job *job = in->current; /* the home thread's reference keeps it: it is in the engine, or waits for our lock */
    const char *what = what_is_stuck(in->activity);
    in->stuck = true;
    signals_stop(in);
    in->ladder.given_up = true;
    in->ladder.given_up_at = now;
    bool parked = park(in, now);
    job_outcome outcome = {.status = reason,
                           .note = parked ? "the code could not be stopped; its thread is parked"
                                          : "the code could not be stopped; its thread is parked as soon as it can be"};
    uint64_t job_id = job != NULL ? job->id : 0;
    bool job_ended = job != NULL && job_end(job, &outcome);
    if (job_ended) {
        job_ref(job);
    }
    isle_job *queued = job_end_queued(in, ISLE_ERR_STUCK, "an earlier job of the interpreter could not be stopped");
    bool bury = in->ending && !in->buried;
    in->buried |= bury;
    interp_use(in);
    interp_unlock(in);

    tell_stuck(in, job_id, reason, what, parked);
    if (job_ended) {
        job_tell(job);
        job_unref(job);
    }
    job_tell_all(queued);
    if (bury) {
        interp_bury(in, what);
    }
    interp_give(in);
    interp_lock(in);
}

static void hold(timer *t)
{
    interp_ref(interp_of(t));
}

static void fire(timer *t)
{
    interp *in = interp_of(t);
    interp_lock(in);
    if (in->ladder.reason != 0 && in->current != NULL && !in->ladder.announced) {
        announce(in);
    }
    if (in->ladder.reason != 0) {
        int64_t now = plat_now();
        if (in->ladder.given_up) {
            park(in, now);
        } else if (in->ladder.insisting && now >= stuck_at(in)) {
            give_up(in, now);
        } else {
            press(in, now);
        }
    }
    interp_unlock(in);
    interp_unref(in);
}

const timer_class ladder_timer_class = {.hold = hold, .fire = fire};
