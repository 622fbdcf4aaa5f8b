/* Events: what happened, told to the host's one call-back, on the thread where it happened, with no lock held and
 * attached to nothing. */
#include "core.h"

static _Thread_local unsigned telling;

const char *isle_event_name(isle_event_kind kind)
{
    switch (kind) {
#define EVENT_NAME(name, text) \
    case ISLE_EVENT_##name: \
        return #name;
        ISLE_EVENT_LIST(EVENT_NAME)
#undef EVENT_NAME
    default:
        return "unknown";
    }
}

void event_tell(isle_runtime *rt, interp *in, isle_event_kind kind, event_details details)
{
    if (rt->on_event == NULL || atomic_load_explicit(&rt->silent, memory_order_acquire)) {
        return;
    }
    core_no_lock();
    isle_event event = {
        .size = sizeof event,
        .kind = kind,
        .time_ns = plat_now(),
        .interp_id = in != NULL ? in->id : 0,
        .interp_name = in != NULL ? in->name : NULL,
        .job_id = details.job_id,
        .status = details.status,
        .wall_ns = details.wall_ns,
        .exit_status = details.exit_status,
        .message = details.message,
    };
    void *detached = engine_detach();
    plat_own *own = plat_own_enter(NULL);
    telling++;
    rt->on_event(rt->event_ctx, &event);
    telling--;
    plat_own_enter(own);
    engine_reattach(detached);
}

bool event_is_being_told(void)
{
    return telling != 0;
}
