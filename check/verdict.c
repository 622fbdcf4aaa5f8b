/* The rules. One extension comes in with its facts and the results of its probes, and gets its verdict and the reasons.
 * docs/check.md tells the same rules in words: change both. No state. */
#include "verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- words --------------------------------------------------------------------------------------------------- */

const char *check_verdict_name(check_verdict verdict)
{
    static const char *const names[VERDICT_COUNT] = {
        [VERDICT_UNKNOWN] = "unknown", [VERDICT_BROKEN] = "broken",     [VERDICT_WORKER] = "worker process",
        [VERDICT_MAIN] = "main only",  [VERDICT_SHARED] = "shared GIL", [VERDICT_PRIVATE] = "private copy",
        [VERDICT_OWN] = "own GIL"};
    return names[verdict];
}

bool check_verdict_of(const char *name, check_verdict *out)
{
    for (int i = 0; i < VERDICT_COUNT; i++) {
        if (strcmp(check_verdict_name((check_verdict)i), name) == 0) {
            *out = (check_verdict)i;
            return true;
        }
    }
    return false;
}

const char *verdict_init_text(elf_init init)
{
    static const char *const texts[] = {[ELF_INIT_UNKNOWN] = "unknown",
                                        [ELF_INIT_SINGLE] = "single-phase",
                                        [ELF_INIT_MULTI] = "multi-phase",
                                        [ELF_INIT_EXPORT] = "export"};
    return texts[init];
}

const char *verdict_slot_text(int interpreters)
{
    switch (interpreters) {
    case ELF_SLOT_NONE:
        return "none";
    case 0:
        return "not supported";
    case 1:
        return "shared GIL";
    case 2:
        return "own GIL";
    default:
        return "unknown";
    }
}

const char *verdict_end_text(probe_end end)
{
    static const char *const texts[] = {
        [PROBE_NOT_RUN] = "not run", [PROBE_OK] = "ok",     [PROBE_REFUSED] = "refused", [PROBE_FAILED] = "failed",
        [PROBE_CRASHED] = "crashed", [PROBE_HUNG] = "hung", [PROBE_LEAKED] = "leaked",   [PROBE_SHARES] = "shares"};
    return texts[end];
}

/* --- facts --------------------------------------------------------------------------------------------------- */

static bool asked(const check_extension *extension)
{
    return extension->said.end == PROBE_OK && extension->said.init != PROBE_INIT_UNKNOWN;
}

elf_init verdict_init_of(const check_extension *extension)
{
    if (!asked(extension)) {
        return extension->elf.init;
    }
    if (extension->elf.init == ELF_INIT_EXPORT) {
        return ELF_INIT_EXPORT;
    }
    return extension->said.init == PROBE_INIT_SINGLE ? ELF_INIT_SINGLE : ELF_INIT_MULTI;
}

int verdict_interpreters_of(const check_extension *extension)
{
    if (!asked(extension) || extension->said.interpreters == PROBE_INTERPRETERS_UNKNOWN) {
        return extension->elf.interpreters;
    }
    return (int)extension->said.interpreters - (int)PROBE_INTERPRETERS_NOT_SUPPORTED;
}

static const probe_result *result_of(const check_extension *extension, const char *scene)
{
    for (size_t i = 0; i < extension->probes.count; i++) {
        if (strcmp(extension->probes.items[i].scene, scene) == 0) {
            return &extension->probes.items[i];
        }
    }
    return NULL;
}

probe_end verdict_end_of(const check_extension *extension, const char *scene)
{
    const probe_result *result = result_of(extension, scene);
    return result != NULL ? result->end : PROBE_NOT_RUN;
}

static bool passes(probe_end end)
{
    return end == PROBE_OK || end == PROBE_LEAKED;
}

/* The scenes of a place: the first one is named like it. Where that did not go well the others were not run. */
struct place {
    const char *scenes[5];
};
static const struct place OWN = {{PROBE_OWN, PROBE_OWN_TWICE, PROBE_OWN_TWO, PROBE_OWN_AGAIN, PROBE_OWN_STATE}};
static const struct place PRIVATE = {
    {PROBE_PRIVATE, PROBE_PRIVATE_TWICE, PROBE_PRIVATE_TWO, PROBE_PRIVATE_AGAIN, PROBE_PRIVATE_STATE}};
static const struct place SHARED = {
    {PROBE_SHARED, PROBE_SHARED_TWICE, PROBE_SHARED_TWO, PROBE_SHARED_AGAIN, PROBE_SHARED_STATE}};
