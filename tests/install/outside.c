/* A C program of somebody else: one interpreter, whose output it collects. */
#include <stdio.h>
#include <string.h>

#include <isles/isles.h>

typedef struct text {
    char data[64];
    size_t len;
} text;

static void collect(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    text *t = ctx;
    (void)interp_id;
    if (stream == 1 && t->len + len < sizeof(t->data)) {
        memcpy(t->data + t->len, data, len);
        t->len += len;
    }
}

static int fail(const char *what, isle_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? isle_error_text(err) : "no error given");
    isle_error_free(err);
    return 1;
}

int main(void)
{
    isle_error *err = NULL;
    isle_runtime *runtime = NULL;
    isle_interp interp;
    text out = {.len = 0};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .write = collect, .ctx = &out};

    if (isle_runtime_start(NULL, &runtime, &err) != ISLE_OK) {
        return fail("start", err);
    }
    if (isle_interp_create(runtime, &config, &interp, &err) != ISLE_OK) {
        return fail("create", err);
    }
    if (isle_interp_run(interp, "print('sum', sum(range(10)))", isle_deadline_in(30 * ISLE_SECOND), &err) != ISLE_OK) {
        return fail("run", err);
    }
    if (isle_runtime_stop(runtime, isle_deadline_in(30 * ISLE_SECOND), &err) != ISLE_OK) {
        return fail("stop", err);
    }
    out.data[out.len] = '\0';
    if (strcmp(out.data, "sum 45\n") != 0) {
        fprintf(stderr, "printed: %s\n", out.data);
        return 1;
    }
    if (strcmp(isle_version(), ISLE_VERSION_STRING) != 0) {
        fprintf(stderr, "headers of %s, library %s\n", ISLE_VERSION_STRING, isle_version());
        return 1;
    }
    return 0;
}
