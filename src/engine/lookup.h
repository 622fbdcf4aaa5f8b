/* A name that is looked up in the same dict again and again: where it was found last is looked at first. */
#ifndef ISLES_ENGINE_LOOKUP_H
#define ISLES_ENGINE_LOOKUP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct lookup { /* zeros: nowhere yet. For one name */
    PyObject *key;     /* the dict's own */
    Py_ssize_t at;
} lookup;

/* As PyDict_GetItemRef of a str: 1 and a new reference; 0 and NULL; -1 with an exception set. `l` may be NULL. */
int lookup_in(lookup *l, PyObject *dict, PyObject *name, PyObject **out);
void lookup_forget(lookup *l);

#endif
