/* Our stdout and stderr. The turn is a flag under a mutex, not the mutex itself, so that waiting for it can
 * be ended by another thread and so that the main thread, which must never block, can pass by. All other
 * state here belongs to whoever has the turn. */
#include "sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <isles/isles.h>

#include "outside.h"

static const char CLEAR_LINE[] = "\r\033[K";
static const int64_t LIVE_PAUSE = 100 * ISLE_MS; /* at most ten redraws a second */

enum { LIVE_SIZE = 2048 }; /* colours take more than columns */

/* Where the cursor is: after an unfinished line of somebody, or at the beginning of a line. */
struct cursor {
    const void *volatile owner; /* a signal handler looks at it */
};

static struct sink {
    int fd;
    bool terminal, waits; /* waits: a write may block */
    bool clears;          /* a terminal that knows how to clear a line */
    bool broken;
    struct cursor *cursor; /* one for both, if both are the terminal */
} sinks[2];

static struct cursor cursors[2];
static void (*broken_callback)(int error);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed;
static bool taken;
static bool blocked; /* who has the turn waits for a reader */
static int wake_fd = -1;
static struct outside *outside; /* NULL: all have the process's descriptors */
static _Thread_local bool own_table;

static char live[LIVE_SIZE];
static _Atomic bool live_shown;
static int64_t live_drawn_ns;
static char next_live[LIVE_SIZE]; /* under the mutex: the main thread's wish, for who has the turn */
static bool has_next_live;

static void sink_init(struct sink *sink, int fd, struct cursor *cursor)
{
    struct stat info;
    *sink = (struct sink){.fd = fd, .terminal = isatty(fd) == 1, .cursor = cursor};
    const char *term = getenv("TERM");
    sink->clears = sink->terminal && (term == NULL || strcmp(term, "dumb") != 0);
    sink->waits = fstat(fd, &info) != 0 || !S_ISREG(info.st_mode);
}

void sink_begin(void (*on_broken)(int error))
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&freed, &attributes);
    pthread_condattr_destroy(&attributes);
    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broken_callback = on_broken;
    sink_init(&sinks[SINK_OUT], STDOUT_FILENO, &cursors[0]);
    sink_init(&sinks[SINK_ERR], STDERR_FILENO, &cursors[1]);
    if (sinks[SINK_OUT].terminal && sinks[SINK_ERR].terminal) {
        sinks[SINK_ERR].cursor = &cursors[0];
    }
}

void sink_end(void)
{
    outside_free(outside);
    outside = NULL;
    close(wake_fd);
    wake_fd = -1;
    pthread_cond_destroy(&freed);
}

bool sink_serve_all(void)
{
    outside = outside_new();
    return outside != NULL;
}

void sink_set_own_table(bool own)
{
    own_table = own;
}

/* What touches descriptors: where they mean what they meant here. Only who has the turn calls it. */
static void where_descriptors_are(void (*fn)(void *), void *arg)
{
    if (own_table && outside != NULL) {
        outside_run(outside, fn, arg);
    } else {
        fn(arg);
    }
}

bool sink_is_terminal(int sink_index)
{
    return sinks[sink_index].terminal;
}

/* --- the turn ------------------------------------------------------------------------------------------------ */

static int64_t time_to_give_up(const _Atomic int64_t *until)
{
    return until != NULL ? atomic_load(until) : ISLE_FOREVER;
}

static void wait_freed(int64_t until)
{
    if (until == ISLE_FOREVER) {
        pthread_cond_wait(&freed, &lock);
        return;
    }
    struct timespec when = {.tv_sec = (time_t)(until / ISLE_SECOND), .tv_nsec = (long)(until % ISLE_SECOND)};
    pthread_cond_timedwait(&freed, &lock, &when);
}

bool sink_take(const _Atomic int64_t *until)
{
    pthread_mutex_lock(&lock);
    while (taken && isle_now() < time_to_give_up(until)) {
        wait_freed(time_to_give_up(until));
    }
    bool got = !taken;
    taken = true;
    pthread_mutex_unlock(&lock);
    return got;
}

struct look {
    int fd;
    bool ready;
};

