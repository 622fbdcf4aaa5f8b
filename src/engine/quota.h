/* Budgets that the engine holds an interpreter to by itself: see quota.c. Memory, CPU time and threads: account.h. */
#ifndef ISLES_ENGINE_QUOTA_H
#define ISLES_ENGINE_QUOTA_H

#include "python.h"

struct value_message;

isle_status quota_start(engine_failure *failure); /* main interpreter, attached */
bool quota_open(engine_interp *interp);           /* home; false: no memory */
void quota_close(engine_interp *interp);          /* when nobody can call in any more */

/* Attached. Tells the core, and sets isles.BudgetExceeded. */
void quota_refuse(engine_interp *interp, isle_budget which);
/* Attached: its message waits from now on. false with an exception set. */
bool quota_count_message(engine_interp *interp, struct value_message *m);
/* Home or an entry, attached, before code runs: limits that were set meanwhile. */
void quota_apply(engine_interp *interp);
/* Home, attached, with an exception set: says of a RecursionError which limit that was. */
void quota_note_recursion(engine_interp *interp);
/* Attached: a descriptor is to be opened. -1 with an exception set: the interpreter has as many as it may. */
int quota_before_descriptor(void);

#endif
