/* Interpreters that are left behind because their code can't be stopped.
 *
 * At its exit CPython (3.13 and newer) ends all interpreters that are on its list, and would wait for the GIL of such a
 * one for ever. So it is taken off the list, which has no API. Its memory stays until the process has ended. */
#define Py_BUILD_CORE /* for _PyRuntime.interpreters and its links, 3.13 to 3.15 */
#include "python.h"

#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#undef Py_BUILD_CORE

void engine_leave_behind(engine_interp *interp)
{
    threads_lock_list();
    for (PyInterpreterState **link = &_PyRuntime.interpreters.head; *link != NULL; link = &(*link)->next) {
        if (*link == interp->state) {
            *link = interp->state->next;
            break;
        }
    }
    threads_unlock_list();
}
