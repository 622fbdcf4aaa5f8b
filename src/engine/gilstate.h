/* What private copies call in place of CPython's functions that know one interpreter only: see gilstate.c. */
#ifndef ISLES_ENGINE_GILSTATE_H
#define ISLES_ENGINE_GILSTATE_H

#include "library_copy.h"
#include "python.h"

typedef struct gilstate gilstate;

gilstate *gilstate_new(engine_interp *interp); /* attached; NULL: no memory */
/* Home, detached, before it is closed: who comes waits, or comes in again. */
void gilstate_hold(gilstate *g);
void gilstate_let(gilstate *g);
/* Home, detached: no more threads come in. false: one is inside, and they still do. */
bool gilstate_close(gilstate *g, engine_interp *interp);
/* Any thread: those that come stay outside for good; the interpreter is left as it is, or (`gone`) is no more. */
void gilstate_shut(gilstate *g, bool gone);
void gilstate_free(gilstate *g); /* shut, and no copy that calls is left */
void gilstate_keep(gilstate *g); /* shut, and one is */

/* Their owner is a gilstate. */
extern const plat_copies_call gilstate_calls[];

#endif
