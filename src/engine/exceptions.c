/* From an exception to a failure: support.py tells all that it says as plain values, which become CBOR. If that
 * fails (no memory, a sabotaged traceback module, interrupted again) the type's name and a plain message are left.
 *
 * Home thread, attached. Describing runs code of the program (__str__, notes, source files of loaders), so it happens
 * under the task's interrupts; only right after an interrupt it gets a moment in peace. */
#include <string.h>

#include "python.h"

static const int64_t moment_in_peace = 250 * ISLE_MS;

static const char *plain_text(PyObject *object)
{
    const char *text = object != NULL && PyUnicode_CheckExact(object) ? PyUnicode_AsUTF8(object) : NULL;
    PyErr_Clear();
    return text;
}

/* Runs no code of the program. */
static void describe_plainly(PyObject *exception, engine_failure *failure)
{
    const char *type = Py_TYPE(exception)->tp_name;
    PyObject *args = PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_BaseException)
                         ? ((PyBaseExceptionObject *)exception)->args
                         : NULL;
    const char *message = NULL;
    Py_ssize_t count = args != NULL && PyTuple_CheckExact(args) ? PyTuple_GET_SIZE(args) : 0;
    for (Py_ssize_t i = 0; i < count && message == NULL; i++) { /* an OSError's first is a number */
        message = plain_text(PyTuple_GET_ITEM(args, i));
    }
    plat_free(failure->message);
    failure->message = message != NULL ? plat_printf("%s: %s", type, message) : plat_printf("%s", type);
}

static PyObject *text_or_none(const char *text)
{
    PyObject *object = text != NULL ? PyUnicode_FromString(text) : Py_NewRef(Py_None);
    if (object == NULL) { /* not UTF-8: nothing to show */
        PyErr_Clear();
        object = Py_NewRef(Py_None);
    }
    return object;
}

static PyObject *describe(engine_interp *interp, PyObject *exception, const engine_task *task)
{
    bool has_source = task != NULL && task->kind == ENGINE_SOURCE;
    PyObject *source = text_or_none(has_source ? task->target : NULL);
    PyObject *filename = text_or_none(!has_source ? NULL : task->filename != NULL ? task->filename : "<string>");
    PyObject *args = PyTuple_Pack(3, exception, source, filename);
    Py_DECREF(source);
    Py_DECREF(filename);
    return support_call(interp, "describe", args);
}

static int exit_status_of(PyObject *report)
{
    PyObject *status = PyDict_GetItemString(report, "exit_status");
    long number = status != NULL ? PyLong_AsLong(status) : 1;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 1;
    }
    return (int)number;
}

static void keep(engine_interp *interp, PyObject *exception, engine_failure *failure)
{
    engine_failure ignored = {0};
    convert_from_object(interp, exception, "exception", &failure->exception, &ignored);
    engine_failure_clear(&ignored);
    PyErr_Clear();
}

isle_status engine_take_exception(engine_interp *interp, const engine_task *task, engine_failure *failure)
{
    PyObject *exception = PyErr_GetRaisedException();
    int reason = engine_home == interp ? atomic_load(&interp->reason) : 0;
    engine_failure_clear(failure);
    failure->exit_status = 1;
    if (exception == NULL) {
        return engine_fail(failure, ISLE_ERR_ENGINE, "CPython failed without an exception");
    }
    bool asks_to_exit = PyErr_GivenExceptionMatches(exception, PyExc_SystemExit);
    bool refused = reason == 0 && atomic_load(&interp->was_refused) && interp->over_budget != NULL &&
                   PyErr_GivenExceptionMatches(exception, interp->over_budget);
    reason = refused ? ISLE_ERR_BUDGET : reason;
    failure->status = asks_to_exit ? ISLE_ERR_EXIT : reason != 0 ? (isle_status)reason : ISLE_ERR_PYTHON;
    if (reason != 0) {
        interrupt_shield(interp, moment_in_peace);
    }
    if (task != NULL && task->keep_exception) {
        keep(interp, exception, failure);
    }
    PyObject *report = describe(interp, exception, task);
    if (report != NULL) {
        engine_failure ignored = {0};
        failure->exit_status = exit_status_of(report);
        convert_from_object(NULL, report, "exception", &failure->report, &ignored);
        engine_failure_clear(&ignored);
        Py_DECREF(report);
    }
    PyErr_Clear();
    if (failure->report.data == NULL) {
        describe_plainly(exception, failure);
    }
    if (failure->status == ISLE_ERR_BUDGET) { /* the budget, also where the description took too long */
        plat_free(failure->message);
        failure->message = interrupt_budget_text(interp);
    }
    Py_DECREF(exception);
    PyErr_Clear();
    return failure->status;
}
