/* Checking on several engines: children that are asked, and what they tell. All that comes from another program is
 * looked at before it is believed: it may be another version of Isles, or none. One thread's; no state. */
#include "engines.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isles/isles.h>

#include "probe_process.h"

enum { INFO_MOST = 1 << 20, REPORT_MOST = 256 << 20 }; /* bytes */

/* --- children ------------------------------------------------------------------------------------------------ */

/* The last line of what it wrote, as printable ASCII, without "isles: " before it. */
static char *last_line(const probe_bytes *output)
{
    char *text = check_copy(output->data != NULL ? output->data : "");
    size_t len = strlen(text);
    while (len > 0 && (unsigned char)text[len - 1] <= ' ') {
        text[--len] = '\0';
    }
    const char *line = strrchr(text, '\n');
    line = line != NULL ? line + 1 : text;
    line += strncmp(line, "isles: ", 7) == 0 ? 7 : 0;
    line += strncmp(line, "check: ", 7) == 0 ? 7 : 0;
    char *plain = check_copy_plain(line);
    free(text);
    return plain;
}

/* How it ended, for people, where that was not with 0 or `also`; else NULL. */
static char *bad_end(const probe_outcome *outcome, int also)
{
    if (outcome->trouble != NULL) {
        return check_format("it can't be run: %s", outcome->trouble);
    }
    if (outcome->hung) {
        return check_format("it did not answer in time");
    }
    if (WIFSIGNALED(outcome->wait_status)) {
        return check_format("it was killed by signal %d (%s)", WTERMSIG(outcome->wait_status),
                            strsignal(WTERMSIG(outcome->wait_status)));
    }
    int status = WEXITSTATUS(outcome->wait_status);
    if (status == 0 || status == also) {
        return NULL;
    }
    char *said = last_line(&outcome->output);
    char *why = check_format("it ended with status %d%s%s", status, said[0] != '\0' ? ": " : "", said);
    free(said);
    return why;
}

/* The JSON object that it told. NULL: *out_why says why there is none. */
static json_t *ask(const probe_command *command, int also, char **out_why)
{
    probe_outcome outcome;
    probe_process_run(command, &outcome);
    json_t *told = NULL;
    *out_why = bad_end(&outcome, also);
    if (*out_why == NULL) {
        told = json_loadb(outcome.told.data != NULL ? outcome.told.data : "", outcome.told.len, 0, NULL);
        if (!json_is_object(told)) {
            json_decref(told);
            told = NULL;
            *out_why = check_format("what it prints is not a JSON object");
        }
    }
    probe_outcome_free(&outcome);
    return told;
}

/* --- the engines --------------------------------------------------------------------------------------------- */

void check_engines_begin(check_engines *out_engines)
{
    char path[4096];
    isle_engine_info info = {.size = sizeof info};
    isle_engine_describe(&info);
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    *out_engines = (check_engines){.count = 1};
    out_engines->items[0] = (check_engine){.program = check_copy(path),
                                           .version = check_copy(info.version),
                                           .python = check_copy(info.python != NULL ? info.python : ""),
                                           .version_hex = info.version_hex};
}

static void engine_free(check_engine *engine)
{
    free(engine->program);
    free(engine->version);
    free(engine->python);
    free(engine->trouble);
    json_decref(engine->report);
}

static char *read_engine(const json_t *info, const char *program, check_engine *out)
{
    const json_t *version = json_object_get(info, "engine"), *python = json_object_get(info, "python");
    const json_t *hex = json_object_get(info, "engine_hex");
    if (!json_is_string(version) || !json_is_string(python) || !json_is_integer(hex)) {
        return check_format("what it tells of its engine is not understood");
    }
    *out = (check_engine){.program = check_copy(program),
                          .version = check_copy_plain(json_string_value(version)),
                          .python = check_copy(json_string_value(python)),
                          .version_hex = (int)json_integer_value(hex)};
    return NULL;
}

