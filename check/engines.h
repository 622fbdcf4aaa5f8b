/* The same targets on several engines. libisles is built for one engine, so each is checked by the `isles` program that
 * was built with it, in a child process: `isles check --json`. The first engine is that of this program, by a child,
 * too.
 *
 * Threads    one thread has it.
 * Memory     a program that is out of memory says so and ends. check_engines_free frees all. */
#ifndef CHECK_ENGINES_H
#define CHECK_ENGINES_H

#include "check.h"

enum { CHECK_ENGINES_MOST = 8 };

typedef struct check_engine {
    char *program; /* its path */
    char *version; /* "3.14.8" */
    char *python;  /* path of the engine's own python */
    int version_hex;
    const char *venv;      /* the caller's: where names are looked up there; NULL: its own packages */
    struct json_t *report; /* what its program told; NULL: nothing that could be used */
    char *trouble;         /* why not, for people */
} check_engine;

typedef struct check_cell { /* a module on one engine */
    bool there;             /* false: this engine's report does not have it. The rest is empty then */
    bool good_enough;
    check_verdict verdict;
    check_strings reasons, warnings, advice;
} check_cell;

typedef struct check_row {
    char *module;
    check_cell cells[CHECK_ENGINES_MOST]; /* in the engines' order */
} check_row;

typedef struct check_engines {
    check_engine items[CHECK_ENGINES_MOST];
    size_t count;
    check_row *rows;
    size_t row_count;
    check_strings notes; /* for people */
    check_strings none;  /* likewise: targets that are for none of the engines */
} check_engines;

/* This program's engine. */
void check_engines_begin(check_engines *out_engines);
/* That of another `isles` program, which is asked for it (`isles info --json`) and may take `limit_ns` (0: for ever).
 * One whose engine is there already becomes a note. Returns why it can't be, for people, or NULL. */
char *check_engines_add(check_engines *engines, const char *program, int64_t limit_ns);

/* Checks on one after the other, `options` being those of `isles check` but --json and --venv. `begin` is told which is
 * next. Ends early, without trouble, when *stop is set. */
typedef void check_engines_begin_fn(const check_engines *engines, size_t index);
void check_engines_run(check_engines *engines, const check_strings *options, const char *const *targets,
                       size_t target_count, check_engines_begin_fn *begin, const volatile sig_atomic_t *stop);

/* 0: all is good enough everywhere; 1: something is not; 2: an engine has no report, or a target is for none. */
int check_engines_status(const check_engines *engines);
/* Adds what this engine's program says beside: targets without extension modules, and what is for other engines. */
void check_engines_told(const check_engines *engines, size_t index, check_strings *out);
/* docs/check.md has its keys. Free it with free(). */
char *check_engines_to_json(const check_engines *engines, check_verdict required);
void check_engines_free(check_engines *engines);

#endif
