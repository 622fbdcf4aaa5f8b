/* What an author has to change so that an extension gets a GIL of its own: from the facts alone, with symbol and
 * source line where the file tells them. No state. */
#include <stdlib.h>
#include <string.h>

#include "verdict.h"

enum { MOST_OF_A_KIND = 8 };

static void add(check_extension *extension, char *text, const char *symbol, const char *file, int line)
{
    extension->advice = check_grow(extension->advice, extension->advice_count, sizeof *extension->advice);
    extension->advice[extension->advice_count++] = (check_advice){
        .text = text, .symbol = check_copy(symbol), .file = check_copy(file), .line = line};
}

static const char *init_symbol(const check_extension *extension, char **out_owned)
{
    const check_strings *inits = &extension->elf.inits;
    *out_owned = inits->count > 0
                     ? check_format("%s%s", extension->elf.module_export ? "PyModExport_" : "PyInit_", inits->items[0])
                     : NULL;
    return *out_owned;
}

/* Tools write the init function: one says it to them. */
static const char *words_for_tool(const char *tool)
{
    static const char *const words[][2] = {
        {"Cython", "tell Cython (3.1 or newer): # cython: subinterpreters_compatible=own_gil"},
        {"pybind11",
         "tell pybind11 (3.0 or newer): PYBIND11_MODULE(name, m, py::multiple_interpreters::per_interpreter_gil())"},
        {"PyO3", "PyO3 has no support for interpreters yet (PyO3/pyo3#576): private copies are the way"},
        {"nanobind", "nanobind has no support for interpreters yet: private copies are the way"},
    };
    for (size_t i = 0; tool != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], tool) == 0) {
            return words[i][1];
        }
    }
    return NULL;
}

static void advise_init(check_extension *extension)
{
    const elf_facts *elf = &extension->elf;
    elf_init init = verdict_init_of(extension);
    int slot = verdict_interpreters_of(extension);
    const char *words = words_for_tool(elf->made_with);
    char *symbol = NULL;
    if (init == ELF_INIT_UNKNOWN || slot == 2) {
        return;
    }
    if (words != NULL) {
        add(extension, check_copy(words), init_symbol(extension, &symbol), elf->init_file, elf->init_line);
    } else if (init == ELF_INIT_SINGLE) {
        add(extension,
            check_copy("multi-phase init: return PyModuleDef_Init(&definition), and fill the module in a Py_mod_exec "
                       "function"),
            init_symbol(extension, &symbol), elf->init_file, elf->init_line);
    }
    free(symbol);
    if (words == NULL) {
        add(extension,
            check_copy("when its state is its own, say so: {Py_mod_multiple_interpreters, "
                       "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}"),
            elf->definition, NULL, 0);
    }
}

static void advise_static(check_extension *extension, const static_data *data)
{
    const char *name = data->name != NULL ? data->name : data->type;
    switch (data->kind) {
    case STATIC_OBJECT:
        add(extension,
            check_format("keep this object in the module's state (PyModule_GetState), not in static data: %s",
                         data->type != NULL ? data->type : "an object"),
            name, data->file, data->line);
        break;
    case STATIC_TYPE:
        add(extension, check_copy("make this static type a heap type: PyType_FromModuleAndSpec in Py_mod_exec"), name,
            data->file, data->line);
        break;
    case STATIC_DATA:
        add(extension,
            check_format("static data, %llu bytes%s%s: keep it in the module's state, or make it const, or lock it",
                         (unsigned long long)data->size, data->type != NULL ? ", " : "",
                         data->type != NULL ? data->type : ""),
            name, data->file, data->line);
        break;
    case STATIC_TABLE:
        break;
    }
}

static void advise_statics(check_extension *extension, static_kind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < extension->elf.static_count; i++) {
        if (extension->elf.statics[i].kind == kind && found++ < MOST_OF_A_KIND) {
            advise_static(extension, &extension->elf.statics[i]);
        }
    }
    if (found > MOST_OF_A_KIND) {
        add(extension, check_format("... and %zu more like the last one (--json has all)", found - MOST_OF_A_KIND),
            NULL, NULL, 0);
    }
}

static void advise_import(check_extension *extension, elf_api api, const char *text)
{
    for (size_t i = 0; i < extension->elf.imports.count; i++) {
        if (elf_api_of(extension->elf.imports.items[i]) == api) {
            add(extension, check_copy(text), extension->elf.imports.items[i], NULL, 0);
            return;
        }
    }
}

void verdict_advise(check_extension *extension)
{
    if (extension->elf.trouble != NULL || extension->stdlib) {
        return;
    }
    advise_init(extension);
    if (words_for_tool(extension->elf.made_with) == NULL) { /* else they are the tool's, mostly */
        advise_statics(extension, STATIC_OBJECT);
        advise_statics(extension, STATIC_TYPE);
        advise_statics(extension, STATIC_DATA);
    }
    advise_import(extension, ELF_API_GILSTATE,
                  "keep the interpreter (PyInterpreterState_Get) and attach to that: PyThreadState_New, or "
                  "PyThreadState_Ensure in "
                  "3.15");
    advise_import(extension, ELF_API_PENDING,
                  "pending calls run in the main interpreter: use a thread state of your interpreter");
    advise_import(extension, ELF_API_ATEXIT,
                  "free things in m_free or with the atexit module, which belong to the interpreter");
    advise_import(extension, ELF_API_LOCALE, "use uselocale and newlocale, which are the thread's");
    advise_import(extension, ELF_API_DIRECTORY, "use openat and its like instead of another working directory");
}
