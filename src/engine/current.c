/* Which interpreter of Isles the calling thread is attached to: that of its home, or the one that the dictionary of
 * CPython's state names (interp_watch_state). Any attached thread. */
#include "python.h"

engine_interp *interp_of_thread(void)
{
    PyInterpreterState *state = PyInterpreterState_Get();
    if (engine_home != NULL && engine_home->state == state) {
        return engine_home;
    }
    PyObject *dict = state != engine.main ? PyInterpreterState_GetDict(state) : NULL; /* borrowed, as the next */
    PyObject *capsule = dict != NULL ? PyDict_GetItemString(dict, "isles.end") : NULL;
    return capsule != NULL ? PyCapsule_GetPointer(capsule, "isles.end") : NULL;
}
