/* The runtime: one for a process. Its thread starts CPython, serves as the warden while Isles runs, and stops
 * CPython; so the caller's thread stays free of Python. For a CPython that was there before, the thread is the
 * warden only.
 *
 * The runtime's lock guards which one runs, and what the struct says. Stop refuses new interpreters, waits for
 * those that are being made, ends all at once, waits until no home thread can use the runtime, and frees it. What
 * would not end is remembered: then the runtime stays in memory, silent, and the warden's thread goes on for as
 * long as there is somebody to park. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

#define EXIT_GRACE_NS ISLE_SECOND /* when Python exits and nobody has stopped us */

static struct {
    plat_lock lock;
    isle_runtime *running;
    bool starting;
    isle_runtime *remains; /* one that was stopped with stuck interpreters: its memory stays */
    plat_cond changed;     /* `running`, a runtime's `creating` or `homes` */
} global = {.lock = {PTHREAD_MUTEX_INITIALIZER}, .changed = {PTHREAD_COND_INITIALIZER}};

static void lock(void)
{
    core_lock(&global.lock, RANK_RUNTIME);
}

static void unlock(void)
{
    core_unlock(&global.lock, RANK_RUNTIME);
}

isle_runtime *runtime_running(void)
{
    lock();
    isle_runtime *rt = global.running;
    unlock();
    return rt;
}

/* --- who uses it -------------------------------------------------------------------------------------------------- */

isle_status runtime_creation_begin(isle_runtime *rt, isle_error **err)
{
    lock();
    bool ok = rt != NULL && global.running == rt && !rt->stopping;
    if (ok) {
        rt->creating++;
    }
    unlock();
    return ok ? ISLE_OK : error_set(err, ISLE_ERR_STATE, "the runtime does not run, or is stopping");
}

void runtime_creation_end(isle_runtime *rt)
{
    lock();
    rt->creating--;
    plat_cond_wake_all(&global.changed);
    unlock();
}

void runtime_add_home(isle_runtime *rt)
{
    lock();
    rt->homes++;
    unlock();
}

bool runtime_leave_home(isle_runtime *rt, plat_thread *out_before)
{
    lock();
    bool has_before = rt->has_last_home;
    *out_before = rt->last_home;
    rt->has_last_home = true;
    rt->last_home.id = pthread_self();
    rt->homes--;
    plat_cond_wake_all(&global.changed);
    unlock();
    return has_before;
}

void runtime_remember_stuck(isle_runtime *rt, interp *in)
{
    lock();
    in->next_stuck = rt->stuck;
    rt->stuck = in;
    rt->homes--;
    plat_cond_wake_all(&global.changed);
    unlock();
}

static const char *stuck_text(const interp *in)
{
    return in->end_message != NULL ? in->end_message : "an interpreter would not end";
}

