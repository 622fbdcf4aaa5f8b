/* Every PyModuleDef and every static PyTypeObject begins with a reference count that the compiler wrote, holds zeros
 * where CPython later writes, and has its name in a known place. That is enough to find them in a stripped file. The
 * layout is that of builds with a GIL, the same from 3.12 to 3.15. */
#include "elf_layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SLOTS = 64, MOST_FOUND = 20000 };
enum { MODULE_NAME = 40, TYPE_NAME = 24 }; /* the offsets of m_name and tp_name */
static const int64_t LARGEST_STATE = 1 << 30, LARGEST_OBJECT = 1 << 24;

/* 1, or one of those for immortal objects, which differ from version to version in their high bits. */
static bool is_reference_count(uint64_t number)
{
    uint32_t low = (uint32_t)number;
    return number == 1 || low == 0x3fffffff || low == 0xc0000000 || low == 0xffffffff || low == 0xe0000000;
}

/* "numpy.ndarray", "_multiarray_umath" */
static bool is_dotted_name(const char *text)
{
    if (text == NULL || !(isalpha((unsigned char)text[0]) || text[0] == '_')) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!(isalnum((unsigned char)*text) || *text == '_' || *text == '.' || *text == '-')) {
            return false;
        }
    }
    return true;
}

static bool is_number(const elf_image *image, uint64_t address, int64_t least, int64_t most)
{
    uint64_t number;
    return elf_image_u64(image, address, &number) && elf_image_reloc(image, address) == NULL &&
           (int64_t)number >= least && (int64_t)number <= most;
}

static bool is_head(const elf_image *image, uint64_t address)
{
    uint64_t count;
    return elf_image_u64(image, address, &count) && is_reference_count(count) &&
           elf_image_reloc(image, address) == NULL;
}

/* --- module definitions -------------------------------------------------------------------------------------- */

static bool is_definition(const elf_image *image, uint64_t address)
{
    return is_head(image, address) && is_number(image, address + 8, 0, 0) && is_number(image, address + 16, 0, 0) &&
           is_number(image, address + 24, 0, 0) && is_number(image, address + 32, 0, 0) &&
           is_number(image, address + 56, -1, LARGEST_STATE);
}

/* The numbers of the two slots are 3 and 4, and 86 and 87 for those who compile for 3.15 alone. */
static void read_slots(const elf_image *image, elf_definition *definition)
{
    definition->interpreters = definition->gil = ELF_SLOT_NONE;
    for (unsigned i = 0; i < MOST_SLOTS; i++) {
        uint64_t number, value, at = definition->slots + i * 16ULL;
        if (!elf_image_u64(image, at, &number) || !elf_image_u64(image, at + 8, &value)) {
            definition->interpreters = definition->gil = ELF_SLOT_UNKNOWN;
            return;
        }
        switch (number & 0xffff) {
        case 0:
            return;
        case 3:
        case 86:
            definition->interpreters = value <= 2 ? (int)value : ELF_SLOT_UNKNOWN;
            break;
        case 4:
        case 87:
            definition->gil = value <= 1 ? (int)value : ELF_SLOT_UNKNOWN;
            break;
        default:
            break;
        }
    }
}

static void add_definition(const elf_image *image, elf_layout *out, uint64_t address, const char *name)
{
    uint64_t state = 0;
    elf_definition found = {
        .address = address, .name = name, .interpreters = ELF_SLOT_UNKNOWN, .gil = ELF_SLOT_UNKNOWN};
    elf_image_u64(image, address + 56, &state);
    found.state_bytes = (int64_t)state;
    found.methods = elf_image_pointer(image, address + 64);
    found.slots = elf_image_pointer(image, address + 72);
    found.has_slots = found.slots != 0;
    if (found.has_slots) {
        read_slots(image, &found);
    }
    out->definitions = check_grow(out->definitions, out->definition_count, sizeof found);
    out->definitions[out->definition_count++] = found;
}

/* --- types --------------------------------------------------------------------------------------------------- */

/* Its own type is NULL, since compilers for Windows can't take its address, or a type that CPython has. */
static bool is_type(const elf_image *image, uint64_t address)
{
    const elf_reloc *kind = elf_image_reloc(image, address + 8);
    bool has_type = kind != NULL ? kind->symbol == NULL || strncmp(kind->symbol, "Py", 2) == 0
                                 : is_number(image, address + 8, 0, 0);
    return is_head(image, address) && has_type && is_number(image, address + 16, 0, 0) &&
           is_number(image, address + 32, 0, LARGEST_OBJECT) && is_number(image, address + 40, 0, LARGEST_OBJECT);
}

static void add_type(elf_layout *out, uint64_t address, const char *name)
{
    out->types = check_grow(out->types, out->type_count, sizeof *out->types);
    out->types[out->type_count++] = (elf_type){.address = address, .name = name};
}

/* --- both ---------------------------------------------------------------------------------------------------- */

void elf_layout_find(const elf_image *image, elf_layout *out)
{
    *out = (elf_layout){0};
    for (size_t i = 0; i < image->reloc_count && out->definition_count + out->type_count < MOST_FOUND; i++) {
        const elf_reloc *reloc = &image->relocs[i]; /* a name? */
        if (reloc->symbol != NULL || reloc->where < MODULE_NAME) {
            continue;
        }
        bool definition = is_definition(image, reloc->where - MODULE_NAME);
        if (!definition && !is_type(image, reloc->where - TYPE_NAME)) {
            continue;
        }
        const char *name = elf_image_text(image, reloc->value);
        if (!is_dotted_name(name)) {
            continue;
        }
        if (definition) {
            add_definition(image, out, reloc->where - MODULE_NAME, name);
        } else {
            add_type(out, reloc->where - TYPE_NAME, name);
        }
    }
}

void elf_layout_free(elf_layout *layout)
{
    free(layout->definitions);
    free(layout->types);
    *layout = (elf_layout){0};
}