static void look(void *arg)
{
    struct look *l = arg;
    struct pollfd polled = {.fd = l->fd, .events = POLLOUT};
    l->ready = poll(&polled, 1, 0) != 0;
}

bool sink_is_quick(int sink_index)
{
    struct look l = {.fd = sinks[sink_index].fd, .ready = true};
    if (sinks[sink_index].waits) {
        where_descriptors_are(look, &l);
    }
    return l.ready;
}

bool sink_take_if_quick(int sink_index)
{
    pthread_mutex_lock(&lock);
    while (taken && !blocked) {
        wait_freed(ISLE_FOREVER);
    }
    bool got = !taken;
    taken = true;
    pthread_mutex_unlock(&lock);
    if (got && !sink_is_quick(sink_index)) {
        sink_give();
        got = false;
    }
    return got;
}

static void set_blocked(bool now)
{
    pthread_mutex_lock(&lock);
    blocked = now;
    if (now) {
        pthread_cond_broadcast(&freed);
    }
    pthread_mutex_unlock(&lock);
}

static void draw(void *line);

void sink_give(void)
{
    char line[LIVE_SIZE];
    pthread_mutex_lock(&lock);
    while (has_next_live) {
        has_next_live = false;
        memcpy(line, next_live, sizeof line);
        pthread_mutex_unlock(&lock);
        where_descriptors_are(draw, line);
        pthread_mutex_lock(&lock);
    }
    taken = false;
    pthread_cond_signal(&freed);
    pthread_mutex_unlock(&lock);
}

void sink_wake(void)
{
    uint64_t one = 1;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&freed);
    pthread_mutex_unlock(&lock);
    if (write(wake_fd, &one, sizeof one) < 0) {
        return; /* the counter is full: it is readable already */
    }
}

/* --- bytes --------------------------------------------------------------------------------------------------- */

/* An hour at most: then the wait just goes on. */
static int poll_timeout(int64_t left_ns)
{
    int64_t ms = left_ns / ISLE_MS + 1;
    return left_ns <= 0 ? 0 : ms < 3600000 ? (int)ms : 3600000;
}

static bool wait_slow(int fd, const _Atomic int64_t *until)
{
    for (;;) {
        int64_t left = time_to_give_up(until) - isle_now();
        struct pollfd fds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = wake_fd, .events = POLLIN}};
        int ready = poll(fds, 2, poll_timeout(left));
        if (ready > 0 && fds[0].revents != 0) {
            return true;
        }
        if (ready == 0 && left <= 0) {
            return false;
        }
        if (ready > 0 && fds[1].revents != 0) {
            uint64_t count;
            if (read(wake_fd, &count, sizeof count) < 0) {
                continue;
            }
        }
    }
}

/* Waits until the descriptor takes bytes. false: the time to give up came. */
static bool wait_writable(int fd, const _Atomic int64_t *until)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    if (poll(&polled, 1, 0) > 0) {
        return true;
    }
    set_blocked(true);
    bool writable = wait_slow(fd, until);
    set_blocked(false);
    return writable;
}

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking. */
static size_t piece(const struct sink *sink, size_t len)
{
    return sink->waits && len > PIPE_BUF ? PIPE_BUF : len;
}

static void mark_broken(struct sink *sink, int error)
{
    sink->broken = true;
    if (sink == &sinks[SINK_OUT] && broken_callback != NULL) {
        broken_callback(error);
    }
}

/* false: given up in the middle. */
static bool write_all(struct sink *sink, const char *data, size_t len, const _Atomic int64_t *until)
{
    while (len > 0 && !sink->broken) {
        if (sink->waits && !wait_writable(sink->fd, until)) {
            return false;
        }
        ssize_t written = write(sink->fd, data, piece(sink, len));
        if (written >= 0) {
            data += written;
            len -= (size_t)written;
        } else if (errno != EINTR && errno != EAGAIN) {
            mark_broken(sink, errno);
        }
    }
    return true;
}

struct text { /* on its way to a descriptor, or to a sink */
    int to;
    const char *data;
    size_t len;
    const void *owner;
    bool unfinished;
    const _Atomic int64_t *until;
};

