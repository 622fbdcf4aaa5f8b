/* The bare engine, as a careful program would use it without Isles: an interpreter on a fresh thread with the
 * configuration, the stack and the set-up that Isles gives its own. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>

#include "cost.h"

struct bare {
    pthread_t thread;
    const char *source;
    _Atomic uint32_t ready, end;
};

static void fatal(const char *what)
{
    fprintf(stderr, "bench_cost: the engine: %s\n", what);
    exit(1);
}

static void *live(void *arg)
{
    struct bare *bare = arg;
    PyInterpreterConfig config = {
        .allow_threads = 1,
        .allow_daemon_threads = 1,
        .check_multi_interp_extensions = 1,
        .gil = PyInterpreterConfig_OWN_GIL,
    };
    PyThreadState *home = NULL;
    PyStatus status = Py_NewInterpreterFromConfig(&home, &config);
    if (PyStatus_Exception(status)) {
        fatal(status.err_msg);
    }
    if (bare->source != NULL && PyRun_SimpleString(bare->source) != 0) {
        fatal("the code failed");
    }
    PyEval_SaveThread();
    word_set(&bare->ready, 1);
    word_wait_while(&bare->end, 0);
    PyEval_RestoreThread(home);
    Py_EndInterpreter(home);
    return NULL;
}

struct bare *bare_create(const char *source)
{
    struct bare *bare = calloc(1, sizeof *bare);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, COST_STACK_BYTES);
    if (bare == NULL) {
        fatal("out of memory");
    }
    bare->source = source;
    if (pthread_create(&bare->thread, &attr, live, bare) != 0) {
        fatal("no thread");
    }
    pthread_attr_destroy(&attr);
    word_wait_while(&bare->ready, 0);
    return bare;
}

void bare_end(struct bare *bare)
{
    word_set(&bare->end, 1);
    pthread_join(bare->thread, NULL);
    free(bare);
}

void bare_start(const char *imports)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    config.install_signal_handlers = 0;
    config.site_import = 0;
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    PyStatus status = PyConfig_SetBytesString(&config, &config.executable, info.python);
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fatal(status.err_msg);
    }
    if (PyRun_SimpleString(imports) != 0) {
        fatal("the imports failed");
    }
    PyEval_SaveThread();
}

void *bare_entry_target(void)
{
    return PyInterpreterState_Get();
}

void bare_enter_leave(void *target)
{
    PyThreadState *state = PyThreadState_New(target);
    PyEval_RestoreThread(state);
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
}

bool engine_leaks(void)
{
    return PY_VERSION_HEX < 0x030e0000;
}
