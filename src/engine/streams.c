/* sys.stdin, sys.stdout and sys.stderr of an interpreter: text files of io over a raw stream of ours, which goes to a
 * descriptor, to the host's callback or nowhere, and is counted. The raw object keeps a pointer to the
 * engine_interp, which outlives it. Waiting and writing happen detached. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "python.h"

typedef struct raw_stream { /* lies behind the fields of the base, _io._RawIOBase (PEP 697) */
    engine_interp *interp;
    int number; /* 0, 1, 2 */
    bool closed;
} raw_stream;

static raw_stream *raw_of(PyObject *object)
{
    return PyObject_GetTypeData(object, Py_TYPE(object)); /* the type has no subclasses */
}

static const isle_stream *target_of(const raw_stream *self)
{
    return &self->interp->streams[self->number];
}

static int descriptor_of(const raw_stream *self)
{
    const isle_stream *target = target_of(self);
    return target->kind == ISLE_STREAM_INHERIT ? self->number : target->kind == ISLE_STREAM_FD ? target->fd : -1;
}

/* A host that takes output by callback may name a descriptor too: for child processes, which can't be given a
 * callback. */
static int told_descriptor(const raw_stream *self)
{
    const isle_stream *target = target_of(self);
    bool named = target->kind == ISLE_STREAM_CALLBACK && self->number > 0 && target->fd > 0;
    return named ? target->fd : descriptor_of(self);
}

static PyObject *raw_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    int fd = told_descriptor(raw_of(self));
    if (fd < 0) {
        PyObject *io = PyImport_ImportModule("io");
        PyObject *type = io != NULL ? PyObject_GetAttrString(io, "UnsupportedOperation") : NULL;
        if (type != NULL) {
            PyErr_SetString(type, "this stream has no file descriptor");
        }
        Py_XDECREF(io);
        Py_XDECREF(type);
        return NULL;
    }
    return PyLong_FromLong(fd);
}

static PyObject *raw_isatty(PyObject *self, PyObject *unused)
{
    (void)unused;
    int fd = descriptor_of(raw_of(self));
    const isle_stream *target = target_of(raw_of(self));
    bool terminal = fd >= 0 ? isatty(fd) == 1 : target->kind == ISLE_STREAM_CALLBACK && target->terminal;
    return PyBool_FromLong(terminal);
}

static PyObject *raw_readable(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(raw_of(self)->number == 0);
}

static PyObject *raw_writable(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(raw_of(self)->number != 0);
}

/* Detached. Returns what was written, or -1 and errno. */
static ssize_t deliver(raw_stream *self, const char *data, size_t len)
{
    const isle_stream *target = target_of(self);
    if (target->kind == ISLE_STREAM_CALLBACK) {
        engine_interp *before = engine_calling;
        engine_calling = self->interp;
        target->write(target->ctx, self->interp->id, self->number, data, len);
        engine_calling = before;
        return (ssize_t)len;
    }
    int fd = descriptor_of(self);
    return fd < 0 ? (ssize_t)len : write(fd, data, len);
}

static PyObject *raw_write(PyObject *object, PyObject *data)
{
    raw_stream *self = raw_of(object);
    Py_buffer view;
    ssize_t written;
    int error;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    do {
        PyThreadState *state = PyEval_SaveThread();
        written = deliver(self, view.buf, (size_t)view.len);
        error = errno;
        if (written > 0) {
            engine.hooks.on_output(self->interp->core, self->number, (size_t)written);
        }
        PyEval_RestoreThread(state);
    } while (written < 0 && error == EINTR && PyErr_CheckSignals() == 0);
    PyBuffer_Release(&view);
    if (written >= 0) {
        return PyLong_FromSsize_t(written);
    }
    if (error == EAGAIN) {
        Py_RETURN_NONE;
    }
    errno = error;
    return error == EINTR ? NULL : PyErr_SetFromErrno(PyExc_OSError);
}

