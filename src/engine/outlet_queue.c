/* Streams that go to a queue, or come from one. Each line is encoded as Python's put would encode it, and belongs to
 * the interpreter that wrote it (isle_unbound). */
#include <errno.h>
#include <string.h>

#include "quota.h"
#include "python.h"
#include "outlet_wait.h"
#include "value_message.h"

enum { SLACK = 32 };

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Bytes that are no UTF-8 are shown as \xff: a str that can't be printed would be a trap for who gets it. */
static PyObject *item_of(const outlet *o, const char *data, size_t len)
{
    return o->to.bytes ? PyBytes_FromStringAndSize(data, (Py_ssize_t)len)
                       : PyUnicode_DecodeUTF8(data, (Py_ssize_t)len, "backslashreplace");
}

static value_message *message_of(engine_interp *interp, const outlet *o, const char *data, size_t len)
{
    attachments beside;
    cbor_writer w;
    engine_failure failure = {0};
    PyObject *item = item_of(o, data, len);
    if (item == NULL) {
        return NULL;
    }
    value_message_begin(&w, &beside, len + SLACK);
    isle_status status = convert_write(interp, item, "line", &w, &failure);
    Py_DECREF(item);
    value_message *m = NULL;
    if (status == ISLE_OK) {
        m = value_message_take(&w, interp->id);
    } else {
        value_message_abandon(&w);
        engine_failure_clear(&failure);
    }
    if (m == NULL && !PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    return m;
}

typedef struct waiting { /* what outlet_gives_up wants to know */
    outlet_wait wait;
    size_t done;
} waiting;

static bool gives_up(void *ctx)
{
    waiting *w = ctx;
    return outlet_gives_up(&w->wait, w->done, false);
}

static queue_result wait_to_put(engine_interp *interp, outlet *o, value_message *m, size_t done)
{
    waiting w = {.done = done};
    outlet_wait_begin(&w.wait, interp);
    queue_result result = queue_put(o->to.queue, &m->message,
                                    &(queue_patience){.deadline = PLAT_FOREVER, .gives_up = gives_up, .ctx = &w});
    outlet_wait_end(&w.wait);
    return result;
}

/* QUEUE_TIMEOUT: there is no room, and it doesn't wait. With QUEUE_INTERRUPTED an exception may be set. */
static queue_result put_one(engine_interp *interp, outlet *o, const char *data, size_t len, size_t done)
{
    value_message *m = message_of(interp, o, data, len);
    if (m == NULL) {
        return QUEUE_INTERRUPTED;
    }
    m->message.tag = QUEUE_TAG;
    if (!quota_count_message(interp, m)) {
        m->message.drop(&m->message);
        return interp->discards ? (PyErr_Clear(), QUEUE_TIMEOUT) : QUEUE_INTERRUPTED;
    }
    queue_result result = queue_put(o->to.queue, &m->message, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT && !outlet_drops(interp, o)) {
        result = wait_to_put(interp, o, m, done);
    }
    if (result != QUEUE_OK) {
        m->message.drop(&m->message);
    }
    return result;
}

/* Where something was lost before, that is said first. */
static queue_result put_note(engine_interp *interp, outlet *o, size_t done)
{
    char text[NOTE_SIZE];
    if (o->lost_bytes == 0 || o->to.full != ISLE_FULL_DROP || o->to.bytes) {
        return QUEUE_OK;
    }
    queue_result result = put_one(interp, o, text, outlet_note(o, text), done);
    o->lost_bytes = result == QUEUE_OK ? 0 : o->lost_bytes;
    return result;
}

static size_t item_len(const outlet *o, const char *data, size_t len)
{
    const char *end = o->to.bytes ? NULL : memchr(data, '\n', len);
    return end != NULL ? (size_t)(end - data) + 1 : len;
}

/* Of one item: how many bytes are gone, or lost; 0: none, and why is in *out_result, or an exception is set. */
static size_t put_item(engine_interp *interp, outlet *o, const char *data, size_t len, size_t done, bool *out_lost,
                       queue_result *out_result)
{
    size_t may = outlet_ask(interp, o, len);
    *out_lost = false;
    if (may == 0) {
        *out_result = QUEUE_INTERRUPTED;
        Py_ssize_t gone = outlet_refuse(interp, o, len);
        return gone > 0 ? (size_t)gone : 0;
    }
    *out_result = put_note(interp, o, done);
    *out_result = *out_result == QUEUE_OK ? put_one(interp, o, data, may, done) : *out_result;
    if (*out_result == QUEUE_OK) {
        return may;
    }
    outlet_give_back(interp, o, may);
    *out_lost = *out_result == QUEUE_TIMEOUT;
    return *out_lost ? len : 0;
}

/* Bytes that are gone before the queue stopped it: a short count, unless there are none. */
static Py_ssize_t stopped(queue_result result, size_t done)
{
    if (done > 0) {
        PyErr_Clear(); /* of memory: it will come again */
        return (Py_ssize_t)done;
    }
    if (result == QUEUE_CLOSED) {
        errno = EPIPE;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return -1;
}

Py_ssize_t outlet_put(engine_interp *interp, outlet *o, const char *data, size_t len)
{
    size_t done = 0, lost = 0;
    queue_result result = QUEUE_OK;
    while (done < len) {
        bool dropped;
        size_t item = item_len(o, data + done, len - done);
        size_t gone = put_item(interp, o, data + done, item, done, &dropped, &result);
        if (gone == 0) {
            break;
        }
        lost += dropped ? gone : 0;
        done += gone;
    }
    if (lost > 0) {
        outlet_note_lost(interp, o, lost);
    }
    return done == len ? (Py_ssize_t)len : stopped(result, done);
}

void outlet_put_note(engine_interp *interp, outlet *o)
{
    if (put_note(interp, o, 0) == QUEUE_INTERRUPTED) {
        PyErr_Clear(); /* no memory */
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static queue_result get_message(engine_interp *interp, outlet *o, queue_message **out)
{
    queue_result result = queue_get(o->to.queue, 1, out, NULL, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT) {
        waiting w = {.done = 0};
        outlet_wait_begin(&w.wait, interp);
        result = queue_get(o->to.queue, 1, out, NULL,
                           &(queue_patience){.deadline = PLAT_FOREVER, .gives_up = gives_up, .ctx = &w});
        outlet_wait_end(&w.wait);
    }
    return result;
}

/* Takes the message over. What has lost its sender is nothing to read. */
static PyObject *item_in(engine_interp *interp, queue_message *message)
{
    const value_message *m = (value_message *)message;
    PyObject *item = message->unbound ? PyBytes_FromStringAndSize("", 0)
                                      : convert_read(interp, m->data, m->len, &m->beside);
    message->drop(message);
    return item;
}

/* New reference to the bytes of an item. */
static PyObject *bytes_of(const outlet *o, PyObject *item)
{
    if (PyUnicode_Check(item) && !o->to.bytes) {
        return PyUnicode_AsEncodedString(item, "utf-8", "surrogateescape");
    }
    if (PyBytes_Check(item) || PyByteArray_Check(item) || PyMemoryView_Check(item)) {
        return PyBytes_FromObject(item);
    }
    return PyErr_Format(PyExc_TypeError, "sys.stdin: its queue holds %.100s, not %s", Py_TYPE(item)->tp_name,
                        o->to.bytes ? "bytes" : "str or bytes");
}

static int take_item(engine_interp *interp, outlet *o, queue_message *message)
{
    PyObject *item = item_in(interp, message);
    PyObject *bytes = item != NULL ? bytes_of(o, item) : NULL;
    bool held = bytes != NULL && outlet_hold(o, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    if (bytes != NULL && !held) {
        PyErr_NoMemory();
    }
    Py_XDECREF(item);
    Py_XDECREF(bytes);
    return held ? 0 : -1;
}

int outlet_get(engine_interp *interp, outlet *o)
{
    queue_message *message;
    while (o->held_len == 0) { /* an empty item would be taken for the end */
        queue_result result = get_message(interp, o, &message);
        if (result == QUEUE_CLOSED) {
            return 0;
        }
        if (result != QUEUE_OK || take_item(interp, o, message) < 0) {
            return -1;
        }
    }
    return 0;
}
