/* A dict's keys and values lie in one block, which PyDict_Copy copies as it is; then the values are put in their
 * places. The block's layout is CPython's own and has no API: a shape is taken only when its keys are found where they
 * are expected (layout_is_known).
 *
 * A place in the table goes to another shape when that came often and the one that has it did not. */
#include <string.h>

#define Py_BUILD_CORE /* for DK_UNICODE_ENTRIES, 3.13 to 3.15 */
#include "shape.h"

#include <internal/pycore_dict.h>
#undef Py_BUILD_CORE

#ifdef Py_GIL_DISABLED /* the table has no lock */
enum { IN_USE = false };
#else
enum { IN_USE = true };
#endif
enum { SHAPES = 32, KEYS_MIN = 2, KEYS_MAX = 64, PATIENCE = 8 };

struct shape_table {
    shape came[SHAPES];           /* by the text of their first key */
    shape went[SHAPES];           /* by their first key as an object; the form is for its keys only */
    const PyObject *seen[SHAPES]; /* first keys of dicts that went and have no shape: never looked into */
};

/* --- keys -------------------------------------------------------------------------------------------------------- */

/* Which of a word's bytes are the first `len` of the memory it was read from. */
static uint64_t mask_of(size_t len)
{
    unsigned others = len < 8 ? 64 - 8 * (unsigned)len : 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return ~UINT64_C(0) >> others;
#else
    return ~UINT64_C(0) << others;
#endif
}

static bool take_key(shape_key *k, PyObject *key)
{
    if (!PyUnicode_CheckExact(key) || !PyUnicode_IS_COMPACT_ASCII(key) || PyUnicode_GET_LENGTH(key) > SHAPE_TEXT_MAX) {
        return false;
    }
    size_t len = (size_t)PyUnicode_GET_LENGTH(key);
    *k = (shape_key){.len = (uint8_t)(1 + len), .mask = mask_of(1 + len), .object = key};
    k->bytes[0] = (uint8_t)(0x60 | len);
    memcpy(k->bytes + 1, PyUnicode_DATA(key), len);
    memcpy(&k->first, k->bytes, 8);
    return true;
}

static size_t place_of(uint64_t count, uint64_t first)
{
    return (size_t)((first + count) * 0x9E3779B97F4A7C15u >> 40) % SHAPES;
}

/* --- decoding ---------------------------------------------------------------------------------------------------- */

shape *shape_find(engine_interp *interp, const cbor_reader *r, uint64_t count)
{
    size_t left = (size_t)(r->end - r->at);
    uint64_t first;
    if (interp == NULL || interp->shapes == NULL || count < KEYS_MIN || count > KEYS_MAX || left < 8 ||
        *r->at >> 5 != 3) {
        return NULL;
    }
    memcpy(&first, r->at, 8);
    shape *s = &interp->shapes->came[place_of(count, first & mask_of(1u + (*r->at & 0x1f)))];
    return s->form != NULL && s->count == count && shape_match(s->keys, r->at, left) != 0 ? s : NULL;
}

static PyDictUnicodeEntry *entries_of(PyObject *dict)
{
    return DK_UNICODE_ENTRIES(((PyDictObject *)dict)->ma_keys);
}

PyObject *shape_open(shape *s, PyObject ***out_values)
{
    PyObject *dict = PyDict_Copy(s->form);
    if (dict != NULL) {
        PyObject_GC_UnTrack(dict);
        *out_values = &entries_of(dict)->me_value; /* of pairs of a key and a value; None is immortal */
        s->users++;
    }
    return dict;
}

PyObject *shape_close(shape *s, PyObject *dict)
{
    s->users--;
    s->patience = PATIENCE;
    PyObject_GC_Track(dict);
    return dict;
}

void shape_abandon(shape *s, PyObject *dict)
{
    s->users--;
    Py_DECREF(dict);
}

bool shape_leave(shape *s, PyObject *dict, size_t i, PyObject *into)
{
    const PyDictUnicodeEntry *entries = entries_of(dict);
    bool fine = true;
    for (size_t before = 0; fine && before < i; before++) {
        fine = PyDict_SetItem(into, entries[before].me_key, entries[before].me_value) == 0;
    }
    shape_abandon(s, dict);
    return fine;
}

/* --- learning ---------------------------------------------------------------------------------------------------- */

static void forget(shape *s)
{
    Py_CLEAR(s->form);
    plat_free(s->keys);
    s->keys = NULL;
}

/* The keys of `dict` as CBOR and as objects (borrowed); false: it has others than short ASCII. */
static bool take_keys(PyObject *dict, size_t count, shape_key *keys, PyObject **objects)
{
    Py_ssize_t position = 0;
    PyObject *value;
    for (size_t i = 0; i < count; i++) {
        if (!PyDict_Next(dict, &position, &objects[i], &value) || !take_key(&keys[i], objects[i])) {
            return false;
        }
    }
    return true;
}

