/* Child processes, see probe_process.h. Any thread; all state is on the caller's stack. The kernel kills the
 * child when the thread that called ends (PR_SET_PDEATHSIG), which it can't do before it has waited. */
#include "probe_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe_private.h"

extern char **environ;

enum { CHUNK = 64 * 1024, TELL_MOVED = 200, OUTPUT_MOST = 64 * 1024 };

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void bytes_add(probe_bytes *bytes, const char *data, size_t len, size_t most)
{
    bytes->seen += len;
    size_t room = most - bytes->len;
    len = len < room ? len : room;
    bytes->data = check_not_null(realloc(bytes->data, bytes->len + len + 1));
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    bytes->data[bytes->len] = '\0';
}

static void bytes_keep_end(probe_bytes *bytes, size_t most)
{
    if (bytes->len > most) {
        memmove(bytes->data, bytes->data + bytes->len - most, most + 1);
        bytes->len = most;
    }
}

static void output_add(probe_bytes *bytes, const char *data, size_t len)
{
    uint64_t seen = bytes->seen + len;
    size_t skip = len > OUTPUT_MOST / 2 ? len - OUTPUT_MOST / 2 : 0;
    if (bytes->len > OUTPUT_MOST / 2) {
        bytes_keep_end(bytes, PROBE_OUTPUT_KEPT);
    }
    bytes_add(bytes, data + skip, len - skip, OUTPUT_MOST);
    bytes->seen = seen;
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

static int spawn(const probe_command *command, int tell, int output, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, tell, command->tell);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    char *const *argv = (char *const *)command->argv;
    int error = posix_spawn(out_pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Ends of pipes above those numbers that the child's descriptors get, so that no dup2 closes another's source. */
static int pipe_above(int ends[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, PROBE_TELL + 1);
        close(low[i]);
    }
    if (ends[0] < 0 || ends[1] < 0) {
        return -1;
    }
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

/* --- watching ----------------------------------------------------------------------------------------------------- */

enum { TOLD, OUTPUT, LIFE, WATCHED };

/* Some of what is there now: a flood must not keep us from looking at the clock. False: the end, nobody can write any
 * more. */
static bool take(int from, size_t told_most, probe_outcome *outcome, int which)
{
    char chunk[CHUNK];
    ssize_t got = read(from, chunk, sizeof chunk);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (which == TOLD) {
        bytes_add(&outcome->told, chunk, (size_t)got, told_most);
    } else {
        output_add(&outcome->output, chunk, (size_t)got);
    }
    return true;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Until then, at least. */
static const struct timespec *left_until(int64_t deadline, struct timespec *out)
{
    int64_t left = deadline != 0 ? deadline - now_ns() : 0;
    left = left > 0 ? left : 0;
    *out = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    return deadline != 0 ? out : NULL;
}

/* Until the child has ended, or its time. SIGINT and SIGTERM come while it waits, as in `mask`. */
static void watch(const probe_command *command, pid_t pid, struct pollfd *watched, const sigset_t *mask,
                  probe_outcome *outcome)
{
    const int64_t deadline = command->limit_ns > 0 ? now_ns() + command->limit_ns : 0;
    bool asked_to_stop = false;
    struct timespec left;
    while (watched[LIFE].revents == 0) {
        if (command->stop != NULL && *command->stop != 0 && !asked_to_stop) {
            kill(-pid, SIGTERM); /* where it is a script, what that runs, too */
            asked_to_stop = true;
        }
        int ready = ppoll(watched, WATCHED, left_until(deadline, &left), mask);
        if (ready == 0 || (deadline != 0 && now_ns() >= deadline)) {
            outcome->hung = true;
            return;
        }
        for (int i = 0; i < LIFE && ready > 0; i++) {
            if (watched[i].revents != 0 && !take(watched[i].fd, command->told_most, outcome, i)) {
                watched[i].fd = -1; /* poll skips it */
            }
        }
    }
}

/* What the child wrote before its end is still in the pipes; those that it left behind may hold them open. */
static void take_rest(const probe_command *command, const struct pollfd *watched, probe_outcome *outcome)
{
    enum { PIPES_HOLD = 1 << 20 };
    for (int i = 0; i < LIFE; i++) {
        probe_bytes *bytes = i == TOLD ? &outcome->told : &outcome->output;
        uint64_t most = bytes->seen + PIPES_HOLD, before = UINT64_MAX;
        while (watched[i].fd >= 0 && bytes->seen != before && bytes->seen < most) {
            before = bytes->seen;
            take(watched[i].fd, command->told_most, outcome, i);
        }
    }
}

/* Its group goes before it is reaped, while its number is surely its own. */
static void end_all(pid_t pid, probe_outcome *outcome)
{
    siginfo_t info;
    if (outcome->hung) {
        kill(-pid, SIGKILL);
    }
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {}
    kill(-pid, SIGKILL);
    while (waitpid(pid, &outcome->wait_status, 0) < 0 && errno == EINTR) {}
}

static void watch_life(const probe_command *command, pid_t pid, struct pollfd *watched, probe_outcome *outcome)
{
    sigset_t asking, before;
    sigemptyset(&asking);
    if (command->stop != NULL) { /* one that came between a look and the wait would be missed */
        sigaddset(&asking, SIGINT);
        sigaddset(&asking, SIGTERM);
    }
    pthread_sigmask(SIG_BLOCK, &asking, &before);
    watch(command, pid, watched, &before, outcome);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void run_with_pipes(const probe_command *command, int tell[2], int output[2], probe_outcome *outcome)
{
    pid_t pid = 0;
    int error = spawn(command, tell[1], output[1], &pid);
    close(tell[1]);
    close(output[1]);
    tell[1] = output[1] = -1;
    if (error != 0) {
        outcome->trouble = strerrordesc_np(error);
        return;
    }
    struct pollfd watched[WATCHED] = {[TOLD] = {.fd = tell[0], .events = POLLIN},
                                      [OUTPUT] = {.fd = output[0], .events = POLLIN},
                                      [LIFE] = {.events = POLLIN}};
    watched[LIFE].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (watched[LIFE].fd < 0) {
        outcome->trouble = strerrordesc_np(errno);
        outcome->hung = true; /* it can't be watched */
    } else {
        watch_life(command, pid, watched, outcome);
        close(watched[LIFE].fd);
    }
    end_all(pid, outcome);
    take_rest(command, watched, outcome);
    bytes_keep_end(&outcome->output, PROBE_OUTPUT_KEPT);
}

void probe_process_run(const probe_command *command, probe_outcome *out_outcome)
{
    int tell[2] = {-1, -1}, output[2] = {-1, -1};
    *out_outcome = (probe_outcome){0};
    if (pipe_above(tell) != 0 || pipe_above(output) != 0) {
        out_outcome->trouble = strerrordesc_np(errno);
    } else {
        run_with_pipes(command, tell, output, out_outcome);
    }
    for (int i = 0; i < 2; i++) {
        if (tell[i] >= 0) {
            close(tell[i]);
        }
        if (output[i] >= 0) {
            close(output[i]);
        }
    }
}

void probe_outcome_free(probe_outcome *outcome)
{
    free(outcome->told.data);
    free(outcome->output.data);
    *outcome = (probe_outcome){0};
}

/* --- the child's side --------------------------------------------------------------------------------------------- */

static void be_first_to_go(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t written = write(file, "1000", 4);
        (void)written; /* it was worth a try */
        close(file);
    }
}

int probe_process_enter(void)
{
    /* 0 would still start a core_pattern that is a program; the kernel knows 1 as "not even that" */
    struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};
    if (setrlimit(RLIMIT_CORE, &core) != 0) {
        core.rlim_cur = core.rlim_max = 0;
        setrlimit(RLIMIT_CORE, &core);
    }
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        raise(SIGKILL); /* it went before the kernel knew that we care */
    }
    be_first_to_go();
    int moved = fcntl(PROBE_TELL, F_DUPFD, TELL_MOVED);
    if (moved < 0) {
        return PROBE_TELL;
    }
    close(PROBE_TELL);
    return moved;
}
