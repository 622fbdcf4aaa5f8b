/* Copies of shared libraries in this process: one user of a library has all that is static in it for itself. Linux with
 * glibc; elsewhere loading fails with a text that says so.
 *
 * A set is one user's copies: of each file one at most. What a library binds to (DT_NEEDED) and lies beside it, as
 * its RPATH or RUNPATH says, is copied with it where `is_private` says so of a symbol that it wants or
 * `may_be_shared` does not allow its name, and is otherwise the process's. A set is used by one thread at a time; the
 * counts may be read by any. */
#ifndef ISLES_LIBRARY_COPY_H
#define ISLES_LIBRARY_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct plat_copies plat_copies;
/* A function of others whose calls in a copy go to ours, with one more argument behind its `args`, all of which are
 * integers or addresses: the set's owner. x86-64 and AArch64; elsewhere they go where they always do. What a library
 * calls while it is loaded (constructors) does, too. */
typedef struct plat_copies_call {
    const char *symbol;
    void (*ours)(void);
    unsigned args; /* 3 at most */
} plat_copies_call;
typedef struct plat_copies_rules {
    bool (*is_private)(const char *symbol); /* who wants this symbol of others must be copied; NULL: nobody */
    bool (*stays)(const char *symbol);      /* ... must not be unloaded; NULL: none must */
    bool (*may_be_shared)(const char *name); /* a library beside it that is_private says nothing of; NULL: all may */
    /* Of those that is_private wants copied: destructors of static objects, and functions that are one, don't run, at
     * the process's exit neither. */
    bool silent_end;
    const plat_copies_call *calls; /* the last has no symbol; NULL: none */
} plat_copies_rules;

/* `owner` is for rules->calls. NULL: no memory */
plat_copies *plat_copies_new(const plat_copies_rules *rules /* static */, void *owner);
/* Unloads what can be (`close`), the newest first; the rest stays for good, and is counted as left behind. true:
 * nothing of it that stays will name the owner. */
bool plat_copies_free(plat_copies *copies, bool close);

/* For dlsym(): the set's copy of the file, which is made if there is none. NULL: *out_error says why (plat_free;
 * NULL: no memory). The caller's thread may be anywhere but in a constructor of a library. */
void *plat_copies_load(plat_copies *copies, const char *file, char **out_error);
/* Unloads what was loaded since the set had `count` copies, as _free does: nothing of it may be in use. */
void plat_copies_drop(plat_copies *copies, size_t count);

size_t plat_copies_count(const plat_copies *copies);
/* What they take beside the original: pages of their own that are there, and all that can be written. */
uint64_t plat_copies_bytes(const plat_copies *copies);
/* Of all sets; and those that were left behind. */
typedef struct plat_copies_totals {
    size_t live, left;
    uint64_t live_bytes, left_bytes;
} plat_copies_totals;
plat_copies_totals plat_copies_total(void);

/* Does the file want a symbol of others for which this holds? Not what it binds to. false, too, if it can't be read. */
bool plat_library_wants(const char *file, bool (*wanted)(const char *symbol));

/* Where the copies' bytes lie before they are loaded; the first that works is taken. For tests: begin with another. */
typedef enum plat_copy_medium {
    PLAT_COPY_MEMFD,
    PLAT_COPY_TMPFILE,
    PLAT_COPY_UNLINKED,
    PLAT_COPY_MEDIA
} plat_copy_medium;
void plat_copies_begin_with(plat_copy_medium medium);

#endif
