/* Profiles of forbidden system calls, by a seccomp filter: a small program that the kernel runs before each system call
 * of a thread. It is a list: is it this call? then EPERM. A call through another processor's table of calls (32-bit
 * programs on x86-64, x32) would have other numbers, and is forbidden whole.
 *
 * Written by hand, not with libseccomp: docs/design.md says why. */
#ifdef __linux__

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "fault.h"

#if defined(__x86_64__)
#define OWN_TABLE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_TABLE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_TABLE AUDIT_ARCH_RISCV64
#endif

enum { NO_NETWORK, NO_EXEC, NO_ADMIN, PROFILES };

static const plat_profile profiles[PROFILES] = {
    [NO_NETWORK] = {"no-network", "making sockets of any kind but Unix ones"},
    [NO_EXEC] = {"no-exec", "running other programs"},
    [NO_ADMIN] = {"no-admin", "mounts, namespaces, kernel modules, clocks, tracing, and other work on the system"},
};

const plat_profile *plat_profile_at(size_t index)
{
    return index < PROFILES ? &profiles[index] : NULL;
}

#ifdef OWN_TABLE

typedef struct forbidden {
    int profile;
    unsigned number;
} forbidden;

/* io_uring does on behalf of its user what no filter sees: all profiles forbid it. */
static const forbidden calls[] = {
    {NO_EXEC, SYS_execve},
    {NO_EXEC, SYS_execveat},
    {NO_ADMIN, SYS_acct},
    {NO_ADMIN, SYS_add_key},
    {NO_ADMIN, SYS_adjtimex},
    {NO_ADMIN, SYS_bpf},
    {NO_ADMIN, SYS_chroot},
    {NO_ADMIN, SYS_clock_adjtime},
    {NO_ADMIN, SYS_clock_settime},
    {NO_ADMIN, SYS_delete_module},
    {NO_ADMIN, SYS_finit_module},
    {NO_ADMIN, SYS_init_module},
#ifdef SYS_ioperm
    {NO_ADMIN, SYS_ioperm},
    {NO_ADMIN, SYS_iopl},
#endif
#ifdef SYS_kexec_file_load
    {NO_ADMIN, SYS_kexec_file_load},
#endif
    {NO_ADMIN, SYS_kexec_load},
    {NO_ADMIN, SYS_keyctl},
    {NO_ADMIN, SYS_mount},
#ifdef SYS_mount_setattr
    {NO_ADMIN, SYS_mount_setattr},
#endif
#ifdef SYS_move_mount
    {NO_ADMIN, SYS_fsconfig},
    {NO_ADMIN, SYS_fsmount},
    {NO_ADMIN, SYS_fsopen},
    {NO_ADMIN, SYS_fspick},
    {NO_ADMIN, SYS_move_mount},
    {NO_ADMIN, SYS_open_tree},
#endif
    {NO_ADMIN, SYS_name_to_handle_at},
    {NO_ADMIN, SYS_open_by_handle_at},
    {NO_ADMIN, SYS_perf_event_open},
    {NO_ADMIN, SYS_pivot_root},
    {NO_ADMIN, SYS_process_vm_readv},
    {NO_ADMIN, SYS_process_vm_writev},
    {NO_ADMIN, SYS_ptrace},
    {NO_ADMIN, SYS_quotactl},
    {NO_ADMIN, SYS_reboot},
    {NO_ADMIN, SYS_request_key},
    {NO_ADMIN, SYS_setdomainname},
    {NO_ADMIN, SYS_sethostname},
    {NO_ADMIN, SYS_setns},
    {NO_ADMIN, SYS_settimeofday},
    {NO_ADMIN, SYS_swapoff},
    {NO_ADMIN, SYS_swapon},
    {NO_ADMIN, SYS_umount2},
    {NO_ADMIN, SYS_unshare},
    {NO_ADMIN, SYS_userfaultfd},
    {NO_ADMIN, SYS_vhangup},
};
enum { CALLS = sizeof calls / sizeof *calls, HEAD_AND_TAIL = 16 };

typedef struct program {
    struct sock_filter code[2 * CALLS + HEAD_AND_TAIL];
    unsigned short length;
} program;

static void add(program *p, struct sock_filter instruction)
{
    p->code[p->length++] = instruction;
}

static void load(program *p, unsigned offset)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void give(program *p, unsigned answer)
{
    add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* Skips `skip` instructions unless what was loaded compares so. */
static void unless(program *p, unsigned short comparison, unsigned with, unsigned char skip)
{
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, with, 0, skip));
}

static void forbid(program *p, unsigned number)
{
    unless(p, BPF_JEQ, number, 1);
    give(p, SECCOMP_RET_ERRNO | EPERM);
}

/* socket(family, ...): only Unix ones. socketpair makes those only. */
static void forbid_sockets(program *p)
{
    unless(p, BPF_JEQ, SYS_socket, 4);
    load(p, offsetof(struct seccomp_data, args[0])
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
                + 4
#endif
    );
    unless(p, BPF_JEQ, AF_UNIX, 1);
    give(p, SECCOMP_RET_ALLOW);
    give(p, SECCOMP_RET_ERRNO | EPERM);
}

static void compile(program *p, unsigned chosen)
{
    p->length = 0;
    load(p, offsetof(struct seccomp_data, arch));
    add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_TABLE, 1, 0));
    give(p, SECCOMP_RET_ERRNO | EPERM);
    load(p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    unless(p, BPF_JGE, 0x40000000, 1); /* x32 */
    give(p, SECCOMP_RET_ERRNO | EPERM);
#endif
    forbid(p, SYS_io_uring_setup);
    for (size_t i = 0; i < CALLS; i++) {
        if ((chosen & (1U << calls[i].profile)) != 0) {
            forbid(p, calls[i].number);
        }
    }
    if ((chosen & (1U << NO_NETWORK)) != 0) {
        forbid_sockets(p);
    }
    give(p, SECCOMP_RET_ALLOW);
}

int plat_profiles_apply(unsigned chosen)
{
    program p;
    if (plat_fault_hit()) {
        return ENOMEM;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno;
    }
    compile(&p, chosen);
    struct sock_fprog all = {.len = p.length, .filter = p.code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all) == 0 ? 0 : errno;
}

#else

int plat_profiles_apply(unsigned chosen)
{
    (void)chosen;
    return ENOSYS;
}

#endif

#else

typedef int plat_no_seccomp; /* ISO C wants something in a source file */

#endif
