/* Environment variables of an interpreter's own. `interp->environment` is what the process's environment is to plain
 * Python: what os.putenv changes, os.reload_environ reads and child processes get (children.c); os.environ is a copy
 * of it that os.py keeps in step, and not kept here. The functions of CPython that would use the process's are replaced
 * (replace.c).
 *
 * Everything here is called attached to the interpreter, on any thread of it, unless it says otherwise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replace.h"

static positional_fn putenv_of_python;
static one_arg_fn unsetenv_of_python;
static no_args_fn create_environ_of_python, clearenv_of_python, tzset_of_python;
static keywords_fn breakpointhook_of_python;

/* --- of native code, where it has its own (src/interpose/) ------------------------------------------------------ */

typedef struct pair_list {
    char **items; /* name, value, ... */
    size_t count, size;
} pair_list;

/* Under a lock: no object is touched. */
static int copy_pair(void *ctx, const char *name, const char *value)
{
    pair_list *p = ctx;
    if (p->count + 2 > p->size) {
        size_t size = p->size * 2 + 64;
        char **items = plat_realloc(p->items, size * sizeof *items);
        if (items == NULL) {
            return -1;
        }
        p->items = items;
        p->size = size;
    }
    p->items[p->count++] = plat_strdup(name);
    p->items[p->count++] = plat_strdup(value);
    return p->items[p->count - 1] != NULL && p->items[p->count - 2] != NULL ? 0 : -1;
}

