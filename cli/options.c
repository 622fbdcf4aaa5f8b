/* Reads the command line of `isles run`. getopt_long gives options and programs in order (the '-' that
 * begins SHORT): what stands before the first program holds for all, what follows a program is that
 * program's own. Options of the run as a whole may stand anywhere. Main thread only. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "duration.h"
#include "size.h"
#include "words.h"

enum {
    A_PROGRAM = 1, /* what getopt_long returns for a word that is no option */
    OPT_NAME = 256,
    OPT_ENV,
    OPT_PATH,
    OPT_VENV,
    OPT_ARGS,
    OPT_TIMEOUT,
    OPT_MEMORY,
    OPT_CPU,
    OPT_THREADS,
    OPT_OUTPUT_LIMIT,
    OPT_QUEUE_BYTES,
    OPT_MESSAGES,
    OPT_RECURSION,
    OPT_DESCRIPTORS,
    OPT_GIL,
    OPT_EXTENSIONS,
    OPT_EXTENSION_COPIES,
    OPT_STDIN,
    OPT_STDOUT,
    OPT_STDERR,
    OPT_APPEND,
    OPT_SLOW_READER,
    OPT_CWD,
    OPT_UMASK,
    OPT_ENV_EMPTY,
    OPT_SHARE,
    OPT_COPIES,
    OPT_LOCALE,
    OPT_JOBS,
    OPT_OUTPUT,
    OPT_FAIL_FAST,
    OPT_QUIET,
    OPT_SUMMARY,
    OPT_COLOR,
    OPT_POLICY /* and after it, in the order of enum policy_option */
};

enum { LEAST_RECURSION = 100 }; /* the library takes no less */

static const char SHORT[] = "-:m:n:W:X:ISBuh";
static const struct option LONG[] = {
    {"name", required_argument, NULL, OPT_NAME},
    {"env", required_argument, NULL, OPT_ENV},
    {"path", required_argument, NULL, OPT_PATH},
    {"venv", required_argument, NULL, OPT_VENV},
    {"args", required_argument, NULL, OPT_ARGS},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"memory", required_argument, NULL, OPT_MEMORY},
    {"cpu", required_argument, NULL, OPT_CPU},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"output-limit", required_argument, NULL, OPT_OUTPUT_LIMIT},
    {"queue-bytes", required_argument, NULL, OPT_QUEUE_BYTES},
    {"messages", required_argument, NULL, OPT_MESSAGES},
    {"recursion", required_argument, NULL, OPT_RECURSION},
    {"descriptors", required_argument, NULL, OPT_DESCRIPTORS},
    {"gil", required_argument, NULL, OPT_GIL},
    {"extensions", required_argument, NULL, OPT_EXTENSIONS},
    {"extension-copies", required_argument, NULL, OPT_EXTENSION_COPIES},
    {"stdin", required_argument, NULL, OPT_STDIN},
    {"stdout", required_argument, NULL, OPT_STDOUT},
    {"stderr", required_argument, NULL, OPT_STDERR},
    {"append", no_argument, NULL, OPT_APPEND},
    {"slow-reader", required_argument, NULL, OPT_SLOW_READER},
    {"cwd", required_argument, NULL, OPT_CWD},
    {"locale", required_argument, NULL, OPT_LOCALE},
    {"umask", required_argument, NULL, OPT_UMASK},
    {"env-empty", no_argument, NULL, OPT_ENV_EMPTY},
    {"share", required_argument, NULL, OPT_SHARE},
    {"copies", required_argument, NULL, OPT_COPIES},
    {"isolated", no_argument, NULL, 'I'},
    {"no-site", no_argument, NULL, 'S'},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"fail-fast", no_argument, NULL, OPT_FAIL_FAST},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"summary", no_argument, NULL, OPT_SUMMARY},
    {"color", required_argument, NULL, OPT_COLOR},
    {"help", no_argument, NULL, 'h'},
    {"allow-read", required_argument, NULL, OPT_POLICY + POLICY_READ},
    {"allow-write", required_argument, NULL, OPT_POLICY + POLICY_WRITE},
    {"allow-exec", required_argument, NULL, OPT_POLICY + POLICY_EXEC},
    {"allow-connect", required_argument, NULL, OPT_POLICY + POLICY_CONNECT},
    {"allow-bind", required_argument, NULL, OPT_POLICY + POLICY_BIND},
    {"seccomp", required_argument, NULL, OPT_POLICY + POLICY_SECCOMP},
    {"deny", required_argument, NULL, OPT_POLICY + POLICY_DENY},
    {"allow", required_argument, NULL, OPT_POLICY + POLICY_ALLOW},
    {"observe", no_argument, NULL, OPT_POLICY + POLICY_OBSERVE},
    {NULL, 0, NULL, 0},
};
enum { LONG_COUNT = sizeof LONG / sizeof LONG[0] - 1 };

