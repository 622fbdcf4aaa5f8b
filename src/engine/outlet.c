/* Writing to where a stream ends, and reading from it. A thread waits detached, and an interrupt ends the wait: with an
 * exception where nothing was written yet, else by a short count, after which io asks for interrupts by itself. So
 * what was written is never written again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outlet_wait.h"

enum { LONGEST_LINE = 1 << 20 };

static const char *const names[] = {"stdin", "stdout", "stderr"};

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* In front of all that is there, so that several who write to one file never write over each other. */
static int open_path(const outlet *o, const isle_stream *to)
{
    int how = o->number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND | (to->append ? 0 : O_TRUNC);
    return open(to->path, how | O_CLOEXEC, 0666);
}

static isle_status open_file(outlet *o, const isle_stream *to, engine_failure *failure)
{
    o->fd = o->told_fd = open_path(o, to);
    o->owns_fd = o->fd >= 0;
    return o->owns_fd ? ISLE_OK
                      : engine_fail(failure, ISLE_ERR_SYSTEM, "%s: cannot open %s: %s", names[o->number], to->path,
                                    strerror(errno));
}

/* The host takes what is written, and may have named a descriptor for all others. */
static bool is_hosts(const outlet *o)
{
    return o->to.kind == ISLE_STREAM_CALLBACK || o->to.kind == ISLE_STREAM_QUEUE;
}

/* In a table of its own the interpreter's streams are the numbers 0, 1 and 2, so that whatever writes there follows. */
static int take_number(outlet *o)
{
    bool to_nowhere = o->to.kind == ISLE_STREAM_NULL, to_host = is_hosts(o);
    int from = to_nowhere ? open("/dev/null", O_RDWR | O_CLOEXEC) : to_host ? o->told_fd : o->fd;
    if ((from < 0 && !to_nowhere) || from == o->number) {
        return 0;
    }
    int error = from < 0 || dup2(from, o->number) < 0 ? errno : 0;
    if (from > 2 && (o->owns_fd || to_nowhere)) {
        close(from);
    }
    o->owns_fd = false;
    o->fd = to_nowhere || to_host ? -1 : o->number;
    o->told_fd = o->number;
    return error;
}

/* Out of the way of the numbers that others take: stdout may be to go where stderr went, and the other way round. */
static int make_room(outlet *o)
{
    int *fd = is_hosts(o) ? &o->told_fd : &o->fd;
    if ((o->to.kind != ISLE_STREAM_FD && !is_hosts(o)) || *fd < 0 || *fd > 2 || *fd == o->number) {
        return 0;
    }
    *fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    o->owns_fd = *fd >= 0;
    return o->owns_fd ? 0 : errno;
}

static isle_status take_numbers(engine_interp *interp, engine_failure *failure)
{
    for (int step = 0; step < 6; step++) {
        outlet *o = &interp->outlets[step % 3];
        int error = step < 3 ? make_room(o) : take_number(o);
        if (error != 0) {
            return engine_fail(failure, ISLE_ERR_SYSTEM, "%s: %s", names[o->number], strerror(error));
        }
    }
    return ISLE_OK;
}

static void open_known(outlet *o, const isle_stream *to)
{
    o->fd = to->kind == ISLE_STREAM_INHERIT ? o->number : to->kind == ISLE_STREAM_FD ? to->fd : -1;
    /* a host that takes output by call-back or queue may name a descriptor too: for child processes */
    bool named = (to->kind == ISLE_STREAM_CALLBACK || to->kind == ISLE_STREAM_QUEUE) && o->number > 0 && to->fd > 0;
    o->told_fd = named ? to->fd : o->fd;
}

static isle_status open_one(engine_interp *interp, int number, const isle_stream *to, engine_failure *failure)
{
    outlet *o = &interp->outlets[number];
    *o = (outlet){.number = number, .to = *to, .fd = -1, .told_fd = -1, .opened = true, .splits_lines = true};
    o->to.path = o->to.encoding = o->to.errors = NULL;
    o->to.queue = to->kind == ISLE_STREAM_QUEUE ? queue_ref(to->queue) : NULL;
    turn_init(&o->turn);
    if (to->kind == ISLE_STREAM_FILE) {
        return open_file(o, to, failure);
    }
    open_known(o, to);
    return ISLE_OK;
}

isle_status outlets_open(engine_interp *interp, const isle_interp_config *config, engine_failure *failure)
{
    const isle_stream *const to[] = {&config->stdin_, &config->stdout_, &config->stderr_};
    isle_status status = ISLE_OK;
    for (int number = 0; status == ISLE_OK && number < 3; number++) {
        status = open_one(interp, number, to[number], failure);
    }
    if (status == ISLE_OK && config->private_descriptors) {
        status = take_numbers(interp, failure);
    }
    for (int number = 1; status == ISLE_OK && number < 3; number++) {
        outlet *o = &interp->outlets[number];
        o->sink = o->fd >= 0 ? sink_join(o->fd, interp->id) : NULL;
    }
    return status;
}

