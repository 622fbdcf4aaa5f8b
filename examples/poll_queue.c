/* Build and run:
 *   cc poll_queue.c -o poll_queue $(pkg-config --cflags --libs isles) && ./poll_queue
 *
 * A queue in a poll() loop, beside a pipe that Python code writes into and a clock that ticks. The queue's descriptor
 * is readable exactly while a get would not wait, and nothing is ever read from it; when the queue is closed it stays
 * readable, and the get says so. libuv, libevent and epoll take the same descriptor. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <isles/isles.h>

enum { MESSAGES = 100, QUEUE = 0, PIPE = 1, TICK_MS = 20 };

static const char *const program = "import isles, os, time\n"
                                   "q = isles.find_queue('events')\n"
                                   "for n in range(100):\n"
                                   "    q.put({'n': n})\n"
                                   "    if n % 10 == 9:\n"
                                   "        os.write(pipe_fd, b'*')\n"
                                   "        time.sleep(0.01)\n"
                                   "q.close()\n";

typedef struct seen {
    int messages, stars, ticks;
    int64_t sum;
} seen;

static void must(isle_status status, isle_error *err)
{
    if (status != ISLE_OK) {
        fprintf(stderr, "%s\n", err != NULL ? isle_error_text(err) : isle_status_text(status));
        exit(1);
    }
}

/* Takes what is there without waiting. false: nothing more will come. */
static bool take_messages(isle_queue *queue, seen *s)
{
    isle_value *value = NULL;
    isle_status status;
    while ((status = isle_queue_get(queue, 0, &value, NULL)) == ISLE_OK) {
        int64_t n = 0;
        isle_value_as_int64(isle_value_get_str(value, "n"), &n);
        isle_value_free(value);
        s->sum += n;
        s->messages++;
    }
    return status == ISLE_ERR_TIMEOUT;
}

static void loop(isle_queue *queue, int pipe_fd, seen *s)
{
    struct pollfd polled[] = {
        [QUEUE] = {.fd = isle_queue_fd(queue), .events = POLLIN}, [PIPE] = {.fd = pipe_fd, .events = POLLIN}};
    for (;;) {
        int ready = poll(polled, 2, TICK_MS);
        if (ready < 0 && errno != EINTR) {
            return;
        }
        s->ticks += ready == 0;
        if (ready > 0 && (polled[PIPE].revents & POLLIN) != 0) {
            char stars[64];
            ssize_t count = read(pipe_fd, stars, sizeof stars);
            s->stars += count > 0 ? (int)count : 0;
        }
        if (ready > 0 && polled[QUEUE].revents != 0 && !take_messages(queue, s)) {
            return;
        }
    }
}

int main(void)
{
    isle_runtime *rt = NULL;
    isle_error *err = NULL;
    isle_queue *queue = NULL;
    isle_interp it;
    isle_job *job = NULL;
    isle_queue_config queue_config = ISLE_QUEUE_CONFIG_INIT;
    isle_job_config job_config = ISLE_JOB_CONFIG_INIT;
    int fds[2];
    seen s = {0};
    char last[64];
    if (pipe(fds) != 0) {
        return 1;
    }
    must(isle_runtime_start(NULL, &rt, &err), err);
    queue_config.name = "events";
    must(isle_queue_create(&queue_config, &queue, &err), err);
    must(isle_interp_create(rt, NULL, &it, &err), err);
    isle_value *fd = isle_value_new_int(fds[1]);
    must(isle_interp_set_global(it, "pipe_fd", fd, ISLE_FOREVER, &err), err);
    isle_value_free(fd);
    job_config.target = program;
    must(isle_job_submit(it, &job_config, &job, &err), err);
    loop(queue, fds[0], &s);
    must(isle_job_wait(job, isle_deadline_in(30 * ISLE_SECOND)), NULL);
    must(isle_job_result(job, NULL, &err), err);
    isle_job_free(job);
    isle_queue_free(queue);
    must(isle_runtime_stop(rt, isle_deadline_in(5 * ISLE_SECOND), &err), err);
    close(fds[1]);
    for (ssize_t count; (count = read(fds[0], last, sizeof last)) > 0;) {
        s.stars += (int)count; /* came with the close */
    }
    close(fds[0]);
    printf("%d messages that sum up to %" PRId64 ", %d stars, and the clock ticked %d times\n", s.messages, s.sum,
           s.stars, s.ticks);
    return s.messages == MESSAGES && s.sum == 4950 && s.stars == 10 ? 0 : 1;
}