/* The command line while it is read. `program` is what program options apply to: `all` before the first
 * program. */
struct reader {
    struct run_options *options;
    struct program_options *program;
};

static int bad_value(const char *option, const char *value, const char *what)
{
    complain("%s: '%s' is %s", option, value, what);
    return EXIT_USAGE;
}

static void add_program(struct reader *reader, const char *target, bool is_module)
{
    struct run_options *options = reader->options;
    options->programs = text_resize(options->programs, (options->count + 1) * sizeof *options->programs);
    options->programs[options->count] = (struct program_spec){.target = target, .is_module = is_module};
    reader->program = &options->programs[options->count++].own;
}

static int read_count(const char *option, const char *text, size_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number == 0 || number > 1000000) {
        return bad_value(option, text, "not a number from 1 to 1000000");
    }
    *out = (size_t)number;
    return 0;
}

static int read_env(struct program_options *program, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return bad_value("--env", text, "not NAME=VALUE");
    }
    strings_add(&program->env, text);
    return 0;
}

static int read_args(struct program_options *program, const char *text)
{
    const char *why = words_split(text, &program->args);
    if (why != NULL) {
        complain("--args: %s: %s", why, text);
        return EXIT_USAGE;
    }
    return 0;
}

static int read_timeout(struct program_options *program, const char *text)
{
    if (!duration_parse(text, &program->timeout_ns)) {
        return bad_value("--timeout", text, "not a time (try 5s, 500ms, 2m)");
    }
    program->timeout_set = true;
    return 0;
}

static int read_size(const char *option, const char *text, isle_limit *out)
{
    return size_parse(text, &out->hard) ? 0 : bad_value(option, text, "not a size (try 64M, 1.5G, 500K)");
}

static int read_cpu(const char *text, isle_limit *out)
{
    int64_t ns;
    if (!duration_parse(text, &ns) || ns == 0) {
        return bad_value("--cpu", text, "not a time (try 5s, 500ms, 2m)");
    }
    out->hard = (uint64_t)ns;
    return 0;
}

static int read_number(const char *option, const char *text, isle_limit *out)
{
    size_t count = 0;
    int status = read_count(option, text, &count);
    out->hard = count;
    return status;
}

static int read_recursion(const char *text, isle_limit *out)
{
    int status = read_number("--recursion", text, out);
    return status == 0 && out->hard < LEAST_RECURSION ? bad_value("--recursion", text, "less than 100") : status;
}

static int read_gil(struct program_options *program, const char *text)
{
    if (strcmp(text, "own") == 0) {
        program->gil = ISLE_GIL_OWN;
    } else if (strcmp(text, "shared") == 0) {
        program->gil = ISLE_GIL_SHARED;
    } else {
        return bad_value("--gil", text, "neither own nor shared");
    }
    program->gil_set = true;
    return 0;
}

static int read_extensions(struct program_options *program, const char *text)
{
    static const char *const words[] = {"strict", "private", "shared-gil", "auto"}; /* by isle_extensions */
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, words[i]) == 0) {
            program->extensions = (isle_extensions)i;
            program->extensions_set = true;
            return 0;
        }
    }
    return bad_value("--extensions", text, "none of strict, private, shared-gil, auto");
}

static int read_slow_reader(struct program_options *program, const char *text)
{
    if (strcmp(text, "wait") != 0 && strcmp(text, "drop") != 0) {
        return bad_value("--slow-reader", text, "neither wait nor drop");
    }
    program->drops = text[0] == 'd';
    program->drops_set = true;
    return 0;
}

static int read_destination(const char *option, const char *text, const char **out)
{
    *out = text;
    return text[0] != '\0' ? 0 : bad_value(option, text, "empty");
}

static int read_umask(struct program_options *program, const char *text)
{
    char *end = NULL;
    unsigned long mask = strtoul(text, &end, 8);
    if (text[0] < '0' || text[0] > '7' || *end != '\0' || mask > 0777) {
        return bad_value("--umask", text, "not an octal number from 0 to 777");
    }
    program->umask = (unsigned)mask;
    program->umask_set = true;
    return 0;
}

static int read_share(struct program_options *program, const char *text)
{
    if (strcmp(text, "cwd") == 0) {
        program->share_cwd = true;
    } else if (strcmp(text, "env") == 0) {
        program->share_env = true;
    } else if (strcmp(text, "locale") == 0) {
        program->share_locale = true;
    } else {
        return bad_value("--share", text, "none of cwd, env, locale");
    }
    return 0;
}

