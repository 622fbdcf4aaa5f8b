/* isles.Queue: a queue as Python code sees it. One class for each interpreter; an object holds a reference to the
 * queue of src/queue/. Values are encoded before anything is put, so that nothing half-sent stays in a queue.
 *
 * The fast way keeps the thread attached: the queue's lock is held for a moment and by nobody who waits for a GIL.
 * Only who has to wait lets the GIL go; signals wake it to see whether its job is being stopped. */
#include <math.h>
#include <string.h>

#include <isles/queue.h>

#include "python.h"
#include "value_message.h"

typedef struct queue_object {
    PyObject_HEAD queue *q;
    engine_interp *interp;
} queue_object;

static queue *queue_of(PyObject *self)
{
    return ((queue_object *)self)->q;
}

static engine_interp *interp_of(PyObject *self)
{
    return ((queue_object *)self)->interp;
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

typedef struct attached {
    PyThreadState *state;
} attached;

/* A signal came: is this thread's code to stop? Then an exception is set. */
static bool gives_up(void *ctx)
{
    attached *me = ctx;
    PyEval_RestoreThread(me->state);
    bool stop = interrupt_is_wanted() || PyErr_CheckSignals() < 0;
    me->state = PyEval_SaveThread();
    return stop;
}

static PyObject *raise_result(PyObject *self, queue_result result, bool getting)
{
    engine_interp *interp = interp_of(self);
    switch (result) {
    case QUEUE_CLOSED:
        PyErr_SetString(interp->queue_errors[QUEUE_ERROR_CLOSED], "the queue is closed");
        break;
    case QUEUE_TIMEOUT:
        PyErr_SetString(interp->queue_errors[getting ? QUEUE_ERROR_EMPTY : QUEUE_ERROR_FULL],
                        getting ? "the queue is empty" : "the queue is full");
        break;
    default: /* interrupted: the exception is set */
        break;
    }
    return NULL;
}

/* block and timeout as queue.Queue has them; timeout in seconds, None: for ever. */
static bool read_deadline(int block, PyObject *timeout, int64_t *out)
{
    *out = block ? PLAT_FOREVER : 0;
    if (!block || timeout == NULL || timeout == Py_None) {
        return true;
    }
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        return false;
    }
    if (isnan(seconds) || seconds < 0) {
        PyErr_SetString(PyExc_ValueError, "'timeout' must be a non-negative number");
        return false;
    }
    if (seconds < 9e9) {
        *out = plat_now() + (int64_t)(seconds * 1e9);
    }
    return true;
}

/* --- putting ---------------------------------------------------------------------------------------------------- */

static value_message *encode(PyObject *self, PyObject *value)
{
    attachments beside;
    cbor_writer w;
    engine_failure failure = {0};
    value_message_begin(&w, &beside);
    if (convert_write(interp_of(self), value, "value", &w, &failure) != ISLE_OK) {
        value_message_abandon(&w);
        if (!PyErr_Occurred()) {
            PyErr_SetString(interp_of(self)->not_shareable,
                            failure.message != NULL ? failure.message : "not shareable");
        }
        engine_failure_clear(&failure);
        return NULL;
    }
    value_message *m = value_message_take(&w, interp_of(self)->id);
    if (m == NULL) {
        PyErr_NoMemory();
    }
    return m;
}

static PyObject *put(PyObject *self, PyObject *value, int64_t deadline)
{
    value_message *m = encode(self, value);
    if (m == NULL) {
        return NULL;
    }
    queue_result result = queue_put(queue_of(self), &m->message, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT && deadline > 0) {
        attached me = {PyEval_SaveThread()};
        queue_patience patience = {.deadline = deadline, .gives_up = gives_up, .ctx = &me};
        result = queue_put(queue_of(self), &m->message, &patience);
        PyEval_RestoreThread(me.state);
    }
    if (result == QUEUE_OK) {
        Py_RETURN_NONE;
    }
    m->message.drop(&m->message);
    return raise_result(self, result, false);
}

static PyObject *method_put(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"obj", "block", "timeout", NULL};
    PyObject *value, *timeout = NULL;
    int block = 1;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|pO:put", names, &value, &block, &timeout) ||
        !read_deadline(block, timeout, &deadline)) {
        return NULL;
    }
    return put(self, value, deadline);
}

