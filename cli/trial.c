/* What only the library can say of options: which -X and -W there are, and how much memory a new interpreter holds. A
 * worker thread has the programs while this runs. */
#include "trial.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t PLENTY = UINT64_C(32) << 20; /* of memory, for any new interpreter */

char *trial_explain(const isle_error *error)
{
    static const struct {
        const char *field, *option;
    } names[] = {{"xoptions: ", "-X"},
                 {"warnings: ", "-W"},
                 {"isle_interp_config.budgets: memory_bytes: ", "--memory"},
                 {"isle_interp_config.extensions: ", "--extensions"}};
    const char *message = isle_error_message(error);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i].field);
        if (strncmp(message, names[i].field, len) == 0) {
            return text_format("%s: %s", names[i].option, message + len);
        }
    }
    return text_copy(message);
}

/* Only with these can the library find fault when it makes the interpreter: others need not be tried. */
static bool is_doubtful(const struct program *program)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    uint64_t memory = program->budgets.memory_bytes.hard;
    bool shares = program->gil == ISLE_GIL_SHARED || program->extensions == ISLE_EXTENSIONS_SHARED_GIL;
    return program->xoptions.count > 0 || program->warnings.count > 0 ||
           (shares && (memory > 0 || program->extensions == ISLE_EXTENSIONS_AUTO)) ||
           (memory > 0 && (memory < PLENTY || engine.memory_reason != NULL));
}

static bool same_strings(const struct strings *a, const struct strings *b) /* both point into argv */
{
    return a->count == b->count && (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static bool same_doubts(const struct program *a, const struct program *b)
{
    return same_strings(&a->xoptions, &b->xoptions) && same_strings(&a->warnings, &b->warnings) && a->gil == b->gil &&
           a->extensions == b->extensions && a->budgets.memory_bytes.hard == b->budgets.memory_bytes.hard;
}

/* The category of a -W may be in a module that only the program itself finds. */
static bool names_module(const char *filter)
{
    for (int field = 0; field < 2; field++) {
        filter = strchr(filter, ':');
        if (filter == NULL) {
            return false;
        }
        filter++;
    }
    return memchr(filter, '.', strcspn(filter, ":")) != NULL;
}

/* Makes an interpreter in which nothing runs, not even site. */
static isle_status try_options(const struct program *program, isle_runtime *runtime, isle_error **error)
{
    isle_interp interp;
    struct strings warnings = {0};
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    for (size_t i = 0; i < program->warnings.count; i++) {
        if (!names_module(program->warnings.items[i])) {
            strings_add(&warnings, program->warnings.items[i]);
        }
    }
    budgets.memory_bytes = program->budgets.memory_bytes;
    config.name = program->name;
    config.gil = program->gil;
    config.extensions = program->extensions;
    config.no_site = true;
    config.warnings = warnings.items;
    config.warning_count = warnings.count;
    config.xoptions = program->xoptions.items;
    config.xoption_count = program->xoptions.count;
    config.budgets = &budgets;
    config.stdin_.kind = config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_status status = isle_interp_create(runtime, &config, &interp, error);
    if (status == ISLE_OK) {
        isle_interp_end(interp, isle_deadline_in(ISLE_SECOND), NULL);
    }
    strings_free(&warnings);
    return status;
}

char *trial_of_options(const struct programs *programs, isle_runtime *runtime)
{
    const struct program *before = NULL;
    char *why = NULL;
    for (size_t i = 0; i < programs->count && why == NULL; i++) {
        const struct program *program = &programs->items[i];
        if (is_doubtful(program) && (before == NULL || !same_doubts(before, program))) {
            isle_error *error = NULL;
            isle_status status = try_options(program, runtime, &error);
            why = status == ISLE_ERR_INVALID || status == ISLE_ERR_UNSUPPORTED ? trial_explain(error) : NULL;
            isle_error_free(error);
            before = program;
        }
    }
    return why;
}
