/* Jobs: from the queue to their end, which comes once. The state changes under the interpreter's lock; whoever gets
 * `true` from job_end then tells the host and the waiters, with no lock held. What a job came to is written before
 * its state is JOB_DONE and never changes again, so it is read without the lock. */
#include <errno.h>
#include <string.h>

#include "core.h"
#include "value_codec.h"

static _Atomic uint64_t last_id;

/* --- making and counting ------------------------------------------------------------------------------------------ */

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *put(char **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = size_of(text);
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* One block: the job, argv, the strings. */
static size_t block_size(const engine_task *task)
{
    size_t size = sizeof(isle_job) + task->argc * sizeof(char *) + size_of(task->target) + size_of(task->filename);
    for (size_t i = 0; i < task->argc; i++) {
        size += size_of(task->argv[i]);
    }
    return size;
}

static void copy_task(isle_job *job, const engine_task *task)
{
    const char **argv = (const char **)(job + 1);
    char *at = (char *)(argv + task->argc);
    job->task = *task;
    job->task.target = put(&at, task->target);
    job->task.filename = put(&at, task->filename);
    job->task.argv = task->argv != NULL ? argv : NULL;
    for (size_t i = 0; i < task->argc; i++) {
        argv[i] = put(&at, task->argv[i]);
    }
}

static const timer_class job_timer_class;

isle_job *job_new(interp *in, const job_spec *spec)
{
    isle_job *job = plat_malloc(block_size(&spec->task));
    if (job == NULL) {
        parcel args = spec->task.args;
        parcel_clear(&args);
        return NULL;
    }
    memset(job, 0, sizeof *job);
    copy_task(job, &spec->task);
    job->refs = 1;
    job->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    job->in = in;
    interp_ref(in);
    job->join_threads = spec->join_threads;
    job->has_handle = spec->has_handle;
    job->only_idle = spec->only_idle;
    job->on_done = spec->on_done;
    job->on_done_ctx = spec->on_done_ctx;
    job->deadline = spec->deadline;
    job->timer.class = &job_timer_class;
    job->fd = -1;
    return job;
}

void job_ref(isle_job *job)
{
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
}

void job_unref(isle_job *job)
{
    if (atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (job->fd >= 0) {
        plat_descriptor_close(job->fd);
    }
    parcel_clear(&job->task.args);
    parcel_clear(&job->value);
    isle_error_free(job->error);
    interp_unref(job->in);
    plat_free(job);
}

static int state_of(const isle_job *job)
{
    return atomic_load_explicit(&job->state, memory_order_acquire);
}

/* --- the queue; lock held ----------------------------------------------------------------------------------------- */

static void append(interp *in, isle_job *job)
{
    job->previous = in->last;
    if (in->last != NULL) {
        in->last->next = job;
    } else {
        in->first = job;
    }
    in->last = job;
    in->queued++;
}

static void take_out(interp *in, isle_job *job)
{
    if (job->previous != NULL) {
        job->previous->next = job->next;
    } else {
        in->first = job->next;
    }
    if (job->next != NULL) {
        job->next->previous = job->previous;
    } else {
        in->last = job->previous;
    }
    job->next = job->previous = NULL;
    in->queued--;
}

isle_job *job_pop(interp *in)
{
    isle_job *job = in->first;
    if (job == NULL) {
        return NULL;
    }
    take_out(in, job);
    job->started_ns = plat_now();
    job->started_cpu_ns = job->has_handle ? plat_thread_cpu(in->home.id) : 0;
    atomic_store_explicit(&job->state, JOB_RUNNING, memory_order_release);
    in->current = job;
    counters_job_started(&in->counters, job->started_ns);
    return job;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void measure(isle_job *job)
{
    if (job->started_ns == 0) {
        return;
    }
    job->wall_ns = plat_now() - job->started_ns;
    job->cpu_ns = job->has_handle ? plat_thread_cpu(job->in->home.id) - job->started_cpu_ns : 0;
}

bool job_end(isle_job *job, job_outcome *outcome)
{
    interp *in = job->in;
    if (job->state == JOB_DONE) {
        return false;
    }
    if (job->deadline != ISLE_FOREVER) {
        warden_disarm(&in->rt->warden, &job->timer);
    }
    measure(job);
    job->status = outcome->status;
    job->value = outcome->value;
    job->error = outcome->error;
    job->note = outcome->note;
    counters_job_ended(&in->counters, outcome->status != ISLE_OK);
    atomic_store_explicit(&job->state, JOB_DONE, memory_order_release);
    return true;
}

void job_tell(isle_job *job)
{
    event_details details = {.status = job->status, .job_id = job->id, .wall_ns = job->wall_ns};
    if (job->status != ISLE_OK && job->in->rt->on_event != NULL) {
        details.message = job->error != NULL ? isle_error_message(job->error) : job->note;
    }
    event_tell(job->in->rt, job->in, ISLE_EVENT_JOB_ENDED, details);
    plat_gate_open(&job->done);
    int fd = atomic_load(&job->fd); /* one that is made from now on is made readable: see isle_job_fd */
    if (fd >= 0) {
        plat_eventfd_set(fd);
    }
    if (job->on_done != NULL) {
        job->on_done(job->on_done_ctx);
    }
}

isle_job *job_end_queued(interp *in, isle_status status, const char *note)
{
    isle_job *list = in->first;
    for (isle_job *job = list; job != NULL; job = job->next) {
        job_outcome outcome = {.status = status, .note = note};
        job_end(job, &outcome);
    }
    in->first = in->last = NULL;
    in->queued = 0;
    return list;
}

void job_tell_all(isle_job *list)
{
    while (list != NULL) {
        isle_job *job = list;
        list = job->next;
        job_tell(job);
        job_unref(job);
    }
}

/* Enters with the lock held, leaves with it given. Stops the job in whichever state it is. */
static void stop(isle_job *job, isle_status reason, const char *note)
{
    interp *in = job->in;
    if (job->state == JOB_RUNNING) {
        ladder_start(in, reason);
    }
    if (job->state != JOB_QUEUED) {
        interp_unlock(in);
        return;
    }
    job_outcome outcome = {.status = reason, .note = note};
    take_out(in, job);
    job_end(job, &outcome);
    interp_use(in);
    interp_unlock(in);
    job_tell(job);
    job_unref(job); /* the queue's */
    interp_give(in);
}

void isle_job_cancel(isle_job *job)
{
    if (job == NULL || state_of(job) == JOB_DONE) {
        return;
    }
    interp_lock(job->in);
    stop(job, ISLE_ERR_CANCELLED, "cancelled before it could start");
}

static isle_job *job_of(timer *t)
{
    return (isle_job *)((char *)t - offsetof(isle_job, timer));
}

static void hold(timer *t)
{
    job_ref(job_of(t));
}

static void fire(timer *t)
{
    isle_job *job = job_of(t);
    interp_lock(job->in);
    stop(job, ISLE_ERR_TIMEOUT, "the deadline passed before it could start");
    job_unref(job);
}

static const timer_class job_timer_class = {.hold = hold, .fire = fire};

/* --- submitting --------------------------------------------------------------------------------------------------- */

static isle_status refusal(const interp *in, bool only_idle)
{
    if (in->ending) {
        return ISLE_ERR_NO_INTERP;
    }
    if (in->stuck) {
        return ISLE_ERR_STUCK;
    }
    if (in->budgets.spent) {
        return ISLE_ERR_BUDGET;
    }
    return only_idle && (in->current != NULL || in->first != NULL) ? ISLE_ERR_BUSY : ISLE_OK;
}

static const char *refusal_text(isle_status status)
{
    switch (status) {
    case ISLE_ERR_STUCK:
        return "the interpreter is stuck and takes no jobs";
    case ISLE_ERR_BUDGET:
        return "the interpreter has used up a budget and takes no jobs";
    case ISLE_ERR_BUSY:
        return "the interpreter runs something";
    default:
        return "the interpreter is ending and takes no jobs";
    }
}

isle_status job_queue(isle_job *job, isle_error **err)
{
    interp *in = job->in;
    interp_lock(in);
    isle_status status = refusal(in, job->only_idle);
    if (status != ISLE_OK) {
        interp_unlock(in);
        return error_set(err, status, "%s", refusal_text(status));
    }
    bool idle = in->activity == ACTIVITY_NONE; /* a busy home thread looks at its queue before it sleeps */
    job_ref(job);
    append(in, job);
    if (job->deadline != ISLE_FOREVER && job->deadline <= plat_now()) {
        stop(job, ISLE_ERR_TIMEOUT, "the deadline passed before it could start");
        return ISLE_OK;
    }
    if (job->deadline != ISLE_FOREVER) {
        warden_arm(&in->rt->warden, &job->timer, job->deadline);
    }
    interp_unlock(in);
    if (idle) {
        plat_gate_open(&in->wake);
    }
    return ISLE_OK;
}

static isle_status check_config(const isle_job_config *c, isle_error **err)
{
    const char *fault = NULL;
    if ((unsigned)c->kind > ISLE_JOB_CALL) {
        fault = "kind is none of isle_job_kind";
    } else if (c->target == NULL) {
        fault = "target is NULL";
    } else if (c->argc != 0 && c->argv == NULL) {
        fault = "argv is NULL, but argc is not 0";
    } else if (c->kind != ISLE_JOB_CALL && (c->args != NULL || c->kwargs != NULL)) {
        fault = "args and kwargs are for ISLE_JOB_CALL";
    }
    for (size_t i = 0; fault == NULL && i < c->argc; i++) {
        fault = c->argv[i] == NULL ? "argv has a NULL in it" : NULL;
    }
    return fault == NULL ? ISLE_OK : error_set(err, ISLE_ERR_INVALID, "isle_job_config.%s", fault);
}

static engine_task task_of(const isle_job_config *c)
{
    static const engine_task_kind kinds[] = {[ISLE_JOB_SOURCE] = ENGINE_SOURCE,
                                             [ISLE_JOB_FILE] = ENGINE_FILE,
                                             [ISLE_JOB_MODULE] = ENGINE_MODULE,
                                             [ISLE_JOB_CALL] = ENGINE_CALL};
    static const char *const none[1];
    bool has_argv = c->kind == ISLE_JOB_FILE || c->kind == ISLE_JOB_MODULE;
    return (engine_task){.kind = kinds[c->kind],
                         .target = c->target,
                         .filename = c->kind == ISLE_JOB_SOURCE ? c->filename : NULL,
                         .argv = c->argv == NULL && has_argv ? none : c->argv,
                         .argc = c->argc};
}

static isle_status submit(interp *in, const isle_job_config *config, isle_job **out_job, isle_error **err)
{
    job_spec spec = {.task = task_of(config),
                     .deadline = config->deadline,
                     .join_threads = config->join_threads,
                     .has_handle = out_job != NULL};
    if (config->kind == ISLE_JOB_CALL) {
        isle_status status = encode_args(config->args, config->kwargs, &spec.task.args, err);
        if (status != ISLE_OK) {
            return status;
        }
    }
    isle_job *job = job_new(in, &spec);
    if (job == NULL) {
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    isle_status status = job_queue(job, err);
    if (status == ISLE_OK && out_job != NULL) {
        *out_job = job;
    } else {
        job_unref(job);
    }
    return status;
}

isle_status isle_job_submit(isle_interp handle, const isle_job_config *config, isle_job **out_job, isle_error **err)
{
    isle_job_config own;
    if (config == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "config is NULL");
    }
    isle_status status = config_take(&own, sizeof own, config, "isle_job_config", err);
    status = status != ISLE_OK ? status : check_config(&own, err);
    if (status != ISLE_OK) {
        return status;
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter: it has ended or never was");
    }
    status = submit(in, &own, out_job, err);
    interp_give(in);
    return status;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

isle_status isle_job_wait(isle_job *job, int64_t deadline)
{
    if (job == NULL) {
        return ISLE_ERR_INVALID;
    }
    if (plat_gate_is_open(&job->done) || (isle_job_done(job) && event_is_being_told())) {
        return ISLE_OK; /* others wait until the host was told; its own call-back can't */
    }
    if (deadline > plat_now() && (warden_is_me() || home_of_this_thread() == job->in)) {
        return ISLE_ERR_STATE; /* it would never end */
    }
    return core_wait(&job->done, deadline) ? ISLE_OK : ISLE_ERR_TIMEOUT;
}

bool isle_job_done(const isle_job *job)
{
    return state_of(job) == JOB_DONE;
}

uint64_t isle_job_id(const isle_job *job)
{
    return job->id;
}

static isle_status value_of(const isle_job *job, isle_value **out_value, isle_error **err)
{
    if (out_value == NULL) {
        return ISLE_OK;
    }
    isle_value *value = NULL;
    isle_status status = ISLE_OK;
    if (job->value.data != NULL) {
        status = value_from_parcel(&job->value, &value);
    } else if ((value = isle_value_new_none()) == NULL) {
        status = ISLE_ERR_NOMEM;
    }
    if (status != ISLE_OK) {
        return error_set(err, status, "the result could not be read: %s", isle_status_text(status));
    }
    *out_value = value;
    return ISLE_OK;
}

isle_status isle_job_result(const isle_job *job, isle_value **out_value, isle_error **err)
{
    if (job == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "job is NULL");
    }
    if (!isle_job_done(job)) {
        return error_set(err, ISLE_ERR_BUSY, "the job has not ended");
    }
    if (job->status == ISLE_OK) {
        return value_of(job, out_value, err);
    }
    if (job->error == NULL) {
        return error_set(err, job->status, "%s", job->note != NULL ? job->note : isle_status_text(job->status));
    }
    if (err != NULL) {
        *err = error_ref(job->error);
    }
    return job->status;
}

int isle_job_fd(isle_job *job)
{
    int saved = 0;
    interp_lock(job->in);
    if (job->fd < 0) {
        int fd = plat_eventfd_create();
        saved = errno;
        if (fd >= 0 && job->state == JOB_DONE) {
            plat_eventfd_set(fd); /* whoever ended it may have looked before */
        }
        atomic_store(&job->fd, fd);
    }
    int fd = job->fd;
    interp_unlock(job->in);
    if (fd < 0) {
        errno = saved;
    }
    return fd;
}

int64_t isle_job_wall_ns(const isle_job *job)
{
    if (isle_job_done(job)) {
        return job->wall_ns;
    }
    interp_lock(job->in);
    int64_t ns = job->state == JOB_DONE ? job->wall_ns : job->started_ns != 0 ? plat_now() - job->started_ns : 0;
    interp_unlock(job->in);
    return ns;
}

int64_t isle_job_cpu_ns(const isle_job *job)
{
    if (isle_job_done(job)) {
        return job->cpu_ns;
    }
    interp_lock(job->in);
    int64_t ns = job->cpu_ns;
    if (job->state == JOB_RUNNING) {
        ns = plat_thread_cpu(job->in->home.id) - job->started_cpu_ns;
    }
    interp_unlock(job->in);
    return ns;
}

void isle_job_free(isle_job *job)
{
    if (job != NULL) {
        job_unref(job);
    }
}
