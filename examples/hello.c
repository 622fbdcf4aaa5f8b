/* Build and run:
 *   cc hello.c -o hello $(pkg-config --cflags --libs isles) && ./hello
 *
 * Starts CPython, runs two lines in an interpreter of its own, and reads a variable that they left. Each step runs only
 * if the one before it gave ISLE_OK; the error, if there was one, holds the text that Python would have printed. */
#include <stdio.h>

#include <isles/isles.h>

int main(void)
{
    isle_runtime *runtime = NULL;
    isle_interp interp = {0};
    isle_value *value = NULL;
    isle_error *err = NULL;
    int64_t sum = 0;
    int64_t soon = isle_deadline_in(10 * ISLE_SECOND);

    if (isle_runtime_start(NULL, &runtime, &err) == ISLE_OK &&
        isle_interp_create(runtime, NULL, &interp, &err) == ISLE_OK &&
        isle_interp_run(interp, "print('hello from', __name__)\nanswer = sum(range(10))", soon, &err) == ISLE_OK &&
        isle_interp_get_global(interp, "answer", soon, &value, &err) == ISLE_OK && isle_value_as_int64(value, &sum)) {
        printf("the host got %lld\n", (long long)sum);
    }
    if (err != NULL) {
        fputs(isle_error_text(err), stderr);
    }
    isle_error_free(err);
    isle_value_free(value);
    isle_status stopped = isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL);
    return sum == 45 && stopped == ISLE_OK ? 0 : 1;
}
