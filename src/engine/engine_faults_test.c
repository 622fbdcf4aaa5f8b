/* Every allocation and thread creation of the engine made to fail once, each in a child process: the runtime starts, an
 * interpreter is created, runs tasks of each kind, and ends; whatever fails must say so, and nothing may crash or hang.
 * Only in builds with ISLES_FAULTS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "platform.h"

enum { NOT_HIT = 42, TOLD = 43, SILENT = 44, MAX_POINTS = 2000 };

static void on_error(void *core, const char *message)
{
    (void)core;
    (void)message;
}

static size_t on_output(void *core, int stream, size_t len)
{
    (void)core;
    (void)stream;
    return len;
}

static void on_dropped(void *core, int stream, size_t len)
{
    (void)core;
    (void)stream;
    (void)len;
}

static void on_budget(void *core, isle_budget which, bool refused)
{
    (void)core;
    (void)which;
    (void)refused;
}

static isle_status on_host_call(void *core, const char *name, const parcel *args, parcel *out_value, char **out_message)
{
    (void)core;
    (void)name;
    out_value->data = plat_malloc(args->len);
    if (out_value->data == NULL) {
        *out_message = NULL;
        return ISLE_ERR_NOMEM;
    }
    memcpy(out_value->data, args->data, args->len);
    out_value->len = args->len;
    return ISLE_OK;
}

static const char *host_function_name(size_t index)
{
    return index == 0 ? "echo" : NULL;
}

static void on_due(void *core)
{
    (void)core;
}

static const engine_hooks hooks = {.on_error = on_error,
                                   .on_output = on_output,
                                   .on_unwritten = on_dropped,
                                   .on_dropped = on_dropped,
                                   .on_host_call = on_host_call,
                                   .on_budget = on_budget,
                                   .on_due = on_due,
                                   .host_function_name = host_function_name};
static bool told; /* something said that it failed */

static void note(isle_status status, engine_failure *failure)
{
    told = told || status != ISLE_OK;
    engine_failure_clear(failure);
}

static void run(engine_interp *interp, engine_task_kind kind, const char *target)
{
    static uint8_t one_int[] = {0x82, 0x81, 0x05, 0xa0}; /* [[5], {}] */
    engine_task task = {.kind = kind, .target = target, .args = {.data = one_int, .len = sizeof one_int}};
    engine_failure failure = {0};
    parcel value;
    note(engine_run(interp, &task, &value, &failure), &failure);
    parcel_clear(&value);
}

static void home(void *arg)
{
    (void)arg;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    engine_failure failure = {0};
    engine_interp *interp;
    config.no_site = true;
    config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_status status = engine_interp_create(&config, 1, "one", NULL, NULL, &interp, &failure);
    note(status, &failure);
    if (status != ISLE_OK) {
        return;
    }
    run(interp, ENGINE_SOURCE, "import isles; value = isles.host.echo(2**100, 'text', [1.5, b'x'])");
    run(interp, ENGINE_SOURCE,
        "import isles\nq = isles.create_queue()\nx = [[i] for i in range(99)]\n"
        "q.put([x, x, {1}, memoryview(bytearray(9)), b'x' * 70000, 2.5, ..., q, range(3)])\n"
        "got = q.get()\nassert isles.decode(isles.encode(got[0])) == x");
    run(interp, ENGINE_CALL, "math:factorial");
    run(interp, ENGINE_GET_GLOBAL, "value");
    run(interp, ENGINE_SET_GLOBAL, "other");
    run(interp, ENGINE_SOURCE, "print('x'); a = 1 if 'value' in globals() else 0");
    run(interp, ENGINE_ATEXIT, NULL);
    plat_free(engine_thread_names(interp));
    engine_reap_threads(interp);
    engine_interp_destroy(interp);
    engine_interp_free(interp);
}

/* In a child. */
static int scenario(long point)
{
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    engine_failure failure = {0};
    plat_thread thread;
    alarm(60);
    plat_fault_set(point);
    isle_status status = engine_start(&config, &hooks, &failure);
    note(status, &failure);
    if (status == ISLE_OK) {
        if (plat_thread_start(&thread, "home", 8u << 20, 0, home, NULL) == 0) {
            plat_thread_join(thread);
        } else {
            told = true;
        }
        note(engine_stop(&failure), &failure);
    }
    if (plat_fault_count() < point) {
        return told ? SILENT : NOT_HIT; /* nothing failed: nothing may be said to have */
    }
    return told ? TOLD : SILENT;
}

static int status_of_child(long point)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        exit(scenario(point));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status)) {
        fail_msg("allocation %ld: the process was ended by signal %d", point, WTERMSIG(status));
    }
    return WEXITSTATUS(status);
}

/* What may fail without a word: a note of an arena, kept to give it back early. */
static void test_each_allocation_fails_once(void **state)
{
    (void)state;
    long point = 1, silent = 0, told_count = 0;
    for (; point < MAX_POINTS; point++) {
        int status = status_of_child(point);
        if (status == NOT_HIT) {
            break;
        }
        if (status != TOLD && status != SILENT) {
            fail_msg("allocation %ld: exit status %d", point, status);
        }
        silent += status == SILENT;
        told_count += status == TOLD;
    }
    print_message("%ld places: %ld reported, %ld did without\n", point - 1, told_count, silent);
    assert_true(point > 10 && point < MAX_POINTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
