/* Interpreters as any thread sees them: created, looked at, entered. What their home thread does is in home.c, their
 * end in end.c. */
#include <limits.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>

#include "core.h"
#include "policy.h"

#define DEFAULT_STACK_SIZE (8u << 20)
#define LEAST_STACK_SIZE (256u << 10)
#define ENTRY_INTERP 2 /* the word of an isle_entry that is ours */

/* --- counting ----------------------------------------------------------------------------------------------------- */

void interp_ref(interp *in)
{
    atomic_fetch_add_explicit(&in->refs, 1, memory_order_relaxed);
}

void interp_free(interp *in)
{
    plat_lock_destroy(&in->lock);
    policy_free(in->policy);
    plat_own_unref(in->own);
    plat_free(in->name);
    plat_free(in->end_message);
    plat_free(in);
}

void interp_unref(interp *in)
{
    if (atomic_fetch_sub_explicit(&in->refs, 1, memory_order_acq_rel) == 1) {
        interp_free(in);
    }
}

void interp_use(interp *in)
{
    atomic_fetch_add_explicit(&in->users, 1, memory_order_relaxed);
}

void interp_give(interp *in)
{
    if (atomic_fetch_sub_explicit(&in->users, 1, memory_order_acq_rel) == 1) {
        plat_gate_open(&in->unused);
    }
}

bool interp_forbids_wait(const interp *in)
{
    return warden_is_me() || home_of_this_thread() == in || engine_is_inside(in->engine);
}

bool core_wait(plat_gate *gate, int64_t deadline)
{
    if (plat_gate_is_open(gate)) {
        return true;
    }
    core_no_lock();
    void *detached = engine_detach();
    bool open = plat_gate_wait(gate, deadline);
    engine_reattach(detached);
    return open;
}

/* --- creating ----------------------------------------------------------------------------------------------------- */

static interp *interp_new(isle_runtime *rt, const isle_interp_config *config)
{
    interp *in = plat_calloc(1, sizeof *in);
    if (in == NULL) {
        return NULL;
    }
    in->id = table_new_id();
    in->name = config->name != NULL ? plat_strdup(config->name)
                                    : plat_printf("interp-%llu", (unsigned long long)in->id);
    if (in->name == NULL) {
        plat_free(in);
        return NULL;
    }
    in->rt = rt;
    in->own_descriptors = config->private_descriptors;
    in->created_ns = plat_now();
    in->cancel_grace_ns = config->cancel_grace_ns != 0 ? config->cancel_grace_ns : DEFAULT_CANCEL_GRACE_NS;
    in->stuck_after_ns = config->stuck_after_ns != 0 ? config->stuck_after_ns : DEFAULT_STUCK_AFTER_NS;
    in->refs = in->users = 1; /* the home thread's */
    in->ladder.timer.class = &ladder_timer_class;
    in->end_timer.class = &end_timer_class;
    in->signal_timer.class = &signal_timer_class;
    in->alarm_timer.class = &alarm_timer_class;
    plat_lock_init(&in->lock);
    return in;
}

static isle_status start_home(interp *in, const isle_interp_config *config, isle_error **err)
{
    home_start start = {.in = in, .config = config};
    size_t stack_size = config->stack_size_bytes != 0 ? config->stack_size_bytes : DEFAULT_STACK_SIZE;
    uint64_t id = in->id;
    plat_thread thread;
    int rc = plat_thread_start(&thread, in->name, stack_size, in->rt->signal, home_main, &start);
    if (rc != 0) {
        return error_set(err, ISLE_ERR_SYSTEM, "no thread for interpreter %llu: %s", (unsigned long long)id,
                         strerror(rc));
    }
    core_wait(&start.ready, PLAT_FOREVER);
    if (start.failure.status != ISLE_OK) {
        plat_thread_join(thread);
        return error_set_failure(err, &start.failure);
    }
    return ISLE_OK; /* it may even have ended by now */
}

/* Before the first home thread with a table of its own: what is to stay in the process's table stays here. */
static isle_status prepare_descriptors(const isle_interp_config *config, isle_error **err)
{
    int error = config->private_descriptors ? plat_descriptors_prepare() : 0;
    if (error == ENOSYS) {
        return error_set(err, ISLE_ERR_UNSUPPORTED, "private_descriptors: this system has one table for the process");
    }
    return error == 0 ? ISLE_OK : error_set(err, ISLE_ERR_SYSTEM, "private_descriptors: %s", strerror(error));
}

/* What code of an interpreter creates begins with that one's environment variables. false: no memory. `*out` is to be
 * freed when the interpreter is there; NULL: nothing was added. */
