/* A descriptor that becomes readable once and stays so, for poll() and its like. The caller closes it with
 * plat_descriptor_close(). Setting it is async-signal-safe in a thread of the process's table of descriptors, and may
 * be repeated.
 *
 * Elsewhere than on Linux (or with PLAT_PORTABLE, for the tests) one descriptor must do as well, so a pipe won't: it is
 * a datagram socket on the loopback address that is connected to itself, and the datagram stays in it unread. */
#include "fault.h"

#include <errno.h>
#include <unistd.h>

#if defined(__linux__) && !defined(PLAT_PORTABLE)

#include <sys/eventfd.h>

/* _SEMAPHORE: a reader takes one from a count that has no end, so that reading does not reset it */
static int create_here(int flag)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | flag);
}

static int set_for_good_here(int fd)
{
    uint64_t endless = UINT64_MAX - 1;
    return (int)write(fd, &endless, sizeof(endless)); /* EAGAIN: it is set already */
}

static int set_here(int fd)
{
    uint64_t one = 1;
    return (int)write(fd, &one, sizeof(one));
}

static int clear_here(int fd)
{
    uint64_t count;
    return (int)read(fd, &count, sizeof(count));
}

/* In the process's table of descriptors. */
static int in_process(plat_descriptor_work work, int argument)
{
    return plat_descriptors_are_own() ? plat_descriptors_ask(work, argument) : work(argument);
}

int plat_eventfd_create(void)
{
    if (plat_fault_hit()) {
        errno = EMFILE;
        return -1;
    }
    return in_process(create_here, EFD_SEMAPHORE);
}

void plat_eventfd_set(int fd)
{
    int saved = errno;
    in_process(set_for_good_here, fd);
    errno = saved;
}

int plat_levelfd_create(void)
{
    if (plat_fault_hit()) {
        errno = EMFILE;
        return -1;
    }
    return in_process(create_here, 0);
}

void plat_levelfd_set(int fd)
{
    in_process(set_here, fd);
}

void plat_levelfd_clear(int fd)
{
    in_process(clear_here, fd);
}

#else

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int connect_to_self(int fd)
{
    struct sockaddr_in self;
    socklen_t len = sizeof(self);
    memset(&self, 0, sizeof(self));
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&self, len) != 0 || getsockname(fd, (struct sockaddr *)&self, &len) != 0) {
        return -1;
    }
    return connect(fd, (struct sockaddr *)&self, len);
}

int plat_eventfd_create(void)
{
    if (plat_fault_hit()) {
        errno = EMFILE;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect_to_self(fd) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

void plat_eventfd_set(int fd)
{
    int saved = errno;
    ssize_t rc = send(fd, "", 0, 0); /* an empty datagram is enough for poll() */
    (void)rc;
    errno = saved;
}

int plat_levelfd_create(void)
{
    return plat_eventfd_create();
}

void plat_levelfd_set(int fd)
{
    plat_eventfd_set(fd);
}

void plat_levelfd_clear(int fd)
{
    char nothing;
    ssize_t rc = recv(fd, &nothing, sizeof(nothing), 0);
    (void)rc;
}

#endif
