/* The home thread of an interpreter: creates it, runs its jobs one after the other, ends it, and ends with it.
 *
 * Everything here runs on that thread. An activity is what it does in the engine; while one goes on, the warden may
 * stop it by the ladder. When an interpreter was buried (see end.c) nobody counts on its home thread any more: if
 * it ever comes back from the engine it just ends, and leaves everything as it is. */
#include <errno.h>
#include <string.h>

#include "core.h"

static _Thread_local interp *home_of;

interp *home_of_this_thread(void)
{
    return home_of;
}

/* --- activities ------------------------------------------------------------------------------------------------- */

/* Lock held. */
static void begin(interp *in, activity what, int64_t now)
{
    in->activity = what;
    in->activity_began = now;
    if (in->ending) {
        interp_arm_end(in);
    }
}

/* Back from the engine. Returns with the lock held. */
static void finish(interp *in)
{
    interp_lock(in);
    while (in->announcing) {
        atomic_store(&in->wake.open, 0);
        interp_unlock(in);
        plat_gate_wait(&in->wake, PLAT_FOREVER);
        interp_lock(in);
    }
    ladder_clear(in);
    signals_forget(in);
    in->activity = ACTIVITY_NONE;
    if (in->ending) {
        interp_arm_end(in);
    }
}

/* false: buried meanwhile. */
static bool finish_and_go_on(interp *in)
{
    finish(in);
    bool go_on = !in->buried;
    interp_unlock(in);
    return go_on;
}

