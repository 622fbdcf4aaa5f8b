/* Replaces built-in functions of CPython, in the tables in which its modules name them. The function objects of all
 * interpreters point into these tables, so nothing is to be done when an interpreter is made, whatever code has taken
 * the function from where, and its name, signature and pickle stay what they were. A replacement looks whose thread it
 * runs on, and calls the original where no interpreter of Isles is concerned. Done once, at the runtime's start, and
 * never undone. */
#include "replace.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static PyMethodDef *of_table(PyObject *module, const char *name)
{
    PyModuleDef *def = PyModule_GetDef(module);
    PyErr_Clear(); /* a module need not have one */
    PyMethodDef *entry = def != NULL ? def->m_methods : NULL;
    while (entry != NULL && entry->ml_name != NULL && strcmp(entry->ml_name, name) != 0) {
        entry++;
    }
    return entry != NULL && entry->ml_name != NULL ? entry : NULL;
}

static PyMethodDef *of_object(PyObject *module, const char *name)
{
    PyObject *function = PyObject_GetAttrString(module, name);
    PyErr_Clear();
    PyMethodDef *entry = function != NULL && PyCFunction_Check(function) ? ((PyCFunctionObject *)function)->m_ml : NULL;
    Py_XDECREF(function);
    return entry;
}

static PyMethodDef *find_entry(const replacement *r)
{
    PyObject *module = PyImport_ImportModule(r->module);
    PyMethodDef *entry = module != NULL ? of_table(module, r->name) : NULL;
    if (module != NULL && entry == NULL) {
        entry = of_object(module, r->name);
    }
    Py_XDECREF(module);
    PyErr_Clear();
    return entry;
}

/* CPython's tables are variables; a linker that hardens may still have put them where nothing is written. */
static bool make_writable(PyMethodDef *entry)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)entry & ~(page - 1);
    return mprotect((void *)first, (uintptr_t)(entry + 1) - first, PROT_READ | PROT_WRITE) == 0;
}

static isle_status replace(const replacement *r, engine_failure *failure)
{
    PyMethodDef *entry = find_entry(r);
    if (entry == NULL && r->optional) {
        return ISLE_OK;
    }
    if (entry == NULL || entry->ml_flags != r->flags) {
        return engine_fail(failure, ISLE_ERR_UNSUPPORTED, "CPython %s: %s.%s is not the function that Isles knows",
                           PY_VERSION, r->module, r->name);
    }
    if ((void (*)(void))entry->ml_meth == r->function) {
        return ISLE_OK;
    }
    if (!make_writable(entry)) {
        return engine_fail(failure, ISLE_ERR_SYSTEM, "%s.%s can't be replaced: %s", r->module, r->name,
                           strerror(errno));
    }
    *r->original = (void (*)(void))entry->ml_meth; /* before: others may call ours at once */
    __atomic_store_n(&entry->ml_meth, (PyCFunction)r->function, __ATOMIC_RELEASE);
    return ISLE_OK;
}

isle_status replace_functions(const replacement *list, size_t count, engine_failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        isle_status status = replace(&list[i], failure);
        if (status != ISLE_OK) {
            return status;
        }
    }
    return ISLE_OK;
}

PyObject *only_argument(PyObject *const *args, Py_ssize_t count, PyObject *names, const char *name)
{
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    if (count + named != 1 || (named == 1 && !PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(names, 0), name))) {
        return NULL;
    }
    return args[0];
}
