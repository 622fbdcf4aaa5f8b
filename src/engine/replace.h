/* Built-in functions of CPython that are replaced for the whole process: see replace.c. */
#ifndef ISLES_ENGINE_REPLACE_H
#define ISLES_ENGINE_REPLACE_H

#include "python.h"

typedef PyObject *(*no_args_fn)(PyObject *module, PyObject *unused);
typedef PyObject *(*one_arg_fn)(PyObject *module, PyObject *arg);
typedef PyObject *(*positional_fn)(PyObject *module, PyObject *const *args, Py_ssize_t count);
typedef PyObject *(*keywords_fn)(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names);

typedef struct replacement {
    const char *module, *name;
    int flags;                   /* how CPython calls it: METH_... */
    void (*function)(void);      /* ours */
    void (**original)(void);     /* gets CPython's */
    bool optional;               /* not every version has it */
} replacement;

#define WAY(function) (void (*)(void))(function)
#define ORIGINAL(variable) (void (**)(void)) & (variable)

/* Main interpreter, attached. Where it was done before it is left as it is. */
isle_status replace_functions(const replacement *list, size_t count, engine_failure *failure);

/* The one argument that a function takes, by position or by that name. Borrowed; NULL: it is not there, or there are
 * more. */
PyObject *only_argument(PyObject *const *args, Py_ssize_t count, PyObject *names, const char *name);

#endif
