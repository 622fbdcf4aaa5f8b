/* The main interpreter of an adopted runtime, as far as Isles needs to know it: it sends and gets values, has queues
 * and submits jobs, but runs none and is never ended by Isles. It has no home thread and no core's part. Made once,
 * attached to it, and never freed: its module lives as long as CPython. */
#include "python.h"

static engine_interp *guest;

static engine_interp *allocate(void)
{
    engine_interp *interp = plat_calloc(1, sizeof *interp);
    char *name = interp != NULL ? plat_strdup("main") : NULL;
    if (name == NULL) {
        plat_free(interp);
        return NULL;
    }
    interp->name = name;
    interp->pickles = true;
    interp->state = PyInterpreterState_Main();
    interp->alive = true;
    plat_lock_init(&interp->lock);
    return interp;
}

isle_status guest_install(engine_failure *failure)
{
    if (guest != NULL) {
        return ISLE_OK;
    }
    engine_interp *interp = allocate();
    if (interp == NULL) {
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    if (interp_watch_state(interp) < 0 || module_install(interp, NULL) < 0) {
        engine_take_exception(interp, NULL, failure);
        return failure->status = ISLE_ERR_ENGINE; /* what was made may be referred to: it stays */
    }
    guest = interp;
    return ISLE_OK;
}

/* Python exits. What others see of its memory stays. */
void guest_close(void)
{
    if (guest != NULL) {
        lender_close(guest);
    }
}
