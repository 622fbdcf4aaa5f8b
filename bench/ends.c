/* bench_ends: both ends of the messages benchmark (bench/messages.py starts it and its peers, and asks them in turns).
 *
 *   bench_ends isles FOLDER [VENV]   two interpreters, each with its own GIL, and queues between them; the loops are
 *                                    FOLDER/messages_isles.py. VENV has NumPy, for an interpreter with the shared GIL
 *   bench_ends bare                  what bounds them: two C threads that wake each other, memcpy
 *
 * It reads lines "WAY CASE COUNT" and answers each with one of JSON: {"seconds": all COUNT took, "note": ...}, or
 * {"missing": why not}. One thread asks; the interpreters run on theirs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>
#include <isles/queue.h>

#include <jansson.h>

#include "echo.h"

#define PATIENCE (120 * ISLE_SECOND)
#define MEGABYTE 1000000
#define BOUND 100

enum { THERE, BACK, BOUNDED, QUEUES };

struct isles {
    const char *folder, *venv;
    isle_runtime *runtime;
    isle_interp first, second, sender; /* sender: with the shared GIL, made when it is asked for */
    isle_queue *queues[QUEUES];
};

struct round {
    char way[32], test[32];
    long count;
};

static json_t *missing(const char *why)
{
    return json_pack("{s:s}", "missing", why);
}

static json_t *missing_from(isle_error *error)
{
    json_t *answer = missing(error != NULL ? isle_error_message(error) : "no reason given");
    isle_error_free(error);
    return answer;
}

static void must(isle_status status, isle_error *error, const char *what)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "bench_ends: %s: %s\n", what,
                error != NULL ? isle_error_message(error) : isle_status_text(status));
        exit(1);
    }
}

/* --- Isles ------------------------------------------------------------------------------------------------------- */

static isle_status create(struct isles *s, isle_gil gil, isle_interp *out, isle_error **error)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = &s->folder;
    config.path_count = 1;
    config.no_bytecode = true;
    config.gil = gil;
    config.venv = gil == ISLE_GIL_SHARED ? s->venv : NULL;
    return isle_interp_create(s->runtime, &config, out, error);
}

static void isles_open(struct isles *s)
{
    static const char *const names[QUEUES] = {"there", "back", "bounded"};
    isle_error *error = NULL;
    must(isle_runtime_start(NULL, &s->runtime, &error), error, "isle_runtime_start");
    for (int i = 0; i < QUEUES; i++) {
        isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
        config.name = names[i];
        config.max_items = i == BOUNDED ? BOUND : 0;
        must(isle_queue_create(&config, &s->queues[i], &error), error, "isle_queue_create");
    }
    must(create(s, ISLE_GIL_OWN, &s->first, &error), error, "isle_interp_create");
    must(create(s, ISLE_GIL_OWN, &s->second, &error), error, "isle_interp_create");
}

static void isles_close(struct isles *s)
{
    isle_error *error = NULL;
    must(isle_runtime_stop(s->runtime, isle_deadline_in(PATIENCE), &error), error, "isle_runtime_stop");
    for (int i = 0; i < QUEUES; i++) {
        isle_queue_free(s->queues[i]);
    }
}

/* What a round that failed has left would be another's message. */
static void drain(struct isles *s)
{
    for (int i = 0; i < QUEUES; i++) {
        isle_value *value = NULL;
        while (isle_queue_get(s->queues[i], 0, &value, NULL) == ISLE_OK) {
            isle_value_free(value);
        }
    }
}

static isle_status submit(isle_interp interp, const char *target, const struct round *round, isle_job **out,
                          isle_error **error)
{
    isle_value *args = isle_value_new_tuple();
    isle_value_append(args, isle_value_new_str(round->way));
    isle_value_append(args, isle_value_new_str(round->test));
    isle_value_append(args, isle_value_new_int(round->count));
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.kind = ISLE_JOB_CALL;
    config.target = target;
    config.args = args;
    config.deadline = isle_deadline_in(PATIENCE);
    isle_status status = isle_job_submit(interp, &config, out, error);
    isle_value_free(args);
    return status;
}

/* Both have ended when it returns. Where one fails, the other would wait for it: it is cancelled, and the error is that
 * which came first. */