enum { SCENES = 5, SCENE_TWICE = 1, SCENE_STATE = 4 };

/* Is what became of it no objection? A second import that the main interpreter does not stand, either, is none, and
 * where a GIL is shared so may be the state. */
static bool goes_well(const check_extension *extension, const struct place *place, size_t scene)
{
    probe_end end = verdict_end_of(extension, place->scenes[scene]);
    bool main_cannot = scene == SCENE_TWICE && !passes(verdict_end_of(extension, PROBE_MAIN_TWICE));
    bool may_share = place == &SHARED && end == PROBE_SHARES;
    return passes(end) || (scene > 0 && end == PROBE_NOT_RUN) || (main_cannot && end == PROBE_FAILED) || may_share;
}

static bool all_well(const check_extension *extension, const struct place *place)
{
    for (size_t i = 0; i < SCENES; i++) {
        if (!goes_well(extension, place, i)) {
            return false;
        }
    }
    return true;
}

/* Names of its static data of a kind. */
static check_strings statics_of(const check_extension *extension, static_kind kind, bool by_debug_info)
{
    check_strings names = {0};
    for (size_t i = 0; i < extension->elf.static_count; i++) {
        const static_data *data = &extension->elf.statics[i];
        if (data->kind == kind && (!by_debug_info || strcmp(data->evidence, "debug information") == 0)) {
            const char *name = data->name != NULL ? data->name : data->type;
            check_strings_add(&names, name != NULL ? name : "?");
        }
    }
    return names;
}

static check_strings imports_of(const check_extension *extension, elf_api api)
{
    check_strings names = {0};
    for (size_t i = 0; i < extension->elf.imports.count; i++) {
        if (elf_api_of(extension->elf.imports.items[i]) == api) {
            check_strings_add(&names, extension->elf.imports.items[i]);
        }
    }
    return names;
}

/* --- reasons ------------------------------------------------------------------------------------------------- */

static void because(check_extension *extension, char *text)
{
    check_strings_take(&extension->reasons, text);
}

static void warn(check_extension *extension, char *text)
{
    check_strings_take(&extension->warnings, text);
}

/* "own gil: refused: ImportError: ..." */
static void because_of(check_extension *extension, const char *scene)
{
    const probe_result *result = result_of(extension, scene);
    if (result == NULL || result->end == PROBE_NOT_RUN) {
        return;
    }
    const char *detail = result->detail != NULL ? result->detail : "";
    if (result->end == PROBE_CRASHED && result->signal != 0) {
        because(extension, check_format("%s: crashed by signal %d (%s)%s%s", scene, result->signal,
                                        strsignal(result->signal), detail[0] != '\0' ? ": " : "", detail));
    } else {
        because(extension, check_format("%s: %s%s%s", scene, verdict_end_text(result->end),
                                        detail[0] != '\0' ? ": " : "", detail));
    }
}

static void because_of_failure(check_extension *extension, const struct place *place)
{
    for (size_t i = 0; i < SCENES; i++) {
        if (verdict_end_of(extension, place->scenes[i]) != PROBE_NOT_RUN && !goes_well(extension, place, i)) {
            because_of(extension, place->scenes[i]);
            return; /* the first: the rest mostly say the same */
        }
    }
}

static void because_of_init(check_extension *extension)
{
    elf_init init = verdict_init_of(extension);
    int slot = verdict_interpreters_of(extension);
    if (init == ELF_INIT_SINGLE) {
        because(
            extension,
            check_copy("single-phase init: CPython makes such a module once for a process, and refuses it where the "
                       "GIL is not the main interpreter's"));
    } else if (init != ELF_INIT_UNKNOWN && slot == ELF_SLOT_NONE) {
        because(extension,
                check_format("%s init without Py_mod_multiple_interpreters, which means: not with a GIL of its own",
                             verdict_init_text(init)));
    } else if (init != ELF_INIT_UNKNOWN) {
        because(extension, check_format("%s init, Py_mod_multiple_interpreters: %s", verdict_init_text(init),
                                        verdict_slot_text(slot)));
    }
}

