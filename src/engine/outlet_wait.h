/* outlet_wait.c: what outlet.c and outlet_queue.c share: a wait that an interrupt ends, and the line about what was
 * lost. */
#ifndef ISLES_OUTLET_WAIT_H
#define ISLES_OUTLET_WAIT_H

#include "python.h"
#include "queue.h"

typedef struct outlet_wait { /* the thread is detached between _begin and _end */
    engine_interp *interp;
    queue_wait thread;
    queue_patience patience;
} outlet_wait;

void outlet_wait_begin(outlet_wait *wait, engine_interp *interp);
void outlet_wait_end(outlet_wait *wait); /* keeps errno */
/* As sink_write wants it; `wait` is an outlet_wait. With nothing done an exception is set where it says true. */
bool outlet_gives_up(void *wait, size_t done, bool in_line);

bool outlet_drops(const engine_interp *interp, const outlet *o); /* doesn't wait for its reader */

enum { NOTE_SIZE = 100 };
size_t outlet_note(const outlet *o, char text[NOTE_SIZE]); /* its length */
void outlet_note_lost(engine_interp *interp, outlet *o, size_t len);
bool outlet_hold(outlet *o, const char *data, size_t len); /* false: no memory */

#endif
