/* Every allocation in building, copying, printing, writing and reading a sample made to fail once. Each call then
 * says so and leaves nothing behind (the leak sanitizer's part), and what was there before is unchanged. */
#include <isles/value.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <platform.h>

#include "typed_array.h"
#include "value_codec.h"

#define LONG_TEXT "a text that does not fit into a cell"

static int built, released; /* buffers */

static void release(void *ctx)
{
    (void)ctx;
    released++;
}

/* NULL when anything failed. Constructors are nested without looking, as a host would. */
static isle_value *build(void)
{
    static const uint8_t big[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
    isle_status failed = ISLE_OK;
    isle_value *list = isle_value_new_list();
    failed |= isle_value_append(list, isle_value_new_none());
    failed |= isle_value_append(list, isle_value_new_bool(true));
    failed |= isle_value_append(list, isle_value_new_int(-5));
    failed |= isle_value_append(list, isle_value_new_float(1.5));
    failed |= isle_value_append(list, isle_value_new_str("short"));
    failed |= isle_value_append(list, isle_value_new_str(LONG_TEXT));
    failed |= isle_value_append(list, isle_value_new_str(LONG_TEXT "\xff"));
    failed |= isle_value_append(list, isle_value_new_bytes(LONG_TEXT, 30));
    failed |= isle_value_append(list, isle_value_new_bigint(true, big, sizeof(big)));
    failed |= isle_value_append(list, isle_value_new_tag(258, isle_value_new_str(LONG_TEXT)));
    built++;
    failed |= isle_value_append(list, isle_value_new_buffer((void *)LONG_TEXT, 30, false, release, NULL));
    isle_value *tuple = isle_value_new_tuple();
    failed |= isle_value_append(tuple, list);
    isle_value *dict = isle_value_new_dict();
    for (int i = 0; i < 30; i++) { /* past the making and a growing of the index */
        failed |= isle_value_set(dict, isle_value_new_int(i), isle_value_new_str(LONG_TEXT));
    }
    failed |= isle_value_set_str(dict, LONG_TEXT, tuple);
    failed |= isle_value_set_str(dict, LONG_TEXT, isle_value_copy(dict)); /* replaces it */
    failed |= isle_value_set(dict, isle_value_new_tuple(), isle_value_new_dict());
    failed |= isle_value_set_str(dict, LONG_TEXT "\xff", isle_value_new_none());
    if (failed) {
        isle_value_free(dict);
        return NULL;
    }
    return dict;
}

static isle_value *sample, *with_bytes;
static uint8_t *sample_bytes;
static size_t sample_len;

static int make_sample(void **state)
{
    (void)state;
    plat_fault_set(0);
    sample = build();
    with_bytes = isle_value_new_dict();
    isle_value_set_str(with_bytes, "key", isle_value_new_bytes("x", 1));
    return sample ? isle_value_encode(sample, &sample_bytes, &sample_len) : -1;
}

static int free_sample(void **state)
{
    (void)state;
    isle_value_free(sample);
    isle_value_free(with_bytes);
    isle_bytes_free(sample_bytes);
    return 0;
}

/* Runs `attempt` with its first, second, ... allocation failing until it gets by without one. Returns how many
 * there were. */
static long fail_each(bool (*attempt)(void))
{
    for (long n = 1;; n++) {
        plat_fault_set(n);
        bool ok = attempt();
        long count = plat_fault_count();
        plat_fault_set(0);
        assert_int_equal(ok, count < n);
        if (ok) {
            return count;
        }
    }
}

static bool try_build(void)
{
    isle_value *value = build();
    bool ok = value != NULL;
    isle_value_free(value);
    assert_int_equal(released, built - 1); /* all but the sample's, also those that could not be made */
    return ok;
}

static bool try_copy(void)
{
    isle_value *copy = isle_value_copy(sample);
    bool ok = copy != NULL;
    assert_true(!ok || isle_value_equal(copy, sample));
    isle_value_free(copy);
    return ok;
}

static bool try_repr(void)
{
    char *repr = isle_value_repr(sample);
    bool ok = repr != NULL;
    isle_string_free(repr);
    return ok;
}

static bool try_encode(void)
{
    uint8_t *bytes = NULL;
    size_t len = 77;
    isle_status status = isle_value_encode(sample, &bytes, &len);
    if (status != ISLE_OK) {
        assert_int_equal(status, ISLE_ERR_NOMEM);
        assert_true(!bytes && len == 77); /* outputs are left alone */
        return false;
    }
    assert_int_equal(len, sample_len);
    assert_memory_equal(bytes, sample_bytes, len);
    isle_bytes_free(bytes);
    return true;
}

static bool try_decode_of(const uint8_t *bytes, size_t bytes_len)
{
    isle_value *value = NULL;
    isle_status status = isle_value_decode(bytes, bytes_len, &value, NULL);
    if (status != ISLE_OK) {
        assert_int_equal(status, ISLE_ERR_NOMEM);
        assert_null(value);
        return false;
    }
    isle_value_free(value);
    return true;
}

static bool try_decode(void)
{
    return try_decode_of(sample_bytes, sample_len);
}

/* Indefinite containers grow, chunks are joined, negative bignums take scratch memory. */
static bool try_decode_streamed(void)
{
    static const char bytes[] = "\x9f\xbf\x7f\x61\x61\x61\x62\xff\x5f\x50"
                                "0123456789abcdef"
                                "\xff\xff"
                                "\xc3\x49\x01\x02\x03\x04\x05\x06\x07\x08\x09"
                                "\x3b\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\x01\x02\x03\x04\x05\x06\x07\x08\xd8\x1b\x9f\x65tuple\x01\xff\xff";
    return try_decode_of((const uint8_t *)bytes, sizeof(bytes) - 1);
}

/* A writer that ran out of memory stays failed, wherever that was. */
static bool try_writer(void)
{
    cbor_writer w;
    uint8_t *bytes;
    size_t len;
    cbor_writer_init(&w);
    for (int i = 0; i < 500; i++) {
        cbor_write_tuple(&w, 4);
        cbor_write_bigint(&w, true, (const uint8_t *)"\1\0\0\0\0\0\0\0\0\0", 10);
        cbor_write_wtf8(&w, "\xed\xa0\x80", 3);
        cbor_write_bytes(&w, LONG_TEXT, i % 30);
        cbor_write_float(&w, i);
    }
    bool failed = w.failed;
    isle_status status = cbor_writer_take(&w, &bytes, &len);
    assert_int_equal(status, failed ? ISLE_ERR_NOMEM : ISLE_OK);
    if (!failed) {
        isle_bytes_free(bytes);
    }
    return !failed;
}

static bool try_parcel(void)
{
    parcel p;
    isle_value *again = NULL;
    isle_status status = value_to_parcel(sample, &p);
    status = status == ISLE_OK ? value_from_parcel(&p, &again) : status;
    parcel_clear(&p);
    assert_true(status == ISLE_OK ? isle_value_equal(again, sample) : status == ISLE_ERR_NOMEM && !again);
    isle_value_free(again);
    return status == ISLE_OK;
}

static isle_value *set_of_twenty(int first, int step)
{
    isle_value *list = isle_value_new_list();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(isle_value_append(list, isle_value_new_int(first + i * step)), ISLE_OK);
    }
    return isle_value_new_tag(258, list);
}

