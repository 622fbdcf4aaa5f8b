/* Odd: a thread of its own that calls back by PyGILState_Ensure, which always finds the main interpreter
 * (python/cpython#59956): the function of another interpreter then runs there, under the wrong GIL. It says that it can
 * be in interpreters with their own GIL, and it can't. */
#include <pthread.h>

#include <Python.h>

static void *thread_main(void *function)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallNoArgs(function);
    if (result == NULL) {
        PyErr_WriteUnraisable(function);
    }
    Py_XDECREF(result);
    PyGILState_Release(state);
    return NULL;
}

static PyObject *call_in_thread(PyObject *module, PyObject *function)
{
    pthread_t thread;
    (void)module;
    if (pthread_create(&thread, NULL, thread_main, function) != 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    PyThreadState *here = PyEval_SaveThread();
    pthread_join(thread, NULL);
    PyEval_RestoreThread(here);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"call_in_thread", call_in_thread, METH_O, "Calls a function in a thread, and waits."},
                                {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "gilstate_thread", .m_size = 0, .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_gilstate_thread(void)
{
    return PyModuleDef_Init(&definition);
}
