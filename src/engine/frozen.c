/* Modules that CPython imports for every new interpreter before any code runs, frozen: it would read them from
 * their .pyc files each time, a tenth of what an interpreter takes. Their code is what the main interpreter's own
 * loaders have, so nothing is different but that `__spec__.loader` is FrozenImporter. Made at start by the thread
 * of the main interpreter, read-only until CPython has stopped. An adopted runtime's table is its host's business. */
#include "python.h"

#include <marshal.h>

static const char *const names[] = {"encodings", "encodings.aliases", "encodings.utf_8"};

enum { COUNT = sizeof names / sizeof *names };

static struct _frozen table[COUNT + 1]; /* ends with an empty one */

static PyObject *code_of(PyObject *module, const char *name)
{
    PyObject *spec = module != NULL ? PyObject_GetAttrString(module, "__spec__") : NULL;
    PyObject *loader = spec != NULL ? PyObject_GetAttrString(spec, "loader") : NULL;
    PyObject *code = loader != NULL ? PyObject_CallMethod(loader, "get_code", "s", name) : NULL;
    Py_XDECREF(loader);
    Py_XDECREF(spec);
    return code;
}

static bool freeze(const char *name, struct _frozen *out_entry)
{
    PyObject *module = PyImport_ImportModule(name);
    PyObject *code = code_of(module, name);
    PyObject *bytes = code != NULL ? PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION) : NULL;
    size_t size = bytes != NULL ? (size_t)PyBytes_GET_SIZE(bytes) : 0;
    unsigned char *copy = bytes != NULL ? plat_malloc(size) : NULL;
    if (copy != NULL) {
        memcpy(copy, PyBytes_AS_STRING(bytes), size);
        bool package = PyObject_HasAttrString(module, "__path__");
        *out_entry = (struct _frozen){.name = name, .code = copy, .size = (int)size, .is_package = package};
    }
    Py_XDECREF(bytes);
    Py_XDECREF(code);
    Py_XDECREF(module);
    PyErr_Clear(); /* without it interpreters take longer, no more */
    return copy != NULL;
}

void frozen_start(void)
{
    if (PyImport_FrozenModules != NULL) {
        return; /* somebody else's */
    }
    size_t count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        count += freeze(names[i], &table[count]);
    }
    PyImport_FrozenModules = table;
}

void frozen_stop(void)
{
    if (PyImport_FrozenModules != table) {
        return;
    }
    PyImport_FrozenModules = NULL;
    for (size_t i = 0; table[i].name != NULL; i++) {
        plat_free((void *)table[i].code);
        table[i] = (struct _frozen){0};
    }
}
