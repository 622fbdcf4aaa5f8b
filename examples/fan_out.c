/* Build and run:
 *   cc fan_out.c -o fan_out $(pkg-config --cflags --libs isles) && ./fan_out
 *
 * One queue, several workers: each takes the next piece of work when it is free, so a slow piece holds up nobody else.
 * The work queue is bounded: the host waits for room instead of piling up everything. Results come in any order, with
 * the number of their piece, by which the host puts them into theirs. The queue of results minds its senders
 * (ISLE_UNBOUND_ERROR): a worker that ended with results on their way would be noticed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <isles/isles.h>

enum { WORKERS = 4, PIECES = 300 };

static const char *const worker = "import isles\n"
                                  "work, results = isles.find_queue('work'), isles.find_queue('results')\n"
                                  "done = 0\n"
                                  "try:\n"
                                  "    while True:\n"
                                  "        number, text = work.get()\n"
                                  "        digits = sum(map(int, str(3 ** (number * 10))))\n" /* some take longer */
                                  "        results.put((number, f'{text}: {digits}', isles.name))\n"
                                  "        done += 1\n"
                                  "except isles.QueueClosed: pass\n";

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", err != NULL ? isle_error_text(err) : isle_status_text(status));
        exit(1);
    }
}

static isle_queue *new_queue(const char *name, size_t max_items, isle_unbound unbound)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *queue = NULL;
    isle_error *err = NULL;
    config.name = name;
    config.max_items = max_items;
    config.unbound = unbound;
    must(isle_queue_create(&config, &queue, &err), err);
    return queue;
}

static isle_job *start_worker(isle_runtime *rt, int number, isle_interp *out_interp)
{
    char name[32];
    isle_error *err = NULL;
    isle_job *job = NULL;
    isle_interp_config interp_config = ISLE_INTERP_CONFIG_INIT;
    isle_job_config job_config = ISLE_JOB_CONFIG_INIT;
    snprintf(name, sizeof name, "worker-%d", number);
    interp_config.name = name;
    must(isle_interp_create(rt, &interp_config, out_interp, &err), err);
    job_config.target = worker;
    must(isle_job_submit(*out_interp, &job_config, &job, &err), err);
    return job;
}

static void put_piece(isle_queue *work, int number)
{
    isle_error *err = NULL;
    isle_value *piece = isle_value_new_tuple();
    must(isle_value_append(piece, isle_value_new_int(number)), NULL);
    must(isle_value_append(piece, isle_value_new_str("sum of digits")), NULL);
    must(isle_queue_put(work, piece, isle_deadline_in(60 * ISLE_SECOND), &err), err);
    isle_value_free(piece);
}

static void gather(isle_queue *results, isle_value **in_order)
{
    isle_value *result = NULL;
    int64_t number = -1;
    isle_error *err = NULL;
    must(isle_queue_get(results, isle_deadline_in(60 * ISLE_SECOND), &result, &err), err);
    if (!isle_value_as_int64(isle_value_at(result, 0), &number) || number < 0 || number >= PIECES ||
        in_order[number] != NULL) {
        fprintf(stderr, "a result that nobody asked for\n");
        exit(1);
    }
    in_order[number] = result;
}

int main(void)
{
    static isle_value *in_order[PIECES];
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    isle_interp interps[WORKERS];
    isle_job *jobs[WORKERS];
    int64_t done = 0;
    must(isle_runtime_start(NULL, &rt, &err), err);
    isle_queue *work = new_queue("work", 2 * WORKERS, ISLE_UNBOUND_KEEP);
    isle_queue *results = new_queue("results", 0, ISLE_UNBOUND_ERROR);
    for (int i = 0; i < WORKERS; i++) {
        jobs[i] = start_worker(rt, i, &interps[i]);
    }
    for (int i = 0; i < PIECES; i++) {
        put_piece(work, i);
    }
    isle_queue_close(work);
    for (int i = 0; i < PIECES; i++) {
        gather(results, in_order);
    }
    for (int i = 0; i < WORKERS; i++) {
        isle_value *count = NULL;
        int64_t number = 0;
        must(isle_job_wait(jobs[i], isle_deadline_in(30 * ISLE_SECOND)), NULL);
        must(isle_job_result(jobs[i], NULL, &err), err);
        must(isle_interp_get_global(interps[i], "done", isle_deadline_in(30 * ISLE_SECOND), &count, &err), err);
        isle_value_as_int64(count, &number);
        printf("worker-%d did %" PRId64 "\n", i, number);
        done += number;
        isle_value_free(count);
        isle_job_free(jobs[i]);
    }
    printf("3 ** 2990, %s\n", isle_value_as_str(isle_value_at(in_order[PIECES - 1], 1), NULL));
    for (int i = 0; i < PIECES; i++) {
        isle_value_free(in_order[i]);
    }
    isle_queue_free(work);
    isle_queue_free(results);
    must(isle_runtime_stop(rt, isle_deadline_in(5 * ISLE_SECOND), &err), err);
    return done == PIECES ? 0 : 1;
}
