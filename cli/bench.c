/* `isles bench`: threads, interpreters and processes compared on this machine, in the same run. The peers take turns in
 * every round, so that whatever else the machine does hits all of them; a first round is not counted. */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "help.h"
#include "text.h"

struct bench_options {
    bool json, quick, help;
    bool only[MEASURE_COUNT];
    bool any_only;
};

/* How many samples each peer gives in a round. */
struct plan {
    size_t rounds, memory;
    size_t start[PEER_COUNT];
    size_t calls;
    int64_t spin_ns;
};

static const struct plan full_plan = {
    .rounds = 7, .memory = 8, .start = {20, 3, 12, 8, 2}, .calls = 500, .spin_ns = 120 * ISLE_MS};
static const struct plan quick_plan = {
    .rounds = 1, .memory = 2, .start = {3, 1, 2, 1, 1}, .calls = 20, .spin_ns = 10 * ISLE_MS};

static volatile sig_atomic_t asked_to_stop;

static void on_interrupt(int number)
{
    (void)number;
    asked_to_stop = 1; /* once: the second one ends the program */
}

/* --- options ----------------------------------------------------------------------------------------------------- */

static int bad_only(const char *name)
{
    const char *nearest = text_nearest(name, measure_names, MEASURE_COUNT);
    if (nearest != NULL) {
        complain("--only: did you mean %s?", nearest);
    } else {
        complain("--only: '%s' is none of start, memory, call, message and cores", name);
    }
    return EXIT_USAGE;
}

static int take_only(struct bench_options *options, const char *name)
{
    if (name == NULL) {
        complain("--only needs a name: start, memory, call, message or cores");
        return EXIT_USAGE;
    }
    for (int measure = 0; measure < MEASURE_COUNT; measure++) {
        if (strcmp(measure_names[measure], name) == 0) {
            options->only[measure] = options->any_only = true;
            return 0;
        }
    }
    return bad_only(name);
}

static int bad_option(const char *word)
{
    static const char *const known[] = {"--json", "--quick", "--only", "--help"};
    const char *nearest = text_nearest(word, known, sizeof known / sizeof *known);
    if (word[0] != '-') {
        complain("bench takes no %s (isles bench --help)", word);
    } else if (nearest != NULL) {
        complain("unknown option: %s (did you mean %s?)", word, nearest);
    } else {
        complain("unknown option: %s (isles bench --help)", word);
    }
    return EXIT_USAGE;
}

static int read_options(int argc, char **argv, struct bench_options *out)
{
    int status = 0;
    for (int i = 1; i < argc && status == 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            out->quick = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            out->help = true;
        } else if (strcmp(argv[i], "--only") == 0) {
            status = take_only(out, argv[++i]); /* argv ends with NULL */
        } else if (strncmp(argv[i], "--only=", 7) == 0) {
            status = take_only(out, argv[i] + 7);
        } else {
            status = bad_option(argv[i]);
        }
    }
    return status;
}

/* --- measuring --------------------------------------------------------------------------------------------------- */

static measure_fn measure_of(int measure, int peer)
{
    switch (peer) {
    case PEER_THREAD:
        return thread_measures[measure];
    case PEER_COLD:
    case PEER_WARM:
        return interp_measures[measure];
    default:
        return process_measures[measure];
    }
}

static size_t count_of(const struct plan *plan, int measure, int peer)
{
    switch (measure) {
    case MEASURE_START:
        return plan->start[peer];
    case MEASURE_MEMORY:
        return plan->memory;
    case MEASURE_CORES:
        return 1;
    default:
        return plan->calls;
    }
}

static void measure_one(struct world *world, const struct plan *plan, struct results *results, int measure, int peer,
                        bool counts)
{
    struct samples thrown_away = {0};
    struct samples *out = counts ? &results->samples[measure][peer] : &thrown_away;
    char **failed = &results->failed[measure][peer];
    if (*failed == NULL && measure == MEASURE_MEMORY && process_memory(0) < 0) {
        *failed = text_copy("/proc/self/smaps_rollup says no Pss_Anon here");
    }
    if (*failed == NULL) {
        *failed = measure_of(measure, peer)(world, peer, count_of(plan, measure, peer), out);
    }
    samples_free(&thrown_away);
}

static void say_progress(int measure, size_t round, size_t rounds)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[Kmeasuring %s: round %zu of %zu", measure_names[measure], round + 1, rounds);
    }
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

/* Memory is measured once and first: later, freed memory would be used again. */
static void measure_rounds(struct world *world, const struct plan *plan, struct results *results, int measure)
{
    bool once = measure == MEASURE_MEMORY;
    size_t rounds = once ? 1 : plan->rounds + 1;
    for (size_t round = 0; round < rounds && !asked_to_stop; round++) {
        say_progress(measure, round, rounds);
        for (int peer = 0; peer < PEER_COUNT && !asked_to_stop; peer++) {
            measure_one(world, plan, results, measure, peer, once || round > 0);
        }
    }
}

static void measure_all(struct world *world, const struct plan *plan, struct results *results)
{
    static const enum measure order[MEASURE_COUNT] = {MEASURE_MEMORY, MEASURE_START, MEASURE_CALL, MEASURE_MESSAGE,
                                                      MEASURE_CORES};
    for (int i = 0; i < MEASURE_COUNT && !asked_to_stop; i++) {
        if (results->wanted[order[i]]) {
            measure_rounds(world, plan, results, order[i]);
        }
    }
    end_progress();
}

static void free_results(struct results *results)
{
    for (int i = 0; i < MEASURE_COUNT * PEER_COUNT; i++) {
        samples_free(&results->samples[i / PEER_COUNT][i % PEER_COUNT]);
        free(results->failed[i / PEER_COUNT][i % PEER_COUNT]);
    }
}

static int exit_status_of(const struct results *results)
{
    for (int i = 0; i < MEASURE_COUNT * PEER_COUNT; i++) {
        if (results->failed[i / PEER_COUNT][i % PEER_COUNT] != NULL) {
            return 1;
        }
    }
    return 0;
}

static int run(const struct bench_options *options)
{
    const struct plan *plan = options->quick ? &quick_plan : &full_plan;
    struct results results = {.rounds = plan->rounds};
    for (int measure = 0; measure < MEASURE_COUNT; measure++) {
        results.wanted[measure] = !options->any_only || options->only[measure];
    }
    struct world world = {0};
    char *why = world_open(&world, plan->spin_ns);
    if (why == NULL) {
        measure_all(&world, plan, &results);
    }
    world_close(&world);
    int status = 130;
    if (why != NULL) {
        complain("%s", why);
        status = 1;
    } else if (!asked_to_stop) {
        (options->json ? report_json : report_table)(&results);
        status = exit_status_of(&results);
    }
    free(why);
    free_results(&results);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_options options = {0};
    int status = read_options(argc, argv, &options);
    if (status != 0) {
        return status;
    }
    if (options.help) {
        fputs(help_bench, stdout);
        return 0;
    }
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    return run(&options);
}
