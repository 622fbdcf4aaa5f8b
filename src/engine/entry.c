/* Entering an interpreter from any thread, for embedders that use the CPython API themselves, and stepping aside
 * before a wait. The thread state of an entry is made for it and ends with it: one that is used again on a thread
 * with a smaller stack crashes. */
#include "quota.h"
#include "python.h"

enum { SLOT_STATE, SLOT_BEFORE, SLOT_INTERP, SLOT_THREAD, SLOT_OWN };

void *engine_detach(void)
{
    return PyThreadState_GetUnchecked() != NULL ? PyEval_SaveThread() : NULL;
}

void engine_reattach(void *detached)
{
    if (detached != NULL) {
        PyEval_RestoreThread(detached);
    }
}

bool engine_is_inside(const engine_interp *interp)
{
    PyThreadState *current = PyThreadState_GetUnchecked();
    if (current != NULL && PyThreadState_GetInterpreter(current) == interp->state) {
        return true;
    }
    return engine_calling == interp || (engine_home == interp && interp->running);
}

bool engine_is_inside_any(void)
{
    PyThreadState *current = PyThreadState_GetUnchecked();
    bool elsewhere = current != NULL && PyThreadState_GetInterpreter(current) != engine.main;
    return elsewhere || engine_calling != NULL || engine_home != NULL;
}

isle_status engine_enter(engine_interp *interp, isle_entry *out_entry)
{
    void *before = engine_detach();
    PyThreadState *state = PyThreadState_New(interp->state);
    if (state == NULL) {
        engine_reattach(before);
        return ISLE_ERR_NOMEM;
    }
    PyEval_RestoreThread(state);
    out_entry->opaque[SLOT_OWN] = plat_own_enter(interp->own);
    quota_apply(interp);
    out_entry->opaque[SLOT_STATE] = state;
    out_entry->opaque[SLOT_BEFORE] = before;
    out_entry->opaque[SLOT_THREAD] = (void *)(uintptr_t)pthread_self();
    return ISLE_OK;
}

void engine_leave(isle_entry *entry)
{
    PyThreadState *state = entry->opaque[SLOT_STATE];
    if (PyThreadState_GetUnchecked() != state || entry->opaque[SLOT_THREAD] != (void *)(uintptr_t)pthread_self()) {
        Py_FatalError("isle_interp_leave: not on the thread that entered, or entries were not left in order");
    }
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    plat_own_enter(entry->opaque[SLOT_OWN]);
    engine_reattach(entry->opaque[SLOT_BEFORE]);
}
