/* The function with which a library makes an extension module, called: see extension_init.c. */
#ifndef ISLES_ENGINE_EXTENSION_INIT_H
#define ISLES_ENGINE_EXTENSION_INIT_H

#include <isles/extension.h>

#include "python.h"

typedef struct extension_init {
    isle_extension_info info;
    PyModuleDef *def;  /* in the library; NULL: NO_INIT or EXPORT */
    const void *slots; /* EXPORT: in the library */
    PyObject *module;  /* SINGLE_PHASE: what was made; owned */
} extension_init;

/* Attached. Calls the function that `library` (of dlopen) has for the module `name`, a str. false: an exception is set:
 * that of the function, or an ImportError with `name` and `path`. Where there is no such function it is true and
 * NO_INIT. */
bool extension_init_call(void *library, PyObject *name, PyObject *path, extension_init *out);

#endif
