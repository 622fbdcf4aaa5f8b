/* isles.Buffer: an exporter of counted memory that came from elsewhere, or is to go there. Python code seldom sees
 * one: it gets a memoryview (or a NumPy array) on it. It keeps the memory alive as long as any view on it does. */
#include <string.h>

#include "values.h"

typedef struct buffer_object {
    PyObject_HEAD attachment *a;
    memory_shape *shape; /* NULL: bytes */
} buffer_object;

static buffer_object *self_of(PyObject *self)
{
    return (buffer_object *)self;
}

static bool is_contiguous(const memory_shape *s)
{
    Py_ssize_t stride = s->itemsize;
    for (int i = s->ndim - 1; i >= 0; i--) {
        if (s->shape[i] > 1 && s->strides[i] != stride) {
            return false;
        }
        stride *= s->shape[i];
    }
    return true;
}

static Py_ssize_t bytes_of(const memory_shape *s)
{
    Py_ssize_t len = s->itemsize;
    for (int i = 0; i < s->ndim; i++) {
        len *= s->shape[i];
    }
    return len;
}

static void fill_shaped(Py_buffer *view, buffer_object *self, int flags)
{
    memory_shape *s = self->shape;
    view->buf = (char *)attachment_data(self->a) + s->offset;
    view->obj = Py_NewRef((PyObject *)self);
    view->len = bytes_of(s);
    view->itemsize = s->itemsize;
    view->readonly = !self->a->writable;
    view->ndim = s->ndim;
    view->format = (flags & PyBUF_FORMAT) != 0 ? s->format : NULL;
    view->shape = (flags & PyBUF_ND) != 0 ? s->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? s->strides : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
}

static int get_buffer(PyObject *object, Py_buffer *view, int flags)
{
    buffer_object *self = self_of(object);
    if (self->shape == NULL) {
        return PyBuffer_FillInfo(view, object, attachment_data(self->a), (Py_ssize_t)self->a->len, !self->a->writable,
                                 flags);
    }
    const char *problem = NULL;
    if ((flags & PyBUF_WRITABLE) != 0 && !self->a->writable) {
        problem = "this memory is shared for reading only";
    } else if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && !is_contiguous(self->shape)) {
        problem = "this memory is not contiguous";
    }
    if (problem != NULL) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, problem);
        return -1;
    }
    fill_shaped(view, self, flags);
    return 0;
}

static PyObject *repr(PyObject *self)
{
    return PyUnicode_FromFormat("<isles.Buffer of %zu bytes%s>", self_of(self)->a->len,
                                self_of(self)->a->writable ? ", writable" : "");
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    attachment_unref(self_of(self)->a);
    plat_free(self_of(self)->shape);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_bf_getbuffer, get_buffer},
    {Py_tp_repr, repr},
    {Py_tp_dealloc, dealloc},
    {Py_tp_doc, "Memory that interpreters share. memoryview(buffer) looks at it."},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "isles.Buffer",
    .basicsize = sizeof(buffer_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

int buffer_type_make(engine_interp *interp)
{
    if (interp->buffer_type == NULL) {
        interp->buffer_type = PyType_FromSpec(&spec);
    }
    return interp->buffer_type != NULL ? 0 : -1;
}

PyObject *buffer_wrap(engine_interp *interp, attachment *a, const memory_shape *shape)
{
    if (buffer_type_make(interp) < 0) {
        return NULL;
    }
    memory_shape *own = shape != NULL ? plat_malloc(sizeof *own) : NULL;
    if (shape != NULL && own == NULL) {
        return PyErr_NoMemory();
    }
    PyTypeObject *type = (PyTypeObject *)interp->buffer_type;
    buffer_object *self = (buffer_object *)type->tp_alloc(type, 0);
    if (self == NULL) {
        plat_free(own);
        return NULL;
    }
    if (own != NULL) {
        *own = *shape;
    }
    self->a = attachment_ref(a);
    self->shape = own;
    return (PyObject *)self;
}

attachment *buffer_attachment(engine_interp *interp, PyObject *object)
{
    bool is = interp->buffer_type != NULL && Py_TYPE(object) == (PyTypeObject *)interp->buffer_type;
    return is ? self_of(object)->a : NULL;
}

/* --- views -------------------------------------------------------------------------------------------------- */

static bool read_sizes(PyObject *list, Py_ssize_t *out, int *out_count)
{
    Py_ssize_t count = PyList_CheckExact(list) ? PyList_GET_SIZE(list) : PyBUF_MAX_NDIM + 1;
    if (count > PyBUF_MAX_NDIM) {
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        out[i] = PyLong_AsSsize_t(PyList_GET_ITEM(list, i));
        if (out[i] == -1 && PyErr_Occurred()) {
            return false;
        }
    }
    *out_count = (int)count;
    return true;
}

/* Does all that the shape reaches lie inside the memory? */
static bool fits(const memory_shape *s, size_t len)
{
    Py_ssize_t low = s->offset, high, span;
    if (s->itemsize <= 0 || s->offset < 0 || __builtin_add_overflow(s->offset, s->itemsize, &high)) {
        return false;
    }
    for (int i = 0; i < s->ndim; i++) {
        if (s->shape[i] < 0) {
            return false;
        }
        if (s->shape[i] == 0) {
            return true; /* nothing is looked at */
        }
        if (__builtin_mul_overflow(s->strides[i], s->shape[i] - 1, &span) ||
            __builtin_add_overflow(span < 0 ? low : high, span, span < 0 ? &low : &high)) {
            return false;
        }
    }
    return low >= 0 && (size_t)high <= len;
}

static bool read_shape(PyObject *args, memory_shape *s)
{
    int strides;
    const char *format = PyUnicode_AsUTF8(PyTuple_GET_ITEM(args, 1));
    if (format == NULL || strlen(format) >= sizeof s->format ||
        !read_sizes(PyTuple_GET_ITEM(args, 2), s->shape, &s->ndim) ||
        !read_sizes(PyTuple_GET_ITEM(args, 3), s->strides, &strides) || strides != s->ndim) {
        return false;
    }
    memcpy(s->format, format, strlen(format) + 1);
    s->itemsize = PyBuffer_SizeFromFormat(format);
    s->offset = PyLong_AsSsize_t(PyTuple_GET_ITEM(args, 4));
    return s->itemsize > 0;
}

/* (buffer or bytes, format, shape, strides, offset) */
PyObject *buffer_make_view(engine_interp *interp, PyObject *args)
{
    memory_shape s;
    bool fine = PyTuple_GET_SIZE(args) == 5 && read_shape(args, &s);
    attachment *a = fine ? buffer_attachment(interp, PyTuple_GET_ITEM(args, 0)) : NULL;
    if (fine && a == NULL) {
        return value_types_rebuild(interp, "memoryview", args);
    }
    if (!fine || !fits(&s, a->len)) {
        return PyErr_Format(PyExc_ValueError, "a memoryview %s", fine ? "reaches beyond its memory" : "is malformed");
    }
    PyObject *buffer = buffer_wrap(interp, a, &s);
    PyObject *view = buffer != NULL ? PyMemoryView_FromObject(buffer) : NULL;
    Py_XDECREF(buffer);
    return view;
}
