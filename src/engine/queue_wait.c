/* What the methods of isles.Queue and isles.select share: arguments without the cost of a format, deadlines, and a wait
 * that lets the GIL go and hears signals. Attached threads. */
#include <math.h>

#include "python.h"
#include "queue.h"

/* --- arguments -------------------------------------------------------------------------------------------------- */

static int index_of(const char *const *names, PyObject *name)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (PyUnicode_EqualToUTF8(name, names[i])) {
            return i;
        }
    }
    return -1;
}

static bool take_keywords(const char *function, const char *const *names, PyObject *const *values, PyObject *kwnames,
                          PyObject **out)
{
    Py_ssize_t count = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        int at = index_of(names, name);
        if (at < 0 || out[at] != NULL) {
            PyErr_Format(PyExc_TypeError,
                         at < 0 ? "%s() got an unexpected keyword argument '%U'"
                                : "%s() got multiple values for argument '%U'",
                         function, name);
            return false;
        }
        out[at] = values[i];
    }
    return true;
}

bool queue_args(const char *function, const char *const *names, size_t needed, PyObject *const *args, Py_ssize_t count,
                PyObject *kwnames, PyObject **out)
{
    Py_ssize_t most = 0;
    for (; names[most] != NULL; most++) {
        out[most] = most < count ? args[most] : NULL;
    }
    if (count > most) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)", function, most, count);
        return false;
    }
    if (!take_keywords(function, names, args + count, kwnames, out)) {
        return false;
    }
    for (size_t i = 0; i < needed; i++) {
        if (out[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", function, names[i]);
            return false;
        }
    }
    return true;
}

/* --- deadlines -------------------------------------------------------------------------------------------------- */

#define LONGEST 9000000000 /* seconds; what is longer is for ever */

static bool refuse(void)
{
    PyErr_SetString(PyExc_ValueError, "'timeout' must be a non-negative number");
    return false;
}

static bool in_whole_seconds(PyObject *timeout, int64_t *out)
{
    int overflow;
    long long seconds = PyLong_AsLongLongAndOverflow(timeout, &overflow);
    if (seconds == -1 && overflow == 0 && PyErr_Occurred()) {
        return false;
    }
    if (overflow < 0 || (overflow == 0 && seconds < 0)) {
        return refuse();
    }
    if (overflow == 0 && seconds < LONGEST) {
        *out = plat_now() + seconds * ISLE_SECOND;
    }
    return true;
}

bool queue_deadline(PyObject *timeout, int64_t *out)
{
    *out = PLAT_FOREVER;
    if (timeout == NULL || timeout == Py_None) {
        return true;
    }
    if (PyLong_Check(timeout)) {
        return in_whole_seconds(timeout, out);
    }
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Format(PyExc_TypeError, "'timeout' must be a number of seconds or None, not %s",
                         Py_TYPE(timeout)->tp_name);
        }
        return false;
    }
    if (isnan(seconds) || seconds < 0) {
        return refuse();
    }
    if (seconds < LONGEST) {
        /* the parts by themselves: their sum has more digits than a double; and never too early */
        double whole = floor(seconds);
        *out = plat_now() + (int64_t)whole * ISLE_SECOND + (int64_t)ceil((seconds - whole) * 1e9);
    }
    return true;
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

/* A signal came: is this thread's code to stop? Then an exception is set. */
static bool gives_up(void *ctx)
{
    queue_wait *me = ctx;
    PyEval_RestoreThread(me->state);
    bool stop = interrupt_is_wanted() || PyErr_CheckSignals() < 0;
    me->state = PyEval_SaveThread();
    return stop;
}

void queue_wait_begin(queue_wait *wait, int64_t deadline, queue_patience *out)
{
    *out = (queue_patience){.deadline = deadline, .gives_up = gives_up, .ctx = wait};
    wait->state = PyEval_SaveThread();
}

void queue_wait_end(queue_wait *wait)
{
    PyEval_RestoreThread(wait->state);
}
