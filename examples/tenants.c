/* Build and run, in the folder of this file:
 *   cc tenants.c -o tenants_host $(pkg-config --cflags --libs isles) && ./tenants_host tenants
 *
 * Three tenants' scripts run at the same time in one process, each in an interpreter of its own: with a library folder
 * of its own (two versions of the module `pricing`), environment variables of its own, and an output that the host
 * collects. One script fails, and is reported with file and line while the others go on. At the end the host looks into
 * each interpreter: what one tenant did to builtins and to `pricing` is not there in the others. */
#include <stdio.h>
#include <string.h>

#include <isles/isles.h>

enum { TENANTS = 3, MAX_OUTPUT = 1000, MAX_PATH = 500 };

typedef struct tenant {
    const char *name;    /* the script is NAME.py */
    const char *library; /* the folder with its pricing.py */
    const char *expected_output;
    const char *expected_error;
    int64_t expected_quotes;

    isle_interp interp;
    isle_job *job;
    char output[MAX_OUTPUT];
    size_t output_len;
} tenant;

static tenant tenants[TENANTS] = {
    {.name = "acme", .library = "v1", .expected_output = "acme uses pricing 1.4 3 units: 750\n", .expected_quotes = 1},
    {.name = "globex",
     .library = "v2",
     .expected_output = "globex uses pricing 2.0 3 units: 825 EUR\nglobex uses pricing 2.0 30 units: 8250 EUR\n",
     .expected_quotes = 2},
    {.name = "initech",
     .library = "v2",
     .expected_output = "",
     .expected_error = "TypeError: quote() missing 1 required keyword-only argument: 'currency'"},
};

static void report(const char *who, isle_error *err)
{
    fprintf(stderr, "%s: %s\n", who, err != NULL ? isle_error_text(err) : "failed");
    isle_error_free(err);
}

/* On the tenant's thread; each has its own buffer. */
static void collect(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    tenant *t = ctx;
    (void)interp_id;
    (void)stream;
    if (len < MAX_OUTPUT - t->output_len) {
        memcpy(t->output + t->output_len, data, len);
        t->output_len += len;
    }
}

static bool create(tenant *t, isle_runtime *runtime, const char *folder)
{
    char library[MAX_PATH], variable[MAX_PATH];
    snprintf(library, sizeof library, "%s/%s", folder, t->library);
    snprintf(variable, sizeof variable, "TENANT=%s", t->name);
    const char *const path[] = {library}, *const env[] = {variable};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.name = t->name;
    config.path = path;
    config.path_count = 1;
    config.env = env;
    config.env_count = 1;
    config.no_bytecode = true;
    config.stdin_.kind = ISLE_STREAM_NULL;
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .write = collect, .ctx = t};
    isle_error *err = NULL;
    if (isle_interp_create(runtime, &config, &t->interp, &err) != ISLE_OK) {
        report(t->name, err);
        return false;
    }
    return true;
}

static bool submit(tenant *t, const char *folder)
{
    char script[MAX_PATH];
    snprintf(script, sizeof script, "%s/%s.py", folder, t->name);
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.kind = ISLE_JOB_FILE;
    config.target = script;
    config.deadline = isle_deadline_in(30 * ISLE_SECOND);
    isle_error *err = NULL;
    if (isle_job_submit(t->interp, &config, &t->job, &err) != ISLE_OK) {
        report(t->name, err);
        return false;
    }
    return true;
}

/* Prints how the tenant's script ended. true: as expected. */
static bool finish(tenant *t)
{
    isle_error *err = NULL;
    isle_job_wait(t->job, ISLE_FOREVER); /* the job has a deadline: it ends */
    isle_status status = isle_job_result(t->job, NULL, &err);
    printf("%s", t->output);
    bool good = strcmp(t->output, t->expected_output) == 0 && (status == ISLE_OK) == (t->expected_error == NULL);
    if (status != ISLE_OK) {
        const isle_exception *e = isle_error_exception(err);
        size_t frames = isle_exception_frame_count(e);
        const isle_frame *last = frames > 0 ? isle_exception_frame(e, frames - 1) : NULL;
        printf("%s failed: %s", t->name, isle_error_message(err));
        if (last != NULL) {
            printf(" (line %d, in %s)", (int)last->line, last->function);
        }
        putchar('\n');
        good = good && last != NULL && last->line == 10 && strcmp(isle_error_message(err), t->expected_error) == 0;
    }
    isle_error_free(err);
    return good;
}

static bool evaluates_to(tenant *t, const char *assignment, const isle_value *expected)
{
    isle_error *err = NULL;
    isle_value *value = NULL;
    int64_t deadline = isle_deadline_in(10 * ISLE_SECOND);
    if (isle_interp_run(t->interp, assignment, deadline, &err) != ISLE_OK ||
        isle_interp_get_global(t->interp, "seen", deadline, &value, &err) != ISLE_OK) {
        report(t->name, err);
        return false;
    }
    bool equal = isle_value_equal(value, expected);
    isle_value_free(value);
    return equal;
}

/* Each interpreter has the builtins and the module that its own tenant changed. */
static bool is_isolated(tenant *t)
{
    isle_value *owner = isle_value_new_str(t->name), *quotes = isle_value_new_int(t->expected_quotes);
    bool isolated = evaluates_to(t, "import builtins; seen = builtins.owner", owner) &&
                    evaluates_to(t, "import pricing; seen = pricing.quotes", quotes);
    printf("%s: %s\n", t->name, isolated ? "sees only its own changes" : "NOT ISOLATED");
    isle_value_free(owner);
    isle_value_free(quotes);
    return isolated;
}

static bool run_all(isle_runtime *runtime, const char *folder)
{
    bool good = true;
    for (size_t i = 0; i < TENANTS; i++) {
        good = good && create(&tenants[i], runtime, folder);
    }
    for (size_t i = 0; i < TENANTS; i++) {
        good = good && submit(&tenants[i], folder); /* from here they run side by side */
    }
    if (!good) {
        return false;
    }
    for (size_t i = 0; i < TENANTS; i++) {
        good = finish(&tenants[i]) && good;
    }
    for (size_t i = 0; i < TENANTS; i++) {
        good = is_isolated(&tenants[i]) && good;
    }
    return good;
}

int main(int argc, char **argv)
{
    isle_runtime *runtime = NULL;
    isle_error *err = NULL;
    if (isle_runtime_start(NULL, &runtime, &err) != ISLE_OK) {
        report("start", err);
        return 1;
    }
    bool good = run_all(runtime, argc > 1 ? argv[1] : "tenants");
    for (size_t i = 0; i < TENANTS; i++) {
        isle_job_free(tenants[i].job);
    }
    isle_status stopped = isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL);
    return good && stopped == ISLE_OK ? 0 : 1;
}
