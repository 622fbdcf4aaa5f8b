/* A program of somebody else, linked with isles-interpose, too: native code of its interpreters has their variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>

static int fail(const char *what, isle_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? isle_error_text(err) : "no error given");
    isle_error_free(err);
    return 1;
}

int main(void)
{
    static const char *const env[] = {"OUTSIDE=inside"};
    static const char code[] = "import ctypes\n"
                               "get = ctypes.CDLL(None).getenv\n"
                               "get.restype = ctypes.c_char_p\n"
                               "assert get(b'OUTSIDE') == b'inside', get(b'OUTSIDE')\n";
    isle_error *err = NULL;
    isle_runtime *runtime = NULL;
    isle_interp interp;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.env = env;
    config.env_count = 1;

    if (isle_runtime_start(NULL, &runtime, &err) != ISLE_OK) {
        return fail("start", err);
    }
    if (isle_interp_create(runtime, &config, &interp, &err) != ISLE_OK) {
        return fail("create", err);
    }
    if (isle_interp_run(interp, code, isle_deadline_in(30 * ISLE_SECOND), &err) != ISLE_OK) {
        return fail("run", err);
    }
    if (getenv("OUTSIDE") != NULL) {
        return fail("the host sees the interpreter's variable", NULL);
    }
    return isle_runtime_stop(runtime, isle_deadline_in(30 * ISLE_SECOND), &err) != ISLE_OK ? fail("stop", err) : 0;
}
