/* Adds this room's functions to each `_isles` that the engine makes. The engine can't call what is above it, so the
 * hook is set when the library is loaded. */
#include "module.h"

engine_interp *interp_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, "isles.interp");
}

const char *text_kept(PyObject *keep, PyObject *object)
{
    PyObject *bytes = NULL;
    if (!PyUnicode_FSConverter(object, &bytes)) {
        return NULL;
    }
    const char *text = PyList_Append(keep, bytes) == 0 ? PyBytes_AS_STRING(bytes) : NULL;
    Py_DECREF(bytes);
    return text;
}

static int add_functions(PyObject *module, PyObject *capsule, PyMethodDef *functions)
{
    for (PyMethodDef *def = functions; def->ml_name != NULL; def++) {
        if (PyModule_Add(module, def->ml_name, PyCFunction_New(def, capsule)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int extend(engine_interp *mine, PyObject *module, PyObject *capsule)
{
    if (engine.package == NULL) {
        return 0; /* only the package uses them */
    }
    mine->job_error = PyErr_NewException("isles.JobError", NULL, NULL);
    mine->job_type = job_type_make();
    return mine->job_error == NULL || mine->job_type == NULL ||
                   PyModule_AddObjectRef(module, "JobError", mine->job_error) < 0 ||
                   PyModule_AddObjectRef(module, "Job", mine->job_type) < 0 ||
                   PyModule_Add(module, "_Gate", gate_type_make()) < 0 ||
                   add_functions(module, capsule, interp_functions) < 0 ||
                   add_functions(module, capsule, budget_functions) < 0 ||
                   add_functions(module, capsule, extension_functions) < 0 ||
                   add_functions(module, capsule, policy_functions) < 0 ||
                   add_functions(module, capsule, job_functions) < 0
               ? -1
               : 0;
}

__attribute__((constructor)) static void set_hook(void)
{
    engine_extend_module = extend;
}
