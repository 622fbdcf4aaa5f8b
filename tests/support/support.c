#include "support.h"

#include <ctype.h>
#include <poll.h>

isle_runtime *runtime;

/* --- failing ---------------------------------------------------------------------------------------------------- */

static bool in_cmocka; /* a test of the group runs: fail() may jump */

static _Noreturn void give_in(void)
{
    if (in_cmocka) {
        fail();
    }
    fflush(NULL);
    _Exit(99);
}

void check_that(bool holds, const char *what, const char *file, int line)
{
    if (!holds) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
        give_in();
    }
}

void check_status_is(isle_status got, isle_status wanted, isle_error *err, const char *file, int line)
{
    if (got != wanted) {
        fprintf(stderr, "%s:%d: %s, expected %s\n%s\n", file, line, isle_status_name(got), isle_status_name(wanted),
                err != NULL ? isle_error_text(err) : "");
        isle_error_free(err);
        give_in();
    }
}

void *must(void *memory)
{
    check(memory != NULL);
    return memory;
}

char *text_of(const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    int len = vasprintf(&text, format, list);
    va_end(list);
    check(len >= 0);
    return text;
}

/* --- the runtime ------------------------------------------------------------------------------------------------ */

void runtime_begin(const isle_runtime_config *config)
{
    isle_error *err = NULL;
    check_status(isle_runtime_start(config, &runtime, &err), ISLE_OK, err);
}

void runtime_end(void)
{
    isle_error *err = NULL;
    isle_status status = isle_runtime_stop(runtime, SOON, &err);
    runtime = NULL;
    check_status(status, ISLE_OK, err);
}

/* ISLES_TEST: a pattern of names, for running a part of a program by hand. */
__attribute__((constructor)) static void filter_tests(void)
{
    const char *pattern = getenv("ISLES_TEST");
    if (pattern != NULL) {
        cmocka_set_test_filter(pattern);
    }
}

void testing_begins(void)
{
    in_cmocka = true;
}

int with_runtime(void **state)
{
    (void)state;
    runtime_begin(NULL);
    testing_begins();
    return 0;
}

int without_runtime(void **state)
{
    (void)state;
    in_cmocka = false;
    runtime_end();
    return 0;
}

bool free_threaded(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info.free_threaded;
}

int engine_version(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info.version_hex >> 16;
}

bool sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

static bool stays;

void something_stays(void)
{
    stays = true;
}

int __lsan_is_turned_off(void); /* the leak sanitizer asks at the exit */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
    return stays;
}

/* --- interpreters ----------------------------------------------------------------------------------------------- */

isle_interp create(const isle_interp_config *config)
{
    isle_error *err = NULL;
    isle_interp it = {0};
    check_status(isle_interp_create(runtime, config, &it, &err), ISLE_OK, err);
    return it;
}

void end(isle_interp it)
{
    isle_error *err = NULL;
    check_status(isle_interp_end(it, SOON, &err), ISLE_OK, err);
}

void run(isle_interp it, const char *source)
{
    isle_error *err = NULL;
    check_status(isle_interp_run(it, source, SOON, &err), ISLE_OK, err);
}

isle_error *run_fails(isle_interp it, const char *source, isle_status status)
{
    isle_error *err = NULL;
    check_status(isle_interp_run(it, source, SOON, &err), status, err);
    check(err != NULL && isle_error_status(err) == status);
    return err;
}

void run_error(isle_interp it, const char *source, const char *message)
{
    isle_error *err = run_fails(it, source, ISLE_ERR_PYTHON);
    if (strcmp(isle_error_message(err), message) != 0) {
        fprintf(stderr, "expected: %s\n%s\n", message, isle_error_text(err));
        give_in();
    }
    isle_error_free(err);
}

char *eval(isle_interp it, const char *expression)
{
    isle_error *err = NULL;
    isle_value *value = NULL;
    runf(it, "seen_ = str(%s)", expression);
    check_status(isle_interp_get_global(it, "seen_", SOON, &value, &err), ISLE_OK, err);
    const char *text = isle_value_as_str(value, NULL);
    check(text != NULL);
    char *copy = must(strdup(text));
    isle_value_free(value);
    return copy;
}

