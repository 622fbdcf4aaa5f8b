/* `isles check --isles PATH`: the same on several engines, in one table. Main thread only. */
#ifndef CLI_CHECK_ENGINES_H
#define CLI_CHECK_ENGINES_H

#include "engines.h"

/* What is not wanted of `venvs` is that one is for none of the engines: then it says so and returns false. Of two for
 * one engine the last counts. `source` is the option's or variable's name. */
bool engines_choose_venvs(check_engines *engines, const char *const *venvs, size_t count, const char *source,
                          bool must_fit);

/* A check_engines_begin_fn: the line on a terminal while it lasts. */
void engines_on_begin(const check_engines *engines, size_t index);

/* The table on stdout, with `verbose` the reasons and advice; what went wrong on stderr. */
void engines_print(const check_engines *engines, bool color, bool verbose);
void engines_complain(const check_engines *engines);

#endif
