/* Giving up all privileges. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include "support.h"

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

void become_unprivileged(const char *child_name)
{
    if (geteuid() != 0) {
        return;
    }
    if (unshare(CLONE_NEWUSER) == 0) {
        check(write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", "65534 0 1\n") &&
              write_text("/proc/self/gid_map", "65534 0 1\n"));
    } else {
        check(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    }
    execl("/proc/self/exe", "test", "--child", child_name, "", NULL); /* it drops all capabilities */
    check(false);
}
