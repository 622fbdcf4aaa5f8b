/* Signals by handlers and a pipe, not by signalfd: that would need them blocked, and the processes that
 * programs start would inherit the blocking. The handler itself ends the process when it is asked to stop a second
 * time, so that nothing that hangs can be in the way. */
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <isles/isles.h>

#include "sink.h"

/* A terminal, `timeout` and the like may send one wish twice; no finger is that fast. */
static const int64_t SAME_WISH = 200 * ISLE_MS;

static int pipe_fds[2] = {-1, -1};
static _Atomic int64_t first_ns;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * ISLE_SECOND + time.tv_nsec;
}

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* nobody to tell */
    }
}

static bool pass(int number)
{
    unsigned char byte = (unsigned char)number;
    return write(pipe_fds[1], &byte, 1) == 1;
}

/* It is to stop. */
static void on_wish(int number)
{
    int error = errno;
    int64_t nobody = 0, when = now();
    if (atomic_compare_exchange_strong(&first_ns, &nobody, when)) {
        if (!pass(number)) {
            _exit(EXIT_INTERRUPTED);
        }
    } else if (when - nobody > SAME_WISH) {
        say(sink_clearing());
        say("isles: stopped at once\n");
        _exit(EXIT_INTERRUPTED);
    }
    errno = error;
}

/* For programs that listen. If the pipe is full, many of them are on their way. */
static void on_message(int number)
{
    int error = errno;
    pass(number);
    errno = error;
}

/* A shell starts background jobs with SIGINT ignored: so it stays. */
static int handle(int number, void (*handler)(int))
{
    struct sigaction old, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) != 0) {
        return errno;
    }
    return old.sa_handler == SIG_IGN || sigaction(number, &action, NULL) == 0 ? 0 : errno;
}

int stop_begin(void)
{
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return errno;
    }
    signal(SIGPIPE, SIG_IGN); /* as Python does: an error of the code that wrote */
    signal(SIGXFSZ, SIG_IGN);
    static const int messages[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};
    int error = handle(SIGINT, on_wish);
    error = error != 0 ? error : handle(SIGTERM, on_wish);
    for (size_t i = 0; error == 0 && i < sizeof messages / sizeof *messages; i++) {
        error = handle(messages[i], on_message);
    }
    return error;
}

int stop_fd(void)
{
    return pipe_fds[0];
}

int stop_take(void)
{
    unsigned char number;
    return read(pipe_fds[0], &number, 1) == 1 ? number : 0;
}
