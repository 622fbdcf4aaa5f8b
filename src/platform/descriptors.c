/* Where one of the library's descriptors is closed; and elsewhere than on Linux, that a process has one table. */
#include "platform.h"

#include <errno.h>
#include <unistd.h>

static int close_here(int fd)
{
    return close(fd);
}

void plat_descriptor_close(int fd)
{
    if (plat_descriptors_are_own()) {
        plat_descriptors_ask(close_here, fd);
    } else {
        close(fd);
    }
}

#ifndef __linux__

bool plat_descriptors_are_own(void)
{
    return false;
}

int plat_descriptors_ask(plat_descriptor_work work, int fd)
{
    return work(fd);
}

int plat_descriptors_prepare(void)
{
    return ENOSYS;
}

int plat_descriptors_own(const int *keep, size_t count)
{
    (void)keep;
    (void)count;
    return ENOSYS;
}

uint64_t plat_descriptors_count(int32_t thread)
{
    (void)thread;
    return 0;
}

int plat_descriptor_here(int fd)
{
    (void)fd;
    errno = ENOSYS;
    return -1;
}

#endif
