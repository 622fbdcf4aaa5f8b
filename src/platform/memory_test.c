/* Memory: zero sizes, copies of text, formatted text. */
#include "platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The sanitizers' allocators end the process at an impossible size unless told to return NULL, as malloc does. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_zero_bytes_are_not_out_of_memory(void **state)
{
    (void)state;
    void *a = plat_malloc(0), *b = plat_calloc(0, 8), *c = plat_calloc(8, 0), *d = plat_realloc(NULL, 0);
    assert_true(a && b && c && d);
    assert_ptr_not_equal(a, d);
    d = plat_realloc(d, 0);
    assert_non_null(d);
    plat_free(a);
    plat_free(b);
    plat_free(c);
    plat_free(d);
    plat_free(NULL);
}

static void test_calloc_clears_and_realloc_keeps(void **state)
{
    (void)state;
    unsigned char *bytes = plat_calloc(100, 10);
    assert_non_null(bytes);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bytes[i], 0);
        bytes[i] = (unsigned char)i;
    }
    bytes = plat_realloc(bytes, 100000);
    assert_non_null(bytes);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(bytes[i], (unsigned char)i);
    }
    plat_free(bytes);
}

static void test_impossible_sizes_give_null(void **state)
{
    (void)state;
    volatile size_t half = SIZE_MAX / 2, four = 4;
    assert_null(plat_malloc(half));
    assert_null(plat_calloc(half, four)); /* the product overflows */
    assert_null(plat_realloc(NULL, half));
}

static void test_text_copies(void **state)
{
    (void)state;
    assert_null(plat_strdup(NULL));
    char *a = plat_strdup("isle"), *b = plat_strndup("isles", 4), *c = plat_strndup("isle", 100),
         *d = plat_strndup("x", 0);
    assert_string_equal(a, "isle");
    assert_string_equal(b, "isle");
    assert_string_equal(c, "isle");
    assert_string_equal(d, "");
    plat_free(a);
    plat_free(b);
    plat_free(c);
    plat_free(d);
}

static void test_printf_takes_what_it_needs(void **state)
{
    (void)state;
    char *text = plat_printf("%s-%d-%*s|", "interp", 7, 5000, "x");
    assert_non_null(text);
    assert_memory_equal(text, "interp-7-", 9);
    assert_int_equal(strlen(text), 9 + 5000 + 1);
    plat_free(text);
}

static void test_random_differs(void **state)
{
    (void)state;
    uint64_t first = plat_random();
    assert_true(first != plat_random() || first != plat_random());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_bytes_are_not_out_of_memory), cmocka_unit_test(test_calloc_clears_and_realloc_keeps),
        cmocka_unit_test(test_impossible_sizes_give_null),       cmocka_unit_test(test_text_copies),
        cmocka_unit_test(test_printf_takes_what_it_needs),       cmocka_unit_test(test_random_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
