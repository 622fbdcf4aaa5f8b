/* Buffers and queues as values: who releases the memory and when, what is shared, in parcels and in bytes that leave
 * the process. */
#include <isles/value.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <platform.h>

#include "value_codec.h"

#define THREADS 4
#define ROUNDS 2000

static _Atomic int released;

static void release(void *ctx)
{
    atomic_fetch_add((_Atomic int *)ctx, 1);
}

static isle_value *new_buffer(void *data, size_t len, bool writable)
{
    atomic_store(&released, 0);
    return isle_value_new_buffer(data, len, writable, release, &released);
}

static void test_getters(void **state)
{
    (void)state;
    char memory[1000] = "memory";
    size_t len = 0;
    isle_value *buffer = new_buffer(memory, sizeof(memory), false), *none = isle_value_new_none();
    assert_int_equal(isle_value_type(buffer), ISLE_BUFFER);
    assert_string_equal(isle_type_name(ISLE_BUFFER), "buffer");
    assert_string_equal(isle_type_name(ISLE_QUEUE), "queue");
    assert_ptr_equal(isle_value_as_buffer(buffer, &len), memory);
    assert_int_equal(len, sizeof(memory));
    assert_int_equal(isle_value_len(buffer), sizeof(memory));
    assert_null(isle_value_as_writable_buffer(buffer, &len));
    assert_null(isle_value_as_bytes(buffer, NULL));
    assert_null(isle_value_as_buffer(none, NULL));
    assert_null(isle_value_as_writable_buffer(none, NULL));
    assert_null(isle_value_as_buffer(NULL, NULL));
    assert_null(value_attachment(none));
    assert_null(value_attachment(NULL));
    char *repr = isle_value_repr(buffer);
    assert_string_equal(repr, "<buffer of 1000 bytes>");
    isle_string_free(repr);
    isle_value_free(none);
    isle_value_free(buffer);
    assert_int_equal(released, 1);
}

static void test_writing(void **state)
{
    (void)state;
    char memory[4] = "abc";
    size_t len = 0;
    isle_value *buffer = new_buffer(memory, 3, true);
    isle_value *copy = isle_value_copy(buffer);
    char *at = isle_value_as_writable_buffer(copy, &len);
    assert_ptr_equal(at, memory);
    assert_int_equal(len, 3);
    at[0] = 'x';
    assert_memory_equal(isle_value_as_buffer(buffer, NULL), "xbc", 3);
    isle_value_free(buffer);
    assert_int_equal(released, 0); /* the copy holds it */
    isle_value_free(copy);
    assert_int_equal(released, 1);
}

static void test_nothing_and_no_release(void **state)
{
    (void)state;
    isle_value *empty = new_buffer(NULL, 0, true), *fixed = isle_value_new_buffer((void *)"", 0, false, NULL, NULL);
    size_t len = 7;
    assert_non_null(isle_value_as_writable_buffer(empty, &len)); /* it is a buffer, though there is nothing in it */
    assert_int_equal(len, 0);
    assert_true(isle_value_equal(empty, fixed));
    char *repr = isle_value_repr(empty);
    assert_string_equal(repr, "<buffer of 0 bytes>");
    isle_string_free(repr);
    isle_value_free(empty);
    isle_value_free(fixed);
    assert_null(new_buffer(NULL, 1, false));
    assert_int_equal(released, 1); /* here and now */
}

static void test_equal_by_content_and_as_keys(void **state)
{
    (void)state;
    char first[] = "same", second[] = "same", third[] = "sane";
    isle_value *a = new_buffer(first, 4, true), *b = isle_value_new_buffer(second, 4, false, NULL, NULL);
    isle_value *c = isle_value_new_buffer(third, 4, false, NULL, NULL), *bytes = isle_value_new_bytes("same", 4);
    assert_true(isle_value_equal(a, b));
    assert_false(isle_value_equal(a, c));
    assert_false(isle_value_equal(a, bytes));
    isle_value *dict = isle_value_new_dict();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(isle_value_set(dict, isle_value_new_int(i), isle_value_new_none()), ISLE_OK);
    }
    assert_int_equal(isle_value_set(dict, a, isle_value_new_int(1)), ISLE_OK);
    assert_int_equal(isle_value_set(dict, b, isle_value_new_int(2)), ISLE_OK);
    assert_int_equal(isle_value_len(dict), 21);
    assert_int_equal(isle_value_set(dict, c, isle_value_new_int(3)), ISLE_OK);
    assert_int_equal(isle_value_set(dict, bytes, isle_value_new_int(3)), ISLE_OK);
    assert_int_equal(isle_value_len(dict), 23);
    isle_value_free(dict);
    assert_int_equal(released, 1);
}

