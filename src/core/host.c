/* What the engine tells the core: output, exceptions that nobody catches, calls of the host's functions. Each comes
 * on the thread where it happens, attached to nothing, with no lock held; the interpreter is alive, since code of
 * it runs. */
#include <string.h>

#include "core.h"
#include "value_codec.h"

static _Atomic(isle_runtime *) runtime; /* whose functions isles.host has */

void host_set_runtime(isle_runtime *rt)
{
    atomic_store(&runtime, rt);
}

/* --- the host's functions ----------------------------------------------------------------------------------------- */

static bool is_identifier(const char *name)
{
    if (name == NULL || name[0] == '\0' || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' || *c >= 0x80;
        if (!letter && !(*c >= '0' && *c <= '9')) {
            return false;
        }
    }
    return true;
}

static const isle_host_function *find(const isle_runtime *rt, const char *name)
{
    for (size_t i = 0; i < rt->host_count; i++) {
        if (strcmp(rt->host[i].name, name) == 0) {
            return &rt->host[i];
        }
    }
    return NULL;
}

isle_status host_copy_functions(isle_runtime *rt, const isle_runtime_config *config, isle_error **err)
{
    size_t count = config->host_function_count;
    if (count == 0) {
        return ISLE_OK;
    }
    if (config->host_functions == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "isle_runtime_config.host_functions is NULL");
    }
    rt->host = plat_calloc(count, sizeof *rt->host);
    if (rt->host == NULL) {
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        const isle_host_function *function = &config->host_functions[i];
        if (!is_identifier(function->name) || function->fn == NULL) {
            return error_set(err, ISLE_ERR_INVALID, "host_functions[%zu] needs an identifier and a function", i);
        }
        if (find(rt, function->name) != NULL) {
            return error_set(err, ISLE_ERR_INVALID, "host_functions[%zu]: the name %s is taken", i, function->name);
        }
        rt->host[i] = *function;
        rt->host[i].name = plat_strdup(function->name);
        if (rt->host[i].name == NULL) {
            return error_set(err, ISLE_ERR_NOMEM, "out of memory");
        }
        rt->host_count++;
    }
    return ISLE_OK;
}

void host_free_functions(isle_runtime *rt)
{
    for (size_t i = 0; i < rt->host_count; i++) {
        plat_free((char *)rt->host[i].name);
    }
    plat_free(rt->host);
}

static const char *function_name(size_t index)
{
    const isle_runtime *rt = atomic_load(&runtime);
    return rt != NULL && index < rt->host_count ? rt->host[index].name : NULL;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static isle_status call(const isle_host_function *function, uint64_t interp_id, const isle_value *args,
                        parcel *out_value, char **out_message)
{
    isle_value *value = NULL;
    isle_error *error = NULL;
    core_no_lock();
    plat_own *own = plat_own_enter(NULL); /* the host is in its own locale, whatever the code has set */
    isle_status status = function->fn(function->ctx, interp_id, args, &value, &error);
    plat_own_enter(own);
    if (status == ISLE_OK && value != NULL) {
        status = value_to_parcel(value, out_value);
    } else if (status != ISLE_OK && error != NULL) {
        *out_message = plat_strdup(isle_error_message(error));
    }
    isle_value_free(value);
    isle_error_free(error);
    return status;
}

static isle_status on_host_call(void *core_interp, const char *name, const parcel *args, parcel *out_value,
                                char **out_message)
{
    interp *in = core_interp; /* NULL: the main interpreter */
    const isle_runtime *rt = in != NULL ? in->rt : atomic_load(&runtime);
    *out_value = (parcel){.data = NULL};
    *out_message = NULL;
    if (rt == NULL || atomic_load_explicit(&rt->silent, memory_order_acquire)) {
        *out_message = plat_strdup("the host has stopped Isles");
        return ISLE_ERR_STATE;
    }
    const isle_host_function *function = find(rt, name);
    if (function == NULL) {
        *out_message = plat_strdup("the host has no such function");
        return ISLE_ERR_INVALID;
    }
    isle_value *values = NULL;
    isle_status status = value_from_parcel(args, &values);
    if (status == ISLE_OK) {
        status = call(function, in != NULL ? in->id : 0, values, out_value, out_message);
        isle_value_free(values);
    }
    return status;
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

static void on_error(void *core_interp, const char *message)
{
    interp *in = core_interp;
    event_tell(in->rt, in, ISLE_EVENT_ERROR, (event_details){.status = ISLE_ERR_PYTHON, .message = message});
}

static void on_exit_call(void *core_interp, int exit_status, const char *call)
{
    core_no_lock();
    interp_exit(core_interp, exit_status, call);
}

static size_t on_output(void *core_interp, int stream, size_t len)
{
    (void)stream;
    return budget_on_output(core_interp, len);
}

static void on_unwritten(void *core_interp, int stream, size_t len)
{
    interp *in = core_interp;
    (void)stream;
    counters_unwritten(&in->counters, len);
}

static void on_refused(void *core_interp, isle_budget which, char *text, size_t size)
{
    budget_on_refused(core_interp, which, text, size);
}

static void on_budget(void *core_interp, isle_budget which, bool refused)
{
    budget_on_engine(core_interp, which, refused);
}

static void on_policy(void *core_interp, const char *message, bool denied)
{
    interp *in = core_interp;
    event_details details = {.status = denied ? ISLE_ERR_PYTHON : ISLE_OK, .message = message};
    event_tell(in->rt, in, ISLE_EVENT_POLICY, details);
}

static void on_dropped(void *core_interp, int stream, size_t len)
{
    interp *in = core_interp;
    (void)stream;
    counters_dropped(&in->counters, len);
}

static void on_due(void *core_interp)
{
    plat_gate_open(&((interp *)core_interp)->wake);
}

const engine_hooks *host_hooks(void)
{
    static const engine_hooks hooks = {.on_error = on_error,
                                       .on_exit = on_exit_call,
                                       .on_output = on_output,
                                       .on_unwritten = on_unwritten,
                                       .on_dropped = on_dropped,
                                       .on_refused = on_refused,
                                       .on_host_call = on_host_call,
                                       .on_budget = on_budget,
                                       .on_due = on_due,
                                       .on_policy = on_policy,
                                       .on_raise = signals_raise,
                                       .on_alarm = signals_alarm,
                                       .host_function_name = function_name};
    return &hooks;
}
