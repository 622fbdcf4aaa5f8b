/* CPython makes no pending call while one is being made. A signal's handler is Python code that may take long, or never
 * end: while it runs in a pending call of ours, the calls that stop it must get through. So the mark of the thread that
 * makes them is taken off meanwhile. The mark is CPython's own and has no API. */
#define Py_BUILD_CORE /* for PyInterpreterState.ceval.pending, 3.13 to 3.15 */
#include "python.h"

#include <internal/pycore_interp.h>
#undef Py_BUILD_CORE

static struct _pending_calls *calls_of(PyThreadState *thread)
{
    return &PyThreadState_GetInterpreter(thread)->ceval.pending;
}

bool pending_calls_open(void)
{
    PyThreadState *me = PyThreadState_Get();
    struct _pending_calls *calls = calls_of(me);
    PyMutex_Lock(&calls->mutex);
    bool mine = calls->handling_thread == me;
    if (mine) {
        calls->handling_thread = NULL;
    }
    PyMutex_Unlock(&calls->mutex);
    return mine;
}

/* Another thread may be at it by now; then it stays that one's. */
void pending_calls_close(void)
{
    PyThreadState *me = PyThreadState_Get();
    struct _pending_calls *calls = calls_of(me);
    PyMutex_Lock(&calls->mutex);
    if (calls->handling_thread == NULL) {
        calls->handling_thread = me;
    }
    PyMutex_Unlock(&calls->mutex);
}
