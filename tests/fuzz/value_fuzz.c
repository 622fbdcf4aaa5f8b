/* Bytes read as a program: each says what a host does next with the values on a small stack. Statuses, lengths,
 * equality and the counting of buffers are checked on the way. */
#include <stdlib.h>
#include <string.h>

#include <isles/value.h>

#include "value_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) ((condition) ? (void)0 : abort())
#define STACK 16
#define COPY_MOST 300 /* values: else a few bytes of program could double one for ever */

typedef struct machine {
    const uint8_t *at, *end;
    isle_value *stack[STACK];
    size_t depth;
    size_t made, released; /* buffers */
} machine;

static uint8_t memory[64];

static uint8_t next(machine *m)
{
    return m->at < m->end ? *m->at++ : 0;
}

static uint64_t next_number(machine *m)
{
    uint64_t number = 0;
    for (uint8_t size = next(m) % 9; size > 0; size--) {
        number = number << 8 | next(m);
    }
    return number;
}

/* Up to 40 bytes of the program. */
static const uint8_t *next_data(machine *m, size_t *out_len)
{
    const uint8_t *data = m->at;
    size_t len = next(m) % 40, left = (size_t)(m->end - m->at);
    data = m->at;
    *out_len = len < left ? len : left;
    m->at += *out_len;
    return data;
}

static void push(machine *m, isle_value *value)
{
    if (m->depth == STACK) {
        isle_value_free(m->stack[--m->depth]);
    }
    if (value) { /* a constructor that refused what it got */
        m->stack[m->depth++] = value;
    }
}

/* The top, or a new value where there is none. */
static isle_value *pop(machine *m)
{
    return m->depth ? m->stack[--m->depth] : isle_value_new_none();
}

static const isle_value *top(const machine *m)
{
    return m->depth ? m->stack[m->depth - 1] : NULL;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

/* Counts the values in it by the getters. *out_shared: there is a buffer somewhere. */
static size_t walk(const isle_value *value, bool *out_shared)
{
    size_t count = 1;
    const isle_value *key, *item;
    uint64_t tag;
    *out_shared = *out_shared || isle_value_as_buffer(value, NULL);
    for (size_t i = 0; (item = isle_value_at(value, i)) != NULL; i++) {
        count += walk(item, out_shared);
    }
    for (size_t i = 0; isle_value_pair(value, i, &key, &item); i++) {
        count += walk(key, out_shared) + walk(item, out_shared);
    }
    return isle_value_as_tag(value, &tag, &item) ? count + walk(item, out_shared) : count;
}

static void check_repr(const isle_value *value)
{
    char *repr = isle_value_repr(value);
    CHECK(repr && *repr);
    isle_string_free(repr);
}

/* Equal values are one key, others are two. */
static void check_equality(const isle_value *a, const isle_value *b)
{
    bool equal = isle_value_equal(a, b);
    CHECK(isle_value_equal(b, a) == equal && isle_value_equal(a, a));
    isle_value *dict = isle_value_new_dict();
    for (int i = 0; i < 10; i++) {
        CHECK(isle_value_set(dict, isle_value_new_float(1e-300 * i), isle_value_new_none()) == ISLE_OK);
    }
    size_t before = isle_value_len(dict);
    isle_status first = isle_value_set(dict, isle_value_copy(a), isle_value_new_none());
    bool new_a = isle_value_len(dict) > before;
    isle_status second = isle_value_set(dict, isle_value_copy(b), isle_value_new_none());
    if (first == ISLE_OK && second == ISLE_OK && new_a && isle_value_type(b) != ISLE_FLOAT) {
        CHECK(isle_value_len(dict) == before + (equal ? 1 : 2));
    }
    isle_value_free(dict);
}

static isle_value *through_bytes(const isle_value *value)
{
    uint8_t *bytes;
    size_t len;
    bool shared = false;
    isle_value *again = NULL;
    walk(value, &shared);
    CHECK(isle_value_encode(value, &bytes, &len) == ISLE_OK);
    isle_status status = isle_value_decode(bytes, len, &again, NULL);
    CHECK(status == ISLE_OK || (shared && status == ISLE_ERR_DECODE)); /* a buffer and bytes may be one key then */
    CHECK(shared || isle_value_equal(value, again));
    isle_bytes_free(bytes);
    return again;
}

static isle_value *through_parcel(const isle_value *value)
{
    parcel p;
    isle_value *again;
    CHECK(value_to_parcel(value, &p) == ISLE_OK);
    CHECK(value_from_parcel(&p, &again) == ISLE_OK);
    parcel_clear(&p);
    CHECK(isle_value_equal(value, again));
    return again;
}

static void through_json(const isle_value *value)
{
    char *json = NULL, *path = NULL;
    isle_value *again = NULL;
    isle_status status = isle_value_to_json(value, &json, &path);
    CHECK(status == ISLE_OK || (status == ISLE_ERR_NOT_SHAREABLE && path));
    if (status == ISLE_OK) {
        CHECK(isle_value_from_json(json, strlen(json), &again, NULL) == ISLE_OK);
    }
    isle_value_free(again);
    isle_string_free(json);
    isle_string_free(path);
}

/* --- building ----------------------------------------------------------------------------------------------------- */

static void release(void *ctx)
{
    ((machine *)ctx)->released++;
}

static isle_value *new_buffer(machine *m)
{
    size_t from = next(m) % sizeof(memory), len = next(m) % (sizeof(memory) - from + 1);
    bool writable = next(m) & 1;
    m->made++;
    return isle_value_new_buffer(memory + from, len, writable, release, m);
}

static isle_value *list_of_numbers(machine *m, unsigned count)
{
    isle_value *list = isle_value_new_list();
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = next(m) & 0x80 ? next_number(m) : next(m) % 8;
        CHECK(isle_value_append(list, isle_value_new_int((int64_t)number)) == ISLE_OK);
    }
    return list;
}

