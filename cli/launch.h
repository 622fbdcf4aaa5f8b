/* Starting a program: its interpreter and its one job. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "program.h"

/* Creates the interpreter and submits the job; writes program->interp and ->job, or ->start_error. May
 * block: worker threads. `terminal` says for stdout and stderr if they are one to the program. */
void launch(struct program *program, isle_runtime *runtime, const bool terminal[2]);

#endif
