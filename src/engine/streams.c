/* sys.stdin, sys.stdout and sys.stderr of an interpreter: text files of io over a raw stream of ours, which ends in an
 * outlet (outlet.c) and is counted. The raw object keeps a pointer to the engine_interp, which outlives it.
 *
 * io flushes by itself when its buffer is full and after each line, which may be in the middle of another one; only a
 * flush that somebody asked for sends the beginning of a line on its way (outlet_flush). */
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

static outlet *outlet_of(const raw_stream *self)
{
    return &self->interp->outlets[self->number];
}

static PyObject *raw_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    int fd = outlet_descriptor(outlet_of(raw_of(self)));
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
    const outlet *o = outlet_of(raw_of(self));
    bool terminal = o->fd >= 0 ? isatty(o->fd) == 1 : o->to.kind == ISLE_STREAM_CALLBACK && o->to.terminal;
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

/* A text file that has no buffer in front of us doesn't look at what we return: all must go. */
static Py_ssize_t write_some_or_all(const raw_stream *self, const char *data, size_t len)
{
    outlet *o = outlet_of(self);
    bool all = o->to.buffering == ISLE_BUFFERING_NONE;
    size_t done = 0;
    do {
        Py_ssize_t gone = outlet_write(self->interp, o, data + done, len - done);
        if (gone < 0) {
            return -1;
        }
        done += (size_t)gone;
    } while (all && done < len);
    return (Py_ssize_t)done;
}

static PyObject *raw_write(PyObject *object, PyObject *data)
{
    raw_stream *self = raw_of(object);
    outlet *o = outlet_of(self);
    Py_buffer view;
    Py_ssize_t written = -1;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (outlet_enter(o)) {
        written = write_some_or_all(self, view.buf, (size_t)view.len);
        if (o->held_len > 0) {
            atomic_store_explicit(&self->interp->unflushed[self->number], true, memory_order_relaxed);
        }
        outlet_leave(o);
    }
    PyBuffer_Release(&view);
    signals_wrote(self->interp);
    return written >= 0 ? PyLong_FromSsize_t(written) : NULL;
}

static PyObject *raw_readinto(PyObject *object, PyObject *into)
{
    raw_stream *self = raw_of(object);
    outlet *o = outlet_of(self);
    Py_buffer view;
    if (PyObject_GetBuffer(into, &view, PyBUF_WRITABLE) < 0) {
        return NULL;
    }
    Py_ssize_t got = -1;
    if (outlet_enter(o)) {
        got = outlet_read(self->interp, o, view.buf, (size_t)view.len);
        outlet_leave(o);
    }
    PyBuffer_Release(&view);
    return got >= 0 ? PyLong_FromSsize_t(got) : NULL;
}

/* Once it is closed nobody comes any more to finish a line. */
static int flush_last(const raw_stream *self)
{
    outlet *o = outlet_of(self);
    if (self->closed || !o->opened) {
        return 0;
    }
    if (!outlet_enter(o)) {
        return -1;
    }
    int failed = outlet_flush(self->interp, o);
    outlet_leave(o);
    return failed;
}

/* In place of the base's, which keeps an attribute for it: every flush asks four times. */
static PyObject *raw_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    int failed = flush_last(raw_of(self));
    raw_of(self)->closed = true;
    return failed == 0 ? Py_NewRef(Py_None) : NULL;
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

/* --- what notes that it was written to ---------------------------------------------------------------------------- */

/* io's TextIOWrapper and BufferedWriter, whose `write` notes that there may be something to flush after the task.
 * Flushing each time is a third of a short call. The buffer's `write` and `flush` are also where a thread waits for
 * another one that writes. They look like io's own, since programs print them. What other code makes of these classes
 * has zeros for its data. */
typedef struct noting_file {
    engine_interp *interp;
    int number;
} noting_file;

/* The text file in whose write() this thread is: a flush of its buffer is then nobody's wish. */
static PLAT_THREAD_LOCAL const noting_file *in_write;

static noting_file *noting_of(PyObject *file)
{
    return PyObject_GetTypeData(file, Py_TYPE(file)); /* the types have no subclasses */
}

static void note(const noting_file *file)
{
    if (file->interp != NULL) {
        atomic_store_explicit(&file->interp->unflushed[file->number], true, memory_order_relaxed);
    }
}

