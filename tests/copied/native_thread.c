/* Threads that Python does not know, and what they do to find its interpreter. Multi-phase; SAYS as in multi.c. */
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include <Python.h>

#ifndef NAME
#define NAME native_thread
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define JOIN_OF(a, b) a##b
#define JOIN(a, b) JOIN_OF(a, b)

static PyGILState_STATE (*const enter)(void) = PyGILState_Ensure; /* an address in data, too */

static long long here(void)
{
    return PyInterpreterState_GetID(PyInterpreterState_Get());
}

static PyObject *interpreter(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLongLong(here());
}

static void call(PyObject *function)
{
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == NULL) {
        PyErr_WriteUnraisable(function);
    }
    Py_XDECREF(result);
}

/* --- a thread that is waited for ---------------------------------------------------------------------------------- */

typedef struct visit {
    void (*fn)(struct visit *v);
    PyObject *function;
    bool inside; /* the thread that calls fn has a state of Python's */
    long long id, nested_id;
    int fault; /* the number of what was not as it should be; 0: nothing */
} visit;

static void expect(visit *v, bool holds, int number)
{
    v->fault = v->fault == 0 && !holds ? number : v->fault;
}

static void come_in(visit *v)
{
    expect(v, !PyGILState_Check(), 1);
    expect(v, (PyGILState_GetThisThreadState() != NULL) == v->inside, 2);
    expect(v, Py_IsInitialized(), 3);
    for (int i = 0; i < 2; i++) {
        PyGILState_STATE outer = PyGILState_Ensure();
        PyThreadState *state = PyThreadState_Get();
        expect(v, PyGILState_Check() && PyGILState_GetThisThreadState() == state, 4);
        v->id = here();
        PyGILState_STATE inner = enter();
        v->nested_id = here();
        expect(v, PyThreadState_Get() == state, 5);
        PyEval_SaveThread();
        expect(v, !PyGILState_Check(), 6);
        PyGILState_STATE back = PyGILState_Ensure();
        expect(v, PyThreadState_Get() == state, 7);
        PyGILState_Release(back);
        PyEval_RestoreThread(state);
        PyGILState_Release(inner);
        expect(v, PyGILState_Check(), 8);
        call(v->function);
        PyGILState_Release(outer);
    }
    expect(v, !PyGILState_Check(), 9);
    expect(v, (PyGILState_GetThisThreadState() != NULL) == v->inside, 10);
}

static int pending(void *arg)
{
    PyObject *function = arg;
    call(function);
    Py_DECREF(function);
    return 0;
}

static void ask(visit *v)
{
    expect(v, Py_AddPendingCall(pending, v->function) == 0, 1);
}

static void *thread_main(void *arg)
{
    visit *v = arg;
    v->fn(v);
    return NULL;
}

static PyObject *told(const visit *v)
{
    if (v->fault != 0 || v->id != v->nested_id) {
        return PyErr_Format(PyExc_AssertionError, "fault %d, in %lld and %lld", v->fault, v->id, v->nested_id);
    }
    return PyLong_FromLongLong(v->id);
}

static PyObject *in_thread(visit *v)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, thread_main, v) != 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyThreadState *state = PyEval_SaveThread();
    pthread_join(thread, NULL);
    PyEval_RestoreThread(state);
    return told(v);
}

static PyObject *call_in_thread(PyObject *self, PyObject *function)
{
    (void)self;
    return in_thread(&(visit){.fn = come_in, .function = function});
}

static PyObject *call_here(PyObject *self, PyObject *function)
{
    (void)self;
    visit v = {.function = function, .inside = true};
    PyThreadState *state = PyEval_SaveThread();
    come_in(&v);
    PyEval_RestoreThread(state);
    return told(&v);
}

static PyObject *ask_in_thread(PyObject *self, PyObject *function)
{
    (void)self;
    Py_INCREF(function);
    return in_thread(&(visit){.fn = ask, .function = function});
}

/* --- threads that stay -------------------------------------------------------------------------------------------- */

static int ends[2]; /* descriptors: it reads from the first, and writes to the second */

/* When it has read a byte it writes what Py_IsInitialized() says, comes in, and writes an x. */
static void *come_late(void *unused)
{
    char byte = 0;
    (void)unused;
    while (read(ends[0], &byte, 1) != 1) {}
    byte = Py_IsInitialized() ? '1' : '0';
    while (write(ends[1], &byte, 1) != 1) {}
    PyGILState_STATE state = PyGILState_Ensure();
    while (write(ends[1], "x", 1) != 1) {}
    PyGILState_Release(state);
    return NULL;
}

static void *come_again_and_again(void *unused)
{
    (void)unused;
    while (Py_IsInitialized()) {
        PyGILState_STATE state = PyGILState_Ensure();
        PyObject *list = PyList_New(100);
        Py_XDECREF(list);
        PyGILState_Release(state);
    }
    return NULL;
}

static PyObject *leave_thread(void *(*fn)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, fn, NULL) != 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    pthread_detach(thread);
    Py_RETURN_NONE;
}

static PyObject *leave_late(PyObject *self, PyObject *args)
{
    (void)self;
    return PyArg_ParseTuple(args, "ii", &ends[0], &ends[1]) ? leave_thread(come_late) : NULL;
}

static PyObject *leave_busy(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return leave_thread(come_again_and_again);
}

static PyMethodDef methods[] = {{"interpreter", interpreter, METH_NOARGS, "The number of the one that this runs in."},
                                {"call_in_thread", call_in_thread, METH_O, "The same of a thread that calls it."},
                                {"call_here", call_here, METH_O, "The same without a thread."},
                                {"ask_in_thread", ask_in_thread, METH_O, "A thread has it called later."},
                                {"leave_late", leave_late, METH_VARARGS, "One that waits for the end."},
                                {"leave_busy", leave_busy, METH_NOARGS, "One that comes in all the time."},
                                {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {
#ifdef SAYS
    {Py_mod_multiple_interpreters, SAYS},
#endif
    {0, NULL}};

static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, .m_name = TEXT(NAME), .m_size = 0, .m_methods = methods,
                                 .m_slots = slots};

PyMODINIT_FUNC JOIN(PyInit_, NAME)(void)
{
    return PyModuleDef_Init(&def);
}
