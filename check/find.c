/* Finding: targets.py runs in an interpreter with its own GIL, and says by values what there is. The caller's
 * thread. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <isles/isles.h>

#include "check.h"
#include "targets_source.h"

static const int64_t PATIENCE = 3600 * ISLE_SECOND; /* pip may have to build */

/* --- the temporary folder ------------------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    remove(path);
    return 0;
}

static char *make_scratch(check_report *report)
{
    const char *base = getenv("TMPDIR");
    report->scratch = check_format("%s/isles-check-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
    if (mkdtemp(report->scratch) == NULL) {
        char *why = check_format("no temporary folder %s: %s", report->scratch, strerror(errno));
        free(report->scratch);
        report->scratch = NULL;
        return why;
    }
    return NULL;
}

/* --- reading the answer -------------------------------------------------------------------------------------- */

static char *text_of(const isle_value *dict, const char *key)
{
    const isle_value *value = isle_value_get_str(dict, key);
    return check_copy(value != NULL ? isle_value_as_str(value, NULL) : NULL);
}

static char *text_or_empty(const isle_value *dict, const char *key)
{
    char *text = text_of(dict, key);
    return text != NULL ? text : check_copy("");
}

static bool truth_of(const isle_value *dict, const char *key)
{
    const isle_value *value = isle_value_get_str(dict, key);
    bool truth = false;
    return value != NULL && isle_value_as_bool(value, &truth) && truth;
}

static size_t length_of(const isle_value *list)
{
    return list != NULL ? isle_value_len(list) : 0;
}

static void take_strings(check_strings *out, const isle_value *list)
{
    for (size_t i = 0; i < length_of(list); i++) {
        const char *text = isle_value_as_str(isle_value_at(list, i), NULL);
        if (text != NULL) {
            check_strings_add(out, text);
        }
    }
}

static void take_extension(check_report *report, const isle_value *found)
{
    check_extension *extension = &report->items[report->count++];
    const isle_value *index = isle_value_get_str(found, "path");
    int64_t path = 0;
    extension->target = text_or_empty(found, "target");
    extension->module = text_or_empty(found, "module");
    extension->file = text_of(found, "file");
    extension->shown = text_or_empty(found, "shown");
    extension->tag = text_or_empty(found, "tag");
    extension->sha256 = text_or_empty(found, "sha256");
    extension->fits = truth_of(found, "fits");
    extension->stdlib = truth_of(found, "stdlib");
    extension->elf = (elf_facts){.state_bytes = INT64_MIN, .interpreters = ELF_SLOT_UNKNOWN, .gil = ELF_SLOT_UNKNOWN};
    if (index != NULL && isle_value_as_int64(index, &path) && path >= 0 && (size_t)path < report->path_count) {
        extension->path = &report->paths[path];
    }
}

static void take_left_out(check_report *report, const isle_value *list)
{
    report->left_out = check_alloc(length_of(list) * sizeof *report->left_out);
    for (size_t i = 0; i < length_of(list); i++) {
        const isle_value *one = isle_value_at(list, i);
        report->left_out[report->left_out_count++] = (check_left_out){.target = text_or_empty(one, "target"),
                                                                      .why = text_or_empty(one, "why")};
    }
}

static char *take_answer(check_report *report, const isle_value *answer)
{
    const isle_value *paths = isle_value_get_str(answer, "paths");
    const isle_value *found = isle_value_get_str(answer, "extensions");
    report->path_count = length_of(paths);
    report->paths = check_alloc(report->path_count * sizeof *report->paths);
    for (size_t i = 0; i < report->path_count; i++) {
        take_strings(&report->paths[i], isle_value_at(paths, i));
    }
    report->items = check_alloc(length_of(found) * sizeof *report->items);
    for (size_t i = 0; i < length_of(found); i++) {
        take_extension(report, isle_value_at(found, i));
    }
    take_strings(&report->notes, isle_value_get_str(answer, "notes"));
    take_left_out(report, isle_value_get_str(answer, "left_out"));
    report->engine_short = text_or_empty(answer, "version");
    return text_of(answer, "error");
}

/* --- asking -------------------------------------------------------------------------------------------------- */

