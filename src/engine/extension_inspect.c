/* What an extension module says of itself, found by calling its init function in the main interpreter, with a thread
 * state for just that. The library stays loaded: what was made from it may be anywhere. */
#include <dlfcn.h>
#include <string.h>

#include "extension_init.h"

static isle_status fail_with_exception(engine_failure *failure)
{
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *text = PyObject_Str(exception);
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    isle_status status = engine_fail(failure, ISLE_ERR_PYTHON, "%s: %s", Py_TYPE(exception)->tp_name,
                                     utf8 != NULL ? utf8 : "");
    Py_XDECREF(text);
    Py_DECREF(exception);
    PyErr_Clear();
    return status;
}

static isle_status inspect(void *library, const char *file, const char *module, isle_extension_info *out,
                           engine_failure *failure)
{
    extension_init init = {.module = NULL};
    PyObject *name = PyUnicode_DecodeUTF8(module, (Py_ssize_t)strlen(module), "surrogateescape");
    PyObject *path = name != NULL ? PyUnicode_DecodeFSDefault(file) : NULL;
    bool fine = path != NULL && extension_init_call(library, name, path, &init);
    Py_XDECREF(path);
    Py_XDECREF(name);
    Py_XDECREF(init.module);
    if (!fine) {
        return fail_with_exception(failure);
    }
    *out = init.info;
    return ISLE_OK;
}

isle_status engine_extension_inspect(const char *file, const char *module, isle_extension_info *out,
                                     engine_failure *failure)
{
    void *before = engine_detach();
    PyThreadState *state = PyThreadState_New(engine.main);
    if (state == NULL) {
        engine_reattach(before);
        return engine_fail(failure, ISLE_ERR_NOMEM, "out of memory");
    }
    PyEval_RestoreThread(state);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    isle_status status = library != NULL ? inspect(library, file, module, out, failure)
                                         : engine_fail(failure, ISLE_ERR_SYSTEM, "%s", dlerror());
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    engine_reattach(before);
    return status;
}
