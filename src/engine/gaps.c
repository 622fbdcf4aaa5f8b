/* Where an interrupt waits for the next step. CPython looks for interrupts at the end of each call and at the
 * beginning of each function. An exception after `lock.acquire()` or the call of __enter__, and before the first
 * instruction of its `try` or `with` block, leaves the lock taken for good (python/cpython#74174); so does one at
 * the beginning of an __exit__ that is written in Python, as that of threading.Condition; and where that gives its lock
 * away for a wait and takes it again, one leaves it free, which the `with` around the wait then complains of. threading
 * has such a lock for itself: with that taken, no thread of the interpreter ever starts again. */
#include "python.h"

#include <opcode_ids.h>

enum { UNIT = 2, FURTHEST = 12 /* instructions between the method and its call: the arguments */ };

typedef struct position {
    const unsigned char *code;
    Py_ssize_t at;
} position;

/* To the instruction before; false: there is none. */
static bool step_back(position *p)
{
    do {
        p->at -= UNIT;
    } while (p->at >= 0 && p->code[p->at] == CACHE);
    return p->at >= 0;
}

static const char *const acquiring[] = {"acquire", "__enter__", "__aenter__", "acquire_lock", "_release_save", NULL};
static const char *const releasing[] = {"release", "__exit__", "__aexit__", "release_lock", NULL};
static const char *const handing_over[] = {"_release_save", "_acquire_restore", NULL}; /* all of them is a gap */

static bool is_one_of(PyObject *name, const char *const *known)
{
    while (*known != NULL && !PyUnicode_EqualToUTF8(name, *known)) {
        known++;
    }
    return *known != NULL;
}

static unsigned argument(const position *p)
{
    unsigned low = p->code[p->at + 1];
    bool extended = p->at >= UNIT && p->code[p->at - UNIT] == EXTENDED_ARG;
    return extended ? low | (unsigned)p->code[p->at - UNIT + 1] << 8 : low;
}

static bool is_acquiring_method(const position *p, PyObject *names)
{
#ifdef LOAD_SPECIAL /* 3.14: `with` and `async with` call what this has loaded: 0 is __enter__, 2 is __aenter__ */
    if (p->code[p->at] == LOAD_SPECIAL) {
        return p->code[p->at + 1] % 2 == 0;
    }
#endif
    if (p->code[p->at] != LOAD_ATTR) {
        return false;
    }
    unsigned index = argument(p) >> 1;
    return index < (size_t)PyTuple_GET_SIZE(names) && is_one_of(PyTuple_GET_ITEM(names, (Py_ssize_t)index), acquiring);
}

/* A call has ended: of a method that acquires something? */
static bool has_acquired(position p, PyObject *names)
{
    if (p.code[p.at] != CALL && p.code[p.at] != CALL_KW) {
        return false;
    }
    for (int i = 0; i < FURTHEST && step_back(&p); i++) {
        if (is_acquiring_method(&p, names)) {
            return true;
        }
    }
    return false;
}

static bool is_gap(PyCodeObject *code, int at)
{
    PyObject *bytes = PyCode_GetCode(code), *names = PyObject_GetAttrString((PyObject *)code, "co_names");
    PyObject *name = PyObject_GetAttrString((PyObject *)code, "co_name");
    bool found = false;
    if (bytes != NULL && names != NULL && name != NULL && at >= 0 && at < PyBytes_GET_SIZE(bytes)) {
        position p = {(const unsigned char *)PyBytes_AS_STRING(bytes), at};
        found = is_one_of(name, handing_over) ||
                (p.code[at] == RESUME ? is_one_of(name, releasing) : has_acquired(p, names));
    }
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(names);
    Py_XDECREF(bytes);
    return found;
}

/* On 3.13 the wait of a lock runs pending calls, inside its `acquire()`: what looks like a gap for long is not. */
static bool is_passed_soon(const PyFrameObject *frame, int at)
{
    static PLAT_THREAD_LOCAL struct {
        const PyFrameObject *frame;
        int at;
        int64_t since;
    } last;
    int64_t now = plat_now();
    if (last.frame != frame || last.at != at) {
        last.frame = frame;
        last.at = at;
        last.since = now;
    }
    return now - last.since < 10 * ISLE_MS;
}

bool interrupt_in_gap(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    if (frame == NULL) {
        return false;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    int at = PyFrame_GetLasti(frame);
    bool found = is_gap(code, at);
    if (!is_passed_soon(frame, found ? at : -1)) {
        found = false;
    }
    Py_DECREF(code);
    Py_DECREF(frame);
    return found;
}
