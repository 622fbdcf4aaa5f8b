/* What processes get that code of an interpreter starts: its environment variables, where they are its own; and where
 * its streams go, where those are descriptors: numbers for those of 0, 1 and 2 that nobody chose. In a table of
 * descriptors of its own there is nothing to do for that. CPython's functions are replaced for the process
 * (replace.c); what is more than a few lines of C lies in processes.py. Attached to the interpreter, on any thread of
 * it. */
#include <string.h>

#include "replace.h"

enum { FORK_EXEC_ENVIRONMENT = 5, FORK_EXEC_LEAST = 12, SPAWN_ENVIRONMENT = 2 }; /* positions, and how many there are */
static const int fork_exec_places[] = {6, 9, 11};                                /* p2cread, c2pwrite, errwrite */

static positional_fn fork_exec_of_python;
static keywords_fn system_of_python, posix_spawn_of_python, posix_spawnp_of_python;

/* --- what a child gets ------------------------------------------------------------------------------------------- */

typedef struct provision {
    engine_interp *interp;
    PyObject *environment; /* borrowed; NULL: the process's */
    int fds[3];            /* -1: as it is anyway */
    bool has_fds;
} provision;

static int child_fd(outlet *o)
{
    if (o->to.kind == ISLE_STREAM_NULL) {
        return outlet_descriptor(o);
    }
    return o->told_fd != o->number ? o->told_fd : -1;
}

/* false: what any process of this one gets. */
static bool provide(provision *p)
{
    *p = (provision){.interp = interp_of_thread(), .fds = {-1, -1, -1}};
    if (p->interp == NULL) {
        return false;
    }
    p->environment = environment_of(p->interp);
    for (int number = 0; number < 3 && !p->interp->own_descriptors; number++) {
        p->fds[number] = child_fd(&p->interp->outlets[number]);
        p->has_fds |= p->fds[number] >= 0;
    }
    return p->environment != NULL || p->has_fds;
}

/* --- arguments --------------------------------------------------------------------------------------------------- */

/* A copy, with room for one more; for PyMem_Free. */
static PyObject **copy_arguments(PyObject *const *args, Py_ssize_t count)
{
    PyObject **copy = PyMem_New(PyObject *, (size_t)count + 1);
    if (copy == NULL) {
        PyErr_NoMemory();
    } else if (count != 0) {
        memcpy(copy, args, (size_t)count * sizeof *copy);
    }
    return copy;
}

static Py_ssize_t length_of(PyObject *names)
{
    return names != NULL ? PyTuple_GET_SIZE(names) : 0;
}

static PyObject *pairs_of(PyObject *environment)
{
    PyObject *pairs = PyList_New(0), *name, *value;
    Py_ssize_t at = 0;
    while (pairs != NULL && PyDict_Next(environment, &at, &name, &value)) {
        PyObject *pair = PyBytes_FromFormat("%s=%s", PyBytes_AS_STRING(name), PyBytes_AS_STRING(value));
        if (pair == NULL || PyList_Append(pairs, pair) < 0) {
            Py_CLEAR(pairs);
        }
        Py_XDECREF(pair);
    }
    return pairs;
}

/* --- subprocess and multiprocessing ------------------------------------------------------------------------------ */

static bool is_unset(PyObject *number)
{
    bool unset = PyLong_Check(number) && PyLong_AsLong(number) == -1 && !PyErr_Occurred();
    PyErr_Clear(); /* a number that is none: the original says so */
    return unset;
}

/* Puts what is the child's own in the place of what nobody chose; made[] keeps it. */
static bool complete_fork_exec(const provision *p, PyObject **args, PyObject *made[4])
{
    bool fine = true;
    if (p->environment != NULL && args[FORK_EXEC_ENVIRONMENT] == Py_None) {
        args[FORK_EXEC_ENVIRONMENT] = made[3] = pairs_of(p->environment);
        fine = made[3] != NULL;
    }
    for (int number = 0; fine && number < 3; number++) {
        int place = fork_exec_places[number];
        if (p->fds[number] >= 0 && is_unset(args[place])) {
            args[place] = made[number] = PyLong_FromLong(p->fds[number]);
            fine = made[number] != NULL;
        }
    }
    return fine;
}

static PyObject *fork_exec_here(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    provision p;
    if (!provide(&p) || count < FORK_EXEC_LEAST) {
        return fork_exec_of_python(module, args, count);
    }
    PyObject *made[4] = {NULL};
    PyObject **others = copy_arguments(args, count);
    bool fine = others != NULL && complete_fork_exec(&p, others, made);
    PyObject *result = fine ? fork_exec_of_python(module, others, count) : NULL;
    PyMem_Free(others);
    for (int i = 0; i < 4; i++) {
        Py_XDECREF(made[i]);
    }
    return result;
}

/* --- posix_spawn ------------------------------------------------------------------------------------------------- */

