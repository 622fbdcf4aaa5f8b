/* An ELF file that is being read: its bytes, where they lie in memory, what the dynamic linker would put into them.
 * For the elf_*.c only. One thread has an image. */
#ifndef CHECK_ELF_IMAGE_H
#define CHECK_ELF_IMAGE_H

#include <gelf.h>

#include "elf_facts.h"

typedef struct elf_segment {
    uint64_t address, file_size, memory_size, offset;
    bool writable;
} elf_segment;

/* A pointer that the dynamic linker writes. */
typedef struct elf_reloc {
    uint64_t where;
    uint64_t value;     /* an address of the file; with a symbol, its addend */
    const char *symbol; /* an imported one's name; NULL: none */
} elf_reloc;

typedef struct elf_image {
    char *bytes; /* a private mapping */
    size_t len;
    Elf *elf;
    GElf_Ehdr header;
    elf_segment *segments;
    size_t segment_count;
    uint64_t relro, relro_end; /* what is read-only after loading */
    elf_reloc *relocs;         /* by address */
    size_t reloc_count;
} elf_image;

/* Why not, for people; NULL: it is open. Close it in either case. */
char *elf_image_open(elf_image *image, const char *path);
void elf_image_close(elf_image *image);

/* Reads the relocations of writable memory. Only of machines whose pointers have 8 bytes, the low one first. */
void elf_image_read_relocs(elf_image *image);
bool elf_image_has_pointers(const elf_image *image);

bool elf_image_is_writable(const elf_image *image, uint64_t address); /* while code runs: not in RELRO */
/* The number there; false: not in the file. */
bool elf_image_u64(const elf_image *image, uint64_t address, uint64_t *out);
/* The relocation at that place, or NULL. */
const elf_reloc *elf_image_reloc(const elf_image *image, uint64_t address);
/* The index of the first relocation at or after that place. */
size_t elf_image_reloc_from(const elf_image *image, uint64_t address);
/* The address that the pointer there has: 0 for NULL, an imported symbol, or no pointer. */
uint64_t elf_image_pointer(const elf_image *image, uint64_t address);
/* Text of at most 200 visible characters there, or NULL. Points into the image. */
const char *elf_image_text(const elf_image *image, uint64_t address);

/* Section names and strings that can be trusted to end: NULL or "" never crash. */
const char *elf_image_string(const elf_image *image, size_t table, size_t offset);

#endif
