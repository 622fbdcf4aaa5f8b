/* Build and run:
 *   cc filter.c -o filter $(pkg-config --cflags --libs isles) && ./filter
 *
 * A C host whose records pass through a filter written in Python: dicts go in by one queue and come back by another,
 * some changed, some dropped. Both queues are bounded, so neither side runs away from the other; the host puts from a
 * thread of its own and takes what comes meanwhile. When the host closes its queue the filter ends, and closes the
 * other. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>

enum { RECORDS = 2000 };

static const char *const filter = "import isles\n"
                                  "source, target = isles.find_queue('requests'), isles.find_queue('suspects')\n"
                                  "try:\n"
                                  "    while True:\n"
                                  "        record = source.get()\n"
                                  "        if record['status'] >= 400:\n"
                                  "            record['kind'] = 'server' if record['status'] >= 500 else 'client'\n"
                                  "            record['path'] = record['path'].upper()\n"
                                  "            target.put(record)\n"
                                  "except isles.QueueClosed:\n"
                                  "    target.close()\n";

static const int64_t statuses[] = {200, 404, 200, 503, 301};

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", err != NULL ? isle_error_text(err) : isle_status_text(status));
        exit(1);
    }
}

static isle_queue *new_queue(const char *name)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *queue = NULL;
    isle_error *err = NULL;
    config.name = name;
    config.max_items = 50;
    must(isle_queue_create(&config, &queue, &err), err);
    return queue;
}

/* {"id": n, "path": "/page/n", "status": ...} */
static isle_value *record_of(int n)
{
    char path[32];
    snprintf(path, sizeof path, "/page/%d", n);
    isle_value *record = isle_value_new_dict();
    must(isle_value_set_str(record, "id", isle_value_new_int(n)), NULL);
    must(isle_value_set_str(record, "path", isle_value_new_str(path)), NULL);
    must(isle_value_set_str(record, "status", isle_value_new_int(statuses[n % 5])), NULL);
    return record;
}

static void *feed(void *requests)
{
    for (int n = 0; n < RECORDS; n++) {
        isle_error *err = NULL;
        isle_value *record = record_of(n);
        must(isle_queue_put(requests, record, isle_deadline_in(30 * ISLE_SECOND), &err), err);
        isle_value_free(record);
    }
    isle_queue_close(requests);
    return NULL;
}

/* Is it what the filter should have made of that record? */
static bool is_right(const isle_value *record)
{
    int64_t id = -1;
    char path[32];
    const char *kind = isle_value_as_str(isle_value_get_str(record, "kind"), NULL);
    const char *seen = isle_value_as_str(isle_value_get_str(record, "path"), NULL);
    if (!isle_value_as_int64(isle_value_get_str(record, "id"), &id) || kind == NULL || seen == NULL) {
        return false;
    }
    snprintf(path, sizeof path, "/PAGE/%" PRId64, id);
    return strcmp(seen, path) == 0 && strcmp(kind, statuses[id % 5] == 404 ? "client" : "server") == 0;
}

int main(void)
{
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    isle_interp it;
    isle_job *job = NULL;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    pthread_t feeder;
    int right = 0, wrong = 0;
    isle_status status;
    must(isle_runtime_start(NULL, &rt, &err), err);
    isle_queue *requests = new_queue("requests"), *suspects = new_queue("suspects");
    must(isle_interp_create(rt, NULL, &it, &err), err);
    config.target = filter;
    must(isle_job_submit(it, &config, &job, &err), err);
    if (pthread_create(&feeder, NULL, feed, requests) != 0) {
        return 1;
    }
    isle_value *record = NULL;
    while ((status = isle_queue_get(suspects, isle_deadline_in(30 * ISLE_SECOND), &record, NULL)) == ISLE_OK) {
        *(is_right(record) ? &right : &wrong) += 1;
        isle_value_free(record);
    }
    pthread_join(feeder, NULL);
    must(isle_job_wait(job, isle_deadline_in(30 * ISLE_SECOND)), NULL);
    must(isle_job_result(job, NULL, &err), err);
    isle_job_free(job);
    isle_queue_free(requests);
    isle_queue_free(suspects);
    printf("%d records in, %d suspects out\n", RECORDS, right);
    must(isle_runtime_stop(rt, isle_deadline_in(5 * ISLE_SECOND), &err), err);
    return status == ISLE_ERR_CLOSED && right == RECORDS / 5 * 2 && wrong == 0 ? 0 : 1;
}
