/* A few objects in a row, more in a hash table with open addressing by address. */
#include "memo.h"

static size_t slot_of(const memo *m, const PyObject *object)
{
    size_t at = ((uintptr_t)object >> 4) * 0x9E3779B97F4A7C15u >> 20;
    while (m->table[at & (m->capacity - 1)] != NULL && m->table[at & (m->capacity - 1)] != object) {
        at++;
    }
    return at & (m->capacity - 1);
}

size_t memo_find(const memo *m, const PyObject *object)
{
    if (m->table == NULL) {
        for (size_t i = 0; i < m->count; i++) {
            if (m->few[i] == object) {
                return i;
            }
        }
        return SIZE_MAX;
    }
    size_t slot = slot_of(m, object);
    return m->table[slot] != NULL ? m->indexes[slot] : SIZE_MAX;
}

static bool memo_grow(memo *m)
{
    memo larger = {.capacity = m->table != NULL ? 2 * m->capacity : 8 * MEMO_FEW, .count = m->count};
    larger.table = plat_calloc(larger.capacity, sizeof *larger.table);
    larger.indexes = plat_calloc(larger.capacity, sizeof *larger.indexes);
    if (larger.table == NULL || larger.indexes == NULL) {
        plat_free(larger.table);
        plat_free(larger.indexes);
        return false;
    }
    size_t old = m->table != NULL ? m->capacity : m->count;
    for (size_t i = 0; i < old; i++) {
        PyObject *object = m->table != NULL ? m->table[i] : m->few[i];
        if (object != NULL) {
            size_t slot = slot_of(&larger, object);
            larger.table[slot] = object;
            larger.indexes[slot] = m->table != NULL ? m->indexes[i] : (uint32_t)i;
        }
    }
    plat_free(m->table);
    plat_free(m->indexes);
    m->table = larger.table;
    m->indexes = larger.indexes;
    m->capacity = larger.capacity;
    return true;
}

bool memo_add(memo *m, PyObject *object)
{
    bool full = m->table != NULL ? m->count * 2 >= m->capacity : m->count == MEMO_FEW;
    if (m->count == UINT32_MAX || (full && !memo_grow(m))) {
        return false;
    }
    if (m->table == NULL) {
        m->few[m->count] = object;
    } else {
        size_t slot = slot_of(m, object);
        m->table[slot] = object;
        m->indexes[slot] = (uint32_t)m->count;
    }
    Py_INCREF(object);
    m->count++;
    return true;
}

void memo_clear(memo *m)
{
    size_t slots = m->table != NULL ? m->capacity : m->count;
    for (size_t i = 0; i < slots; i++) {
        Py_XDECREF(m->table != NULL ? m->table[i] : m->few[i]);
    }
    plat_free(m->table);
    plat_free(m->indexes);
    memo_init(m);
}
