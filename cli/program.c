/* Makes the programs of a run from its command line: what kind each is, the options for all and its own put
 * together, copies, names that differ, and every check that can be made before anything starts. Main thread
 * only. */
#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "venv.h"

const char *program_result_name(enum program_result result)
{
    static const char *const names[] = {"", "ok", "failed", "timeout", "limit", "cancelled", "stuck"};
    return names[result];
}

/* --- what the word means ------------------------------------------------------------------------------------- */

static bool is_name_byte(char byte, bool first)
{
    unsigned char c = (unsigned char)byte;
    return c >= 0x80 || c == '_' || isalpha(c) || (!first && isdigit(c));
}

/* Length of "pkg.mod" at the beginning of the text; 0: none. */
static size_t dotted_name(const char *text)
{
    size_t len = 0;
    for (;;) {
        if (!is_name_byte(text[len], true)) {
            return 0;
        }
        while (is_name_byte(text[len], false)) {
            len++;
        }
        if (text[len] != '.') {
            return len;
        }
        len++;
    }
}

static bool is_call(const char *text)
{
    size_t module = dotted_name(text);
    return module > 0 && text[module] == ':' && dotted_name(text + module + 1) == strlen(text + module + 1) &&
           text[module + 1] != '\0';
}

/* "script.py:main", where there is such a script. */
static bool is_call_of_file(const char *target)
{
    char *file = text_format("%.*s", (int)strcspn(target, ":"), target);
    size_t len = strlen(file);
    bool is = len > 3 && target[len] == ':' && strcmp(file + len - 3, ".py") == 0 && access(file, F_OK) == 0;
    free(file);
    return is;
}

static void complain_of_call(const char *target)
{
    size_t len = strcspn(target, ":") - strlen(".py"), folder = len;
    while (folder > 0 && target[folder - 1] != '/') {
        folder--;
    }
    const char *function = target + len + strlen(".py");
    if (folder == 0) {
        complain("%s: a function is named by its module (did you mean %.*s%s?)", target, (int)len, target, function);
    } else {
        complain("%s: a function is named by its module (try --path %.*s %.*s%s)", target, (int)folder, target,
                 (int)(len - folder), target + folder, function);
    }
}

