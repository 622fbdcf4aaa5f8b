/* What writing to a descriptor and writing to a queue have in common: how a thread waits there, detached, and gives up,
 * what is kept of an unfinished line and what is counted as lost. All with the outlet's turn held. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "outlet_wait.h"

/* A thread that waits with nothing done may set an exception; later it may only stop. In the middle of a line others
 * would tear it, so there it goes on unless it must stop. */
bool outlet_gives_up(void *ctx, size_t done, bool in_line)
{
    outlet_wait *wait = ctx;
    if (done == 0) {
        return wait->patience.gives_up(wait->patience.ctx);
    }
    return !in_line || interrupt_is_due(wait->interp);
}

void outlet_wait_begin(outlet_wait *wait, engine_interp *interp)
{
    wait->interp = interp;
    queue_wait_begin(&wait->thread, PLAT_FOREVER, &wait->patience);
}

void outlet_wait_end(outlet_wait *wait)
{
    int saved = errno;
    queue_wait_end(&wait->thread);
    errno = saved;
}

bool outlet_drops(const engine_interp *interp, const outlet *o)
{
    return interp->hurries || o->to.full != ISLE_FULL_WAIT;
}

void outlet_note_lost(engine_interp *interp, outlet *o, size_t len)
{
    o->lost_bytes += len;
    engine.hooks.on_dropped(interp->core, o->number, len);
}

size_t outlet_note(const outlet *o, char text[NOTE_SIZE])
{
    snprintf(text, NOTE_SIZE, "[isles: %zu bytes of output were dropped here]\n", o->lost_bytes);
    return strlen(text);
}

bool outlet_hold(outlet *o, const char *data, size_t len)
{
    size_t needed = o->held_len + len;
    if (needed > o->held_room) {
        size_t room = needed < 256 ? 256 : needed * 2;
        char *more = plat_realloc(o->held, room);
        if (more == NULL) {
            return false;
        }
        o->held = more;
        o->held_room = room;
    }
    if (len > 0) {
        memcpy(o->held + o->held_len, data, len);
    }
    o->held_len = needed;
    return true;
}
