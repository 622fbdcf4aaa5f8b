/* Where an import calls code in the main interpreter: foreign_error.c. */
#ifndef ISLES_ENGINE_FOREIGN_ERROR_H
#define ISLES_ENGINE_FOREIGN_ERROR_H

#include "python.h"

/* Attached, no main interpreter: `module` is what CPython's _imp.create_dynamic(spec) gave, and is returned. NULL: an
 * exception is set, which is this interpreter's afterwards. */
PyObject *foreign_error_checked(PyObject *module, PyObject *spec);
/* Home, attached: that for each import from now on. -1: an exception is set. */
int foreign_error_install(void);

#endif
