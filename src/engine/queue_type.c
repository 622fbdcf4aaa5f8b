/* isles.Queue: a queue as Python code sees it. One class for each interpreter; an object holds a reference to the
 * queue of src/queue/. Values are encoded before anything is put, so that nothing half-sent stays in a queue.
 *
 * The fast way keeps the thread attached: the queue's lock is held for a moment and by nobody who waits for a GIL.
 * Only who has to wait lets the GIL go; signals wake it to see whether its job is being stopped. */
#include <isles/queue.h>

#include "quota.h"
#include "python.h"
#include "value_message.h"

enum { SLACK = 32, EXPECTED_MAX = 1024 }; /* more than that is not allocated on suspicion */

typedef struct queue_object {
    PyObject_HEAD queue *q;
    engine_interp *interp;
    _Atomic size_t expected; /* bytes of the next value put: as many as the last one had */
} queue_object;

static queue *queue_of(PyObject *self)
{
    return ((queue_object *)self)->q;
}

static engine_interp *interp_of(PyObject *self)
{
    return ((queue_object *)self)->interp;
}

static PyObject *raise_error(PyObject *self, int which, const char *state)
{
    PyObject *error = interp_of(self)->queue_errors[which];
    const char *name = queue_name(queue_of(self));
    return name != NULL ? PyErr_Format(error, "the queue '%s' is %s", name, state)
                        : PyErr_Format(error, "queue %llu is %s", (unsigned long long)queue_id(queue_of(self)), state);
}

static PyObject *raise_result(PyObject *self, queue_result result, bool getting)
{
    switch (result) {
    case QUEUE_CLOSED:
        return raise_error(self, QUEUE_ERROR_CLOSED, "closed");
    case QUEUE_TIMEOUT:
        return getting ? raise_error(self, QUEUE_ERROR_EMPTY, "empty") : raise_error(self, QUEUE_ERROR_FULL, "full");
    default: /* interrupted: the exception is set */
        return NULL;
    }
}

/* block and timeout as queue.Queue has them. */
static bool read_patience(PyObject *block, PyObject *timeout, int64_t *out)
{
    int blocks = block == NULL || block == Py_True ? 1 : PyObject_IsTrue(block);
    *out = 0;
    return blocks > 0 ? queue_deadline(timeout, out) : blocks == 0;
}

const char *const queue_unbound_names[] = {[ISLE_UNBOUND_KEEP] = "keep",
                                           [ISLE_UNBOUND_REMOVE] = "remove",
                                           [ISLE_UNBOUND_MARKER] = "marker",
                                           [ISLE_UNBOUND_ERROR] = "error"};

int queue_unbound_of(PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "unbound must be a str, not %.100s", Py_TYPE(name)->tp_name);
        return -1;
    }
    for (int i = 0; i <= ISLE_UNBOUND_ERROR; i++) {
        if (PyUnicode_CompareWithASCIIString(name, queue_unbound_names[i]) == 0) {
            return i;
        }
    }
    PyErr_Format(PyExc_ValueError, "unbound: '%U' is none of 'keep', 'remove', 'marker', 'error'", name);
    return -1;
}

/* --- putting ---------------------------------------------------------------------------------------------------- */

static value_message *encode(PyObject *self, PyObject *value)
{
    attachments beside;
    cbor_writer w;
    engine_failure failure = {0};
    _Atomic size_t *expected = &((queue_object *)self)->expected;
    value_message_begin(&w, &beside, atomic_load_explicit(expected, memory_order_relaxed));
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
    } else {
        size_t next = m->len + SLACK < EXPECTED_MAX ? m->len + SLACK : EXPECTED_MAX;
        atomic_store_explicit(expected, next, memory_order_relaxed);
    }
    return m;
}

/* Takes the message over. */
static PyObject *put_message(PyObject *self, value_message *m, int64_t deadline, int tag)
{
    m->message.tag = tag;
    if (!quota_count_message(interp_of(self), m)) {
        m->message.drop(&m->message);
        return NULL;
    }
    queue_result result = queue_put(queue_of(self), &m->message, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT && deadline > 0) {
        queue_wait wait;
        queue_patience patience;
        queue_wait_begin(&wait, deadline, &patience);
        result = queue_put(queue_of(self), &m->message, &patience);
        queue_wait_end(&wait);
    }
    if (result == QUEUE_OK) {
        Py_RETURN_NONE;
    }
    m->message.drop(&m->message);
    return raise_result(self, result, false);
}

static PyObject *put(PyObject *self, PyObject *value, int64_t deadline, int tag)
{
    value_message *m = encode(self, value);
    return m != NULL ? put_message(self, m, deadline, tag) : NULL;
}

static PyObject *method_put(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    static const char *const names[] = {"obj", "block", "timeout", "unbound", NULL};
    PyObject *given[4];
    int64_t deadline;
    int tag = QUEUE_TAG;
    if (!queue_args("put", names, 1, args, count, kwnames, given) || !read_patience(given[1], given[2], &deadline)) {
        return NULL;
    }
    if (given[3] != NULL && given[3] != Py_None && (tag = queue_unbound_of(given[3])) < 0) {
        return NULL;
    }
    return put(self, given[0], deadline, tag);
}

