/* Landlock: rules for files and TCP ports that a thread puts on itself. The kernel's structs and numbers are written
 * down here, since the headers of the system that builds may be older than the kernel that runs. */
#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "fault.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444 /* the same on all processors */
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { VERSION_FLAG = 1, RULE_PATH = 1, RULE_PORT = 2 };

struct ruleset_attr {
    uint64_t files, ports;
};

struct path_attr {
    uint64_t access;
    int32_t folder;
} __attribute__((packed));

struct port_attr {
    uint64_t access, port;
};

#define BIT(n) (UINT64_C(1) << (n))
#define EXECUTE BIT(0)
#define WRITE_FILE BIT(1)
#define READ_FILE BIT(2)
#define READ_FOLDER BIT(3)
#define CHANGE_FOLDER (BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12))
#define MOVE BIT(13)
#define TRUNCATE BIT(14)
#define BIND_TCP BIT(0)
#define CONNECT_TCP BIT(1)
#define OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE) /* what a rule about a file that is no folder may say */

static uint64_t file_bits(unsigned access)
{
    return ((access & PLAT_READ) != 0 ? READ_FILE | READ_FOLDER : 0) |
           ((access & PLAT_WRITE) != 0 ? WRITE_FILE | CHANGE_FOLDER | MOVE | TRUNCATE : 0) |
           ((access & PLAT_EXECUTE) != 0 ? EXECUTE : 0);
}

static uint64_t port_bits(unsigned access)
{
    return ((access & PLAT_CONNECT) != 0 ? CONNECT_TCP : 0) | ((access & PLAT_BIND) != 0 ? BIND_TCP : 0);
}

/* What the rule set forbids of files. Moves are forbidden by the first bit anyway: so they are one of those that can
 * be allowed. */
static uint64_t handled_files(unsigned limits)
{
    uint64_t bits = file_bits(limits);
    return bits != 0 ? bits | MOVE : 0;
}

int plat_landlock_abi(const char **out_reason)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    if (abi > 0) {
        return (int)abi;
    }
    *out_reason = errno == EOPNOTSUPP ? "Landlock is switched off on this system (the kernel's option lsm=)"
                                      : "the kernel has no Landlock";
    return 0;
}

int plat_landlock_abi_for(plat_access limit, const char **out_linux)
{
    switch (limit) {
    case PLAT_READ:
    case PLAT_EXECUTE:
        *out_linux = "5.19"; /* before, nothing could be moved between folders any more */
        return 2;
    case PLAT_WRITE:
        *out_linux = "6.2"; /* before, files that may not be written could be truncated */
        return 3;
    default:
        *out_linux = "6.7";
        return 4;
    }
}

int plat_rules_new(unsigned limits)
{
    struct ruleset_attr attr = {.files = handled_files(limits), .ports = port_bits(limits)};
    size_t size = attr.ports != 0 ? sizeof attr : sizeof attr.files; /* an older kernel knows only files */
    if (plat_fault_hit()) {
        errno = EMFILE;
        return -1;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

static int add_path(int rules, int file, uint64_t access)
{
    struct stat about;
    if (fstat(file, &about) != 0) {
        return errno;
    }
    struct path_attr attr = {.access = S_ISDIR(about.st_mode) ? access : access & OF_FILES, .folder = file};
    if (attr.access == 0) {
        return 0;
    }
    return syscall(SYS_landlock_add_rule, rules, RULE_PATH, &attr, 0) == 0 ? 0 : errno;
}

static int add_path_named(int rules, const char *path, uint64_t access)
{
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    int error = add_path(rules, file, access);
    close(file);
    return error;
}

int plat_rules_add_path(int rules, unsigned limits, const char *path, unsigned access)
{
    return add_path_named(rules, path, file_bits(access) & handled_files(limits));
}

int plat_rules_allow_moves(int rules, unsigned limits)
{
    return handled_files(limits) == 0 || (limits & PLAT_WRITE) != 0 ? 0 : add_path_named(rules, "/", MOVE);
}

int plat_rules_add_port(int rules, uint16_t port, unsigned access)
{
    struct port_attr attr = {.access = port_bits(access), .port = port};
    return syscall(SYS_landlock_add_rule, rules, RULE_PORT, &attr, 0) == 0 ? 0 : errno;
}

int plat_rules_apply(int rules)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno;
    }
    return syscall(SYS_landlock_restrict_self, rules, 0) == 0 ? 0 : errno;
}

#else

typedef int plat_no_landlock; /* ISO C wants something in a source file */

#endif
