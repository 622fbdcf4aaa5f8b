/* Extension modules that refuse an own GIL (tests/copied): what they say of themselves, and private copies of them. */
#include "support.h"

static char *library(const char *name)
{
    return text_of("%s/%s", ISLES_TEST_COPIED, name);
}

/* --- asking one ----------------------------------------------------------------------------------------------------- */

typedef struct saying {
    const char *file, *module;
    isle_extension_info info;
} saying;

static void check_saying(const saying *s)
{
    isle_extension_info info = {.size = sizeof info};
    isle_error *err = NULL;
    char *file = library(s->file);
    check_status(isle_extension_inspect(runtime, file, s->module, &info, &err), ISLE_OK, err);
    check(info.init == s->info.init && info.interpreters == s->info.interpreters);
    check(info.gil == s->info.gil && info.state_size == s->info.state_size);
    free(file);
}

static void test_inspect(void **state)
{
    (void)state;
    static const saying all[] = {
        {"single.so", "single", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, -1}},
        {"pack/inner.so", "pack.inner", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, -1}},
        {"again.so", "again", {0, ISLE_EXTENSION_SINGLE_PHASE, 0, 0, 0}},
        {"multi.so",
         "multi",
         {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_NOT_SUPPORTED, ISLE_EXTENSION_GIL_NOT_USED, 16}},
        {"own_gil.so",
         "own_gil",
         {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_PER_INTERPRETER_GIL, ISLE_EXTENSION_GIL_NOT_USED, 16}},
        {"unsaid.so", "unsaid", {0, ISLE_EXTENSION_MULTI_PHASE, ISLE_EXTENSION_UNSAID, 0, 16}},
        {"several.so", "gr\xc3\xbc\xc3\x9f", {0, ISLE_EXTENSION_MULTI_PHASE, 0, 0, 0}},
        {"single.so", "double", {0, ISLE_EXTENSION_NO_INIT, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_saying(&all[i]);
    }
    const saying exported = {"exported.so",
                             "exported",
                             {0, ISLE_EXTENSION_EXPORT, ISLE_EXTENSION_NOT_SUPPORTED, 0, 24}};
    if (engine_version() >= 0x030f) {
        check_saying(&exported);
    }
}

static void test_inspect_errors(void **state)
{
    (void)state;
    isle_extension_info info = {.size = sizeof info};
    isle_error *err = NULL;
    check_status(isle_extension_inspect(runtime, "/nowhere.so", "x", &info, &err), ISLE_ERR_SYSTEM, err);
    check(strstr(isle_error_message(err), "/nowhere.so") != NULL);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, "single.so", "single", &info, &err), ISLE_ERR_INVALID, err);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, NULL, "single", &info, NULL), ISLE_ERR_INVALID, NULL);
    char *file = library("broken.so");
    check_status(isle_extension_inspect(runtime, file, "raises", &info, &err), ISLE_ERR_PYTHON, err);
    check(strcmp(isle_error_message(err), "RuntimeError: not today") == 0);
    isle_error_free(err);
    check_status(isle_extension_inspect(runtime, file, "broken", &info, &err), ISLE_ERR_PYTHON, err);
    isle_error_free(err);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_inspect_errors),
    };
    return RUN_TESTS(tests);
}
