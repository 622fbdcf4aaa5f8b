/* What the tests of the public API share: the one runtime of the process, interpreters, running code and failing with
 * Python's own text, output kept in memory, temporary files. Usable from children too: a failed check there prints and
 * exits with status 99. */
#ifndef ISLES_TEST_SUPPORT_H
#define ISLES_TEST_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <isles/isles.h>

#include "process.h"

#define SOON isle_deadline_in(30 * ISLE_SECOND) /* for what takes no time unless it hangs */
#define MS(ns) ((double)(ns) / 1e6)

/* --- failing: in a test of cmocka's, or in a child ------------------------------------------------------------- */
#define check(condition) check_that((condition), #condition, __FILE__, __LINE__)
#define check_status(got, wanted, err)                                                          \
    do {                                                                                        \
        isle_status got_ = (got); /* before `err` is looked at */                               \
        check_status_is(got_, (wanted), (err), __FILE__, __LINE__);                             \
    } while (0)
void check_that(bool holds, const char *what, const char *file, int line);
/* Frees `err` when it fails. */
void check_status_is(isle_status got, isle_status wanted, isle_error *err, const char *file, int line);
void *must(void *memory); /* not NULL */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2))); /* owned */

/* --- the runtime ------------------------------------------------------------------------------------------------ */
extern isle_runtime *runtime;
void runtime_begin(const isle_runtime_config *config); /* NULL: defaults */
void runtime_end(void);                                /* must be ISLE_OK */
void testing_begins(void);                             /* from now on a failed check fails the test */
int with_runtime(void **state);                        /* cmocka's group set-up and teardown */
int without_runtime(void **state);
#define RUN_TESTS(tests) cmocka_run_group_tests((tests), with_runtime, without_runtime)

int engine_version(void); /* 0x030d: 3.13 */
bool free_threaded(void);
/* For main(): the whole program is about what such an engine does not have. */
#define NOT_FREE_THREADED(why)                               \
    do {                                                     \
        if (free_threaded()) {                               \
            puts("skipped: a free-threaded CPython: " why);  \
            return 77;                                       \
        }                                                    \
    } while (0)
bool sanitized(void);     /* times and memory say less */
/* For a child that exits with interpreters alive or stuck: their memory is no leak. */
void something_stays(void);

/* --- interpreters ----------------------------------------------------------------------------------------------- */
isle_interp create(const isle_interp_config *config); /* NULL: defaults */
void end(isle_interp it);                             /* must be ISLE_OK */
void run(isle_interp it, const char *source);         /* must be ISLE_OK */
#define runf(it, ...) do { char *source_ = text_of(__VA_ARGS__); run((it), source_); free(source_); } while (0)
/* Must fail with `status`; gives the error. */
isle_error *run_fails(isle_interp it, const char *source, isle_status status);
void run_error(isle_interp it, const char *source, const char *message); /* ISLE_ERR_PYTHON with that message */
/* str() of a Python expression in __main__; owned. */
char *eval(isle_interp it, const char *expression);
int64_t eval_int(isle_interp it, const char *expression);
void check_eval(isle_interp it, const char *expression, const char *wanted);
isle_job *submit(isle_interp it, const char *source, int64_t deadline);
isle_status wait_for(isle_job *job, isle_error **err); /* waits (it must end soon), frees the job, gives its result */

/* --- output kept in memory -------------------------------------------------------------------------------------- */
typedef struct capture {
    pthread_mutex_t lock;
    char *text; /* NUL-terminated, or NULL */
    size_t len;
} capture;
#define CAPTURE_INIT {PTHREAD_MUTEX_INITIALIZER, NULL, 0}
isle_stream captured(capture *c);
char *capture_take(capture *c); /* what has come so far; owned; then it is empty */

/* --- a flag that Python sets by isles.host.NAME() and C waits for ----------------------------------------------- */
typedef struct flag {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int count;
} flag;
#define FLAG_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}
void flag_raise(flag *f);
bool flag_wait(flag *f, int count, int64_t limit_ns); /* true: raised so often */
void flag_await(flag *f, int count);                  /* must be, soon */
void flag_clear(flag *f);
/* ctx: a flag. A host function. */
isle_status host_flag(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out, isle_error **err);

/* --- files ------------------------------------------------------------------------------------------------------ */
const char *scratch(void); /* a directory of this process, removed at its exit */
/* Writes DIRECTORY-of-this-process/name; makes the folders in between; returns the path, owned. */
char *write_file(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *read_text(const char *path);  /* owned; NULL: none */

/* Before anything that has locales: makes de_DE.UTF-8 and fr_FR.UTF-8, for this process and its children. false: the
 * system has no localedef, or not what it needs (Debian: locales). */
bool locales_begin(void);

/* --- figures ---------------------------------------------------------------------------------------------------- */
long resident_kib(void);
int64_t process_cpu_ns(void);
int64_t process_cpu_in(int64_t ns); /* the same that it takes while this thread waits */
long number_from_env(const char *name, long otherwise);

#endif