static const check_engine *same_engine(const check_engines *engines, const check_engine *engine)
{
    for (size_t i = 0; i < engines->count; i++) {
        const check_engine *other = &engines->items[i];
        if (strcmp(other->version, engine->version) == 0 && strcmp(other->python, engine->python) == 0) {
            return other;
        }
    }
    return NULL;
}

static char *take_engine(check_engines *engines, check_engine *engine)
{
    const check_engine *same = same_engine(engines, engine);
    if (same != NULL) {
        const char *whose = same == &engines->items[0] ? "this program" : same->program;
        check_strings_take(&engines->notes, check_format("%s is for the engine of %s, CPython %s: checked once",
                                                         engine->program, whose, same->version));
        engine_free(engine);
        return NULL;
    }
    if (engines->count == CHECK_ENGINES_MOST) {
        engine_free(engine);
        return check_format("no more than %d engines at once", CHECK_ENGINES_MOST);
    }
    engines->items[engines->count++] = *engine;
    return NULL;
}

char *check_engines_add(check_engines *engines, const char *program, int64_t limit_ns)
{
    const char *const argv[] = {program, "info", "--json", NULL};
    const probe_command command = {.argv = argv, .limit_ns = limit_ns, .tell = STDOUT_FILENO, .told_most = INFO_MOST};
    check_engine engine = {0};
    char *why = NULL;
    json_t *info = ask(&command, 0, &why);
    if (info != NULL) {
        why = read_engine(info, program, &engine);
    }
    json_decref(info);
    if (why != NULL) {
        char *full = check_format("%s is no program of Isles that works: %s (%s info --json)", program, why, program);
        free(why);
        return full;
    }
    return take_engine(engines, &engine);
}

/* --- what a report has --------------------------------------------------------------------------------------- */

static bool take_texts(const json_t *list, check_strings *out)
{
    size_t i;
    json_t *one;
    if (!json_is_array(list)) {
        return false;
    }
    json_array_foreach(list, i, one)
    {
        if (!json_is_string(one)) {
            return false;
        }
        check_strings_add(out, json_string_value(one));
    }
    return true;
}

/* Advice has parts that may be null. */
static void take_advice(const json_t *list, check_strings *out)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *text = json_string_value(json_object_get(one, "text"));
        const char *symbol = json_string_value(json_object_get(one, "symbol"));
        const char *file = json_string_value(json_object_get(one, "file"));
        long long line = json_integer_value(json_object_get(one, "line"));
        char *place = file != NULL ? check_format("%s:%lld: ", file, line) : check_copy("");
        check_strings_take(out, check_format("%s%s%s%s", symbol != NULL ? symbol : "", symbol != NULL ? ": " : "",
                                             place, text != NULL ? text : ""));
        free(place);
    }
}

static void cell_free(check_cell *cell)
{
    check_strings_free(&cell->reasons);
    check_strings_free(&cell->warnings);
    check_strings_free(&cell->advice);
}

/* False: it is not an extension's entry. */
static bool read_cell(const json_t *extension, check_cell *out)
{
    const char *verdict = json_string_value(json_object_get(extension, "verdict"));
    const json_t *good = json_object_get(extension, "good_enough");
    *out = (check_cell){.there = true, .good_enough = json_is_true(good)};
    take_advice(json_object_get(extension, "advice"), &out->advice);
    return verdict != NULL && check_verdict_of(verdict, &out->verdict) && json_is_boolean(good) &&
           take_texts(json_object_get(extension, "reasons"), &out->reasons) &&
           take_texts(json_object_get(extension, "warnings"), &out->warnings);
}

/* The first of that name that this engine has nothing in yet: two targets may have modules of one name. */
static check_row *row_of(check_engines *engines, const char *module, size_t engine)
{
    for (size_t i = 0; i < engines->row_count; i++) {
        if (strcmp(engines->rows[i].module, module) == 0 && !engines->rows[i].cells[engine].there) {
            return &engines->rows[i];
        }
    }
    engines->rows = check_grow(engines->rows, engines->row_count, sizeof *engines->rows);
    engines->rows[engines->row_count] = (check_row){.module = check_copy(module)};
    return &engines->rows[engines->row_count++];
}

