/* Errors: made by whoever fails, then never changed, so that they are counted instead of copied. When memory is out
 * there is a static one for each status; a failing call always has an error to give. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_block {
    error_block *next;
    max_align_t data[];
};

#define STATIC_ERROR(name, value, says) {.status = ISLE_ERR_##name, .exit_status = 1, .message = says, .text = says},
static isle_error out_of_memory[] = {ISLE_STATUS_LIST(STATIC_ERROR)}; /* at -status - 1 */
#undef STATIC_ERROR

static int exit_status_of(isle_status status)
{
    switch (status) {
    case ISLE_ERR_TIMEOUT:
    case ISLE_ERR_STUCK:
    case ISLE_ERR_BUDGET:
        return 124;
    case ISLE_ERR_CANCELLED:
        return 130;
    default:
        return 1;
    }
}

static bool is_failure(isle_status status)
{
    return status < 0 && (size_t)-status <= sizeof out_of_memory / sizeof *out_of_memory;
}

static isle_error *static_error(isle_status status)
{
    return &out_of_memory[is_failure(status) ? -status - 1 : -ISLE_ERR_NOMEM - 1];
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

void *error_alloc(isle_error *error, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, sizeof(error_block), &bytes)) {
        return NULL;
    }
    error_block *block = plat_calloc(1, bytes);
    if (block == NULL) {
        return NULL;
    }
    block->next = error->blocks;
    error->blocks = block;
    return block->data;
}

isle_error *error_ref(isle_error *error)
{
    if (error != NULL && error->refs != 0) {
        atomic_fetch_add_explicit(&error->refs, 1, memory_order_relaxed);
    }
    return error;
}

void isle_error_free(isle_error *error)
{
    if (error == NULL || error->refs == 0 || atomic_fetch_sub_explicit(&error->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    isle_value_free(error->report);
    parcel_clear(&error->exception_itself);
    while (error->blocks != NULL) {
        error_block *block = error->blocks;
        error->blocks = block->next;
        plat_free(block);
    }
    plat_free(error);
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static isle_error *error_make(isle_status status)
{
    isle_error *error = plat_calloc(1, sizeof *error);
    if (error != NULL) {
        error->refs = 1;
        error->status = is_failure(status) ? status : ISLE_ERR_INVALID;
        error->exit_status = exit_status_of(error->status);
        error->message = error->text = isle_status_text(error->status);
    }
    return error;
}

static const char *copy_text(isle_error *error, const char *text, size_t len)
{
    char *copy = error_alloc(error, len + 1, 1);
    return copy != NULL ? memcpy(copy, text, len) : NULL;
}

isle_error *isle_error_new(isle_status status, const char *message)
{
    isle_error *error = error_make(status);
    if (error == NULL || message == NULL) {
        return error;
    }
    const char *copy = copy_text(error, message, strlen(message));
    if (copy == NULL) {
        isle_error_free(error);
        return NULL;
    }
    error->message = error->text = copy;
    return error;
}

isle_status error_set(isle_error **err, isle_status status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    isle_error *error = isle_error_new(status, text);
    *err = error != NULL ? error : static_error(status);
    return status;
}

/* The first line of "Type: message", as Python's last line would be. NULL: out of memory. */
static const char *last_line(isle_error *error, const isle_exception *e)
{
    size_t type_len = strlen(e->type);
    size_t message_len = strcspn(e->message, "\r\n");
    size_t len = message_len == 0 ? type_len : type_len + 2 + message_len;
    char *line = error_alloc(error, len + 1, 1);
    if (line != NULL) {
        snprintf(line, len + 1, "%s%s%.*s", e->type, message_len == 0 ? "" : ": ", (int)message_len, e->message);
    }
    return line;
}

/* What the failure says itself: all there is when no exception was behind it. */
static void take_message(isle_error *error, const char *message)
{
    const char *copy = message != NULL && message[0] != '\0' ? copy_text(error, message, strlen(message)) : NULL;
    if (copy != NULL) {
        error->message = error->text = copy;
    }
}

/* An exception gives the message, unless it is only how the code was stopped. */
static void take_exception(isle_error *error, const isle_exception *e)
{
    isle_status status = error->status;
    bool raised = status == ISLE_ERR_PYTHON || status == ISLE_ERR_EXIT || status == ISLE_ERR_ENGINE;
    const char *line = raised ? last_line(error, e) : NULL;
    error->exception = e;
    if (line != NULL) {
        error->message = error->text = line;
    }
    if (e->text != NULL) {
        error->text = e->text;
    }
}

isle_error *error_from_failure(engine_failure *failure)
{
    isle_error *error = error_make(failure->status);
    if (error == NULL) {
        error = static_error(failure->status);
        engine_failure_clear(failure);
        return error;
    }
    if (error->status == ISLE_ERR_EXIT || error->status == ISLE_ERR_PYTHON) {
        error->exit_status = failure->exit_status;
    }
    take_message(error, failure->message);
    if (failure->report.data != NULL) {
        const isle_exception *exception = report_read(error, &failure->report);
        if (exception != NULL) {
            take_exception(error, exception);
        }
    }
    error->exception_itself = failure->exception;
    failure->exception = (parcel){.data = NULL};
    engine_failure_clear(failure);
    return error;
}

isle_status error_set_failure(isle_error **err, engine_failure *failure)
{
    isle_status status = failure->status;
    isle_error *error = error_from_failure(failure);
    if (err != NULL) {
        *err = error;
    } else {
        isle_error_free(error);
    }
    return status;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

isle_status isle_error_status(const isle_error *error)
{
    return error != NULL ? error->status : ISLE_OK;
}

const char *isle_error_message(const isle_error *error)
{
    return error != NULL ? error->message : "";
}

const char *isle_error_text(const isle_error *error)
{
    return error != NULL ? error->text : "";
}

int isle_error_exit_status(const isle_error *error)
{
    return error != NULL ? error->exit_status : 0;
}

const isle_exception *isle_error_exception(const isle_error *error)
{
    return error != NULL ? error->exception : NULL;
}
