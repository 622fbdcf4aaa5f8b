/* Build and run:
 *   cc pipeline.c -o pipeline $(pkg-config --cflags --libs isles) && ./pipeline
 *
 * A host that streams records through three interpreters and back, over queues. Each stage is an endless loop that ends
 * when the queue before it is closed and drained, and then closes its own; so one close by the host ends them all. The
 * queue before the slow stage is bounded: its producer waits for room. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <isles/isles.h>

enum { STAGES = 3, RECORDS = 1000 };

static const char *const stages[STAGES] = {
    /* keeps the even ones */
    "for record in records(isles.find_queue('numbers'), isles.find_queue('even')):\n"
    "    if record['n'] % 2 == 0: out.put(record)\n",
    /* works */
    "for record in records(isles.find_queue('even'), isles.find_queue('squares')):\n"
    "    record['square'] = record['n'] ** 2\n"
    "    out.put(record)\n",
    /* sums up */
    "total = 0\n"
    "for record in records(isles.find_queue('squares'), isles.find_queue('sums')):\n"
    "    total += record['square']\n"
    "    out.put((record['n'], total))\n",
};

static const char *const common = "import isles\n"
                                  "def records(source, target):\n"
                                  "    global out\n"
                                  "    out = target\n"
                                  "    try:\n"
                                  "        while True: yield source.get()\n"
                                  "    except isles.QueueClosed:\n"
                                  "        target.close()\n";

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", err != NULL ? isle_error_text(err) : isle_status_text(status));
        exit(1);
    }
}

static isle_queue *new_queue(const char *name, size_t max_items)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *queue = NULL;
    isle_error *err = NULL;
    config.name = name;
    config.max_items = max_items;
    must(isle_queue_create(&config, &queue, &err), err);
    return queue;
}

static isle_job *start_stage(isle_runtime *rt, const char *source)
{
    isle_interp it;
    isle_job *job = NULL;
    isle_error *err = NULL;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    must(isle_interp_create(rt, NULL, &it, &err), err);
    must(isle_interp_run(it, common, ISLE_FOREVER, &err), err);
    config.target = source;
    must(isle_job_submit(it, &config, &job, &err), err);
    return job;
}

/* The host's own end: puts what fits, and takes what has come. */
static int64_t stream(isle_queue *numbers, isle_queue *sums)
{
    int64_t total = 0;
    isle_status status = ISLE_OK;
    isle_error *err = NULL;
    for (int n = 0; n < RECORDS; n++) {
        isle_value *record = isle_value_new_dict();
        isle_value_set_str(record, "n", isle_value_new_int(n));
        must(isle_queue_put(numbers, record, isle_deadline_in(30 * ISLE_SECOND), &err), err);
        isle_value_free(record);
    }
    isle_queue_close(numbers);
    while (status == ISLE_OK) {
        isle_value *sum = NULL;
        status = isle_queue_get(sums, isle_deadline_in(30 * ISLE_SECOND), &sum, NULL);
        if (status == ISLE_OK) {
            isle_value_as_int64(isle_value_at(sum, 1), &total);
            isle_value_free(sum);
        }
    }
    return status == ISLE_ERR_CLOSED ? total : -1;
}

int main(void)
{
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    must(isle_runtime_start(NULL, &rt, &err), err);
    isle_queue *queues[] = {new_queue("numbers", 0), new_queue("even", 10), new_queue("squares", 0),
                            new_queue("sums", 0)};
    isle_job *jobs[STAGES];
    for (int i = 0; i < STAGES; i++) {
        jobs[i] = start_stage(rt, stages[i]);
    }
    int64_t total = stream(queues[0], queues[3]);
    for (int i = 0; i < STAGES; i++) {
        must(isle_job_wait(jobs[i], isle_deadline_in(30 * ISLE_SECOND)), NULL);
        must(isle_job_result(jobs[i], NULL, &err), err);
        isle_job_free(jobs[i]);
    }
    for (int i = 0; i < 4; i++) {
        isle_queue_free(queues[i]);
    }
    printf("the squares of the even numbers below %d sum up to %" PRId64 "\n", RECORDS, total);
    must(isle_runtime_stop(rt, isle_deadline_in(5 * ISLE_SECOND), &err), err);
    return total == 166167000 ? 0 : 1; /* 4 (1 + 4 + ... + 499^2) */
}
