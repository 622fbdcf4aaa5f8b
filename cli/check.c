/* isles check: reads its options, has check/ do the work, and exits with what became of it. Main thread only. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <isles/isles.h>

#include "check.h"
#include "check_engines.h"
#include "check_report.h"
#include "commands.h"
#include "duration.h"
#include "help.h"
#include "text.h"
#include "venv.h"

enum {
    OPT_REQUIRE = 256,
    OPT_JOBS,
    OPT_TIMEOUT,
    OPT_VENV,
    OPT_SNIPPET,
    OPT_COLOR,
    OPT_JSON,
    OPT_STATIC,
    OPT_STDLIB,
    OPT_NO_CACHE,
    OPT_ISLES,
    OPT_SKIP_FOREIGN,
};

static const struct option LONG[] = {{"static", no_argument, NULL, OPT_STATIC},
                                     {"stdlib", no_argument, NULL, OPT_STDLIB},
                                     {"require", required_argument, NULL, OPT_REQUIRE},
                                     {"jobs", required_argument, NULL, OPT_JOBS},
                                     {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                     {"venv", required_argument, NULL, OPT_VENV},
                                     {"snippet", required_argument, NULL, OPT_SNIPPET},
                                     {"color", required_argument, NULL, OPT_COLOR},
                                     {"json", no_argument, NULL, OPT_JSON},
                                     {"isles", required_argument, NULL, OPT_ISLES},
                                     {"skip-foreign", no_argument, NULL, OPT_SKIP_FOREIGN},
                                     {"no-cache", no_argument, NULL, OPT_NO_CACHE},
                                     {"verbose", no_argument, NULL, 'v'},
                                     {"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};

static const int64_t DEFAULT_TIMEOUT = 60 * ISLE_SECOND;

struct options {
    check_options check;
    check_verdict required;
    bool json, verbose, help, no_cache;
    const char *color; /* auto, always or never */
    char *snippet;
    bool no_venv;                   /* --venv none */
    struct strings venvs, programs; /* of --venv and --isles */
    check_strings words;            /* options that other engines' programs are given, too */
};

static volatile sig_atomic_t asked_to_stop;

static void on_interrupt(int number)
{
    (void)number;
    asked_to_stop = 1; /* once: the second one ends the program */
}

/* --- options ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    check_verdict verdict;
} requirements[] = {
    {"own-gil", VERDICT_OWN}, {"private", VERDICT_PRIVATE}, {"shared-gil", VERDICT_SHARED}, {"main", VERDICT_MAIN}};

static int read_require(struct options *out, const char *word)
{
    for (size_t i = 0; i < sizeof requirements / sizeof requirements[0]; i++) {
        if (strcmp(requirements[i].word, word) == 0) {
            out->required = requirements[i].verdict;
            return 0;
        }
    }
    complain("--require: '%s' is none of own-gil, private, shared-gil and main", word);
    return EXIT_USAGE;
}

static int read_jobs(struct options *out, const char *word)
{
    char *end;
    errno = 0;
    long jobs = strtol(word, &end, 10);
    if (errno != 0 || end == word || *end != '\0' || jobs < 1 || jobs > 1000) {
        complain("--jobs: '%s' is not a number from 1 to 1000", word);
        return EXIT_USAGE;
    }
    out->check.jobs = (size_t)jobs;
    return 0;
}

static int read_timeout(struct options *out, const char *word)
{
    if (!duration_parse(word, &out->check.timeout_ns)) {
        complain("--timeout: '%s' is not a time (try 5s, 500ms, 2m)", word);
        return EXIT_USAGE;
    }
    return 0;
}

static int read_color(struct options *out, const char *word)
{
    if (strcmp(word, "auto") != 0 && strcmp(word, "always") != 0 && strcmp(word, "never") != 0) {
        complain("--color: '%s' is none of auto, always, never", word);
        return EXIT_USAGE;
    }
    out->color = word;
    return 0;
}

static int read_snippet(struct options *out, const char *path)
{
    struct buffer source = {0};
    char chunk[4096];
    size_t got;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        complain("--snippet: cannot read %s: %s", path, strerror(errno));
        return EXIT_USAGE;
    }
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buffer_add(&source, chunk, got);
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || memchr(source.data != NULL ? source.data : "", '\0', source.len) != NULL) {
        complain("--snippet: %s is not Python source", path);
        buffer_free(&source);
        return EXIT_USAGE;
    }
    buffer_add(&source, "", 1);
    free(out->snippet);
    out->snippet = source.data;
    out->check.snippet = source.data;
    return 0;
}

/* "none" is none, whatever came before it. */
static void take_venv(struct options *out, const char *venv)
{
    if (strcmp(venv, "none") == 0) {
        out->venvs.count = 0;
        out->no_venv = true;
    } else {
        strings_add(&out->venvs, venv);
    }
}