static isle_value *arguments(const check_options *options, const check_report *report, const char *python)
{
    isle_value *args = isle_value_new_list(), *targets = isle_value_new_list();
    for (size_t i = 0; i < options->target_count; i++) {
        isle_value_append(targets, isle_value_new_str(options->targets[i]));
    }
    isle_value_append(args, targets);
    isle_value_append(args, isle_value_new_bool(options->stdlib));
    isle_value_append(args, isle_value_new_bool(options->only_static));
    isle_value_append(args, isle_value_new_bool(options->skip_foreign));
    isle_value_append(args, isle_value_new_str(report->scratch));
    isle_value_append(args, isle_value_new_str(python));
    return args;
}

static char *ask(const check_options *options, check_report *report, isle_interp interp, const char *python)
{
    isle_error *error = NULL;
    isle_value *answer = NULL, *args = arguments(options, report, python);
    int64_t deadline = isle_deadline_in(PATIENCE);
    char *why = NULL;
    if (isle_interp_run(interp, targets_source, deadline, &error) != ISLE_OK ||
        isle_interp_call(interp, "__main__:find", args, deadline, &answer, &error) != ISLE_OK) {
        why = check_format("the targets could not be searched: %s", isle_error_message(error));
    } else {
        why = take_answer(report, answer);
    }
    isle_error_free(error);
    isle_value_free(answer);
    isle_value_free(args);
    return why;
}

static char *ask_interpreter(const check_options *options, check_report *report, isle_runtime *runtime)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_engine_info engine = {.size = sizeof engine};
    isle_interp interp;
    isle_error *error = NULL;
    isle_engine_describe(&engine);
    report->engine = check_copy(engine.version);
    config.name = "check";
    config.venv = options->venv;
    if (isle_interp_create(runtime, &config, &interp, &error) != ISLE_OK) {
        char *why = check_format("no interpreter: %s", isle_error_message(error));
        isle_error_free(error);
        return why;
    }
    char *why = ask(options, report, interp, engine.python);
    isle_interp_end(interp, isle_deadline_in(10 * ISLE_SECOND), NULL);
    return why;
}

char *check_find(const check_options *options, check_report *out_report)
{
    isle_runtime *runtime = NULL;
    isle_error *error = NULL;
    *out_report = (check_report){0};
    char *why = make_scratch(out_report);
    if (why == NULL && isle_runtime_start(NULL, &runtime, &error) != ISLE_OK) {
        why = check_format("Python does not start: %s", isle_error_message(error));
        isle_error_free(error);
    }
    if (why == NULL) {
        why = ask_interpreter(options, out_report, runtime);
    }
    isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL);
    if (why != NULL) {
        check_report_free(out_report);
    }
    return why;
}

/* --- the end of a report ------------------------------------------------------------------------------------- */

static void extension_free(check_extension *extension)
{
    free(extension->target);
    free(extension->module);
    free(extension->file);
    free(extension->shown);
    free(extension->tag);
    free(extension->sha256);
    elf_facts_free(&extension->elf);
    check_strings_free(&extension->bundled);
    check_strings_free(&extension->shared_with);
    probe_facts_free(&extension->said);
    probe_results_free(&extension->probes);
    check_strings_free(&extension->reasons);
    check_strings_free(&extension->warnings);
    for (size_t i = 0; i < extension->advice_count; i++) {
        free(extension->advice[i].text);
        free(extension->advice[i].symbol);
        free(extension->advice[i].file);
    }
    free(extension->advice);
}

void check_report_free(check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        extension_free(&report->items[i]);
    }
    for (size_t i = 0; i < report->path_count; i++) {
        check_strings_free(&report->paths[i]);
    }
    if (report->scratch != NULL) {
        nftw(report->scratch, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    }
    for (size_t i = 0; i < report->left_out_count; i++) {
        free(report->left_out[i].target);
        free(report->left_out[i].why);
    }
    free(report->items);
    free(report->paths);
    free(report->left_out);
    check_strings_free(&report->notes);
    free(report->engine);
    free(report->engine_short);
    free(report->scratch);
    *report = (check_report){0};
}
