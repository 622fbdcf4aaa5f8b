/* The counters of one interpreter. Numbers only: what they belong to is the core's business.
 *
 * Each counter is atomic, so any thread may count and read. Reading gives numbers that fit together when the
 * caller keeps jobs from starting and ending meanwhile (the core holds the interpreter's lock). */
#ifndef ISLES_COUNTERS_H
#define ISLES_COUNTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct counters {
    _Atomic uint64_t jobs_started, jobs_ended, jobs_failed;
    _Atomic uint64_t interrupts;
    _Atomic uint64_t output_bytes;
    _Atomic uint64_t dropped_bytes, dropped_writes; /* of output */
    _Atomic int64_t wall_ns;    /* of the jobs that ran to their end */
    _Atomic int64_t busy_since; /* when the job that runs now started; 0: none runs */
} counters;

typedef struct counters_snapshot {
    uint64_t jobs_started, jobs_ended, jobs_failed;
    uint64_t interrupts;
    uint64_t output_bytes;
    uint64_t dropped_bytes, dropped_writes;
    int64_t wall_ns; /* the job that runs now included */
} counters_snapshot;

void counters_job_started(counters *c, int64_t now);
/* A job that was started has stopped running. */
void counters_job_stopped(counters *c, int64_t now);
/* A job has ended, for those who wait for it; it may never have started. */
void counters_job_ended(counters *c, bool failed);
void counters_interrupt(counters *c);
/* Bytes that are to be written: as many of them as bring the count to `most` (UINT64_MAX: all) count from now on.
 * Returns how many those are. What of them was not written is taken back. */
size_t counters_output(counters *c, size_t len, uint64_t most);
void counters_unwritten(counters *c, size_t len);
/* A write of which so much was lost. */
void counters_dropped(counters *c, size_t len);
void counters_read(const counters *c, int64_t now, counters_snapshot *out);

#endif
