/* The parts of confine.h that are no business of one OS, and what there is where the OS offers nothing (or with
 * PLAT_PORTABLE, for the tests). */
#include "confine.h"

#include <link.h>

static int find_loader(struct dl_phdr_info *program, size_t size, void *out)
{
    (void)size;
    for (size_t i = 0; i < program->dlpi_phnum; i++) {
        if (program->dlpi_phdr[i].p_type == PT_INTERP) {
            *(const char **)out = (const char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
        }
    }
    return 1; /* the first is the program itself */
}

const char *plat_program_loader(void)
{
    const char *loader = NULL;
    dl_iterate_phdr(find_loader, &loader);
    return loader;
}

#if !defined(__linux__) || defined(PLAT_PORTABLE)

#include <errno.h>

int plat_landlock_abi(const char **out_reason)
{
    *out_reason = "Landlock is Linux's";
    return 0;
}

int plat_landlock_abi_for(plat_access limit, const char **out_linux)
{
    (void)limit;
    *out_linux = "6.7";
    return 4;
}

int plat_rules_new(unsigned limits)
{
    (void)limits;
    errno = ENOSYS;
    return -1;
}

int plat_rules_add_path(int rules, unsigned limits, const char *path, unsigned access)
{
    (void)rules;
    (void)limits;
    (void)path;
    (void)access;
    return ENOSYS;
}

int plat_rules_add_port(int rules, uint16_t port, unsigned access)
{
    (void)rules;
    (void)port;
    (void)access;
    return ENOSYS;
}

int plat_rules_allow_moves(int rules, unsigned limits)
{
    (void)rules;
    (void)limits;
    return ENOSYS;
}

int plat_rules_apply(int rules)
{
    (void)rules;
    return ENOSYS;
}

const plat_profile *plat_profile_at(size_t index)
{
    (void)index;
    return NULL;
}

int plat_profiles_apply(unsigned profiles)
{
    (void)profiles;
    return ENOSYS;
}

#endif