static int read_color(struct run_options *options, const char *text)
{
    if (strcmp(text, "auto") == 0) {
        options->color = COLOR_AUTO;
    } else if (strcmp(text, "always") == 0) {
        options->color = COLOR_ALWAYS;
    } else if (strcmp(text, "never") == 0) {
        options->color = COLOR_NEVER;
    } else {
        return bad_value("--color", text, "none of auto, always, never");
    }
    return 0;
}

static int read_output(struct run_options *options, const char *text)
{
    static const char *const words[] = {"prefix", "plain", "json"};
    static const enum output_mode modes[] = {OUTPUT_PREFIX, OUTPUT_PLAIN, OUTPUT_JSON};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, words[i]) == 0) {
            options->output = modes[i];
            return 0;
        }
    }
    /* a mistyped word must not silently become a folder */
    struct stat info;
    const char *nearest = strchr(text, '/') == NULL && stat(text, &info) != 0 ? text_nearest(text, words, 3) : NULL;
    if (nearest != NULL) {
        complain("--output: did you mean %s? (for a new folder write ./%s)", nearest, text);
        return EXIT_USAGE;
    }
    if (text[0] == '\0') {
        return bad_value("--output", text, "none of prefix, plain, json, nor a folder");
    }
    options->output = OUTPUT_FILES;
    options->output_dir = text;
    return 0;
}

/* --- options of one program ---------------------------------------------------------------------------------- */

static int read_program_option(struct program_options *program, int code, const char *value)
{
    if (code >= OPT_POLICY) {
        return policy_read_option(&program->policy, (enum policy_option)(code - OPT_POLICY), value);
    }
    switch (code) {
    case OPT_NAME:
        program->name = value;
        return value[0] != '\0' ? 0 : bad_value("--name", value, "empty");
    case OPT_ENV:
        return read_env(program, value);
    case OPT_PATH:
        strings_add(&program->path, value);
        return 0;
    case OPT_VENV:
        program->venv = value;
        return 0;
    case OPT_ARGS:
        return read_args(program, value);
    case OPT_TIMEOUT:
        return read_timeout(program, value);
    case OPT_MEMORY:
        return read_size("--memory", value, &program->limits.memory_bytes);
    case OPT_CPU:
        return read_cpu(value, &program->limits.cpu_ns);
    case OPT_THREADS:
        return read_number("--threads", value, &program->limits.threads);
    case OPT_OUTPUT_LIMIT:
        return read_size("--output-limit", value, &program->limits.output_bytes);
    case OPT_QUEUE_BYTES:
        return read_size("--queue-bytes", value, &program->limits.queue_bytes);
    case OPT_MESSAGES:
        return read_number("--messages", value, &program->limits.messages);
    case OPT_RECURSION:
        return read_recursion(value, &program->limits.recursion);
    case OPT_DESCRIPTORS:
        return read_number("--descriptors", value, &program->limits.descriptors);
    case OPT_GIL:
        return read_gil(program, value);
    case OPT_EXTENSIONS:
        return read_extensions(program, value);
    case OPT_EXTENSION_COPIES:
        return read_count("--extension-copies", value, &program->extension_copies);
    case OPT_STDIN:
        program->stdin_ = value;
        return 0;
    case OPT_STDOUT:
        return read_destination("--stdout", value, &program->stdout_);
    case OPT_STDERR:
        return read_destination("--stderr", value, &program->stderr_);
    case OPT_APPEND:
        program->append = true;
        return 0;
    case OPT_SLOW_READER:
        return read_slow_reader(program, value);
    case OPT_CWD:
        program->cwd = value;
        return 0;
    case OPT_LOCALE:
        program->locale = value;
        return 0;
    case OPT_UMASK:
        return read_umask(program, value);
    case OPT_ENV_EMPTY:
        program->env_empty = true;
        return 0;
    case OPT_SHARE:
        return read_share(program, value);
    case OPT_COPIES:
        return read_count("--copies", value, &program->copies);
    case 'n':
        return read_count("-n", value, &program->copies);
    case 'W':
        strings_add(&program->warnings, value);
        return 0;
    case 'X':
        strings_add(&program->xoptions, value);
        return 0;
    case 'u':
        program->unbuffered = true;
        return 0;
    case 'I':
        program->isolated = true;
        return 0;
    case 'S':
        program->no_site = true;
        return 0;
    default: /* 'B' */
        program->no_bytecode = true;
        return 0;
    }
}

/* --- mistakes ------------------------------------------------------------------------------------------------ */

static const char *long_name(int code)
{
    for (size_t i = 0; i < LONG_COUNT; i++) {
        if (LONG[i].val == code) {
            return LONG[i].name;
        }
    }
    return NULL;
}

