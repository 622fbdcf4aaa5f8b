/* Module definitions and static types, found by their layout in the file's data. For the elf_*.c only. */
#ifndef CHECK_ELF_LAYOUT_H
#define CHECK_ELF_LAYOUT_H

#include "elf_image.h"

typedef struct elf_definition { /* a PyModuleDef */
    uint64_t address;
    const char *name; /* into the image */
    int64_t state_bytes;
    bool has_slots;
    int interpreters, gil; /* as in elf_facts */
    uint64_t methods, slots; /* addresses of its tables; 0: none */
} elf_definition;

typedef struct elf_type { /* a PyTypeObject */
    uint64_t address;
    const char *name; /* into the image */
} elf_type;

typedef struct elf_layout {
    elf_definition *definitions;
    size_t definition_count;
    elf_type *types;
    size_t type_count;
} elf_layout;

enum { ELF_TYPE_SIZE = 416 }; /* bytes of a PyTypeObject, in 3.13 and newer */

void elf_layout_find(const elf_image *image, elf_layout *out);
void elf_layout_free(elf_layout *layout);

#endif
