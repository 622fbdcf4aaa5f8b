/* The helper: the engine's python, fresh and with one thread, that starts processes and times them. The program itself
 * must not fork: it has interpreters. A line of JSON asks, one answers, over a socket that is its stdin and stdout. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "text.h"

enum { PATIENCE_MS = 60000 };

extern char **environ;

static const char program[] = "import sys\n"
                              "sys.path.insert(0, sys.argv[1])\n"
                              "import isles_bench_peers\n"
                              "isles_bench_peers.main()\n";

static int spawn(struct helper *helper, const char *python, const char *folder, int theirs)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *argv[] = {(char *)python, "-c", (char *)program, (char *)folder, NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, 0);
    posix_spawn_file_actions_adddup2(&actions, theirs, 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP); /* so that all it starts can be ended */
    int error = posix_spawn(&helper->pid, python, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        helper->pid = 0;
    }
    return error;
}

char *helper_start(struct helper *helper, const char *python, const char *folder)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return text_format("no socket: %s", strerror(errno));
    }
    int error = spawn(helper, python, folder, ends[1]);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return text_format("%s: %s", python, strerror(error));
    }
    helper->socket = ends[0];
    return NULL;
}

static void reap(struct helper *helper)
{
    while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR) {}
    close(helper->socket);
    helper->pid = 0;
}

void helper_stop(struct helper *helper)
{
    if (helper->pid != 0) {
        shutdown(helper->socket, SHUT_WR); /* the end of its stdin is its end */
        reap(helper);
    }
}

/* It is of no use any more: neither is what it started. */
static char *give_up(struct helper *helper, const char *why)
{
    kill(-helper->pid, SIGKILL);
    reap(helper);
    return text_copy(why);
}

static const char *send_all(int to, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(to, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return "the helper process has ended";
        }
        data += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
    }
    return NULL;
}

/* Up to the end of the line. */
static const char *receive_line(int from, struct buffer *line)
{
    char chunk[4096];
    do {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int count = poll(&ready, 1, PATIENCE_MS);
        if (count == 0) {
            return "the helper process gave no answer";
        }
        ssize_t got = count < 0 ? -1 : recv(from, chunk, sizeof chunk, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return "the helper process has ended";
        }
        if (got > 0) {
            buffer_add(line, chunk, (size_t)got);
        }
    } while (line->len == 0 || line->data[line->len - 1] != '\n');
    return NULL;
}

static char *answer_of(const struct buffer *line, json_t **out_result)
{
    json_t *answer = json_loadb(line->data, line->len, 0, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));
    json_t *result = json_object_get(answer, "result");
    char *why = NULL;
    if (result == NULL) {
        why = text_copy(error != NULL ? error : "the helper process answered nonsense");
    } else {
        *out_result = json_incref(result);
    }
    json_decref(answer);
    return why;
}

char *helper_ask(struct helper *helper, json_t *request, json_t **out_result)
{
    if (helper->pid == 0) {
        json_decref(request);
        return text_copy("the helper process has ended");
    }
    char *text = json_dumps(request, JSON_COMPACT);
    char *asked = text_format("%s\n", text);
    struct buffer line = {0};
    const char *lost = send_all(helper->socket, asked, strlen(asked));
    if (lost == NULL) {
        lost = receive_line(helper->socket, &line);
    }
    char *why = lost != NULL ? give_up(helper, lost) : answer_of(&line, out_result);
    buffer_free(&line);
    free(asked);
    free(text);
    json_decref(request);
    return why;
}