static ssize_t fetch(raw_stream *self, char *buffer, size_t len)
{
    const isle_stream *target = target_of(self);
    if (target->kind == ISLE_STREAM_CALLBACK) {
        engine_interp *before = engine_calling;
        engine_calling = self->interp;
        size_t got = target->read != NULL ? target->read(target->ctx, self->interp->id, buffer, len) : 0;
        engine_calling = before;
        return (ssize_t)got;
    }
    int fd = descriptor_of(self);
    return fd < 0 ? 0 : read(fd, buffer, len);
}

static PyObject *raw_readinto(PyObject *object, PyObject *into)
{
    raw_stream *self = raw_of(object);
    Py_buffer view;
    ssize_t got;
    int error;
    if (PyObject_GetBuffer(into, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    do {
        PyThreadState *state = PyEval_SaveThread();
        got = fetch(self, view.buf, (size_t)view.len);
        error = errno;
        PyEval_RestoreThread(state);
    } while (got < 0 && error == EINTR && PyErr_CheckSignals() == 0);
    PyBuffer_Release(&view);
    if (got >= 0) {
        return PyLong_FromSsize_t(got);
    }
    if (error == EAGAIN) {
        Py_RETURN_NONE;
    }
    errno = error;
    return error == EINTR ? NULL : PyErr_SetFromErrno(PyExc_OSError);
}

/* In place of the base's, which keeps an attribute for it: every flush asks four times. */
static PyObject *raw_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    raw_of(self)->closed = true;
    Py_RETURN_NONE;
}

static PyObject *raw_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(raw_of(self)->closed);
}

static PyObject *raw_name(PyObject *self, void *unused)
{
    static const char *const names[] = {"<stdin>", "<stdout>", "<stderr>"};
    (void)unused;
    return PyUnicode_FromString(names[raw_of(self)->number]);
}

static PyObject *raw_mode(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(raw_of(self)->number == 0 ? "rb" : "wb");
}