static void write_file(void *arg)
{
    struct text *text = arg;
    while (text->len > 0) {
        ssize_t written = write(text->to, text->data, text->len);
        if (written < 0 && errno != EINTR) {
            return;
        }
        if (written > 0) {
            text->data += written;
            text->len -= (size_t)written;
        }
    }
}

void sink_write_file(int fd, const char *data, size_t len)
{
    struct text text = {.to = fd, .data = data, .len = len};
    where_descriptors_are(write_file, &text);
}

/* --- lines and the live line --------------------------------------------------------------------------------- */

static bool shares_screen(const struct sink *sink)
{
    return sink->terminal && sink->cursor == sinks[SINK_ERR].cursor;
}

static void hide_live(void)
{
    if (atomic_load(&live_shown)) {
        write_all(&sinks[SINK_ERR], CLEAR_LINE, sizeof CLEAR_LINE - 1, NULL);
        atomic_store(&live_shown, false);
    }
}

static void show_live(void)
{
    char text[sizeof live + sizeof CLEAR_LINE];
    size_t len = 0;
    memcpy(text, CLEAR_LINE, sizeof CLEAR_LINE - 1);
    len += sizeof CLEAR_LINE - 1;
    memcpy(text + len, live, strlen(live));
    len += strlen(live);
    atomic_store(&live_shown, true);
    live_drawn_ns = isle_now();
    write_all(&sinks[SINK_ERR], text, len, NULL);
}

bool sink_is_owner(int sink_index, const void *owner)
{
    return sinks[sink_index].cursor->owner == owner;
}

static void write_text(void *arg)
{
    struct text *text = arg;
    struct sink *sink = &sinks[text->to];
    struct cursor *cursor = sink->cursor;
    bool had_live = shares_screen(sink) && atomic_load(&live_shown);
    if (had_live) {
        hide_live();
    }
    if (cursor->owner != NULL && cursor->owner != text->owner) {
        write_all(sink, "\n", 1, text->until);
    }
    bool whole = write_all(sink, text->data, text->len, text->until);
    bool unfinished = text->unfinished || !whole;
    cursor->owner = unfinished ? text->owner : NULL;
    if (had_live && !unfinished && isle_now() - live_drawn_ns >= LIVE_PAUSE) {
        show_live(); /* at once, so that it doesn't flicker; with much output the main thread's clock does it */
    }
}

void sink_write(int sink_index, const char *data, size_t len, const void *owner, bool unfinished,
                const _Atomic int64_t *until)
{
    struct text text = {sink_index, data, len, owner, unfinished, until};
    where_descriptors_are(write_text, &text);
}

static bool can_draw(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    return sinks[SINK_ERR].cursor->owner == NULL && poll(&fd, 1, 0) > 0;
}

static void draw(void *arg)
{
    const char *line = arg;
    if (!can_draw()) {
        return;
    }
    memcpy(live, line, strlen(line) + 1); /* from next_live: it fits */
    if (line[0] == '\0') {
        hide_live();
    } else {
        show_live();
    }
}

void sink_set_live(const char *line)
{
    pthread_mutex_lock(&lock);
    strncpy(next_live, line, sizeof next_live - 1);
    has_next_live = true;
    bool free = !taken;
    taken = true;
    pthread_mutex_unlock(&lock);
    if (free) {
        sink_give();
    }
}

void sink_write_own(const char *data, size_t len, const _Atomic int64_t *until)
{
    static const char owner;
    struct sink *sink = &sinks[SINK_ERR];
    if (sink->clears && sink->cursor->owner == NULL && !atomic_load(&live_shown)) {
        write_all(sink, CLEAR_LINE, sizeof CLEAR_LINE - 1, until);
    }
    sink_write(SINK_ERR, data, len, &owner, false, until);
}

const char *sink_clearing(void)
{
    const struct sink *sink = &sinks[SINK_ERR];
    return sink->clears && sink->cursor->owner == NULL ? CLEAR_LINE : "";
}

bool sink_can_clear(int sink_index)
{
    return sinks[sink_index].clears;
}
