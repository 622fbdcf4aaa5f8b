/* isles info: facts of the engine. The runtime is started for it, since only then it is known whether
 * blocking calls can be interrupted, and an interpreter is made, since that is the proof that all is well.
 * Main thread only. */
#include <dlfcn.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <isles/isles.h>

#include "commands.h"
#include "help.h"
#include "text.h"

static const int64_t PATIENCE = 30 * ISLE_SECOND;

struct facts {
    isle_engine_info engine;
    char *program, *library; /* paths; "" when unknown */
    char *stdlib;            /* NULL: no interpreter could be made */
    char *trouble;           /* why not; NULL: all well */
};

/* --- finding out --------------------------------------------------------------------------------------------- */

static char *program_path(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return text_copy(path);
}

static char *library_path(void)
{
    Dl_info info;
    const char *(*function)(void) = isle_version;
    void *address;
    memcpy(&address, &function, sizeof address);
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        return text_copy("");
    }
    char *real = realpath(info.dli_fname, NULL);
    return real != NULL ? real : text_copy(info.dli_fname);
}

static void ask_interpreter(struct facts *facts, isle_runtime *runtime)
{
    isle_interp interp;
    isle_error *error = NULL;
    isle_value *value = NULL;
    if (isle_interp_create(runtime, NULL, &interp, &error) != ISLE_OK) {
        facts->trouble = text_format("no interpreter: %s", isle_error_message(error));
        isle_error_free(error);
        return;
    }
    isle_value *args = isle_value_new_list();
    isle_value_append(args, isle_value_new_str("stdlib"));
    if (isle_interp_call(interp, "sysconfig:get_path", args, isle_deadline_in(PATIENCE), &value, &error) == ISLE_OK) {
        const char *path = isle_value_as_str(value, NULL);
        facts->stdlib = text_copy(path != NULL ? path : "");
    } else {
        facts->trouble = text_format("an interpreter does not work: %s", isle_error_message(error));
    }
    isle_error_free(error);
    isle_value_free(value);
    isle_value_free(args);
    isle_interp_end(interp, isle_deadline_in(PATIENCE), NULL);
}

static void find_facts(struct facts *facts)
{
    isle_runtime *runtime = NULL;
    isle_error *error = NULL;
    facts->program = program_path();
    facts->library = library_path();
    if (isle_runtime_start(NULL, &runtime, &error) == ISLE_OK) {
        ask_interpreter(facts, runtime);
    } else {
        facts->trouble = text_format("Python does not start: %s", isle_error_message(error));
        isle_error_free(error);
    }
    facts->engine.size = sizeof facts->engine;
    isle_engine_describe(&facts->engine);
    isle_runtime_stop(runtime, isle_deadline_in(PATIENCE), NULL);
}

static void facts_free(struct facts *facts)
{
    free(facts->program);
    free(facts->library);
    free(facts->stdlib);
    free(facts->trouble);
}

/* --- for people ---------------------------------------------------------------------------------------------- */

enum { LABEL_WIDTH = 18 };

static void print_fact(const char *label, const char *text)
{
    printf("%-*s", LABEL_WIDTH, label);
    text_wrap(text != NULL && text[0] != '\0' ? text : "unknown", LABEL_WIDTH);
}

static const char *gil_text(const isle_engine_info *engine)
{
    return engine->free_threaded ? "none: a free-threaded build"
                                 : "one for each interpreter, or the shared one (--gil)";
}

static char *hook_text(const isle_engine_info *engine)
{
    if (engine->hook_active) {
        return text_copy("can be interrupted (sleep, read, Lock, regex, ...)");
    }
    const char *reason = engine->hook_reason;
    if (reason == NULL) {
        reason = engine->hook_built ? "the hook is not active" : "the library was built without Zydis";
    }
    return text_format("can't be interrupted before they return: %s", reason);
}

static char *own_text(const char *reason, const char *own, const char *shared)
{
    return reason == NULL ? text_copy(own) : text_format("%s: %s", shared, reason);
}

static char *landlock_text(void)
{
    const char *reason = NULL;
    int abi = isle_policy_landlock(&reason);
    if (abi == 0) {
        return text_format("can't be limited by path and port: %s", reason);
    }
    if (abi < 4) {
        return text_format("can be limited by path%s, not by port: Landlock %d", abi < 3 ? " in part" : "", abi);
    }
    return text_format("can be limited by path and port: Landlock %d", abi);
}

static void print_defects(void)
{
    const isle_engine_defect *defect;
    if (isle_engine_defect_at(0) == NULL) {
        print_fact("known defects", "none in this version");
        return;
    }
    puts("\nKnown defects of this engine, and what Isles does about them:");
    for (size_t i = 0; (defect = isle_engine_defect_at(i)) != NULL; i++) {
        printf("\n  %s\n    ", defect->issue);
        text_wrap(defect->defect, 4);
        printf("    Isles: ");
        text_wrap(defect->measure, 11);
    }
}

