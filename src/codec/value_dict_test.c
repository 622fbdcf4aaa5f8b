/* Dictionaries: order, replacing, keys of every type, before and after there is an index, and that it does not
 * take the square of the time. */
#include <isles/value.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <platform.h>

#include "value_impl.h"

static void set_int(isle_value *dict, isle_value *key, int64_t i)
{
    assert_int_equal(isle_value_set(dict, key, isle_value_new_int(i)), ISLE_OK);
}

static void assert_pair(const isle_value *dict, size_t index, const char *key, int64_t expected)
{
    const isle_value *k, *v;
    int64_t got = 0;
    assert_true(isle_value_pair(dict, index, &k, &v));
    assert_string_equal(isle_value_as_str(k, NULL), key);
    assert_true(isle_value_as_int64(v, &got) && got == expected);
}

static void test_equal_key_is_replaced_in_its_place(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict();
    set_int(dict, isle_value_new_str("a"), 1);
    set_int(dict, isle_value_new_str("b"), 2);
    set_int(dict, isle_value_new_str("c"), 3);
    set_int(dict, isle_value_new_str("a"), 4);
    assert_int_equal(isle_value_set_str(dict, "b", isle_value_new_int(5)), ISLE_OK);
    assert_int_equal(isle_value_len(dict), 3);
    assert_pair(dict, 0, "a", 4);
    assert_pair(dict, 1, "b", 5);
    assert_pair(dict, 2, "c", 3);
    const isle_value *k, *v;
    assert_false(isle_value_pair(dict, 3, &k, &v));
    assert_null(isle_value_get_str(dict, "d"));
    assert_null(isle_value_get_str(dict, ""));
    isle_value_free(dict);
}

/* Every size through the making and growing of the index, found by key and by place. */
static void test_every_size(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict();
    for (int n = 0; n < 700; n++) {
        char key[32];
        snprintf(key, sizeof(key), n % 2 ? "%d" : "a key that is on the heap %d", n);
        assert_null(isle_value_get_str(dict, key));
        assert_int_equal(isle_value_set_str(dict, key, isle_value_new_int(n)), ISLE_OK);
        assert_int_equal(isle_value_len(dict), n + 1);
        for (int i = 0; i <= n; i += n < 40 ? 1 : 17) {
            int64_t got = -1;
            snprintf(key, sizeof(key), i % 2 ? "%d" : "a key that is on the heap %d", i);
            assert_true(isle_value_as_int64(isle_value_get_str(dict, key), &got) && got == i);
            assert_pair(dict, (size_t)i, key, i);
        }
        assert_int_equal(isle_value_set_str(dict, key, isle_value_new_int(n - n % 17)), ISLE_OK);
        set_int(dict, isle_value_new_str(key), n < 40 ? n : n - n % 17);
    }
    isle_value_free(dict);
}

static isle_value *sequence(isle_value *seq, isle_value *item)
{
    assert_int_equal(isle_value_append(seq, item), ISLE_OK);
    return seq;
}

static isle_value *dict_of(const char *first, const char *second)
{
    isle_value *dict = isle_value_new_dict();
    set_int(dict, isle_value_new_str(first), 1);
    set_int(dict, isle_value_new_str(second), 1);
    return dict;
}

