/* Equality and copies of values. Both only read what they are given; they recurse as deep as values can be built,
 * which value_impl.h bounds. */
#include "value_impl.h"

#include <string.h>

#include <platform.h>

static bool equal_data(const isle_value *a, const isle_value *b)
{
    size_t a_len, b_len;
    const uint8_t *a_data = value_data(a, &a_len);
    const uint8_t *b_data = value_data(b, &b_len);
    return a_len == b_len && memcmp(a_data, b_data, a_len) == 0;
}

static bool equal_ints(const isle_value *a, const isle_value *b)
{
    bool a_plain = a->form == FORM_PLAIN, b_plain = b->form == FORM_PLAIN;
    if (a_plain || b_plain) {
        return a_plain == b_plain && a->integer.value == b->integer.value;
    }
    return a->flag == b->flag && equal_data(a, b);
}

static bool equal_containers(const isle_value *a, const isle_value *b)
{
    size_t count = value_count(a);
    if (count != value_count(b)) {
        return false;
    }
    bool dict = a->type == ISLE_DICT;
    for (size_t i = 0; i < count; i += dict ? 2 : 1) {
        const isle_value *item = &a->block->cells[i];
        size_t other = dict ? value_find(b, item) : i;
        if (other == VALUE_NOT_FOUND || !isle_value_equal(item + dict, &b->block->cells[other + dict])) {
            return false;
        }
    }
    return true;
}

static bool equal_tags(const isle_value *a, const isle_value *b)
{
    if (a->tag.number != b->tag.number) {
        return false;
    }
    const isle_value *a_items = value_set_items(a), *b_items = value_set_items(b);
    if (a_items && b_items) {
        return value_equal_unordered(a_items, b_items);
    }
    return isle_value_equal(value_tag_content(a), value_tag_content(b));
}

static bool equal_buffers(attachment *a, attachment *b)
{
    if (a == b || a->len != b->len) {
        return a == b;
    }
    return a->len == 0 || memcmp(attachment_data(a), attachment_data(b), a->len) == 0;
}

bool isle_value_equal(const isle_value *a, const isle_value *b)
{
    if (!a || !b || a->type != b->type) {
        return a == b;
    }
    switch (a->type) {
    case ISLE_NONE:
        return true;
    case ISLE_BOOL:
        return a->boolean == b->boolean;
    case ISLE_INT:
        return equal_ints(a, b);
    case ISLE_FLOAT:
        return memcmp(&a->number, &b->number, sizeof(a->number)) == 0;
    case ISLE_STR:
    case ISLE_BYTES:
        return equal_data(a, b);
    case ISLE_TAG:
        return equal_tags(a, b);
    case ISLE_BUFFER:
        return equal_buffers(a->attachment, b->attachment);
    case ISLE_QUEUE:
        return a->attachment->data == b->attachment->data;
    default:
        return equal_containers(a, b);
    }
}

/* On failure *to is none, and what was copied is freed. */
static bool copy_cell(isle_value *to, const isle_value *from);

static bool copy_block(isle_value *to, const value_block *from)
{
    if (!from || from->count == 0) {
        return true;
    }
    if (!value_reserve(to, from->count)) {
        return false;
    }
    value_block *block = to->block;
    block->depth = from->depth;
    for (size_t i = 0; i < from->count; i++) {
        if (!copy_cell(&block->cells[i], &from->cells[i])) {
            return false;
        }
        block->count++;
    }
    return value_index_copy(from->index, &block->index);
}

static bool copy_cell(isle_value *to, const isle_value *from)
{
    if (from->form == FORM_HEAP) {
        bool ok = value_put_data(to, (isle_type)from->type, from->heap.data, from->heap.len);
        to->flag = ok && from->flag;
        to->hash = from->hash;
        return ok;
    }
    *to = *from;
    if (value_holds_attachment(from)) {
        attachment_ref(from->attachment);
        return true;
    }
    if (!value_is_container(from)) {
        return true;
    }
    to->block = NULL;
    if (!copy_block(to, from->block)) {
        value_clear(to);
        return false;
    }
    return true;
}

isle_value *isle_value_copy(const isle_value *value)
{
    isle_value *copy = value ? isle_value_new_none() : NULL;
    if (!copy || !copy_cell(copy, value)) {
        plat_free(copy);
        return NULL;
    }
    copy->hash = 0; /* a copy of a key may be changed */
    return copy;
}