/* As `isles run` takes it: by default the one that is active. */
static int choose_venv(struct options *out)
{
    size_t count = out->venvs.count;
    const char *venv = count > 0 ? out->venvs.items[count - 1] : out->no_venv ? NULL : getenv("VIRTUAL_ENV");
    const char *source = count > 0 ? "--venv" : "VIRTUAL_ENV";
    if (venv == NULL || venv[0] == '\0' || strcmp(venv, "none") == 0) {
        return 0;
    }
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    char version[32];
    switch (venv_look(venv, engine.version_hex, version, sizeof version)) {
    case VENV_OK:
        out->check.venv = venv;
        return 0;
    case VENV_NONE:
        complain("%s: no virtual environment in %s", source, venv);
        return EXIT_USAGE;
    default:
        complain("%s: %s was made for Python %s, the engine is %d.%d (isles info --python says which python makes one "
                 "for it)",
                 source, venv, version, engine.version_hex >> 24, engine.version_hex >> 16 & 0xff);
        return EXIT_USAGE;
    }
}

static int bad_option(int code, const char *word)
{
    enum { KNOWN = sizeof LONG / sizeof LONG[0] - 1 };
    const char *names[KNOWN];
    for (size_t i = 0; i < KNOWN; i++) {
        names[i] = LONG[i].name;
    }
    if (code == ':') {
        complain("%s needs a value", word);
        return EXIT_USAGE;
    }
    bool is_long = strncmp(word, "--", 2) == 0;
    const char *nearest = is_long ? text_nearest(word + 2, names, KNOWN) : NULL;
    if (nearest != NULL) {
        complain("check: unknown option: %s (did you mean --%s?)", word, nearest);
    } else {
        complain("check: unknown option: %s (isles check --help lists them)", word);
    }
    return EXIT_USAGE;
}

static int take_option(struct options *out, int code, const char *value)
{
    switch (code) {
    case OPT_REQUIRE:
        return read_require(out, value);
    case OPT_JOBS:
        return read_jobs(out, value);
    case OPT_TIMEOUT:
        return read_timeout(out, value);
    case OPT_COLOR:
        return read_color(out, value);
    case OPT_SNIPPET:
        return read_snippet(out, value);
    case OPT_VENV:
        take_venv(out, value);
        break;
    case OPT_ISLES:
        strings_add(&out->programs, value);
        break;
    case OPT_SKIP_FOREIGN:
        out->check.skip_foreign = true;
        break;
    case OPT_STATIC:
        out->check.only_static = true;
        break;
    case OPT_STDLIB:
        out->check.stdlib = true;
        break;
    case OPT_JSON:
        out->json = true;
        break;
    case OPT_NO_CACHE:
        out->no_cache = true;
        break;
    case 'v':
        out->verbose = true;
        break;
    default:
        out->help = true;
        break;
    }
    return 0;
}

/* What every engine's program has to know as well. */
static void keep_words(struct options *out, int code, const char *value)
{
    static const int codes[] = {OPT_REQUIRE, OPT_JOBS, OPT_TIMEOUT, OPT_SNIPPET, OPT_STATIC, OPT_STDLIB, OPT_NO_CACHE};
    const char *name = NULL;
    for (size_t i = 0; LONG[i].name != NULL; i++) {
        name = LONG[i].val == code ? LONG[i].name : name;
    }
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == code && value != NULL) {
            check_strings_take(&out->words, text_format("--%s=%s", name, value));
        } else if (codes[i] == code) {
            check_strings_take(&out->words, text_format("--%s", name));
        }
    }
}

