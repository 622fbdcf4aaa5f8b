/* What is wrong with the engine, by version, and what Isles does about it. Each entry has a test in tests/ that
 * runs in a child process and names the issue. */
#include <stddef.h>

#include "python.h"

#define BEFORE_314 (PY_VERSION_HEX < 0x030e0000)
/* Those two have it mended; which was the first is not known here. */
#define BEFORE_144601 (PY_VERSION_HEX < (BEFORE_314 ? 0x030d0f00 : 0x030e0800))

static const isle_engine_defect defects[] = {
#if BEFORE_314
    {"python/cpython#113055", "an interpreter that ends leaks its allocator's arenas, about 7 MB",
     "the arenas are followed by owner and taken back at the end; about 0.4 MB a cycle stays"},
    {"python/cpython#117649",
     "C modules with static types crash when they are first imported in an own-GIL interpreter",
     "such modules of the standard library are imported in the main interpreter at start"},
    {"python/cpython#128639", "an interpreter that ends with threads alive aborts the process",
     "its threads are made to end first; if they will not, the interpreter is left standing and reported"},
    {"python/cpython#116510", "ends of interpreters that used sqlite3 race", "such ends take turns"},
#endif
#if BEFORE_144601
    {"python/cpython#144601",
     "an extension's init function raises in the main interpreter: another one frees that exception, and crashes",
     "the exception is replaced by an ImportError with its words"},
#endif
    {"python/cpython#139759", "os.fork() in a process with interpreters: the child crashes",
     "os.fork() and os.forkpty() raise RuntimeError while an interpreter of Isles lives"},
    {"python/cpython#144748", "a blocking C call in an interpreter ignores interruption",
     "PyErr_CheckSignals and Py_MakePendingCalls are hooked (x86-64, with Zydis)"},
    {"tamnd/cpython-internals#179",
     "sys._current_frames() looks into the threads of other interpreters, and the process aborts",
     "it and sys._current_exceptions are replaced: they know the threads of their own interpreter"},
    {"python/cpython#90453", "PyGILState_Ensure finds the main interpreter, never another",
     "isle_interp_enter attaches to the right one, and so do private copies of extensions; others stay wrong"},
#if PY_VERSION_HEX >= 0x030e0000
    {"python/cpython#127945",
     "importing ctypes empties a table of the process for a moment: a call of another interpreter crashes",
     "each interpreter that imports ctypes gets a copy of its C module for itself"},
    {"python/cpython#130396", "attaching on the process's first thread reads the memory map each time, 0.2 ms",
     "CPython is started on a thread of its own, and home threads keep their thread state"},
#endif
};

const isle_engine_defect *isle_engine_defect_at(size_t index)
{
    return index < sizeof defects / sizeof *defects ? &defects[index] : NULL;
}

bool defects_leaks_arenas(void)
{
    return BEFORE_314;
}

/* python/cpython#117649, 3.13: the first import of these outside the main interpreter leaves static types behind
 * that the next interpreter crashes on. A module that the engine was built without is no matter. */
void defects_before_interpreters(void)
{
#if BEFORE_314
    static const char *const modules[] = {"_datetime",    "_decimal",
                                          "_ssl",         "_hashlib",
                                          "_asyncio",     "_sqlite3",
                                          "_socket",      "_ctypes",
                                          "_elementtree", "_zoneinfo",
                                          "_pickle",      "_queue",
                                          "_struct",      "_json",
                                          "_random",      "_lzma",
                                          "_bz2",         "zlib",
                                          "select",       "pyexpat",
                                          "unicodedata",  "array",
                                          "math",         "_csv",
                                          "_heapq",       "_bisect",
                                          "_uuid",        "_multiprocessing",
                                          "_posixshmem",  "_posixsubprocess",
                                          "mmap",         "fcntl",
                                          "grp",          "termios",
                                          "resource",     "syslog",
                                          "_blake2",      "_sha2",
                                          "_sha1",        "_md5",
                                          "_sha3",        "_opcode",
                                          "_statistics",  "_contextvars",
                                          "binascii"};
    if (engine.adopted) { /* before _asyncio, which else leaves asyncio with a current_task() that knows no task */
        Py_XDECREF(PyImport_ImportModule("asyncio"));
        PyErr_Clear();
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        PyObject *module = PyImport_ImportModule(modules[i]);
        if (module == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(module);
    }
#endif
}

#if BEFORE_314
static plat_lock end_lock = {PTHREAD_MUTEX_INITIALIZER};

static bool used_sqlite(void)
{
    PyObject *name = PyUnicode_FromString("_sqlite3");
    PyObject *module = name != NULL ? PyImport_GetModule(name) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(module);
    PyErr_Clear();
    return module != NULL;
}
#endif

void defects_end_lock(engine_interp *interp, bool *out_locked)
{
    (void)interp;
    *out_locked = false;
#if BEFORE_314
    if (used_sqlite()) {
        PyEval_SaveThread();
        plat_lock_take(&end_lock);
        PyEval_RestoreThread(interp->home);
        *out_locked = true;
    }
#endif
}

void defects_end_unlock(bool locked)
{
    (void)locked;
#if BEFORE_314
    if (locked) {
        plat_lock_give(&end_lock);
    }
#endif
}
