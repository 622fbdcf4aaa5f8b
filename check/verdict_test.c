/* The rules of docs/check.md, one after the other, from made-up facts and results: no module is loaded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict.h"

static check_extension extension;

/* As if by find and elf_facts_read. */
static void begin(elf_init init, int interpreters)
{
    extension = (check_extension){.module = check_copy("pkg.mine"), .file = check_copy("/x/pkg/mine.so"), .fits = true};
    extension.elf.init = init;
    extension.elf.init_evidence = "module definition";
    extension.elf.interpreters = interpreters;
    check_strings_add(&extension.elf.inits, "mine");
}

static void end(void)
{
    free(extension.module);
    free(extension.file);
    elf_facts_free(&extension.elf);
    probe_results_free(&extension.probes);
    check_strings_free(&extension.reasons);
    check_strings_free(&extension.warnings);
    for (size_t i = 0; i < extension.advice_count; i++) {
        free(extension.advice[i].text);
        free(extension.advice[i].symbol);
        free(extension.advice[i].file);
    }
    free(extension.advice);
    extension = (check_extension){0};
}

static int teardown(void **state)
{
    (void)state;
    end();
    return 0;
}

static void probed(const char *scene, probe_end how, const char *detail)
{
    probe_results *all = &extension.probes;
    all->items = check_grow(all->items, all->count, sizeof *all->items);
    all->items[all->count++] = (probe_result){.scene = scene,
                                              .end = how,
                                              .signal = how == PROBE_CRASHED ? 11 : 0,
                                              .detail = check_copy(detail),
                                              .refs_slope = NAN,
                                              .rss_slope_bytes = NAN};
}

static void has_static(const char *name, static_kind kind, const char *evidence)
{
    elf_facts *elf = &extension.elf;
    elf->statics = check_grow(elf->statics, elf->static_count, sizeof *elf->statics);
    elf->statics[elf->static_count++] = (static_data){
        .name = check_copy(name), .section = check_copy(".bss"), .size = 8, .kind = kind, .evidence = evidence};
}

