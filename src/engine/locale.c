/* A locale of an interpreter's own (plat_own): what CPython's modules do with it. CPython calls setlocale() and
 * localeconv() in many places, also for one format(1234, "n"); all of these calls are redirected (plat_relink) to those
 * of the platform room, which know whose thread it is, and so are its calls of pthread_create(), so that the threads of
 * Python code have what their starter has. Done once, at the runtime's start, and never undone. Where
 * libisles-interpose does it for the whole program, nothing is left to do here.
 *
 * What setlocale(category, "") means stands in the interpreter's own environment variables, and is looked up here. */
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "replace.h"

static positional_fn setlocale_of_python;
static const char *reason = "the runtime has not started";

const char *engine_locale_reason(void)
{
    return reason;
}

/* --- "" --------------------------------------------------------------------------------------------------------- */

static const char *variable(engine_interp *interp, const char *name)
{
    PyObject *value = environment_find(interp, name);
    return value != NULL && PyBytes_GET_SIZE(value) > 0 ? PyBytes_AS_STRING(value) : NULL;
}

static const char *name_for(engine_interp *interp, const char *category)
{
    const char *name = variable(interp, "LC_ALL");
    name = name != NULL ? name : variable(interp, category);
    name = name != NULL ? name : variable(interp, "LANG");
    return name != NULL ? name : "C";
}

/* New reference: what that category's name is, or, of all, all their names; NULL with an exception set, or without: no
 * such category. */
static PyObject *name_by_variables(engine_interp *interp, int category)
{
    PyObject *all = PyList_New(0), *result = NULL, *semicolon;
    const char *title;
    int number;
    for (size_t i = 0; all != NULL && plat_locale_category(i, &number, &title); i++) {
        const char *name = name_for(interp, title);
        if (number == category) {
            Py_DECREF(all);
            return PyUnicode_DecodeFSDefault(name);
        }
        PyObject *part = PyUnicode_FromFormat("%s=%s", title, name);
        if (part == NULL || PyList_Append(all, part) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(part);
    }
    semicolon = all != NULL && category == LC_ALL ? PyUnicode_FromString(";") : NULL;
    result = semicolon != NULL ? PyUnicode_Join(semicolon, all) : NULL;
    Py_XDECREF(semicolon);
    Py_XDECREF(all);
    return result;
}

static bool is_empty(PyObject *name)
{
    return PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) == 0;
}

static PyObject *setlocale_here(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    engine_interp *interp = interp_of_thread();
    if (count != 2 || !is_empty(args[1]) || !PyLong_Check(args[0]) || interp == NULL ||
        !plat_locale_is_own(interp->own) || environment_of(interp) == NULL) {
        return setlocale_of_python(module, args, count);
    }
    int category = (int)PyLong_AsLong(args[0]);
    PyObject *name = PyErr_Occurred() == NULL ? name_by_variables(interp, category) : NULL;
    if (name == NULL) {
        return PyErr_Occurred() != NULL ? NULL : setlocale_of_python(module, args, count);
    }
    PyObject *const named[] = {args[0], name};
    PyObject *result = setlocale_of_python(module, named, 2);
    Py_DECREF(name);
    return result;
}

/* --- the runtime's start ---------------------------------------------------------------------------------------- */

/* libmpdec, in _decimal, asks for itself. */
static void relink_decimal(void)
{
    PyObject *decimal = PyImport_ImportModule("_decimal");
    PyModuleDef *def = decimal != NULL ? PyModule_GetDef(decimal) : NULL;
    if (def != NULL) {
        plat_relink_locale(def); /* it lies in its library; where that is CPython's, it is done */
    }
    Py_XDECREF(decimal);
    PyErr_Clear();
}

static const char *find_reason(void)
{
    const void *cpython = (const void *)Py_GetVersion;
    const char *unknown = plat_locale_reason();
    if (unknown != NULL || plat_interposed()) {
        return unknown;
    }
    if (plat_threads_inherit(cpython) != 0 || plat_relink_locale(cpython) != 0) {
        return "this CPython's calls of libc can't be redirected";
    }
    relink_decimal();
    return NULL;
}

isle_status locale_start(engine_failure *failure)
{
    const replacement list[] = {
        {"_locale", "setlocale", METH_FASTCALL, WAY(setlocale_here), ORIGINAL(setlocale_of_python), true},
    };
    reason = find_reason();
    return reason == NULL ? replace_functions(list, 1, failure) : ISLE_OK;
}

/* --- an interpreter's ------------------------------------------------------------------------------------------- */

int locale_install(engine_interp *interp, const isle_interp_config *config)
{
    if (config->locale == NULL || config->locale[0] != '\0' || environment_of(interp) == NULL) {
        return 0;
    }
    PyObject *name = name_by_variables(interp, LC_ALL);
    const char *utf8 = name != NULL ? PyUnicode_AsUTF8(name) : NULL;
    if (utf8 != NULL && plat_setlocale(LC_ALL, utf8) == NULL) {
        PyErr_Format(PyExc_ValueError,
                     "isle_interp_config.locale: one of its variables LC_ALL, LC_..., LANG names a "
                     "locale that the system has not: %s",
                     utf8);
        utf8 = NULL;
    }
    Py_XDECREF(name);
    return utf8 != NULL ? 0 : -1;
}

int locale_mark(engine_interp *interp)
{
    const char *now = plat_locale_is_own(interp->own) ? plat_setlocale(LC_ALL, NULL) : NULL;
    if (now == NULL) {
        return 0;
    }
    plat_free(interp->marked_locale);
    interp->marked_locale = plat_strdup(now);
    if (interp->marked_locale == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int locale_reset(engine_interp *interp)
{
    if (interp->marked_locale != NULL && plat_setlocale(LC_ALL, interp->marked_locale) == NULL) {
        PyErr_Format(PyExc_RuntimeError, "the locale %s is gone", interp->marked_locale);
        return -1;
    }
    return 0;
}