static int read_options(int argc, char **argv, struct options *out)
{
    opterr = 0;
    optind = 0;
    for (;;) {
        int index = optind > 0 ? optind : 1;
        int code = getopt_long(argc, argv, ":vh", LONG, NULL);
        if (code == -1) {
            break;
        }
        if (code == '?' || code == ':') {
            const char *word = argv[optind - 1] != NULL ? argv[optind - 1] : argv[index];
            return bad_option(code, word[0] == '-' ? word : argv[index]);
        }
        int status = take_option(out, code, optarg);
        if (status != 0 || out->help) {
            return status;
        }
        keep_words(out, code, optarg);
    }
    out->check.targets = (const char *const *)argv + optind;
    out->check.target_count = (size_t)(argc - optind);
    if (out->check.target_count == 0 && !out->check.stdlib) {
        complain("check: nothing to check (a package, a .so, a wheel, a folder, a virtual environment, a requirements "
                 "file, or "
                 "--stdlib)");
        return EXIT_USAGE;
    }
    return out->programs.count > 0 ? 0 : choose_venv(out);
}

/* --- the work ------------------------------------------------------------------------------------------------ */

static bool in_color(const struct options *options)
{
    const char *no_color = getenv("NO_COLOR");
    if (strcmp(options->color, "auto") != 0) {
        return strcmp(options->color, "always") == 0;
    }
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}

static bool all_good(const check_report *report, check_verdict required)
{
    for (size_t i = 0; i < report->count; i++) {
        if (!report->items[i].skipped && report->items[i].verdict < required) {
            return false;
        }
    }
    return true;
}

static void print_report(const struct options *options, const check_report *report)
{
    if (options->json) {
        char *json = check_to_json(report, options->required);
        puts(json);
        free(json);
        return;
    }
    report_print(report, options->required, in_color(options), options->verbose);
}

static int check(const struct options *options)
{
    check_report report;
    report_progress("looking for extension modules");
    char *why = check_find(&options->check, &report);
    if (why != NULL) {
        report_progress(NULL);
        if (!asked_to_stop) {
            complain("check: %s", why);
        }
        free(why);
        return asked_to_stop ? 130 : EXIT_USAGE;
    }
    check_examine(&options->check, &report, report_on_done, NULL);
    report_progress(NULL);
    int status = 130;
    if (!asked_to_stop) {
        print_report(options, &report);
        status = all_good(&report, options->required) ? 0 : 1;
        why = options->no_cache ? NULL : check_remember(&report);
        if (why != NULL) {
            complain("check: the verdicts are not kept: %s", why);
            free(why);
        }
    }
    check_report_free(&report);
    return status;
}

/* --- on several engines -------------------------------------------------------------------------------------- */

static bool choose_engines(const struct options *options, check_engines *engines)
{
    const char *active = getenv("VIRTUAL_ENV");
    for (size_t i = 0; i < options->programs.count; i++) {
        char *why = check_engines_add(engines, options->programs.items[i], options->check.timeout_ns);
        if (why != NULL) {
            complain("--isles: %s", why);
            free(why);
            return false;
        }
    }
    if (options->venvs.count > 0 || options->no_venv || active == NULL || active[0] == '\0') {
        return engines_choose_venvs(engines, options->venvs.items, options->venvs.count, "--venv", true);
    }
    return engines_choose_venvs(engines, &active, 1, "VIRTUAL_ENV", false);
}

static int check_on_engines(const struct options *options, check_engines *engines)
{
    if (!choose_engines(options, engines)) {
        report_progress(NULL);
        return EXIT_USAGE;
    }
    check_engines_run(engines, &options->words, options->check.targets, options->check.target_count, engines_on_begin,
                      &asked_to_stop);
    report_progress(NULL);
    if (asked_to_stop) {
        return 130;
    }
    if (options->json) {
        char *json = check_engines_to_json(engines, options->required);
        puts(json);
        free(json);
    } else {
        engines_print(engines, in_color(options), options->verbose);
    }
    fflush(stdout);
    engines_complain(engines);
    return check_engines_status(engines);
}

static int check_here_and_there(const struct options *options)
{
    check_engines engines;
    check_engines_begin(&engines);
    int status = check_on_engines(options, &engines);
    check_engines_free(&engines);
    return status;
}

int cmd_check(int argc, char **argv)
{
    struct options options = {.required = VERDICT_PRIVATE, .color = "auto"};
    options.check.timeout_ns = DEFAULT_TIMEOUT;
    options.check.stop = &asked_to_stop;
    int status = read_options(argc, argv, &options);
    if (status == 0 && options.help) {
        fputs(help_check, stdout);
    } else if (status == 0) {
        struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        status = options.programs.count > 0 ? check_here_and_there(&options) : check(&options);
    }
    free(options.snippet);
    strings_free(&options.venvs);
    strings_free(&options.programs);
    check_strings_free(&options.words);
    return status;
}