static PyObject *method_put_nowait(PyObject *self, PyObject *value)
{
    return put(self, value, 0, QUEUE_TAG);
}

/* What travels beside the bytes can change hands when nobody else has it. */
static PyObject *method_put_emptied(PyObject *self, PyObject *list)
{
    if (!PyList_CheckExact(list)) {
        return PyErr_Format(PyExc_TypeError, "_put_emptied(list), not %.100s", Py_TYPE(list)->tp_name);
    }
    value_message *m = encode(self, list);
    if (m == NULL) {
        return NULL;
    }
    if (m->beside.count != 0) {
        PyList_SetSlice(list, 0, PY_SSIZE_T_MAX, NULL);
        PyErr_Clear();
    }
    return put_message(self, m, PLAT_FOREVER, QUEUE_TAG);
}

/* --- getting ---------------------------------------------------------------------------------------------------- */

static queue_result get_list(PyObject *self, size_t most, int64_t deadline, queue_message **out_list, size_t *out_count)
{
    queue_result result = queue_get(queue_of(self), most, out_list, out_count, &(queue_patience){.deadline = 0});
    if (result == QUEUE_TIMEOUT && deadline > 0) {
        queue_wait wait;
        queue_patience patience;
        queue_wait_begin(&wait, deadline, &patience);
        result = queue_get(queue_of(self), most, out_list, out_count, &patience);
        queue_wait_end(&wait);
    }
    return result;
}

/* What is got in the place of a value whose interpreter has ended. */
static PyObject *unbound_item(PyObject *self, const queue_message *message)
{
    const engine_interp *interp = interp_of(self);
    if (queue_tag_of(queue_of(self), message) == ISLE_UNBOUND_MARKER && interp->unbound != NULL) {
        return Py_NewRef(interp->unbound);
    }
    PyErr_SetString(interp->queue_errors[QUEUE_ERROR_UNBOUND], "the interpreter that put this value has ended");
    return NULL;
}

/* Takes the message over. */
static PyObject *decode(PyObject *self, queue_message *message)
{
    const value_message *m = (value_message *)message;
    value_message_fetch(m);
    PyObject *value = message->unbound ? unbound_item(self, message)
                                       : convert_take(interp_of(self), m->data, m->len, &m->beside);
    message->drop(message);
    return value;
}

static PyObject *get(PyObject *self, int64_t deadline)
{
    queue_message *message;
    queue_result result = get_list(self, 1, deadline, &message, NULL);
    return result == QUEUE_OK ? decode(self, message) : raise_result(self, result, true);
}

