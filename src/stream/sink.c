/* The list of sinks, and writing to one. A sink is found by what fstat() says its descriptor is.
 *
 * Locks: the list's is taken alone; a sink's turn is held while something is written. */
#include "sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform.h"
#include "turn.h"

typedef struct member {
    struct member *next;
    uint64_t writer;
    size_t count;
} member;

struct sink {
    sink *next;
    dev_t device;
    ino_t number;
    bool waits;           /* a write may have to wait for a reader */
    member *members;      /* under the list's lock */
    _Atomic size_t count; /* how many there are; written under it */
    turn turn;
    uint64_t unfinished; /* under the turn: whose line is; 0: none is */
};

static struct {
    plat_lock lock;
    sink *first;
} sinks = {.lock = {PTHREAD_MUTEX_INITIALIZER}};

#define NOBODY UINT64_MAX /* an unfinished line that nobody goes on with */

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* Lock held. */
static sink *find(const struct stat *is)
{
    sink *s = sinks.first;
    while (s != NULL && (s->device != is->st_dev || s->number != is->st_ino)) {
        s = s->next;
    }
    return s;
}

/* Lock held. */
static sink *add(int fd, const struct stat *is)
{
    sink *s = plat_calloc(1, sizeof *s);
    if (s != NULL) {
        s->device = is->st_dev;
        s->number = is->st_ino;
        s->waits = S_ISFIFO(is->st_mode) || S_ISSOCK(is->st_mode) || isatty(fd) == 1;
        turn_init(&s->turn);
        s->next = sinks.first;
        sinks.first = s;
    }
    return s;
}

/* Lock held; it has no members. */
static void drop(sink *s)
{
    sink **link = &sinks.first;
    while (*link != s) {
        link = &(*link)->next;
    }
    *link = s->next;
    turn_destroy(&s->turn);
    plat_free(s);
}

static member **find_member(sink *s, uint64_t writer)
{
    member **link = &s->members;
    while (*link != NULL && (*link)->writer != writer) {
        link = &(*link)->next;
    }
    return link;
}

/* Lock held. */
static bool add_member(sink *s, uint64_t writer)
{
    member **link = find_member(s, writer);
    if (*link == NULL) {
        *link = plat_calloc(1, sizeof **link);
        if (*link == NULL) {
            return false;
        }
        (*link)->writer = writer;
        s->count++;
    }
    (*link)->count++;
    return true;
}

sink *sink_join(int fd, uint64_t writer)
{
    struct stat is;
    if (fstat(fd, &is) != 0) {
        return NULL;
    }
    plat_lock_take(&sinks.lock);
    sink *s = find(&is);
    s = s != NULL ? s : add(fd, &is);
    if (s != NULL && !add_member(s, writer)) {
        if (s->count == 0) {
            drop(s);
        }
        s = NULL;
    }
    plat_lock_give(&sinks.lock);
    return s;
}

void sink_leave(sink *s, uint64_t writer)
{
    if (s == NULL) {
        return;
    }
    plat_lock_take(&sinks.lock);
    member **link = find_member(s, writer);
    if (--(*link)->count == 0) {
        member *m = *link;
        *link = m->next;
        plat_free(m);
        s->count--;
    }
    if (s->count == 0) {
        drop(s);
    }
    plat_lock_give(&sinks.lock);
}

bool sink_is_shared(sink *s)
{
    return atomic_load_explicit(&s->count, memory_order_relaxed) > 1;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

typedef struct writing { /* one sink_put on its way */
    sink *s;
    const sink_write *what;
    size_t written;
    bool in_line;
} writing;

static bool gives_up(void *ctx)
{
    const writing *w = ctx;
    return w->what->gives_up != NULL && w->what->gives_up(w->what->ctx, w->written, w->in_line);
}

static bool is_ready(int fd, int timeout)
{
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    int ready = poll(&polled, 1, timeout);
    return ready > 0 || (ready < 0 && errno != EINTR); /* then write() says what is wrong */
}

/* Until the reader has room, or the end of the pipe is known. */
static sink_result wait_for_reader(writing *w)
{
    sink_result result = SINK_DONE;
    if (is_ready(w->what->fd, 0)) {
        return SINK_DONE;
    }
    if (w->what->drops) {
        return SINK_FULL;
    }
    turn_set_blocked(&w->s->turn, true);
    while (result == SINK_DONE && !is_ready(w->what->fd, -1)) {
        result = gives_up(w) ? SINK_INTERRUPTED : SINK_DONE;
    }
    turn_set_blocked(&w->s->turn, false);
    return result;
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without blocking, and in one piece. So who drops loses whole
 * lines, unless one is longer. */
static size_t piece(const writing *w, const char *data, size_t len)
{
    if (!w->s->waits || len <= PIPE_BUF) {
        return len;
    }
    const char *end = memrchr(data, '\n', PIPE_BUF);
    return end != NULL ? (size_t)(end - data) + 1 : PIPE_BUF;
}

/* Adds what is gone to *count. */
static sink_result write_all(writing *w, const char *data, size_t len, size_t *count)
{
    while (len > 0) {
        sink_result ready = w->s->waits ? wait_for_reader(w) : SINK_DONE;
        if (ready != SINK_DONE) {
            return ready;
        }
        ssize_t written = write(w->what->fd, data, piece(w, data, len));
        if (written > 0) {
            w->in_line = data[written - 1] != '\n';
            w->s->unfinished = w->in_line ? w->what->writer : 0;
            data += written;
            len -= (size_t)written;
            *count += (size_t)written;
        } else if (written < 0 && errno == EINTR && gives_up(w)) {
            return SINK_INTERRUPTED;
        } else if (written < 0 && errno == EAGAIN && w->what->drops) {
            return SINK_FULL;
        } else if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return SINK_FAILED;
        }
    }
    return SINK_DONE;
}

/* Ends the line of somebody else, and says what was lost there. */
static sink_result begin(writing *w, bool *out_noted)
{
    char text[514];
    size_t len = 0, count = 0;
    uint64_t unfinished = w->s->unfinished;
    const char *note = w->what->note;
    if (unfinished != 0 && (unfinished != w->what->writer || note != NULL)) {
        text[len++] = '\n';
    }
    if (note != NULL) {
        size_t note_len = strnlen(note, sizeof text - 2);
        memcpy(text + len, note, note_len);
        len += note_len;
    }
    sink_result result = write_all(w, text, len, &count);
    *out_noted = result == SINK_DONE && note != NULL;
    return result;
}

static sink_result put(writing *w, bool *out_noted)
{
    sink_result result = begin(w, out_noted);
    if (result != SINK_DONE) {
        return result;
    }
    const sink_write *what = w->what;
    result = write_all(w, what->data, what->len, &w->written);
    if (result == SINK_FULL && w->s->unfinished == what->writer) {
        w->s->unfinished = NOBODY; /* the rest of that line is lost */
    }
    return result;
}

sink_result sink_put(sink *s, const sink_write *what, size_t *out_written, bool *out_noted)
{
    writing w = {.s = s, .what = what};
    *out_written = 0;
    *out_noted = false;
    turn_patience patience = {.unless_blocked = what->drops, .gives_up = gives_up, .ctx = &w};
    switch (turn_take(&s->turn, &patience)) {
    case TURN_BLOCKED:
        return SINK_FULL;
    case TURN_INTERRUPTED:
        return SINK_INTERRUPTED;
    case TURN_TAKEN:
        break;
    }
    sink_result result = put(&w, out_noted);
    int saved = errno;
    turn_give(&s->turn);
    *out_written = w.written;
    errno = saved;
    return result;
}
