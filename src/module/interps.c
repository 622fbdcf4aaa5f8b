/* Interpreters, for Python: _create, _end, _list, _stats. What users give was looked at in python/isles/. */
#include <limits.h>
#include <string.h>

#include "module.h"
#include "queue.h"

/* --- creating ----------------------------------------------------------------------------------------------------- */

/* settings[name], a string or None. */
static int take_text(borrowed *b, PyObject *settings, const char *name, const char **out)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    if (value != NULL && value != Py_None) {
        *out = text_kept(b->keep, value);
        return *out != NULL ? 0 : -1;
    }
    return 0;
}

int take_texts(borrowed *b, PyObject *settings, const char *name, const char *const **out, size_t *out_count)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    if (value == NULL || value == Py_None) {
        return 0;
    }
    PyObject *items = PySequence_List(value);
    size_t count = items != NULL ? (size_t)PyList_GET_SIZE(items) : 0;
    const char **texts = items != NULL ? PyMem_Calloc(count + 1, sizeof *texts) : NULL;
    int failed = texts == NULL;
    if (failed && items != NULL) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; !failed && i < count; i++) {
        texts[i] = text_kept(b->keep, PyList_GET_ITEM(items, (Py_ssize_t)i));
        failed = texts[i] == NULL;
    }
    if (texts != NULL) {
        b->blocks[b->block_count++] = texts;
    }
    Py_XDECREF(items);
    *out = texts;
    *out_count = count;
    return failed ? -1 : 0;
}

int take_bool(PyObject *settings, const char *name, bool *out)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    int truth = value != NULL ? PyObject_IsTrue(value) : 0;
    *out = truth > 0;
    return truth < 0 ? -1 : 0;
}

static int take_int64(PyObject *settings, const char *name, int64_t *out)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    if (value != NULL && value != Py_None) {
        *out = PyLong_AsLongLong(value);
        return *out == -1 && PyErr_Occurred() ? -1 : 0;
    }
    return 0;
}

/* Says which there are. */
static int refuse_word(const char *name, PyObject *value, const char *const *words)
{
    PyObject *all = PyUnicode_FromString(words[0]);
    for (int i = 1; all != NULL && words[i] != NULL; i++) {
        Py_SETREF(all, PyUnicode_FromFormat("%U, %s", all, words[i]));
    }
    if (all != NULL) {
        PyErr_Format(PyExc_ValueError, "%s: %R is none of %U", name, value, all);
        Py_DECREF(all);
    }
    return -1;
}

