/* UTF-8 to strings. Keys of dicts come again and again: an interpreter keeps the strings that were keys lately, so that
 * most need neither be made nor hashed. */
#include "text.h"

#include <string.h>

enum { KEYS = 512 };

typedef struct known_key {
    uint64_t first, last; /* of its text: its ends */
    uint32_t len;
    PyObject *string; /* ASCII; NULL: none */
} known_key;

struct key_cache {
    known_key known[KEYS];
};

PyObject *text_make(const uint8_t *text, size_t len)
{
    return text_is_ascii(text, len) ? text_make_ascii(text, len)
                                    : PyUnicode_DecodeUTF8((const char *)text, (Py_ssize_t)len, "strict");
}

PyObject *text_make_ascii(const uint8_t *text, size_t len)
{
    if (len == 1) {
        return PyUnicode_FromOrdinal(*text); /* there is one of each */
    }
    PyObject *string = PyUnicode_New((Py_ssize_t)len, 127);
    if (string != NULL && len != 0) {
        memcpy(PyUnicode_1BYTE_DATA(string), text, len);
    }
    return string;
}

#ifdef Py_GIL_DISABLED
/* The cache has no lock. */
PyObject *text_make_key(engine_interp *interp, const cbor_reader *r, const uint8_t *text, size_t len)
{
    (void)interp;
    (void)r;
    return text_make_ascii(text, len);
}
#else
/* The first and the last eight bytes of a text of at least one: of one of up to 16 that is all there is. Reads no
 * further than the input reaches. */
static void ends_of(const cbor_reader *r, const uint8_t *text, size_t len, uint64_t *first, uint64_t *last)
{
    if (len >= 8) {
        memcpy(first, text, 8);
        memcpy(last, text + len - 8, 8);
        return;
    }
    *first = 0;
    if ((size_t)(r->end - text) >= 8) {
        memcpy(first, text, 8);
        *first &= ~UINT64_C(0) >> (64 - 8 * len); /* little-endian; elsewhere other bytes, but always the same */
    } else {
        memcpy(first, text, len);
    }
    *last = *first;
}

static bool is_key(const known_key *k, uint64_t first, uint64_t last, const uint8_t *text, size_t len)
{
    return k->string != NULL && k->first == first && k->last == last && k->len == len &&
           (len <= 16 || memcmp(PyUnicode_1BYTE_DATA(k->string), text, len) == 0);
}

/* An ASCII text of at most KEY_MAX that is a key. */
PyObject *text_make_key(engine_interp *interp, const cbor_reader *r, const uint8_t *text, size_t len)
{
    if (len == 0 || interp == NULL) {
        return text_make_ascii(text, len);
    }
    if (interp->keys == NULL) {
        interp->keys = plat_calloc(1, sizeof *interp->keys);
    }
    if (interp->keys == NULL) {
        return text_make_ascii(text, len);
    }
    uint64_t first, last;
    ends_of(r, text, len, &first, &last);
    size_t place = (((first ^ last << 1) + len) * 0x9E3779B97F4A7C15u) >> 55;
    known_key *k = &interp->keys->known[place % KEYS];
    if (is_key(k, first, last, text, len)) {
        return Py_NewRef(k->string);
    }
    PyObject *key = text_make_ascii(text, len);
    if (key != NULL) {
        Py_XSETREF(k->string, Py_NewRef(key));
        k->first = first;
        k->last = last;
        k->len = (uint32_t)len;
    }
    return key;
}
#endif

void text_drop_keys(engine_interp *interp)
{
    for (size_t i = 0; interp->keys != NULL && i < KEYS; i++) {
        Py_CLEAR(interp->keys->known[i].string);
    }
    plat_free(interp->keys);
    interp->keys = NULL;
}
