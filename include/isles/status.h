/* Status codes, deadlines and versions.
 *
 * A function that can fail returns ISLE_OK (0) or one negative isle_status. ISLE_STATUS_LIST is the only
 * list of them: the enum, isle_status_name() and isle_status_text() are made from it. */
#ifndef ISLES_STATUS_H
#define ISLES_STATUS_H

#include <stdint.h>

#include <isles/export.h>

ISLE_BEGIN_DECLS

#define ISLE_VERSION_MAJOR 0
#define ISLE_VERSION_MINOR 1
#define ISLE_VERSION_PATCH 0
#define ISLE_VERSION_STRING "0.1.0"

/*       name          value  what it says */
#define ISLE_STATUS_LIST(X)                                                          \
    X(INVALID,          -1, "an argument is not valid")                              \
    X(NOMEM,            -2, "out of memory")                                         \
    X(STATE,            -3, "not possible in this state")                            \
    X(NO_INTERP,        -4, "no such interpreter: it has ended or never was")        \
    X(ENDED,            -5, "the interpreter ended before the job did")              \
    X(TIMEOUT,          -6, "the deadline passed")                                   \
    X(CANCELLED,        -7, "cancelled")                                             \
    X(STUCK,            -8, "the code could not be stopped")                         \
    X(PYTHON,           -9, "Python raised an exception")                            \
    X(EXIT,            -10, "Python asked to exit with a status other than zero")    \
    X(NOT_SHAREABLE,   -11, "a value cannot cross between interpreters")             \
    X(DECODE,          -12, "the bytes are not a valid value")                       \
    X(LIMIT,           -13, "a limit was reached")                                   \
    X(BUSY,            -14, "busy: it would have to wait")                           \
    X(SYSTEM,          -15, "the operating system refused")                          \
    X(ENGINE,          -16, "CPython refused")                                       \
    X(UNSUPPORTED,     -17, "not supported here")                                    \
    X(CLOSED,          -18, "the queue is closed")                                   \
    X(UNBOUND,         -19, "the interpreter that sent it has ended")                \
    X(BUDGET,          -20, "a budget is used up")

typedef enum isle_status {
    ISLE_OK = 0,
#define ISLE_STATUS_ENUM(name, value, text) ISLE_ERR_##name = value,
    ISLE_STATUS_LIST(ISLE_STATUS_ENUM)
#undef ISLE_STATUS_ENUM
    ISLE_STATUS_MAX_ = 0x7fffffff /* keeps the enum an int; never returned */
} isle_status;

/* "ISLE_ERR_TIMEOUT", or "ISLE_OK"; "unknown" for a number that is no status. Static. */
ISLE_API const char *isle_status_name(isle_status status);

/* "the deadline passed". Static. */
ISLE_API const char *isle_status_text(isle_status status);

/* The version of the library that is loaded (ISLE_VERSION_STRING is that of the headers). Static. */
ISLE_API const char *isle_version(void);

/* Deadlines are points on CLOCK_MONOTONIC, in nanoseconds. A deadline that has passed (0, say) never waits. */
#define ISLE_FOREVER INT64_MAX
#define ISLE_MS INT64_C(1000000)
#define ISLE_SECOND INT64_C(1000000000)

/* Now, in nanoseconds of CLOCK_MONOTONIC. */
ISLE_API int64_t isle_now(void);

/* The deadline `ns` nanoseconds from now; ISLE_FOREVER stays ISLE_FOREVER, and the sum does not overflow. */
ISLE_API int64_t isle_deadline_in(int64_t ns);

ISLE_END_DECLS

#endif
