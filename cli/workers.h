/* A few threads that do what may block inside the library, so that the main thread never does. */
#ifndef CLI_WORKERS_H
#define CLI_WORKERS_H

#include <stddef.h>

typedef void (*worker_fn)(void *arg);

/* Returns 0 or an errno; with at least one thread it is 0. */
int workers_begin(size_t count);
void workers_push(worker_fn fn, void *arg);
/* Waits until all that was pushed is done, and ends the threads. */
void workers_end(void);

#endif
