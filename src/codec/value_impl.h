/* How values lie in memory, for value*.c only.
 *
 *   isle_value (24 bytes)                    value_block (of a list, tuple, dict or tag)
 *   +--------------------------------+      +---------------------------------------------------+
 *   | bool | int64 + its magnitude | |  +-->| count, capacity, depth, index | cell | cell | ...   |
 *   | double | up to 15 bytes | block -------+---------------------------------------------------+
 *   | heap bytes | attachment        |      a list's cells are its items; a dict's are key, item, key, item ...
 *   | type, form, ...; hash          |      a tag has one cell, and its number beside the block
 *   +--------------------------------+
 *
 * Containers hold their items by value, so that a list of a million ints is one allocation. What the user gets from a
 * constructor is one such cell on the heap; adding it to a container moves its content and frees the cell. Text, bytes
 * and big integers of up to 15 bytes live in the cell.
 *
 * A container cannot be changed any more once it is inside another (only const pointers lead there), so each knows its
 * depth, and building refuses to pass CBOR_MAX_DEPTH. That is why everything else here may recurse. */
#ifndef ISLES_VALUE_IMPL_H
#define ISLES_VALUE_IMPL_H

#include <isles/value.h>

#include "cbor.h"

#define VALUE_SMALL_MAX 15 /* and a NUL */

typedef struct value_block value_block;
typedef struct value_index value_index;

typedef enum value_form {
    FORM_PLAIN,  /* none, bool, int64, float, container, attachment */
    FORM_SMALL,  /* bytes in the cell: str, bytes, big int */
    FORM_HEAP,   /* bytes of their own */
    FORM_SHARED, /* bytes, in an attachment */
} value_form;

struct isle_value {
    union {
        bool boolean;
        double number;
        struct {
            int64_t value;
            uint8_t magnitude[8]; /* most significant first, with leading zeros: for isle_value_as_bigint */
        } integer;
        uint8_t small[VALUE_SMALL_MAX + 1];
        struct {
            uint8_t *data; /* NUL-terminated */
            size_t len;
        } heap;
        value_block *block; /* NULL: empty */
        struct {
            value_block *block; /* the same; never NULL */
            uint64_t number;
        } tag;
        attachment *attachment; /* buffer, queue, FORM_SHARED: a reference */
    };
    uint8_t type; /* isle_type */
    uint8_t form; /* value_form */
    uint8_t small_len;
    bool flag;     /* int: negative (big ones only); str: has surrogates */
    uint32_t hash; /* of a dict's key, when it was needed; 0: not yet */
};

struct value_block {
    size_t count, capacity; /* cells */
    uint32_t depth;         /* of the container: 1 when it holds no other. What it has ever held counts */
    value_index *index;     /* dict: NULL while it is small */
    isle_value cells[];
};

/* By the order of isle_type. */
static inline bool value_is_container(const isle_value *v)
{
    return v->type >= ISLE_LIST && v->type <= ISLE_TAG;
}

static inline bool value_is_attachment(const isle_value *v)
{
    return v->type == ISLE_BUFFER || v->type == ISLE_QUEUE;
}

static inline bool value_holds_attachment(const isle_value *v)
{
    return v->form == FORM_SHARED || value_is_attachment(v);
}

static inline size_t value_count(const isle_value *container)
{
    return container->block ? container->block->count : 0;
}

static inline uint32_t value_depth(const isle_value *v)
{
    if (!value_is_container(v)) {
        return 0;
    }
    return v->block ? v->block->depth : 1;
}

/* The container gets this item. */
static inline void value_deepen(value_block *block, const isle_value *item)
{
    uint32_t depth = value_depth(item) + 1;
    if (depth > block->depth) {
        block->depth = depth;
    }
}

/* The bytes of a str, bytes or big int. */
static inline const uint8_t *value_data(const isle_value *v, size_t *out_len)
{
    if (v->form == FORM_SMALL) {
        *out_len = v->small_len;
        return v->small;
    }
    if (v->form == FORM_SHARED) {
        *out_len = v->attachment->len;
        return v->attachment->data;
    }
    *out_len = v->heap.len;
    return v->heap.data;
}

/* --- value.c: fill a cell. false: out of memory, and the cell is none ------------------------------------------- */
void value_put_int(isle_value *cell, int64_t i);
bool value_put_data(isle_value *cell, isle_type type, const void *data, size_t len);
bool value_put_bigint(isle_value *cell, bool negative, const uint8_t *magnitude, size_t len); /* no leading zeros */
void value_clear(isle_value *cell); /* frees what it holds; it is none then */

bool value_reserve(isle_value *container, size_t more); /* makes room for `more` cells */
size_t value_reserve_cost(const isle_value *container, size_t more); /* bytes that would take; SIZE_MAX: too many */

/* --- value_buffer.c ----------------------------------------------------------------------------------------- */
/* A copy of these bytes, with a NUL behind them, as what travels beside a value. NULL: out of memory. */
attachment *value_share_bytes(const void *data, size_t len);

/* --- value_tag.c -------------------------------------------------------------------------------------------- */
#define VALUE_TAG_SET 258
#define VALUE_TAG_COMPLEX 43000
/* Makes the cell a tag whose content is still to come, in its one cell. false: out of memory, and the cell is none. */
bool value_put_tag(isle_value *cell, uint64_t number);
static inline isle_value *value_tag_content(const isle_value *tag)
{
    return &tag->tag.block->cells[0];
}
/* Its content has come. */
static inline void value_seal_tag(isle_value *tag)
{
    tag->tag.block->count = 1;
    value_deepen(tag->tag.block, value_tag_content(tag));
}
/* What would be read back as something else than a tag: tags 2, 3, 273, 55799, and the objects of tag 27 that have a
 * type here. */
bool value_tag_is_reserved(uint64_t number, const isle_value *content);
/* The items of tag 27 [name, item...] behind the name, if it is one with so many; NULL: it is not. */
const isle_value *value_object(const isle_value *v, const char *name, size_t count);
/* The list in a set or frozenset; NULL: it is neither. */
const isle_value *value_set_items(const isle_value *v);

/* --- value_set.c -------------------------------------------------------------------------------------------- */
/* Are the lists equal in some order? */
bool value_equal_unordered(const isle_value *a, const isle_value *b);
uint64_t value_sum_of_hashes(const isle_value *list);

/* --- value_dict.c ------------------------------------------------------------------------------------------- */
#define VALUE_NOT_FOUND SIZE_MAX
void value_prepare_key(const isle_value *dict, isle_value *key); /* before the key is sought and added */
size_t value_find(const isle_value *dict, const isle_value *key); /* cell of the key, or VALUE_NOT_FOUND */
/* Moves a pair in whose key is not there; room is reserved. ISLE_ERR_NOMEM, ISLE_ERR_LIMIT: nothing was moved. */
isle_status value_add_pair(isle_value *dict, isle_value *key, isle_value *item);
size_t value_index_cost(const isle_value *dict); /* bytes that the index takes when one pair is added */
void value_index_free(value_index *index);
bool value_index_copy(const value_index *index, value_index **out_copy);
uint32_t value_hash(const isle_value *v); /* never 0 */

#endif