/* What is wrong with the report, or NULL. */
static char *read_report(check_engines *engines, size_t index, const json_t *report)
{
    const json_t *extensions = json_object_get(report, "extensions");
    const char *version = json_string_value(json_object_get(report, "engine"));
    size_t i;
    json_t *extension;
    if (version == NULL || strcmp(version, engines->items[index].version) != 0 || !json_is_array(extensions)) {
        return check_format("its report is not understood: not one of 'isles check --json' by this engine");
    }
    json_array_foreach(extensions, i, extension)
    {
        const char *module = json_string_value(json_object_get(extension, "module"));
        check_cell cell;
        if (!read_cell(extension, &cell) || module == NULL) {
            cell_free(&cell);
            return check_format("its report is not understood: its extension number %zu%s%s", i + 1,
                                module != NULL ? ", " : "", module != NULL ? module : "");
        }
        row_of(engines, module, index)->cells[index] = cell;
    }
    return NULL;
}

/* What this engine has in the table; of a report that turned out to be a bad one. */
static void forget_cells(check_engines *engines, size_t index)
{
    for (size_t i = 0; i < engines->row_count; i++) {
        cell_free(&engines->rows[i].cells[index]);
        engines->rows[i].cells[index] = (check_cell){0};
    }
}

/* --- running ------------------------------------------------------------------------------------------------- */

static void check_on(check_engines *engines, size_t index, const check_strings *options, const char *const *targets,
                     size_t target_count, const volatile sig_atomic_t *stop)
{
    check_engine *engine = &engines->items[index];
    const char *const first[] = {
        index == 0 ? "/proc/self/exe" : engine->program, "check", "--json", "--skip-foreign", "--venv",
        engine->venv != NULL ? engine->venv : "none"};
    enum { FIRST = sizeof first / sizeof first[0] };
    const char **argv = check_alloc((FIRST + options->count + 1 + target_count + 1) * sizeof *argv);
    size_t count = 0;
    for (size_t i = 0; i < FIRST; i++) {
        argv[count++] = first[i];
    }
    for (size_t i = 0; i < options->count; i++) {
        argv[count++] = options->items[i];
    }
    argv[count++] = "--";
    for (size_t i = 0; i < target_count; i++) {
        argv[count++] = targets[i];
    }
    const probe_command command = {.argv = argv, .tell = STDOUT_FILENO, .told_most = REPORT_MOST, .stop = stop};
    engine->report = ask(&command, 1, &engine->trouble);
    free(argv);
    if (engine->report != NULL && (engine->trouble = read_report(engines, index, engine->report)) != NULL) {
        forget_cells(engines, index);
        json_decref(engine->report);
        engine->report = NULL;
    }
}

static const char *left_out_of(const check_engine *engine, const char *target)
{
    size_t i;
    json_t *one, *list = json_object_get(engine->report, "left_out");
    json_array_foreach(list, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "target"));
        const char *why = json_string_value(json_object_get(one, "why"));
        if (name != NULL && why != NULL && strcmp(name, target) == 0) {
            return why;
        }
    }
    return NULL;
}

/* Has it anything of this target? */
static bool has_target(const check_engine *engine, const char *target)
{
    size_t i;
    json_t *one, *list = json_object_get(engine->report, "extensions");
    json_array_foreach(list, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "target"));
        if (name != NULL && strcmp(name, target) == 0) {
            return true;
        }
    }
    return false;
}

