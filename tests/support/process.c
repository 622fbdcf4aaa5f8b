#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

extern char **environ;

typedef struct pipe_end {
    int fd;
    char *data;
    size_t len;
} pipe_end;

static void drain(pipe_end *end)
{
    char buffer[65536];
    ssize_t got;
    while ((got = read(end->fd, buffer, sizeof buffer)) > 0) {
        end->data = must(realloc(end->data, end->len + (size_t)got + 1));
        memcpy(end->data + end->len, buffer, (size_t)got);
        end->len += (size_t)got;
        end->data[end->len] = '\0';
    }
    if (got == 0) {
        close(end->fd);
        end->fd = -1;
    }
}

static char *finish_pipe(pipe_end *end)
{
    if (end->fd >= 0) {
        drain(end);
    }
    if (end->fd >= 0) {
        close(end->fd);
    }
    return end->data != NULL ? end->data : must(strdup(""));
}

static pid_t spawn(const char *const *argv, pipe_end *out, pipe_end *err)
{
    int to_out[2], to_err[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (pipe2(to_out, O_CLOEXEC) != 0 || pipe2(to_err, O_CLOEXEC) != 0) {
        fail_msg("no pipes: %s", strerror(errno));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to_out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, to_err[1], 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int failed = posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(to_out[1]);
    close(to_err[1]);
    if (failed != 0) {
        fail_msg("%s: %s", argv[0], strerror(failed));
    }
    fcntl(to_out[0], F_SETFL, O_NONBLOCK);
    fcntl(to_err[0], F_SETFL, O_NONBLOCK);
    out->fd = to_out[0];
    err->fd = to_err[0];
    return pid;
}

/* true: the process has ended (its status waits to be taken); false: the limit passed. */
static bool follow(pid_t pid, pipe_end *out, pipe_end *err, int64_t deadline)
{
    int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    if (ended < 0) {
        fail_msg("pidfd_open: %s", strerror(errno));
    }
    struct pollfd watched[3] = {{.fd = ended, .events = POLLIN}};
    int64_t now;
    while ((watched[0].revents & POLLIN) == 0 && (now = isle_now()) < deadline) {
        watched[1] = (struct pollfd){.fd = out->fd, .events = POLLIN};
        watched[2] = (struct pollfd){.fd = err->fd, .events = POLLIN};
        poll(watched, 3, (int)((deadline - now) / ISLE_MS) + 1);
        if (watched[1].revents != 0) {
            drain(out);
        }
        if (watched[2].revents != 0) {
            drain(err);
        }
    }
    close(ended);
    return (watched[0].revents & POLLIN) != 0;
}

process process_run(const char *const *argv, int64_t limit_ns)
{
    pipe_end out = {.fd = -1}, err = {.fd = -1};
    process result = {0};
    int status;
    fflush(NULL);
    pid_t pid = spawn(argv, &out, &err);
    result.timed_out = !follow(pid, &out, &err, isle_deadline_in(limit_ns));
    kill(-pid, SIGKILL); /* the group that posix_spawn made for it: at the limit itself, else what it left behind */
    waitpid(pid, &status, 0);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = finish_pipe(&out);
    result.err = finish_pipe(&err);
    return result;
}

void process_free(process *p)
{
    free(p->out);
    free(p->err);
    *p = (process){0};
}

process child_run(const char *name, const char *arg, int64_t limit_ns)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0) {
        fail_msg("/proc/self/exe: %s", strerror(errno));
    }
    self[len] = '\0';
    const char *argv[] = {self, "--child", name, arg != NULL ? arg : "", NULL};
    return process_run(argv, limit_ns);
}

char *child_expect(const char *name, const char *arg, int64_t limit_ns, int status)
{
    process p = child_run(name, arg, limit_ns);
    if (p.timed_out || p.status != status) {
        /* not print_error(), which cuts what is long and with it what failed */
        fprintf(stderr, "child %s %s: status %d%s, expected %d\n--- stdout\n%s--- stderr\n%s---\n", name,
                arg != NULL ? arg : "", p.status, p.timed_out ? " (killed at its time limit)" : "", status, p.out,
                p.err);
        process_free(&p);
        fail();
    }
    char *out = p.out;
    p.out = NULL;
    process_free(&p);
    return out;
}

void child_main(int argc, char **argv, const child *children)
{
    if (argc != 4 || strcmp(argv[1], "--child") != 0) {
        return;
    }
    for (; children->name != NULL; children++) {
        if (strcmp(children->name, argv[2]) == 0) {
            setvbuf(stdout, NULL, _IOLBF, 0);
            exit(children->fn(argv[3]));
        }
    }
    fprintf(stderr, "no child is called %s\n", argv[2]);
    exit(125);
}
