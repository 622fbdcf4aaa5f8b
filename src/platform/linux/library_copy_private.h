/* The parts of library_copy.c: where a library's needs lie (library_needs.c), a copy's bytes (library_file.c), the
 * pages that it shares with the original once it is loaded (library_pages.c), and whom it calls (library_calls.c). */
#ifndef ISLES_LIBRARY_COPY_PRIVATE_H
#define ISLES_LIBRARY_COPY_PRIVATE_H

#include <link.h>
#include <sys/types.h>

#include "elf_image.h"
#include "library_copy.h"
#include "platform.h"

/* --- library_needs.c: where the dynamic linker would find what a library needs, by its own words ------------------ */

typedef struct library_place { /* a library, and those that wanted it, the one before last first */
    const char *file;
    const elf_image *image;
    const struct library_place *wanted_by; /* NULL: none */
} library_place;

/* The file for a DT_NEEDED by RPATH and RUNPATH; plat_free; NULL: they don't lead anywhere, or no memory. */
char *library_find(const library_place *place, const char *name);

/* --- library_file.c: bytes ---------------------------------------------------------------------------------------- */

typedef struct library_file {
    int original, copy; /* descriptors */
    size_t size;
    size_t first_patch, last_patch; /* bytes; none: the first is behind the last */
    char name[160];                 /* for dlopen; used once */
    plat_copy_medium medium;
} library_file;

/* Copies the open file. false: *out_error says why; nothing is to be closed. */
bool library_file_make(library_file *f, int original, const char *shown_as, char **out_error);
/* The second where it is loaded to be written: such pages are never shared. */
bool library_file_patch(library_file *f, size_t offset, const void *bytes, size_t size);
bool library_file_write(const library_file *f, size_t offset, const void *bytes, size_t size);
void library_file_close(library_file *f); /* the copy's descriptor */

/* A number that no other copy of the process has. */
unsigned library_number(void);

/* Maps these bytes to be run, of a medium that the system runs code from; munmap. NULL: errno. */
void *library_code_map(const void *code, size_t size);

/* --- library_calls.c: calls of copies that go to functions of who made the set ----------------------------------- */

typedef struct library_calls { /* of a set; zeros at first */
    char *code;                /* NULL: not needed yet */
    size_t size;
} library_calls;

/* Of the copy that is loaded as `map`. 0 or an errno. */
int library_calls_redirect(library_calls *l, const plat_copies_call *calls, void *owner, const elf_image *image,
                           const struct link_map *map);
void library_calls_free(library_calls *l); /* none of its copies is loaded any more */

/* --- library_pages.c ---------------------------------------------------------------------------------------------- */

/* Puts the original's pages where the copy's are the same and can't be written, and gives those of the copy back.
 * Returns how many bytes the copy has for itself. */
uint64_t library_share_pages(const library_file *f, const elf_image *image, const struct link_map *map);

#endif
