/* Signals to the run. Ctrl-C and SIGTERM are wishes to stop: the first is told to the main loop, a second ends the
 * process at once. SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH and SIGCHLD are told each time. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

enum { EXIT_INTERRUPTED = 130 };

/* Installs the handlers, but for a signal that is ignored; SIGPIPE is ignored. Returns 0 or an errno. */
int stop_begin(void);
/* Readable when a signal has come. */
int stop_fd(void);
/* The next one's number; 0: none. */
int stop_take(void);

#endif