/* All different keys, among them values that Python takes for equal. */
static isle_value *key_number(size_t n)
{
    static const uint8_t big[] = {1, 0, 0, 0, 0, 0, 0, 0, 0};
    switch (n) {
    case 0:
        return isle_value_new_none();
    case 1:
        return isle_value_new_bool(false);
    case 2:
        return isle_value_new_bool(true);
    case 3:
        return isle_value_new_int(0);
    case 4:
        return isle_value_new_int(1);
    case 5:
        return isle_value_new_float(0.0);
    case 6:
        return isle_value_new_float(-0.0);
    case 7:
        return isle_value_new_float(1.0);
    case 8:
        return isle_value_new_float(NAN);
    case 9:
        return isle_value_new_str("");
    case 10:
        return isle_value_new_bytes("", 0);
    case 11:
        return isle_value_new_str("1");
    case 12:
        return isle_value_new_bytes("1", 1);
    case 13:
        return isle_value_new_bigint(false, big, 9);
    case 14:
        return isle_value_new_bigint(true, big, 9);
    case 15:
        return isle_value_new_bytes(big, 9);
    case 16:
        return isle_value_new_tuple();
    case 17:
        return isle_value_new_list();
    case 18:
        return isle_value_new_dict();
    case 19:
        return sequence(isle_value_new_tuple(), isle_value_new_int(1));
    case 20:
        return sequence(isle_value_new_list(), isle_value_new_int(1));
    case 21:
        return sequence(isle_value_new_tuple(), isle_value_new_tuple());
    case 22:
        return sequence(sequence(isle_value_new_tuple(), isle_value_new_str("a")), isle_value_new_str("b"));
    case 23:
        return sequence(sequence(isle_value_new_tuple(), isle_value_new_str("b")), isle_value_new_str("a"));
    case 24:
        return dict_of("a", "b");
    case 25:
        return dict_of("a", "c");
    case 26:
        return isle_value_new_str("a key that is on the heap");
    case 27:
        return isle_value_new_bytes("a key that is on the heap", 25);
    case 28:
        return isle_value_new_str("1\0"
                                  "2");
    case 29:
        return isle_value_new_str_n("1\0"
                                    "2",
                                    3);
    default:
        return NULL;
    }
}

static void test_keys_of_every_type(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict();
    size_t count = 0;
    for (size_t n = 0; n < 30; n++) {
        if (n == 28) {
            continue; /* "1" again: a C string ends at its NUL */
        }
        set_int(dict, key_number(n), (int64_t)n);
        assert_int_equal(isle_value_len(dict), ++count);
    }
    isle_value *copy = isle_value_copy(dict);
    for (size_t n = 0; n < 30; n++) {
        isle_value *key = key_number(n);
        int64_t item = -1;
        assert_true(isle_value_as_int64(isle_value_get(dict, key), &item));
        assert_int_equal(item, n == 28 ? 11 : n); /* "1" again */
        isle_value_free(key);
        set_int(copy, key_number(n), 1000); /* each is found again */
        assert_int_equal(isle_value_len(copy), count);
    }
    isle_value *unknown = isle_value_new_str("unknown");
    assert_null(isle_value_get(dict, unknown));
    assert_null(isle_value_get(unknown, unknown));
    assert_null(isle_value_get(NULL, unknown));
    assert_null(isle_value_get(dict, NULL));
    isle_value_free(unknown);
    set_int(copy, dict_of("b", "a"), 1000); /* equal to key 24: order does not count */
    assert_int_equal(isle_value_len(copy), count);
    set_int(copy, isle_value_new_str("new"), 1);
    assert_int_equal(isle_value_len(copy), count + 1);
    assert_int_equal(isle_value_len(dict), count);
    isle_value_free(copy);
    isle_value_free(dict);
}

/* Equal values have equal hashes however they came about, else the index would not find them. */
static void test_equal_values_hash_alike(void **state)
{
    (void)state;
    for (size_t n = 0; n < 30; n++) {
        for (size_t k = 0; k < 30; k++) {
            isle_value *a = key_number(n), *b = key_number(k);
            bool equal = n == k || (n == 11 && k == 28) || (n == 28 && k == 11);
            assert_int_equal(isle_value_equal(a, b), equal);
            if ((value_hash(a) == value_hash(b)) != equal) { /* 870 pairs of 32 bits: no luck needed */
                fail_msg("keys %zu and %zu", n, k);
            }
            assert_int_not_equal(value_hash(a), 0);
            isle_value_free(a);
            isle_value_free(b);
        }
    }
    isle_value *one = dict_of("a", "b"), *other = dict_of("b", "a");
    assert_int_equal(value_hash(one), value_hash(other));
    isle_value_free(one);
    isle_value_free(other);
}

static isle_value *numbered(int count, int step)
{
    isle_value *dict = isle_value_new_dict();
    for (int i = 0; i < count; i++) {
        set_int(dict, isle_value_new_int(i * step % count), i * step % count);
    }
    return dict;
}