static bool one_says(const check_strings *list, const char *words)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strstr(list->items[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

static void assert_verdict(check_verdict verdict, const char *basis, const char *because)
{
    verdict_decide(&extension);
    if (extension.verdict != verdict || strcmp(extension.basis, basis) != 0 || !one_says(&extension.reasons, because)) {
        fail_msg("%s by %s: %s", check_verdict_name(extension.verdict), extension.basis,
                 extension.reasons.count > 0 ? extension.reasons.items[0] : "no reason");
    }
}

/* --- by the file --------------------------------------------------------------------------------------------- */

static void test_a_file_that_says_own_gil(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    assert_verdict(VERDICT_OWN, "file", "own GIL");
}

static void test_a_file_that_says_own_gil_and_keeps_an_object(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    has_static("cache", STATIC_OBJECT, "debug information");
    assert_verdict(VERDICT_SHARED, "file", "keeps objects in static data: cache");
}

static void test_a_file_that_says_own_gil_and_has_a_static_type(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    has_static("point_type", STATIC_TYPE, "layout");
    assert_verdict(VERDICT_SHARED, "file", "has static types: point_type");
}

static void test_static_types_of_the_standard_library_are_made_for_it(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    extension.stdlib = true;
    has_static("point_type", STATIC_TYPE, "layout");
    assert_verdict(VERDICT_OWN, "file", "own GIL");
}

static void test_files_that_refuse(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    assert_verdict(VERDICT_PRIVATE, "file", "single-phase init");
    end();
    begin(ELF_INIT_MULTI, ELF_SLOT_NONE);
    assert_verdict(VERDICT_PRIVATE, "file", "without Py_mod_multiple_interpreters");
    end();
    begin(ELF_INIT_MULTI, 0);
    assert_verdict(VERDICT_PRIVATE, "file", "not supported");
}

static void test_unique_symbols_are_against_a_private_copy(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    check_strings_add(&extension.elf.unique, "_ZZ4onceE5guard");
    assert_verdict(VERDICT_SHARED, "file", "unique symbols");
}

static void test_what_is_built_in_has_no_copies(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    free(extension.file);
    extension.file = NULL;
    assert_verdict(VERDICT_SHARED, "file", "single-phase");
}

static void test_what_the_file_does_not_tell_is_unknown(void **state)
{
    (void)state;
    begin(ELF_INIT_UNKNOWN, ELF_SLOT_UNKNOWN);
    assert_verdict(VERDICT_UNKNOWN, "nothing", "can't be seen");
    end();
    begin(ELF_INIT_EXPORT, ELF_SLOT_UNKNOWN);
    assert_verdict(VERDICT_UNKNOWN, "nothing", "slot can't be seen");
}

static void test_a_file_without_its_init_function_is_broken(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    check_strings_free(&extension.elf.inits);
    check_strings_add(&extension.elf.inits, "other");
    assert_verdict(VERDICT_BROKEN, "file", "no function PyInit_mine");
    end();
    begin(ELF_INIT_UNKNOWN, ELF_SLOT_UNKNOWN);
    extension.elf.trouble = check_copy("not an ELF file");
    assert_verdict(VERDICT_BROKEN, "file", "its file: not an ELF file");
}

/* --- by probes ----------------------------------------------------------------------------------------------- */

static void probed_main(void)
{
    begin(ELF_INIT_MULTI, 2);
    probed(PROBE_MAIN, PROBE_OK, NULL);
}

static void test_all_goes_well_with_its_own_gil(void **state)
{
    (void)state;
    probed_main();
    probed(PROBE_OWN, PROBE_OK, NULL);
    probed(PROBE_OWN_TWO, PROBE_OK, NULL);
    probed(PROBE_OWN_AGAIN, PROBE_LEAKED, NULL);
    assert_verdict(VERDICT_OWN, "probes", "in two at once");
    assert_true(one_says(&extension.warnings, "grow"));
}

static void test_a_liar_is_found_by_its_state(void **state)
{
    (void)state;
    probed_main();
    probed(PROBE_OWN, PROBE_OK, NULL);
    probed(PROBE_OWN_STATE, PROBE_SHARES, "mine.cache is the other's");
    probed(PROBE_PRIVATE, PROBE_OK, NULL);
    assert_verdict(VERDICT_PRIVATE, "probes", "own gil state: shares: mine.cache is the other's");
}

static void refuses(void)
{
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    probed(PROBE_MAIN, PROBE_OK, NULL);
    probed(PROBE_OWN, PROBE_REFUSED, "ImportError: module mine does not support loading in subinterpreters");
}

static void test_refused_but_well_with_a_copy(void **state)
{
    (void)state;
    refuses();
    probed(PROBE_PRIVATE, PROBE_OK, NULL);
    assert_verdict(VERDICT_PRIVATE, "probes", "own gil: refused: ImportError");
    assert_true(one_says(&extension.reasons, "with a private copy it works"));
}

static void test_a_second_import_that_main_does_not_stand_is_no_objection(void **state)
{
    (void)state;
    refuses();
    probed(PROBE_MAIN_TWICE, PROBE_FAILED, "ImportError: cannot load module more than once per process");
    probed(PROBE_PRIVATE, PROBE_OK, NULL);
    probed(PROBE_PRIVATE_TWICE, PROBE_FAILED, "ImportError: cannot load module more than once per process");
    assert_verdict(VERDICT_PRIVATE, "probes", "with a private copy");
}

static void test_a_second_import_that_main_stands_is_one(void **state)
{
    (void)state;
    refuses();
    probed(PROBE_MAIN_TWICE, PROBE_OK, NULL);
    probed(PROBE_PRIVATE, PROBE_OK, NULL);
    probed(PROBE_PRIVATE_TWICE, PROBE_FAILED, "ImportError: no");
    probed(PROBE_SHARED, PROBE_OK, NULL);
    assert_verdict(VERDICT_SHARED, "probes", "private twice: failed");
}

static void test_shared_state_is_allowed_where_the_gil_is_shared(void **state)
{
    (void)state;
    refuses();
    probed(PROBE_SHARED, PROBE_OK, NULL);
    probed(PROBE_SHARED_STATE, PROBE_SHARES, "mine.list");
    probed(PROBE_PRIVATE, PROBE_CRASHED, NULL);
    assert_verdict(VERDICT_SHARED, "probes", "private: crashed by signal 11");
    assert_true(one_says(&extension.warnings, "share its state, too: mine.list"));
}

static void test_main_only_and_worker_process(void **state)
{
    (void)state;
    refuses();
    probed(PROBE_SHARED, PROBE_FAILED, "ImportError: no");
    probed(PROBE_PRIVATE, PROBE_FAILED, "ImportError: no");
    assert_verdict(VERDICT_MAIN, "probes", "works in the main interpreter");
    end();
    refuses();
    probed(PROBE_SHARED, PROBE_CRASHED, NULL);
    probed(PROBE_PRIVATE, PROBE_HUNG, NULL);
    assert_verdict(VERDICT_WORKER, "probes", "shared gil: crashed");
}

static void test_broken_and_what_only_lacks_a_dependency(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    probed(PROBE_MAIN, PROBE_FAILED, "import: ImportError: undefined symbol: nothing");
    assert_verdict(VERDICT_BROKEN, "probes", "undefined symbol");
    end();
    begin(ELF_INIT_MULTI, 2);
    probed(PROBE_MAIN, PROBE_FAILED, "import: ModuleNotFoundError: No module named 'numpy'");
    assert_verdict(VERDICT_UNKNOWN, "nothing", "not installed");
}

static void test_what_the_module_says_comes_before_the_file(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    extension.said = (probe_facts){.end = PROBE_OK, .init = PROBE_INIT_MULTI, .interpreters = PROBE_INTERPRETERS_NONE};
    assert_int_equal(verdict_init_of(&extension), ELF_INIT_MULTI);
    assert_int_equal(verdict_interpreters_of(&extension), ELF_SLOT_NONE);
    extension.said.interpreters = PROBE_INTERPRETERS_OWN_GIL;
    assert_int_equal(verdict_interpreters_of(&extension), 2);
}

/* --- advice -------------------------------------------------------------------------------------------------- */

static const check_advice *advice_on(const char *symbol)
{
    for (size_t i = 0; i < extension.advice_count; i++) {
        if (extension.advice[i].symbol != NULL && strcmp(extension.advice[i].symbol, symbol) == 0) {
            return &extension.advice[i];
        }
    }
    fail_msg("no advice on %s", symbol);
    return NULL;
}

static void test_advice_names_symbols_and_lines(void **state)
{
    (void)state;
    begin(ELF_INIT_SINGLE, ELF_SLOT_UNKNOWN);
    has_static("cache", STATIC_OBJECT, "debug information");
    has_static("methods", STATIC_TABLE, "layout");
    extension.elf.statics[0].file = check_copy("mine.c");
    extension.elf.statics[0].line = 7;
    check_strings_add(&extension.elf.imports, "PyGILState_Ensure");
    verdict_advise(&extension);
    assert_non_null(strstr(advice_on("PyInit_mine")->text, "PyModuleDef_Init"));
    assert_string_equal(advice_on("cache")->file, "mine.c");
    assert_int_equal(advice_on("cache")->line, 7);
    assert_non_null(strstr(advice_on("PyGILState_Ensure")->text, "PyInterpreterState_Get"));
    assert_int_equal(extension.advice_count, 4); /* nothing on the table */
}

static void test_what_is_as_it_should_be_needs_no_advice(void **state)
{
    (void)state;
    begin(ELF_INIT_MULTI, 2);
    has_static("methods", STATIC_TABLE, "layout");
    verdict_advise(&extension);
    assert_int_equal(extension.advice_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_file_that_says_own_gil, teardown),
        cmocka_unit_test_teardown(test_a_file_that_says_own_gil_and_keeps_an_object, teardown),
        cmocka_unit_test_teardown(test_a_file_that_says_own_gil_and_has_a_static_type, teardown),
        cmocka_unit_test_teardown(test_static_types_of_the_standard_library_are_made_for_it, teardown),
        cmocka_unit_test_teardown(test_files_that_refuse, teardown),
        cmocka_unit_test_teardown(test_unique_symbols_are_against_a_private_copy, teardown),
        cmocka_unit_test_teardown(test_what_is_built_in_has_no_copies, teardown),
        cmocka_unit_test_teardown(test_what_the_file_does_not_tell_is_unknown, teardown),
        cmocka_unit_test_teardown(test_a_file_without_its_init_function_is_broken, teardown),
        cmocka_unit_test_teardown(test_all_goes_well_with_its_own_gil, teardown),
        cmocka_unit_test_teardown(test_a_liar_is_found_by_its_state, teardown),
        cmocka_unit_test_teardown(test_refused_but_well_with_a_copy, teardown),
        cmocka_unit_test_teardown(test_a_second_import_that_main_does_not_stand_is_no_objection, teardown),
        cmocka_unit_test_teardown(test_a_second_import_that_main_stands_is_one, teardown),
        cmocka_unit_test_teardown(test_shared_state_is_allowed_where_the_gil_is_shared, teardown),
        cmocka_unit_test_teardown(test_main_only_and_worker_process, teardown),
        cmocka_unit_test_teardown(test_broken_and_what_only_lacks_a_dependency, teardown),
        cmocka_unit_test_teardown(test_what_the_module_says_comes_before_the_file, teardown),
        cmocka_unit_test_teardown(test_advice_names_symbols_and_lines, teardown),
        cmocka_unit_test_teardown(test_what_is_as_it_should_be_needs_no_advice, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
