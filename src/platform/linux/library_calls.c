/* Calls of copies that go elsewhere: for each function that rules name there is a piece of machine code which adds one
 * more argument, the set's owner, and jumps to ours; the copies' tables of addresses (GOT) then name that code. So ours
 * knows whose copy calls, whatever thread it is on. The code is a page of a file without a name, as the copies are, and
 * is never written where it can run. It belongs to a set, and stays when a copy of it does. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "library_copy_private.h"

enum { PIECE = 40 /* bytes for one function, at least */, MOST_ARGS = 4 };

#if defined(__x86_64__)

/* endbr64; movabs $owner, %rdi (rsi, rdx, rcx); movabs $ours, %r11; jmp *%r11 */
static bool write_piece(unsigned char *to, unsigned arg, uint64_t owner, uint64_t ours)
{
    static const unsigned char into_arg[MOST_ARGS] = {0xbf, 0xbe, 0xba, 0xb9};
    memcpy(to, "\xf3\x0f\x1e\xfa\x48", 5);
    to[5] = into_arg[arg];
    memcpy(to + 6, &owner, 8);
    memcpy(to + 14, "\x49\xbb", 2);
    memcpy(to + 16, &ours, 8);
    memcpy(to + 24, "\x41\xff\xe3", 3);
    return true;
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* bti c; ldr x0 (to x3), owner; ldr x16, ours; br x16; owner; ours */
static bool write_piece(unsigned char *to, unsigned arg, uint64_t owner, uint64_t ours)
{
    const uint32_t code[] = {0xd503245f, 0x58000060 + arg, 0x58000090, 0xd61f0200};
    memcpy(to, code, sizeof code);
    memcpy(to + 16, &owner, 8);
    memcpy(to + 24, &ours, 8);
    return true;
}

#else

static bool write_piece(unsigned char *to, unsigned arg, uint64_t owner, uint64_t ours)
{
    (void)to;
    (void)arg;
    (void)owner;
    (void)ours;
    return false;
}

#endif

static const plat_copies_call *find(const plat_copies_call *calls, const char *symbol)
{
    while (calls != NULL && calls->symbol != NULL && strcmp(calls->symbol, symbol) != 0) {
        calls++;
    }
    return calls != NULL && calls->symbol != NULL ? calls : NULL;
}

/* 0 or an errno. */
static int make_code(library_calls *l, const plat_copies_call *calls, void *owner)
{
    unsigned char code[4096] = {0};
    size_t count = 0;
    for (; calls[count].symbol != NULL; count++) {
        uint64_t ours = (uint64_t)(uintptr_t)calls[count].ours;
        if ((count + 1) * PIECE > sizeof code || calls[count].args >= MOST_ARGS ||
            !write_piece(code + count * PIECE, calls[count].args, (uint64_t)(uintptr_t)owner, ours)) {
            return ENOSYS;
        }
    }
    void *at = library_code_map(code, sizeof code);
    if (at == NULL) {
        return errno;
    }
    __builtin___clear_cache((char *)at, (char *)at + sizeof code);
    l->code = at;
    l->size = sizeof code;
    return 0;
}

static int redirect(library_calls *l, const plat_copies_call *calls, void *owner, const char *symbol, const void *code)
{
    const plat_copies_call *call = find(calls, symbol);
    int error = call != NULL && l->code == NULL ? make_code(l, calls, owner) : 0;
    if (call == NULL || error == ENOSYS) { /* another processor: CPython's way */
        return 0;
    }
    error = error != 0 ? error : plat_relink(code, symbol, l->code + (size_t)(call - calls) * PIECE);
    return error == ENOENT || error == ENOSYS ? 0 : error; /* no code uses it */
}

int library_calls_redirect(library_calls *l, const plat_copies_call *calls, void *owner, const elf_image *image,
                           const struct link_map *map)
{
    int error = 0;
    for (size_t i = 0; calls != NULL && error == 0 && i < image->symbol_count; i++) {
        const char *symbol = elf_image_wanted(image, i);
        error = symbol != NULL ? redirect(l, calls, owner, symbol, map->l_ld) : 0;
    }
    return error;
}

void library_calls_free(library_calls *l)
{
    if (l->code != NULL) {
        munmap(l->code, l->size);
    }
    l->code = NULL;
}
