/* What the system gives an interpreter's threads for themselves. The home thread takes it before it makes the
 * interpreter; the threads and processes that come from it inherit it. The home thread alone, but for its end. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"

static isle_status refuse(engine_failure *failure, isle_status status, char *message)
{
    failure->message = message;
    return failure->status = status;
}

/* Interpreters work without: whoever wanted nothing special gets the process's, and the host is told once. */
static void tell_shared(interp *in, atomic_bool *told, const char *what, const char *why)
{
    if (atomic_exchange(told, true)) {
        return;
    }
    char *message = plat_printf("%s shared by all interpreters: the system gives a thread none of its own (%s)", what,
                                why);
    event_tell(in->rt, in, ISLE_EVENT_LOG, (event_details){.message = message});
    plat_free(message);
}

static isle_status take_own_fs(interp *in, isle_interp_config *config, engine_failure *failure)
{
    static atomic_bool told;
    int error = plat_own_fs();
    if (error == 0) {
        return ISLE_OK;
    }
    if (config->cwd != NULL || config->umask_set) {
        return refuse(failure, ISLE_ERR_UNSUPPORTED,
                      plat_printf("isle_interp_config.%s: the system gives a thread no working directory and umask of "
                                  "its own (%s)",
                                  config->cwd != NULL ? "cwd" : "umask", strerror(error)));
    }
    tell_shared(in, &told, "the working directory and umask are", strerror(error));
    config->shared_cwd = true;
    return ISLE_OK;
}

static isle_status enter_fs(interp *in, isle_interp_config *config, engine_failure *failure)
{
    if (config->shared_cwd) {
        return ISLE_OK;
    }
    isle_status status = take_own_fs(in, config, failure);
    if (status != ISLE_OK) {
        return status;
    }
    if (config->cwd != NULL && chdir(config->cwd) != 0) {
        return refuse(failure, ISLE_ERR_INVALID,
                      plat_printf("isle_interp_config.cwd: %s: %s", config->cwd, strerror(errno)));
    }
    if (config->umask_set) {
        umask((mode_t)config->umask);
    }
    return ISLE_OK;
}

/* All that the interpreter needs of the creator's: its streams, and what was handed in. */
static int own_descriptors(const isle_interp_config *c)
{
    const isle_stream *const streams[] = {&c->stdin_, &c->stdout_, &c->stderr_};
    int *keep = plat_calloc(6 + c->descriptor_count, sizeof *keep);
    size_t count = 0;
    if (keep == NULL) {
        return ENOMEM;
    }
    for (int number = 0; number < 3; number++) {
        keep[count++] = number;
        keep[count++] = streams[number]->fd > 0 ? streams[number]->fd : number;
    }
    for (size_t i = 0; i < c->descriptor_count; i++) {
        keep[count++] = c->descriptors[i].fd;
    }
    int error = plat_descriptors_own(keep, count);
    plat_free(keep);
    return error;
}

static isle_status enter_descriptors(const isle_interp_config *config, engine_failure *failure)
{
    int error = config->private_descriptors ? own_descriptors(config) : 0;
    if (error == 0) {
        return ISLE_OK;
    }
    return refuse(
        failure, error == ENOSYS ? ISLE_ERR_UNSUPPORTED : ISLE_ERR_SYSTEM,
        plat_printf("private_descriptors: %s", error == ENOSYS ? "this system has no such thing" : strerror(error)));
}

/* --- locale, and variables of native code ---------------------------------------------------------------------- */

static isle_status take_own_locale(interp *in, isle_interp_config *config, engine_failure *failure)
{
    static atomic_bool told;
    const char *reason = engine_locale_reason();
    if (reason != NULL && config->locale != NULL) {
        return refuse(failure, ISLE_ERR_UNSUPPORTED, plat_printf("isle_interp_config.locale: %s", reason));
    }
    if (reason != NULL) {
        tell_shared(in, &told, "the locale is", reason);
        config->shared_locale = true;
        return ISLE_OK;
    }
    /* "": as variables say, of which the engine knows */
    int error = plat_locale_own(in->own, config->locale != NULL && config->locale[0] == '\0' ? "C" : config->locale);
    if (error == 0) {
        return ISLE_OK;
    }
    return error == ENOENT
               ? refuse(failure, ISLE_ERR_INVALID,
                        plat_printf("isle_interp_config.locale: the system has no locale '%s'", config->locale))
               : refuse(failure, ISLE_ERR_NOMEM, plat_strdup("out of memory"));
}

static isle_status enter_own(interp *in, isle_interp_config *config, engine_failure *failure)
{
    bool variables = config->env_base != ISLE_ENV_SHARED && plat_interposed();
    if (config->shared_locale && !variables) {
        return ISLE_OK;
    }
    in->own = plat_own_new();
    if (in->own == NULL || (variables && plat_variables_own(in->own) != 0)) {
        return refuse(failure, ISLE_ERR_NOMEM, plat_strdup("out of memory"));
    }
    isle_status status = config->shared_locale ? ISLE_OK : take_own_locale(in, config, failure);
    if (status == ISLE_OK) {
        plat_own_enter(in->own);
    }
    return status;
}

void compartment_leave(void)
{
    plat_own_enter(NULL);
}

isle_status compartment_enter(interp *in, isle_interp_config *config, engine_failure *failure)
{
    isle_status status = enter_fs(in, config, failure);
    status = status == ISLE_OK ? enter_own(in, config, failure) : status;
    return status == ISLE_OK ? enter_descriptors(config, failure) : status;
}
