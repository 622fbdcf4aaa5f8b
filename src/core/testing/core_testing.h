/* What the core's tests share: a runtime that records its events, short ways to create and submit, and scenarios in
 * a child process (for those that leave stuck threads, after which no runtime can start). */
#ifndef ISLES_CORE_TESTING_H
#define ISLES_CORE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <isles/isles.h>

#include "fake_engine.h"

#define SOON isle_deadline_in(20 * ISLE_SECOND) /* so late that only a bug gets there */

/* --- events ------------------------------------------------------------------------------------------------------- */
typedef struct recorded {
    isle_event_kind kind;
    uint64_t interp_id, job_id;
    isle_status status;
    int64_t wall_ns;
    char message[120];
} recorded;

void record(void *ctx, const isle_event *event); /* an isle_event_fn */
void record_clear(void);
size_t record_count(void);
recorded record_at(size_t index);
bool record_await(isle_event_kind kind, size_t count); /* until so many came; false: not soon */
/* "INTERP_CREATED JOB_STARTED ...": those of one interpreter (0: all). Static. */
const char *record_kinds(uint64_t interp_id);

/* --- short ways --------------------------------------------------------------------------------------------------- */
isle_runtime *start_runtime(void); /* with the recorder; resets the fake engine */
void stop_runtime(isle_runtime *rt);
/* A test between the two. */
extern isle_runtime *test_runtime;
int setup_runtime(void **state);
int teardown_runtime(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_runtime, teardown_runtime)
isle_interp create(isle_runtime *rt);
/* Gives up soon: grace and stuck_after in ms. */
isle_interp create_impatient(isle_runtime *rt, int grace_ms, int stuck_ms);
isle_job *submit(isle_interp it, const char *source, int64_t deadline);
isle_status submit_status(isle_interp it, const char *source);
isle_status wait_for(isle_job *job); /* until it has ended; its status. Frees it */
isle_status run(isle_interp it, const char *source);
isle_status run_and_cancel(isle_interp it, const char *source); /* of those that last */
void await_running(isle_job *job); /* until it is inside the engine; for those that last */
isle_interp_stats stats_of(isle_interp it);

/* --- child processes ---------------------------------------------------------------------------------------------- */
/* Runs the scenario in a child; fails the test unless it ends well. Inside use check(), since cmocka lives in the
 * parent. */
void in_child(void (*scenario)(void));
#define check(condition) check_that(condition, #condition, __FILE__, __LINE__)
void check_that(bool condition, const char *text, const char *file, int line);

#endif
