/* Build and run:
 *   cc event_loop.c -o event_loop $(pkg-config --cflags --libs isles) && ./event_loop
 *
 * One thread that never blocks in Isles: it submits jobs, and waits for their descriptors in poll(), beside what else
 * an event loop watches (here a pipe that one of the jobs writes into). Four jobs end in four ways: with a result, with
 * an exception, stopped by the deadline, and cancelled by the loop when the pipe brings the word. libuv, libevent and
 * epoll take the same descriptor. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <isles/isles.h>

enum { JOBS = 4 };

typedef struct task {
    const char *name;
    isle_job_kind kind;
    const char *target;
    isle_status expected;
    int64_t allowed_ns;
    isle_interp interp;
    isle_job *job;
    isle_status status; /* once it has ended */
    bool ended;
} task;

enum { ADDER, FAULTY, RUNAWAY, WAITER };

static task tasks[JOBS] = {
    [ADDER] = {.name = "adder", .kind = ISLE_JOB_CALL, .target = "operator:add", .expected = ISLE_OK},
    [FAULTY] = {.name = "faulty", .kind = ISLE_JOB_SOURCE, .target = "1 / 0", .expected = ISLE_ERR_PYTHON},
    [RUNAWAY] = {.name = "runaway",
                 .kind = ISLE_JOB_SOURCE,
                 .target = "while True: pass",
                 .expected = ISLE_ERR_TIMEOUT,
                 .allowed_ns = 100 * ISLE_MS},
    /* says that it runs, then counts for ever */
    [WAITER] = {.name = "waiter",
                .kind = ISLE_JOB_SOURCE,
                .expected = ISLE_ERR_CANCELLED,
                .target = "import os\nos.write(word_fd, b'here I am')\nn = 0\nwhile True: n += 1"},
};

static bool failed(const char *what, isle_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err != NULL ? isle_error_text(err) : "failed");
    isle_error_free(err);
    return false;
}

static isle_value *two_numbers(void)
{
    isle_value *args = isle_value_new_tuple();
    if (isle_value_append(args, isle_value_new_int(40)) != ISLE_OK ||
        isle_value_append(args, isle_value_new_int(2)) != ISLE_OK) {
        isle_value_free(args);
        return NULL;
    }
    return args;
}

static bool start(task *t, isle_runtime *runtime, int word_fd)
{
    isle_error *err = NULL;
    isle_interp_config interp_config = ISLE_INTERP_CONFIG_INIT;
    interp_config.name = t->name;
    isle_value *number = isle_value_new_int(word_fd);
    int64_t soon = isle_deadline_in(10 * ISLE_SECOND);
    bool made = isle_interp_create(runtime, &interp_config, &t->interp, &err) == ISLE_OK &&
                isle_interp_set_global(t->interp, "word_fd", number, soon, &err) == ISLE_OK;
    isle_value_free(number);
    if (!made) {
        return failed(t->name, err);
    }
    isle_value *args = t->kind == ISLE_JOB_CALL ? two_numbers() : NULL;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.kind = t->kind;
    config.target = t->target;
    config.args = args;
    if (t->allowed_ns != 0) {
        config.deadline = isle_deadline_in(t->allowed_ns);
    }
    isle_status status = isle_job_submit(t->interp, &config, &t->job, &err);
    isle_value_free(args); /* copied */
    return status == ISLE_OK || failed(t->name, err);
}

static void finish(task *t)
{
    isle_error *err = NULL;
    isle_value *value = NULL;
    t->status = isle_job_result(t->job, &value, &err);
    t->ended = true;
    char *text = value != NULL ? isle_value_repr(value) : NULL;
    printf("%-8s %-20s %s\n", t->name, isle_status_name(t->status),
           err != NULL    ? isle_error_message(err)
           : text != NULL ? text
                          : "");
    isle_string_free(text);
    isle_value_free(value);
    isle_error_free(err);
}

/* The loop, until all jobs have ended. */
static bool loop(int word_fd)
{
    struct pollfd watched[JOBS + 1];
    size_t left = JOBS;
    for (size_t i = 0; i < JOBS; i++) {
        watched[i] = (struct pollfd){.fd = isle_job_fd(tasks[i].job), .events = POLLIN};
        if (watched[i].fd < 0) {
            return failed("isle_job_fd", NULL);
        }
    }
    watched[JOBS] = (struct pollfd){.fd = word_fd, .events = POLLIN};
    while (left > 0) {
        int ready = poll(watched, JOBS + 1, 60 * 1000); /* nothing here takes so long: a net for the example */
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return failed("poll", NULL);
        }
        if (watched[JOBS].revents != 0) {
            char word[32];
            ssize_t len = read(word_fd, word, sizeof word);
            printf("the pipe says: %.*s\n", (int)(len > 0 ? len : 0), word);
            watched[JOBS].fd = -1;              /* poll skips it from now on */
            isle_job_cancel(tasks[WAITER].job); /* returns at once; its descriptor tells when it has ended */
        }
        for (size_t i = 0; i < JOBS; i++) {
            if (watched[i].fd >= 0 && watched[i].revents != 0) {
                finish(&tasks[i]);
                watched[i].fd = -1;
                left--;
            }
        }
    }
    return true;
}

int main(void)
{
    isle_runtime *runtime = NULL;
    isle_error *err = NULL;
    int word[2];
    if (pipe(word) != 0) {
        perror("pipe");
        return 1;
    }
    if (isle_runtime_start(NULL, &runtime, &err) != ISLE_OK) {
        failed("start", err);
        return 1;
    }
    bool good = true;
    for (size_t i = 0; i < JOBS; i++) {
        good = good && start(&tasks[i], runtime, word[1]);
    }
    good = good && loop(word[0]);
    for (size_t i = 0; i < JOBS; i++) {
        good = good && tasks[i].status == tasks[i].expected && tasks[i].ended;
        isle_job_free(tasks[i].job);
    }
    isle_status stopped = isle_runtime_stop(runtime, isle_deadline_in(10 * ISLE_SECOND), NULL);
    close(word[0]);
    close(word[1]);
    return good && stopped == ISLE_OK ? 0 : 1;
}
