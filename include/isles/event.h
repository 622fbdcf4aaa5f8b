/* Events and counters: what a host can watch.
 *
 * Events come to the one callback given to the runtime. It runs on the thread where the thing happened, with
 * no lock of Isles held and no thread state attached, so it may call any function here that doesn't wait for that same
 * interpreter. INTERRUPT, STUCK and BUDGET, and what they end, come on the thread that keeps all deadlines: there what
 * would wait gives ISLE_ERR_STATE. It should be quick. Strings are borrowed until it returns.
 *
 * The events of one job, and of one interpreter, come in order; those of a job before its waiters wake. */
#ifndef ISLES_EVENT_H
#define ISLES_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <isles/status.h>

ISLE_BEGIN_DECLS

/*       name             what happened */
#define ISLE_EVENT_LIST(X)                                                       \
    X(INTERP_CREATED, "an interpreter can take jobs")                            \
    X(JOB_STARTED,    "a job started")                                           \
    X(JOB_ENDED,      "a job ended (status)")                                    \
    X(ERROR,          "an exception had nobody to report to (message)")          \
    X(INTERRUPT,      "a running job is being stopped (status: TIMEOUT, CANCELLED, ENDED or BUDGET)") \
    X(STUCK,          "code could not be stopped; its thread is parked (message)") \
    X(INTERP_ENDED,   "an interpreter has ended (status, message: what would not end, or what ended it)") \
    X(LOG,            "Isles has something to say (message)")                        \
    X(BUDGET,         "a limit was reached (message; status: OK for a soft one, BUDGET for a hard one)") \
    X(POLICY,         "a policy denied something new (status: PYTHON), or would have (OK) (message)")

typedef enum isle_event_kind {
#define ISLE_EVENT_ENUM(name, text) ISLE_EVENT_##name,
    ISLE_EVENT_LIST(ISLE_EVENT_ENUM)
#undef ISLE_EVENT_ENUM
} isle_event_kind;

/* "JOB_ENDED"; static. */
ISLE_API const char *isle_event_name(isle_event_kind kind);

typedef struct isle_event {
    size_t size;           /* of this struct, as the library knows it */
    isle_event_kind kind;
    int64_t time_ns;       /* CLOCK_MONOTONIC */
    uint64_t interp_id;    /* 0: none */
    const char *interp_name; /* NULL: none */
    uint64_t job_id;       /* 0: none */
    isle_status status;
    int64_t wall_ns;       /* JOB_ENDED: how long it ran; INTERP_ENDED: how long the end took */
    const char *message;   /* NULL: nothing to add */
    int exit_status;       /* INTERP_ENDED with ISLE_ERR_EXIT: what os._exit was given, 134 for os.abort */
} isle_event;

typedef void (*isle_event_fn)(void *ctx, const isle_event *event);

ISLE_END_DECLS

#endif