static void warn_of_slopes(check_extension *extension)
{
    for (size_t i = 0; i < extension->probes.count; i++) {
        const probe_result *result = &extension->probes.items[i];
        if (result->end == PROBE_SHARES && strncmp(result->scene, PROBE_SHARED, strlen(PROBE_SHARED)) == 0) {
            warn(extension, check_format("interpreters that share a GIL share its state, too: %s",
                                         result->detail != NULL ? result->detail : "its objects"));
        }
        if (result->end != PROBE_LEAKED || strncmp(result->scene, PROBE_MAIN, strlen(PROBE_MAIN)) == 0) {
            continue;
        }
        if (!isnan(result->refs_slope) && result->refs_slope >= 1) {
            warn(extension, check_format("%s: references grow by %.1f a round", result->scene, result->refs_slope));
        } else if (!isnan(result->rss_slope_bytes)) {
            warn(extension,
                 check_format("%s: memory grows by %.0f KiB a round", result->scene, result->rss_slope_bytes / 1024));
        } else {
            warn(extension, check_format("%s: memory grows", result->scene));
        }
    }
}

static void warn_of_import(check_extension *extension, elf_api api, const char *why)
{
    check_strings names = imports_of(extension, api);
    if (names.count > 0) {
        char *list = check_strings_join(&names, 4);
        warn(extension, check_format("uses %s: %s", list, why));
        free(list);
    }
    check_strings_free(&names);
}

static void warn_of_facts(check_extension *extension)
{
    warn_of_slopes(extension);
    warn_of_import(extension, ELF_API_GILSTATE,
                   "finds the main interpreter, whichever interpreter calls; a private copy's "
                   "finds its own");
    warn_of_import(extension, ELF_API_PENDING, "runs in the main interpreter; a private copy's in its own");
    warn_of_import(extension, ELF_API_MAIN, "is about the main interpreter");
    warn_of_import(extension, ELF_API_ATEXIT, "runs at the end of the process, not of the interpreter");
    warn_of_import(extension, ELF_API_LOCALE, "changes the locale of the whole process");
    warn_of_import(extension, ELF_API_DIRECTORY, "changes the working directory of the thread or the process");
    warn_of_import(extension, ELF_API_ENVIRONMENT, "changes the environment variables of the whole process");
    warn_of_import(extension, ELF_API_SIGNAL, "changes the signal handlers of the whole process");
    warn_of_import(extension, ELF_API_UMASK, "changes the umask");
    if (extension->elf.unique.count > 0) {
        char *list = check_strings_join(&extension->elf.unique, 3);
        warn(extension, check_format("unique symbols, of which all copies of the file have one in common: %s", list));
        free(list);
    }
    if (extension->elf.static_tls) {
        warn(extension, check_copy("needs static thread-local storage, of which a process has room for few copies"));
    }
}

/* --- the rules ----------------------------------------------------------------------------------------------- */

static void decide(check_extension *extension, check_verdict verdict, const char *basis)
{
    extension->verdict = verdict;
    extension->basis = basis;
}

/* It says that it may have a GIL of its own, but keeps objects where all interpreters see them. */
static bool keeps_objects(check_extension *extension)
{
    if (extension->stdlib) {
        return false; /* CPython's static types are made for it */
    }
    check_strings objects = statics_of(extension, STATIC_OBJECT, true),
                  types = statics_of(extension, STATIC_TYPE, false);
    bool keeps = objects.count > 0 || types.count > 0;
    if (objects.count > 0) {
        char *list = check_strings_join(&objects, 4);
        because(extension,
                check_format("says that it supports a GIL of its own, but keeps objects in static data: %s", list));
        free(list);
    }
    if (types.count > 0) {
        char *list = check_strings_join(&types, 4);
        because(extension, check_format("says that it supports a GIL of its own, but has static types: %s", list));
        free(list);
    }
    check_strings_free(&objects);
    check_strings_free(&types);
    return keeps;
}

static bool lacks_dependency(const probe_result *result)
{
    return result != NULL && result->end == PROBE_FAILED && result->detail != NULL &&
           strstr(result->detail, "ModuleNotFoundError: No module named") != NULL;
}

static void decide_without_main(check_extension *extension)
{
    if (lacks_dependency(result_of(extension, PROBE_MAIN))) {
        decide(extension, VERDICT_UNKNOWN, "nothing");
        because_of(extension, PROBE_MAIN);
        because(
            extension,
            check_copy("what it needs is not installed: check it in a virtual environment, or by a requirements file"));
        return;
    }
    decide(extension, VERDICT_BROKEN, "probes");
    because_of(extension, PROBE_MAIN);
}

static bool ends_badly(const check_extension *extension)
{
    for (size_t i = 0; i < extension->probes.count; i++) {
        probe_end end = extension->probes.items[i].end;
        if (end == PROBE_CRASHED || end == PROBE_HUNG) {
            return true;
        }
    }
    return false;
}

