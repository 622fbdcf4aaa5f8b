/* Ending an interpreter, as those who ask for it see it: its end begins once, its home thread does it (home.c), and
 * what would not end is buried: for its waiters it has ended, its id is gone, and its memory stays for the thread
 * that may still run in it. */
#include <string.h>

#include "core.h"

static interp *interp_of(timer *t)
{
    return (interp *)((char *)t - offsetof(interp, end_timer));
}

static int64_t add_time(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? PLAT_FOREVER : sum;
}

/* When what goes on is to be stopped. atexit functions and finalizers have some time even when the deadline has
 * passed. */
static int64_t bound(const interp *in)
{
    if (in->activity == ACTIVITY_JOB || in->activity == ACTIVITY_JOIN) {
        return in->end_deadline;
    }
    int64_t least = add_time(in->activity_began, in->stuck_after_ns);
    if (in->activity == ACTIVITY_REAP) {
        return add_time(least, in->stuck_after_ns / 2); /* it keeps to stuck_after_ns itself, if it can */
    }
    return in->end_deadline > least ? in->end_deadline : least;
}

void interp_arm_end(interp *in)
{
    int64_t at = in->activity != ACTIVITY_NONE ? bound(in) : PLAT_FOREVER;
    if (at != PLAT_FOREVER) {
        warden_arm(&in->rt->warden, &in->end_timer, at);
    } else {
        warden_disarm(&in->rt->warden, &in->end_timer);
    }
}

static void hold(timer *t)
{
    interp_ref(interp_of(t));
}

static void fire(timer *t)
{
    interp *in = interp_of(t);
    interp_lock(in);
    if (in->ending && in->activity != ACTIVITY_NONE && plat_now() >= bound(in)) {
        ladder_start(in, ISLE_ERR_ENDED);
    }
    interp_unlock(in);
    interp_unref(in);
}

const timer_class end_timer_class = {.hold = hold, .fire = fire};

/* Its threads have a moment to get out of what they do; no code of theirs runs in it. */
void interp_exit(interp *in, int exit_status, const char *call)
{
    interp_lock(in);
    if (!in->exited) {
        in->exited = true;
        in->exit_status = exit_status;
        strncpy(in->exit_call, call, sizeof in->exit_call - 1);
    }
    interp_unlock(in);
    interp_begin_end(in, plat_now() + in->cancel_grace_ns);
}

bool interp_has_exited(interp *in)
{
    interp_lock(in);
    bool exited = in->exited;
    interp_unlock(in);
    return exited;
}

void interp_begin_end(interp *in, int64_t deadline)
{
    isle_job *queued = NULL;
    interp_lock(in);
    if (!in->ending) {
        in->ending = true;
        in->end_deadline = deadline;
        in->end_began = plat_now();
        queued = job_end_queued(in, ISLE_ERR_ENDED,
                                in->exited ? "the interpreter ended itself before the job could start"
                                           : "the interpreter was ended before the job could start");
    } else if (deadline < in->end_deadline) {
        in->end_deadline = deadline;
    }
    interp_arm_end(in);
    bool bury = in->ladder.given_up && !in->buried; /* its home thread won't come back to do it */
    in->buried |= bury;
    interp_unlock(in);
    plat_gate_open(&in->wake);
    job_tell_all(queued);
    if (bury) {
        interp_bury(in, "its code could not be stopped");
    }
}

void interp_bury(interp *in, const char *what)
{
    in->end_message = plat_printf("interpreter %s would not end: %s", in->name, what);
    in->end_status = ISLE_ERR_STUCK;
    table_remove(in);
    plat_thread_detach(in->home);
    event_details details = {.status = ISLE_ERR_STUCK,
                             .wall_ns = plat_now() - in->end_began,
                             .message = in->end_message != NULL ? in->end_message : what};
    event_tell(in->rt, in, ISLE_EVENT_INTERP_ENDED, details);
    runtime_remember_stuck(in->rt, in);
    plat_gate_open(&in->ended);
}

static isle_status no_waiting(isle_error **err)
{
    return error_set(err, ISLE_ERR_STATE, "it can't be ended from inside itself; use isle_interp_end_later");
}

/* One that lives no more. */
static isle_status ended_before(uint64_t id, isle_error **err)
{
    char *message = runtime_stuck_message(id);
    if (message != NULL) {
        error_set(err, ISLE_ERR_STUCK, "%s", message);
        plat_free(message);
        return ISLE_ERR_STUCK;
    }
    return table_was(id) ? ISLE_OK
                         : error_set(err, ISLE_ERR_NO_INTERP, "no interpreter has the id %llu", (unsigned long long)id);
}

isle_status isle_interp_end(isle_interp handle, int64_t deadline, isle_error **err)
{
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return ended_before(handle.id, err);
    }
    if (interp_forbids_wait(in)) {
        interp_give(in);
        return no_waiting(err);
    }
    interp_ref(in);
    interp_begin_end(in, deadline);
    interp_give(in); /* the end waits for users */
    core_wait(&in->ended, PLAT_FOREVER);
    isle_status status = in->end_status;
    if (status != ISLE_OK) {
        error_set(err, status, "%s", in->end_message != NULL ? in->end_message : isle_status_text(status));
    }
    interp_unref(in);
    return status;
}

isle_status isle_interp_end_later(isle_interp handle, int64_t deadline)
{
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return ended_before(handle.id, NULL);
    }
    interp_begin_end(in, deadline);
    interp_give(in);
    return ISLE_OK;
}
