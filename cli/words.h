/* Splitting a string into words as a shell does. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "text.h"

/* Adds the words of `line` to the list: quotes, backslashes, variables, ~ and patterns work as in a shell;
 * commands are not run. Returns NULL, or why not (static). */
const char *words_split(const char *line, struct strings *out_words);

#endif
