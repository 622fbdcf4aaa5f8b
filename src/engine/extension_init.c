/* Asks a library for an extension module as CPython does: finds the function by the module's name, calls it, and reads
 * what it gives. Runs attached, in the interpreter that wants the module; nothing is kept. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "extension_init.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

/* "PyInit_name", or "PyInitU_" and the punycode of one that is not ASCII (PEP 489). bytes; NULL: an exception is set.
 */
static PyObject *symbol_of(const char *prefix, PyObject *name)
{
    Py_ssize_t length = PyUnicode_GetLength(name);
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, length, -1);
    PyObject *last = dot >= -1 ? PyUnicode_Substring(name, dot + 1, length) : NULL;
    if (last == NULL) {
        return NULL;
    }
    bool ascii = PyUnicode_IS_ASCII(last);
    PyObject *encoded = PyUnicode_AsEncodedString(last, ascii ? "ascii" : "punycode", NULL);
    Py_DECREF(last);
    PyObject *symbol = encoded != NULL
                           ? PyBytes_FromFormat("%s%s_%s", prefix, ascii ? "" : "U", PyBytes_AS_STRING(encoded))
                           : NULL;
    Py_XDECREF(encoded);
    if (symbol != NULL) {
        for (char *c = PyBytes_AS_STRING(symbol); *c != '\0'; c++) {
            *c = *c == '-' ? '_' : *c;
        }
    }
    return symbol;
}

static bool find(void *library, const char *prefix, PyObject *name, void **out)
{
    PyObject *symbol = symbol_of(prefix, name);
    *out = symbol != NULL ? dlsym(library, PyBytes_AS_STRING(symbol)) : NULL;
    Py_XDECREF(symbol);
    return symbol != NULL;
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* The numbers that slots have from 3.15 on; extensions for a stable ABI keep those of before. */
enum { NEW_INTERPRETERS = 86, NEW_GIL = 87 };

static void note_slot(int slot, const void *value, isle_extension_info *info)
{
    switch (slot) {
    case 3: /* Py_mod_multiple_interpreters */
    case NEW_INTERPRETERS:
        info->interpreters = (isle_extension_interpreters)((intptr_t)value + ISLE_EXTENSION_NOT_SUPPORTED);
        break;
    case 4: /* Py_mod_gil */
    case NEW_GIL:
        info->gil = (isle_extension_gil)((intptr_t)value + ISLE_EXTENSION_GIL_USED);
        break;
    default:
        break;
    }
}

#if PY_VERSION_HEX >= 0x030f0000
static void read_new_slots(const PySlot *slots, isle_extension_info *info);
#endif

static void read_slots(const PyModuleDef_Slot *slots, isle_extension_info *info)
{
    for (; slots != NULL && slots->slot != 0; slots++) {
        note_slot(slots->slot, slots->value, info);
#if PY_VERSION_HEX >= 0x030f0000
        if (slots->slot == Py_mod_slots) {
            read_slots(slots->value, info);
        } else if (slots->slot == Py_slot_subslots) {
            read_new_slots(slots->value, info);
        }
#endif
    }
}

#if PY_VERSION_HEX >= 0x030f0000
static void read_new_slots(const PySlot *slots, isle_extension_info *info)
{
    for (; slots != NULL && slots->sl_id != Py_slot_end; slots++) {
        note_slot(slots->sl_id, slots->sl_ptr, info);
        if (slots->sl_id == Py_mod_slots) {
            read_slots(slots->sl_ptr, info);
        } else if (slots->sl_id == Py_slot_subslots) {
            read_new_slots(slots->sl_ptr, info);
        } else if (slots->sl_id == Py_mod_state_size) {
            info->state_size = slots->sl_size;
        }
    }
}
#endif

/* --- what the function gave --------------------------------------------------------------------------------------- */

/* What was raised becomes the cause. */
static bool refuse(PyObject *name, PyObject *path, const char *what)
{
    PyObject *cause = PyErr_GetRaisedException();
    PyObject *message = PyUnicode_FromFormat("the init function of %U %s", name, what);
    PyErr_SetImportError(message, name, path);
    Py_XDECREF(message);
    if (cause != NULL) {
        PyObject *error = PyErr_GetRaisedException();
        PyException_SetCause(error, cause);
        PyErr_SetRaisedException(error);
    }
    return false;
}

static bool take(PyObject *made, PyObject *name, PyObject *path, extension_init *out)
{
    if (made == NULL) {
        return PyErr_Occurred() ? false : refuse(name, path, "failed and raised no exception");
    }
    if (PyErr_Occurred()) {
        return refuse(name, path, "succeeded, but an exception is set");
    }
    if (Py_TYPE(made) == NULL) {
        return refuse(name, path, "gave a definition that is not initialized (PyModuleDef_Init)");
    }
    if (PyObject_TypeCheck(made, &PyModuleDef_Type)) { /* static: no reference is given */
        out->def = (PyModuleDef *)made;
        out->info.init = ISLE_EXTENSION_MULTI_PHASE;
        read_slots(out->def->m_slots, &out->info);
        out->info.state_size = out->def->m_size;
        return true;
    }
    if (!PyModule_Check(made)) {
        Py_DECREF(made);
        return refuse(name, path, "gave no module");
    }
    out->module = made;
    out->def = PyModule_GetDef(made);
    out->info.init = ISLE_EXTENSION_SINGLE_PHASE;
    out->info.state_size = out->def != NULL ? out->def->m_size : -1;
    if (out->def == NULL && !PyErr_Occurred()) {
        Py_CLEAR(out->module);
        return refuse(name, path, "gave a module without a definition");
    }
    return out->def != NULL;
}

bool extension_init_call(void *library, PyObject *name, PyObject *path, extension_init *out)
{
    void *function = NULL;
    *out = (extension_init){.info = {.size = sizeof out->info}};
#if PY_VERSION_HEX >= 0x030f0000
    if (!find(library, "PyModExport", name, &function)) {
        return false;
    }
    if (function != NULL) {
        const PySlot *slots = ((PySlot * (*)(void)) function)();
        if (slots == NULL) {
            return PyErr_Occurred() ? false : refuse(name, path, "failed and raised no exception");
        }
        out->slots = slots;
        out->info.init = ISLE_EXTENSION_EXPORT;
        read_new_slots(slots, &out->info);
        return true;
    }
#endif
    if (!find(library, "PyInit", name, &function)) {
        return false;
    }
    return function == NULL || take(((PyObject * (*)(void)) function)(), name, path, out);
}