static bool inherit_environment(isle_interp_config *config, char ***out)
{
    size_t inherited;
    *out = NULL;
    if (config->env_base != ISLE_ENV_COPY || !engine_has_environment()) {
        return true;
    }
    *out = engine_copy_environment(config->env_count, &inherited);
    if (*out == NULL) {
        return false;
    }
    if (config->env_count != 0) {
        memcpy(*out + inherited, config->env, config->env_count * sizeof **out);
    }
    config->env = (const char *const *)*out;
    config->env_count += inherited;
    config->env_base = ISLE_ENV_EMPTY;
    return true;
}

/* ... and with its locale, in `buffer`. */
static void inherit_locale(isle_interp_config *config, char *buffer, size_t size)
{
    if (config->locale != NULL || config->shared_locale || !plat_locale_is_own(plat_own_of_thread())) {
        return;
    }
    const char *now = plat_setlocale(LC_ALL, NULL);
    size_t length = now != NULL ? strlen(now) : size;
    if (length < size) {
        config->locale = memcpy(buffer, now, length + 1);
    }
}

static isle_status create(isle_runtime *rt, const isle_interp_config *config, isle_interp *out, isle_error **err)
{
    if (!table_reserve()) {
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    interp *in = interp_new(rt, config);
    if (in == NULL) {
        table_unreserve();
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    uint64_t id = in->id;
    isle_status status = prepare_descriptors(config, err);
    status = status == ISLE_OK ? policy_make(config, &in->policy, err) : status;
    status = status == ISLE_OK ? start_home(in, config, err) : status;
    if (status != ISLE_OK) {
        interp_free(in);
        table_unreserve();
        return status;
    }
    out->id = id;
    return ISLE_OK;
}

static isle_status check_strings(const char *field, const char *const *items, size_t count, isle_error **err)
{
    for (size_t i = 0; i < count; i++) {
        if (items == NULL || items[i] == NULL) {
            return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.%s[%zu] is NULL", field, i);
        }
    }
    return ISLE_OK;
}

static const char *stream_fault(const isle_stream *s, bool input)
{
    if ((unsigned)s->kind > ISLE_STREAM_FILE) {
        return "kind is none of isle_stream_kind";
    }
    if (s->kind == ISLE_STREAM_FD && s->fd < 0) {
        return "fd is negative";
    }
    if (s->kind == ISLE_STREAM_CALLBACK && (input ? s->read == NULL : s->write == NULL)) {
        return input ? "read is NULL" : "write is NULL";
    }
    if (s->kind == ISLE_STREAM_QUEUE && s->queue == NULL) {
        return "queue is NULL";
    }
    if (s->kind == ISLE_STREAM_QUEUE && !s->bytes && s->encoding != NULL) {
        return "encoding is set, but a queue of str has none (set bytes, too)";
    }
    if (s->kind == ISLE_STREAM_FILE && (s->path == NULL || s->path[0] == '\0')) {
        return s->path == NULL ? "path is NULL" : "path is empty";
    }
    if (s->bytes && s->kind != ISLE_STREAM_QUEUE) {
        return "bytes is set, but is for queues";
    }
    return NULL;
}

static const char *output_fault(const isle_stream *s, bool input)
{
    if ((unsigned)s->buffering > ISLE_BUFFERING_NONE) {
        return "buffering is none of isle_buffering";
    }
    if ((unsigned)s->full > ISLE_FULL_DROP_SILENT) {
        return "full is none of isle_full";
    }
    if (input && (s->buffering != ISLE_BUFFERING_AUTO || s->full != ISLE_FULL_WAIT || s->append)) {
        return "append, buffering and full are for what is written";
    }
    if (s->append && s->kind != ISLE_STREAM_FILE) {
        return "append is set, but is for files";
    }
    return s->kind == ISLE_STREAM_CALLBACK && s->full != ISLE_FULL_WAIT ? "full is set, but a call-back decides itself"
                                                                        : NULL;
}

static isle_status check_variables(const isle_interp_config *c, isle_error **err)
{
    for (size_t i = 0; i < c->env_count; i++) {
        if (c->env[i][0] == '=' || c->env[i][0] == '\0') {
            return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.env[%zu]: '%s' has no name", i, c->env[i]);
        }
    }
    return ISLE_OK;
}

static isle_status check_stream(const char *field, const isle_stream *stream, bool input, isle_error **err)
{
    const char *fault = stream_fault(stream, input);
    fault = fault != NULL ? fault : output_fault(stream, input);
    return fault == NULL ? ISLE_OK : error_set(err, ISLE_ERR_INVALID, "isle_interp_config.%s: %s", field, fault);
}

static bool name_is_before(const isle_descriptor *list, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(list[i].name, list[index].name) == 0) {
            return true;
        }
    }
    return false;
}

