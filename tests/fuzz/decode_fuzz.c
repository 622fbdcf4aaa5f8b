/* Bytes that nobody vouches for, read as a value: as CBOR that stands alone, as CBOR that came with attachments, and as
 * JSON. What can be read must survive everything that can be done to a value. */
#include <stdlib.h>
#include <string.h>

#include <isles/value.h>

#include "value_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) ((condition) ? (void)0 : abort())

/* --- what holds for every value -------------------------------------------------------------------------------- */

static void check_copy_and_repr(const isle_value *value)
{
    isle_value *copy = isle_value_copy(value);
    CHECK(copy && isle_value_equal(value, copy) && isle_value_equal(copy, value));
    char *repr = isle_value_repr(copy);
    CHECK(repr && *repr);
    isle_string_free(repr);
    isle_value_free(copy);
}

/* Equal values are one key, also in a dict that has an index. One that is nested as deep as can be is no key. */
static void check_as_key(const isle_value *value)
{
    for (int others = 0; others < 20; others += 19) {
        isle_value *dict = isle_value_new_dict();
        for (int i = 0; i < others; i++) {
            CHECK(isle_value_set(dict, isle_value_new_float(0.5 + i * 1e-9), isle_value_new_none()) == ISLE_OK);
        }
        isle_status status = isle_value_set(dict, isle_value_copy(value), isle_value_new_int(1));
        CHECK(status == isle_value_set(dict, isle_value_copy(value), isle_value_new_int(2)));
        CHECK(status == ISLE_OK || status == ISLE_ERR_LIMIT);
        CHECK(status != ISLE_OK || isle_value_len(dict) - (size_t)others <= 1);
        isle_value_free(dict);
    }
}

static void check_to_json(const isle_value *value)
{
    char *json = NULL, *path = NULL;
    isle_status status = isle_value_to_json(value, &json, &path);
    CHECK(status == ISLE_OK ? json && !path : status == ISLE_ERR_NOT_SHAREABLE && path && !json);
    isle_string_free(json);
    isle_string_free(path);
}

static void check_value(const isle_value *value)
{
    check_copy_and_repr(value);
    check_as_key(value);
    check_to_json(value);
}

/* --- CBOR that stands alone ------------------------------------------------------------------------------------- */

static void check_round_trip(const isle_value *value)
{
    uint8_t *bytes, *again;
    size_t len, again_len;
    isle_value *same;
    CHECK(isle_value_encode(value, &bytes, &len) == ISLE_OK);
    CHECK(isle_value_decode(bytes, len, &same, NULL) == ISLE_OK);
    CHECK(isle_value_equal(value, same));
    CHECK(isle_value_encode(same, &again, &again_len) == ISLE_OK);
    CHECK(len == again_len && memcmp(bytes, again, len) == 0);
    isle_value_free(same);
    isle_bytes_free(bytes);
    isle_bytes_free(again);
}

/* A limit changes nothing but whether the value is read. `status` is that without limits. */
static void check_limits(const uint8_t *data, size_t size, isle_status status, const isle_value *value)
{
    for (size_t most = 1; most <= 4096; most *= 16) {
        isle_decode_limits limits = ISLE_DECODE_LIMITS_INIT;
        limits.max_depth = most;
        limits.max_items = most;
        limits.max_bytes = 40 * most;
        isle_value *limited = NULL;
        size_t offset = 0;
        isle_status got = isle_value_decode_limited(data, size, &limits, &limited, &offset);
        CHECK(got == status || got == ISLE_ERR_LIMIT);
        CHECK(got == ISLE_OK ? isle_value_equal(limited, value) : !limited && offset <= size);
        isle_value_free(limited);
    }
}

static void check_cbor(const uint8_t *data, size_t size)
{
    isle_value *value = NULL;
    size_t offset = 0;
    isle_status status = isle_value_decode(data, size, &value, &offset);
    CHECK(status == ISLE_OK ? value != NULL : !value && offset <= size);
    CHECK(status == ISLE_OK || status == ISLE_ERR_DECODE || status == ISLE_ERR_LIMIT);
    check_limits(data, size, status, value);
    if (value) {
        check_round_trip(value);
        check_value(value);
    }
    isle_value_free(value);
}

/* --- CBOR with attachments -------------------------------------------------------------------------------------- */

static unsigned char memory[16] = "attached memory";

static void drop(attachment *a)
{
    (void)a; /* static; that it is let go of as often as it is held is checked at the end */
}

static attachment attached[] = {
    {.refs = 1, .kind = ATTACHMENT_BUFFER, .drop = drop, .data = memory, .len = sizeof(memory), .writable = true},
    {.refs = 1, .kind = ATTACHMENT_BYTES, .drop = drop, .data = memory, .len = sizeof(memory)},
    {.refs = 1, .kind = ATTACHMENT_QUEUE, .drop = drop, .data = attached, .id = 1},
};

static void check_parcel_of(const isle_value *value)
{
    parcel p;
    isle_value *same;
    CHECK(value_to_parcel(value, &p) == ISLE_OK);
    CHECK(value_from_parcel(&p, &same) == ISLE_OK);
    parcel_clear(&p);
    CHECK(isle_value_equal(value, same));
    isle_value_free(same);
}

/* What leaves the process: buffers as bytes, arrays as typed arrays, queues not at all. (Keys that were a buffer and
 * bytes with the same content are one key then, which is refused when it is read.) */
static void check_leaving(const isle_value *value)
{
    uint8_t *bytes = NULL;
    size_t len;
    isle_value *other = NULL;
    isle_status status = isle_value_encode(value, &bytes, &len);
    CHECK(status == ISLE_OK || status == ISLE_ERR_NOT_SHAREABLE);
    if (status == ISLE_OK) {
        status = isle_value_decode(bytes, len, &other, NULL);
        CHECK(status == ISLE_OK || status == ISLE_ERR_DECODE);
    }
    isle_value_free(other);
    isle_bytes_free(bytes);
}

static void check_attached(const uint8_t *data, size_t size)
{
    attachment *items[] = {&attached[0], &attached[1], &attached[2]};
    attachments beside = {.items = items, .count = 3, .capacity = 3};
    isle_value *value = NULL;
    if (value_from_bytes(data, size, &beside, &value, NULL) == ISLE_OK) {
        check_parcel_of(value);
        check_leaving(value);
        check_value(value);
        isle_value_free(value);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK(atomic_load(&attached[i].refs) == 1);
    }
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static void check_json(const uint8_t *data, size_t size)
{
    isle_value *value = NULL, *again = NULL;
    size_t offset = 0;
    isle_status status = isle_value_from_json((const char *)data, size, &value, &offset);
    if (status != ISLE_OK) {
        CHECK((status == ISLE_ERR_DECODE || status == ISLE_ERR_LIMIT) && !value && offset <= size);
        return;
    }
    char *json;
    CHECK(isle_value_to_json(value, &json, NULL) == ISLE_OK);
    CHECK(isle_value_from_json(json, strlen(json), &again, NULL) == ISLE_OK);
    CHECK(isle_value_equal(value, again));
    check_round_trip(value);
    isle_string_free(json);
    isle_value_free(again);
    isle_value_free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_cbor(data, size);
    check_attached(data, size);
    check_json(data, size);
    return 0;
}