/* The method of io's own class; looked up once, since each print calls four. */
static PyObject *call_base(PyObject *self, const noting_file *file, int which, PyObject *what)
{
    static const char *const method_names[] = {
        [IO_TEXT_WRITE] = "write", [IO_BUFFER_WRITE] = "write", [IO_BUFFER_FLUSH] = "flush"};
    PyObject *args[] = {self, what};
    PyObject *known = file->interp != NULL ? file->interp->io_methods[which] : NULL;
    PyObject *method = known != NULL ? Py_NewRef(known)
                                     : PyObject_GetAttrString((PyObject *)Py_TYPE(self)->tp_base, method_names[which]);
    PyObject *result = method != NULL ? PyObject_Vectorcall(method, args, what != NULL ? 2 : 1, NULL) : NULL;
    Py_XDECREF(method);
    return result;
}

static PyObject *text_write(PyObject *self, PyObject *what)
{
    const noting_file *file = noting_of(self), *before = in_write;
    in_write = file;
    note(file);
    PyObject *result = call_base(self, file, IO_TEXT_WRITE, what);
    note(file); /* a flush may have come while the write waited */
    in_write = before;
    return result;
}

static PyObject *buffer_write(PyObject *self, PyObject *what)
{
    const noting_file *file = noting_of(self);
    if (file->interp == NULL) {
        return call_base(self, file, IO_BUFFER_WRITE, what);
    }
    outlet *o = &file->interp->outlets[file->number];
    if (!outlet_enter(o)) {
        return NULL;
    }
    note(file);
    PyObject *result = call_base(self, file, IO_BUFFER_WRITE, what);
    note(file);
    outlet_leave(o);
    return result;
}

static bool is_wanted(const noting_file *file)
{
    return in_write == NULL || in_write->interp != file->interp || in_write->number != file->number;
}

static PyObject *buffer_flush(PyObject *self, PyObject *unused)
{
    const noting_file *file = noting_of(self);
    (void)unused;
    if (file->interp == NULL) {
        return call_base(self, file, IO_BUFFER_FLUSH, NULL);
    }
    outlet *o = &file->interp->outlets[file->number];
    if (!outlet_enter(o)) {
        return NULL;
    }
    PyObject *result = call_base(self, file, IO_BUFFER_FLUSH, NULL);
    if (result != NULL && is_wanted(file) && outlet_flush(file->interp, o) < 0) {
        Py_CLEAR(result);
    }
    outlet_leave(o);
    return result;
}