/* An array that must be packed: its bytes are room in the writer. */
static bool try_array(void)
{
    static uint8_t memory[1000];
    cbor_writer w;
    uint8_t *bytes;
    size_t len;
    cbor_writer_init(&w);
    const int64_t shape[] = {10, 30}, strides[] = {1, 10};
    typed_array a = {.data = memory,
                     .len = sizeof(memory),
                     .dtype = "|u1",
                     .dtype_len = 3,
                     .dimensions = 2,
                     .shape = shape,
                     .strides = strides,
                     .offset = 2};
    assert_true(typed_array_write(&w, &a));
    const int64_t apart[] = {-1, 20};
    a.strides = apart;
    a.offset = 100;
    assert_true(typed_array_write(&w, &a));
    isle_status status = cbor_writer_take(&w, &bytes, &len);
    if (status == ISLE_OK) {
        isle_bytes_free(bytes);
    }
    return status == ISLE_OK;
}

/* What is ours of it: jansson's own allocations are not counted. */
static bool try_json(void)
{
    static const char json[] = "{\"a\": [1, 2.5, true, null, \"a text that does not fit into a cell\", {}]}";
    isle_value *value = NULL;
    char *again = NULL;
    isle_status status = isle_value_from_json(json, sizeof(json) - 1, &value, NULL);
    status = status == ISLE_OK ? isle_value_to_json(value, &again, NULL) : status;
    assert_true(status == ISLE_OK ? strcmp(json, again) == 0 : status == ISLE_ERR_NOMEM && !again);
    isle_value_free(value);
    isle_string_free(again);
    return status == ISLE_OK;
}