static isle_status check_descriptors(const isle_interp_config *c, isle_error **err)
{
    for (size_t i = 0; i < c->descriptor_count; i++) {
        const isle_descriptor *d = c->descriptors != NULL ? &c->descriptors[i] : NULL;
        if (d == NULL || d->name == NULL || d->name[0] == '\0') {
            return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.descriptors[%zu] has no name", i);
        }
        if (name_is_before(c->descriptors, i)) {
            return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.descriptors[%zu]: there is a %s before", i,
                             d->name);
        }
        if (fcntl(d->fd, F_GETFD) < 0) {
            return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.descriptors[%zu] (%s): %d is not open", i,
                             d->name, d->fd);
        }
    }
    return ISLE_OK;
}

static isle_status check_config(const isle_interp_config *c, isle_error **err)
{
    const char *fault = NULL;
    if ((unsigned)c->gil > ISLE_GIL_SHARED) {
        fault = "gil is none of isle_gil";
    } else if ((unsigned)c->extensions > ISLE_EXTENSIONS_AUTO) {
        fault = "extensions is none of isle_extensions";
    } else if (c->extensions == ISLE_EXTENSIONS_AUTO && c->gil == ISLE_GIL_SHARED) {
        fault = "extensions: auto is for an interpreter with its own GIL";
    } else if (c->stack_size_bytes != 0 && c->stack_size_bytes < LEAST_STACK_SIZE) {
        fault = "stack_size_bytes is less than 256 KiB";
    } else if (c->cancel_grace_ns < 0) {
        fault = "cancel_grace_ns is negative";
    } else if (c->stuck_after_ns < 0) {
        fault = "stuck_after_ns is negative";
    } else if (c->shared_cwd && c->cwd != NULL) {
        fault = "cwd: not with shared_cwd";
    } else if (c->umask != 0 && !c->umask_set) {
        fault = "umask is given without umask_set";
    } else if (c->umask_set && (c->shared_cwd || c->umask > 0777)) {
        fault = c->shared_cwd ? "umask_set: not with shared_cwd" : "umask is more than 0777";
    } else if ((unsigned)c->env_base > ISLE_ENV_SHARED) {
        fault = "env_base is none of isle_env_base";
    } else if (c->env_base == ISLE_ENV_SHARED && c->env_count > 0) {
        fault = "env: not with env_base ISLE_ENV_SHARED: the process's variables are everybody's";
    } else if (c->shared_locale && c->locale != NULL) {
        fault = "locale: not with shared_locale";
    } else if (c->venv != NULL && c->no_site) {
        fault = "no_site is set, but a venv needs site";
    }
    if (fault != NULL) {
        return error_set(err, ISLE_ERR_INVALID, "isle_interp_config.%s", fault);
    }
    isle_status status = check_strings("path", c->path, c->path_count, err);
    status = status != ISLE_OK ? status : check_strings("env", c->env, c->env_count, err);
    status = status != ISLE_OK ? status : check_variables(c, err);
    status = status != ISLE_OK ? status : check_strings("warnings", c->warnings, c->warning_count, err);
    status = status != ISLE_OK ? status : check_strings("xoptions", c->xoptions, c->xoption_count, err);
    status = status != ISLE_OK ? status : check_stream("stdin_", &c->stdin_, true, err);
    status = status != ISLE_OK ? status : check_stream("stdout_", &c->stdout_, false, err);
    status = status != ISLE_OK ? status : check_stream("stderr_", &c->stderr_, false, err);
    return status != ISLE_OK ? status : check_descriptors(c, err);
}