/* Ours come first: those that the caller gives go on from there. */
static PyObject *file_actions(const provision *p, PyObject *posix, PyObject *given)
{
    PyObject *dup2 = PyObject_GetAttrString(posix, "POSIX_SPAWN_DUP2");
    PyObject *actions = dup2 != NULL ? PyList_New(0) : NULL;
    for (int number = 0; actions != NULL && number < 3; number++) {
        int fd = p->fds[number];
        PyObject *action = fd >= 0 ? Py_BuildValue("(Oii)", dup2, fd, number) : NULL;
        if (fd >= 0 && (action == NULL || PyList_Append(actions, action) < 0)) {
            Py_CLEAR(actions);
        }
        Py_XDECREF(action);
    }
    PyObject *more = actions != NULL && given != NULL && given != Py_None ? PySequence_List(given) : NULL;
    if (more != NULL) {
        Py_SETREF(actions, PySequence_InPlaceConcat(actions, more));
        Py_DECREF(more);
    } else if (PyErr_Occurred()) {
        Py_CLEAR(actions);
    }
    Py_XDECREF(dup2);
    return actions;
}

/* Where that keyword is among the names; -1: nowhere. */
static Py_ssize_t find_name(PyObject *names, const char *name)
{
    Py_ssize_t at = length_of(names);
    do {
        at--;
    } while (at >= 0 && !PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(names, at), name));
    return at;
}

static PyObject *with_name(PyObject *names, const char *name)
{
    PyObject *last = Py_BuildValue("(s)", name);
    if (names == NULL || last == NULL) {
        return last;
    }
    PyObject *all = PySequence_Concat(names, last);
    Py_DECREF(last);
    return all;
}

/* `args`, with room for one more, gets the file actions; *names (a new reference) their name. */
static PyObject *call_with_files(const provision *p, keywords_fn original, PyObject *module, PyObject **args,
                                 Py_ssize_t count, PyObject *names)
{
    Py_ssize_t at = find_name(names, "file_actions"), place = count + (at >= 0 ? at : length_of(names));
    PyObject *actions = file_actions(p, module, at >= 0 ? args[place] : NULL), *result = NULL;
    PyObject *others = at >= 0 ? Py_NewRef(names) : with_name(names, "file_actions");
    if (actions != NULL && others != NULL) {
        args[place] = actions;
        result = original(module, args, count, others);
    }
    Py_XDECREF(others);
    Py_XDECREF(actions);
    return result;
}

static PyObject *spawn(keywords_fn original, PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    provision p;
    if (!provide(&p) || count <= SPAWN_ENVIRONMENT) {
        return original(module, args, count, names);
    }
    PyObject **others = copy_arguments(args, count + length_of(names)), *result = NULL;
    if (others == NULL) {
        return NULL;
    }
    if (p.environment != NULL && others[SPAWN_ENVIRONMENT] == Py_None) {
        others[SPAWN_ENVIRONMENT] = p.environment;
    }
    result = p.has_fds ? call_with_files(&p, original, module, others, count, names)
                       : original(module, others, count, names);
    PyMem_Free(others);
    return result;
}

static PyObject *posix_spawn_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return spawn(posix_spawn_of_python, module, args, count, names);
}

/* --- what libc would do with the process's own ------------------------------------------------------------------- */

/* function(environment, *args, **kwargs) of processes.py, which starts the process by posix.posix_spawn. */
static PyObject *call_with_environment(const provision *p, const char *function, PyObject *const *args,
                                       Py_ssize_t count, PyObject *names)
{
    PyObject *callable = processes_function(p->interp, function);
    Py_ssize_t all = count + length_of(names);
    PyObject **others = callable != NULL ? PyMem_New(PyObject *, (size_t)all + 1) : NULL;
    if (others == NULL) {
        return callable == NULL ? NULL : PyErr_NoMemory();
    }
    others[0] = p->environment != NULL ? p->environment : Py_None;
    if (all != 0) {
        memcpy(others + 1, args, (size_t)all * sizeof *others);
    }
    PyObject *result = PyObject_Vectorcall(callable, others, (size_t)count + 1, names);
    PyMem_Free(others);
    return result;
}

/* libc looks for the program in the process's PATH. */
static PyObject *posix_spawnp_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    provision p;
    return provide(&p) && p.environment != NULL && count > SPAWN_ENVIRONMENT
               ? call_with_environment(&p, "spawnp", args, count, names)
               : spawn(posix_spawnp_of_python, module, args, count, names);
}

static PyObject *system_here(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    provision p;
    PyObject *command = only_argument(args, count, names, "command"), *encoded = NULL, *result = NULL;
    if (!provide(&p) || command == NULL) {
        return system_of_python(module, args, count, names);
    }
    if (PyUnicode_FSConverter(command, &encoded) && PySys_Audit("os.system", "(O)", encoded) == 0) {
        result = call_with_environment(&p, "system", &encoded, 1, NULL);
    }
    Py_XDECREF(encoded);
    return result;
}

isle_status children_start(engine_failure *failure)
{
    const int keywords = METH_FASTCALL | METH_KEYWORDS;
    const replacement list[] = {
        {"posix", "system", keywords, WAY(system_here), ORIGINAL(system_of_python), false},
        {"posix", "posix_spawn", keywords, WAY(posix_spawn_here), ORIGINAL(posix_spawn_of_python), true},
        {"posix", "posix_spawnp", keywords, WAY(posix_spawnp_here), ORIGINAL(posix_spawnp_of_python), true},
        {"_posixsubprocess", "fork_exec", METH_FASTCALL, WAY(fork_exec_here), ORIGINAL(fork_exec_of_python), false},
    };
    return replace_functions(list, sizeof list / sizeof *list, failure);
}