static isle_value *new_array(machine *m)
{
    static const char *const types[] = {"|u1", "<u2", ">i4", "<f8", "|i1", "<f2", "<c8", "f"};
    unsigned dimensions = next(m) % 4;
    isle_value *list = isle_value_new_list();
    isle_value_append(list, isle_value_new_str("ndarray"));
    isle_value_append(list, new_buffer(m));
    isle_value_append(list, isle_value_new_str(types[next(m) % 8]));
    isle_value_append(list, list_of_numbers(m, dimensions));
    isle_value_append(list, list_of_numbers(m, dimensions));
    isle_value_append(list, isle_value_new_int((int64_t)next_number(m)));
    return isle_value_new_tag(27, list);
}

static isle_value *new_scalar(machine *m)
{
    size_t len;
    double d;
    const uint8_t *data = next_data(m, &len);
    switch (next(m) % 7) {
    case 0:
        return isle_value_new_none();
    case 1:
        return isle_value_new_bool(len & 1);
    case 2:
        return isle_value_new_int((int64_t)next_number(m));
    case 3:
        return isle_value_new_bigint(len & 1, data, len);
    case 4:
        memset(&d, 0, sizeof(d));
        memcpy(&d, data, len < sizeof(d) ? len : sizeof(d));
        return isle_value_new_float(d);
    case 5:
        return isle_value_new_str_n((const char *)data, len);
    default:
        return isle_value_new_bytes(data, len);
    }
}

static isle_value *new_tag(machine *m)
{
    static const uint64_t numbers[] = {258, 27, 43000, 0, 28, 2, 273, 55799, 40};
    uint8_t which = next(m);
    uint64_t number = which < 250 ? numbers[which % 9] : next_number(m);
    return isle_value_new_tag(number, pop(m));
}

