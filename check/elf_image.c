/* Opening an ELF file, its segments, and its relocations. The file is mapped privately; nothing in it is believed
 * before it was checked against the file's length. */
#include "elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_SEGMENTS = 256, LONGEST_TEXT = 200 };
static const size_t MOST_RELOCS = 8 * 1000 * 1000;

/* --- opening ------------------------------------------------------------------------------------------------- */

static char *map_file(elf_image *image, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return check_format("can't be opened: %s", strerror(errno));
    }
    char *why = NULL;
    if (fstat(fd, &status) != 0) {
        why = check_format("can't be read: %s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        why = check_copy("not a file");
    } else if (status.st_size == 0) {
        why = check_copy("empty");
    }
    if (why == NULL) {
        image->len = (size_t)status.st_size;
        void *bytes = mmap(NULL, image->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
        if (bytes == MAP_FAILED) {
            why = check_format("can't be read: %s", strerror(errno));
        } else {
            image->bytes = bytes;
        }
    }
    close(fd);
    return why;
}

static bool lies_in_file(const elf_image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->len && size <= image->len - offset;
}

static char *read_segments(elf_image *image)
{
    size_t count = 0;
    if (elf_getphdrnum(image->elf, &count) != 0 || count == 0 || count > MOST_SEGMENTS) {
        return check_copy("truncated or damaged: it has no program headers");
    }
    image->segments = check_alloc(count * sizeof *image->segments);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(image->elf, (int)i, &header) == NULL) {
            return check_copy("truncated or damaged: its program headers can't be read");
        }
        if (header.p_type == PT_GNU_RELRO) {
            image->relro = header.p_vaddr;
            image->relro_end = header.p_vaddr + header.p_memsz;
        }
        if (header.p_type != PT_LOAD) {
            continue;
        }
        if (!lies_in_file(image, header.p_offset, header.p_filesz) || header.p_memsz < header.p_filesz ||
            header.p_vaddr + header.p_memsz < header.p_vaddr) {
            return check_copy("truncated: it is shorter than its program headers say");
        }
        image->segments[image->segment_count++] = (elf_segment){.address = header.p_vaddr,
                                                                .file_size = header.p_filesz,
                                                                .memory_size = header.p_memsz,
                                                                .offset = header.p_offset,
                                                                .writable = (header.p_flags & PF_W) != 0};
    }
    return image->segment_count > 0 ? NULL : check_copy("truncated or damaged: nothing in it is to be loaded");
}

static char *open_elf(elf_image *image)
{
    if (image->len < SELFMAG || memcmp(image->bytes, ELFMAG, SELFMAG) != 0) {
        return check_copy("not an ELF file");
    }
    elf_version(EV_CURRENT);
    image->elf = elf_memory(image->bytes, image->len);
    if (image->elf == NULL || elf_kind(image->elf) != ELF_K_ELF || gelf_getehdr(image->elf, &image->header) == NULL) {
        return check_copy("truncated or damaged: its ELF header can't be read");
    }
    if (image->header.e_type != ET_DYN) {
        return check_copy("an ELF file, but not a shared library");
    }
    return read_segments(image);
}

char *elf_image_open(elf_image *image, const char *path)
{
    *image = (elf_image){0};
    char *why = map_file(image, path);
    return why != NULL ? why : open_elf(image);
}

void elf_image_close(elf_image *image)
{
    if (image->elf != NULL) {
        elf_end(image->elf);
    }
    if (image->bytes != NULL) {
        munmap(image->bytes, image->len);
    }
    free(image->segments);
    free(image->relocs);
    *image = (elf_image){0};
}

/* --- looking ------------------------------------------------------------------------------------------------- */

static const elf_segment *segment_of(const elf_image *image, uint64_t address)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const elf_segment *segment = &image->segments[i];
        if (address >= segment->address && address - segment->address < segment->memory_size) {
            return segment;
        }
    }
    return NULL;
}