static PyObject *dict_of_pairs(const pair_list *p)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < p->count; i += 2) {
        PyObject *name = PyBytes_FromString(p->items[i]), *value = PyBytes_FromString(p->items[i + 1]);
        if (name == NULL || value == NULL || PyDict_SetItem(dict, name, value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
        Py_XDECREF(name);
    }
    return dict;
}

/* Native code has changed them: they are read anew, as long as there is memory for that. */
static void read_anew(engine_interp *interp, uint64_t changes)
{
    pair_list all = {0};
    bool fine = plat_variables_visit(interp->own, copy_pair, &all) == 0;
    PyObject *error = PyErr_GetRaisedException(), *dict = fine ? dict_of_pairs(&all) : NULL;
    if (dict != NULL) {
        PyDict_Clear(interp->environment); /* the dict itself stays: others have it borrowed */
        PyDict_Update(interp->environment, dict);
        interp->variables_seen = changes;
        Py_DECREF(dict);
    }
    PyErr_Clear();
    PyErr_SetRaisedException(error);
    for (size_t i = 0; i < all.count; i++) {
        plat_free(all.items[i]);
    }
    plat_free(all.items);
}

static int tell_native(engine_interp *interp, PyObject *name, PyObject *value)
{
    int error = plat_variable_set(interp->own, PyBytes_AS_STRING(name),
                                  value != NULL ? PyBytes_AS_STRING(value) : NULL);
    return error == 0 ? 0 : (PyErr_NoMemory(), -1);
}

static int tell_native_all(engine_interp *interp)
{
    PyObject *name, *value;
    Py_ssize_t at = 0;
    int failed = 0;
    plat_variables_clear(interp->own);
    while (!failed && PyDict_Next(interp->environment, &at, &name, &value)) {
        failed = tell_native(interp, name, value) < 0;
    }
    return failed ? -1 : 0;
}

/* ---------------------------------------------------------------------------------------------------------------- */

PyObject *environment_of(engine_interp *interp)
{
    uint64_t changes = interp->own_environment && interp->environment != NULL ? plat_variables_changes(interp->own) : 0;
    if (changes > interp->variables_seen) {
        read_anew(interp, changes);
    }
    return interp->own_environment ? interp->environment : NULL;
}

PyObject *environment_find(engine_interp *interp, const char *name)
{
    PyObject *key = PyBytes_FromString(name), *environment = environment_of(interp);
    PyObject *value = key != NULL && environment != NULL ? PyDict_GetItemWithError(environment, key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return value;
}

/* NULL: what the calling thread runs has the process's. */
static engine_interp *owner(void)
{
    engine_interp *interp = interp_of_thread();
    return interp != NULL && environment_of(interp) != NULL ? interp : NULL;
}

/* --- changing it ------------------------------------------------------------------------------------------------- */

/* As libc refuses a name. */
static int refuse_name(void)
{
    errno = EINVAL;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

static int put(engine_interp *interp, PyObject *name, PyObject *value)
{
    if (strchr(PyBytes_AS_STRING(name), '=') != NULL) {
        PyErr_SetString(PyExc_ValueError, "illegal environment variable name");
        return -1;
    }
    if (PySys_Audit("os.putenv", "OO", name, value) < 0) {
        return -1;
    }
    if (PyBytes_GET_SIZE(name) == 0) {
        return refuse_name();
    }
    return tell_native(interp, name, value) < 0 ? -1 : PyDict_SetItem(interp->environment, name, value);
}

static PyObject *putenv_here(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    engine_interp *interp = owner();
    if (interp == NULL || count != 2) {
        return putenv_of_python(module, args, count);
    }
    PyObject *name = NULL, *value = NULL;
    int failed = !PyUnicode_FSConverter(args[0], &name) || !PyUnicode_FSConverter(args[1], &value) ||
                 put(interp, name, value) < 0;
    Py_XDECREF(name);
    Py_XDECREF(value);
    return failed ? NULL : Py_NewRef(Py_None);
}

static int unset(engine_interp *interp, PyObject *name)
{
    if (PySys_Audit("os.unsetenv", "(O)", name) < 0) {
        return -1;
    }
    if (PyBytes_GET_SIZE(name) == 0 || strchr(PyBytes_AS_STRING(name), '=') != NULL) {
        return refuse_name();
    }
    return tell_native(interp, name, NULL) < 0 ? -1 : PyDict_Pop(interp->environment, name, NULL);
}

static PyObject *unsetenv_here(PyObject *module, PyObject *arg)
{
    engine_interp *interp = owner();
    PyObject *name = NULL;
    if (interp == NULL) {
        return unsetenv_of_python(module, arg);
    }
    int failed = !PyUnicode_FSConverter(arg, &name) || unset(interp, name) < 0;
    Py_XDECREF(name);
    return failed ? NULL : Py_NewRef(Py_None);
}

/* 3.14: os.reload_environ. */
static PyObject *create_environ_here(PyObject *module, PyObject *unused)
{
    engine_interp *interp = owner();
    return interp != NULL ? PyDict_Copy(interp->environment) : create_environ_of_python(module, unused);
}

/* 3.15: os.environ.clear. */
static PyObject *clearenv_here(PyObject *module, PyObject *unused)
{
    engine_interp *interp = owner();
    if (interp == NULL) {
        return clearenv_of_python(module, unused);
    }
    if (PySys_Audit("os._clearenv", NULL) < 0) {
        return NULL;
    }
    PyDict_Clear(interp->environment);
    plat_variables_clear(interp->own);
    Py_RETURN_NONE;
}

/* --- what else looks into it ------------------------------------------------------------------------------------- */

/* libc has one time zone for the process: it is set as the process's TZ says, whatever the interpreter's does. */
static PyObject *tzset_here(PyObject *module, PyObject *unused)
{
    engine_interp *interp = owner();
    PyObject *zone = interp != NULL ? environment_find(interp, "TZ") : NULL; /* borrowed */
    plat_own *own = plat_own_enter(NULL);                                    /* getenv may be interposed */
    const char *mine = zone != NULL ? PyBytes_AS_STRING(zone) : NULL, *process = getenv("TZ");
    plat_own_enter(own);
    bool same = mine == NULL || process == NULL ? mine == process : strcmp(mine, process) == 0;
    if (interp != NULL && !same &&
        PyErr_WarnEx(PyExc_RuntimeWarning,
                     "time.tzset: the local time zone is that of the process; TZ in this interpreter's own environment "
                     "is for the processes that it starts (zoneinfo gives any zone)",
                     1) < 0) {
        return NULL;
    }
    return tzset_of_python(module, unused);
}

/* PYTHONBREAKPOINT. What it names is called with no frame of ours in between: a debugger stops in the caller's. */
static PyObject *breakpointhook_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    engine_interp *interp = owner();
    if (interp == NULL) {
        return breakpointhook_of_python(module, args, count, names);
    }
    PyObject *find = processes_function(interp, "breakpoint_function");
    PyObject *function = find != NULL ? PyObject_CallNoArgs(find) : NULL;
    if (function == NULL || function == Py_None) {
        return function;
    }
    PyObject *result = PyObject_Vectorcall(function, args, (size_t)count, names);
    Py_DECREF(function);
    return result;
}

isle_status environment_start(engine_failure *failure)
{
    const int keywords = METH_FASTCALL | METH_KEYWORDS;
    const replacement list[] = {
        {"posix", "putenv", METH_FASTCALL, WAY(putenv_here), ORIGINAL(putenv_of_python), false},
        {"posix", "unsetenv", METH_O, WAY(unsetenv_here), ORIGINAL(unsetenv_of_python), false},
        {"posix", "_create_environ", METH_NOARGS, WAY(create_environ_here), ORIGINAL(create_environ_of_python), true},
        {"posix", "_clearenv", METH_NOARGS, WAY(clearenv_here), ORIGINAL(clearenv_of_python), true},
        {"time", "tzset", METH_NOARGS, WAY(tzset_here), ORIGINAL(tzset_of_python), true},
        {"sys", "breakpointhook", keywords, WAY(breakpointhook_here), ORIGINAL(breakpointhook_of_python), false},
    };
    return replace_functions(list, sizeof list / sizeof *list, failure);
}

/* --- an interpreter's beginning ---------------------------------------------------------------------------------- */

/* "NAME=value", or "NAME" to remove it. */
static int apply(PyObject *variables, const char *pair)
{
    const char *equals = strchr(pair, '=');
    size_t length = equals != NULL ? (size_t)(equals - pair) : strlen(pair);
    PyObject *name = PyBytes_FromStringAndSize(pair, (Py_ssize_t)length);
    PyObject *value = equals != NULL ? PyBytes_FromString(equals + 1) : NULL;
    int failed = name == NULL || (equals != NULL && value == NULL) ||
                 (equals != NULL ? PyDict_SetItem(variables, name, value) : PyDict_Pop(variables, name, NULL)) < 0;
    Py_XDECREF(value);
    Py_XDECREF(name);
    return failed ? -1 : 0;
}

/* Of the module posix: what os.environ is made of. In an adopted runtime that may be there already, and uses the same
 * dict. New reference. */
static PyObject *variables_of_posix(void)
{
    PyObject *posix = PyImport_ImportModule("posix");
    PyObject *variables = posix != NULL ? PyObject_GetAttrString(posix, "environ") : NULL;
    if (variables != NULL && !PyDict_CheckExact(variables)) {
        PyErr_SetString(PyExc_SystemError, "posix.environ is no dict");
        Py_CLEAR(variables);
    }
    Py_XDECREF(posix);
    return variables;
}

int environment_install(engine_interp *interp, const isle_interp_config *config)
{
    if (config->env_base == ISLE_ENV_SHARED) {
        return 0;
    }
    PyObject *variables = variables_of_posix();
    int failed = variables == NULL;
    if (!failed && config->env_base == ISLE_ENV_EMPTY) {
        PyDict_Clear(variables);
    }
    for (size_t i = 0; !failed && i < config->env_count; i++) {
        failed = apply(variables, config->env[i]) < 0;
    }
    interp->environment = failed ? NULL : PyDict_Copy(variables);
    interp->own_environment = true;
    Py_XDECREF(variables);
    return interp->environment != NULL ? tell_native_all(interp) : -1;
}

/* For what code creates: see engine.h. */
bool engine_has_environment(void)
{
    return PyThreadState_GetUnchecked() != NULL && owner() != NULL;
}

char **engine_copy_environment(size_t more, size_t *out_count)
{
    PyObject *environment = owner()->environment, *name, *value;
    size_t count = (size_t)PyDict_GET_SIZE(environment), size = (count + more + 1) * sizeof(char *), i = 0;
    Py_ssize_t at = 0;
    while (PyDict_Next(environment, &at, &name, &value)) {
        size += (size_t)PyBytes_GET_SIZE(name) + (size_t)PyBytes_GET_SIZE(value) + sizeof "=";
    }
    char **pairs = plat_malloc(size);
    if (pairs == NULL) {
        return NULL;
    }
    char *text = (char *)(pairs + count + more);
    at = 0;
    while (PyDict_Next(environment, &at, &name, &value)) {
        pairs[i++] = text;
        text = stpcpy(stpcpy(stpcpy(text, PyBytes_AS_STRING(name)), "="), PyBytes_AS_STRING(value)) + 1;
    }
    *out_count = count;
    return pairs;
}

/* --- reuse ------------------------------------------------------------------------------------------------------- */

int environment_mark(engine_interp *interp)
{
    if (environment_of(interp) != NULL) {
        Py_XSETREF(interp->marked_environment, PyDict_Copy(interp->environment));
        return interp->marked_environment != NULL ? 0 : -1;
    }
    return 0;
}

int environment_reset(engine_interp *interp)
{
    if (interp->environment == NULL || interp->marked_environment == NULL) {
        return 0;
    }
    PyDict_Clear(interp->environment);
    return PyDict_Update(interp->environment, interp->marked_environment) < 0 ? -1 : tell_native_all(interp);
}

void environment_drop(engine_interp *interp)
{
    Py_CLEAR(interp->environment);
    Py_CLEAR(interp->marked_environment);
}
