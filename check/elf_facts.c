/* Reads one extension's file: symbols, static data, dynamic section, and what the other elf_*.c find. One call, one
 * file; no state. */
#include "elf_facts.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_debug.h"
#include "elf_image.h"
#include "elf_layout.h"

static const size_t MOST_SYMBOLS = 4 * 1000 * 1000, MOST_NAMES = 10000, MOST_FOLDERS = 64;
static const uint64_t MOST_SEARCHED = 32 << 20; /* bytes looked through for a tool's name */

/* --- machine ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#elif defined(__powerpc64__)
enum { OWN_MACHINE = EM_PPC64 };
#elif defined(__s390x__)
enum { OWN_MACHINE = EM_S390 };
#elif defined(__i386__)
enum { OWN_MACHINE = EM_386 };
#else
enum { OWN_MACHINE = EM_ARM };
#endif

static const char *machine_name(int machine)
{
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "AArch64";
    case EM_386:
        return "i386";
    case EM_ARM:
        return "ARM";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC64";
    case EM_S390:
        return "S/390";
    default:
        return NULL;
    }
}

static void read_machine(const elf_image *image, elf_facts *out)
{
    int machine = image->header.e_machine;
    const char *name = machine_name(machine);
    out->machine = name != NULL ? check_copy(name) : check_format("machine %d", machine);
    out->bits = image->header.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    out->foreign = machine != OWN_MACHINE || out->bits != (int)(8 * sizeof(void *));
}

/* --- symbols ------------------------------------------------------------------------------------------------- */

typedef void symbol_fn(elf_image *image, elf_facts *out, const GElf_Sym *symbol, const char *name);

static Elf_Scn *find_section(const elf_image *image, GElf_Word type, GElf_Shdr *header)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        if (gelf_getshdr(section, header) != NULL && header->sh_type == type) {
            return section;
        }
    }
    return NULL;
}

static bool each_symbol(elf_image *image, GElf_Word table, elf_facts *out, symbol_fn *see)
{
    GElf_Shdr header;
    Elf_Scn *section = find_section(image, table, &header);
    Elf_Data *data = section != NULL ? elf_getdata(section, NULL) : NULL;
    if (data == NULL || header.sh_entsize == 0) {
        return false;
    }
    size_t count = data->d_size / header.sh_entsize;
    for (size_t i = 1; i < count && i < MOST_SYMBOLS; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(data, (int)i, &symbol) == NULL) {
            break;
        }
        const char *name = elf_image_string(image, header.sh_link, symbol.st_name);
        if (name != NULL && name[0] != '\0') {
            see(image, out, &symbol, name);
        }
    }
    return true;
}