bool elf_image_is_writable(const elf_image *image, uint64_t address)
{
    const elf_segment *segment = segment_of(image, address);
    return segment != NULL && segment->writable && !(address >= image->relro && address < image->relro_end);
}

/* `size` bytes of the file that are loaded there, or NULL. */
static const char *bytes_at(const elf_image *image, uint64_t address, uint64_t size)
{
    const elf_segment *segment = segment_of(image, address);
    if (segment == NULL || address - segment->address > segment->file_size ||
        size > segment->file_size - (address - segment->address)) {
        return NULL;
    }
    return image->bytes + segment->offset + (address - segment->address);
}

bool elf_image_u64(const elf_image *image, uint64_t address, uint64_t *out)
{
    const char *bytes = bytes_at(image, address, sizeof *out);
    if (bytes != NULL) {
        memcpy(out, bytes, sizeof *out);
    }
    return bytes != NULL;
}

const char *elf_image_text(const elf_image *image, uint64_t address)
{
    const elf_segment *segment = segment_of(image, address);
    const char *text = segment != NULL ? bytes_at(image, address, 1) : NULL;
    if (text == NULL) {
        return NULL;
    }
    uint64_t room = segment->file_size - (address - segment->address);
    for (size_t i = 0; i < room && i <= LONGEST_TEXT; i++) {
        if (text[i] == '\0') {
            return text;
        }
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] == 0x7f) {
            return NULL;
        }
    }
    return NULL;
}

const char *elf_image_string(const elf_image *image, size_t table, size_t offset)
{
    return elf_strptr(image->elf, table, offset); /* checks both, and that the string ends */
}

/* --- relocations --------------------------------------------------------------------------------------------- */

