/* What the OS can forbid one thread, and all threads and processes that it starts afterwards: files and TCP ports
 * (Landlock), system calls (seccomp). For good: nobody can take it back. Linux only; elsewhere there is nothing
 * (plat_landlock_abi is 0, the rest fails with ENOSYS).
 *
 * A rule set is a descriptor, made on any thread, and holds for the thread that applies it. */
#ifndef ISLES_CONFINE_H
#define ISLES_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum plat_access {
    PLAT_READ = 1,    /* open files for reading, list folders */
    PLAT_WRITE = 2,   /* open for writing, truncate, make, rename, remove */
    PLAT_EXECUTE = 4, /* execve */
    PLAT_CONNECT = 8, /* TCP */
    PLAT_BIND = 16    /* TCP */
} plat_access;

/* The kernel's version of Landlock. 0: it has none, and *out_reason says why (static). */
int plat_landlock_abi(const char **out_reason);
/* The version that can forbid all that a limit of this one kind promises to forbid, and the first Linux that has it. */
int plat_landlock_abi_for(plat_access limit, const char **out_linux);

/* Forbids what `limits` names, but for what is added. -1 and errno. */
int plat_rules_new(unsigned limits);
/* `path` and all below it. What is not among the limits is not forbidden, and left out. 0 or an errno. */
int plat_rules_add_path(int rules, unsigned limits, const char *path, unsigned access);
int plat_rules_add_port(int rules, uint16_t port, unsigned access);
/* Renaming and linking from one folder to another is forbidden by any rule about files. Allows it, where writing is
 * no limit. 0 or an errno. */
int plat_rules_allow_moves(int rules, unsigned limits);
int plat_rules_apply(int rules); /* this thread; 0 or an errno */

/* Profiles of system calls that fail with EPERM. By index; NULL past the end. */
typedef struct plat_profile {
    const char *name;
    const char *forbids; /* in words */
} plat_profile;
const plat_profile *plat_profile_at(size_t index);
/* This thread, with those profiles whose bit (1 << index) is set; 0 or an errno. */
int plat_profiles_apply(unsigned profiles);

/* What the dynamic linker that runs programs is, as this program names it; NULL: not known. Static. */
const char *plat_program_loader(void);

#endif