static isle_status results_of(isle_job *jobs[2], isle_value *out_values[2], isle_error **error)
{
    int fds[2] = {isle_job_fd(jobs[0]), isle_job_fd(jobs[1])};
    bool ready[2] = {false};
    isle_select(NULL, 0, NULL, fds, 2, ready, isle_deadline_in(PATIENCE));
    int early = ready[0] ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        int which = i == 0 ? early : 1 - early;
        isle_job_wait(jobs[which], ISLE_FOREVER);
        isle_status status = isle_job_result(jobs[which], &out_values[which], error);
        if (status != ISLE_OK) {
            isle_job_cancel(jobs[1 - which]);
            isle_job_wait(jobs[1 - which], ISLE_FOREVER);
            return status;
        }
    }
    return ISLE_OK;
}

static json_t *answer_of(const isle_value *one, const isle_value *other)
{
    const char *why = isle_value_as_str(isle_value_get_str(one, "missing"), NULL);
    const char *note = isle_value_as_str(isle_value_get_str(one, "note"), NULL);
    double begin, end;
    if (why != NULL) {
        return missing(why);
    }
    if (!isle_value_as_double(isle_value_get_str(one, "begin"), &begin) ||
        (!isle_value_as_double(isle_value_get_str(one, "end"), &end) &&
         !isle_value_as_double(isle_value_get_str(other, "end"), &end))) {
        return missing("no times came");
    }
    json_t *answer = json_pack("{s:f}", "seconds", end - begin);
    if (note != NULL) {
        json_object_set_new(answer, "note", json_string(note));
    }
    return answer;
}

static json_t *isles_round(struct isles *s, const struct round *round)
{
    isle_error *error = NULL;
    isle_job *jobs[2] = {NULL};
    isle_value *values[2] = {NULL};
    isle_interp first = s->first;
    if (strcmp(round->test, "handover") == 0) {
        if (s->sender.id == 0 && create(s, ISLE_GIL_SHARED, &s->sender, &error) != ISLE_OK) {
            return missing_from(error);
        }
        first = s->sender;
    }
    drain(s);
    must(submit(s->second, "messages_isles:second", round, &jobs[1], &error), error, "isle_job_submit");
    must(submit(first, "messages_isles:first", round, &jobs[0], &error), error, "isle_job_submit");
    isle_status status = results_of(jobs, values, &error);
    json_t *answer = status == ISLE_OK ? answer_of(values[0], values[1]) : missing_from(error);
    for (int i = 0; i < 2; i++) {
        isle_value_free(values[i]);
        isle_job_free(jobs[i]);
    }
    return answer;
}

/* --- what bounds them ------------------------------------------------------------------------------------------- */

static json_t *futex_round(struct echo *e, long count)
{
    int64_t begin = isle_now();
    for (long i = 0; i < count; i++) {
        if (echo_call(e, i) != i + 1) {
            return missing("a wrong answer came");
        }
    }
    return json_pack("{s:f}", "seconds", (double)(isle_now() - begin) / 1e9);
}

static json_t *memcpy_round(long count)
{
    static char from[MEGABYTE], to[MEGABYTE];
    memset(from, 'x', MEGABYTE);
    int64_t begin = isle_now();
    for (long i = 0; i < count; i++) {
        memcpy(to, from, MEGABYTE);
        __asm__ volatile("" : : "r"(to) : "memory"); /* somebody could read it: every copy is made */
    }
    return json_pack("{s:f}", "seconds", (double)(isle_now() - begin) / 1e9);
}

static json_t *bare_round(struct echo *e, const struct round *round)
{
    return strcmp(round->way, "futex") == 0 ? futex_round(e, round->count) : memcpy_round(round->count);
}

/* --- the program ------------------------------------------------------------------------------------------------ */

static void serve(struct isles *isles, struct echo *e)
{
    char line[128];
    struct round round;
    while (fgets(line, sizeof line, stdin) != NULL) {
        json_t *answer;
        if (sscanf(line, "%31s %31s %ld", round.way, round.test, &round.count) != 3) {
            answer = missing("not understood");
        } else {
            answer = isles != NULL ? isles_round(isles, &round) : bare_round(e, &round);
        }
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(answer);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bare") == 0) {
        struct echo e;
        must(echo_start(&e) ? ISLE_OK : ISLE_ERR_SYSTEM, NULL, "a thread");
        serve(NULL, &e);
        echo_call(&e, -1);
        return 0;
    }
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "isles") == 0) {
        struct isles isles = {.folder = argv[2], .venv = argv[3]};
        isles_open(&isles);
        serve(&isles, NULL);
        isles_close(&isles);
        return 0;
    }
    fputs("usage: bench_ends isles FOLDER [VENV] | bare\n", stderr);
    return 2;
}
