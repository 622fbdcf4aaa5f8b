/* Dictionaries: finding a key. A few pairs are searched one by one; from SMALL_PAIRS on the dict has an index, a
 * table of open addressing whose slots hold pair numbers. It is made and kept by the calls that change the dict,
 * so that readers write nothing and many threads may read.
 *
 * Keys may come from hostile bytes, so the hash (SipHash-1-3) has a seed of this process, and a container that is
 * a key is hashed when it comes in: two that differ are told apart without a walk through both. */
#include "value_impl.h"

#include <pthread.h>
#include <string.h>

#include <platform.h>

#define SMALL_PAIRS 8
#define MAX_PAIRS (UINT32_MAX / 4)

struct value_index {
    uint32_t mask;    /* slots - 1; slots are a power of two, at most 2/3 of them used */
    uint32_t slots[]; /* pair number + 1; 0: free */
};

/* --- hash -------------------------------------------------------------------------------------------------- */

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    seed[0] = plat_random();
    seed[1] = plat_random();
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* `kind` keeps equal bytes of different types apart. */
static uint64_t hash_bytes(uint8_t kind, const void *data, size_t len)
{
    uint64_t v[4] = {seed[0] ^ UINT64_C(0x736f6d6570736575), seed[1] ^ UINT64_C(0x646f72616e646f6d),
                     seed[0] ^ UINT64_C(0x6c7967656e657261) ^ kind, seed[1] ^ UINT64_C(0x7465646279746573)};
    const uint8_t *at = data;
    uint64_t word;
    size_t rest = len;
    for (; rest >= sizeof(word); rest -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        sip_word(v, word);
    }
    word = 0;
    if (rest) {
        memcpy(&word, at, rest);
    }
    sip_word(v, word ^ (uint64_t)len << 56);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Equal in any order: a sum of the pairs' hashes. */
static uint64_t hash_pairs(const isle_value *dict, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i += 2) {
        const isle_value *key = &dict->block->cells[i];
        uint32_t pair[2] = {value_hash(key), value_hash(key + 1)};
        hash += hash_bytes(dict->type, pair, sizeof(pair));
    }
    return hash_bytes(dict->type, &hash, sizeof(hash));
}

static uint64_t hash_items(const isle_value *sequence, size_t count)
{
    uint64_t hash = hash_bytes(sequence->type, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        uint64_t step[2] = {hash, value_hash(&sequence->block->cells[i])};
        hash = hash_bytes(sequence->type, step, sizeof(step));
    }
    return hash;
}

static uint64_t hash_scalar(const isle_value *v)
{
    if (v->form != FORM_PLAIN) {
        size_t len;
        const uint8_t *data = value_data(v, &len);
        bool negative = v->type == ISLE_INT && v->flag;
        return hash_bytes((uint8_t)(negative ? 0x80 | v->type : v->type), data, len);
    }
    switch (v->type) {
    case ISLE_BOOL:
        return hash_bytes(v->type, &v->boolean, sizeof(v->boolean));
    case ISLE_INT:
        return hash_bytes(v->type, &v->integer.value, sizeof(v->integer.value));
    case ISLE_FLOAT:
        return hash_bytes(v->type, &v->number, sizeof(v->number));
    default:
        return hash_bytes(v->type, NULL, 0);
    }
}

static uint64_t hash_tag(const isle_value *tag)
{
    const isle_value *set = value_set_items(tag);
    uint64_t parts[2] = {tag->tag.number, set ? value_sum_of_hashes(set) : value_hash(value_tag_content(tag))};
    return hash_bytes(tag->type, parts, sizeof(parts));
}

static uint64_t hash_content(const isle_value *v)
{
    switch (v->type) {
    case ISLE_LIST:
    case ISLE_TUPLE:
        return hash_items(v, value_count(v));
    case ISLE_DICT:
        return hash_pairs(v, value_count(v));
    case ISLE_TAG:
        return hash_tag(v);
    case ISLE_BUFFER:
        return hash_bytes(v->type, attachment_data(v->attachment), v->attachment->len);
    case ISLE_QUEUE:
        return hash_bytes(v->type, &v->attachment->data, sizeof(v->attachment->data));
    default:
        return hash_scalar(v);
    }
}

uint32_t value_hash(const isle_value *v)
{
    if (v->hash) {
        return v->hash;
    }
    pthread_once(&seed_once, make_seed);
    uint64_t hash = hash_content(v);
    uint32_t folded = (uint32_t)(hash ^ hash >> 32);
    return folded ? folded : 1;
}