static PyMethodDef raw_methods[] = {
    {"fileno", raw_fileno, METH_NOARGS, NULL},
    {"isatty", raw_isatty, METH_NOARGS, NULL},
    {"readable", raw_readable, METH_NOARGS, NULL},
    {"writable", raw_writable, METH_NOARGS, NULL},
    {"write", raw_write, METH_O, NULL},
    {"readinto", raw_readinto, METH_O, NULL},
    {"close", raw_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef raw_getset[] = {
    {"name", raw_name, NULL, NULL, NULL},
    {"mode", raw_mode, NULL, NULL, NULL},
    {"closed", raw_closed, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot raw_slots[] = {
    {Py_tp_methods, raw_methods},
    {Py_tp_getset, raw_getset},
    {Py_tp_doc, "The raw end of a standard stream that Isles routes."},
    {0, NULL},
};
static PyType_Spec raw_spec = {
    .name = "isles.RawStream",
    .basicsize = -(int)sizeof(raw_stream),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = raw_slots,
};

/* --- the three files ---------------------------------------------------------------------------------------------- */

static PyObject *make_raw(engine_interp *interp, PyTypeObject *type, int number)
{
    PyObject *object = PyObject_CallNoArgs((PyObject *)type);
    if (object != NULL) {
        *raw_of(object) = (raw_stream){.interp = interp, .number = number};
    }
    return object;
}

/* Takes `raw` over. As Python makes its own in UTF-8 mode (PEP 540): bytes that are no UTF-8 pass, stderr never
 * fails to encode, and lines reach a person at once. */
static PyObject *make_text(PyObject *io, PyObject *raw, int number, bool lines)
{
    PyObject *buffer = PyObject_CallMethod(io, number == 0 ? "BufferedReader" : "BufferedWriter", "O", raw);
    PyObject *class = PyObject_GetAttrString(io, "TextIOWrapper");
    PyObject *args = buffer != NULL ? PyTuple_Pack(1, buffer) : NULL;
    PyObject *options = Py_BuildValue("{s:s,s:s,s:s,s:O}", "encoding", "utf-8", "errors",
                                      number == 2 ? "backslashreplace" : "surrogateescape", "newline", "\n",
                                      "line_buffering", lines ? Py_True : Py_False);
    PyObject *text = class != NULL && args != NULL && options != NULL ? PyObject_Call(class, args, options) : NULL;
    PyObject *mode = text != NULL ? PyUnicode_FromString(number == 0 ? "r" : "w") : NULL;
    if (mode == NULL || PyObject_SetAttrString(text, "mode", mode) < 0) {
        Py_CLEAR(text);
    }
    Py_XDECREF(mode);
    Py_XDECREF(options);
    Py_XDECREF(args);
    Py_XDECREF(class);
    Py_XDECREF(buffer);
    Py_DECREF(raw);
    return text;
}

static bool by_lines(const raw_stream *raw)
{
    const isle_stream *target = target_of(raw);
    int fd = descriptor_of(raw);
    return raw->number == 2 || target->kind == ISLE_STREAM_CALLBACK || (fd >= 0 && isatty(fd) == 1);
}

static int install_one(engine_interp *interp, PyObject *io, PyTypeObject *type, int number)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    static const char *const originals[] = {"__stdin__", "__stdout__", "__stderr__"};
    PyObject *raw = make_raw(interp, type, number);
    PyObject *text = raw != NULL ? make_text(io, raw, number, by_lines(raw_of(raw))) : NULL;
    interp->files[number] = text;
    interp->file_names[number] = PyUnicode_InternFromString(names[number]);
    interp->flush[number] = text != NULL ? PyObject_GetAttrString(text, "flush") : NULL;
    bool fine = text != NULL && interp->file_names[number] != NULL && interp->flush[number] != NULL &&
                PySys_SetObject(names[number], text) == 0 && PySys_SetObject(originals[number], text) == 0;
    return fine ? 0 : -1;
}

static int find_sys(engine_interp *interp)
{
    PyObject *sys = PyImport_ImportModule("sys");
    interp->sys_dict = sys != NULL ? Py_XNewRef(PyModule_GetDict(sys)) : NULL;
    Py_XDECREF(sys);
    return interp->sys_dict != NULL ? 0 : -1;
}

int streams_install(engine_interp *interp)
{
    PyObject *io = PyImport_ImportModule("_io");
    PyObject *base = io != NULL ? PyObject_GetAttrString(io, "_RawIOBase") : NULL;
    PyObject *type = base != NULL ? PyType_FromSpecWithBases(&raw_spec, base) : NULL;
    int failed = type == NULL || find_sys(interp) < 0;
    for (int number = 0; !failed && number < 3; number++) {
        failed = install_one(interp, io, (PyTypeObject *)type, number) < 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(base);
    Py_XDECREF(io);
    return failed ? -1 : 0;
}

void streams_drop(engine_interp *interp)
{
    for (int number = 0; number < 3; number++) {
        Py_CLEAR(interp->files[number]);
        Py_CLEAR(interp->file_names[number]);
        Py_CLEAR(interp->flush[number]);
    }
    Py_CLEAR(interp->sys_dict);
}

/* Takes what a flush gave. It fails for a file that was closed, or in the code's own object. */
static void flushed(PyObject *done)
{
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
}

/* After each task, so by what is there already: this is the larger part of a short call's time. */
void streams_flush(engine_interp *interp)
{
    for (int number = 1; number < 3; number++) {
        PyObject *current;
        PyDict_GetItemRef(interp->sys_dict, interp->file_names[number], &current);
        if (current != NULL && current != Py_None && current != interp->files[number]) {
            flushed(PyObject_CallMethod(current, "flush", NULL));
        }
        Py_XDECREF(current);
        flushed(PyObject_CallNoArgs(interp->flush[number]));
    }
}
