/* Redirects calls of a function that a program or library makes by its name, in that one object: its table of addresses
 * (PLT and GOT), which the dynamic linker filled in, gets another one, and so do data with the function's address.
 * Others that call the function are not concerned, and no code is changed. For what CPython calls in libc: its own
 * functions can be replaced where they are named (src/engine/replace.c), what these call in turn not. And for private
 * copies. */
#include "own.h"

#include <errno.h>

#if defined(__linux__) && !defined(PLAT_PORTABLE)

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { BY_CALL = R_X86_64_JUMP_SLOT, BY_ADDRESS = R_X86_64_GLOB_DAT, IN_DATA = R_X86_64_64 };
#elif defined(__aarch64__)
enum { BY_CALL = R_AARCH64_JUMP_SLOT, BY_ADDRESS = R_AARCH64_GLOB_DAT, IN_DATA = R_AARCH64_ABS64 };
#else
enum { BY_CALL = -1, BY_ADDRESS = -1, IN_DATA = -1 };
#endif

typedef struct object {
    uintptr_t code; /* an address in it */
    uintptr_t base;
    const ElfW(Dyn) * dynamic;  /* NULL: not found */
    uintptr_t relro, relro_end; /* what the dynamic linker has made read-only */
} object;

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    object *o = arg, seen = {.code = o->code, .base = info->dlpi_addr};
    bool inside = false;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;
        inside |= p->p_type == PT_LOAD && o->code >= from && o->code < from + p->p_memsz;
        if (p->p_type == PT_DYNAMIC) {
            seen.dynamic = (const ElfW(Dyn) *)from; /* NOLINT(performance-no-int-to-ptr) */
        } else if (p->p_type == PT_GNU_RELRO) {
            seen.relro = from;
            seen.relro_end = from + p->p_memsz;
        }
    }
    if (inside) {
        *o = seen;
    }
    return inside;
}

static uintptr_t entry_of(const object *o, ElfW(Sxword) tag)
{
    const ElfW(Dyn) *d = o->dynamic;
    while (d->d_tag != DT_NULL && d->d_tag != tag) {
        d++;
    }
    return d->d_tag != DT_NULL ? d->d_un.d_ptr : 0;
}

static bool write_slot(const object *o, void **slot, void *address)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)slot & ~(page - 1);
    bool closed = (uintptr_t)slot >= o->relro && (uintptr_t)slot < o->relro_end;
    void *start = (void *)first; /* NOLINT(performance-no-int-to-ptr) */
    if (closed && mprotect(start, page, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    __atomic_store_n(slot, address, __ATOMIC_RELEASE);
    if (closed) {
        mprotect(start, page, PROT_READ);
    }
    return true;
}

/* In one of the object's two lists. */
static int relink_in(const object *o, ElfW(Sxword) list, ElfW(Sxword) list_size, const char *name, void *ours)
{
    const ElfW(Rela) *r = (const ElfW(Rela) *)entry_of(o, list);          /* NOLINT(performance-no-int-to-ptr) */
    const ElfW(Sym) *symbols = (const ElfW(Sym) *)entry_of(o, DT_SYMTAB); /* NOLINT(performance-no-int-to-ptr) */
    const char *names = (const char *)entry_of(o, DT_STRTAB);             /* NOLINT(performance-no-int-to-ptr) */
    size_t count = r != NULL ? entry_of(o, list_size) / sizeof *r : 0;
    int result = ENOENT;
    for (size_t i = 0; i < count && result != EACCES; i++) {
        int kind = (int)ELF64_R_TYPE(r[i].r_info);
        if ((kind == BY_CALL || kind == BY_ADDRESS || (kind == IN_DATA && r[i].r_addend == 0)) &&
            strcmp(names + symbols[ELF64_R_SYM(r[i].r_info)].st_name, name) == 0) {
            void **slot = (void **)(o->base + r[i].r_offset); /* NOLINT(performance-no-int-to-ptr) */
            result = write_slot(o, slot, ours) ? 0 : EACCES;
        }
    }
    return result;
}

int plat_relink(const void *code, const char *name, void *ours)
{
    object o = {.code = (uintptr_t)code};
    if (sizeof(void *) != 8 || dl_iterate_phdr(look_at, &o) == 0 || o.dynamic == NULL) {
        return ENOENT;
    }
    int called = relink_in(&o, DT_JMPREL, DT_PLTRELSZ, name, ours);
    int named = relink_in(&o, DT_RELA, DT_RELASZ, name, ours);
    return called == EACCES || named == EACCES ? EACCES : (called == 0 || named == 0 ? 0 : ENOENT);
}

static int create_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    static _Atomic(void *) of_process;
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (atomic_load(&of_process) == NULL) {
        atomic_store(&of_process, own_process_function("pthread_create"));
    }
    *(void **)&create = atomic_load(&of_process);
    return own_start_thread(thread, attr, fn, arg, create);
}

int plat_threads_inherit(const void *code)
{
    return plat_relink(code, "pthread_create", (void *)create_thread);
}

#else

int plat_relink(const void *code, const char *name, void *ours)
{
    (void)code;
    (void)name;
    (void)ours;
    return ENOSYS;
}

int plat_threads_inherit(const void *code)
{
    (void)code;
    return ENOSYS;
}

#endif
