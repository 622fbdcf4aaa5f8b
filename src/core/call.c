/* Jobs in one call: submit, wait, result. The caller waits without a deadline of its own, since the job ends at its
 * deadline, or soon after when its code won't stop. */
#include "cbor.h"
#include "core.h"
#include "value_codec.h"

/* --- arguments ---------------------------------------------------------------------------------------------------- */

static bool is_sequence(const isle_value *value)
{
    isle_type type = isle_value_type(value);
    return type == ISLE_LIST || type == ISLE_TUPLE;
}

static bool has_str_keys(const isle_value *dict)
{
    const isle_value *key, *item;
    for (size_t i = 0; isle_value_pair(dict, i, &key, &item); i++) {
        if (isle_value_type(key) != ISLE_STR) {
            return false;
        }
    }
    return true;
}

isle_status encode_args(const isle_value *args, const isle_value *kwargs, parcel *out, isle_error **err)
{
    *out = (parcel){.data = NULL};
    if (args != NULL && !is_sequence(args)) {
        return error_set(err, ISLE_ERR_INVALID, "args is no list or tuple");
    }
    if (kwargs != NULL && (isle_value_type(kwargs) != ISLE_DICT || !has_str_keys(kwargs))) {
        return error_set(err, ISLE_ERR_INVALID, "kwargs is no dict with str keys");
    }
    cbor_writer w;
    cbor_writer_init(&w);
    w.beside = &out->beside;
    size_t count = args != NULL ? isle_value_len(args) : 0;
    cbor_write_array(&w, 2);
    cbor_write_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        value_write(&w, isle_value_at(args, i));
    }
    if (kwargs != NULL) {
        value_write(&w, kwargs);
    } else {
        cbor_write_map(&w, 0);
    }
    isle_status status = cbor_writer_take_parcel(&w, out);
    return status == ISLE_OK ? ISLE_OK : error_set(err, status, "out of memory");
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static isle_status queue_and_wait(interp *in, const job_spec *spec, isle_value **out_value, isle_error **err)
{
    isle_job *job = job_new(in, spec);
    if (job == NULL) {
        interp_give(in);
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    isle_status status = job_queue(job, err);
    interp_give(in); /* its end waits for users, not for us */
    if (status == ISLE_OK) {
        core_wait(&job->done, PLAT_FOREVER);
        status = isle_job_result(job, out_value, err);
    }
    job_unref(job);
    return status;
}

static isle_status run(isle_interp handle, job_spec spec, isle_value **out_value, isle_error **err)
{
    if (spec.task.target == NULL && spec.task.kind != ENGINE_MARK && spec.task.kind != ENGINE_RESET) {
        parcel_clear(&spec.task.args);
        return error_set(err, ISLE_ERR_INVALID, "what is to be run is NULL");
    }
    interp *in = table_take(handle.id);
    if (in == NULL) {
        parcel_clear(&spec.task.args);
        return error_set(err, ISLE_ERR_NO_INTERP, "no such interpreter: it has ended or never was");
    }
    if (interp_forbids_wait(in)) {
        interp_give(in);
        parcel_clear(&spec.task.args);
        return error_set(err, ISLE_ERR_STATE, "called from inside the interpreter, which would wait for itself");
    }
    return queue_and_wait(in, &spec, out_value, err);
}

isle_status isle_interp_run(isle_interp handle, const char *source, int64_t deadline, isle_error **err)
{
    const engine_task task = {.kind = ENGINE_SOURCE, .target = source};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}

static const char *const no_argv[1];

isle_status isle_interp_run_file(isle_interp handle, const char *path, int64_t deadline, isle_error **err)
{
    const engine_task task = {.kind = ENGINE_FILE, .target = path, .argv = no_argv};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}

isle_status isle_interp_run_module(isle_interp handle, const char *name, int64_t deadline, isle_error **err)
{
    const engine_task task = {.kind = ENGINE_MODULE, .target = name, .argv = no_argv};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}

isle_status isle_interp_call(isle_interp handle, const char *function, const isle_value *args, int64_t deadline,
                             isle_value **out_value, isle_error **err)
{
    engine_task task = {.kind = ENGINE_CALL, .target = function};
    isle_status status = encode_args(args, NULL, &task.args, err);
    if (status != ISLE_OK) {
        return status;
    }
    return run(handle, (job_spec){.task = task, .deadline = deadline}, out_value, err);
}

isle_status isle_interp_get_global(isle_interp handle, const char *name, int64_t deadline, isle_value **out_value,
                                   isle_error **err)
{
    const engine_task task = {.kind = ENGINE_GET_GLOBAL, .target = name};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, out_value, err);
}

isle_status isle_interp_set_global(isle_interp handle, const char *name, const isle_value *value, int64_t deadline,
                                   isle_error **err)
{
    engine_task task = {.kind = ENGINE_SET_GLOBAL, .target = name};
    if (value == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "value is NULL");
    }
    isle_status status = value_to_parcel(value, &task.args);
    if (status != ISLE_OK) {
        return error_set(err, status, "the value could not be encoded: %s", isle_status_text(status));
    }
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}

isle_status isle_interp_reset(isle_interp handle, int64_t deadline, isle_error **err)
{
    const engine_task task = {.kind = ENGINE_RESET};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}

isle_status isle_interp_mark(isle_interp handle, int64_t deadline, isle_error **err)
{
    const engine_task task = {.kind = ENGINE_MARK};
    return run(handle, (job_spec){.task = task, .deadline = deadline}, NULL, err);
}