/* --- parcels and bytes --------------------------------------------------------------------------------------- */

static void test_parcels_share(void **state)
{
    (void)state;
    char memory[] = "0123456789";
    isle_value *list = isle_value_new_list(), *again, *buffer = new_buffer(memory, 10, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(isle_value_append(list, isle_value_copy(buffer)), ISLE_OK);
    }
    isle_value_free(buffer);
    parcel p;
    assert_int_equal(value_to_parcel(list, &p), ISLE_OK);
    assert_int_equal(p.beside.count, 1); /* one, three times */
    isle_value_free(list);
    assert_int_equal(released, 0);
    assert_int_equal(value_from_parcel(&p, &again), ISLE_OK);
    parcel_clear(&p);
    assert_int_equal(released, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(isle_value_as_writable_buffer(isle_value_at(again, i), NULL), memory);
    }
    isle_value_free(again);
    assert_int_equal(released, 1);
}

static void test_bytes_that_leave_hold_the_content(void **state)
{
    (void)state;
    char memory[] = "0123456789";
    uint8_t *bytes;
    size_t len;
    isle_value *again, *buffer = new_buffer(memory, 10, true);
    assert_int_equal(isle_value_encode(buffer, &bytes, &len), ISLE_OK);
    isle_value_free(buffer);
    assert_int_equal(released, 1);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    isle_bytes_free(bytes);
    assert_memory_equal(isle_value_as_bytes(again, &len), "0123456789", 10);
    assert_int_equal(len, 10);
    isle_value_free(again);
}

/* --- large bytes ------------------------------------------------------------------------------------------------ */

static isle_value *new_bytes(size_t len)
{
    uint8_t *data = plat_malloc(len);
    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    isle_value *value = isle_value_new_bytes(data, len);
    plat_free(data);
    assert_non_null(value);
    return value;
}

static void test_large_bytes_travel_beside(void **state)
{
    (void)state;
    isle_value *list = isle_value_new_list(), *bytes = new_bytes(BYTES_BY_REFERENCE), *again;
    const void *memory = isle_value_as_bytes(bytes, NULL);
    assert_int_equal(((const char *)memory)[BYTES_BY_REFERENCE], 0);
    assert_int_equal(isle_value_append(list, bytes), ISLE_OK);
    assert_int_equal(isle_value_append(list, new_bytes(BYTES_BY_REFERENCE - 1)), ISLE_OK); /* not so large */
    isle_value *copy = isle_value_copy(list);
    assert_ptr_equal(isle_value_as_bytes(isle_value_at(copy, 0), NULL), memory);
    assert_ptr_not_equal(isle_value_as_bytes(isle_value_at(copy, 1), NULL),
                         isle_value_as_bytes(isle_value_at(list, 1), NULL));
    parcel p;
    assert_int_equal(value_to_parcel(list, &p), ISLE_OK);
    assert_int_equal(p.beside.count, 1);
    assert_ptr_equal(attachment_data(p.beside.items[0]), memory);
    assert_true(p.len > BYTES_BY_REFERENCE && p.len < BYTES_BY_REFERENCE + 100);
    isle_value_free(list);
    assert_int_equal(value_from_parcel(&p, &again), ISLE_OK);
    parcel_clear(&p);
    assert_true(isle_value_equal(copy, again));
    assert_int_equal(isle_value_type(isle_value_at(again, 0)), ISLE_BYTES);
    assert_int_equal(isle_value_len(isle_value_at(again, 0)), BYTES_BY_REFERENCE);
    isle_value_free(copy);
    isle_value_free(again);
}

static void test_large_bytes_that_leave_the_process(void **state)
{
    (void)state;
    isle_value *bytes = new_bytes(100000), *again;
    uint8_t *encoded;
    size_t len;
    assert_int_equal(isle_value_encode(bytes, &encoded, &len), ISLE_OK);
    assert_int_equal(len, 100005);
    assert_memory_equal(encoded, "\x5a\x00\x01\x86\xa0", 5); /* a byte string as any other: RFC 8949, 3.1 */
    assert_int_equal(isle_value_decode(encoded, len, &again, NULL), ISLE_OK);
    assert_true(isle_value_equal(bytes, again));
    isle_bytes_free(encoded);
    isle_value *dict = isle_value_new_dict();
    assert_int_equal(isle_value_set(dict, bytes, isle_value_new_int(1)), ISLE_OK); /* it may be a key */
    int64_t item = 0;
    assert_true(isle_value_as_int64(isle_value_get(dict, again), &item));
    assert_int_equal(item, 1);
    isle_value_free(again);
    isle_value_free(dict);
}

