/* Verdicts of `isles check`, for interpreters with extensions = auto: the file in the user's cache folder is read once
 * by each interpreter that meets an extension, and a file's verdict is remembered for the process, since finding it
 * takes reading the whole of it. Attached to the interpreter that asks. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extensions.h"

typedef struct judged {
    struct judged *next;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    const char *advice; /* NULL: nothing is against a copy */
} judged;

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER}; /* a leaf */
static judged *list;                                 /* under it; for the life of the process */

static const struct {
    const char *verdict, *advice;
} advices[] = {
    {"shared gil", "it needs the shared GIL: give the interpreter extensions = shared-gil"},
    {"main only", "it works in the main interpreter only: use it in a process of its own (multiprocessing)"},
    {"worker process", "it can't be in a process with other interpreters: use it in one of its own (multiprocessing)"},
    {"broken", "it does not work on this engine"},
};

static const char *advice_for(PyObject *verdict)
{
    for (size_t i = 0; PyUnicode_Check(verdict) && i < sizeof advices / sizeof *advices; i++) {
        if (PyUnicode_EqualToUTF8(verdict, advices[i].verdict)) {
            return advices[i].advice;
        }
    }
    return NULL;
}

/* The host's folder, whatever environment the interpreter has. plat_free; NULL: none, or no memory. */
static char *cache_file(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') {
        return plat_printf("%s/isles/verdicts.json", cache);
    }
    return home != NULL && home[0] == '/' ? plat_printf("%s/.cache/isles/verdicts.json", home) : NULL;
}

static judged *find(const struct stat *about)
{
    plat_lock_take(&lock);
    judged *j = list;
    while (j != NULL && (j->device != about->st_dev || j->inode != about->st_ino || j->size != about->st_size ||
                         j->changed.tv_sec != about->st_mtim.tv_sec || j->changed.tv_nsec != about->st_mtim.tv_nsec)) {
        j = j->next;
    }
    plat_lock_give(&lock);
    return j;
}

static void note(const struct stat *about, const char *advice)
{
    judged *j = plat_malloc(sizeof *j);
    if (j != NULL) { /* else it is looked up again */
        *j = (judged){.device = about->st_dev,
                      .inode = about->st_ino,
                      .size = about->st_size,
                      .changed = about->st_mtim,
                      .advice = advice};
        plat_lock_take(&lock);
        j->next = list;
        list = j;
        plat_lock_give(&lock);
    }
}

/* [globals of verdicts.py, the verdicts]; borrowed; NULL: there are none, or an exception is set. */
static PyObject *known_verdicts(PyObject **kept)
{
    char *file = *kept == NULL ? cache_file() : NULL;
    if (file != NULL && access(file, R_OK) == 0) {
        PyObject *globals = script_load(SCRIPT_VERDICTS, "isles._verdicts");
        PyObject *read = globals != NULL ? PyDict_GetItemString(globals, "verdicts") : NULL;
        PyObject *path = read != NULL ? PyUnicode_DecodeFSDefault(file) : NULL;
        PyObject *known = path != NULL ? PyObject_CallOneArg(read, path) : NULL;
        *kept = known != NULL ? PyTuple_Pack(2, globals, known) : NULL;
        Py_XDECREF(known);
        Py_XDECREF(path);
        Py_XDECREF(globals);
    }
    plat_free(file);
    return *kept;
}

int verdict_on(PyObject **kept, PyObject *path, const struct stat *about, const char **out_advice)
{
    *out_advice = NULL;
    const judged *j = find(about);
    if (j != NULL) {
        *out_advice = j->advice;
        return 0;
    }
    PyObject *known = known_verdicts(kept);
    if (known == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *ask = PyDict_GetItemString(PyTuple_GET_ITEM(known, 0), "verdict");
    PyObject *verdict = PyObject_CallFunctionObjArgs(ask, PyTuple_GET_ITEM(known, 1), path, NULL);
    if (verdict == NULL) {
        return -1;
    }
    *out_advice = advice_for(verdict);
    Py_DECREF(verdict);
    note(about, *out_advice);
    return 0;
}