/* `word` is "--fail-fats" or "--fail-fats=1". */
static void complain_of_long(const struct reader *reader, const char *word)
{
    const char *names[LONG_COUNT];
    char *name = text_format("%.*s", (int)strcspn(word + 2, "="), word + 2);
    size_t begin = 0;
    const char *first = NULL, *second = NULL;
    for (size_t i = 0; i < LONG_COUNT; i++) {
        names[i] = LONG[i].name;
        if (strncmp(LONG[i].name, name, strlen(name)) == 0) {
            begin++;
            second = first == NULL ? second : LONG[i].name;
            first = first == NULL ? LONG[i].name : first;
        }
    }
    const char *nearest = text_nearest(name, names, LONG_COUNT);
    const struct run_options *options = reader->options;
    if (begin > 1) {
        complain("--%s may be --%s or --%s", name, first, second);
    } else if (nearest != NULL) {
        complain("unknown option: --%s (did you mean --%s?)", name, nearest);
    } else if (options->count > 0) {
        complain("unknown option: --%s (as an argument of %s: --args '%s')", name,
                 options->programs[options->count - 1].target, word);
    } else {
        complain("unknown option: --%s (isles run --help lists them)", name);
    }
    free(name);
}

static int mistake(const struct reader *reader, int code, int option, const char *word)
{
    const char *name = long_name(option);
    bool is_long = strncmp(word, "--", 2) == 0;
    if (code == ':') {
        if (is_long && name != NULL) {
            complain("--%s needs a value", name);
        } else {
            complain("-%c needs %s", option, option == 'm' ? "the name of a module" : "a value");
        }
    } else if (is_long && option != 0 && name != NULL) {
        complain("--%s takes no value", name);
    } else if (is_long) {
        complain_of_long(reader, word);
    } else if (option == 'c') {
        complain("unknown option: -c (a program is a file, -m module, folder, zip or pkg.mod:function)");
    } else {
        complain("unknown option: -%c (isles run --help lists them)", option);
    }
    return EXIT_USAGE;
}

/* --- the whole ----------------------------------------------------------------------------------------------- */

static int read_one(struct reader *reader, int code, const char *value)
{
    struct run_options *options = reader->options;
    switch (code) {
    case A_PROGRAM:
        add_program(reader, value, false);
        return 0;
    case 'm':
        add_program(reader, value, true);
        return 0;
    case OPT_JOBS:
        return read_count("--jobs", value, &options->jobs);
    case OPT_OUTPUT:
        return read_output(options, value);
    case OPT_FAIL_FAST:
        options->fail_fast = true;
        return 0;
    case OPT_QUIET:
        options->quiet = true;
        return 0;
    case OPT_SUMMARY:
        options->summary = true;
        return 0;
    case OPT_COLOR:
        return read_color(options, value);
    default:
        return read_program_option(reader->program, code, value);
    }
}

static bool has_copies(isle_extensions extensions)
{
    return extensions == ISLE_EXTENSIONS_PRIVATE || extensions == ISLE_EXTENSIONS_AUTO;
}

/* A limit where there are no copies is a mistake. */
static int check_copy_limits(const struct run_options *options)
{
    bool any = false, bad = false;
    for (size_t i = 0; i < options->count; i++) {
        const struct program_options *own = &options->programs[i].own;
        bool has = has_copies(own->extensions_set ? own->extensions : options->all.extensions);
        any = any || has;
        bad = bad || (own->extension_copies > 0 && !has);
    }
    if (bad || (options->all.extension_copies > 0 && !any)) {
        complain("--extension-copies: goes with --extensions private or auto");
        return EXIT_USAGE;
    }
    return 0;
}

int options_read(int argc, char **argv, struct run_options *out)
{
    struct reader reader = {.options = out, .program = &out->all};
    opterr = 0;
    optind = 0; /* glibc: begin afresh */
    for (;;) {
        const char *word = argv[optind > 0 ? optind : 1];
        int code = getopt_long(argc, argv, SHORT, LONG, NULL);
        if (code == -1) {
            break;
        }
        if (code == 'h') {
            out->help = true;
            return 0;
        }
        int status = code == '?' || code == ':' ? mistake(&reader, code, optopt, word)
                                                : read_one(&reader, code, optarg);
        if (status != 0) {
            return status;
        }
    }
    for (int i = optind; i < argc; i++) { /* after "--" */
        add_program(&reader, argv[i], false);
    }
    if (out->count == 0) {
        complain("run: no program (isles run script.py; isles run --help says more)");
        return EXIT_USAGE;
    }
    return check_copy_limits(out);
}

static void program_options_free(struct program_options *options)
{
    strings_free(&options->env);
    strings_free(&options->path);
    strings_free(&options->args);
    strings_free(&options->warnings);
    strings_free(&options->xoptions);
    policy_options_free(&options->policy);
}

void options_free(struct run_options *options)
{
    program_options_free(&options->all);
    for (size_t i = 0; i < options->count; i++) {
        program_options_free(&options->programs[i].own);
    }
    free(options->programs);
    *options = (struct run_options){0};
}
