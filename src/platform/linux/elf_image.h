/* What a shared library says to the dynamic linker, read by libelf: see elf_image.c. */
#ifndef ISLES_ELF_IMAGE_H
#define ISLES_ELF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct elf_image {
    Elf *elf;
    size_t size; /* of the file */
    GElf_Phdr *segments;
    size_t segment_count;
    GElf_Dyn *dynamic; /* up to DT_NULL */
    size_t dynamic_count;
    size_t strings, strings_size; /* of DT_STRTAB: where in the file */
    size_t symbols;               /* of .dynsym: where in the file */
    Elf_Data *symbol_data;        /* NULL: none */
    size_t symbol_count;
    bool text_relocations, no_delete;
    size_t entries;                /* `dynamic`: where in the file */
} elf_image;

/* false: *out_fault says why, static. The descriptor is the caller's, and must stay open. */
bool elf_image_open(elf_image *image, int fd, const char **out_fault);
void elf_image_close(elf_image *image);

/* In the file; NULL: the number is wrong. Until the image is closed. */
const char *elf_image_string(const elf_image *image, size_t index);
/* The string that the first such entry names; NULL: there is none. */
const char *elf_image_entry(const elf_image *image, int64_t tag);
/* The name of a symbol that others must have, and that is bound there; NULL: symbol `index` is none. */
const char *elf_image_wanted(const elf_image *image, size_t index);
/* The name of a symbol of its own that the whole process has once (STB_GNU_UNIQUE); NULL: likewise. */
const char *elf_image_unique(const elf_image *image, size_t index);
/* Where in the file the value of entry `index` is. */
size_t elf_image_value(const elf_image *image, size_t index);
/* Where in the file the byte is that says how symbol `index` is bound. */
size_t elf_image_binding(const elf_image *image, size_t index);

#endif