static PyObject *method_get(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    static const char *const names[] = {"block", "timeout", NULL};
    PyObject *given[2];
    int64_t deadline;
    if (!queue_args("get", names, 0, args, count, kwnames, given) || !read_patience(given[0], given[1], &deadline)) {
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

static PyObject *method_get_many(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    static const char *const names[] = {"most", "timeout", NULL};
    PyObject *given[2];
    queue_message *list;
    size_t got;
    int64_t deadline;
    if (!queue_args("get_many", names, 1, args, count, kwnames, given) || !queue_deadline(given[1], &deadline)) {
        return NULL;
    }
    Py_ssize_t most = PyNumber_AsSsize_t(given[0], PyExc_OverflowError);
    if (most == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (most < 1) {
        PyErr_SetString(PyExc_ValueError, "'most' must be 1 at the least");
        return NULL;
    }
    queue_result result = get_list(self, (size_t)most, deadline, &list, &got);
    return result == QUEUE_OK ? decode_list(self, list, got) : raise_result(self, result, true);
}

/* What opens gates does it when it has let the GIL go: who waits at one wants it next. */
static PyObject *method_open_and_get_many(PyObject *self, PyObject *args)
{
    PyObject *list;
    Py_ssize_t most;
    gate_list gates;
    queue_message *messages;
    size_t got;
    if (!PyArg_ParseTuple(args, "On:_open_and_get_many", &list, &most) || !gates_take(list, &gates)) {
        return NULL;
    }
    queue_wait wait;
    queue_patience patience;
    queue_wait_begin(&wait, PLAT_FOREVER, &patience);
    gates_open(&gates);
    queue_result result = queue_get(queue_of(self), (size_t)most, &messages, &got, &patience);
    queue_wait_end(&wait);
    gates_forget(&gates);
    return result == QUEUE_OK ? decode_list(self, messages, got) : raise_result(self, result, true);
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

PyObject *queue_descriptor(int fd)
{
    if (fd >= 0 && plat_descriptors_are_own()) {
        PyErr_SetString(PyExc_OSError,
                        "this interpreter's descriptors are private, and those of queues and jobs are the "
                        "process's: wait by isles.select, or with a timeout");
        return NULL;
    }
    return fd >= 0 ? PyLong_FromLong(fd) : PyErr_SetFromErrno(PyExc_OSError);
}

static PyObject *method_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return queue_descriptor(queue_fd(queue_of(self)));
}

static PyObject *method_room_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return queue_descriptor(queue_room_fd(queue_of(self)));
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

static PyObject *get_unbound(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(queue_unbound_names[queue_tag(queue_of(self))]);
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
    {"put", (PyCFunction)(void (*)(void))method_put, METH_FASTCALL | METH_KEYWORDS,
     "put(obj, block=True, timeout=None, unbound=None)\n\nPuts a copy of obj, waiting for room up to timeout seconds. "
     "unbound as in create_queue(), for this one.\n"
     "Raises QueueFull, QueueClosed, NotShareableError."},
    {"put_nowait", method_put_nowait, METH_O, "put_nowait(obj)\n\nThe same without waiting."},
    {"get", (PyCFunction)(void (*)(void))method_get, METH_FASTCALL | METH_KEYWORDS,
     "get(block=True, timeout=None)\n\nTakes the next value, waiting up to timeout seconds.\nRaises QueueEmpty, "
     "and QueueClosed once the queue is closed and empty; QueueItemUnbound see create_queue()."},
    {"get_nowait", method_get_nowait, METH_NOARGS, "get_nowait()\n\nThe same without waiting."},
    {"_put_emptied", method_put_emptied, METH_O,
     "_put_emptied(list)\n\nput(list), for a pool's worker: a list with large bytes is empty before others can get "
     "them."},
    {"_open_and_get_many", method_open_and_get_many, METH_VARARGS,
     "_open_and_get_many(gates, most)\n\nget_many(most), for a pool's thread: opens the gates first."},
    {"get_many", (PyCFunction)(void (*)(void))method_get_many, METH_FASTCALL | METH_KEYWORDS,
     "get_many(most, timeout=None)\n\nWaits for one value, then takes what is there, most at the most: a list.\n"
     "What is there in place of a value whose interpreter has ended comes alone."},
    {"close", method_close, METH_NOARGS, "close()\n\nNothing can be put any more; what is in it can be got."},
    {"qsize", method_qsize, METH_NOARGS, "qsize()\n\nHow many values are in it now."},
    {"empty", method_empty, METH_NOARGS, NULL},
    {"full", method_full, METH_NOARGS, NULL},
    {"fileno", method_fileno, METH_NOARGS,
     "fileno()\n\nA descriptor that is readable exactly while get() would not wait. Don't read it."},
    {"room_fileno", method_room_fileno, METH_NOARGS,
     "room_fileno()\n\nA descriptor that is readable exactly while put() would not wait: one of a value as large as\n"
     "the largest that was refused (QueueFull) since the last one was put. Don't read it."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"id", get_id, NULL, "Never used again in this process.", NULL},
    {"name", get_name, NULL, NULL, NULL},
    {"maxsize", get_maxsize, NULL, "0: no limit.", NULL},
    {"unbound", get_unbound, NULL, "As create_queue() was given it.", NULL},
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

/* --- UNBOUND ---------------------------------------------------------------------------------------------------- */

static PyObject *unbound_repr(PyObject *self)
{
    (void)self;
    return PyUnicode_FromString("UNBOUND");
}

static PyType_Slot unbound_slots[] = {
    {Py_tp_repr, unbound_repr},
    {Py_tp_doc, "What is got in place of a value whose interpreter has ended: see create_queue()."},
    {0, NULL},
};

static PyType_Spec unbound_spec = {
    .name = "isles.Unbound",
    .basicsize = sizeof(PyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = unbound_slots,
};

static PyObject *make_unbound(void)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&unbound_spec);
    PyObject *unbound = type != NULL ? type->tp_alloc(type, 0) : NULL;
    Py_XDECREF(type); /* the object holds it */
    return unbound;
}

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
    return module_make_classes(interp) == 0 ? queue_wrap(interp, queue_ref(a->data)) : NULL;
}

queue *queue_unwrap(const engine_interp *interp, PyObject *object)
{
    return (PyObject *)Py_TYPE(object) == interp->queue_type ? queue_of(object) : NULL;
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
    interp->unbound = make_unbound();
    if (interp->queue_type == NULL || interp->not_shareable == NULL || interp->unbound == NULL ||
        make_error(interp, QUEUE_ERROR_CLOSED, "isles.QueueClosed", "The queue is closed (and empty).",
                   PyExc_Exception) < 0 ||
        make_error(interp, QUEUE_ERROR_EMPTY, "isles.QueueEmpty", "Nothing came in time.", PyExc_Exception) < 0 ||
        make_error(interp, QUEUE_ERROR_FULL, "isles.QueueFull", "There was no room in time.", PyExc_Exception) < 0 ||
        make_error(interp, QUEUE_ERROR_UNBOUND, "isles.QueueItemUnbound",
                   "The interpreter that put the value has ended, and the queue was made with unbound='error'.",
                   PyExc_Exception) < 0) {
        return -1;
    }
    return 0;
}
