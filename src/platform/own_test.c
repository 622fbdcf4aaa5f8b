/* What a thread is in: its locale, its variables, inherited by threads that it starts; calls that are redirected. */
#include "own.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static plat_own *make(const char *locale)
{
    plat_own *own = plat_own_new();
    assert_non_null(own);
    assert_int_equal(plat_locale_own(own, locale), 0);
    assert_int_equal(plat_variables_own(own), 0);
    return own;
}

/* --- entered and left --------------------------------------------------------------------------------------------- */

static void test_entered_and_left(void **state)
{
    (void)state;
    plat_own *one = make("C"), *two = make("C.UTF-8");
    locale_t before = uselocale((locale_t)0);
    assert_null(plat_own_of_thread());
    assert_null(plat_own_enter(one));
    assert_string_equal(plat_setlocale(LC_CTYPE, NULL), "C");
    assert_ptr_equal(plat_own_enter(two), one);
    assert_string_equal(plat_setlocale(LC_ALL, NULL), "C.UTF-8");
    assert_ptr_equal(plat_own_enter(NULL), two);
    assert_ptr_equal(uselocale((locale_t)0), before);
    plat_own_unref(one);
    plat_own_unref(two);
}

static void test_a_thread_has_back_what_it_had(void **state)
{
    (void)state;
    plat_own *own = make("C");
    locale_t mine = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0), before = uselocale(mine);
    plat_own_enter(own);
    assert_ptr_not_equal(uselocale((locale_t)0), mine);
    plat_own_enter(NULL); /* as for a call-back */
    assert_ptr_equal(uselocale((locale_t)0), mine);
    plat_own_enter(own);
    plat_own_enter(NULL);
    assert_ptr_equal(uselocale((locale_t)0), mine);
    uselocale(before);
    freelocale(mine);
    plat_own_unref(own);
}

/* --- locales ------------------------------------------------------------------------------------------------------ */

static void test_names(void **state)
{
    (void)state;
    static const char composite[] =
        "LC_CTYPE=C.UTF-8;LC_NUMERIC=C;LC_TIME=C;LC_COLLATE=C;LC_MONETARY=C;LC_MESSAGES=C;LC_PAPER=C;LC_NAME=C;"
        "LC_ADDRESS=C;LC_TELEPHONE=C;LC_MEASUREMENT=C;LC_IDENTIFICATION=C";
    plat_own *own = make("C");
    char *process = strdup(setlocale(LC_ALL, NULL));
    plat_own_enter(own);
    assert_string_equal(plat_setlocale(LC_CTYPE, "C.UTF-8"), "C.UTF-8");
    assert_string_equal(plat_setlocale(LC_ALL, NULL), composite);
    assert_string_equal(plat_setlocale(LC_ALL, "C"), "C");
    assert_string_equal(plat_setlocale(LC_ALL, composite), composite);
    assert_null(plat_setlocale(LC_ALL, "LC_CTYPE=C;LC_TIME=C"));
    assert_null(plat_setlocale(LC_ALL, "no such"));
    assert_null(plat_setlocale(99, "C"));
    assert_string_equal(plat_setlocale(LC_ALL, NULL), composite);
    plat_own_enter(NULL);
    assert_string_equal(setlocale(LC_ALL, NULL), process);
    free(process);
    plat_own_unref(own);
}

static void test_no_such_locale(void **state)
{
    (void)state;
    plat_own *own = plat_own_new();
    assert_int_equal(plat_locale_own(own, "no such"), ENOENT);
    assert_false(plat_locale_is_own(own));
    plat_own_unref(own);
}

static void test_an_empty_name_goes_by_its_variables(void **state)
{
    (void)state;
    plat_own *own = make("C");
    assert_int_equal(plat_variable_set(own, "LANG", "C.UTF-8"), 0);
    plat_own_enter(own);
    assert_string_equal(plat_setlocale(LC_CTYPE, ""), "C.UTF-8");
    assert_int_equal(plat_variable_set(own, "LC_ALL", "C"), 0);
    assert_string_equal(plat_setlocale(LC_CTYPE, ""), "C");
    plat_own_enter(NULL);
    plat_own_unref(own);
}

