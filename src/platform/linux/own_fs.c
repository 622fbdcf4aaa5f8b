/* A working directory, umask and root of the calling thread's own. Linux keeps them in one structure that the threads
 * of a process share until one of them takes a copy; threads and processes that it starts from then on have that copy.
 * Elsewhere (or with PLAT_PORTABLE, for the tests) they belong to the process. */
#include "platform.h"

#include <errno.h>

#if defined(__linux__) && !defined(PLAT_PORTABLE)

#include <sched.h>

int plat_own_fs(void)
{
    return unshare(CLONE_FS) == 0 ? 0 : errno; /* EPERM: a seccomp filter, as some containers have */
}

#else

int plat_own_fs(void)
{
    return ENOSYS;
}

#endif