/* --- queues: here any attachment of that kind ------------------------------------------------------------------ */

static void drop_queue(attachment *a)
{
    atomic_fetch_add(&released, 1);
    plat_free(a);
}

static attachment *new_queue(void *which, uint64_t id)
{
    attachment *a = plat_calloc(1, sizeof(*a));
    assert_non_null(a);
    atomic_init(&a->refs, 1);
    a->kind = ATTACHMENT_QUEUE;
    a->drop = drop_queue;
    a->data = which;
    a->id = id;
    return a;
}

static void test_queues(void **state)
{
    (void)state;
    int first, second;
    atomic_store(&released, 0);
    isle_value *a = value_new_attachment(new_queue(&first, 7)), *b = value_new_attachment(new_queue(&first, 7));
    isle_value *c = value_new_attachment(new_queue(&second, 8));
    assert_int_equal(isle_value_type(a), ISLE_QUEUE);
    assert_ptr_equal(value_attachment(a)->data, &first);
    assert_null(isle_value_as_buffer(a, NULL));
    assert_int_equal(isle_value_len(a), 0);
    assert_true(isle_value_equal(a, b)); /* two references to one queue */
    assert_false(isle_value_equal(a, c));
    char *repr = isle_value_repr(a);
    assert_string_equal(repr, "<queue 7>");
    isle_string_free(repr);

    isle_value *dict = isle_value_new_dict(), *again;
    uint8_t *bytes = NULL;
    size_t len = 77;
    assert_int_equal(isle_value_set(dict, a, isle_value_new_int(1)), ISLE_OK);
    assert_int_equal(isle_value_set(dict, b, isle_value_new_int(2)), ISLE_OK);
    assert_int_equal(isle_value_set(dict, c, isle_value_new_int(3)), ISLE_OK);
    assert_int_equal(isle_value_len(dict), 2);
    assert_int_equal(isle_value_encode(dict, &bytes, &len), ISLE_ERR_NOT_SHAREABLE);
    assert_true(!bytes && len == 77); /* outputs are left alone */
    parcel p;
    assert_int_equal(value_to_parcel(dict, &p), ISLE_OK);
    assert_int_equal(value_from_parcel(&p, &again), ISLE_OK);
    parcel_clear(&p);
    assert_true(isle_value_equal(dict, again));
    isle_value_free(dict);
    assert_int_equal(released, 1); /* b, which was not needed */
    isle_value_free(again);
    assert_int_equal(released, 3);
    assert_null(value_new_attachment(NULL));
}

/* --- threads -------------------------------------------------------------------------------------------------- */

typedef struct sharer {
    plat_thread thread;
    isle_value *mine;
} sharer;

static void share(void *arg)
{
    sharer *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        isle_value *copy = isle_value_copy(s->mine), *again = NULL;
        parcel p;
        value_to_parcel(copy, &p);
        isle_value_free(copy);
        value_from_parcel(&p, &again);
        parcel_clear(&p);
        isle_value_free(s->mine);
        s->mine = again;
    }
    isle_value_free(s->mine);
}

static void test_many_threads_let_go(void **state)
{
    (void)state;
    char memory[] = "memory";
    isle_value *buffer = new_buffer(memory, 6, false);
    sharer sharers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        sharers[i].mine = isle_value_copy(buffer);
        assert_int_equal(plat_thread_start(&sharers[i].thread, "sharer", 0, 0, share, &sharers[i]), 0);
    }
    isle_value_free(buffer);
    for (int i = 0; i < THREADS; i++) {
        plat_thread_join(sharers[i].thread);
    }
    assert_int_equal(released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_nothing_and_no_release),
        cmocka_unit_test(test_equal_by_content_and_as_keys),
        cmocka_unit_test(test_parcels_share),
        cmocka_unit_test(test_bytes_that_leave_hold_the_content),
        cmocka_unit_test(test_large_bytes_travel_beside),
        cmocka_unit_test(test_large_bytes_that_leave_the_process),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_many_threads_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