static PyObject *method_put_nowait(PyObject *self, PyObject *value)
{
    return put(self, value, 0);
}

/* --- getting ---------------------------------------------------------------------------------------------------- */

static queue_result get_list(PyObject *self, size_t most, int64_t deadline, queue_message **out_list, size_t *out_count)
{
    queue_result result = queue_get(queue_of(self), most, out_list, out_count, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT && deadline > 0) {
        attached me = {PyEval_SaveThread()};
        queue_patience patience = {.deadline = deadline, .gives_up = gives_up, .ctx = &me};
        result = queue_get(queue_of(self), most, out_list, out_count, &patience);
        PyEval_RestoreThread(me.state);
    }
    return result;
}

/* Takes the message over. */
static PyObject *decode(PyObject *self, queue_message *message)
{
    const value_message *m = (value_message *)message;
    PyObject *value = convert_read(interp_of(self), m->data, m->len, &m->beside);
    message->drop(message);
    return value;
}

static PyObject *get(PyObject *self, int64_t deadline)
{
    queue_message *message;
    queue_result result = get_list(self, 1, deadline, &message, NULL);
    return result == QUEUE_OK ? decode(self, message) : raise_result(self, result, true);
}

static PyObject *method_get(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"block", "timeout", NULL};
    PyObject *timeout = NULL;
    int block = 1;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|pO:get", names, &block, &timeout) ||
        !read_deadline(block, timeout, &deadline)) {
        return NULL;
    }
    return get(self, deadline);
}

static PyObject *method_get_nowait(PyObject *self, PyObject *unused)
{
    (void)unused;
    return get(self, 0);
}

static PyObject *decode_list(PyObject *self, queue_message *message, size_t count)
{
    PyObject *values = PyList_New((Py_ssize_t)count);
    for (Py_ssize_t i = 0; message != NULL; i++) {
        queue_message *next = message->next;
        PyObject *value = values != NULL ? decode(self, message) : NULL;
        if (values == NULL) {
            message->drop(message);
        } else if (value == NULL) {
            Py_CLEAR(values);
        } else {
            PyList_SET_ITEM(values, i, value);
        }
        message = next;
    }
    return values;
}

static PyObject *method_get_many(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"most", "timeout", NULL};
    PyObject *timeout = NULL;
    Py_ssize_t most;
    queue_message *list;
    size_t count;
    int64_t deadline;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n|O:get_many", names, &most, &timeout) ||
        !read_deadline(1, timeout, &deadline)) {
        return NULL;
    }
    if (most < 1) {
        PyErr_SetString(PyExc_ValueError, "'most' must be 1 at the least");
        return NULL;
    }
    queue_result result = get_list(self, (size_t)most, deadline, &list, &count);
    return result == QUEUE_OK ? decode_list(self, list, count) : raise_result(self, result, true);
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

static PyObject *method_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    queue_close(queue_of(self));
    Py_RETURN_NONE;
}

static PyObject *method_qsize(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyLong_FromSize_t(queue_count(queue_of(self)).items);
}

static PyObject *method_empty(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(queue_count(queue_of(self)).items == 0);
}

static PyObject *method_full(PyObject *self, PyObject *unused)
{
    (void)unused;
    size_t most = queue_limits_of(queue_of(self)).max_items;
    return PyBool_FromLong(most != 0 && queue_count(queue_of(self)).items >= most);
}

static PyObject *method_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    int fd = queue_fd(queue_of(self));
    return fd >= 0 ? PyLong_FromLong(fd) : PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *get_id(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(queue_id(queue_of(self)));
}

static PyObject *get_name(PyObject *self, void *unused)
{
    (void)unused;
    const char *name = queue_name(queue_of(self));
    return name != NULL ? PyUnicode_DecodeFSDefault(name) : Py_NewRef(Py_None);
}

static PyObject *get_maxsize(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(queue_limits_of(queue_of(self)).max_items);
}

static PyObject *get_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(queue_count(queue_of(self)).closed);
}

static PyObject *repr(PyObject *self)
{
    const char *name = queue_name(queue_of(self));
    return PyUnicode_FromFormat("isles.Queue(%llu%s%s)", (unsigned long long)queue_id(queue_of(self)),
                                name != NULL ? ", " : "", name != NULL ? name : "");
}

