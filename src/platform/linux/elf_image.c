/* Reads a shared library as the dynamic linker sees it: segments, dynamic entries with their strings, and the symbols
 * of .dynsym. Only of this machine's kind. An image belongs to who opened it. */
#include "elf_image.h"

#include <string.h>
#include <sys/stat.h>

#include "platform.h"

#if UINTPTR_MAX > 0xffffffffu
enum { OUR_CLASS = ELFCLASS64, INFO_IN_SYMBOL = offsetof(Elf64_Sym, st_info) };
#else
enum { OUR_CLASS = ELFCLASS32, INFO_IN_SYMBOL = offsetof(Elf32_Sym, st_info) };
#endif

/* Where in the file what is loaded at `address` lies; SIZE_MAX: nowhere. */
static size_t offset_of(const elf_image *image, GElf_Addr address)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const GElf_Phdr *s = &image->segments[i];
        if (s->p_type == PT_LOAD && address >= s->p_vaddr && address - s->p_vaddr < s->p_filesz) {
            return (size_t)(s->p_offset + (address - s->p_vaddr));
        }
    }
    return SIZE_MAX;
}

static bool read_segments(elf_image *image)
{
    if (elf_getphdrnum(image->elf, &image->segment_count) != 0 || image->segment_count == 0) {
        return false;
    }
    image->segments = plat_calloc(image->segment_count, sizeof *image->segments);
    bool fine = image->segments != NULL;
    for (size_t i = 0; fine && i < image->segment_count; i++) {
        fine = gelf_getphdr(image->elf, (int)i, &image->segments[i]) != NULL;
    }
    return fine;
}

static void note_entry(elf_image *image, const GElf_Dyn *entry)
{
    switch (entry->d_tag) {
    case DT_STRTAB:
        image->strings = offset_of(image, entry->d_un.d_ptr);
        break;
    case DT_STRSZ:
        image->strings_size = entry->d_un.d_val;
        break;
    case DT_TEXTREL:
        image->text_relocations = true;
        break;
    case DT_FLAGS:
        image->text_relocations |= (entry->d_un.d_val & DF_TEXTREL) != 0;
        break;
    case DT_FLAGS_1:
        image->no_delete = (entry->d_un.d_val & DF_1_NODELETE) != 0;
        break;
    default:
        break;
    }
}

static bool read_dynamic(elf_image *image, const GElf_Phdr *segment)
{
    Elf_Data *data = elf_getdata_rawchunk(image->elf, (int64_t)segment->p_offset, segment->p_filesz, ELF_T_DYN);
    size_t most = data != NULL ? data->d_size / gelf_fsize(image->elf, ELF_T_DYN, 1, EV_CURRENT) : 0;
    image->entries = (size_t)segment->p_offset;
    image->dynamic = most > 0 ? plat_calloc(most, sizeof *image->dynamic) : NULL;
    for (size_t i = 0; image->dynamic != NULL && i < most; i++) {
        GElf_Dyn *entry = &image->dynamic[image->dynamic_count];
        if (gelf_getdyn(data, (int)i, entry) == NULL || entry->d_tag == DT_NULL) {
            break;
        }
        note_entry(image, entry);
        image->dynamic_count++;
    }
    return image->dynamic_count > 0 && image->strings != SIZE_MAX && image->strings_size > 0 &&
           image->strings < image->size && image->strings_size <= image->size - image->strings;
}

static bool find_dynamic(elf_image *image)
{
    image->strings = SIZE_MAX;
    for (size_t i = 0; i < image->segment_count; i++) {
        if (image->segments[i].p_type == PT_DYNAMIC) {
            return read_dynamic(image, &image->segments[i]);
        }
    }
    return false;
}

/* Without section headers nobody knows how many there are: then none are known. */
static void find_symbols(elf_image *image)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(image->elf, section)) != NULL) {
        if (gelf_getshdr(section, &header) != NULL && header.sh_type == SHT_DYNSYM && header.sh_entsize > 0) {
            image->symbol_data = elf_getdata(section, NULL);
            image->symbols = (size_t)header.sh_offset;
            image->symbol_count = image->symbol_data != NULL ? (size_t)(header.sh_size / header.sh_entsize) : 0;
            return;
        }
    }
}

bool elf_image_open(elf_image *image, int fd, const char **out_fault)
{
    struct stat about;
    *image = (elf_image){.elf = NULL};
    *out_fault = "it is no shared library of this machine";
    if (fstat(fd, &about) != 0 || elf_version(EV_CURRENT) == EV_NONE) {
        return false;
    }
    image->size = (size_t)about.st_size;
    image->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    if (image->elf != NULL && elf_kind(image->elf) == ELF_K_ELF && gelf_getclass(image->elf) == OUR_CLASS &&
        read_segments(image) && find_dynamic(image)) {
        find_symbols(image);
        return true;
    }
    elf_image_close(image);
    return false;
}

void elf_image_close(elf_image *image)
{
    plat_free(image->segments);
    plat_free(image->dynamic);
    elf_end(image->elf);
    *image = (elf_image){.elf = NULL};
}

const char *elf_image_string(const elf_image *image, size_t index)
{
    size_t unused;
    const char *file = elf_rawfile(image->elf, &unused);
    const char *strings = file != NULL ? file + image->strings : NULL;
    size_t left = index < image->strings_size ? image->strings_size - index : 0;
    return strings != NULL && left > 0 && memchr(strings + index, '\0', left) != NULL ? strings + index : NULL;
}

const char *elf_image_entry(const elf_image *image, int64_t tag)
{
    for (size_t i = 0; i < image->dynamic_count; i++) {
        if (image->dynamic[i].d_tag == tag) {
            return elf_image_string(image, (size_t)image->dynamic[i].d_un.d_val);
        }
    }
    return NULL;
}

const char *elf_image_wanted(const elf_image *image, size_t index)
{
    GElf_Sym symbol;
    if (gelf_getsym(image->symbol_data, (int)index, &symbol) == NULL || symbol.st_shndx != SHN_UNDEF ||
        symbol.st_name == 0) {
        return NULL;
    }
    return elf_image_string(image, symbol.st_name);
}

const char *elf_image_unique(const elf_image *image, size_t index)
{
    GElf_Sym symbol;
    if (gelf_getsym(image->symbol_data, (int)index, &symbol) == NULL || symbol.st_shndx == SHN_UNDEF ||
        GELF_ST_BIND(symbol.st_info) != STB_GNU_UNIQUE) {
        return NULL;
    }
    return elf_image_string(image, symbol.st_name);
}

size_t elf_image_value(const elf_image *image, size_t index)
{
    size_t size = gelf_fsize(image->elf, ELF_T_DYN, 1, EV_CURRENT);
    return image->entries + index * size + size / 2; /* two words: the tag, the value */
}

size_t elf_image_binding(const elf_image *image, size_t index)
{
    return image->symbols + index * gelf_fsize(image->elf, ELF_T_SYM, 1, EV_CURRENT) + INFO_IN_SYMBOL;
}