static void test_equality_does_not_see_order(void **state)
{
    (void)state;
    for (int count = 1; count < 60; count++) {
        int step = count % 7 ? 7 : 5;
        step = count % 35 == 0 ? 3 : step;
        isle_value *a = numbered(count, 1), *b = numbered(count, step);
        assert_int_equal(isle_value_len(b), count);
        assert_true(isle_value_equal(a, b));
        set_int(b, isle_value_new_int(count / 2), -1);
        assert_false(isle_value_equal(a, b));
        set_int(b, isle_value_new_int(count / 2), count / 2);
        assert_true(isle_value_equal(b, a));
        set_int(a, isle_value_new_str("more"), 0);
        set_int(b, isle_value_new_str("other"), 0);
        assert_false(isle_value_equal(a, b));
        isle_value_free(a);
        isle_value_free(b);
    }
}

static void test_keys_that_are_not_utf8_are_found(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict();
    assert_int_equal(isle_value_set_str(dict, "caf\xe9", isle_value_new_int(1)), ISLE_OK);
    assert_non_null(isle_value_get_str(dict, "caf\xe9"));
    assert_non_null(isle_value_get_str(dict, "caf\xed\xb3\xa9"));
    assert_null(isle_value_get_str(dict, "caf\xe8"));
    isle_value_free(dict);
}

/* Two in a million pairs compared one by one would take minutes. */
static void test_many_keys_are_not_quadratic(void **state)
{
    (void)state;
    enum { COUNT = 300000 };
    isle_value *dict = isle_value_new_dict();
    int64_t deadline = plat_now() + INT64_C(20000000000);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            char key[24];
            snprintf(key, sizeof(key), "key-%d", i);
            if (isle_value_set_str(dict, key, isle_value_new_int(i)) != ISLE_OK || plat_now() > deadline) {
                fail_msg("key %d, round %d", i, round);
            }
        }
    }
    assert_int_equal(isle_value_len(dict), COUNT);
    uint8_t *bytes;
    size_t len;
    isle_value *again;
    assert_int_equal(isle_value_encode(dict, &bytes, &len), ISLE_OK);
    assert_int_equal(isle_value_decode(bytes, len, &again, NULL), ISLE_OK);
    assert_true(isle_value_equal(dict, again));
    assert_true(plat_now() < deadline);
    isle_bytes_free(bytes);
    isle_value_free(again);
    isle_value_free(dict);
}

struct reader {
    const isle_value *dict;
    plat_gate *start;
    int64_t sum;
};

static void read_all(void *arg)
{
    struct reader *reader = arg;
    plat_gate_wait(reader->start, PLAT_FOREVER);
    for (int i = 0; i < 200; i++) {
        char key[24];
        int64_t got = 0;
        snprintf(key, sizeof(key), "key-%d", i);
        isle_value_as_int64(isle_value_get_str(reader->dict, key), &got);
        reader->sum += got;
    }
    isle_value *copy = isle_value_copy(reader->dict);
    reader->sum += isle_value_equal(copy, reader->dict);
    isle_value_free(copy);
}

/* The thread sanitizer sees whether a getter writes. */
static void test_many_threads_may_read(void **state)
{
    (void)state;
    isle_value *dict = isle_value_new_dict();
    plat_gate start = {0};
    struct reader readers[4];
    plat_thread threads[4];
    for (int i = 0; i < 200; i++) {
        char key[24];
        snprintf(key, sizeof(key), "key-%d", i);
        set_int(dict, isle_value_new_str(key), i);
    }
    for (int i = 0; i < 4; i++) {
        readers[i] = (struct reader){.dict = dict, .start = &start};
        assert_int_equal(plat_thread_start(&threads[i], "read", 0, 0, read_all, &readers[i]), 0);
    }
    plat_gate_open(&start);
    for (int i = 0; i < 4; i++) {
        plat_thread_join(threads[i]);
        assert_int_equal(readers[i].sum, 199 * 200 / 2 + 1);
    }
    isle_value_free(dict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_key_is_replaced_in_its_place),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_keys_of_every_type),
        cmocka_unit_test(test_equal_values_hash_alike),
        cmocka_unit_test(test_equality_does_not_see_order),
        cmocka_unit_test(test_keys_that_are_not_utf8_are_found),
        cmocka_unit_test(test_many_keys_are_not_quadratic),
        cmocka_unit_test(test_many_threads_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
