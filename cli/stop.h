/* Ctrl-C and SIGTERM: the first is told to the main loop, a second ends the process at once. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

enum { EXIT_INTERRUPTED = 130 };

/* Installs the handlers; SIGPIPE is ignored. Returns 0 or an errno. */
int stop_begin(void);
/* Readable once the first signal has come; don't read it. */
int stop_fd(void);
bool stop_asked(void);

#endif