static void append(machine *m)
{
    isle_value *item = pop(m), *sequence = m->depth ? m->stack[m->depth - 1] : NULL;
    isle_type type = isle_value_type(sequence);
    size_t before = isle_value_len(sequence);
    isle_status status = isle_value_append(sequence, item);
    bool fits = type == ISLE_LIST || type == ISLE_TUPLE;
    CHECK(fits ? status == ISLE_OK || status == ISLE_ERR_LIMIT
               : status == (sequence ? ISLE_ERR_INVALID : ISLE_ERR_NOMEM));
    CHECK(isle_value_len(sequence) == before + (status == ISLE_OK));
}

static void set(machine *m)
{
    isle_value *item = pop(m), *key = pop(m), *dict = m->depth ? m->stack[m->depth - 1] : NULL;
    size_t before = isle_value_len(dict);
    isle_status status = isle_value_set(dict, key, item);
    if (isle_value_type(dict) != ISLE_DICT) {
        CHECK(status == (dict ? ISLE_ERR_INVALID : ISLE_ERR_NOMEM));
        return;
    }
    CHECK(status == ISLE_OK || status == ISLE_ERR_LIMIT);
    CHECK(isle_value_len(dict) - before <= (status == ISLE_OK));
}

static void set_str(machine *m)
{
    char key[41] = "";
    size_t len;
    const uint8_t *data = next_data(m, &len);
    memcpy(key, data, len);
    isle_value *item = pop(m), *dict = m->depth ? m->stack[m->depth - 1] : NULL;
    isle_status status = isle_value_set_str(dict, key, item);
    CHECK(status != ISLE_OK || isle_value_get_str(dict, key));
}

static void copy(machine *m)
{
    bool shared = false;
    if (m->depth && walk(top(m), &shared) <= COPY_MOST) {
        isle_value *made = isle_value_copy(top(m));
        CHECK(isle_value_equal(made, top(m)));
        push(m, made);
    }
}

static void swap(machine *m)
{
    if (m->depth >= 2) {
        isle_value *other = m->stack[m->depth - 2];
        m->stack[m->depth - 2] = m->stack[m->depth - 1];
        m->stack[m->depth - 1] = other;
    }
}

static void look(machine *m, uint8_t how)
{
    bool shared = false;
    if (m->depth == 0 || walk(top(m), &shared) > COPY_MOST) {
        return;
    }
    switch (how % 5) {
    case 0:
        push(m, through_bytes(top(m)));
        break;
    case 1:
        push(m, through_parcel(top(m)));
        break;
    case 2:
        through_json(top(m));
        break;
    case 3:
        check_repr(top(m));
        break;
    default:
        if (m->depth >= 2 && walk(m->stack[m->depth - 2], &shared) <= COPY_MOST) {
            check_equality(top(m), m->stack[m->depth - 2]);
        }
    }
}

static void step(machine *m)
{
    uint8_t what = next(m);
    switch (what % 16) {
    case 0:
    case 1:
        push(m, new_scalar(m));
        break;
    case 2:
        push(m, isle_value_new_list());
        break;
    case 3:
        push(m, isle_value_new_tuple());
        break;
    case 4:
        push(m, isle_value_new_dict());
        break;
    case 5:
        push(m, new_buffer(m));
        break;
    case 6:
        push(m, new_tag(m));
        break;
    case 7:
        push(m, new_array(m));
        break;
    case 8:
    case 9:
        append(m);
        break;
    case 10:
        set(m);
        break;
    case 11:
        set_str(m);
        break;
    case 12:
        copy(m);
        break;
    case 13:
        what & 0x10 ? swap(m) : isle_value_free(pop(m));
        break;
    default:
        look(m, what >> 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    machine m = {.at = data, .end = data + size};
    while (m.at < m.end) {
        step(&m);
    }
    while (m.depth) {
        isle_value_free(m.stack[--m.depth]);
    }
    CHECK(m.made == m.released);
    return 0;
}