/* Two objects for one queue are equal. */
static PyObject *compare(PyObject *self, PyObject *other, int op)
{
    if (Py_TYPE(self) != Py_TYPE(other) || (op != Py_EQ && op != Py_NE)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyBool_FromLong((queue_of(self) == queue_of(other)) == (op == Py_EQ));
}

static Py_hash_t hash(PyObject *self)
{
    return (Py_hash_t)queue_id(queue_of(self));
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    queue_unref(queue_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"put", (PyCFunction)(void (*)(void))method_put, METH_VARARGS | METH_KEYWORDS,
     "put(obj, block=True, timeout=None)\n\nPuts a copy of obj, waiting for room up to timeout seconds.\n"
     "Raises QueueFull, QueueClosed, NotShareableError."},
    {"put_nowait", method_put_nowait, METH_O, "put_nowait(obj)\n\nThe same without waiting."},
    {"get", (PyCFunction)(void (*)(void))method_get, METH_VARARGS | METH_KEYWORDS,
     "get(block=True, timeout=None)\n\nTakes the next value, waiting up to timeout seconds.\nRaises QueueEmpty, "
     "and QueueClosed once the queue is closed and empty."},
    {"get_nowait", method_get_nowait, METH_NOARGS, "get_nowait()\n\nThe same without waiting."},
    {"get_many", (PyCFunction)(void (*)(void))method_get_many, METH_VARARGS | METH_KEYWORDS,
     "get_many(most, timeout=None)\n\nWaits for one value, then takes what is there, most at the most: a list."},
    {"close", method_close, METH_NOARGS, "close()\n\nNothing can be put any more; what is in it can be got."},
    {"qsize", method_qsize, METH_NOARGS, "qsize()\n\nHow many values are in it now."},
    {"empty", method_empty, METH_NOARGS, NULL},
    {"full", method_full, METH_NOARGS, NULL},
    {"fileno", method_fileno, METH_NOARGS,
     "fileno()\n\nA descriptor that is readable exactly while get() would not wait. Don't read it."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"id", get_id, NULL, "Never used again in this process.", NULL},
    {"name", get_name, NULL, NULL, NULL},
    {"maxsize", get_maxsize, NULL, "0: no limit.", NULL},
    {"closed", get_closed, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_repr, repr},
    {Py_tp_richcompare, compare},
    {Py_tp_hash, hash},
    {Py_tp_dealloc, dealloc},
    {Py_tp_doc, "A bounded mailbox of values between interpreters and the host. Made by isles.create_queue()."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "isles.Queue",
    .basicsize = sizeof(queue_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

/* --- for the module and the codec ------------------------------------------------------------------------------- */

PyObject *queue_wrap(engine_interp *interp, queue *q)
{
    PyTypeObject *type = (PyTypeObject *)interp->queue_type;
    queue_object *self = (queue_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        queue_unref(q);
        return NULL;
    }
    self->q = q;
    self->interp = interp;
    return (PyObject *)self;
}

attachment *queue_object_attachment(PyObject *object)
{
    return queue_attachment(queue_of(object));
}

PyObject *queue_object_new(engine_interp *interp, attachment *a)
{
    return module_make_queue_classes(interp) == 0 ? queue_wrap(interp, queue_ref(a->data)) : NULL;
}

static int make_error(engine_interp *interp, int which, const char *name, const char *doc, PyObject *base)
{
    interp->queue_errors[which] = PyErr_NewExceptionWithDoc(name, doc, base, NULL);
    return interp->queue_errors[which] != NULL ? 0 : -1;
}

int queue_type_make(engine_interp *interp)
{
    interp->queue_type = PyType_FromSpec(&spec);
    interp->not_shareable = PyErr_NewExceptionWithDoc(
        "isles.NotShareableError", "A value that can't cross between interpreters.", PyExc_TypeError, NULL);
    if (interp->queue_type == NULL || interp->not_shareable == NULL ||
        make_error(interp, QUEUE_ERROR_CLOSED, "isles.QueueClosed", "The queue is closed (and empty).",
                   PyExc_Exception) < 0 ||
        make_error(interp, QUEUE_ERROR_EMPTY, "isles.QueueEmpty", "Nothing came in time.", PyExc_Exception) < 0 ||
        make_error(interp, QUEUE_ERROR_FULL, "isles.QueueFull", "There was no room in time.", PyExc_Exception) < 0) {
        return -1;
    }
    return 0;
}
