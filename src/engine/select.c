/* isles.select: waits on queues and descriptors at once, as the host's isle_select does and by the same function.
 * Attached threads; the GIL is let go for the wait. */
#include <errno.h>

#include "python.h"
#include "queue.h"

static int descriptor_of(const engine_interp *interp, PyObject *thing)
{
    queue *q = queue_unwrap(interp, thing);
    if (q == NULL) {
        return PyObject_AsFileDescriptor(thing);
    }
    int fd = queue_fd_to_poll(q);
    if (fd < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return fd;
}

static bool fill(const engine_interp *interp, PyObject *things, struct pollfd *polled)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(things); i++) {
        polled[i] = (struct pollfd){.fd = descriptor_of(interp, PyTuple_GET_ITEM(things, i)), .events = POLLIN};
        if (polled[i].fd < 0) {
            return false;
        }
    }
    return true;
}

static void close_duplicates(const engine_interp *interp, PyObject *things, const struct pollfd *polled)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(things); i++) {
        if (queue_unwrap(interp, PyTuple_GET_ITEM(things, i)) != NULL) {
            queue_polled_fd(polled[i].fd);
        }
    }
}

static PyObject *those_that_are_ready(PyObject *things, const struct pollfd *polled)
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < PyTuple_GET_SIZE(things); i++) {
        if (polled[i].revents != 0 && PyList_Append(list, PyTuple_GET_ITEM(things, i)) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *wait_for(const engine_interp *interp, PyObject *things, struct pollfd *polled, int64_t deadline)
{
    if (!fill(interp, things, polled)) {
        return NULL;
    }
    queue_wait wait;
    queue_patience patience;
    queue_wait_begin(&wait, deadline, &patience);
    int ready = queue_poll(polled, (size_t)PyTuple_GET_SIZE(things), &patience);
    int error = errno;
    queue_wait_end(&wait);
    if (ready >= 0) {
        return those_that_are_ready(things, polled);
    }
    if (!PyErr_Occurred()) { /* else it was interrupted */
        errno = error;
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return NULL;
}

PyObject *queue_select(PyObject *capsule, PyObject *const *args, Py_ssize_t count, PyObject *kwnames)
{
    static const char *const names[] = {"things", "timeout", NULL};
    const engine_interp *interp = PyCapsule_GetPointer(capsule, "isles.interp");
    PyObject *given[2], *result = NULL;
    int64_t deadline;
    if (!queue_args("select", names, 1, args, count, kwnames, given) || !queue_deadline(given[1], &deadline)) {
        return NULL;
    }
    PyObject *things = PySequence_Tuple(given[0]); /* the caller's list may change meanwhile */
    if (things == NULL) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(things) == 0) {
        Py_DECREF(things);
        PyErr_SetString(PyExc_ValueError, "there is nothing to wait for");
        return NULL;
    }
    struct pollfd *polled = plat_calloc((size_t)PyTuple_GET_SIZE(things), sizeof *polled);
    for (Py_ssize_t i = 0; polled != NULL && i < PyTuple_GET_SIZE(things); i++) {
        polled[i].fd = -1;
    }
    result = polled != NULL ? wait_for(interp, things, polled, deadline) : PyErr_NoMemory();
    if (polled != NULL) {
        close_duplicates(interp, things, polled);
    }
    plat_free(polled);
    Py_DECREF(things);
    return result;
}
