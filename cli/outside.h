/* Calls on a thread of the process's own table of descriptors, for callers who may have another one: a program with
 * --descriptors has a table of its own, and what it writes and tells comes on its threads. One call at a time; the
 * caller waits. */
#ifndef CLI_OUTSIDE_H
#define CLI_OUTSIDE_H

struct outside;

/* Starts the thread; the calling thread must be one of the process's table. NULL: it can't be started. */
struct outside *outside_new(void);
void outside_run(struct outside *outside, void (*fn)(void *), void *arg);
/* No call may be on its way. NULL: nothing. */
void outside_free(struct outside *outside);

#endif