/* What macros and inline functions of the public API become. */
static bool is_private_api(const char *name)
{
    static const char *const public[] = {"_Py_Dealloc",
                                         "_Py_NoneStruct",
                                         "_Py_TrueStruct",
                                         "_Py_FalseStruct",
                                         "_Py_EllipsisObject",
                                         "_Py_IncRef",
                                         "_Py_DecRef",
                                         "_PyObject_New",
                                         "_PyObject_NewVar",
                                         "_Py_NotImplementedStruct",
                                         "_PyObject_GC_New",
                                         "_PyObject_GC_NewVar",
                                         "_Py_NegativeRefcount",
                                         "_Py_FatalErrorFunc",
                                         "_Py_MergeZeroLocalRefcount",
                                         "_Py_DecRefShared",
                                         "_Py_RefTotal",
                                         "_Py_NewReference",
                                         "_Py_SwappedOp",
                                         "_Py_ctype_table",
                                         "_Py_ctype_toupper",
                                         "_Py_ctype_tolower",
                                         "_Py_BreakPoint",
                                         "_Py_HashSecret",
                                         "_PyWeakref_RefType",
                                         "_PyWeakref_ProxyType",
                                         "_PyWeakref_CallableProxyType",
                                         "_Py_SetRefcnt",
                                         "_Py_INCREF_IncRefTotal",
                                         "_Py_DECREF_DecRefTotal"};
    if (strncmp(name, "_Py", 3) != 0) {
        return false;
    }
    size_t len = strlen(name);
    if (len > 6 && strcmp(name + len - 6, "_SizeT") == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        if (strcmp(name, public[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void add_name(check_strings *list, const char *name)
{
    if (list->count < MOST_NAMES) {
        check_strings_take(list, check_copy_plain(name));
    }
}

static void see_import(elf_facts *out, const char *name)
{
    if (elf_api_of(name) != ELF_API_NONE) {
        add_name(&out->imports, name);
    } else if (is_private_api(name)) {
        add_name(&out->private_api, name);
    }
}

static void see_init(elf_facts *out, const char *name)
{
    if (strncmp(name, "PyInit_", 7) == 0) {
        add_name(&out->inits, name + 7);
    } else if (strncmp(name, "PyInitU_", 8) == 0) { /* in punycode */
        add_name(&out->inits, name + 8);
    } else if (strncmp(name, "PyModExport_", 12) == 0) {
        add_name(&out->inits, name + 12);
        out->module_export = true;
    }
}

static void see_dynamic(elf_image *image, elf_facts *out, const GElf_Sym *symbol, const char *name)
{
    (void)image;
    unsigned binding = GELF_ST_BIND(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF) {
        see_import(out, name);
    } else if (binding == STB_GNU_UNIQUE) {
        add_name(&out->unique, name);
    } else if (binding == STB_GLOBAL || binding == STB_WEAK) {
        see_init(out, name);
    }
}

/* --- static data --------------------------------------------------------------------------------------------- */

static bool has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Of the compiler and the C library. */
static bool is_of_compiler(const char *name)
{
    static const char *const names[] = {"__dso_handle", "__TMC_END__", "_edata", "__bss_start",
                                        "_end",         "_fini",       "_init"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return has_prefix(name, "completed.") || has_prefix(name, "DW.ref.") || has_prefix(name, "__sanitizer") ||
           has_prefix(name, "__asan");
}

static char *section_name(const elf_image *image, size_t index)
{
    size_t names;
    GElf_Shdr header;
    Elf_Scn *section = elf_getscn(image->elf, index);
    const char *name = NULL;
    if (section != NULL && gelf_getshdr(section, &header) != NULL && elf_getshdrstrndx(image->elf, &names) == 0) {
        name = elf_image_string(image, names, header.sh_name);
    }
    return check_copy_plain(name != NULL ? name : "");
}

static void see_data(elf_image *image, elf_facts *out, const GElf_Sym *symbol, const char *name)
{
    if (GELF_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_shndx == SHN_UNDEF || symbol->st_size == 0 ||
        is_of_compiler(name) || !elf_image_is_writable(image, symbol->st_value)) {
        return;
    }
    out->statics = check_grow(out->statics, out->static_count, sizeof *out->statics);
    out->statics[out->static_count++] = (static_data){.name = check_copy_plain(name),
                                                      .section = section_name(image, symbol->st_shndx),
                                                      .address = symbol->st_value,
                                                      .size = symbol->st_size,
                                                      .evidence = "symbol"};
}

static int by_address(const void *a, const void *b)
{
    const static_data *left = a, *right = b;
    if (left->address != right->address) {
        return left->address < right->address ? -1 : 1;
    }
    return strcmp(left->name != NULL ? left->name : "", right->name != NULL ? right->name : "");
}

static int by_size(const void *a, const void *b)
{
    const static_data *left = a, *right = b;
    if (left->size != right->size) {
        return left->size > right->size ? -1 : 1;
    }
    return by_address(a, b);
}

static void static_free(static_data *data)
{
    free(data->name);
    free(data->section);
    free(data->type);
    free(data->file);
}

/* Sorts by address; of several names of one thing the first stays. */
static void sort_statics(elf_facts *out)
{
    size_t kept = 0;
    if (out->static_count > 1) {
        qsort(out->statics, out->static_count, sizeof *out->statics, by_address);
    }
    for (size_t i = 0; i < out->static_count; i++) {
        if (kept > 0 && out->statics[kept - 1].address == out->statics[i].address) {
            static_free(&out->statics[i]);
        } else {
            out->statics[kept++] = out->statics[i];
        }
    }
    out->static_count = kept;
}

static void read_sections(elf_image *image, elf_facts *out)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(image->elf, section)) != NULL;) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || (header.sh_flags & SHF_ALLOC) == 0) {
            continue;
        }
        if ((header.sh_flags & SHF_TLS) != 0) {
            out->tls_bytes += header.sh_size;
        } else if (header.sh_type == SHT_INIT_ARRAY) {
            out->constructors += (size_t)(header.sh_size / (image->header.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4));
        } else if ((header.sh_flags & SHF_WRITE) != 0 && header.sh_type != SHT_DYNAMIC &&
                   elf_image_is_writable(image, header.sh_addr)) {
            char *name = section_name(image, elf_ndxscn(section));
            if (strncmp(name, ".got", 4) != 0) { /* the linker's own */
                out->writable_bytes += header.sh_size;
            }
            free(name);
        }
    }
}

/* --- what lies in it ----------------------------------------------------------------------------------------- */

/* The static that has this address in it, or NULL. They are sorted by address. */
static static_data *static_around(elf_facts *out, uint64_t address)
{
    size_t low = 0, high = out->static_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (out->statics[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    static_data *data = low > 0 ? &out->statics[low - 1] : NULL;
    return data != NULL && address - data->address < data->size ? data : NULL;
}

static void mark_table(elf_facts *out, uint64_t address)
{
    static_data *data = address != 0 ? static_around(out, address) : NULL;
    if (data != NULL && data->kind == STATIC_DATA && data->type == NULL) {
        data->kind = STATIC_TABLE;
        data->evidence = "layout";
    }
}

static void see_type(const elf_image *image, elf_facts *out, const elf_type *type, size_t *unnamed)
{
    static_data *data = static_around(out, type->address);
    if (data != NULL) {
        if (data->type == NULL) {
            data->type = check_copy_plain(type->name);
            data->evidence = "layout";
        }
        data->kind = STATIC_TYPE;
    } else if (elf_image_is_writable(image, type->address)) {
        ++*unnamed;
    }
    for (size_t i = elf_image_reloc_from(image, type->address);
         i < image->reloc_count && image->relocs[i].where < type->address + ELF_TYPE_SIZE; i++) {
        if (image->relocs[i].symbol == NULL) {
            mark_table(out, image->relocs[i].value);
        }
    }
}

/* Types of a stripped file, which have no symbol. */
static void add_unnamed_types(const elf_image *image, elf_facts *out, const elf_layout *layout)
{
    size_t symbols = out->static_count;
    for (size_t i = 0; i < layout->type_count; i++) {
        const elf_type *type = &layout->types[i];
        elf_facts named = {.statics = out->statics, .static_count = symbols};
        if (static_around(&named, type->address) == NULL && elf_image_is_writable(image, type->address)) {
            out->statics = check_grow(out->statics, out->static_count, sizeof *out->statics);
            out->statics[out->static_count++] = (static_data){.section = check_copy(""),
                                                              .address = type->address,
                                                              .size = ELF_TYPE_SIZE,
                                                              .kind = STATIC_TYPE,
                                                              .evidence = "layout",
                                                              .type = check_copy_plain(type->name)};
        }
    }
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* The definition of the module that the file is for; others are of modules inside it. */
static const elf_definition *own_definition(const elf_layout *layout, const elf_facts *out)
{
    for (size_t i = 0; i < layout->definition_count; i++) {
        if (check_strings_has(&out->inits, last_part(layout->definitions[i].name))) {
            return &layout->definitions[i];
        }
    }
    return layout->definition_count == 1 ? &layout->definitions[0] : NULL;
}

static void read_definition(elf_facts *out, const elf_layout *layout)
{
    const elf_definition *own = own_definition(layout, out);
    for (size_t i = 0; i < layout->definition_count; i++) {
        mark_table(out, layout->definitions[i].address);
        mark_table(out, layout->definitions[i].methods);
        mark_table(out, layout->definitions[i].slots);
    }
    if (own == NULL) {
        return;
    }
    const static_data *data = static_around(out, own->address);
    out->definition = data != NULL ? check_copy(data->name) : NULL;
    out->state_bytes = own->state_bytes;
    out->init = own->has_slots ? ELF_INIT_MULTI : ELF_INIT_SINGLE;
    out->init_evidence = "module definition";
    if (own->has_slots) {
        out->interpreters = own->interpreters;
        out->gil = own->gil;
    }
}

/* Where no definition was found, or one whose slots may be filled in by code: what it calls. */
static void guess_init(elf_facts *out)
{
    bool single = check_strings_has(&out->imports, "PyModule_Create2");
    bool multi = check_strings_has(&out->imports, "PyModuleDef_Init");
    bool defined = out->init != ELF_INIT_UNKNOWN;
    if (out->module_export) {
        out->init = ELF_INIT_EXPORT;
        out->init_evidence = "exported function";
    } else if (out->init == ELF_INIT_MULTI) {
        return;
    } else if (single == multi) {
        out->init = ELF_INIT_UNKNOWN;
        out->init_evidence = NULL;
    } else {
        out->init = single ? ELF_INIT_SINGLE : ELF_INIT_MULTI;
        out->init_evidence = "imported functions";
        if (multi && defined) { /* a definition without slots */
            out->interpreters = out->gil = ELF_SLOT_NONE;
        }
    }
}

static void read_layout(elf_image *image, elf_facts *out)
{
    elf_layout layout;
    size_t unnamed = 0;
    elf_image_read_relocs(image);
    elf_layout_find(image, &layout);
    for (size_t i = 0; i < layout.type_count; i++) {
        see_type(image, out, &layout.types[i], &unnamed);
    }
    read_definition(out, &layout);
    if (unnamed > 0) {
        add_unnamed_types(image, out, &layout);
        qsort(out->statics, out->static_count, sizeof *out->statics, by_address);
    }
    elf_layout_free(&layout);
}

/* --- the dynamic section ------------------------------------------------------------------------------------- */

/* "$ORIGIN/../numpy.libs:/opt/lib" */
static void add_folders(check_strings *list, const char *path)
{
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        if (len > 0 && list->count < MOST_FOLDERS) {
            char *folder = check_format("%.*s", (int)(len < PATH_MAX ? len : PATH_MAX), path);
            check_strings_take(list, check_copy_plain(folder));
            free(folder);
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
}

static void read_dynamic(elf_image *image, elf_facts *out)
{
    GElf_Shdr header;
    Elf_Scn *section = find_section(image, SHT_DYNAMIC, &header);
    Elf_Data *data = section != NULL ? elf_getdata(section, NULL) : NULL;
    if (data == NULL || header.sh_entsize == 0) {
        return;
    }
    for (size_t i = 0; i < data->d_size / header.sh_entsize; i++) {
        GElf_Dyn entry;
        if (gelf_getdyn(data, (int)i, &entry) == NULL || entry.d_tag == DT_NULL) {
            return;
        }
        if (entry.d_tag == DT_NEEDED) {
            const char *name = elf_image_string(image, header.sh_link, entry.d_un.d_val);
            if (name != NULL) {
                add_name(&out->needed, name);
            }
        } else if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) {
            add_folders(&out->run_path, elf_image_string(image, header.sh_link, entry.d_un.d_val));
        } else if (entry.d_tag == DT_FLAGS) {
            out->static_tls = (entry.d_un.d_val & DF_STATIC_TLS) != 0;
        }
    }
}

/* --- the tool that wrote it ---------------------------------------------------------------------------------- */

static bool has_text(const elf_image *image, const char *text)
{
    uint64_t searched = 0;
    for (size_t i = 0; i < image->segment_count && searched < MOST_SEARCHED; i++) {
        const elf_segment *segment = &image->segments[i];
        uint64_t size = segment->file_size < MOST_SEARCHED - searched ? segment->file_size : MOST_SEARCHED - searched;
        if (memmem(image->bytes + segment->offset, (size_t)size, text, strlen(text)) != NULL) {
            return true;
        }
        searched += size;
    }
    return false;
}

static const char *find_tool(const elf_image *image)
{
    static const char *const marks[][2] = {{"cython_runtime", "Cython"},    {"pyo3_runtime", "PyO3"},
                                           {"pybind11_object", "pybind11"}, {"nanobind::", "nanobind"},
                                           {"swig_runtime_data", "SWIG"},   {"_cffi_backend", "cffi"},
                                           {"Boost.Python", "Boost.Python"}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (has_text(image, marks[i][0])) {
            return marks[i][1];
        }
    }
    return NULL;
}

/* --- all of it ----------------------------------------------------------------------------------------------- */

static void read_all(elf_image *image, elf_facts *out)
{
    read_machine(image, out);
    each_symbol(image, SHT_DYNSYM, out, see_dynamic);
    read_dynamic(image, out);
    if (out->inits.count == 0) {
        return; /* a library like any other */
    }
    out->stripped = !each_symbol(image, SHT_SYMTAB, out, see_data);
    if (out->stripped) {
        each_symbol(image, SHT_DYNSYM, out, see_data);
    }
    sort_statics(out);
    read_sections(image, out);
    elf_debug_read(image, out);
    read_layout(image, out);
    guess_init(out);
    out->made_with = find_tool(image);
    if (out->static_count > 1) {
        qsort(out->statics, out->static_count, sizeof *out->statics, by_size);
    }
}

void elf_facts_read(const char *path, elf_facts *out)
{
    elf_image image;
    *out = (elf_facts){.state_bytes = INT64_MIN, .interpreters = ELF_SLOT_UNKNOWN, .gil = ELF_SLOT_UNKNOWN};
    out->trouble = elf_image_open(&image, path);
    if (out->trouble == NULL) {
        read_all(&image, out);
    }
    elf_image_close(&image);
}

void elf_facts_free(elf_facts *facts)
{
    for (size_t i = 0; i < facts->static_count; i++) {
        static_free(&facts->statics[i]);
    }
    free(facts->statics);
    free(facts->trouble);
    free(facts->machine);
    free(facts->init_file);
    free(facts->definition);
    check_strings_free(&facts->inits);
    check_strings_free(&facts->needed);
    check_strings_free(&facts->run_path);
    check_strings_free(&facts->imports);
    check_strings_free(&facts->private_api);
    check_strings_free(&facts->unique);
    *facts = (elf_facts){0};
}