static bool layout_is_known(PyObject *form, PyObject *const *objects, size_t count)
{
    const PyDictObject *dict = (PyDictObject *)form;
    bool known = dict->ma_values == NULL && DK_IS_UNICODE(dict->ma_keys) && dict->ma_used == (Py_ssize_t)count;
    for (size_t i = 0; known && i < count; i++) {
        known = entries_of(form)[i].me_key == objects[i] && entries_of(form)[i].me_value == Py_None;
    }
    return known;
}

static PyObject *make_form(PyObject *const *objects, size_t count)
{
    PyObject *const none = Py_None;
    PyObject *made = _PyDict_FromItems(objects, 1, &none, 0, (Py_ssize_t)count);
    PyObject *form = made != NULL ? PyDict_Copy(made) : NULL; /* as all that follow will be */
    Py_XDECREF(made);
    if (form == NULL || !layout_is_known(form, objects, count)) {
        Py_CLEAR(form);
    } else {
        PyObject_GC_UnTrack(form);
    }
    PyErr_Clear(); /* no memory: then there is no such shape */
    return form;
}

static void take_place(shape *s, PyObject *dict, size_t count, shape_key *keys)
{
    PyObject *objects[KEYS_MAX];
    PyObject *form = take_keys(dict, count, keys, objects) ? make_form(objects, count) : NULL;
    if (form == NULL) {
        plat_free(keys);
        return;
    }
    forget(s);
    *s = (shape){.form = form, .keys = keys, .count = count, .patience = PATIENCE};
}

/* One may have the place: the one there is forgotten when others wanted it often enough. */
static bool is_free(shape *s)
{
    return s->users == 0 && (s->form == NULL || s->patience-- <= 1);
}

static void learn(shape *s, PyObject *dict)
{
    size_t count = (size_t)PyDict_GET_SIZE(dict);
    shape_key *keys = plat_malloc(count * sizeof *keys);
    if (keys != NULL) {
        take_place(s, dict, count, keys);
    }
}

/* The first key of a dict that may have a shape; NULL: it may not. */
static PyObject *first_key(engine_interp *interp, PyObject *dict)
{
    Py_ssize_t position = 0, count = PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    if (!IN_USE || interp == NULL || count < KEYS_MIN || count > KEYS_MAX) {
        return NULL;
    }
    if (interp->shapes == NULL && (interp->shapes = plat_calloc(1, sizeof *interp->shapes)) == NULL) {
        return NULL;
    }
    return shape_next(dict, &position, &key, &value) ? key : NULL;
}

void shape_learn(engine_interp *interp, PyObject *dict, uint64_t count)
{
    PyObject *key = PyDict_GET_SIZE(dict) == (Py_ssize_t)count ? first_key(interp, dict) : NULL;
    shape_key first;
    if (key != NULL && take_key(&first, key)) {
        shape *s = &interp->shapes->came[place_of(count, first.first)];
        if (is_free(s)) {
            learn(s, dict);
        }
    }
}

/* --- encoding ---------------------------------------------------------------------------------------------------- */

bool shape_next(PyObject *dict, Py_ssize_t *position, PyObject **key, PyObject **value)
{
    const PyDictObject *d = (PyDictObject *)dict;
    if (!IN_USE || d->ma_values != NULL || !DK_IS_UNICODE(d->ma_keys)) {
        return PyDict_Next(dict, position, key, value);
    }
    const PyDictUnicodeEntry *entries = entries_of(dict);
    for (Py_ssize_t i = *position; i < d->ma_keys->dk_nentries; i++) {
        if (entries[i].me_value != NULL) {
            *position = i + 1;
            *key = entries[i].me_key;
            *value = entries[i].me_value;
            return true;
        }
    }
    return false;
}

/* The keys of a record that is made again and again are the same objects; those of others seldom are, and are not
 * learned before they come twice in a row. */
shape *shape_of_dict(engine_interp *interp, PyObject *dict)
{
    PyObject *key = first_key(interp, dict);
    if (key == NULL) {
        return NULL;
    }
    size_t count = (size_t)PyDict_GET_SIZE(dict), place = place_of(count, (uintptr_t)key >> 4);
    shape *s = &interp->shapes->went[place];
    bool known = s->form != NULL && s->count == count && s->keys->object == key;
    if (!known && interp->shapes->seen[place] == key && is_free(s)) {
        learn(s, dict);
        known = s->form != NULL && s->count == count && s->keys->object == key;
    }
    interp->shapes->seen[place] = key;
    if (!known) {
        return NULL;
    }
    s->users++;
    s->patience = PATIENCE;
    return s;
}

void shape_release(shape *s)
{
    if (s != NULL) {
        s->users--;
    }
}

void shape_drop_all(engine_interp *interp)
{
    for (size_t i = 0; interp->shapes != NULL && i < SHAPES; i++) {
        forget(&interp->shapes->came[i]);
        forget(&interp->shapes->went[i]);
    }
    plat_free(interp->shapes);
    interp->shapes = NULL;
}
