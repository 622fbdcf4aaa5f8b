/* How much of what is written to a stream may go out: the budget of output, which the core keeps. */
#include "quota.h"

size_t outlet_ask(engine_interp *interp, const outlet *o, size_t len)
{
    return len > 0 ? engine.hooks.on_output(interp->core, o->number, len) : 0;
}

void outlet_give_back(engine_interp *interp, const outlet *o, size_t len)
{
    if (len > 0) {
        engine.hooks.on_unwritten(interp->core, o->number, len);
    }
}

Py_ssize_t outlet_refuse(engine_interp *interp, outlet *o, size_t len)
{
    if (interp->discards) {
        engine.hooks.on_dropped(interp->core, o->number, len);
        return (Py_ssize_t)len;
    }
    quota_refuse(interp, ISLE_BUDGET_OUTPUT);
    return -1;
}
