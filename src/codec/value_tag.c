/* Tags: a number over one value. What has a type of its own here is never one, so that whatever can be built is read
 * back as what it was. Owned and shared as value.c says. */
#include "value_impl.h"

#include <string.h>

#include <platform.h>

#define TAG_SELF_DESCRIBED 55799

/* --- what tags mean ----------------------------------------------------------------------------------------- */

static bool is_text(const isle_value *v, const char *text)
{
    size_t len;
    if (v->type != ISLE_STR) {
        return false;
    }
    const uint8_t *data = value_data(v, &len);
    return len == strlen(text) && memcmp(data, text, len) == 0;
}

static bool is_ours(const isle_value *content)
{
    static const char *const names[] = {"tuple", "buffer", "bytes", "queue"};
    if (content->type != ISLE_LIST || value_count(content) == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_text(&content->block->cells[0], names[i])) {
            return true;
        }
    }
    return false;
}

bool value_tag_is_reserved(uint64_t number, const isle_value *content)
{
    switch (number) {
    case CBOR_TAG_BIGNUM:
    case CBOR_TAG_NEGATIVE_BIGNUM:
    case CBOR_TAG_WTF8:
    case TAG_SELF_DESCRIBED:
        return true;
    case CBOR_TAG_OBJECT:
        return is_ours(content);
    default:
        return false;
    }
}

const isle_value *value_object(const isle_value *v, const char *name, size_t count)
{
    if (v->type != ISLE_TAG || v->tag.number != CBOR_TAG_OBJECT) {
        return NULL;
    }
    const isle_value *list = value_tag_content(v);
    if (list->type != ISLE_LIST || value_count(list) != count + 1 || !is_text(&list->block->cells[0], name)) {
        return NULL;
    }
    return &list->block->cells[1];
}

const isle_value *value_set_items(const isle_value *v)
{
    if (v->type != ISLE_TAG) {
        return NULL;
    }
    const isle_value *items = v->tag.number == VALUE_TAG_SET ? value_tag_content(v) : value_object(v, "frozenset", 1);
    return items && items->type == ISLE_LIST ? items : NULL;
}

/* --- making and looking ------------------------------------------------------------------------------------- */

bool value_put_tag(isle_value *cell, uint64_t number)
{
    *cell = (isle_value){.tag = {.number = number}, .type = ISLE_TAG};
    if (!value_reserve(cell, 1)) {
        *cell = (isle_value){.type = ISLE_NONE};
        return false;
    }
    return true;
}

isle_value *isle_value_new_tag(uint64_t tag, isle_value *content)
{
    isle_value *value = NULL;
    if (content && value_depth(content) < CBOR_MAX_DEPTH && !value_tag_is_reserved(tag, content)) {
        value = isle_value_new_none();
    }
    if (!value || !value_put_tag(value, tag)) {
        isle_value_free(value);
        isle_value_free(content);
        return NULL;
    }
    *value_tag_content(value) = *content;
    value_seal_tag(value);
    plat_free(content); /* what it held has moved */
    return value;
}

bool isle_value_as_tag(const isle_value *value, uint64_t *out_tag, const isle_value **out_content)
{
    if (isle_value_type(value) != ISLE_TAG) {
        return false;
    }
    if (out_tag) {
        *out_tag = value->tag.number;
    }
    if (out_content) {
        *out_content = value_tag_content(value);
    }
    return true;
}
