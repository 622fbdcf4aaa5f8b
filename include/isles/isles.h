/* Isles: many isolated Python interpreters in one process.
 *
 *   isle_runtime *rt;  isle_interp it;  isle_error *err = NULL;
 *   if (isle_runtime_start(NULL, &rt, &err) == ISLE_OK &&
 *       isle_interp_create(rt, NULL, &it, &err) == ISLE_OK &&
 *       isle_interp_run(it, "print('hello from', __name__)", isle_deadline_in(ISLE_SECOND), &err) == ISLE_OK)
 *       ...
 *   if (err) fputs(isle_error_text(err), stderr);
 *   isle_error_free(err);
 *   isle_runtime_stop(rt, isle_deadline_in(ISLE_SECOND), NULL);
 *
 * Threads    any function may be called from any thread, unless it says otherwise.
 * Ownership  what _create, _start, _submit, _result give you, you end with _end, _stop, _destroy or _free; NULL is fine
 *            there. "Borrowed" means valid until the call returns. Everything else is copied.
 * Errors     ISLE_OK or a negative isle_status. out_* is written only on success, *err only on failure (and must
 *            be NULL or unset before); err may be NULL.
 * Time       deadlines are nanoseconds of CLOCK_MONOTONIC, or ISLE_FOREVER.
 * Not a sandbox: interpreters share the process's memory; a crash in native code ends them all. */
#ifndef ISLES_ISLES_H
#define ISLES_ISLES_H

#include <isles/status.h>
#include <isles/value.h>
#include <isles/error.h>
#include <isles/event.h>
#include <isles/budget.h>
#include <isles/runtime.h>
#include <isles/extension.h>
#include <isles/interp.h>
#include <isles/policy.h>
#include <isles/job.h>
#include <isles/queue.h>
#include <isles/pool.h>

#endif
