/* How a program ended: its result and exit status, and the words about it that go to its stderr. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "program.h"

/* Sets result and exit_status, and prints what Python itself would print. */
void outcome_of_job(struct program *program, isle_status status, const isle_value *value, const isle_error *error);
/* Some of its code could not be stopped. `why` may be NULL. */
void outcome_stuck(struct program *program, const char *why);
/* os._exit or its like ended it, perhaps after its job had ended well. `what` may be NULL. */
void outcome_left(struct program *program, const char *what, int status);
/* Prints start_error, with a hint. */
void outcome_explain_start(struct program *program);
void outcome_explain_no_descriptor(struct program *program);

#endif
