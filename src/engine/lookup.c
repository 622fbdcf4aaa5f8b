/* An entry of a dict's table keeps its place until it is deleted or the table grows, and its key is the same object: so
 * that object in that place is the name's entry. Attached. */
#define Py_BUILD_CORE /* for DK_UNICODE_ENTRIES, 3.13 to 3.15 */
#include "lookup.h"

#include <stdbool.h>

#include <internal/pycore_dict.h>
#undef Py_BUILD_CORE

#ifndef Py_GIL_DISABLED

static bool has_entries(PyObject *dict)
{
    const PyDictObject *d = (PyDictObject *)dict;
    return d->ma_values == NULL && DK_IS_UNICODE(d->ma_keys);
}

static void remember(lookup *l, PyObject *dict, PyObject *name, PyObject *value)
{
    const PyDictObject *d = (PyDictObject *)dict;
    const PyDictUnicodeEntry *entries = has_entries(dict) ? DK_UNICODE_ENTRIES(d->ma_keys) : NULL;
    lookup_forget(l);
    for (Py_ssize_t i = 0; entries != NULL && i < d->ma_keys->dk_nentries; i++) {
        if (entries[i].me_value == value && PyUnicode_Compare(entries[i].me_key, name) == 0) {
            *l = (lookup){.at = i, .key = Py_NewRef(entries[i].me_key)};
            return;
        }
    }
}

int lookup_in(lookup *l, PyObject *dict, PyObject *name, PyObject **out)
{
    const PyDictObject *d = (PyDictObject *)dict;
    if (l == NULL) {
        return PyDict_GetItemRef(dict, name, out);
    }
    if (l->key != NULL && has_entries(dict) && l->at < d->ma_keys->dk_nentries) {
        const PyDictUnicodeEntry *entry = &DK_UNICODE_ENTRIES(d->ma_keys)[l->at];
        if (entry->me_key == l->key && entry->me_value != NULL) {
            *out = Py_NewRef(entry->me_value);
            return 1;
        }
    }
    int found = PyDict_GetItemRef(dict, name, out);
    if (found == 1) {
        remember(l, dict, name, *out);
    }
    return found;
}

#else /* another thread may be changing the table */

int lookup_in(lookup *l, PyObject *dict, PyObject *name, PyObject **out)
{
    (void)l;
    return PyDict_GetItemRef(dict, name, out);
}

#endif

void lookup_forget(lookup *l)
{
    Py_CLEAR(l->key);
}
