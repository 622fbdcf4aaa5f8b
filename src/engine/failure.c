/* Failures: what the engine hands to the core when something went wrong. Plain memory, any thread. */
#include <stdarg.h>
#include <stdio.h>

#include "python.h"

void engine_failure_clear(engine_failure *failure)
{
    plat_free(failure->message);
    parcel_clear(&failure->report);
    parcel_clear(&failure->exception);
    *failure = (engine_failure){0};
}

isle_status engine_fail(engine_failure *failure, isle_status status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    engine_failure_clear(failure);
    failure->status = status;
    failure->message = plat_strdup(text);
    return status;
}
