/* What queues cost: ping-pong between two interpreters and between two threads of the host, streams through queues of
 * several sizes, put and get in one interpreter. For each, the time that passed and the processor time of the whole
 * process, by the value (or the round). docs/queues.md has figures made by it.
 *
 *   bench_queues [TURNS [VALUES]]    least of TURNS (5); VALUES (200000) in a stream */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <isles/isles.h>

typedef struct cost {
    int64_t wall, cpu; /* ns */
} cost;

static isle_runtime *runtime;

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", err != NULL ? isle_error_text(err) : isle_status_text(status));
        exit(1);
    }
}

static int64_t processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * ISLE_SECOND + t.tv_nsec;
}

static cost now(void)
{
    return (cost){.wall = isle_now(), .cpu = processor_time()};
}

static cost since(cost began)
{
    cost c = now();
    return (cost){.wall = c.wall - began.wall, .cpu = c.cpu - began.cpu};
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

/* --- Python ----------------------------------------------------------------------------------------------------- */

typedef struct side {
    isle_interp interp;
    isle_job *job;
} side;

static side prepare(const char *body, long count)
{
    side s = {.job = NULL};
    char source[512];
    isle_error *err = NULL;
    snprintf(source, sizeof source,
             "import isles\na, b = isles.find_queue('a'), isles.find_queue('b')\n"
             "def work():\n    for i in range(%ld): %s\n",
             count, body);
    must(isle_interp_create(runtime, NULL, &s.interp, &err), err);
    must(isle_interp_run(s.interp, source, ISLE_FOREVER, &err), err);
    return s;
}

static void begin(side *s)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_error *err = NULL;
    config.target = "work()";
    must(isle_job_submit(s->interp, &config, &s->job, &err), err);
}

static void finish(side *s)
{
    isle_error *err = NULL;
    must(isle_job_wait(s->job, ISLE_FOREVER), NULL);
    must(isle_job_result(s->job, NULL, &err), err);
    isle_job_free(s->job);
}

static cost in_python(const char *first, const char *second, size_t max_items, long count)
{
    isle_queue *a = new_queue("a", max_items), *b = new_queue("b", max_items);
    side one = prepare(first, count), other = prepare(second, count);
    cost began = now();
    begin(&one);
    begin(&other);
    finish(&one);
    finish(&other);
    cost c = since(began);
    must(isle_interp_end(one.interp, ISLE_FOREVER, NULL), NULL);
    must(isle_interp_end(other.interp, ISLE_FOREVER, NULL), NULL);
    isle_queue_free(a);
    isle_queue_free(b);
    return c;
}

/* --- C ---------------------------------------------------------------------------------------------------------- */

typedef struct pair {
    isle_queue *there, *back;
    long count;
} pair;

static void pass_on(isle_queue *from, isle_queue *to)
{
    isle_value *value = NULL;
    must(isle_queue_get(from, ISLE_FOREVER, &value, NULL), NULL);
    must(isle_queue_put(to, value, ISLE_FOREVER, NULL), NULL);
    isle_value_free(value);
}

static void *echo(void *arg)
{
    const pair *p = arg;
    for (long i = 0; i < p->count; i++) {
        pass_on(p->there, p->back);
    }
    return NULL;
}

static cost in_c(long count)
{
    pair p = {new_queue(NULL, 0), new_queue(NULL, 0), count};
    pthread_t thread;
    isle_value *value = isle_value_new_int(7);
    if (pthread_create(&thread, NULL, echo, &p) != 0) {
        exit(1);
    }
    must(isle_queue_put(p.there, value, ISLE_FOREVER, NULL), NULL);
    cost began = now();
    for (long i = 1; i < count; i++) {
        pass_on(p.back, p.there);
    }
    pthread_join(thread, NULL);
    cost c = since(began);
    isle_value_free(value);
    isle_queue_free(p.there);
    isle_queue_free(p.back);
    return c;
}

/* --- the table -------------------------------------------------------------------------------------------------- */

typedef struct row {
    const char *name, *first, *second; /* no first: between threads of the host */
    size_t max_items;
    long divided_by; /* fewer values, where each takes long */
} row;

static const row rows[] = {
    {"ping-pong between interpreters", "a.put(i); b.get()", "b.put(a.get())", 0, 10},
    {"ping-pong between C threads", NULL, NULL, 0, 10},
    {"stream, unbounded", "a.put(i)", "a.get()", 0, 1},
    {"stream, 100 places", "a.put(i)", "a.get()", 100, 1},
    {"stream, 1 place", "a.put(i)", "a.get()", 1, 10},
    {"put and get in one", "a.put(i); a.get()", "pass", 0, 1},
};

static void measure(const row *r, long turns, long values)
{
    long count = values / r->divided_by + 1;
    cost least = {INT64_MAX, INT64_MAX};
    for (long i = 0; i < turns; i++) {
        cost c = r->first != NULL ? in_python(r->first, r->second, r->max_items, count) : in_c(count);
        least.wall = c.wall < least.wall ? c.wall : least.wall;
        least.cpu = c.cpu < least.cpu ? c.cpu : least.cpu;
    }
    printf("%-34s %8" PRId64 " ns %8" PRId64 " ns of processor time\n", r->name, least.wall / count, least.cpu / count);
}

static long number(int argc, char **argv, int at, long otherwise)
{
    long n = at < argc ? strtol(argv[at], NULL, 10) : 0;
    return n > 0 ? n : otherwise;
}

int main(int argc, char **argv)
{
    isle_error *err = NULL;
    long turns = number(argc, argv, 1, 5), values = number(argc, argv, 2, 200000);
    must(isle_runtime_start(NULL, &runtime, &err), err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        measure(&rows[i], turns, values);
    }
    must(isle_runtime_stop(runtime, ISLE_FOREVER, &err), err);
    return 0;
}
