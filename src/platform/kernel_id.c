/* Threads by the kernel's id. */
#include <errno.h>
#include <signal.h>

#include "platform.h"

#ifdef __linux__

#include <sys/syscall.h>
#include <unistd.h>

plat_kernel_id plat_kernel_id_self(void)
{
    return (plat_kernel_id)syscall(SYS_gettid);
}

int plat_kernel_id_signal(plat_kernel_id thread, int signal_number, void *value)
{
    siginfo_t info = {.si_signo = signal_number, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = value;
    return syscall(SYS_rt_tgsigqueueinfo, info.si_pid, thread, signal_number, &info) == 0 ? 0 : errno;
}

#else

plat_kernel_id plat_kernel_id_self(void)
{
    return 0;
}

int plat_kernel_id_signal(plat_kernel_id thread, int signal_number, void *value)
{
    (void)thread;
    (void)signal_number;
    (void)value;
    return ENOSYS;
}

#endif