isle_status isle_interp_create(isle_runtime *runtime, const isle_interp_config *config, isle_interp *out_interp,
                               isle_error **err)
{
    isle_interp_config own;
    isle_budgets limits;
    isle_policy own_policy;
    isle_status status = config_take(&own, sizeof own, config, "isle_interp_config", err);
    status = status != ISLE_OK ? status : check_config(&own, err);
    status = status != ISLE_OK ? status : budget_take(&limits, own.budgets, err);
    own.budgets = &limits;
    own.gil = own.extensions == ISLE_EXTENSIONS_SHARED_GIL ? ISLE_GIL_SHARED : own.gil;
    status = status != ISLE_OK ? status : policy_take(&own, &own_policy, err);
    if (status != ISLE_OK) {
        return status;
    }
    if (out_interp == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "out_interp is NULL");
    }
    if (warden_is_me()) {
        return error_set(err, ISLE_ERR_STATE, "no waiting in this event's call-back");
    }
    status = runtime_creation_begin(runtime, err);
    if (status != ISLE_OK) {
        return status;
    }
    char **variables, locale[2048];
    inherit_locale(&own, locale, sizeof locale);
    status = inherit_environment(&own, &variables) ? create(runtime, &own, out_interp, err)
                                                   : error_set(err, ISLE_ERR_NOMEM, "out of memory");
    plat_free(variables);
    runtime_creation_end(runtime);
    return status;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static isle_interp_state state_of(const interp *in)
{
    if (in->ending) {
        return ISLE_INTERP_ENDING;
    }
    if (in->stuck) {
        return ISLE_INTERP_STUCK;
    }
    return in->current != NULL ? ISLE_INTERP_RUNNING : ISLE_INTERP_IDLE;
}

isle_status isle_interp_get_stats(isle_interp handle, isle_interp_stats *out)
{
    if (out == NULL || out->size < sizeof out->size) {
        return ISLE_ERR_INVALID;
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return ISLE_ERR_NO_INTERP;
    }
    isle_interp_stats s = {.size = out->size, .id = in->id, .created_ns = in->created_ns};
    strncpy(s.name, in->name, sizeof s.name - 1);
    counters_snapshot c;
    interp_lock(in);
    counters_read(&in->counters, plat_now(), &c);
    s.state = state_of(in);
    if (in->engine != NULL) {
        engine_get_copies(in->engine, &s.extension_copies, &s.extension_copy_bytes);
    }
    s.jobs_queued = in->queued;
    s.current_job = in->current != NULL ? in->current->id : 0;
    /* a buried one's thread may end at any time */
    int64_t cpu_ns = in->buried ? 0 : plat_thread_cpu(in->home.id);
    interp_unlock(in);
    interp_give(in);
    s.jobs_started = c.jobs_started;
    s.jobs_ended = c.jobs_ended;
    s.jobs_failed = c.jobs_failed;
    s.interrupts = c.interrupts;
    s.wall_ns = c.wall_ns;
    s.output_bytes = c.output_bytes;
    s.dropped_bytes = c.dropped_bytes;
    s.dropped_writes = c.dropped_writes;
    s.cpu_ns = cpu_ns > 0 ? cpu_ns : 0;
    memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
    return ISLE_OK;
}

/* --- entering ----------------------------------------------------------------------------------------------------- */

static isle_status entry_begin(interp *in, isle_error **err)
{
    isle_status status = ISLE_OK;
    if (in->own_descriptors) { /* a thread of the host would open and close other files than its code means */
        return error_set(err, ISLE_ERR_UNSUPPORTED, "the interpreter's descriptors are private: run a job there");
    }
    interp_lock(in);
    if (in->ending) {
        status = ISLE_ERR_NO_INTERP;
    } else if (in->stuck) {
        status = ISLE_ERR_STUCK;
    } else {
        in->entries++;
    }
    interp_unlock(in);
    if (status == ISLE_ERR_NO_INTERP) {
        return error_set(err, status, "the interpreter is ending");
    }
    return status == ISLE_OK ? status : error_set(err, status, "the interpreter is stuck");
}

static void entry_end(interp *in)
{
    interp_lock(in);
    in->entries--;
    bool awaited = in->ending;
    interp_unlock(in);
    if (awaited) {
        plat_gate_open(&in->wake);
    }
}

isle_status isle_interp_enter(isle_interp handle, isle_entry *out_entry, isle_error **err)
{
    interp *in = table_take(handle.id);
    if (in == NULL) {
        return error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter");
    }
    isle_entry entry = {{NULL}};
    isle_status status = entry_begin(in, err);
    if (status == ISLE_OK) {
        status = engine_enter(in->engine, &entry);
        if (status != ISLE_OK) {
            entry_end(in);
            error_set(err, status, "no thread state: %s", isle_status_text(status));
        }
    }
    if (status != ISLE_OK) {
        interp_give(in);
        return status;
    }
    entry.opaque[ENTRY_INTERP] = in; /* it stays a user until it leaves */
    *out_entry = entry;
    return ISLE_OK;
}

void isle_interp_leave(isle_entry *entry)
{
    if (entry == NULL || entry->opaque[ENTRY_INTERP] == NULL) {
        return;
    }
    interp *in = entry->opaque[ENTRY_INTERP];
    engine_leave(entry);
    *entry = (isle_entry){{NULL}};
    entry_end(in);
    interp_give(in);
}