bool elf_image_has_pointers(const elf_image *image)
{
    return image->header.e_ident[EI_CLASS] == ELFCLASS64 && image->header.e_ident[EI_DATA] == ELFDATA2LSB &&
           __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

enum reloc_kind { RELOC_OTHER, RELOC_RELATIVE, RELOC_SYMBOL };

static enum reloc_kind kind_of(int machine, uint64_t type)
{
    switch (machine) {
    case EM_X86_64:
        return type == R_X86_64_RELATIVE ? RELOC_RELATIVE : type == R_X86_64_64 ? RELOC_SYMBOL : RELOC_OTHER;
    case EM_AARCH64:
        return type == R_AARCH64_RELATIVE ? RELOC_RELATIVE : type == R_AARCH64_ABS64 ? RELOC_SYMBOL : RELOC_OTHER;
    case EM_RISCV:
        return type == 3 ? RELOC_RELATIVE : type == 2 ? RELOC_SYMBOL : RELOC_OTHER;
    case EM_PPC64:
        return type == R_PPC64_RELATIVE ? RELOC_RELATIVE : type == R_PPC64_ADDR64 ? RELOC_SYMBOL : RELOC_OTHER;
    default:
        return RELOC_OTHER;
    }
}

static void add_reloc(elf_image *image, elf_reloc reloc)
{
    const elf_segment *segment = segment_of(image, reloc.where);
    if (segment == NULL || !segment->writable || image->reloc_count >= MOST_RELOCS) {
        return;
    }
    image->relocs = check_grow(image->relocs, image->reloc_count, sizeof *image->relocs);
    image->relocs[image->reloc_count++] = reloc;
}

/* A symbol of the file itself is an address; another stays a name. */
static elf_reloc resolved(const elf_image *image, const GElf_Rela *rela, Elf_Data *symbols, size_t names)
{
    elf_reloc reloc = {.where = rela->r_offset, .value = (uint64_t)rela->r_addend};
    GElf_Sym symbol;
    if (symbols == NULL || gelf_getsym(symbols, (int)GELF_R_SYM(rela->r_info), &symbol) == NULL) {
        return reloc;
    }
    if (symbol.st_shndx != SHN_UNDEF) {
        reloc.value += symbol.st_value;
        return reloc;
    }
    reloc.symbol = elf_image_string(image, names, symbol.st_name);
    if (reloc.symbol == NULL) {
        reloc.symbol = "";
    }
    return reloc;
}

static void read_rela(elf_image *image, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    Elf_Scn *symbol_section = elf_getscn(image->elf, header->sh_link);
    GElf_Shdr symbol_header = {0};
    Elf_Data *symbols = NULL;
    if (symbol_section != NULL && gelf_getshdr(symbol_section, &symbol_header) != NULL &&
        symbol_header.sh_type == SHT_DYNSYM) {
        symbols = elf_getdata(symbol_section, NULL);
    }
    size_t count = data != NULL && header->sh_entsize > 0 ? data->d_size / header->sh_entsize : 0;
    for (size_t i = 0; i < count && i < MOST_RELOCS; i++) {
        GElf_Rela rela;
        if (gelf_getrela(data, (int)i, &rela) == NULL) {
            return;
        }
        switch (kind_of(image->header.e_machine, GELF_R_TYPE(rela.r_info))) {
        case RELOC_RELATIVE:
            add_reloc(image, (elf_reloc){.where = rela.r_offset, .value = (uint64_t)rela.r_addend});
            break;
        case RELOC_SYMBOL:
            add_reloc(image, resolved(image, &rela, symbols, symbol_header.sh_link));
            break;
        case RELOC_OTHER:
            break;
        }
    }
}

static void add_packed(elf_image *image, uint64_t where)
{
    uint64_t value;
    if (elf_image_u64(image, where, &value)) {
        add_reloc(image, (elf_reloc){.where = where, .value = value});
    }
}

enum { PACKED_RELATIVE = 19 }; /* SHT_RELR: places, and bits for the 63 words after one; the addend lies in the place */

static void read_relr(elf_image *image, Elf_Scn *section)
{
    Elf_Data *data = elf_rawdata(section, NULL);
    uint64_t next = 0;
    for (size_t at = 0; data != NULL && data->d_buf != NULL && at + 8 <= data->d_size; at += 8) {
        uint64_t entry;
        memcpy(&entry, (const char *)data->d_buf + at, sizeof entry);
        if ((entry & 1) == 0) {
            add_packed(image, entry);
            next = entry + 8;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++) {
            if ((entry >> bit & 1) != 0) {
                add_packed(image, next + 8 * (bit - 1));
            }
        }
        next += 63ULL * 8;
    }
}

static int by_place(const void *a, const void *b)
{
    uint64_t left = ((const elf_reloc *)a)->where, right = ((const elf_reloc *)b)->where;
    return left < right ? -1 : left > right;
}

void elf_image_read_relocs(elf_image *image)
{
    if (!elf_image_has_pointers(image)) {
        return;
    }
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || (header.sh_flags & SHF_ALLOC) == 0) {
            continue;
        }
        if (header.sh_type == SHT_RELA) {
            read_rela(image, section, &header);
        } else if (header.sh_type == PACKED_RELATIVE) {
            read_relr(image, section);
        }
    }
    if (image->reloc_count > 1) {
        qsort(image->relocs, image->reloc_count, sizeof *image->relocs, by_place);
    }
}

size_t elf_image_reloc_from(const elf_image *image, uint64_t address)
{
    size_t low = 0, high = image->reloc_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->relocs[middle].where < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const elf_reloc *elf_image_reloc(const elf_image *image, uint64_t address)
{
    size_t index = elf_image_reloc_from(image, address);
    return index < image->reloc_count && image->relocs[index].where == address ? &image->relocs[index] : NULL;
}

uint64_t elf_image_pointer(const elf_image *image, uint64_t address)
{
    const elf_reloc *reloc = elf_image_reloc(image, address);
    return reloc != NULL && reloc->symbol == NULL ? reloc->value : 0;
}