static void find_those_for_none(check_engines *engines, const char *const *targets, size_t target_count)
{
    for (size_t i = 0; i < target_count; i++) {
        bool for_none = true;
        for (size_t j = 0; j < engines->count; j++) {
            const check_engine *engine = &engines->items[j];
            for_none = for_none && left_out_of(engine, targets[i]) != NULL && !has_target(engine, targets[i]);
        }
        if (for_none) {
            check_strings_take(&engines->none, check_format("%s is for none of these engines", targets[i]));
        }
    }
}

void check_engines_run(check_engines *engines, const check_strings *options, const char *const *targets,
                       size_t target_count, check_engines_begin_fn *begin, const volatile sig_atomic_t *stop)
{
    for (size_t i = 0; i < engines->count; i++) {
        begin(engines, i);
        check_on(engines, i, options, targets, target_count, stop);
        if (*stop != 0) {
            return;
        }
    }
    find_those_for_none(engines, targets, target_count);
}

/* --- what became of it --------------------------------------------------------------------------------------- */

int check_engines_status(const check_engines *engines)
{
    int status = engines->none.count > 0 ? 2 : 0;
    for (size_t i = 0; i < engines->count; i++) {
        status = engines->items[i].report == NULL ? 2 : status;
        for (size_t j = 0; j < engines->row_count; j++) {
            const check_cell *cell = &engines->rows[j].cells[i];
            status = status == 0 && cell->there && !cell->good_enough ? 1 : status;
        }
    }
    return status;
}

void check_engines_told(const check_engines *engines, size_t index, check_strings *out)
{
    size_t i;
    json_t *one;
    const json_t *report = engines->items[index].report;
    json_array_foreach(json_object_get(report, "notes"), i, one)
    {
        const char *note = json_string_value(one);
        check_strings_add(out, note != NULL ? note : "");
    }
    json_array_foreach(json_object_get(report, "left_out"), i, one)
    {
        const char *why = json_string_value(json_object_get(one, "why"));
        check_strings_take(out, check_format("left out: %s", why != NULL ? why : ""));
    }
}

/* Of what was given to this program, as it was given: maybe not UTF-8. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    if (string == NULL && value != NULL) {
        char *plain = check_copy_plain(value);
        string = json_string(plain);
        free(plain);
    }
    return string != NULL ? string : json_null();
}

static json_t *texts(const check_strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, text(list->items[i]));
    }
    return array;
}

/* Its program's report, and what that program was. */
static json_t *engine_json(const check_engine *engine)
{
    json_t *one = engine->report != NULL ? json_deep_copy(engine->report) : json_object();
    json_object_set_new(one, "engine", text(engine->version));
    json_object_set_new(one, "program", text(engine->program));
    json_object_set_new(one, "venv", text(engine->venv));
    json_object_set_new(one, "trouble", text(engine->trouble));
    return one;
}

char *check_engines_to_json(const check_engines *engines, check_verdict required)
{
    json_t *root = json_object(), *list = json_array(), *notes = texts(&engines->notes), *none = texts(&engines->none);
    for (size_t i = 0; i < engines->count; i++) {
        json_array_append_new(list, engine_json(&engines->items[i]));
    }
    json_array_extend(notes, none);
    json_decref(none);
    json_object_set_new(root, "isles", json_string(isle_version()));
    json_object_set_new(root, "required", json_string(check_verdict_name(required)));
    json_object_set_new(root, "good_enough", json_boolean(check_engines_status(engines) == 0));
    json_object_set_new(root, "notes", notes);
    json_object_set_new(root, "engines", list);
    char *json = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return json != NULL ? json : check_copy("null");
}

void check_engines_free(check_engines *engines)
{
    for (size_t i = 0; i < engines->row_count; i++) {
        for (size_t j = 0; j < engines->count; j++) {
            cell_free(&engines->rows[i].cells[j]);
        }
        free(engines->rows[i].module);
    }
    for (size_t i = 0; i < engines->count; i++) {
        engine_free(&engines->items[i]);
    }
    free(engines->rows);
    check_strings_free(&engines->notes);
    check_strings_free(&engines->none);
    *engines = (check_engines){0};
}