int64_t eval_int(isle_interp it, const char *expression)
{
    char *text = eval(it, expression);
    char *last;
    long long number = strtoll(text, &last, 10);
    check(*text != '\0' && *last == '\0');
    free(text);
    return number;
}

void check_eval(isle_interp it, const char *expression, const char *wanted)
{
    char *text = eval(it, expression);
    if (strcmp(text, wanted) != 0) {
        fprintf(stderr, "%s: %s, expected %s\n", expression, text, wanted);
        give_in();
    }
    free(text);
}

isle_job *submit(isle_interp it, const char *source, int64_t deadline)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_error *err = NULL;
    isle_job *job = NULL;
    config.target = source;
    config.deadline = deadline;
    check_status(isle_job_submit(it, &config, &job, &err), ISLE_OK, err);
    return job;
}

isle_status wait_for(isle_job *job, isle_error **err)
{
    check_status(isle_job_wait(job, SOON), ISLE_OK, NULL);
    check(isle_job_done(job));
    isle_status status = isle_job_result(job, NULL, err);
    isle_job_free(job);
    return status;
}

/* --- output ----------------------------------------------------------------------------------------------------- */

static void keep(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    capture *c = ctx;
    (void)interp_id;
    (void)stream;
    pthread_mutex_lock(&c->lock);
    c->text = must(realloc(c->text, c->len + len + 1));
    memcpy(c->text + c->len, data, len);
    c->len += len;
    c->text[c->len] = '\0';
    pthread_mutex_unlock(&c->lock);
}

isle_stream captured(capture *c)
{
    return (isle_stream){.kind = ISLE_STREAM_CALLBACK, .write = keep, .ctx = c};
}

char *capture_take(capture *c)
{
    pthread_mutex_lock(&c->lock);
    char *text = c->text;
    c->text = NULL;
    c->len = 0;
    pthread_mutex_unlock(&c->lock);
    return text != NULL ? text : must(strdup(""));
}

/* --- flags ------------------------------------------------------------------------------------------------------ */

void flag_raise(flag *f)
{
    pthread_mutex_lock(&f->lock);
    f->count++;
    pthread_cond_broadcast(&f->cond);
    pthread_mutex_unlock(&f->lock);
}

bool flag_wait(flag *f, int count, int64_t limit_ns)
{
    int64_t deadline = isle_deadline_in(limit_ns);
    struct timespec until = {.tv_sec = deadline / ISLE_SECOND, .tv_nsec = deadline % ISLE_SECOND};
    int failed = 0;
    pthread_mutex_lock(&f->lock);
    while (f->count < count && failed == 0) {
        failed = pthread_cond_clockwait(&f->cond, &f->lock, CLOCK_MONOTONIC, &until);
    }
    bool raised = f->count >= count;
    pthread_mutex_unlock(&f->lock);
    return raised;
}

void flag_await(flag *f, int count)
{
    check(flag_wait(f, count, 30 * ISLE_SECOND));
}

void flag_clear(flag *f)
{
    pthread_mutex_lock(&f->lock);
    f->count = 0;
    pthread_mutex_unlock(&f->lock);
}

isle_status host_flag(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out, isle_error **err)
{
    (void)interp_id;
    (void)args;
    (void)out;
    (void)err;
    flag_raise(ctx);
    return ISLE_OK;
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

long resident_kib(void)
{
    long pages = -1;
    FILE *file = fopen("/proc/self/statm", "r");
    check(file != NULL);
    check(fscanf(file, "%*s %ld", &pages) == 1);
    fclose(file);
    return pages * (long)(4096 / 1024);
}

int64_t process_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * ISLE_SECOND + t.tv_nsec;
}

int64_t process_cpu_in(int64_t ns)
{
    int64_t before = process_cpu_ns();
    poll(NULL, 0, (int)(ns / ISLE_MS));
    return process_cpu_ns() - before;
}

long number_from_env(const char *name, long otherwise)
{
    const char *text = getenv(name);
    char *last;
    if (text == NULL || !isdigit((unsigned char)*text)) {
        return otherwise;
    }
    long number = strtol(text, &last, 10);
    return *last == '\0' ? number : otherwise;
}
