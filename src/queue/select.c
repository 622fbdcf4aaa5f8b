/* Waiting on descriptors: one ppoll() for isle_select and Python's isles.select. Queues come as their descriptors. Any
 * thread. */
#include <errno.h>
#include <unistd.h>

#include "platform.h"
#include "queue.h"

#define SECOND INT64_C(1000000000)

static const struct timespec *time_left(int64_t deadline, struct timespec *out)
{
    if (deadline == PLAT_FOREVER) {
        return NULL;
    }
    int64_t now = plat_now(), ns = deadline > now ? deadline - now : 0;
    *out = (struct timespec){.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};
    return out;
}

int queue_fd_to_poll(queue *q)
{
    int fd = queue_fd(q);
    return fd >= 0 && plat_descriptors_are_own() ? plat_descriptor_here(fd) : fd;
}

void queue_polled_fd(int fd)
{
    if (fd >= 0 && plat_descriptors_are_own()) {
        close(fd);
    }
}

/* poll() passes a negative number by, and counts one that is not open as ready. */
static bool all_are_open(const struct pollfd *polled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (polled[i].fd < 0 || (polled[i].revents & POLLNVAL) != 0) {
            errno = EBADF;
            return false;
        }
    }
    return true;
}

int queue_poll(struct pollfd *polled, size_t count, const queue_patience *patience)
{
    for (;;) {
        struct timespec left;
        int ready = ppoll(polled, count, time_left(patience->deadline, &left), NULL);
        if (ready >= 0) {
            return all_are_open(polled, count) ? ready : -1;
        }
        if (errno != EINTR) {
            return -1;
        }
        if (patience->gives_up != NULL && patience->gives_up(patience->ctx)) {
            errno = EINTR;
            return -1;
        }
    }
}
