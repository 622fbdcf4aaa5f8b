/* How a job ended, for Python: its value, or isles.JobError with all that is known of the failure:
 *   args = (status, message, text, exit status, tree, exception)
 * tree describes the Python exception behind it (a dict, see tree_of), exception is a copy of it where it could cross;
 * each may be None. */
#include <string.h>

#include "error.h"
#include "module.h"

/* --- the tree ----------------------------------------------------------------------------------------------------- */

static PyObject *text_of(const char *text)
{
    return text != NULL ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogatepass") : Py_NewRef(Py_None);
}

static int put(PyObject *dict, const char *name, PyObject *value /* stolen */)
{
    int failed = value == NULL || PyDict_SetItemString(dict, name, value) < 0;
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static PyObject *notes_of(const isle_exception *e)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < isle_exception_note_count(e); i++) {
        PyObject *note = text_of(isle_exception_note(e, i));
        if (note == NULL || PyList_Append(list, note) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(note);
    }
    return list;
}

/* (file, line, function, source, end_line, column, end_column), as traceback.FrameSummary orders them */
static PyObject *frame_of(const isle_frame *f)
{
    return Py_BuildValue("(NiNNiii)", text_of(f->file), (int)f->line, text_of(f->function), text_of(f->source),
                         (int)f->end_line, (int)f->column, (int)f->end_column);
}

static PyObject *frames_of(const isle_exception *e)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < isle_exception_frame_count(e); i++) {
        PyObject *frame = frame_of(isle_exception_frame(e, i));
        if (frame == NULL || PyList_Append(list, frame) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(frame);
    }
    return list;
}

static PyObject *tree_of(const isle_exception *e);

static PyObject *children_of(const isle_exception *e)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < isle_exception_child_count(e); i++) {
        PyObject *child = tree_of(isle_exception_child(e, i));
        if (child == NULL || PyList_Append(list, child) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(child);
    }
    return list;
}

/* NULL: None. As deep as the report was, which the engine bounds. */
static PyObject *tree_of(const isle_exception *e)
{
    if (e == NULL) {
        return Py_NewRef(Py_None);
    }
    PyObject *tree = PyDict_New();
    if (tree == NULL) {
        return NULL;
    }
    if (put(tree, "type", text_of(isle_exception_type(e))) < 0 ||
        put(tree, "message", text_of(isle_exception_message(e))) < 0 || put(tree, "notes", notes_of(e)) < 0 ||
        put(tree, "frames", frames_of(e)) < 0 || put(tree, "cause", tree_of(isle_exception_cause(e))) < 0 ||
        put(tree, "context", tree_of(isle_exception_context(e))) < 0 || put(tree, "children", children_of(e)) < 0) {
        Py_CLEAR(tree);
    }
    return tree;
}

/* --- the exception ------------------------------------------------------------------------------------------------ */

/* Its class may not be importable here: then None. */
static PyObject *copy_of(engine_interp *mine, const isle_error *error)
{
    PyObject *exception = NULL;
    if (error != NULL && error->exception_itself.data != NULL) {
        exception = convert_to_object(mine, &error->exception_itself);
        PyErr_Clear();
    }
    return exception != NULL ? exception : Py_NewRef(Py_None);
}

PyObject *raise_failure(engine_interp *mine, isle_status status, isle_error *error)
{
    const char *message = error != NULL ? isle_error_message(error) : isle_status_text(status);
    PyObject *args = Py_BuildValue("(sNNiNN)", isle_status_name(status) + strlen("ISLE_ERR_"), text_of(message),
                                   text_of(error != NULL ? isle_error_text(error) : message),
                                   error != NULL ? isle_error_exit_status(error) : 1,
                                   tree_of(error != NULL ? isle_error_exception(error) : NULL), copy_of(mine, error));
    if (args != NULL) {
        PyErr_SetObject(mine->job_error, args);
    }
    Py_XDECREF(args);
    isle_error_free(error);
    return NULL;
}

PyObject *raise_engine_failure(engine_interp *mine, engine_failure *failure)
{
    if (PyErr_Occurred()) { /* raised while Python code described an object */
        engine_failure_clear(failure);
        return NULL;
    }
    isle_status status = failure->status;
    return raise_failure(mine, status, error_from_failure(failure));
}
