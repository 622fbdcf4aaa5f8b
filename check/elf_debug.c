/* Walks all entries of the debug information once and looks at variables that have a fixed address. What a damaged
 * file says is cut off by limits: of depth, of entries, of size. */
#include "elf_debug.h"

#include <stdlib.h>
#include <string.h>

#ifdef ISLES_HAVE_LIBDW

#include <dwarf.h>
#include <elfutils/libdw.h>

enum { DEEPEST = 48, DEEPEST_TYPE = 12, MOST_MEMBERS = 2000 };
static const size_t MOST_ENTRIES = 4 * 1000 * 1000;
static const uint64_t MOST_BYTES = 512ULL << 20;

struct walk {
    elf_facts *facts;
    size_t entries; /* seen */
};

/* --- types --------------------------------------------------------------------------------------------------- */

/* These are written by the compiler, and read from then on. */
static bool is_table(const char *type)
{
    static const char *const names[] = {"PyMethodDef",           "PyModuleDef",
                                        "PyModuleDef_Slot",      "PyMemberDef",
                                        "PyGetSetDef",           "PyType_Slot",
                                        "PyType_Spec",           "PySlot",
                                        "PyNumberMethods",       "PyMappingMethods",
                                        "PySequenceMethods",     "PyBufferProcs",
                                        "PyAsyncMethods",        "PyStructSequence_Field",
                                        "PyStructSequence_Desc", "struct PyModuleDef",
                                        "struct PyMethodDef",    "struct PyMemberDef",
                                        "struct PyGetSetDef",    "struct PySlot",
                                        "_PyArg_Parser",         "struct _PyArg_Parser"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(type, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_object_pointer(const char *type)
{
    return strcmp(type, "PyObject *") == 0 || strcmp(type, "PyTypeObject *") == 0 ||
           strcmp(type, "struct _object *") == 0 || strcmp(type, "struct _typeobject *") == 0;
}

static char *joined(char *text, const char *format)
{
    char *result = text != NULL ? check_format(format, text) : NULL; /* NOLINT(clang-diagnostic-format-nonliteral) */
    free(text);
    return result;
}

/* In C, as far as people need it. `core` gets the entry below arrays and qualifiers. NULL: has none. */
static char *type_text(Dwarf_Die *entry, Dwarf_Die *core, int depth)
{
    Dwarf_Attribute attribute;
    Dwarf_Die below;
    const char *name = dwarf_diename(entry);
    bool has_below = dwarf_formref_die(dwarf_attr_integrate(entry, DW_AT_type, &attribute), &below) != NULL;
    if (depth > DEEPEST_TYPE) {
        return NULL;
    }
    *core = *entry;
    switch (dwarf_tag(entry)) {
    case DW_TAG_pointer_type: {
        Dwarf_Die pointee;
        return has_below ? joined(type_text(&below, &pointee, depth + 1), "%s *") : check_copy("void *");
    }
    case DW_TAG_array_type:
        return has_below ? joined(type_text(&below, core, depth + 1), "%s[]") : NULL;
    case DW_TAG_const_type:
        return has_below ? joined(type_text(&below, core, depth + 1), "const %s") : NULL;
    case DW_TAG_volatile_type:
        return has_below ? joined(type_text(&below, core, depth + 1), "volatile %s") : NULL;
    case DW_TAG_structure_type:
        return name != NULL ? check_format("struct %s", name) : check_copy("struct");
    case DW_TAG_union_type:
        return name != NULL ? check_format("union %s", name) : check_copy("union");
    case DW_TAG_subroutine_type:
        return check_copy("function");
    case DW_TAG_typedef: {
        Dwarf_Die named;
        if (name != NULL && has_below) { /* its members, under its own name */
            free(type_text(&below, &named, depth + 1));
            *core = named;
        }
        return check_copy_plain(name);
    }
    default:
        return check_copy_plain(name);
    }
}

/* Without what arrays and qualifiers add. */
static char *plain(const char *type)
{
    const char *begin = strncmp(type, "const ", 6) == 0 ? type + 6 : type;
    begin = strncmp(begin, "volatile ", 9) == 0 ? begin + 9 : begin;
    return check_format("%.*s", (int)strcspn(begin, "["), begin);
}

/* Does a struct have a PyObject * among its members? */
static bool holds_objects(Dwarf_Die *structure)
{
    Dwarf_Die member;
    int tag = dwarf_tag(structure);
    if ((tag != DW_TAG_structure_type && tag != DW_TAG_class_type) || dwarf_child(structure, &member) != 0) {
        return false;
    }
    for (int i = 0; i < MOST_MEMBERS; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die type, core;
        if (dwarf_tag(&member) == DW_TAG_member &&
            dwarf_formref_die(dwarf_attr_integrate(&member, DW_AT_type, &attribute), &type) != NULL) {
            char *text = type_text(&type, &core, 0);
            char *bare = text != NULL ? plain(text) : NULL;
            bool holds = bare != NULL && is_object_pointer(bare);
            free(text);
            free(bare);
            if (holds) {
                return true;
            }
        }
        if (dwarf_siblingof(&member, &member) != 0) {
            break;
        }
    }
    return false;
}

static static_kind kind_of(const char *type, Dwarf_Die *core)
{
    char *bare = plain(type);
    static_kind kind = STATIC_DATA;
    if (strcmp(bare, "PyTypeObject") == 0 || strcmp(bare, "struct _typeobject") == 0) {
        kind = STATIC_TYPE;
    } else if (is_table(bare)) {
        kind = STATIC_TABLE;
    } else if (is_object_pointer(bare) || holds_objects(core)) {
        kind = STATIC_OBJECT;
    }
    free(bare);
    return kind;
}

/* --- variables ----------------------------------------------------------------------------------------------- */

static static_data *static_at(elf_facts *facts, uint64_t address)
{
    size_t low = 0, high = facts->static_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->statics[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < facts->static_count && facts->statics[low].address == address ? &facts->statics[low] : NULL;
}

static bool fixed_address(Dwarf_Die *variable, uint64_t *out)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *operations;
    size_t count;
    if (dwarf_attr(variable, DW_AT_location, &attribute) == NULL ||
        dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1 || operations[0].atom != DW_OP_addr) {
        return false;
    }
    *out = operations[0].number;
    return true;
}

static const char *short_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return slash != NULL ? slash + 1 : path;
}

static void see_variable(struct walk *walk, Dwarf_Die *variable)
{
    uint64_t address;
    static_data *data = fixed_address(variable, &address) ? static_at(walk->facts, address) : NULL;
    Dwarf_Attribute attribute;
    Dwarf_Die type, core;
    if (data == NULL || data->file != NULL ||
        dwarf_formref_die(dwarf_attr_integrate(variable, DW_AT_type, &attribute), &type) == NULL) {
        return;
    }
    char *text = type_text(&type, &core, 0);
    if (text == NULL) {
        return;
    }
    free(data->type);
    data->type = check_copy_plain(text);
    data->kind = kind_of(text, &core);
    free(text);
    data->evidence = "debug information";
    data->file = check_copy_plain(short_name(dwarf_decl_file(variable)));
    if (dwarf_decl_line(variable, &data->line) != 0) {
        data->line = 0;
    }
}

static void see_function(struct walk *walk, Dwarf_Die *function)
{
    const char *name = dwarf_diename(function);
    if (name != NULL && walk->facts->init_file == NULL && dwarf_hasattr(function, DW_AT_low_pc) &&
        (strncmp(name, "PyInit_", 7) == 0 || strncmp(name, "PyModExport_", 12) == 0)) {
        walk->facts->init_file = check_copy_plain(short_name(dwarf_decl_file(function)));
        if (dwarf_decl_line(function, &walk->facts->init_line) != 0) {
            walk->facts->init_line = 0;
        }
    }
}

static bool has_variables(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
           tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

static void see_children(struct walk *walk, Dwarf_Die *parent, int depth)
{
    Dwarf_Die entry;
    if (depth > DEEPEST || dwarf_child(parent, &entry) != 0) {
        return;
    }
    do {
        int tag = dwarf_tag(&entry);
        if (walk->entries++ > MOST_ENTRIES) {
            return;
        }
        if (tag == DW_TAG_variable) {
            see_variable(walk, &entry);
        } else if (tag == DW_TAG_subprogram) {
            see_function(walk, &entry);
        }
        if (has_variables(tag)) {
            see_children(walk, &entry, depth + 1);
        }
    } while (dwarf_siblingof(&entry, &entry) == 0);
}

/* Bytes of debug information, unpacked; 0: none. */
static uint64_t debug_bytes(const elf_image *image)
{
    size_t names;
    uint64_t bytes = 0;
    if (elf_getshdrstrndx(image->elf, &names) != 0) {
        return 0;
    }
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        GElf_Shdr header;
        GElf_Chdr packed;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS) {
            continue;
        }
        const char *name = elf_image_string(image, names, header.sh_name);
        if (name == NULL || (strncmp(name, ".debug_", 7) != 0 && strncmp(name, ".zdebug_", 8) != 0)) {
            continue;
        }
        bool is_packed = (header.sh_flags & SHF_COMPRESSED) != 0 && gelf_getchdr(section, &packed) != NULL;
        uint64_t size = is_packed ? packed.ch_size : header.sh_size;
        bytes = bytes + size < bytes ? UINT64_MAX : bytes + size;
    }
    return bytes;
}

void elf_debug_read(elf_image *image, elf_facts *facts)
{
    uint64_t bytes = debug_bytes(image);
    facts->has_debug_info = bytes > 0;
    if (bytes == 0 || bytes > MOST_BYTES) {
        return;
    }
    Dwarf *dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
    if (dwarf == NULL) {
        return;
    }
    struct walk walk = {.facts = facts};
    size_t header;
    for (Dwarf_Off at = 0, next; dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0 && next > at;
         at = next) {
        Dwarf_Die unit;
        if (dwarf_offdie(dwarf, at + header, &unit) != NULL) {
            see_children(&walk, &unit, 0);
        }
        if (walk.entries > MOST_ENTRIES) {
            break;
        }
    }
    dwarf_end(dwarf);
}

#else

void elf_debug_read(elf_image *image, elf_facts *facts)
{
    (void)image, (void)facts;
}

#endif
