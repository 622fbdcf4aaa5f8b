/* Signals by handlers and a pipe, not by signalfd: that would need them blocked, and the processes that
 * programs start would inherit the blocking. The handler itself ends the process the second time, so that
 * nothing that hangs can be in the way. */
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

static void on_signal(int number)
{
    int error = errno;
    int64_t nobody = 0, when = now();
    (void)number;
    if (atomic_compare_exchange_strong(&first_ns, &nobody, when)) {
        if (write(pipe_fds[1], "", 1) < 0) {
            _exit(EXIT_INTERRUPTED);
        }
    } else if (when - nobody > SAME_WISH) {
        say(sink_clearing());
        say("isles: stopped at once\n");
        _exit(EXIT_INTERRUPTED);
    }
    errno = error;
}

/* A shell starts background jobs with SIGINT ignored: so it stays. */
static int handle(int number)
{
    struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
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
    int error = handle(SIGINT);
    return error != 0 ? error : handle(SIGTERM);
}

int stop_fd(void)
{
    return pipe_fds[0];
}

bool stop_asked(void)
{
    return atomic_load(&first_ns) != 0;
}
