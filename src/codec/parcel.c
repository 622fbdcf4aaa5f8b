#include "parcel.h"

#include <platform.h>

void attachment_unref(attachment *a)
{
    if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1) {
        a->drop(a);
    }
}

static size_t index_of(const attachments *list, const attachment *a)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == a) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t attachments_add(attachments *list, attachment *a)
{
    size_t found = index_of(list, a);
    if (found != SIZE_MAX) {
        list->repeats = true;
        return found;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 4;
        attachment **items = plat_realloc(list->items, capacity * sizeof(*items));
        if (!items) {
            return SIZE_MAX;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count] = attachment_ref(a);
    return list->count++;
}

void attachments_clear(attachments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        attachment_unref(list->items[i]);
    }
    plat_free(list->items);
    *list = (attachments){.items = NULL};
}

void parcel_clear(parcel *p)
{
    attachments_clear(&p->beside);
    plat_block_give(p->data, p->size);
    *p = (parcel){.data = NULL};
}
