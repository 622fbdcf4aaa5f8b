/* The static half of the auditor: what an extension's ELF file says, without running any of it.
 *
 * Read are the tables of the file, by libelf and, where the file has debug information, by libdw. Types and module
 * definitions in static data are found by their layout, too: a stripped wheel has no more. The files come from
 * anywhere: each offset and length in them is checked.
 *
 * Threads    any, several at once, of different files.
 * Memory     elf_facts_free frees all. Addresses are those of the file, sizes are bytes. */
#ifndef CHECK_ELF_FACTS_H
#define CHECK_ELF_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

typedef enum static_kind {
    STATIC_DATA,   /* anything else */
    STATIC_OBJECT, /* a PyObject * */
    STATIC_TYPE,   /* a PyTypeObject */
    STATIC_TABLE,  /* a part of a module's or a type's definition, which nobody changes after it was made */
} static_kind;

/* Writable data that all interpreters of a process have in common. */
typedef struct static_data {
    char *name;    /* its symbol; NULL: the file has none any more */
    char *section; /* ".bss" */
    uint64_t address, size; /* size 0: not known */
    static_kind kind;
    const char *evidence; /* what says so: "debug information", "layout", "symbol"; static */
    char *type;           /* in C, by the debug information; of a type found by layout its Python name; NULL: unknown */
    char *file;           /* where it is declared; NULL: unknown */
    int line;
} static_data;

typedef enum elf_init { /* as the module definition in the file, or else its imports say */
    ELF_INIT_UNKNOWN,
    ELF_INIT_SINGLE, /* single-phase: PyModule_Create */
    ELF_INIT_MULTI,  /* multi-phase: PyModuleDef_Init */
    ELF_INIT_EXPORT, /* PyModExport_NAME */
} elf_init;

typedef enum elf_slot { ELF_SLOT_UNKNOWN = -2, ELF_SLOT_NONE = -1 } elf_slot; /* else the slot's value */

typedef struct elf_facts {
    char *trouble; /* why it could not be read, for people; NULL: it could. The rest is empty then */
    char *machine; /* "x86-64", "AArch64", "machine 40" */
    int bits;
    bool foreign;  /* this machine can't load it */
    bool stripped; /* no symbol table but the dynamic one */
    bool has_debug_info;

    check_strings inits; /* names of the modules that it has functions for: those after PyInit_ and PyModExport_ */
    bool module_export;  /* one of them is a PyModExport_ */
    char *init_file;     /* where the (first) init function is, by the debug information; NULL: unknown */
    int init_line;
    elf_init init;
    const char *init_evidence; /* "module definition" (by its layout) or "imported functions"; NULL: unknown */
    char *definition;          /* symbol of the module definition; NULL: unknown */
    int64_t state_bytes;       /* m_size; INT64_MIN: unknown */
    int interpreters;          /* Py_mod_multiple_interpreters, elf_slot: 0 not supported, 1 shared GIL, 2 own GIL */
    int gil;                   /* Py_mod_gil, elf_slot */

    static_data *statics; /* the largest first */
    size_t static_count;
    uint64_t writable_bytes; /* of all writable sections, also where no symbol tells what is in them */
    uint64_t tls_bytes;      /* thread-local data */
    bool static_tls;         /* needs room in the static TLS block, of which a process has little */
    size_t constructors;     /* functions that run when it is loaded */

    check_strings needed;    /* DT_NEEDED */
    check_strings run_path;  /* folders where those are looked for: DT_RUNPATH or DT_RPATH, as they stand in the file */
    check_strings imports;   /* imported functions that matter for interpreters (elf_api_of) */
    check_strings private_api; /* _Py functions and data of CPython that it uses */
    check_strings unique;    /* STB_GNU_UNIQUE symbols: one for the process, whatever is loaded how often */
    const char *made_with;   /* "Cython", "PyO3", ...; static; NULL: unknown */
} elf_facts;

void elf_facts_read(const char *path, elf_facts *out);
void elf_facts_free(elf_facts *facts);

/* Why an imported function matters. */
typedef enum elf_api {
    ELF_API_NONE,
    ELF_API_GILSTATE,  /* finds the main interpreter, whichever calls */
    ELF_API_PENDING,   /* runs in the main interpreter */
    ELF_API_ATEXIT,    /* at the end of the process, not of the interpreter */
    ELF_API_MAIN,      /* asks for the main interpreter */
    ELF_API_TYPES,     /* PyType_Ready: a static type, or a type made by hand */
    ELF_API_SINGLE,    /* PyModule_Create2 */
    ELF_API_MULTI,     /* PyModuleDef_Init */
    ELF_API_LOCALE,    /* these change what the whole process has */
    ELF_API_DIRECTORY,
    ELF_API_ENVIRONMENT,
    ELF_API_SIGNAL,
    ELF_API_UMASK,
    ELF_API_THREAD,    /* starts threads */
    ELF_API_LOAD,      /* loads libraries by itself */
    ELF_API_FORK,
} elf_api;
elf_api elf_api_of(const char *symbol);

#endif