char *runtime_stuck_message(uint64_t id)
{
    char *message = NULL;
    lock();
    const isle_runtime *rt = global.running != NULL ? global.running : global.remains;
    for (const interp *in = rt != NULL ? rt->stuck : NULL; in != NULL; in = in->next_stuck) {
        if (in->id == id) {
            message = plat_strdup(stuck_text(in));
        }
    }
    unlock();
    return message;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

static isle_status claim(isle_error **err)
{
    lock();
    bool free = global.running == NULL && !global.starting && global.remains == NULL;
    global.starting = free || global.starting;
    unlock();
    return free ? ISLE_OK : error_set(err, ISLE_ERR_STATE, "Isles already runs in this process, or did and was stuck");
}

static void claimed(isle_runtime *rt)
{
    lock();
    global.starting = false;
    global.running = rt;
    unlock();
}

static void runtime_free(isle_runtime *rt)
{
    if (rt != NULL) {
        engine_failure_clear(&rt->failure);
        host_free_functions(rt);
        warden_destroy(&rt->warden);
        plat_free(rt);
    }
}

static isle_status runtime_new(const isle_runtime_config *config, bool adopted, isle_runtime **out, isle_error **err)
{
    isle_runtime *rt = plat_calloc(1, sizeof *rt);
    if (rt == NULL) {
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    warden_init(&rt->warden);
    rt->on_event = config->on_event;
    rt->event_ctx = config->event_ctx;
    rt->signal = config->interrupt_signal != 0 ? config->interrupt_signal : SIGRTMIN + 5;
    rt->adopted = adopted;
    rt->config = config;
    isle_status status = host_copy_functions(rt, config, err);
    if (status != ISLE_OK) {
        runtime_free(rt);
        return status;
    }
    *out = rt;
    return ISLE_OK;
}

static bool is_stuck(isle_runtime *rt)
{
    lock();
    bool stuck = rt->stuck != NULL;
    unlock();
    return stuck;
}

/* The runtime thread. */
static void runtime_main(void *arg)
{
    isle_runtime *rt = arg;
    isle_status status = rt->adopted ? ISLE_OK : engine_start(rt->config, host_hooks(), &rt->failure);
    rt->failure.status = status;
    plat_gate_open(&rt->started);
    if (status != ISLE_OK) {
        return; /* joined by who waited */
    }
    warden_serve(&rt->warden);
    bool stuck = is_stuck(rt);
    if (stuck) {
        engine_abandon();
    } else if (!rt->adopted) {
        rt->failure.status = engine_stop(&rt->failure);
    }
    plat_gate_open(&rt->stopped);
    if (stuck) {
        warden_serve_rest(&rt->warden);
    }
}

static isle_status start_thread(isle_runtime *rt, isle_error **err)
{
    int rc = plat_thread_start(&rt->thread, "isles", 8u << 20, 0, runtime_main, rt);
    if (rc != 0) {
        return error_set(err, ISLE_ERR_SYSTEM, "no thread for the runtime: %s", strerror(rc));
    }
    core_wait(&rt->started, PLAT_FOREVER);
    if (rt->failure.status != ISLE_OK) {
        plat_thread_join(rt->thread);
        return error_set_failure(err, &rt->failure);
    }
    return ISLE_OK;
}

/* Python exits, attached to its main interpreter, and nobody has stopped us. */
static void on_exit_of_python(void *rt)
{
    isle_runtime_stop(rt, isle_deadline_in(EXIT_GRACE_NS), NULL);
}

static isle_status adopt(isle_runtime *rt, isle_error **err)
{
    isle_status status = engine_adopt(rt->config, host_hooks(), on_exit_of_python, rt, &rt->failure);
    if (status == ISLE_OK) {
        return ISLE_OK;
    }
    rt->failure.status = status;
    warden_stop(&rt->warden);
    core_wait(&rt->stopped, PLAT_FOREVER);
    plat_thread_join(rt->thread);
    return error_set_failure(err, &rt->failure);
}

static isle_status launch(const isle_runtime_config *config, bool adopted, isle_runtime **out, isle_error **err)
{
    isle_runtime *rt = NULL;
    isle_status status = claim(err);
    if (status != ISLE_OK) {
        return status;
    }
    status = runtime_new(config, adopted, &rt, err);
    if (status == ISLE_OK) {
        if (!config->leave_malloc) {
            plat_keep_freed();
        }
        host_set_runtime(rt);
        status = start_thread(rt, err);
    }
    if (status == ISLE_OK && adopted) {
        status = adopt(rt, err);
    }
    if (status != ISLE_OK) {
        host_set_runtime(NULL);
        runtime_free(rt);
        claimed(NULL);
        return status;
    }
    rt->config = NULL;
    claimed(rt);
    *out = rt;
    return ISLE_OK;
}

static isle_status take_config(const isle_runtime_config *config, isle_runtime_config *own, isle_runtime **out,
                               isle_error **err)
{
    isle_status status = config_take(own, sizeof *own, config, "isle_runtime_config", err);
    if (status != ISLE_OK) {
        return status;
    }
    if (out == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "out_runtime is NULL");
    }
    if (own->interrupt_signal < 0 || own->interrupt_signal > SIGRTMAX) {
        return error_set(err, ISLE_ERR_INVALID, "isle_runtime_config.interrupt_signal is no signal");
    }
    return ISLE_OK;
}

isle_status isle_runtime_start(const isle_runtime_config *config, isle_runtime **out_runtime, isle_error **err)
{
    isle_runtime_config own;
    isle_status status = take_config(config, &own, out_runtime, err);
    if (status == ISLE_OK && own.python != NULL && access(own.python, X_OK) != 0) {
        return error_set(err, ISLE_ERR_INVALID, "isle_runtime_config.python: %s: %s", own.python, strerror(errno));
    }
    return status == ISLE_OK ? launch(&own, false, out_runtime, err) : status;
}

isle_status isle_runtime_adopt(const isle_runtime_config *config, isle_runtime **out_runtime, isle_error **err)
{
    isle_runtime_config own;
    isle_status status = take_config(config, &own, out_runtime, err);
    return status == ISLE_OK ? launch(&own, true, out_runtime, err) : status;
}

/* --- stopping ----------------------------------------------------------------------------------------------------- */

/* true: it is ours to stop; false: somebody has stopped it. */
static bool begin_stop(isle_runtime *rt)
{
    lock();
    bool mine = global.running == rt && !rt->stopping;
    if (mine) {
        rt->stopping = true;
        while (rt->creating != 0) {
            plat_cond_wait(&global.changed, &global.lock, PLAT_FOREVER);
        }
    } else {
        while (global.running == rt) {
            plat_cond_wait(&global.changed, &global.lock, PLAT_FOREVER);
        }
    }
    unlock();
    return mine;
}

static void end_interpreters(isle_runtime *rt, int64_t deadline)
{
    uint64_t id = 0;
    for (interp *in; (in = table_take_after(id)) != NULL;) {
        id = in->id;
        interp_begin_end(in, deadline);
        interp_give(in);
    }
    lock();
    while (rt->homes != 0) {
        plat_cond_wait(&global.changed, &global.lock, PLAT_FOREVER);
    }
    unlock();
    if (rt->has_last_home) {
        plat_thread_join(rt->last_home); /* it has joined the one before, and so on */
    }
}

static isle_status tell_stuck(const isle_runtime *rt, isle_error **err)
{
    char *text = NULL;
    for (const interp *in = rt->stuck; in != NULL && err != NULL; in = in->next_stuck) {
        char *longer = plat_printf("%s%s%s", text != NULL ? text : "", text != NULL ? "; " : "", stuck_text(in));
        if (longer != NULL) {
            plat_free(text);
            text = longer;
        }
    }
    error_set(err, ISLE_ERR_STUCK, "%s", text != NULL ? text : "an interpreter would not end");
    plat_free(text);
    return ISLE_ERR_STUCK;
}

static void set_running(isle_runtime *running, isle_runtime *remains)
{
    lock();
    global.running = running;
    global.remains = remains;
    plat_cond_wake_all(&global.changed);
    unlock();
}

/* Nothing is freed: the stuck threads may touch it. */
static isle_status leave_stuck(isle_runtime *rt, isle_error **err)
{
    atomic_store(&rt->silent, true);
    host_set_runtime(NULL);
    warden_stop(&rt->warden);
    plat_gate_wait(&rt->stopped, PLAT_FOREVER);
    plat_thread_detach(rt->thread);
    for (interp *in = rt->stuck; rt->adopted && in != NULL; in = in->next_stuck) {
        engine_leave_behind(in->engine);
    }
    isle_status status = tell_stuck(rt, err);
    set_running(NULL, rt);
    return status;
}

static isle_status shut_down(isle_runtime *rt, isle_error **err)
{
    warden_stop(&rt->warden);
    plat_thread_join(rt->thread);
    if (rt->adopted) {
        rt->failure.status = engine_stop(&rt->failure);
    }
    isle_status status = rt->failure.status;
    if (status != ISLE_OK) {
        error_set_failure(err, &rt->failure);
    }
    host_set_runtime(NULL);
    set_running(NULL, NULL);
    runtime_free(rt);
    return status;
}

isle_status isle_runtime_stop(isle_runtime *rt, int64_t deadline, isle_error **err)
{
    if (rt == NULL) {
        return ISLE_OK;
    }
    if (warden_is_me() || home_of_this_thread() != NULL || engine_is_inside_any()) {
        return error_set(err, ISLE_ERR_STATE, "the runtime can't be stopped from inside an interpreter");
    }
    isle_status status = ISLE_OK;
    void *detached = engine_detach();
    if (begin_stop(rt)) {
        end_interpreters(rt, deadline);
        status = is_stuck(rt) ? leave_stuck(rt, err) : shut_down(rt, err);
    }
    engine_reattach(detached);
    return status;
}
