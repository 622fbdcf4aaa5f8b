/* The command line of `isles run`: read into this, not yet checked against the file system. Strings point
 * into argv. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include <isles/isles.h>

#include "policy.h"
#include "text.h"

/* What can be said of one program, or before the first one for all. Zero: nothing was said. */
struct program_options {
    const char *name;
    struct strings env, path, args, warnings, xoptions;
    const char *venv;
    const char *stdin_, *stdout_, *stderr_;
    bool append; /* to the files of these two */
    bool drops, drops_set; /* what a slow reader does not take */
    int64_t timeout_ns;
    bool timeout_set;
    isle_budgets limits; /* the hard ones */
    isle_gil gil;
    bool gil_set;
    isle_extensions extensions;
    bool extensions_set;
    size_t extension_copies; /* at most; 0: any number */
    size_t copies;
    bool isolated, no_site, no_bytecode, unbuffered;
    struct policy_options policy;
    const char *cwd;
    unsigned umask;
    bool umask_set, env_empty, share_cwd, share_env, share_locale;
    const char *locale;
};

struct program_spec {
    const char *target;
    bool is_module; /* -m */
    struct program_options own;
};

enum output_mode { OUTPUT_DEFAULT, OUTPUT_PREFIX, OUTPUT_PLAIN, OUTPUT_JSON, OUTPUT_FILES };
enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct run_options {
    struct program_options all;
    struct program_spec *programs;
    size_t count;
    size_t jobs; /* 0: all at once */
    enum output_mode output;
    const char *output_dir;
    bool fail_fast, quiet, summary, help;
    enum color_when color;
};

/* Returns 0, or the exit status after it has said what is wrong. */
int options_read(int argc, char **argv, struct run_options *out);
void options_free(struct run_options *options);

#endif
