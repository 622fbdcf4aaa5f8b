/* Options that the library checks, tried before any program starts. */
#ifndef CLI_TRIAL_H
#define CLI_TRIAL_H

#include "program.h"

/* Makes an interpreter with the options that could be wrong; nothing runs in it. Returns what is wrong, to be freed;
 * NULL: nothing. May block: worker threads. */
char *trial_of_options(const struct programs *programs, isle_runtime *runtime);
/* The library's message, with our option in place of its field. To be freed. */
char *trial_explain(const isle_error *error);

#endif
