/* The runtime: CPython in this process, started by Isles or adopted. One for a process. */
#ifndef ISLES_RUNTIME_H
#define ISLES_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/error.h>
#include <isles/event.h>
#include <isles/value.h>

ISLE_BEGIN_DECLS

typedef struct isle_runtime isle_runtime;

/* A function of the host that Python code calls as `isles.host.NAME(*args)`. It runs on the thread of the
 * caller, with that interpreter's GIL released. `args` is a tuple, borrowed. On ISLE_OK it may write *out_value (owned
 * by Isles from then on; NULL: None). On failure Python sees isles.HostError with the message: write one of
 * isle_error_new's, or leave *err NULL. */
typedef isle_status (*isle_host_fn)(void *ctx, uint64_t interp_id, const isle_value *args,
                                    isle_value **out_value, isle_error **err);

typedef struct isle_host_function {
    const char *name; /* a Python identifier; copied */
    isle_host_fn fn;
    void *ctx;        /* borrowed until the runtime stops */
} isle_host_function;

typedef struct isle_runtime_config { /* start from ISLE_RUNTIME_CONFIG_INIT; zero is the default */
    size_t size;               /* set by the initializer: names the version of this struct */
    const char *python;        /* the engine's `python`, for sys.executable and its standard library: a file that can
                                  be run. NULL: as built */
    bool ignore_environment;   /* true: PYTHONPATH and its like are not read */
    bool no_code_patch;        /* true: don't hook PyErr_CheckSignals; blocking C calls then can't be interrupted */
    bool leave_malloc;         /* true: don't set glibc's malloc. Else each of its arenas keeps 2 to 8 MiB of freed
                                  memory, and blocks are mapped by themselves from 32 MiB on (docs/engine.md, "The C
                                  library's memory") */
    int interrupt_signal;      /* makes system calls return EINTR; 0: SIGRTMIN + 5 */
    isle_event_fn on_event;    /* NULL: none */
    void *event_ctx;           /* borrowed until the runtime stops */
    const isle_host_function *host_functions; /* copied; NULL: none */
    size_t host_function_count;
    const char *package;       /* folder of the Python package `isles`, which interpreters then import under that name
                                  wherever it lies; adopted, the main interpreter gets its own part of it, the module
                                  `_isles`. Copied. NULL: `isles` is what isles.h's users know (docs/embedding.md) */
} isle_runtime_config;

#define ISLE_RUNTIME_CONFIG_INIT ISLE_INIT(isle_runtime_config)

/* Starts CPython on a thread of its own (so that the caller's thread stays free of Python), imports the C modules that
 * the engine wants in its main interpreter, and installs the interrupt signal's empty handler. `config` may be NULL.
 * ISLE_ERR_STATE: Python or Isles already runs, or Isles started it here before (CPython can't start twice reliably).
 * ISLE_ERR_UNSUPPORTED: CPython older than 3.13. ISLE_ERR_ENGINE: CPython's own message. */
ISLE_API isle_status isle_runtime_start(const isle_runtime_config *config, isle_runtime **out_runtime,
                                        isle_error **err);

/* Uses the CPython that already runs in this process; `python` and `ignore_environment` don't apply. The caller must be
 * attached to the main interpreter. isle_runtime_stop then ends the interpreters of Isles and leaves CPython
 * running; if nobody stops it, it stops at the main interpreter's exit. */
ISLE_API isle_status isle_runtime_adopt(const isle_runtime_config *config, isle_runtime **out_runtime,
                                        isle_error **err);

/* Ends every interpreter (running code has until `deadline`, then it is interrupted), then CPython if Isles
 * started it. Frees the runtime, whatever it returns. NULL is fine. Not from inside an interpreter
 * (ISLE_ERR_STATE, and nothing is freed). ISLE_ERR_STUCK: some code could not be stopped: its threads are parked,
 * CPython is not finalized, the process can go on and exit; the error names them. */
ISLE_API isle_status isle_runtime_stop(isle_runtime *runtime, int64_t deadline, isle_error **err);

typedef struct isle_engine_info {
    size_t size;
    const char *version;    /* "3.14.8"; static, as are the others */
    const char *build;      /* what CPython says of its build */
    const char *python;     /* path of the engine's `python`; "" when unknown */
    int version_hex;        /* PY_VERSION_HEX */
    bool free_threaded;
    bool debug;
    bool hook_built;        /* the library was built with Zydis: blocking C calls can be interrupted */
    bool hook_active;       /* and the running runtime does it */
    const char *hook_reason; /* why not; NULL when active or not started */
    const char *memory_reason;  /* why memory can't be counted (isles/budget.h); NULL when it is */
    uint64_t memory_left_bytes; /* allocated for interpreters that have ended, and not given back: CPython 3.13's */
    uint64_t extension_copies, extension_copy_bytes; /* copies of libraries that interpreters have (isle_extensions) */
    uint64_t extension_copies_left, extension_copies_left_bytes; /* of ended ones, where unloading is not safe */
    const char *own_fs_reason;  /* why interpreters can't have working directories of their own here; NULL: they can */
    const char *own_descriptors_reason; /* the same of tables of descriptors (private_descriptors) */
} isle_engine_info;

/* Facts of the engine. Works before the runtime starts. Set out->size first. */
ISLE_API isle_status isle_engine_describe(isle_engine_info *out);

typedef struct isle_engine_defect {
    const char *issue;   /* "python/cpython#113055" */
    const char *defect;  /* what it does */
    const char *measure; /* what Isles does about it */
} isle_engine_defect;

/* Known defects of this engine version. NULL past the end. Static. */
ISLE_API const isle_engine_defect *isle_engine_defect_at(size_t index);

ISLE_END_DECLS

#endif
