/* What the operator sees of a run: the live line while it lasts, the table at its end. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "program.h"

/* Draws the live line if it is time to. */
void status_draw(const struct programs *programs, bool color);
void status_hide(void);
/* ms until the next time to draw */
int status_pause(void);

/* Writes the table to stderr. `all`: also what is ok, when the table is long. */
void status_table(const struct programs *programs, int64_t wall_ns, bool color, bool all);
/* A line of our own to stderr. */
void status_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
