/* Signals that the host sends to an interpreter, or its code to itself; and the interpreter's alarm. What they do is
 * the engine's affair (signals.c there).
 *
 * One that the code has to hear now is sent again until it has been taken, at growing intervals: it may have come just
 * before a system call, or another thread of the interpreter was asked first. The engine is called under the
 * interpreter's lock, so its part is alive. */
#include <signal.h>
#include <stddef.h>

#include "core.h"

#define FIRST_PAUSE_NS (2 * ISLE_MS)
#define LONGEST_PAUSE_NS (64 * ISLE_MS)
#define LEAST_INTERVAL_NS ISLE_MS /* of an alarm: the warden has other things to do */

static interp *of_signal_timer(timer *t)
{
    return (interp *)((char *)t - offsetof(interp, signal_timer));
}

static interp *of_alarm_timer(timer *t)
{
    return (interp *)((char *)t - offsetof(interp, alarm_timer));
}

/* --- with the lock held ----------------------------------------------------------------------------------------- */

static bool is_code(activity a)
{
    return a == ACTIVITY_JOB || a == ACTIVITY_JOIN;
}

static void watch(interp *in, int64_t pause)
{
    in->signal_pause = pause;
    warden_arm(&in->rt->warden, &in->signal_timer, plat_now() + pause);
}

/* A flood of them must not put the next look off. */
static void send(interp *in, int number)
{
    if (in->deaf || in->engine == NULL) { /* it is being taken apart, or made */
        return;
    }
    engine_signal(in->engine, number, is_code(in->activity) || in->first != NULL);
    if (in->activity != ACTIVITY_NONE && in->signal_pause != FIRST_PAUSE_NS) {
        watch(in, FIRST_PAUSE_NS);
    }
}

void signals_forget(interp *in)
{
    if (is_code(in->activity) || in->activity == ACTIVITY_ATEXIT) {
        engine_signal_forget(in->engine);
    }
}

void signals_stop(interp *in)
{
    in->deaf = true;
    in->signal_pause = 0;
    in->alarm_at = 0;
    warden_disarm(&in->rt->warden, &in->signal_timer);
    warden_disarm(&in->rt->warden, &in->alarm_timer);
}

/* --- again ------------------------------------------------------------------------------------------------------ */

static void hold_signal(timer *t)
{
    interp_ref(of_signal_timer(t));
}

static void fire_signal(timer *t)
{
    interp *in = of_signal_timer(t);
    interp_lock(in);
    if (in->signal_pause != 0 && in->activity != ACTIVITY_NONE && engine_signal_again(in->engine)) {
        int64_t pause = 2 * in->signal_pause;
        watch(in, pause < LONGEST_PAUSE_NS ? pause : LONGEST_PAUSE_NS);
    } else {
        in->signal_pause = 0;
    }
    interp_unlock(in);
    interp_unref(in);
}

const timer_class signal_timer_class = {.hold = hold_signal, .fire = fire_signal};

/* --- alarms ----------------------------------------------------------------------------------------------------- */

static int64_t left_until(int64_t at, int64_t now)
{
    return at == 0 ? 0 : at > now ? at - now : 1; /* it is just coming */
}

static int64_t later(int64_t now, int64_t by)
{
    return by > INT64_MAX - now - 1 ? INT64_MAX - 1 : now + by;
}

engine_alarm signals_alarm(void *core_interp, const engine_alarm *set)
{
    interp *in = core_interp;
    interp_lock(in);
    int64_t now = plat_now();
    engine_alarm before = {.left_ns = left_until(in->alarm_at, now), .interval_ns = in->alarm_interval};
    if (set != NULL && !in->deaf && in->engine != NULL) {
        in->alarm_interval = set->interval_ns;
        in->alarm_at = set->left_ns != 0 ? later(now, set->left_ns) : 0;
        if (in->alarm_at != 0) {
            warden_arm(&in->rt->warden, &in->alarm_timer, in->alarm_at);
        } else {
            warden_disarm(&in->rt->warden, &in->alarm_timer);
        }
    }
    interp_unlock(in);
    return before;
}

static void hold_alarm(timer *t)
{
    interp_ref(of_alarm_timer(t));
}

static void set_next_alarm(interp *in, int64_t now)
{
    if (in->alarm_interval == 0) {
        in->alarm_at = 0;
        return;
    }
    int64_t next = later(in->alarm_at, in->alarm_interval), least = now + LEAST_INTERVAL_NS;
    in->alarm_at = next > least ? next : least;
    warden_arm(&in->rt->warden, &in->alarm_timer, in->alarm_at);
}

static void fire_alarm(timer *t)
{
    interp *in = of_alarm_timer(t);
    interp_lock(in);
    int64_t now = plat_now();
    if (in->alarm_at != 0 && in->alarm_at <= now) { /* else it was set anew just now */
        set_next_alarm(in, now);
        send(in, SIGALRM);
    }
    interp_unlock(in);
    interp_unref(in);
}

const timer_class alarm_timer_class = {.hold = hold_alarm, .fire = fire_alarm};

/* --- sending ---------------------------------------------------------------------------------------------------- */

void signals_raise(void *core_interp, int number)
{
    interp *in = core_interp;
    interp_lock(in);
    send(in, number);
    interp_unlock(in);
}

static isle_status check_number(int signum, isle_error **err)
{
    if (signum == SIGKILL || signum == SIGSTOP) {
        return error_set(err, ISLE_ERR_INVALID,
                         "signum: code can't catch SIGKILL and SIGSTOP; isle_job_cancel and isle_interp_end stop it");
    }
    return engine_signal_exists(signum) ? ISLE_OK
                                        : error_set(err, ISLE_ERR_INVALID, "signum: there is no signal %d", signum);
}

/* NULL with an error: it can't be sent a signal, or none of that number. The caller gives it back. */
static interp *find(isle_interp handle, int signum, isle_status *out, isle_error **err)
{
    *out = signum == 0 ? ISLE_OK : check_number(signum, err);
    if (*out != ISLE_OK) {
        return NULL;
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        *out = error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter: it has ended or never was");
    }
    return in;
}

isle_status isle_interp_signal(isle_interp handle, int signum, isle_error **err)
{
    isle_status status;
    interp *in = find(handle, signum, &status, err);
    if (in == NULL) {
        return status;
    }
    interp_lock(in);
    bool stuck = in->stuck;
    if (!stuck && signum != 0) {
        send(in, signum);
    }
    interp_unlock(in);
    interp_give(in);
    return stuck ? error_set(err, ISLE_ERR_STUCK, "the interpreter is stuck and hears no signals") : ISLE_OK;
}

isle_status isle_interp_handles_signal(isle_interp handle, int signum, bool *out_handles, isle_error **err)
{
    isle_status status;
    interp *in = find(handle, signum, &status, err);
    if (in == NULL) {
        return status;
    }
    interp_lock(in);
    *out_handles = signum != 0 && !in->deaf && engine_handles_signal(in->engine, signum);
    interp_unlock(in);
    interp_give(in);
    return ISLE_OK;
}
