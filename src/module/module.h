/* The module room: what Python code does with interpreters and jobs, as private functions of the module `_isles`; the
 * package `isles` (python/) is made of them. It uses CPython's API, so it shares the engine's private header, and the
 * core, of which an engine knows nothing.
 *
 *   extend.c     adds all that to each `_isles`
 *   interps.c    creating, ending, listing, looking at interpreters
 *   budgets.c    what they may use
 *   job_type.c   jobs: isles.Job, submitting, calling
 *   outcome.c    from how a job ended to a value or an exception
 *   extensions.c what extension modules say of themselves
 *   policies.c   policies, and what they found
 *
 * `mine` is the interpreter whose code runs here. Everything runs attached; what waits detaches meanwhile. The
 * `capsule` of a function holds its engine_interp. */
#ifndef ISLES_MODULE_H
#define ISLES_MODULE_H

#include "python.h"

#include "core.h"

engine_interp *interp_of(PyObject *capsule);
/* A str or path as the file system's encoding has it; lives as long as the list `keep`. NULL with an exception set. */
const char *text_kept(PyObject *keep, PyObject *object);

/* interps.c */
extern PyMethodDef interp_functions[];

/* budgets.c */
extern PyMethodDef budget_functions[];
int budgets_take(PyObject *limits, isle_budgets *out); /* a dict; -1 with an exception set */

/* extensions.c */
extern PyMethodDef extension_functions[];

/* job_type.c */
extern PyMethodDef job_functions[];
PyObject *job_type_make(void);

/* What the strings and lists of a configuration lie in: `keep` is a list of objects. */
typedef struct borrowed {
    PyObject *keep;
    void *blocks[16];
    size_t block_count;
    isle_descriptor *descriptors;
    engine_interp *mine; /* the caller's */
} borrowed;
/* interps.c. settings[name], None and what is not there being NULL. -1 with an exception set. */
int take_texts(borrowed *b, PyObject *settings, const char *name, const char *const **out, size_t *out_count);
int take_bool(PyObject *settings, const char *name, bool *out);

/* policies.c */
extern PyMethodDef policy_functions[];
/* settings["policy"], a dict or None, becomes *out, which config->policy then points to. -1 with an exception set. */
int policy_from_settings(borrowed *b, PyObject *settings, isle_policy *out, isle_interp_config *config);
/* Code under a policy asks to reach another interpreter: an audit event, so that its rules can say no. -1 with an
 * exception set. */
int policy_asks(engine_interp *mine, const char *event, unsigned long long id);

/* outcome.c. The exception of a failure; takes `error` (may be NULL) over. Returns NULL, for `return`. */
PyObject *raise_failure(engine_interp *mine, isle_status status, isle_error *error);
/* The same for one of the engine's, about what was to be sent. */
PyObject *raise_engine_failure(engine_interp *mine, engine_failure *failure);

#endif
