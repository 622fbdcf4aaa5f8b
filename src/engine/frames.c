/* sys._current_frames() and sys._current_exceptions(), for the threads of the interpreter that asks. CPython's own go
 * through those of all interpreters, as if one GIL stopped them: they make frame objects of another interpreter's code
 * with the asker's allocator, and that interpreter, which frees them with its own, aborts the process. Profilers ask
 * all the time. Put into each interpreter's sys, attached, and into that of the main one. */
#include "python.h"

static PyObject *frame_of(PyThreadState *thread)
{
    return (PyObject *)PyThreadState_GetFrame(thread); /* NULL: it runs no Python */
}

static PyObject *exception_of(PyThreadState *thread)
{
    const _PyErr_StackItem *item = thread->exc_info;
    while (item != NULL && (item->exc_value == NULL || item->exc_value == Py_None) && item->previous_item != NULL) {
        item = item->previous_item;
    }
    return item != NULL ? Py_NewRef(item->exc_value != NULL ? item->exc_value : Py_None) : NULL;
}

static int add(PyObject *dict, const PyThreadState *thread, PyObject *object /* stolen */)
{
    PyObject *ident = PyLong_FromUnsignedLong(thread->thread_id);
    int failed = ident == NULL || PyDict_SetItem(dict, ident, object) < 0;
    Py_XDECREF(ident);
    Py_DECREF(object);
    return failed ? -1 : 0;
}

/* {ident: object} of each thread that has one. */
static PyObject *of_threads(PyObject *(*object_of)(PyThreadState *))
{
    PyObject *dict = PyDict_New();
    int failed = dict == NULL ? -1 : 0;
    threads_lock_list();
    PyThreadState *t = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    for (; failed == 0 && t != NULL; t = PyThreadState_Next(t)) {
        PyObject *object = object_of(t);
        failed = object != NULL ? add(dict, t, object) : 0;
    }
    threads_unlock_list();
    if (failed != 0) {
        Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *current_frames(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PySys_Audit("sys._current_frames", NULL) < 0 ? NULL : of_threads(frame_of);
}

static PyObject *current_exceptions(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PySys_Audit("sys._current_exceptions", NULL) < 0 ? NULL : of_threads(exception_of);
}

int frames_install(void)
{
    static PyMethodDef functions[] = {
        {"_current_frames", current_frames, METH_NOARGS,
         "_current_frames($module, /)\n--\n\nEach thread's current frame, by its ident. Of this interpreter's threads "
         "(Isles)."},
        {"_current_exceptions", current_exceptions, METH_NOARGS,
         "_current_exceptions($module, /)\n--\n\nEach thread's exception, by its ident. Of this interpreter's threads "
         "(Isles)."},
    };
    PyObject *sys = PyImport_ImportModule("sys"), *name = PyUnicode_FromString("sys");
    int failed = sys == NULL || name == NULL;
    for (size_t i = 0; !failed && i < sizeof functions / sizeof *functions; i++) {
        PyObject *function = PyCFunction_NewEx(&functions[i], sys, name);
        failed = function == NULL || PyObject_SetAttrString(sys, functions[i].ml_name, function) < 0;
        Py_XDECREF(function);
    }
    Py_XDECREF(name);
    Py_XDECREF(sys);
    return failed ? -1 : 0;
}