/* --- index ------------------------------------------------------------------------------------------------- */

static void index_add(value_index *index, uint32_t hash, uint32_t pair)
{
    uint32_t slot = hash & index->mask;
    while (index->slots[slot]) {
        slot = (slot + 1) & index->mask;
    }
    index->slots[slot] = pair + 1;
}

static value_index *index_new(size_t slots)
{
    value_index *index = plat_calloc(1, sizeof(*index) + slots * sizeof(index->slots[0]));
    if (index) {
        index->mask = (uint32_t)(slots - 1);
    }
    return index;
}

static size_t slots_of(const value_index *index)
{
    return index ? (size_t)index->mask + 1 : 0;
}

/* How many slots the index needs for one pair more; 0: it will do, or none is needed yet. */
static size_t slots_needed(const value_block *block)
{
    size_t pairs = block->count / 2;
    if (pairs < SMALL_PAIRS || (pairs + 1) * 3 <= slots_of(block->index) * 2) {
        return 0;
    }
    size_t slots = 4 * SMALL_PAIRS;
    while (slots < pairs * 3) {
        slots *= 2;
    }
    return slots;
}

size_t value_index_cost(const isle_value *dict)
{
    size_t slots = dict->block ? slots_needed(dict->block) : 0;
    size_t head = slots && !dict->block->index ? sizeof(value_index) : 0;
    return slots ? head + (slots - slots_of(dict->block->index)) * sizeof(uint32_t) : 0;
}

/* Makes room in the index for one pair more, which makes the index if it is time. */
static bool index_reserve(isle_value *dict)
{
    value_block *block = dict->block;
    size_t pairs = block->count / 2, slots = slots_needed(block);
    if (slots == 0) {
        return true;
    }
    value_index *index = index_new(slots);
    if (!index) {
        return false;
    }
    for (size_t i = 0; i < pairs; i++) {
        isle_value *key = &block->cells[2 * i];
        key->hash = value_hash(key);
        index_add(index, key->hash, (uint32_t)i);
    }
    value_index_free(block->index);
    block->index = index;
    return true;
}

void value_index_free(value_index *index)
{
    plat_free(index);
}

bool value_index_copy(const value_index *index, value_index **out_copy)
{
    *out_copy = NULL;
    if (!index) {
        return true;
    }
    value_index *copy = index_new((size_t)index->mask + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy->slots, index->slots, ((size_t)index->mask + 1) * sizeof(index->slots[0]));
    *out_copy = copy;
    return true;
}

/* --- pairs ------------------------------------------------------------------------------------------------- */

static inline bool same_key(const isle_value *a, const isle_value *b)
{
    if (a->type != b->type || (a->hash && b->hash && a->hash != b->hash)) {
        return false;
    }
    return isle_value_equal(a, b);
}

static size_t find_hashed(const value_block *block, const isle_value *key)
{
    const value_index *index = block->index;
    uint32_t hash = value_hash(key);
    for (uint32_t slot = hash & index->mask; index->slots[slot]; slot = (slot + 1) & index->mask) {
        size_t cell = 2 * (size_t)(index->slots[slot] - 1);
        if (block->cells[cell].hash == hash && isle_value_equal(&block->cells[cell], key)) {
            return cell;
        }
    }
    return VALUE_NOT_FOUND;
}

size_t value_find(const isle_value *dict, const isle_value *key)
{
    const value_block *block = dict->block;
    if (!block) {
        return VALUE_NOT_FOUND;
    }
    if (block->index) {
        return find_hashed(block, key);
    }
    for (size_t i = 0; i < block->count; i += 2) {
        if (same_key(&block->cells[i], key)) {
            return i;
        }
    }
    return VALUE_NOT_FOUND;
}

void value_prepare_key(const isle_value *dict, isle_value *key)
{
    if (value_is_container(key) || (dict->block && dict->block->index)) {
        key->hash = value_hash(key);
    }
}

isle_status value_add_pair(isle_value *dict, isle_value *key, isle_value *item)
{
    value_block *block = dict->block;
    if (block->count / 2 >= MAX_PAIRS) {
        return ISLE_ERR_LIMIT;
    }
    if (!index_reserve(dict)) {
        return ISLE_ERR_NOMEM;
    }
    if (block->index) {
        key->hash = value_hash(key);
        index_add(block->index, key->hash, (uint32_t)(block->count / 2));
    }
    block->cells[block->count++] = *key;
    block->cells[block->count++] = *item;
    return ISLE_OK;
}