/* The path says what it can. */
static bool try_json_path(void)
{
    char *json = NULL, *path = NULL;
    assert_int_equal(isle_value_to_json(with_bytes, &json, &path), ISLE_ERR_NOT_SHAREABLE);
    assert_null(json);
    bool whole = path && strcmp(path, "['key']: bytes") == 0;
    assert_true(whole || !path || strcmp(path, "[...]: bytes") == 0);
    isle_string_free(path);
    return whole;
}

/* A key that is not UTF-8 is escaped first, which takes memory; without it the key is not found. */
static bool try_get_str(void)
{
    return isle_value_get_str(sample, LONG_TEXT "\xff") != NULL;
}

static void test_build(void **state)
{
    (void)state;
    assert_true(fail_each(try_build) > 100);
}

static void test_copy(void **state)
{
    (void)state;
    assert_true(fail_each(try_copy) > 60);
}

static void test_repr(void **state)
{
    (void)state;
    assert_true(fail_each(try_repr) > 3);
}

static void test_encode(void **state)
{
    (void)state;
    assert_true(fail_each(try_encode) > 3);
}

static void test_decode(void **state)
{
    (void)state;
    assert_true(fail_each(try_decode) > 60);
    assert_true(fail_each(try_decode_streamed) > 8);
}

static void test_parcel(void **state)
{
    (void)state;
    assert_true(fail_each(try_parcel) > 60);
}

/* Comparing sets takes memory, and does without. */
static void test_sets_without_memory(void **state)
{
    (void)state;
    isle_value *set = set_of_twenty(0, 1), *backwards = set_of_twenty(19, -1), *other = set_of_twenty(1, 1);
    for (long n = 0; n < 2; n++) {
        plat_fault_set(n);
        assert_true(isle_value_equal(set, backwards));
        assert_int_equal(plat_fault_count(), 1);
        plat_fault_set(n);
        assert_false(isle_value_equal(set, other));
    }
    plat_fault_set(0);
    isle_value_free(set);
    isle_value_free(backwards);
    isle_value_free(other);
}

static void test_array(void **state)
{
    (void)state;
    assert_true(fail_each(try_array) > 1);
}

static void test_json(void **state)
{
    (void)state;
    assert_true(fail_each(try_json) > 10);
    assert_true(fail_each(try_json_path) > 2);
}

static void test_writer(void **state)
{
    (void)state;
    assert_true(fail_each(try_writer) > 5);
}

static void test_lookup_of_a_key_that_is_not_utf8(void **state)
{
    (void)state;
    assert_int_equal(fail_each(try_get_str), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_repr),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_parcel),
        cmocka_unit_test(test_array),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_sets_without_memory),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_lookup_of_a_key_that_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, make_sample, free_sample);
}