/* settings[name], one of `words`, or None for the first. */
static int take_word(PyObject *settings, const char *name, const char *const *words, int *out)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    *out = 0;
    if (value == NULL || value == Py_None) {
        return 0;
    }
    for (int i = 0; PyUnicode_Check(value) && words[i] != NULL; i++) {
        if (PyUnicode_CompareWithASCIIString(value, words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return refuse_word(name, value, words);
}

static int take_descriptor(PyObject *settings, const char *name, int *out)
{
    int64_t fd = 0;
    if (take_int64(settings, name, &fd) < 0) {
        return -1;
    }
    if (fd > INT_MAX || fd < 0) {
        PyErr_Format(PyExc_ValueError, "%s: %lld is no descriptor", name, (long long)fd);
        return -1;
    }
    *out = (int)fd;
    return 0;
}

static int take_queue(engine_interp *mine, PyObject *settings, isle_stream *out)
{
    PyObject *object = PyDict_GetItemString(settings, "queue");
    if (object == NULL || object == Py_None) {
        return 0;
    }
    out->queue = queue_unwrap(mine, object);
    if (out->queue == NULL) {
        PyErr_Format(PyExc_TypeError, "a queue must be an isles.Queue, not %.100s", Py_TYPE(object)->tp_name);
        return -1;
    }
    return 0;
}

/* settings[name]: None, the process's; or a dict. */
static int take_stream(borrowed *b, PyObject *settings, const char *name, isle_stream *out)
{
    static const char *const kinds[] = {"inherit", "null", "fd", "callback", "queue", "file", NULL};
    static const char *const bufferings[] = {"auto", "line", "block", "none", NULL};
    static const char *const fulls[] = {"wait", "drop", "drop_silent", NULL};
    PyObject *s = PyDict_GetItemString(settings, name);
    int kind, buffering, full;
    if (s == NULL || s == Py_None) {
        return 0;
    }
    if (!PyDict_Check(s)) {
        PyErr_Format(PyExc_TypeError, "%s must be None or a dict", name);
        return -1;
    }
    if (take_word(s, "kind", kinds, &kind) < 0 || take_word(s, "buffering", bufferings, &buffering) < 0 ||
        take_word(s, "full", fulls, &full) < 0 || take_descriptor(s, "fd", &out->fd) < 0 ||
        take_queue(b->mine, s, out) < 0 || take_text(b, s, "path", &out->path) < 0 ||
        take_text(b, s, "encoding", &out->encoding) < 0 || take_text(b, s, "errors", &out->errors) < 0 ||
        take_bool(s, "append", &out->append) < 0 || take_bool(s, "bytes", &out->bytes) < 0) {
        return -1;
    }
    out->kind = (isle_stream_kind)kind;
    out->buffering = (isle_buffering)buffering;
    out->full = (isle_full)full;
    return 0;
}

/* settings["descriptors"]: a dict of names and numbers. */
static int take_descriptors(borrowed *b, PyObject *settings, isle_interp_config *out)
{
    PyObject *dict = PyDict_GetItemString(settings, "descriptors"), *name, *number;
    Py_ssize_t at = 0;
    size_t count = 0;
    if (dict == NULL || dict == Py_None) {
        return 0;
    }
    if (!PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "descriptors must be a dict");
        return -1;
    }
    b->descriptors = PyMem_Calloc((size_t)PyDict_Size(dict) + 1, sizeof *b->descriptors);
    if (b->descriptors == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (PyDict_Next(dict, &at, &name, &number)) {
        isle_descriptor *d = &b->descriptors[count++];
        long fd = PyLong_AsLong(number);
        d->name = text_kept(b->keep, name);
        d->fd = fd >= 0 && fd <= INT_MAX ? (int)fd : -1;
        if (d->name == NULL || PyErr_Occurred()) {
            return -1;
        }
    }
    out->descriptors = b->descriptors;
    out->descriptor_count = count;
    return 0;
}

static int take_settings(borrowed *b, PyObject *s, isle_interp_config *out)
{
    static const char *const extensions[] = {"strict", "private", "shared-gil", "auto", NULL}; /* isle_extensions */
    bool shared = false;
    int which = ISLE_EXTENSIONS_STRICT;
    int64_t number = 0, stack = 0, copies = 0, umask = -1, env_base = ISLE_ENV_COPY;
    int failed = take_text(b, s, "name", &out->name) < 0 || take_text(b, s, "venv", &out->venv) < 0 ||
                 take_texts(b, s, "path", &out->path, &out->path_count) < 0 ||
                 take_texts(b, s, "env", &out->env, &out->env_count) < 0 ||
                 take_texts(b, s, "warnings", &out->warnings, &out->warning_count) < 0 ||
                 take_texts(b, s, "xoptions", &out->xoptions, &out->xoption_count) < 0 ||
                 take_bool(s, "shared_gil", &shared) < 0 || take_word(s, "extensions", extensions, &which) < 0 ||
                 take_int64(s, "extension_copy_limit", &copies) < 0 || take_bool(s, "no_site", &out->no_site) < 0 ||
                 take_bool(s, "isolated", &out->isolated) < 0 || take_bool(s, "no_bytecode", &out->no_bytecode) < 0 ||
                 take_int64(s, "number", &number) < 0 || take_int64(s, "stack_size", &stack) < 0 ||
                 take_text(b, s, "cwd", &out->cwd) < 0 || take_bool(s, "shared_cwd", &out->shared_cwd) < 0 ||
                 take_text(b, s, "locale", &out->locale) < 0 ||
                 take_bool(s, "shared_locale", &out->shared_locale) < 0 || take_int64(s, "umask", &umask) < 0 ||
                 take_int64(s, "env_base", &env_base) < 0 ||
                 take_int64(s, "cancel_grace_ns", &out->cancel_grace_ns) < 0 ||
                 take_int64(s, "stuck_after_ns", &out->stuck_after_ns) < 0 ||
                 take_stream(b, s, "stdin", &out->stdin_) < 0 || take_stream(b, s, "stdout", &out->stdout_) < 0 ||
                 take_stream(b, s, "stderr", &out->stderr_) < 0 || take_descriptors(b, s, out) < 0 ||
                 take_bool(s, "private_descriptors", &out->private_descriptors) < 0;
    out->umask_set = umask >= 0;
    out->umask = umask >= 0 ? (uint32_t)umask : 0;
    out->env_base = (isle_env_base)env_base;
    out->extensions = (isle_extensions)which;
    out->extension_copy_limit = (size_t)copies;
    out->gil = shared ? ISLE_GIL_SHARED : ISLE_GIL_OWN;
    out->number = (uint64_t)number;
    out->stack_size_bytes = (size_t)stack;
    return failed ? -1 : 0;
}

static PyObject *create(PyObject *capsule, PyObject *settings)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_budgets wanted = ISLE_BUDGETS_INIT;
    isle_policy policy = ISLE_POLICY_INIT;
    borrowed b = {.keep = PyList_New(0), .mine = interp_of(capsule)};
    isle_interp it = {0};
    isle_error *error = NULL;
    if (b.keep == NULL || !PyDict_Check(settings)) {
        Py_XDECREF(b.keep);
        return b.keep == NULL ? NULL : PyErr_Format(PyExc_TypeError, "settings must be a dict");
    }
    isle_status status = ISLE_OK;
    PyObject *limits = PyDict_GetItemString(settings, "budgets");
    bool taken = policy_asks(interp_of(capsule), "isles.create", 0) == 0 && take_settings(&b, settings, &config) == 0 &&
                 (limits == NULL || budgets_take(limits, &wanted) == 0) &&
                 policy_from_settings(&b, settings, &policy, &config) == 0;
    config.budgets = &wanted;
    if (taken) {
        status = isle_interp_create(runtime_running(), &config, &it, &error);
    }
    for (size_t i = 0; i < b.block_count; i++) {
        PyMem_Free(b.blocks[i]);
    }
    PyMem_Free(b.descriptors);
    Py_DECREF(b.keep);
    if (!taken) {
        return NULL;
    }
    return status == ISLE_OK ? PyLong_FromUnsignedLongLong(it.id) : raise_failure(interp_of(capsule), status, error);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

static bool read_id_and_timeout(PyObject *args, isle_interp *out, int64_t *out_deadline)
{
    unsigned long long id;
    PyObject *timeout;
    if (!PyArg_ParseTuple(args, "KO", &id, &timeout) || !queue_deadline(timeout, out_deadline)) {
        return false;
    }
    out->id = id;
    return true;
}

static PyObject *end(PyObject *capsule, PyObject *args)
{
    isle_interp it;
    int64_t deadline;
    isle_error *error = NULL;
    if (!read_id_and_timeout(args, &it, &deadline) || policy_asks(interp_of(capsule), "isles.end", it.id) < 0) {
        return NULL;
    }
    isle_status status = isle_interp_end(it, deadline, &error);
    return status == ISLE_OK ? Py_NewRef(Py_None) : raise_failure(interp_of(capsule), status, error);
}

static PyObject *end_later(PyObject *capsule, PyObject *args)
{
    isle_interp it;
    int64_t deadline;
    if (!read_id_and_timeout(args, &it, &deadline) || policy_asks(interp_of(capsule), "isles.end", it.id) < 0) {
        return NULL;
    }
    isle_status status = isle_interp_end_later(it, deadline);
    return status == ISLE_OK ? Py_NewRef(Py_None) : raise_failure(interp_of(capsule), status, NULL);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static PyObject *send_signal(PyObject *capsule, PyObject *args)
{
    unsigned long long id;
    int number;
    isle_error *error = NULL;
    if (!PyArg_ParseTuple(args, "Ki", &id, &number)) {
        return NULL;
    }
    isle_status status = isle_interp_signal((isle_interp){id}, number, &error);
    if (status != ISLE_OK) {
        return raise_failure(interp_of(capsule), status, error);
    }
    /* to the one that calls: it has been handled when this returns, as with os.kill */
    return interrupt_is_wanted() ? NULL : Py_NewRef(Py_None);
}

static PyObject *handles_signal(PyObject *capsule, PyObject *args)
{
    unsigned long long id;
    int number;
    bool handles;
    isle_error *error = NULL;
    if (!PyArg_ParseTuple(args, "Ki", &id, &number)) {
        return NULL;
    }
    isle_status status = isle_interp_handles_signal((isle_interp){id}, number, &handles, &error);
    return status == ISLE_OK ? PyBool_FromLong(handles) : raise_failure(interp_of(capsule), status, error);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static PyObject *list(PyObject *capsule, PyObject *unused)
{
    (void)capsule;
    (void)unused;
    PyObject *ids = PyList_New(0);
    uint64_t id = 0;
    for (interp *in; ids != NULL && (in = table_take_after(id)) != NULL;) {
        id = in->id;
        interp_lock(in);
        bool lives = !in->ending;
        interp_unlock(in);
        interp_give(in);
        PyObject *number = lives ? PyLong_FromUnsignedLongLong(id) : NULL;
        if (lives && (number == NULL || PyList_Append(ids, number) < 0)) {
            Py_CLEAR(ids);
        }
        Py_XDECREF(number);
    }
    return ids;
}

static PyObject *stats(PyObject *capsule, PyObject *arg)
{
    static const char *const states[] = {[ISLE_INTERP_IDLE] = "idle",
                                         [ISLE_INTERP_RUNNING] = "running",
                                         [ISLE_INTERP_ENDING] = "ending",
                                         [ISLE_INTERP_STUCK] = "stuck"};
    isle_interp_stats s = {.size = sizeof s};
    isle_interp it = {.id = PyLong_AsUnsignedLongLong(arg)};
    if (it.id == (unsigned long long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    isle_status status = isle_interp_get_stats(it, &s);
    if (status != ISLE_OK) {
        return raise_failure(interp_of(capsule), status, NULL);
    }
    return Py_BuildValue("{s:N,s:s,s:K,s:K,s:K,s:K,s:K,s:K,s:L,s:L,s:L,s:K,s:K,s:K,s:K,s:K}", "name",
                         PyUnicode_DecodeUTF8(s.name, (Py_ssize_t)strlen(s.name), "replace"), "state", states[s.state],
                         "jobs_started", s.jobs_started, "jobs_ended", s.jobs_ended, "jobs_failed", s.jobs_failed,
                         "jobs_queued", s.jobs_queued, "current_job", s.current_job, "interrupts", s.interrupts,
                         "created_ns", (long long)s.created_ns, "wall_ns", (long long)s.wall_ns, "cpu_ns",
                         (long long)s.cpu_ns, "output_bytes", s.output_bytes, "dropped_bytes", s.dropped_bytes,
                         "dropped_writes", s.dropped_writes, "extension_copies", s.extension_copies,
                         "extension_copy_bytes", s.extension_copy_bytes);
}

/* --- held from anywhere ------------------------------------------------------------------------------------------- */

/* _hold(id, by): changes the number of those that keep it; the new number. */
static PyObject *hold(PyObject *capsule, PyObject *args)
{
    unsigned long long id;
    long long by;
    if (!PyArg_ParseTuple(args, "KL", &id, &by)) {
        return NULL;
    }
    interp *in = table_take(id);
    if (in == NULL) {
        return raise_failure(interp_of(capsule), ISLE_ERR_NO_INTERP, NULL);
    }
    long long now = atomic_fetch_add(&in->holders, by) + by;
    interp_give(in);
    return PyLong_FromLongLong(now);
}

static void add_queue_id(queue *q, void *list)
{
    PyObject *id = PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(queue_id(q));
    if (id != NULL) {
        PyList_Append(list, id);
        Py_DECREF(id);
    }
}

static PyObject *queues(PyObject *capsule, PyObject *unused)
{
    (void)capsule;
    (void)unused;
    PyObject *ids = PyList_New(0);
    if (ids != NULL) {
        queue_for_each(add_queue_id, ids);
        if (PyErr_Occurred()) {
            Py_CLEAR(ids);
        }
    }
    return ids;
}

/* The queue of that id, or None. */
static PyObject *queue_by_id(PyObject *capsule, PyObject *arg)
{
    engine_interp *mine = interp_of(capsule);
    unsigned long long id = PyLong_AsUnsignedLongLong(arg);
    if ((id == (unsigned long long)-1 && PyErr_Occurred()) || module_make_classes(mine) < 0) {
        return NULL;
    }
    queue *q = queue_find_id(id);
    return q != NULL ? queue_wrap(mine, q) : Py_NewRef(Py_None);
}

PyMethodDef interp_functions[] = {
    {"_create", create, METH_O, "_create(settings)\n\nMakes an interpreter as the dict says; its id."},
    {"_end", end, METH_VARARGS, "_end(id, timeout)"},
    {"_end_later", end_later, METH_VARARGS, "_end_later(id, timeout)"},
    {"_signal", send_signal, METH_VARARGS, "_signal(id, number)"},
    {"_handles_signal", handles_signal, METH_VARARGS, "_handles_signal(id, number)"},
    {"_list", list, METH_NOARGS, "_list()\n\nIds of those that live and aren't ending, oldest first."},
    {"_stats", stats, METH_O, "_stats(id)"},
    {"_hold", hold, METH_VARARGS, "_hold(id, by)"},
    {"_queues", queues, METH_NOARGS, "_queues()\n\nIds of the queues that live."},
    {"_queue", queue_by_id, METH_O, "_queue(id)\n\nThe queue, or None."},
    {NULL, NULL, 0, NULL},
};
