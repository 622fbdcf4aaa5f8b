/* Memory: zero sizes, copies of text, formatted text. */
#include "platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

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

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
static void skip_another_malloc(void **state)
{
    (void)state;
    skip(); /* not glibc's */
}
#define test_freed_memory_is_kept_by_threads skip_another_malloc
#define test_malloc_that_the_user_has_set_is_left_alone skip_another_malloc
#else
enum { BLOCKS = 24, BLOCK = 64 << 10 };

/* The page faults of this thread while it takes 1.5 MiB, writes to each page, and frees them. */
static long faults_of_a_round(void)
{
    char *blocks[BLOCKS];
    struct rusage before, after;
    getrusage(RUSAGE_THREAD, &before);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = plat_malloc(BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, BLOCK);
    }
    for (int i = BLOCKS; i-- > 0;) {
        plat_free(blocks[i]);
    }
    getrusage(RUSAGE_THREAD, &after);
    return after.ru_minflt - before.ru_minflt;
}

static void work(void *faults)
{
    for (int i = 0; i < 3; i++) {
        ((long *)faults)[i] = faults_of_a_round();
    }
}

static void test_freed_memory_is_kept_by_threads(void **state)
{
    (void)state;
    long faults[3];
    plat_thread thread;
    assert_true(plat_keep_freed());
    assert_int_equal(plat_thread_start(&thread, "worker", 1 << 20, 0, work, faults), 0);
    plat_thread_join(thread);
    assert_true(faults[0] > 300);
    assert_true(faults[1] < 100 && faults[2] < 100); /* left alone, it has 384 of them each time */
}

static void test_malloc_that_the_user_has_set_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(setenv("GLIBC_TUNABLES", "glibc.rtld.nns=8:glibc.malloc.top_pad=65536", 1), 0);
    assert_false(plat_keep_freed());
    assert_int_equal(setenv("GLIBC_TUNABLES", "glibc.rtld.nns=8", 1), 0);
    assert_true(plat_keep_freed());
    assert_int_equal(setenv("MALLOC_TOP_PAD_", "0", 1), 0);
    assert_false(plat_keep_freed());
    unsetenv("MALLOC_TOP_PAD_");
    unsetenv("GLIBC_TUNABLES");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_bytes_are_not_out_of_memory),
        cmocka_unit_test(test_calloc_clears_and_realloc_keeps),
        cmocka_unit_test(test_impossible_sizes_give_null),
        cmocka_unit_test(test_text_copies),
        cmocka_unit_test(test_printf_takes_what_it_needs),
        cmocka_unit_test(test_random_differs),
        cmocka_unit_test(test_freed_memory_is_kept_by_threads),
        cmocka_unit_test(test_malloc_that_the_user_has_set_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
