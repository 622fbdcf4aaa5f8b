/* See core_testing.h. */
#include "core_testing.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform.h"

#define MAX_EVENTS 100000

static struct {
    plat_lock lock;
    plat_cond changed;
    recorded *events;
    size_t count;
} recorder = {.lock = {PTHREAD_MUTEX_INITIALIZER}};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
    static recorded events[MAX_EVENTS];
    recorder.events = events;
    plat_cond_init(&recorder.changed);
}

void record(void *ctx, const isle_event *event)
{
    (void)ctx;
    plat_lock_take(&recorder.lock);
    if (recorder.count < MAX_EVENTS) {
        recorded *r = &recorder.events[recorder.count++];
        *r = (recorded){event->kind, event->interp_id, event->job_id, event->status, event->wall_ns, ""};
        snprintf(r->message, sizeof r->message, "%s", event->message != NULL ? event->message : "");
    }
    plat_cond_wake_all(&recorder.changed);
    plat_lock_give(&recorder.lock);
}

void record_clear(void)
{
    pthread_once(&once, init);
    plat_lock_take(&recorder.lock);
    recorder.count = 0;
    plat_lock_give(&recorder.lock);
}

size_t record_count(void)
{
    plat_lock_take(&recorder.lock);
    size_t count = recorder.count;
    plat_lock_give(&recorder.lock);
    return count;
}

recorded record_at(size_t index)
{
    plat_lock_take(&recorder.lock);
    recorded r = recorder.events[index];
    plat_lock_give(&recorder.lock);
    return r;
}

static size_t count_of(isle_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < recorder.count; i++) {
        count += recorder.events[i].kind == kind;
    }
    return count;
}

bool record_await(isle_event_kind kind, size_t count)
{
    int64_t deadline = SOON;
    bool in_time = true;
    plat_lock_take(&recorder.lock);
    while (count_of(kind) < count && in_time) {
        in_time = plat_cond_wait(&recorder.changed, &recorder.lock, deadline);
    }
    plat_lock_give(&recorder.lock);
    return in_time;
}

const char *record_kinds(uint64_t interp_id)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    plat_lock_take(&recorder.lock);
    for (size_t i = 0; i < recorder.count; i++) {
        const recorded *r = &recorder.events[i];
        if ((interp_id == 0 || r->interp_id == interp_id) && len < sizeof text - 64) {
            len += (size_t)snprintf(text + len, 64, "%s%s", len != 0 ? " " : "", isle_event_name(r->kind));
        }
    }
    plat_lock_give(&recorder.lock);
    return text;
}

/* --- short ways --------------------------------------------------------------------------------------------------- */

isle_runtime *start_runtime(void)
{
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_runtime *rt = NULL;
    config.on_event = record;
    fake_reset();
    record_clear();
    check(isle_runtime_start(&config, &rt, NULL) == ISLE_OK);
    return rt;
}

void stop_runtime(isle_runtime *rt)
{
    check(isle_runtime_stop(rt, SOON, NULL) == ISLE_OK);
    check(isle_interp_list(NULL, 0) == 0);
    check(fake.created == fake.destroyed && fake.created == fake.freed);
}

isle_runtime *test_runtime;

int setup_runtime(void **state)
{
    (void)state;
    test_runtime = start_runtime();
    return 0;
}

int teardown_runtime(void **state)
{
    (void)state;
    stop_runtime(test_runtime);
    return 0;
}

isle_interp create(isle_runtime *rt)
{
    return create_impatient(rt, 0, 0);
}

isle_interp create_impatient(isle_runtime *rt, int grace_ms, int stuck_ms)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = {0};
    config.cancel_grace_ns = grace_ms * ISLE_MS;
    config.stuck_after_ns = stuck_ms * ISLE_MS;
    config.stack_size_bytes = 256 << 10;
    check(isle_interp_create(rt, &config, &it, NULL) == ISLE_OK);
    return it;
}

isle_job *submit(isle_interp it, const char *source, int64_t deadline)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    config.target = source;
    config.deadline = deadline;
    check(isle_job_submit(it, &config, &job, NULL) == ISLE_OK);
    return job;
}

isle_status submit_status(isle_interp it, const char *source)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.target = source;
    return isle_job_submit(it, &config, NULL, NULL);
}

isle_status wait_for(isle_job *job)
{
    check(isle_job_wait(job, SOON) == ISLE_OK);
    isle_status status = isle_job_result(job, NULL, NULL);
    isle_job_free(job);
    return status;
}

isle_status run(isle_interp it, const char *source)
{
    return isle_interp_run(it, source, SOON, NULL);
}

/* The interpreter whose job of that id has started; 0: not yet. Lock held. */
static uint64_t started_in(uint64_t job_id)
{
    for (size_t i = 0; i < recorder.count; i++) {
        if (recorder.events[i].kind == ISLE_EVENT_JOB_STARTED && recorder.events[i].job_id == job_id) {
            return recorder.events[i].interp_id;
        }
    }
    return 0;
}

void await_running(isle_job *job)
{
    int64_t deadline = SOON;
    uint64_t interp_id = 0;
    bool in_time = true;
    plat_lock_take(&recorder.lock);
    while ((interp_id = started_in(isle_job_id(job))) == 0 && in_time) {
        in_time = plat_cond_wait(&recorder.changed, &recorder.lock, deadline);
    }
    plat_lock_give(&recorder.lock);
    check(interp_id != 0 && fake_await_lasting(interp_id, deadline));
}

isle_status run_and_cancel(isle_interp it, const char *source)
{
    isle_job *job = submit(it, source, ISLE_FOREVER);
    await_running(job);
    isle_job_cancel(job);
    return wait_for(job);
}

isle_interp_stats stats_of(isle_interp it)
{
    isle_interp_stats stats = {.size = sizeof stats};
    check(isle_interp_get_stats(it, &stats) == ISLE_OK);
    return stats;
}

/* --- child processes ---------------------------------------------------------------------------------------------- */

void check_that(bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
        fflush(NULL);
        abort(); /* the core of a dead thread says more than a test that goes on */
    }
}

void in_child(void (*scenario)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        scenario();
        exit(0); /* with what the sanitizers do at exit */
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