int outlet_descriptor(outlet *o)
{
    if (o->to.kind == ISLE_STREAM_NULL && o->told_fd < 0) {
        o->told_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    return o->told_fd;
}

/* --- what is lost ------------------------------------------------------------------------------------------------- */

static const char *note_for(const outlet *o, char *text)
{
    if (o->lost_bytes == 0 || o->to.full != ISLE_FULL_DROP || !o->splits_lines) {
        return NULL;
    }
    outlet_note(o, text);
    return text;
}

/* The last words: of an interpreter that has ended, so nobody waits. */
static void close_sink(engine_interp *interp, outlet *o)
{
    char text[NOTE_SIZE];
    bool noted;
    size_t written = 0;
    const char *note = note_for(o, text);
    size_t may = outlet_ask(interp, o, o->held_len);
    if (o->held_len > 0 || note != NULL) {
        sink_write last = {.fd = o->fd, .writer = interp->id, .note = note, .data = o->held, .len = may, .drops = true};
        sink_put(o->sink, &last, &written, &noted);
        outlet_give_back(interp, o, may - written);
        if (written < o->held_len) {
            outlet_note_lost(interp, o, o->held_len - written);
        }
    }
    sink_leave(o->sink, interp->id);
    o->sink = NULL;
}

void outlets_close(engine_interp *interp)
{
    for (int number = 0; number < 3; number++) {
        outlet *o = &interp->outlets[number];
        if (!o->opened) {
            continue;
        }
        if (o->sink != NULL) {
            close_sink(interp, o);
        }
        if (o->owns_fd) {
            close(o->fd);
        }
        if (o->to.kind == ISLE_STREAM_NULL && o->told_fd > 2) {
            close(o->told_fd);
        }
        queue_unref(o->to.queue);
        plat_free(o->held);
        turn_destroy(&o->turn);
        o->opened = false;
    }
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

bool outlet_enter(outlet *o)
{
    if (turn_try(&o->turn)) {
        return true;
    }
    queue_wait wait;
    queue_patience patience;
    queue_wait_begin(&wait, PLAT_FOREVER, &patience);
    turn_result result = turn_take(&o->turn, &(turn_patience){.gives_up = patience.gives_up, .ctx = patience.ctx});
    queue_wait_end(&wait);
    return result == TURN_TAKEN;
}

void outlet_leave(outlet *o)
{
    turn_give(&o->turn);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static Py_ssize_t call_back(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    size_t may = outlet_ask(interp, o, len);
    if (may == 0) {
        return outlet_refuse(interp, o, len);
    }
    PyThreadState *state = PyEval_SaveThread();
    engine_interp *before = engine_calling;
    engine_calling = interp;
    plat_own *own = plat_own_enter(NULL); /* the host's locale, whatever the code has set */
    o->to.write(o->to.ctx, interp->id, o->number, data, may);
    plat_own_enter(own);
    engine_calling = before;
    PyEval_RestoreThread(state);
    return (Py_ssize_t)may;
}

static Py_ssize_t put_nowhere(engine_interp *interp, outlet *o, size_t len)
{
    size_t may = outlet_ask(interp, o, len);
    return may > 0 ? (Py_ssize_t)may : outlet_refuse(interp, o, len);
}

/* What is not open now, or was not when the interpreter was made: no sink. */
static sink_result put_plainly(const outlet *o, const sink_write *what, size_t *out_written)
{
    ssize_t written;
    do {
        written = write(o->fd, what->data, what->len);
    } while (written < 0 && errno == EINTR && !what->gives_up(what->ctx, 0, false));
    *out_written = written > 0 ? (size_t)written : 0;
    return written > 0 || what->len == 0 ? SINK_DONE : errno == EINTR ? SINK_INTERRUPTED : SINK_FAILED;
}

static Py_ssize_t put_to_sink(engine_interp *interp, outlet *o, const char *data, size_t wanted)
{
    char text[NOTE_SIZE];
    bool noted = false;
    size_t written = 0, len = outlet_ask(interp, o, wanted);
    if (len == 0 && wanted > 0) {
        return outlet_refuse(interp, o, wanted);
    }
    outlet_wait wait;
    sink_write what = {.fd = o->fd,
                       .writer = interp->id,
                       .note = note_for(o, text),
                       .data = data,
                       .len = len,
                       .drops = outlet_drops(interp, o),
                       .gives_up = outlet_gives_up,
                       .ctx = &wait};
    outlet_wait_begin(&wait, interp);
    sink_result result = o->sink != NULL ? sink_put(o->sink, &what, &written, &noted) : put_plainly(o, &what, &written);
    outlet_give_back(interp, o, len - written);
    o->lost_bytes = noted ? 0 : o->lost_bytes;
    if (result == SINK_FULL && written < len) {
        outlet_note_lost(interp, o, len - written);
        written = len;
    }
    outlet_wait_end(&wait);
    if (written == 0 && result == SINK_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return written > 0 || (len == 0 && !PyErr_Occurred()) ? (Py_ssize_t)written : -1;
}

static Py_ssize_t deliver(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    return o->to.kind == ISLE_STREAM_QUEUE ? outlet_put(interp, o, data, len) : put_to_sink(interp, o, data, len);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* Is the unfinished line to be kept until its end comes, since others would write in its middle? */
static bool holds_lines(outlet *o)
{
    if (o->to.buffering == ISLE_BUFFERING_NONE) {
        return false;
    }
    if (o->to.kind == ISLE_STREAM_QUEUE) {
        return !o->to.bytes;
    }
    return o->splits_lines && o->sink != NULL && sink_is_shared(o->sink);
}

static void let_go(outlet *o, size_t len)
{
    memmove(o->held, o->held + len, o->held_len - len);
    o->held_len -= len;
}

/* What was held and the first `len` of the data. Returns how many of those are gone; -1 with an exception set. */
static Py_ssize_t deliver_with_held(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    size_t held = o->held_len;
    if (held == 0) {
        return len > 0 ? deliver(interp, o, data, len) : 0;
    }
    if (!outlet_hold(o, data, len)) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t gone = deliver(interp, o, o->held, o->held_len);
    if (gone >= (Py_ssize_t)held) {
        o->held_len = 0;
        return gone - (Py_ssize_t)held;
    }
    o->held_len = held;
    if (gone > 0) {
        let_go(o, (size_t)gone);
    }
    return gone < 0 ? -1 : 0;
}

/* How much of the data may go out now. */
static size_t whole_lines(const outlet *o, const char *data, size_t len)
{
    const char *end = memrchr(data, '\n', len);
    size_t whole = end != NULL ? (size_t)(end - data) + 1 : 0;
    size_t rest = len - whole + (whole == 0 ? o->held_len : 0);
    return rest > LONGEST_LINE ? len : whole;
}

static Py_ssize_t write_lines(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    size_t whole = whole_lines(o, data, len);
    if (whole > 0) {
        Py_ssize_t gone = deliver_with_held(interp, o, data, whole);
        if (gone < (Py_ssize_t)whole) {
            return gone;
        }
    }
    if (whole < len && !outlet_hold(o, data + whole, len - whole)) {
        if (whole == 0) {
            PyErr_NoMemory();
        }
        return whole > 0 ? (Py_ssize_t)whole : -1;
    }
    return (Py_ssize_t)len;
}

Py_ssize_t outlet_write(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    if (len == 0) {
        return 0;
    }
    if (o->to.kind == ISLE_STREAM_CALLBACK) {
        return call_back(interp, o, data, len);
    }
    if (o->to.kind == ISLE_STREAM_NULL) {
        return put_nowhere(interp, o, len);
    }
    return holds_lines(o) ? write_lines(interp, o, data, len) : deliver_with_held(interp, o, data, len);
}

int outlet_flush(engine_interp *interp, outlet *o)
{
    char text[NOTE_SIZE];
    while (o->number > 0 && o->held_len > 0) {
        if (deliver_with_held(interp, o, NULL, 0) < 0) {
            return -1;
        }
    }
    if (o->number > 0 && o->to.kind == ISLE_STREAM_QUEUE) {
        outlet_put_note(interp, o);
    } else if (o->sink != NULL && note_for(o, text) != NULL && put_to_sink(interp, o, NULL, 0) < 0) {
        return -1;
    }
    return 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* One that doesn't block by itself is waited for. */
static ssize_t read_descriptor(int fd, char *buffer, size_t len)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    ssize_t got;
    do {
        got = read(fd, buffer, len);
    } while (got < 0 && errno == EAGAIN && poll(&polled, 1, -1) > 0);
    return got;
}

static ssize_t read_now(engine_interp *interp, outlet *o, char *buffer, size_t len)
{
    if (o->to.kind != ISLE_STREAM_CALLBACK) {
        return o->fd >= 0 ? read_descriptor(o->fd, buffer, len) : 0;
    }
    engine_interp *before = engine_calling;
    engine_calling = interp;
    plat_own *own = plat_own_enter(NULL);
    size_t got = o->to.read(o->to.ctx, interp->id, buffer, len);
    plat_own_enter(own);
    engine_calling = before;
    return (ssize_t)got;
}

static Py_ssize_t read_queue(engine_interp *interp, outlet *o, char *buffer, size_t len)
{
    if (o->held_len == 0 && outlet_get(interp, o) < 0) {
        return -1;
    }
    size_t got = o->held_len < len ? o->held_len : len;
    if (got > 0) {
        memcpy(buffer, o->held, got);
        let_go(o, got);
    }
    return (Py_ssize_t)got;
}

Py_ssize_t outlet_read(engine_interp *interp, outlet *o, char *buffer, size_t len)
{
    ssize_t got;
    if (o->to.kind == ISLE_STREAM_QUEUE) {
        return read_queue(interp, o, buffer, len);
    }
    outlet_wait wait;
    outlet_wait_begin(&wait, interp);
    do {
        got = read_now(interp, o, buffer, len);
    } while (got < 0 && errno == EINTR && !outlet_gives_up(&wait, 0, false));
    outlet_wait_end(&wait);
    if (got < 0 && errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return got;
}
