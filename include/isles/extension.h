/* Extension modules: what one says of itself. How interpreters load those that refuse is isle_interp_config.extensions;
 * docs/extensions.md has the whole of it. */
#ifndef ISLES_EXTENSION_H
#define ISLES_EXTENSION_H

#include <isles/runtime.h>

ISLE_BEGIN_DECLS

typedef enum isle_extension_init {
    ISLE_EXTENSION_NO_INIT,      /* the file has no function that makes this module */
    ISLE_EXTENSION_SINGLE_PHASE, /* PyInit_NAME makes the module itself: CPython runs it once for a process */
    ISLE_EXTENSION_MULTI_PHASE,  /* PyInit_NAME gives a definition (PEP 489) */
    ISLE_EXTENSION_EXPORT        /* PyModExport_NAME gives slots (PEP 793, CPython 3.15) */
} isle_extension_init;

typedef enum isle_extension_interpreters { /* its slot Py_mod_multiple_interpreters */
    ISLE_EXTENSION_UNSAID,                 /* none; CPython takes it as SUPPORTED, or, single-phase, as NOT_SUPPORTED */
    ISLE_EXTENSION_NOT_SUPPORTED,
    ISLE_EXTENSION_SUPPORTED,              /* where they share the main interpreter's GIL */
    ISLE_EXTENSION_PER_INTERPRETER_GIL     /* in every interpreter */
} isle_extension_interpreters;

typedef enum isle_extension_gil { /* its slot Py_mod_gil: what a free-threaded CPython does */
    ISLE_EXTENSION_GIL_UNSAID,
    ISLE_EXTENSION_GIL_USED,
    ISLE_EXTENSION_GIL_NOT_USED
} isle_extension_gil;

typedef struct isle_extension_info {
    size_t size;
    isle_extension_init init;
    isle_extension_interpreters interpreters;
    isle_extension_gil gil;
    int64_t state_size; /* m_size: bytes of the module's state; -1: what it keeps is static, for the process */
} isle_extension_info;

/* Loads the file into this process and calls the module's init function, or the function that gives its slots, in
 * the main interpreter; a module that this makes is thrown away. `module` is the full name, "package.module". Set
 * out->size first.
 *
 * What the file does when it is loaded and initialized happens to this process, and the file stays loaded: ask in a
 * child process, as `isles check` does. It waits for the main interpreter's GIL. Any thread.
 * A file without a function for that module is no error: NO_INIT.
 * ISLE_ERR_SYSTEM: the dynamic linker's message; ISLE_ERR_PYTHON: the init function failed; ISLE_ERR_INVALID;
 * ISLE_ERR_STATE: the runtime is stopping. */
ISLE_API isle_status isle_extension_inspect(isle_runtime *runtime, const char *file, const char *module,
                                            isle_extension_info *out, isle_error **err);

ISLE_END_DECLS

#endif
