/* Jobs, for Python: _submit gives an isles.Job, a handle to wait on; _call does all in one. Arguments and results go
 * straight between objects and bytes. */
#include <string.h>

#include "error.h"
#include "module.h"
#include "value_message.h"

typedef struct job_object {
    PyObject_HEAD isle_job *job;
    engine_interp *mine; /* whose object this is */
} job_object;

static isle_job *job_of(PyObject *self)
{
    return ((job_object *)self)->job;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* Stopped: the job ends soon, or is given up. */
static void stop_and_wait(isle_job *job)
{
    isle_job_cancel(job);
    PyThreadState *state = PyEval_SaveThread();
    plat_gate_wait(&job->done, PLAT_FOREVER);
    PyEval_RestoreThread(state);
}

/* `last`: nobody asks again. */
static PyObject *outcome_of(engine_interp *mine, const isle_job *job, bool last)
{
    isle_error *error = NULL;
    const parcel *value = &job->value;
    if (job->status == ISLE_OK) {
        return value->data == NULL ? Py_NewRef(Py_None)
               : last              ? convert_take(mine, value->data, value->len, &value->beside)
                                   : convert_to_object(mine, value);
    }
    isle_status status = isle_job_result(job, NULL, &error);
    return raise_failure(mine, status, error);
}

/* --- what is to be done ------------------------------------------------------------------------------------------- */

typedef struct order {
    unsigned long long id;
    const char *kind;
    PyObject *target, *args, *kwargs, *argv, *timeout, *tell;
    const char *filename;
    int join_threads;
} order;

static bool read_kind(const char *name, engine_task_kind *out)
{
    static const struct {
        const char *name;
        engine_task_kind kind;
    } kinds[] = {{"source", ENGINE_SOURCE}, {"file", ENGINE_FILE},   {"module", ENGINE_MODULE},
                 {"apply", ENGINE_APPLY},   {"reset", ENGINE_RESET}, {"mark", ENGINE_MARK}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "'%s' is no kind of job", name);
    return false;
}

/* [function, *args] and kwargs. */
static bool take_call(engine_interp *mine, PyObject *function, PyObject *args, PyObject *kwargs, parcel *out)
{
    engine_failure failure = {0};
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *all = PyTuple_New(count + 1);
    if (all == NULL) {
        return false;
    }
    PyTuple_SET_ITEM(all, 0, Py_NewRef(function));
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    isle_status status = convert_from_call(mine, all, kwargs == Py_None ? NULL : kwargs, out, &failure);
    Py_DECREF(all);
    if (status != ISLE_OK) {
        raise_engine_failure(mine, &failure);
    }
    return status == ISLE_OK;
}

enum { MOST_ARGV = 1000 };

static bool take_argv(PyObject *keep, PyObject *argv, const char **texts, engine_task *task)
{
    static const char *const none[1];
    bool wanted = task->kind == ENGINE_FILE || task->kind == ENGINE_MODULE;
    task->argv = wanted ? none : NULL;
    if (argv == Py_None) {
        return true;
    }
    Py_ssize_t count = PySequence_Size(argv);
    if (count < 0 || count > MOST_ARGV) {
        if (count > 0) {
            PyErr_Format(PyExc_ValueError, "args has more than %d items", MOST_ARGV);
        }
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(argv, i);
        texts[i] = item != NULL ? text_kept(keep, item) : NULL;
        Py_XDECREF(item);
        if (texts[i] == NULL) {
            return false;
        }
    }
    task->argv = texts;
    task->argc = (size_t)count;
    return true;
}

/* --- telling a queue ---------------------------------------------------------------------------------------------- */

typedef struct notice { /* what is put, and where, when the job has ended */
    queue *q;           /* counted */
    queue_message *message;
} notice;

/* The queue may be closed: then nobody wants to know. It has no bound that could make us wait. */
static void give_notice(void *ctx)
{
    notice *n = ctx;
    const queue_patience none = {.deadline = 0};
    if (n->message != NULL && queue_put(n->q, n->message, &none) != QUEUE_OK) {
        n->message->drop(n->message);
    }
    queue_unref(n->q);
    plat_free(n);
}

static void drop_notice(notice *n)
{
    if (n != NULL) {
        n->message->drop(n->message);
        n->message = NULL;
        give_notice(n);
    }
}

/* `tell` is None or (queue, value). false with an exception set. */
static bool take_notice(engine_interp *mine, PyObject *tell, notice **out)
{
    PyObject *to, *value;
    *out = NULL;
    if (tell == Py_None) {
        return true;
    }
    if (!PyArg_ParseTuple(tell, "OO;tell is (queue, value)", &to, &value)) {
        return false;
    }
    queue *q = mine->queue_type != NULL ? queue_unwrap(mine, to) : NULL;
    if (q == NULL) {
        PyErr_SetString(PyExc_TypeError, "tell[0] is no isles.Queue");
        return false;
    }
    attachments beside;
    cbor_writer w;
    engine_failure failure = {0};
    value_message_begin(&w, &beside, 0);
    if (convert_write(mine, value, "tell[1]", &w, &failure) != ISLE_OK) {
        value_message_abandon(&w);
        raise_engine_failure(mine, &failure);
        return false;
    }
    value_message *message = value_message_take(&w, 0);
    notice *n = message != NULL ? plat_malloc(sizeof *n) : NULL;
    if (n == NULL) {
        if (message != NULL) {
            message->message.drop(&message->message);
        }
        PyErr_NoMemory();
        return false;
    }
    *n = (notice){.q = queue_ref(q), .message = &message->message};
    *out = n;
    return true;
}

/* --- handing over ------------------------------------------------------------------------------------------------- */

/* Takes spec->task.args over. NULL with an exception set. */
static isle_job *hand_over(engine_interp *mine, uint64_t id, const job_spec *spec)
{
    isle_error *error = NULL;
    interp *in = table_take(id);
    if (in == NULL || id == mine->id) { /* its own would have to wait for itself */
        parcel args = spec->task.args;
        parcel_clear(&args);
        isle_status status = ISLE_ERR_NO_INTERP;
        if (in != NULL) {
            status = error_set(&error, ISLE_ERR_STATE, "the interpreter can't wait for itself");
            interp_give(in);
        }
        raise_failure(mine, status, error);
        return NULL;
    }
    isle_job *job = job_new(in, spec);
    isle_status status = job != NULL ? job_queue(job, &error) : ISLE_ERR_NOMEM;
    interp_give(in);
    if (status != ISLE_OK) {
        if (job != NULL) {
            job_unref(job);
        }
        raise_failure(mine, status, error);
        return NULL;
    }
    return job;
}

static PyObject *wrap(engine_interp *mine, isle_job *job)
{
    job_object *self = PyObject_New(job_object, (PyTypeObject *)mine->job_type);
    if (self == NULL) {
        job_unref(job);
        return NULL;
    }
    self->job = job;
    self->mine = mine;
    return (PyObject *)self;
}

static PyObject *submit_task(engine_interp *mine, const order *o, PyObject *keep)
{
    const char *texts[MOST_ARGV];
    job_spec spec = {.has_handle = true, .join_threads = o->join_threads, .task = {.keep_exception = true}};
    engine_task *task = &spec.task;
    if (!read_kind(o->kind, &task->kind) || !queue_deadline(o->timeout, &spec.deadline) ||
        !take_argv(keep, o->argv, texts, task)) {
        return NULL;
    }
    task->filename = o->filename;
    if (task->kind == ENGINE_APPLY) {
        if (!take_call(mine, o->target, o->args, o->kwargs, &task->args)) {
            return NULL;
        }
    } else if (o->target != Py_None) {
        task->target = task->kind == ENGINE_SOURCE && PyUnicode_Check(o->target) ? PyUnicode_AsUTF8(o->target)
                                                                                 : text_kept(keep, o->target);
        if (task->target == NULL) {
            return NULL;
        }
    }
    notice *n;
    if (!take_notice(mine, o->tell, &n)) {
        parcel_clear(&task->args);
        return NULL;
    }
    spec.on_done = n != NULL ? give_notice : NULL;
    spec.on_done_ctx = n;
    isle_job *job = hand_over(mine, o->id, &spec);
    if (job == NULL) {
        drop_notice(n);
        return NULL;
    }
    return wrap(mine, job);
}

static PyObject *submit(PyObject *capsule, PyObject *args)
{
    order o;
    if (!PyArg_ParseTuple(args, "KsOO!OOzpOO:_submit", &o.id, &o.kind, &o.target, &PyTuple_Type, &o.args, &o.kwargs,
                          &o.argv, &o.filename, &o.join_threads, &o.timeout, &o.tell)) {
        return NULL;
    }
    if (policy_asks(interp_of(capsule), "isles.submit", o.id) < 0) {
        return NULL;
    }
    PyObject *keep = PyList_New(0);
    PyObject *job = keep != NULL ? submit_task(interp_of(capsule), &o, keep) : NULL;
    Py_XDECREF(keep);
    return job;
}

/* --- calling ------------------------------------------------------------------------------------------------------ */

/* _call(id, function, args, kwargs, timeout, only_idle) */
static PyObject *call(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    engine_interp *mine = interp_of(capsule);
    job_spec spec = {.task = {.kind = ENGINE_APPLY, .keep_exception = true}};
    if (count != 6 || !PyTuple_Check(args[2])) {
        return PyErr_Format(PyExc_TypeError, "_call(id, function, args, kwargs, timeout, only_idle)");
    }
    unsigned long long id = PyLong_AsUnsignedLongLong(args[0]);
    if ((id == (unsigned long long)-1 && PyErr_Occurred()) || policy_asks(mine, "isles.submit", id) < 0 ||
        !queue_deadline(args[4], &spec.deadline) || !take_call(mine, args[1], args[2], args[3], &spec.task.args)) {
        return NULL;
    }
    spec.only_idle = args[5] == Py_True;
    isle_job *job = hand_over(mine, id, &spec);
    if (job == NULL) {
        return NULL;
    }
    if (gate_wait(&job->done, PLAT_FOREVER) < 0) {
        PyObject *why = PyErr_GetRaisedException();
        stop_and_wait(job);
        PyErr_SetRaisedException(why);
        job_unref(job);
        return NULL;
    }
    PyObject *result = outcome_of(mine, job, true);
    job_unref(job);
    return result;
}

/* --- the type ----------------------------------------------------------------------------------------------------- */

static PyObject *method_wait(PyObject *self, PyObject *timeout)
{
    int64_t deadline;
    if (!queue_deadline(timeout, &deadline)) {
        return NULL;
    }
    int ended = gate_wait(&job_of(self)->done, deadline);
    return ended < 0 ? NULL : PyBool_FromLong(ended);
}

static PyObject *method_result(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!isle_job_done(job_of(self))) {
        return raise_failure(((job_object *)self)->mine, ISLE_ERR_BUSY, NULL);
    }
    return outcome_of(((job_object *)self)->mine, job_of(self), false);
}