static void test_localeconv_is_as_libcs(void **state)
{
    (void)state;
    plat_own *own = make("C");
    struct lconv libcs = *localeconv();
    plat_own_enter(own);
    struct lconv *ours = plat_localeconv();
    assert_string_equal(ours->decimal_point, libcs.decimal_point);
    assert_string_equal(ours->grouping, libcs.grouping);
    assert_string_equal(ours->mon_grouping, libcs.mon_grouping);
    assert_string_equal(ours->int_curr_symbol, libcs.int_curr_symbol);
    assert_int_equal(ours->frac_digits, libcs.frac_digits);
    assert_int_equal(ours->int_n_sign_posn, libcs.int_n_sign_posn);
    plat_own_enter(NULL);
    plat_own_unref(own);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static void *look(void *unused)
{
    (void)unused;
    assert_string_equal(plat_setlocale(LC_ALL, NULL), "C.UTF-8");
    return plat_own_of_thread();
}

static void *look_again(void *unused)
{
    pthread_t thread;
    void *seen;
    (void)unused;
    assert_int_equal(own_start_thread(&thread, NULL, look, NULL, pthread_create), 0);
    pthread_join(thread, &seen);
    return seen;
}

static void test_threads_inherit(void **state)
{
    (void)state;
    pthread_t thread;
    void *seen;
    plat_own *own = make("C.UTF-8");
    plat_own_enter(own);
    assert_int_equal(own_start_thread(&thread, NULL, look_again, NULL, pthread_create), 0);
    plat_own_enter(NULL);
    plat_own_unref(own); /* the thread keeps it */
    pthread_join(thread, &seen);
    assert_ptr_equal(seen, own);
}

static void see_nothing(void *out)
{
    *(void **)out = plat_own_of_thread();
}

static void test_threads_of_ours_are_in_none(void **state)
{
    (void)state;
    plat_own *own = make("C");
    void *seen = own;
    plat_thread thread;
    plat_own_enter(own);
    assert_int_equal(plat_thread_start(&thread, "none", 0, 0, see_nothing, &seen), 0);
    plat_thread_join(thread);
    assert_null(seen);
    assert_ptr_equal(plat_own_enter(NULL), own);
    plat_own_unref(own);
}

/* --- variables ---------------------------------------------------------------------------------------------------- */

static int count(void *ctx, const char *name, const char *value)
{
    *(size_t *)ctx += strlen(name) + strlen(value);
    return 0;
}

static void test_variables(void **state)
{
    (void)state;
    plat_own *own = make("C");
    size_t length = 0;
    assert_int_equal(plat_variable_set(own, "A", "one"), 0);
    assert_int_equal(plat_variable_set(own, "B", "two"), 0);
    char *kept = own_variable_get(own, "A");
    assert_int_equal(plat_variable_set(own, "A", "other"), 0);
    assert_string_equal(kept, "one");
    assert_string_equal(own_variable_get(own, "A"), "other");
    assert_int_equal(plat_variables_visit(own, count, &length), 0);
    assert_int_equal(length, 1 + 5 + 1 + 3);
    assert_int_equal(plat_variable_set(own, "A", NULL), 0);
    assert_null(own_variable_get(own, "A"));
    plat_variables_clear(own);
    assert_null(own_variable_get(own, "B"));
    assert_int_equal(plat_variables_changes(own), 0); /* none by native code */
    plat_own_unref(own);
    assert_string_equal(kept, "one");
}

/* --- redirected calls --------------------------------------------------------------------------------------------- */

static double strtod_here(const char *text, char **end)
{
    (void)text;
    (void)end;
    return 42;
}

static void test_calls_are_redirected_in_one_object(void **state)
{
    (void)state;
    char number[] = "7";
    double (*volatile before)(const char *, char **) = strtod;
    assert_int_equal(plat_relink((const void *)test_calls_are_redirected_in_one_object, "no_such_function", NULL),
                     ENOENT);
    assert_int_equal(plat_relink((const void *)test_calls_are_redirected_in_one_object, "strtod", (void *)strtod_here),
                     0);
    assert_true(strtod(number, NULL) == 42);
    assert_int_equal(atoi(number), 7); /* libc's own go on */
    assert_int_equal(plat_relink((const void *)test_calls_are_redirected_in_one_object, "strtod", (void *)before), 0);
    assert_true(strtod(number, NULL) == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entered_and_left),
        cmocka_unit_test(test_a_thread_has_back_what_it_had),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_such_locale),
        cmocka_unit_test(test_an_empty_name_goes_by_its_variables),
        cmocka_unit_test(test_localeconv_is_as_libcs),
        cmocka_unit_test(test_threads_inherit),
        cmocka_unit_test(test_threads_of_ours_are_in_none),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_calls_are_redirected_in_one_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