static void begin_unlocked(interp *in, activity what)
{
    interp_lock(in);
    begin(in, what, plat_now());
    interp_unlock(in);
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

/* Between jobs. An end that comes meanwhile is seen by the caller. */
static void release_due(interp *in)
{
    if (engine_has_due(in->engine)) {
        begin_unlocked(in, ACTIVITY_RELEASE);
        engine_release_due(in->engine);
        finish_and_go_on(in);
    }
}

/* Waits for the next job, which is then running. NULL: the interpreter is to end. */
static isle_job *next_job(interp *in)
{
    interp_lock(in);
    while (!in->ending && in->first == NULL) {
        atomic_store(&in->wake.open, 0);
        interp_unlock(in);
        if (!engine_has_due(in->engine)) { /* what came before the gate was shut would be slept through */
            plat_gate_wait(&in->wake, PLAT_FOREVER);
        }
        release_due(in);
        interp_lock(in);
    }
    isle_job *job = in->ending ? NULL : job_pop(in);
    if (job != NULL) {
        begin(in, ACTIVITY_JOB, job->started_ns);
        budget_job_begins(in);
    }
    interp_unlock(in);
    return job;
}

static isle_status stop_reason(interp *in)
{
    return (isle_status)atomic_load_explicit(&in->ladder.reason, memory_order_relaxed);
}

/* The threads that the job's code left have until the job is to stop. How the code itself failed counts for more. */
static isle_status join_threads(interp *in, isle_status status, engine_failure *failure)
{
    if (stop_reason(in) != 0) {
        return status;
    }
    engine_failure own = {0};
    const engine_task join = {.kind = ENGINE_JOIN_THREADS};
    parcel value;
    isle_status joined = engine_run(in->engine, &join, &value, &own);
    parcel_clear(&value);
    if (status == ISLE_OK && joined != ISLE_OK) {
        *failure = own;
        return joined;
    }
    engine_failure_clear(&own);
    return status;
}

/* A reset begins with a clean house: false: threads are left, and the outcome says so. */
static bool reap_before_reset(interp *in, job_outcome *outcome)
{
    int64_t give_up_at = plat_now() + in->stuck_after_ns;
    while (engine_reap_threads(in->engine) != 0) {
        if (stop_reason(in) != 0 || plat_now() >= give_up_at) {
            outcome->status = stop_reason(in) != 0 ? stop_reason(in) : ISLE_ERR_STUCK;
            outcome->note = "threads that the code left could not be stopped";
            return false;
        }
    }
    return true;
}

static void run_in_engine(interp *in, isle_job *job, job_outcome *outcome)
{
    engine_failure failure = {0};
    outcome->status = stop_reason(in);
    if (outcome->status != ISLE_OK) {
        return; /* it was stopped before it got anywhere */
    }
    if (job->task.kind == ENGINE_RESET && !reap_before_reset(in, outcome)) {
        return;
    }
    outcome->status = engine_run(in->engine, &job->task, &outcome->value, &failure);
    if (job->join_threads) {
        outcome->status = join_threads(in, outcome->status, &failure);
    }
    if (outcome->status != ISLE_OK) {
        parcel_clear(&outcome->value);
        failure.status = outcome->status;
        outcome->error = error_from_failure(&failure);
    }
    engine_failure_clear(&failure);
}

static void run_job(interp *in, isle_job *job)
{
    job_outcome outcome = {.status = ISLE_OK};
    event_tell(in->rt, in, ISLE_EVENT_JOB_STARTED, (event_details){.job_id = job->id});
    run_in_engine(in, job, &outcome);
    finish(in);
    bool ended = job_end(job, &outcome);
    budget_job_ended(in, job);
    counters_job_stopped(&in->counters, ended ? job->started_ns + job->wall_ns : plat_now());
    in->current = NULL;
    interp_unlock(in);
    if (ended) {
        job_tell(job);
    } else { /* it took so long to stop that it was given up */
        parcel_clear(&outcome.value);
        isle_error_free(outcome.error);
    }
    job_unref(job);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static bool run_end_task(interp *in, activity what, engine_task_kind kind)
{
    const engine_task task = {.kind = kind};
    engine_failure failure = {0};
    parcel value;
    if (interp_has_exited(in)) {
        return true;
    }
    begin_unlocked(in, what);
    engine_run(in->engine, &task, &value, &failure);
    parcel_clear(&value);
    engine_failure_clear(&failure); /* what it raised was printed, or it was interrupted, which is normal here */
    return finish_and_go_on(in);
}

/* Until *deadline, which is read under the lock. Returns how many entries are left. */
static size_t wait_for_entries(interp *in, const int64_t *deadline)
{
    interp_lock(in);
    while (in->entries != 0 && plat_now() < *deadline) {
        int64_t until = *deadline;
        atomic_store(&in->wake.open, 0);
        interp_unlock(in);
        plat_gate_wait(&in->wake, until);
        interp_lock(in);
    }
    size_t left = in->entries;
    interp_unlock(in);
    return left;
}

/* Interrupts what is left in the interpreter until nothing is, or it has taken too long. false: buried meanwhile. */
static bool reap(interp *in, size_t *out_threads, size_t *out_entries)
{
    int64_t give_up_at = plat_now() + in->stuck_after_ns;
    size_t threads, entries;
    begin_unlocked(in, ACTIVITY_REAP);
    do {
        threads = engine_reap_threads(in->engine);
        /* an entry without a thread state is leaving just now */
        entries = wait_for_entries(in, threads == 0 ? &give_up_at : &(int64_t){0});
    } while (threads != 0 && plat_now() < give_up_at);
    *out_threads = threads;
    *out_entries = entries;
    return finish_and_go_on(in);
}

/* Those that are in libc just now can't be parked; they wait there, or are asked again a little later. */
static void park_threads(interp *in)
{
    int64_t until = plat_now() + 100 * ISLE_MS;
    plat_gate never = {0};
    while (!engine_park(in->engine) && plat_now() < until) {
        plat_gate_wait(&never, plat_now() + ISLE_MS);
    }
}

/* Threads would not go. The home thread is free: it only says so. */
static void bury_for_threads(interp *in, size_t entries)
{
    char *names = entries == 0 ? engine_thread_names(in->engine) : NULL;
    char *what = entries != 0 ? plat_printf("%zu entered threads", entries)
                              : plat_printf("threads could not be stopped: %s", names != NULL ? names : "unnamed");
    interp_lock(in);
    bool mine = !in->buried;
    in->buried = true;
    in->stuck = true;
    signals_stop(in);
    interp_unlock(in);
    if (mine) {
        const char *text = what != NULL ? what : "threads could not be stopped";
        event_details details = {.status = ISLE_ERR_ENDED, .message = text};
        park_threads(in);
        event_tell(in->rt, in, ISLE_EVENT_STUCK, details);
        interp_bury(in, text);
    }
    plat_free(what);
    plat_free(names);
}

/* false: buried. */
static bool clear_threads(interp *in)
{
    size_t threads, entries;
    if (!reap(in, &threads, &entries)) {
        return false;
    }
    if (threads == 0 && entries == 0) {
        return true;
    }
    bury_for_threads(in, entries);
    return false;
}

/* Steps 2 to 4 of isle_interp_end. false: buried. */
static bool end_python(interp *in)
{
    if (!run_end_task(in, ACTIVITY_JOIN, ENGINE_JOIN_THREADS)) {
        return false;
    }
    wait_for_entries(in, &in->end_deadline);
    if (!clear_threads(in) || !run_end_task(in, ACTIVITY_ATEXIT, ENGINE_ATEXIT) || !clear_threads(in)) {
        return false; /* the second time for threads that the atexit functions started */
    }
    interp_lock(in);
    signals_stop(in);
    begin(in, ACTIVITY_DESTROY, plat_now());
    interp_unlock(in);
    engine_interp_destroy(in->engine);
    return finish_and_go_on(in);
}

static void tell_ended(interp *in)
{
    event_details details = {.wall_ns = plat_now() - in->end_began};
    char *message = in->exited ? plat_printf("%s ended the interpreter", in->exit_call) : NULL;
    if (in->exited) {
        details.status = in->exit_status != 0 ? ISLE_ERR_EXIT : ISLE_OK;
        details.exit_status = in->exit_status;
        details.message = message != NULL ? message : in->exit_call;
    }
    event_tell(in->rt, in, ISLE_EVENT_INTERP_ENDED, details);
    plat_free(message);
}

/* Nobody finds the interpreter any more; whoever had found it lets go; then nothing of it is left. */
static void vanish(interp *in)
{
    budget_end(in);
    table_remove(in);
    interp_give(in);
    plat_gate_wait(&in->unused, PLAT_FOREVER);
    engine_interp_free(in->engine);
    compartment_leave();
    queues_interp_ended(in->id);
    tell_ended(in);
    plat_thread before;
    bool has_before = runtime_leave_home(in->rt, &before);
    plat_gate_open(&in->ended);
    interp_unref(in);
    if (has_before) {
        plat_thread_join(before);
    }
}

static bool create(home_start *start)
{
    interp *in = start->in;
    in->home.id = pthread_self();
    isle_interp_config config = *start->config;
    isle_status status = compartment_enter(in, &config, &start->failure);
    if (status == ISLE_OK) {
        status = policy_confine(in->policy, &start->failure); /* the last: no code of the interpreter runs before */
    }
    if (status == ISLE_OK) {
        status = engine_interp_create(&config, in->id, in->name, in, in->policy, &in->engine, &start->failure);
    }
    if (status != ISLE_OK) {
        start->failure.status = status;
        return false;
    }
    if (budget_start(in, start->config->budgets, &start->failure) != ISLE_OK) {
        engine_interp_destroy(in->engine);
        engine_interp_free(in->engine);
        return false;
    }
    runtime_add_home(in->rt);
    table_add(in);
    event_tell(in->rt, in, ISLE_EVENT_INTERP_CREATED, (event_details){0});
    return true;
}

void home_main(void *arg)
{
    home_start *start = arg;
    interp *in = start->in;
    home_of = in;
    bool created = create(start);
    if (!created) {
        compartment_leave();
    }
    plat_gate_open(&start->ready); /* the creator goes on; `start` is gone */
    if (!created) {
        return; /* it also frees the interpreter */
    }
    isle_job *job;
    while ((job = next_job(in)) != NULL) {
        run_job(in, job);
    }
    interp_lock(in);
    bool buried = in->buried;
    interp_unlock(in);
    if (!buried && end_python(in)) {
        vanish(in);
    }
}