static PyObject *method_done(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(isle_job_done(job_of(self)));
}

static PyObject *method_cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    isle_job_cancel(job_of(self));
    Py_RETURN_NONE;
}

static PyObject *method_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    return queue_descriptor(isle_job_fd(job_of(self)));
}

static PyObject *get_id(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(isle_job_id(job_of(self)));
}

static PyObject *get_wall(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble((double)isle_job_wall_ns(job_of(self)) * 1e-9);
}

static PyObject *get_cpu(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble((double)isle_job_cpu_ns(job_of(self)) * 1e-9);
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    job_unref(job_of(self));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"wait", method_wait, METH_O, "wait(timeout)\n\nWaits up to timeout seconds (None: for ever). True: it has ended."},
    {"result", method_result, METH_NOARGS, "result()\n\nOf a job that has ended: its value. Raises JobError."},
    {"done", method_done, METH_NOARGS, "done()\n\nWhether it has ended."},
    {"cancel", method_cancel, METH_NOARGS, "cancel()\n\nStops it; returns at once."},
    {"fileno", method_fileno, METH_NOARGS, "fileno()\n\nA descriptor that is readable when it has ended."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"id", get_id, NULL, NULL, NULL},
    {"wall", get_wall, NULL, "Seconds that it ran.", NULL},
    {"cpu", get_cpu, NULL, "Seconds of CPU time of the home thread in it.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One piece of work that an interpreter was given."},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "isles.Job",
    .basicsize = sizeof(job_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

PyObject *job_type_make(void)
{
    return PyType_FromSpec(&spec);
}

PyMethodDef job_functions[] = {
    {"_submit", submit, METH_VARARGS,
     "_submit(id, kind, target, args, kwargs, argv, filename, join_threads, timeout, tell)\n\nA Job. tell: None, or "
     "(queue, value), which is put there when the job has ended."},
    {"_call", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
     "_call(id, function, args, kwargs, timeout, only_idle)\n\nThe function's result."},
    {NULL, NULL, 0, NULL},
};
