/* What a compartment costs when an interpreter is made: CPU time of creating and ending one, from one that shares what
 * it can to one that has everything of its own, with all budgets limited. The kinds take turns.
 *
 *   bench_compartments [ROUNDS]      default: 150 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <isles/isles.h>

enum { SHARED, DEFAULT, STREAM, FULL, KINDS };
enum { MOST_ROUNDS = 10000 };
static const char *const names[] = {"all that can be is shared", "as it is by default", "and stdout to nowhere",
                                    "and directory, umask, variables, locale, budgets"};

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", isle_error_message(err));
        exit(1);
    }
}

static double measure(isle_runtime *runtime, int kind)
{
    static const char *const env[] = {"ISLES_BENCH=1"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    isle_error *err = NULL;
    isle_interp it;
    config.shared_cwd = config.shared_locale = kind == SHARED;
    config.env_base = kind == SHARED ? ISLE_ENV_SHARED : ISLE_ENV_COPY;
    config.stdout_.kind = kind >= STREAM ? ISLE_STREAM_NULL : ISLE_STREAM_INHERIT;
    if (kind == FULL) {
        config.env = env;
        config.env_count = 1;
        config.cwd = "/";
        config.locale = "C.UTF-8";
        config.umask_set = true;
        config.umask = 022;
        budgets.memory_bytes.hard = UINT64_C(1) << 30;
        budgets.cpu_ns.hard = budgets.wall_ns.hard = (uint64_t)(3600 * ISLE_SECOND);
        budgets.threads.hard = 10;
        budgets.output_bytes.hard = UINT64_C(1) << 30;
        config.budgets = &budgets;
    }
    double before = cpu_ms();
    must(isle_interp_create(runtime, &config, &it, &err), err);
    must(isle_interp_end(it, ISLE_FOREVER, &err), err);
    return cpu_ms() - before;
}

static int compare(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 150;
    static double times[KINDS][MOST_ROUNDS];
    double shared = 0;
    isle_runtime *runtime = NULL;
    isle_error *err = NULL;
    if (rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "bench_compartments: rounds must be a number from 1 to %d\n", MOST_ROUNDS);
        return 2;
    }
    must(isle_runtime_start(NULL, &runtime, &err), err);
    for (long i = 0; i < rounds; i++) {
        for (int kind = 0; kind < KINDS; kind++) {
            times[kind][i] = measure(runtime, kind);
        }
    }
    for (int kind = 0; kind < KINDS; kind++) {
        qsort(times[kind], (size_t)rounds, sizeof **times, compare);
        double median = times[kind][rounds / 2];
        shared = kind == SHARED ? median : shared;
        printf("%-50s %6.2f ms  %.3f\n", names[kind], median, median / shared);
    }
    must(isle_runtime_stop(runtime, ISLE_FOREVER, &err), err);
    return 0;
}