static void decide_private(check_extension *extension)
{
    decide(extension, VERDICT_PRIVATE, "probes");
    because(extension, check_copy("with a private copy it works in an interpreter with its own GIL, in two at once, "
                                  "and again after one ended"));
}

static void because_not_tried(check_extension *extension)
{
    const probe_result *result = result_of(extension, PROBE_PRIVATE);
    if (result != NULL && result->end == PROBE_NOT_RUN) {
        because(extension, check_format("private copies were not tried%s%s", result->detail != NULL ? ": " : "",
                                        result->detail != NULL ? result->detail : ""));
    }
}

static void decide_without_own(check_extension *extension)
{
    because_of_failure(extension, &OWN);
    because_of_init(extension);
    if (all_well(extension, &PRIVATE)) {
        decide_private(extension);
        return;
    }
    because_of_failure(extension, &PRIVATE);
    because_not_tried(extension);
    if (all_well(extension, &SHARED)) {
        decide(extension, VERDICT_SHARED, "probes");
        because(extension, check_copy("works in an interpreter that shares the main one's GIL"));
        return;
    }
    because_of_failure(extension, &SHARED);
    decide(extension, ends_badly(extension) ? VERDICT_WORKER : VERDICT_MAIN, "probes");
    because(extension, check_copy("works in the main interpreter"));
}

static void decide_by_probes(check_extension *extension)
{
    if (!passes(verdict_end_of(extension, PROBE_MAIN))) {
        decide_without_main(extension);
    } else if (!all_well(extension, &OWN)) {
        decide_without_own(extension);
    } else if (verdict_interpreters_of(extension) == 2 && keeps_objects(extension)) {
        decide(extension, VERDICT_SHARED, "probes"); /* what says that it needs no copy gets none */
    } else {
        decide(extension, VERDICT_OWN, "probes");
        because_of_init(extension);
        because(
            extension,
            check_copy(
                "works in an interpreter with its own GIL, imported twice, in two at once, and again after one ended"));
    }
}

/* Nothing was run, or could be. */
static void decide_by_file(check_extension *extension)
{
    elf_init init = verdict_init_of(extension);
    int slot = verdict_interpreters_of(extension);
    if (init == ELF_INIT_UNKNOWN || (init != ELF_INIT_SINGLE && slot == ELF_SLOT_UNKNOWN)) {
        decide(extension, VERDICT_UNKNOWN, "nothing");
        because(extension,
                check_copy(init == ELF_INIT_UNKNOWN
                               ? "how it is initialized can't be seen in the file: probes would tell"
                               : "its Py_mod_multiple_interpreters slot can't be seen in the file: probes would tell"));
        return;
    }
    if (init != ELF_INIT_SINGLE && slot == 2) {
        bool keeps = keeps_objects(extension);
        decide(extension, keeps ? VERDICT_SHARED : VERDICT_OWN, "file");
        because_of_init(extension);
        return;
    }
    because_of_init(extension);
    if (extension->file == NULL) { /* nothing to copy */
        decide(extension, slot == 0 ? VERDICT_MAIN : VERDICT_SHARED, "file");
    } else if (extension->elf.unique.count > 0) {
        decide(extension, VERDICT_SHARED, "file");
        because(extension, check_copy("a private copy would share its unique symbols with the others"));
    } else {
        decide(extension, VERDICT_PRIVATE, "file");
    }
}

static const char *last_part(const char *module)
{
    const char *dot = strrchr(module, '.');
    return dot != NULL ? dot + 1 : module;
}

/* Names that are not ASCII are in punycode there. */
static bool lacks_init(const check_extension *extension)
{
    const char *name = last_part(extension->module);
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) {
            return false;
        }
    }
    return extension->file != NULL && !check_strings_has(&extension->elf.inits, name);
}

void verdict_decide(check_extension *extension)
{
    extension->basis = "nothing";
    if (extension->elf.trouble != NULL || lacks_init(extension)) {
        decide(extension, VERDICT_BROKEN, "file");
        because(extension, extension->elf.trouble != NULL
                               ? check_format("its file: %s", extension->elf.trouble)
                               : check_format("the file has no function PyInit_%s", last_part(extension->module)));
        return;
    }
    if (verdict_end_of(extension, PROBE_MAIN) != PROBE_NOT_RUN) {
        decide_by_probes(extension);
    } else {
        decide_by_file(extension);
    }
    warn_of_facts(extension);
}