static bool file_exists(const char *folder, const char *name)
{
    char *path = text_format("%s/%s", folder, name);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

static void complain_no_such_file(const char *target, const char *previous)
{
    char *with_suffix = text_format("%s.py", target);
    if (access(with_suffix, F_OK) == 0) {
        complain("no such file: %s (did you mean %s?)", target, with_suffix);
    } else if (strchr(target, '/') == NULL && previous != NULL) {
        complain("no such file: %s (as an argument of %s: --args '%s')", target, previous, target);
    } else if (strchr(target, ':') != NULL) {
        complain("no such file: %s (nor is it pkg.mod:function)", target);
    } else if (target[0] != '\0' && dotted_name(target) == strlen(target) && strstr(target, ".py") == NULL) {
        complain("no such file: %s (a module? isles run -m %s)", target, target);
    } else {
        complain("no such file: %s", target);
    }
    free(with_suffix);
}

static int check_file(const char *target, const char *previous)
{
    struct stat info;
    if (stat(target, &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            complain_no_such_file(target, previous);
        } else {
            complain("cannot read %s: %s", target, strerror(errno));
        }
        return EXIT_USAGE;
    }
    if (S_ISDIR(info.st_mode)) {
        if (!file_exists(target, "__main__.py") && !file_exists(target, "__main__.pyc")) {
            complain("%s has no __main__.py (a folder is run as `python %s` runs it)", target, target);
            return EXIT_USAGE;
        }
        return 0;
    }
    if (access(target, R_OK) != 0) {
        complain("cannot read %s: %s", target, strerror(errno));
        return EXIT_USAGE;
    }
    return 0;
}

static int check_module(const char *name)
{
    size_t len = strlen(name);
    bool is_file = len > 3 && strcmp(name + len - 3, ".py") == 0 && access(name, F_OK) == 0;
    if (len > 0 && dotted_name(name) == len && !is_file) {
        return 0;
    }
    complain("-m: '%s' is not the name of a module%s", name, is_file ? " (a file goes without -m)" : "");
    return EXIT_USAGE;
}

static int find_kind(const struct program_spec *spec, const char *previous, isle_job_kind *out)
{
    if (spec->is_module) {
        *out = ISLE_JOB_MODULE;
        return check_module(spec->target);
    }
    if (is_call_of_file(spec->target) && access(spec->target, F_OK) != 0) {
        complain_of_call(spec->target);
        return EXIT_USAGE;
    }
    if (is_call(spec->target) && access(spec->target, F_OK) != 0) {
        *out = ISLE_JOB_CALL;
        return 0;
    }
    *out = ISLE_JOB_FILE;
    return check_file(spec->target, previous);
}

/* --- names --------------------------------------------------------------------------------------------------- */

static char *default_name(const struct program_spec *spec, isle_job_kind kind)
{
    if (kind != ISLE_JOB_FILE) {
        return text_copy(spec->target);
    }
    char *path = realpath(spec->target, NULL); /* "." and "dir/" have a name too */
    if (path == NULL) {
        path = text_copy(spec->target);
    }
    const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(base, '.');
    bool cut = dot != NULL && dot > base &&
               (strcmp(dot, ".py") == 0 || strcmp(dot, ".zip") == 0 || strcmp(dot, ".pyz") == 0);
    char *name = cut ? text_format("%.*s", (int)(dot - base), base) : text_copy(base);
    free(path);
    return name;
}

static bool name_is_taken(const struct programs *programs, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++) {
        if (strcmp(programs->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of files that happen to be the same get a number: "script", "script-2". */
static char *free_name(const struct programs *programs, size_t before, char *name)
{
    for (size_t number = 2; name_is_taken(programs, before, name) && number < SIZE_MAX; number++) {
        char *numbered = text_format("%s-%zu", name, number);
        if (!name_is_taken(programs, before, numbered)) {
            free(name);
            return numbered;
        }
        free(numbered);
    }
    return name;
}

/* --- options ------------------------------------------------------------------------------------------------- */

/* What was said of one program counts for more than what was said of all. */
static isle_budgets merge_limits(const isle_budgets *all, const isle_budgets *own)
{
    isle_budgets merged = ISLE_BUDGETS_INIT;
#define MERGE_LIMIT(NAME, field, called, text) merged.field = own->field.hard != 0 ? own->field : all->field;
    ISLE_BUDGET_LIST(MERGE_LIMIT)
#undef MERGE_LIMIT
    return merged;
}

static void merge_lists(struct program *program, const struct program_options *all, const struct program_options *own)
{
    if (!all->share_env && !own->share_env) {
        strings_take(&program->env, text_format("ISLES_NAME=%s", program->name));
        strings_take(&program->env, text_format("ISLES_NUMBER=%llu", (unsigned long long)program->number));
    }
    strings_add_all(&program->env, &all->env);
    strings_add_all(&program->env, &own->env); /* the last of a name wins */
    strings_add_all(&program->path, &own->path);
    strings_add_all(&program->path, &all->path);
    strings_add_all(&program->args, &all->args);
    strings_add_all(&program->args, &own->args);
    strings_add_all(&program->warnings, &all->warnings);
    strings_add_all(&program->warnings, &own->warnings);
    strings_add_all(&program->xoptions, &all->xoptions);
    strings_add_all(&program->xoptions, &own->xoptions);
    program->isolated = all->isolated || own->isolated;
    program->no_site = all->no_site || own->no_site;
    program->no_bytecode = all->no_bytecode || own->no_bytecode;
    program->budgets = merge_limits(&all->limits, &own->limits);
    program->output.own_table = program->budgets.descriptors.hard > 0;
    program->unbuffered = all->unbuffered || own->unbuffered;
    program->destinations[0] = own->stdout_ != NULL ? own->stdout_ : all->stdout_;
    program->destinations[1] = own->stderr_ != NULL ? own->stderr_ : all->stderr_;
    program->append = all->append || own->append;
    program->output.drops = own->drops_set ? own->drops : all->drops;
    program->gil = own->gil_set ? own->gil : all->gil;
    program->extensions = own->extensions_set ? own->extensions : all->extensions;
    program->extension_copies = own->extension_copies > 0 ? own->extension_copies : all->extension_copies;
    program->timeout_ns = own->timeout_set ? own->timeout_ns : all->timeout_ns;
}

/* Working directory, umask, environment and locale: its own, unless they are to be shared. */
static int choose_compartment(struct program *program, const struct program_options *all,
                              const struct program_options *own)
{
    const char *cwd = own->cwd != NULL ? own->cwd : all->cwd;
    struct stat info;
    program->shared_cwd = all->share_cwd || own->share_cwd;
    program->umask_set = all->umask_set || own->umask_set;
    program->umask = own->umask_set ? own->umask : all->umask;
    bool share_env = all->share_env || own->share_env, empty = all->env_empty || own->env_empty;
    program->env_base = share_env ? ISLE_ENV_SHARED : empty ? ISLE_ENV_EMPTY : ISLE_ENV_COPY;
    if (program->shared_cwd && (cwd != NULL || program->umask_set)) {
        complain("--share cwd: not together with %s", cwd != NULL ? "--cwd" : "--umask");
        return EXIT_USAGE;
    }
    program->locale = own->locale != NULL ? own->locale : all->locale;
    program->shared_locale = all->share_locale || own->share_locale;
    if (program->shared_locale && program->locale != NULL) {
        complain("--share locale: not together with --locale");
        return EXIT_USAGE;
    }
    locale_t known = program->locale != NULL ? newlocale(LC_ALL_MASK, program->locale, (locale_t)0) : (locale_t)0;
    if (program->locale != NULL && program->locale[0] != '\0' && known == (locale_t)0) {
        complain("--locale: this system has no locale '%s' (locale -a lists them)", program->locale);
        return EXIT_USAGE;
    }
    if (known != (locale_t)0) {
        freelocale(known);
    }
    if (share_env && (empty || program->env.count > 0)) {
        complain("--share env: not together with %s", empty ? "--env-empty" : "--env");
        return EXIT_USAGE;
    }
    if (cwd != NULL && stat(cwd, &info) != 0) {
        complain("--cwd: %s: %s", cwd, strerror(errno));
        return EXIT_USAGE;
    }
    if (cwd != NULL && !S_ISDIR(info.st_mode)) {
        complain("--cwd: %s is not a folder", cwd);
        return EXIT_USAGE;
    }
    program->cwd = cwd != NULL ? text_absolute(cwd) : NULL;
    return 0;
}

/* A program may be elsewhere when something is looked up: by --cwd or, where the system gives none of them a working
 * directory of its own, because another one went there. So paths are made absolute, except that of a program that is
 * alone and stays here: it gets it as it was typed (sys.argv[0]). */
static void fix_paths(struct program *program, bool alone)
{
    struct strings fixed = {0};
    for (size_t i = 0; i < program->path.count; i++) {
        strings_take(&fixed, text_absolute(program->path.items[i]));
    }
    bool wants_here = program->kind == ISLE_JOB_CALL || (program->kind == ISLE_JOB_MODULE && !alone);
    if (wants_here && !program->isolated) {
        strings_take(&fixed, text_absolute("."));
    }
    strings_free(&program->path);
    program->path = fixed;
    if (program->kind == ISLE_JOB_FILE && !alone) {
        program->target = program->own_target = text_absolute(program->target);
    }
}

/* The program's own folder, which is on its sys.path, may be read. */
static int choose_policy(struct program *program, const struct program_options *all, const struct program_options *own,
                         bool alone)
{
    int status = policy_join(&program->policy, &all->policy, &own->policy);
    if (status != 0) {
        return status;
    }
    if (program->kind == ISLE_JOB_FILE) {
        char *path = realpath(program->target, NULL);
        struct stat info;
        char *slash = path != NULL ? strrchr(path, '/') : NULL;
        policy_let_read(&program->policy, program->target);
        if (!program->isolated && slash > path && stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
            *slash = '\0';
            policy_let_read(&program->policy, path);
        }
        free(path);
    } else if (!program->isolated && alone) {
        policy_let_read(&program->policy, ".");
    }
    return 0;
}

/* VIRTUAL_ENV is a wish, not an order: one of another version is left alone, and said so once. */
static const char *environment_venv(const isle_engine_info *engine, bool quiet)
{
    static bool told;
    const char *dir = getenv("VIRTUAL_ENV");
    char version[32];
    if (dir == NULL || dir[0] == '\0') {
        return NULL;
    }
    enum venv_check check = venv_look(dir, engine->version_hex, version, sizeof version);
    if (check == VENV_OTHER_VERSION && !quiet && !told) {
        told = true;
        complain("note: VIRTUAL_ENV is not used: it was made for Python %s, the engine is %s", version,
                 engine->version);
    }
    return check == VENV_OK ? dir : NULL;
}

static int choose_venv(struct program *program, const struct run_options *options, const struct program_options *own,
                       const isle_engine_info *engine)
{
    const char *dir = own->venv != NULL ? own->venv : options->all.venv;
    char version[32];
    if (dir != NULL && strcmp(dir, "none") == 0) {
        return 0;
    }
    if (dir == NULL) {
        dir = program->no_site ? NULL : environment_venv(engine, options->quiet);
        program->venv = dir != NULL ? text_absolute(dir) : NULL;
        return 0;
    }
    if (program->no_site) {
        complain("--venv %s: a virtual environment needs site, so it can't go with --no-site", dir);
        return EXIT_USAGE;
    }
    switch (venv_look(dir, engine->version_hex, version, sizeof version)) {
    case VENV_NONE:
        complain("--venv: no virtual environment in %s (make one: $(isles info --python) -m venv %s)", dir, dir);
        return EXIT_USAGE;
    case VENV_OTHER_VERSION:
        complain("--venv: %s was made for Python %s, the engine is %s (make one: $(isles info --python) -m venv DIR)",
                 dir, version, engine->version);
        return EXIT_USAGE;
    default:
        program->venv = text_absolute(dir);
        return 0;
    }
}

static int choose_stdin(struct program *program, const char *word, bool alone)
{
    program->stdin_fd = -1;
    if (word == NULL) {
        word = alone ? "inherit" : "null";
    }
    if (strcmp(word, "null") == 0) {
        program->stdin_kind = ISLE_STREAM_NULL;
        return 0;
    }
    if (strcmp(word, "inherit") == 0) {
        program->stdin_kind = ISLE_STREAM_INHERIT;
        return 0;
    }
    struct stat info;
    program->stdin_kind = ISLE_STREAM_FD;
    program->stdin_fd = open(word, O_RDONLY | O_CLOEXEC);
    if (program->stdin_fd < 0) {
        complain("--stdin: cannot read %s: %s (or write null or inherit)", word, strerror(errno));
        return EXIT_USAGE;
    }
    if (fstat(program->stdin_fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        complain("--stdin: %s is a folder", word);
        return EXIT_USAGE;
    }
    return 0;
}

static int check_path(const struct program *program)
{
    for (size_t i = 0; i < program->path.count; i++) {
        if (access(program->path.items[i], F_OK) != 0) {
            complain("--path: %s: %s", program->path.items[i], strerror(errno));
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* --- one and all --------------------------------------------------------------------------------------------- */

struct maker {
    const struct run_options *options;
    const isle_engine_info *engine;
    struct programs *out;
    size_t total; /* copies counted */
};

static size_t copies_of(const struct maker *maker, const struct program_spec *spec)
{
    return spec->own.copies > 0 ? spec->own.copies : maker->options->all.copies;
}

static int make_name(const struct maker *maker, const struct program_spec *spec, struct program *program, size_t index)
{
    const char *wanted = spec->own.name != NULL ? spec->own.name : maker->options->all.name;
    char *base = wanted != NULL ? text_copy(wanted) : default_name(spec, program->kind);
    program->name = base;
    if (copies_of(maker, spec) > 0) {
        program->name = text_format("%s-%llu", base, (unsigned long long)program->number);
        free(base);
    }
    if (wanted != NULL && name_is_taken(maker->out, index, program->name)) {
        complain("--name: two programs are named '%s'%s", program->name,
                 spec->own.name == NULL ? " (a name goes after its program)" : "");
        return EXIT_USAGE;
    }
    program->name = free_name(maker->out, index, program->name);
    return 0;
}

static int make_program(struct maker *maker, const struct program_spec *spec, isle_job_kind kind, size_t number)
{
    const struct run_options *options = maker->options;
    size_t index = maker->out->count;
    struct program *program = &maker->out->items[maker->out->count++];
    *program = (struct program){.target = spec->target, .kind = kind, .number = number, .stdin_fd = -1};
    for (int stream = 0; stream < 2; stream++) {
        program->output.lines[stream].fd = -1;
    }
    int status = make_name(maker, spec, program, index);
    if (status != 0) {
        return status;
    }
    merge_lists(program, &options->all, &spec->own);
    status = check_path(program);
    if (status == 0) {
        status = choose_compartment(program, &options->all, &spec->own);
    }
    if (status == 0 && program->output.own_table && maker->engine->own_descriptors_reason != NULL) {
        complain("--descriptors: %s", maker->engine->own_descriptors_reason);
        status = EXIT_USAGE;
    }
    fix_paths(program, maker->total == 1 && program->cwd == NULL);
    if (status == 0) {
        status = choose_policy(program, &options->all, &spec->own, maker->total == 1);
    }
    if (status == 0) {
        status = choose_venv(program, options, &spec->own, maker->engine);
    }
    if (status == 0) {
        const char *word = spec->own.stdin_ != NULL ? spec->own.stdin_ : options->all.stdin_;
        status = choose_stdin(program, word, maker->total == 1);
    }
    return status;
}

static int make_copies(struct maker *maker, const struct program_spec *spec, const char *previous)
{
    isle_job_kind kind;
    int status = find_kind(spec, previous, &kind);
    size_t copies = copies_of(maker, spec);
    for (size_t number = 0; status == 0 && number < (copies > 0 ? copies : 1); number++) {
        status = make_program(maker, spec, kind, number);
    }
    return status;
}

int programs_make(const struct run_options *options, const isle_engine_info *engine, struct programs *out)
{
    struct maker maker = {.options = options, .engine = engine, .out = out};
    for (size_t i = 0; i < options->count; i++) {
        size_t copies = copies_of(&maker, &options->programs[i]);
        maker.total += copies > 0 ? copies : 1;
    }
    *out = (struct programs){.items = text_alloc(maker.total * sizeof *out->items)};
    for (size_t i = 0; i < options->count; i++) {
        int status = make_copies(&maker, &options->programs[i], i > 0 ? options->programs[i - 1].target : NULL);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static void program_free(struct program *program)
{
    free(program->name);
    free(program->own_target);
    free(program->venv);
    free(program->cwd);
    strings_free(&program->env);
    strings_free(&program->path);
    strings_free(&program->args);
    strings_free(&program->warnings);
    strings_free(&program->xoptions);
    policy_options_free(&program->policy);
    if (program->stdin_fd >= 0) {
        close(program->stdin_fd);
    }
    output_channel_close(&program->output);
    isle_job_free(program->job);
    isle_error_free(program->start_error);
}

void programs_free(struct programs *programs)
{
    for (size_t i = 0; i < programs->count; i++) {
        program_free(&programs->items[i]);
    }
    free(programs->items);
    *programs = (struct programs){0};
}