static PyMethodDef text_methods[] = {
    {"write", text_write, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot text_slots[] = {
    {Py_tp_methods, text_methods},
    {0, NULL},
};
static PyMethodDef buffer_methods[] = {
    {"write", buffer_write, METH_O, NULL},
    {"flush", buffer_flush, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot buffer_slots[] = {
    {Py_tp_methods, buffer_methods},
    {0, NULL},
};
static PyType_Spec text_spec = {
    .name = "_io.TextIOWrapper",
    .basicsize = -(int)sizeof(noting_file),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = text_slots,
};
static PyType_Spec buffered_spec = {
    .name = "_io.BufferedWriter",
    .basicsize = -(int)sizeof(noting_file),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = buffer_slots,
};

static PyObject *noting_class(PyObject *io, const char *name, PyType_Spec *spec)
{
    PyObject *base = PyObject_GetAttrString(io, name);
    PyObject *class = base != NULL ? PyType_FromSpecWithBases(spec, base) : NULL;
    Py_XDECREF(base);
    return class;
}

static void begin_noting(PyObject *file, engine_interp *interp, int number)
{
    if (file != NULL) {
        *noting_of(file) = (noting_file){.interp = interp, .number = number};
    }
}

/* --- the three files ---------------------------------------------------------------------------------------------- */

static PyObject *make_raw(engine_interp *interp, PyTypeObject *type, int number)
{
    PyObject *object = PyObject_CallNoArgs((PyObject *)type);
    if (object != NULL) {
        *raw_of(object) = (raw_stream){.interp = interp, .number = number};
    }
    return object;
}

typedef struct classes {
    PyObject *raw, *buffered, *text; /* the last two of what is written to */
    PyObject *reader, *plain_text;   /* io's own: nobody writes to stdin */
} classes;

static void classes_clear(classes *c)
{
    Py_CLEAR(c->raw);
    Py_CLEAR(c->buffered);
    Py_CLEAR(c->text);
    Py_CLEAR(c->reader);
    Py_CLEAR(c->plain_text);
}

static bool classes_make(classes *c, PyObject *io)
{
    PyObject *base = PyObject_GetAttrString(io, "_RawIOBase");
    c->raw = base != NULL ? PyType_FromSpecWithBases(&raw_spec, base) : NULL;
    Py_XDECREF(base);
    c->buffered = noting_class(io, "BufferedWriter", &buffered_spec);
    c->text = noting_class(io, "TextIOWrapper", &text_spec);
    c->reader = PyObject_GetAttrString(io, "BufferedReader");
    c->plain_text = PyObject_GetAttrString(io, "TextIOWrapper");
    return c->raw != NULL && c->buffered != NULL && c->text != NULL && c->reader != NULL && c->plain_text != NULL;
}

static bool find_methods(engine_interp *interp, const classes *c)
{
    PyObject *text = (PyObject *)((PyTypeObject *)c->text)->tp_base;
    PyObject *buffer = (PyObject *)((PyTypeObject *)c->buffered)->tp_base;
    interp->io_methods[IO_TEXT_WRITE] = PyObject_GetAttrString(text, "write");
    interp->io_methods[IO_BUFFER_WRITE] = PyObject_GetAttrString(buffer, "write");
    interp->io_methods[IO_BUFFER_FLUSH] = PyObject_GetAttrString(buffer, "flush");
    return !PyErr_Occurred();
}

/* Takes `buffer` over. Without an encoding, as Python makes its own in UTF-8 mode (PEP 540): bytes that are no UTF-8
 * pass, stderr never fails to encode. */
static PyObject *make_text(PyObject *class, PyObject *buffer, int number, const isle_stream *to, bool lines)
{
    const char *encoding = to->encoding != NULL ? to->encoding : "utf-8";
    const char *errors = to->errors != NULL ? to->errors : number == 2 ? "backslashreplace" : "surrogateescape";
    bool at_once = to->buffering == ISLE_BUFFERING_NONE;
    PyObject *args = buffer != NULL ? PyTuple_Pack(1, buffer) : NULL;
    PyObject *options = Py_BuildValue("{s:s,s:s,s:s,s:O,s:O}", "encoding", encoding, "errors", errors, "newline", "\n",
                                      "line_buffering", lines ? Py_True : Py_False, "write_through",
                                      at_once ? Py_True : Py_False);
    PyObject *text = args != NULL && options != NULL ? PyObject_Call(class, args, options) : NULL;
    PyObject *mode = text != NULL ? PyUnicode_FromString(number == 0 ? "r" : "w") : NULL;
    if (mode == NULL || PyObject_SetAttrString(text, "mode", mode) < 0) {
        Py_CLEAR(text);
    }
    Py_XDECREF(mode);
    Py_XDECREF(options);
    Py_XDECREF(args);
    Py_XDECREF(buffer);
    return text;
}

/* Lines reach a person at once. */
static bool by_lines(const outlet *o)
{
    if (o->to.buffering != ISLE_BUFFERING_AUTO) {
        return o->to.buffering == ISLE_BUFFERING_LINE;
    }
    return o->number == 2 || o->to.kind == ISLE_STREAM_CALLBACK || o->to.kind == ISLE_STREAM_QUEUE ||
           (o->fd >= 0 && isatty(o->fd) == 1);
}

/* What this stream's text is written to: as python -u has it, raw where nothing is buffered. */
static PyObject *make_buffer(engine_interp *interp, const classes *c, int number)
{
    PyObject *raw = make_raw(interp, (PyTypeObject *)c->raw, number);
    if (raw == NULL || interp->outlets[number].to.buffering == ISLE_BUFFERING_NONE) {
        return raw;
    }
    PyObject *buffer = PyObject_CallOneArg(number == 0 ? c->reader : c->buffered, raw);
    Py_DECREF(raw);
    if (number > 0) {
        begin_noting(buffer, interp, number);
    }
    return buffer;
}

static PyObject *make_file(engine_interp *interp, const classes *c, int number, const isle_stream *to)
{
    bool lines = by_lines(&interp->outlets[number]);
    PyObject *buffer = make_buffer(interp, c, number);
    PyObject *text = make_text(number == 0 ? c->plain_text : c->text, buffer, number, to, lines);
    if (number > 0) {
        begin_noting(text, interp, number);
    }
    return text;
}

/* An encoding that Python doesn't know, and one in which lines can't be told by their last byte. */
static int look_at_encoding(outlet *o, const isle_stream *to)
{
    static const char *const fields[] = {"stdin", "stdout", "stderr"};
    if (to->encoding == NULL && to->errors == NULL) {
        return 0;
    }
    PyObject *newline = PyUnicode_FromString("\n"), *handler = NULL;
    PyObject *bytes = newline != NULL && to->encoding != NULL
                          ? PyUnicode_AsEncodedString(newline, to->encoding, "strict")
                          : NULL;
    bool fine = to->encoding == NULL || bytes != NULL;
    if (bytes != NULL) {
        o->splits_lines = PyBytes_GET_SIZE(bytes) == 1 && PyBytes_AS_STRING(bytes)[0] == '\n';
    }
    if (fine && to->errors != NULL) {
        handler = PyCodec_LookupError(to->errors);
        fine = handler != NULL;
    }
    if (!fine && PyErr_ExceptionMatches(PyExc_LookupError)) {
        PyErr_Clear();
        bool unknown = to->encoding != NULL && bytes == NULL;
        PyErr_Format(PyExc_ValueError, "%s.%s: Python knows no '%s'", fields[o->number],
                     unknown ? "encoding" : "errors", unknown ? to->encoding : to->errors);
    }
    Py_XDECREF(handler);
    Py_XDECREF(bytes);
    Py_XDECREF(newline);
    return fine ? 0 : -1;
}

static int install_one(engine_interp *interp, const classes *c, int number, const isle_stream *to)
{
    static const char *const names[] = {"stdin", "stdout", "stderr"};
    static const char *const originals[] = {"__stdin__", "__stdout__", "__stderr__"};
    bool known = look_at_encoding(&interp->outlets[number], to) == 0;
    PyObject *text = known ? make_file(interp, c, number, to) : NULL;
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

int streams_install(engine_interp *interp, const isle_interp_config *config)
{
    const isle_stream *const to[] = {&config->stdin_, &config->stdout_, &config->stderr_};
    classes c = {NULL};
    PyObject *io = PyImport_ImportModule("_io");
    int failed = io == NULL || !classes_make(&c, io) || !find_methods(interp, &c) || find_sys(interp) < 0;
    for (int number = 0; !failed && number < 3; number++) {
        failed = install_one(interp, &c, number, to[number]) < 0;
    }
    classes_clear(&c);
    Py_XDECREF(io);
    return failed ? -1 : 0;
}

void streams_drop(engine_interp *interp)
{
    for (int number = 0; number < 3; number++) {
        Py_CLEAR(interp->files[number]);
        Py_CLEAR(interp->file_names[number]);
        Py_CLEAR(interp->flush[number]);
        lookup_forget(&interp->file_lookups[number]);
    }
    Py_CLEAR(interp->sys_dict);
    for (int i = 0; i < IO_METHODS; i++) {
        Py_CLEAR(interp->io_methods[i]);
    }
}

/* Takes what a flush gave. It fails for a file that was closed, or in the code's own object. */
static bool flushed(PyObject *done)
{
    bool fine = done != NULL;
    if (!fine) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
    return fine;
}

static bool flush_ours(engine_interp *interp, int number)
{
    bool fine = !atomic_exchange_explicit(&interp->unflushed[number], false, memory_order_relaxed) ||
                flushed(PyObject_CallNoArgs(interp->flush[number]));
    if (!fine) {
        atomic_store_explicit(&interp->unflushed[number], true, memory_order_relaxed);
    }
    return fine;
}

bool streams_flush(engine_interp *interp)
{
    bool fine = true;
    for (int number = 1; number < 3; number++) {
        PyObject *current;
        lookup_in(&interp->file_lookups[number], interp->sys_dict, interp->file_names[number], &current);
        if (current != NULL && current != Py_None && current != interp->files[number]) {
            fine = flushed(PyObject_CallMethod(current, "flush", NULL)) && fine;
        }
        Py_XDECREF(current);
        fine = flush_ours(interp, number) && fine;
    }
    return fine;
}