static void print_facts(const struct facts *facts)
{
    const isle_engine_info *engine = &facts->engine;
    char *cpython = text_format("CPython %s%s%s", engine->version, engine->free_threaded ? ", free-threaded" : "",
                                engine->debug ? ", debug build" : "");
    char *hook = hook_text(engine);
    char *landlock = landlock_text();
    char *own_fs = own_text(engine->own_fs_reason, "its own for each interpreter, unless it is to share them",
                            "shared by all interpreters");
    char *descriptors = own_text(engine->own_descriptors_reason, "shared, or a table of its own (--descriptors)",
                                 "shared by all interpreters");
    print_fact("isles", isle_version());
    print_fact("engine", cpython);
    print_fact("build", engine->build);
    print_fact("python", engine->python);
    print_fact("standard library", facts->stdlib);
    print_fact("library", facts->library);
    print_fact("program", facts->program);
    print_fact("state", facts->trouble != NULL ? facts->trouble : "works: an interpreter was made and ended");
    puts("");
    print_fact("GIL", gil_text(engine));
    print_fact("blocking calls", hook);
    print_fact("folder, umask", own_fs);
    print_fact("descriptors", descriptors);
    print_fact("files, network", landlock);
    print_defects();
    free(cpython);
    free(hook);
    free(landlock);
    free(own_fs);
    free(descriptors);
}

/* --- for programs -------------------------------------------------------------------------------------------- */

static json_t *optional_string(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *json_defects(void)
{
    json_t *list = json_array();
    const isle_engine_defect *defect;
    for (size_t i = 0; (defect = isle_engine_defect_at(i)) != NULL; i++) {
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "issue", defect->issue, "defect", defect->defect,
                                              "measure", defect->measure));
    }
    return list;
}

static void print_json(const struct facts *facts)
{
    const isle_engine_info *engine = &facts->engine;
    json_t *root = json_object();
    json_object_set_new(root, "version", json_string(isle_version()));
    json_object_set_new(root, "engine", json_string(engine->version));
    json_object_set_new(root, "engine_hex", json_integer(engine->version_hex));
    json_object_set_new(root, "build", optional_string(engine->build));
    json_object_set_new(root, "python", optional_string(engine->python));
    json_object_set_new(root, "stdlib", optional_string(facts->stdlib));
    json_object_set_new(root, "library", optional_string(facts->library));
    json_object_set_new(root, "program", optional_string(facts->program));
    json_object_set_new(root, "trouble", optional_string(facts->trouble));
    json_object_set_new(root, "own_gil", json_boolean(!engine->free_threaded));
    json_object_set_new(root, "free_threaded", json_boolean(engine->free_threaded));
    json_object_set_new(root, "debug", json_boolean(engine->debug));
    json_object_set_new(root, "hook_built", json_boolean(engine->hook_built));
    json_object_set_new(root, "hook_active", json_boolean(engine->hook_active));
    json_object_set_new(root, "hook_reason", optional_string(engine->hook_reason));
    json_object_set_new(root, "own_fs_reason", optional_string(engine->own_fs_reason));
    json_object_set_new(root, "own_descriptors_reason", optional_string(engine->own_descriptors_reason));
    json_object_set_new(root, "landlock", json_integer(isle_policy_landlock(NULL)));
    json_object_set_new(root, "defects", json_defects());
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

/* --- the command --------------------------------------------------------------------------------------------- */

static int print_python(void)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    if (engine.python == NULL || engine.python[0] == '\0') {
        complain("info: the engine's python is not known");
        return 1;
    }
    puts(engine.python);
    return 0;
}

static int print_all(bool as_json)
{
    struct facts facts = {0};
    find_facts(&facts);
    if (as_json) {
        print_json(&facts);
    } else {
        print_facts(&facts);
    }
    int status = facts.trouble != NULL ? 1 : 0;
    facts_free(&facts);
    return status;
}

static int bad_option(int option, const char *word)
{
    static const char *const names[] = {"python", "json", "help"};
    const char *nearest = strncmp(word, "--", 2) == 0 ? text_nearest(word + 2, names, 3) : NULL;
    if (nearest != NULL) {
        complain("info: unknown option: %s (did you mean --%s?)", word, nearest);
    } else if (option != 0 && strncmp(word, "--", 2) != 0) {
        complain("info: unknown option: -%c (isles info --help lists them)", option);
    } else {
        complain("info: unknown option: %s (isles info --help lists them)", word);
    }
    return EXIT_USAGE;
}

int cmd_info(int argc, char **argv)
{
    static const struct option options[] = {{"python", no_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool python = false, as_json = false;
    opterr = 0;
    optind = 0;
    for (;;) {
        const char *word = argv[optind > 0 ? optind : 1];
        int code = getopt_long(argc, argv, "+h", options, NULL);
        if (code == -1) {
            break;
        }
        if (code == 'h') {
            fputs(help_info, stdout);
            return 0;
        }
        if (code == '?') {
            return bad_option(optopt, word);
        }
        python = python || code == 'p';
        as_json = as_json || code == 'j';
    }
    if (optind < argc) {
        complain("info: takes no arguments: %s", argv[optind]);
        return EXIT_USAGE;
    }
    return python ? print_python() : print_all(as_json);
}
