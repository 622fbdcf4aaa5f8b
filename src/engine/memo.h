/* Objects that encode.c has come across in one value, each with a number in the order in which they came. Attached. */
#ifndef ISLES_ENGINE_MEMO_H
#define ISLES_ENGINE_MEMO_H

#include "python.h"

enum { MEMO_FEW = 8 };

/* A few in a row, more in a hash table. Holds a reference to each. */
typedef struct memo {
    PyObject *few[MEMO_FEW];
    PyObject **table;  /* NULL: not more than a few */
    uint32_t *indexes; /* of the table's */
    size_t count, capacity;
} memo;

/* Leaves the few as they are: clearing them would be felt in a short value. */
static inline void memo_init(memo *m)
{
    m->table = NULL;
    m->indexes = NULL;
    m->count = m->capacity = 0;
}
size_t memo_find(const memo *m, const PyObject *object); /* its number, or SIZE_MAX */
bool memo_add(memo *m, PyObject *object);                /* one that is not there; false: no memory */
void memo_clear(memo *m);

#endif
