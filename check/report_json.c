/* A report as JSON. The keys are those of docs/check.md, which people's scripts rely on: they may be added to, not
 * changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <isles/isles.h>
#include <jansson.h>

#include "verdict.h"

static json_t *text(const char *value)
{
    if (value == NULL) {
        return json_null();
    }
    json_t *string = json_string(value);
    if (string == NULL) { /* not UTF-8: a file's name may be anything */
        char *plain = check_copy_plain(value);
        string = json_string(plain);
        free(plain);
    }
    return string;
}

static json_t *strings(const check_strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, text(list->items[i]));
    }
    return array;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *slot(int value)
{
    return value == ELF_SLOT_UNKNOWN ? json_null() : json_string(verdict_slot_text(value));
}

static json_t *gil_slot(int value)
{
    static const char *const names[] = {"none", "used", "not used"};
    return value == ELF_SLOT_UNKNOWN ? json_null() : json_string(names[value + 1]);
}

static json_t *state_bytes(int64_t bytes)
{
    return bytes == INT64_MIN ? json_null() : json_integer(bytes);
}

static json_t *init(elf_init value)
{
    return value == ELF_INIT_UNKNOWN ? json_null() : json_string(verdict_init_text(value));
}

static json_t *statics(const elf_facts *elf)
{
    static const char *const kinds[] = {
        [STATIC_DATA] = "data", [STATIC_OBJECT] = "object", [STATIC_TYPE] = "type", [STATIC_TABLE] = "table"};
    json_t *array = json_array();
    for (size_t i = 0; i < elf->static_count; i++) {
        const static_data *data = &elf->statics[i];
        json_t *one = json_object();
        json_object_set_new(one, "symbol", text(data->name));
        json_object_set_new(one, "section", text(data->section));
        json_object_set_new(one, "bytes", json_integer((json_int_t)data->size));
        json_object_set_new(one, "kind", json_string(kinds[data->kind]));
        json_object_set_new(one, "evidence", text(data->evidence));
        json_object_set_new(one, "type", text(data->type));
        json_object_set_new(one, "file", text(data->file));
        json_object_set_new(one, "line", data->line > 0 ? json_integer(data->line) : json_null());
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *file_facts(const check_extension *extension)
{
    const elf_facts *elf = &extension->elf;
    if (extension->file == NULL) {
        return json_null();
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "trouble", text(elf->trouble));
    if (elf->trouble != NULL) {
        return facts;
    }
    json_object_set_new(facts, "machine", text(elf->machine));
    json_object_set_new(facts, "bits", json_integer(elf->bits));
    json_object_set_new(facts, "stripped", json_boolean(elf->stripped));
    json_object_set_new(facts, "debug_info", json_boolean(elf->has_debug_info));
    json_object_set_new(facts, "made_with", text(elf->made_with));
    json_object_set_new(facts, "modules", strings(&elf->inits));
    json_object_set_new(facts, "init", init(elf->init));
    json_object_set_new(facts, "init_evidence", text(elf->init_evidence));
    json_object_set_new(facts, "definition", text(elf->definition));
    json_object_set_new(facts, "multiple_interpreters", slot(elf->interpreters));
    json_object_set_new(facts, "gil", gil_slot(elf->gil));
    json_object_set_new(facts, "state_bytes", state_bytes(elf->state_bytes));
    json_object_set_new(facts, "writable_bytes", json_integer((json_int_t)elf->writable_bytes));
    json_object_set_new(facts, "tls_bytes", json_integer((json_int_t)elf->tls_bytes));
    json_object_set_new(facts, "static_tls", json_boolean(elf->static_tls));
    json_object_set_new(facts, "constructors", json_integer((json_int_t)elf->constructors));
    json_object_set_new(facts, "statics", statics(elf));
    json_object_set_new(facts, "imports", strings(&elf->imports));
    json_object_set_new(facts, "private_api", strings(&elf->private_api));
    json_object_set_new(facts, "unique_symbols", strings(&elf->unique));
    json_object_set_new(facts, "needed", strings(&elf->needed));
    json_object_set_new(facts, "bundled", strings(&extension->bundled));
    json_object_set_new(facts, "shared_with", strings(&extension->shared_with));
    return facts;
}

static json_t *module_facts(const check_extension *extension)
{
    const probe_facts *said = &extension->said;
    json_t *facts = json_object();
    bool known = said->end == PROBE_OK;
    json_object_set_new(facts, "end", json_string(verdict_end_text(said->end)));
    json_object_set_new(facts, "detail", text(said->detail));
    if (known) {
        json_object_set_new(facts, "init", init(verdict_init_of(extension)));
        json_object_set_new(facts, "multiple_interpreters", slot(verdict_interpreters_of(extension)));
        json_object_set_new(facts, "gil", gil_slot((int)said->gil - (int)PROBE_GIL_USED));
        json_object_set_new(facts, "state_bytes", json_integer(said->state_bytes));
    }
    return facts;
}

static json_t *probes(const probe_results *results)
{
    json_t *array = json_array();
    for (size_t i = 0; i < results->count; i++) {
        const probe_result *result = &results->items[i];
        json_t *one = json_object();
        json_object_set_new(one, "scene", json_string(result->scene));
        json_object_set_new(one, "end", json_string(verdict_end_text(result->end)));
        json_object_set_new(one, "signal", result->signal != 0 ? json_integer(result->signal) : json_null());
        json_object_set_new(one, "detail", text(result->detail));
        json_object_set_new(one, "refs_slope", number(result->refs_slope));
        json_object_set_new(one, "rss_slope_bytes", number(result->rss_slope_bytes));
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *advice(const check_extension *extension)
{
    json_t *array = json_array();
    for (size_t i = 0; i < extension->advice_count; i++) {
        const check_advice *item = &extension->advice[i];
        json_t *one = json_object();
        json_object_set_new(one, "text", text(item->text));
        json_object_set_new(one, "symbol", text(item->symbol));
        json_object_set_new(one, "file", text(item->file));
        json_object_set_new(one, "line", item->line > 0 ? json_integer(item->line) : json_null());
        json_array_append_new(array, one);
    }
    return array;
}

static json_t *extension_json(const check_extension *extension, check_verdict required)
{
    json_t *one = json_object();
    json_object_set_new(one, "target", text(extension->target));
    json_object_set_new(one, "module", text(extension->module));
    json_object_set_new(one, "file", text(extension->file != NULL ? extension->shown : NULL));
    json_object_set_new(one, "sha256", extension->sha256[0] != '\0' ? text(extension->sha256) : json_null());
    json_object_set_new(one, "abi_tag", extension->tag[0] != '\0' ? text(extension->tag) : json_null());
    json_object_set_new(one, "verdict", json_string(check_verdict_name(extension->verdict)));
    json_object_set_new(one, "good_enough", json_boolean(extension->verdict >= required));
    json_object_set_new(one, "basis", text(extension->basis));
    json_object_set_new(one, "reasons", strings(&extension->reasons));
    json_object_set_new(one, "warnings", strings(&extension->warnings));
    json_object_set_new(one, "advice", advice(extension));
    json_object_set_new(one, "said", module_facts(extension));
    json_object_set_new(one, "elf", file_facts(extension));
    json_object_set_new(one, "probes", probes(&extension->probes));
    return one;
}

static json_t *left_out(const check_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < report->left_out_count; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "target", text(report->left_out[i].target));
        json_object_set_new(one, "why", text(report->left_out[i].why));
        json_array_append_new(array, one);
    }
    return array;
}

char *check_to_json(const check_report *report, check_verdict required)
{
    json_t *root = json_object(), *extensions = json_array();
    bool good = true;
    for (size_t i = 0; i < report->count; i++) {
        if (report->items[i].basis != NULL && !report->items[i].skipped) {
            json_array_append_new(extensions, extension_json(&report->items[i], required));
            good = good && report->items[i].verdict >= required;
        }
    }
    json_object_set_new(root, "isles", json_string(isle_version()));
    json_object_set_new(root, "engine", text(report->engine));
    json_object_set_new(root, "required", json_string(check_verdict_name(required)));
    json_object_set_new(root, "good_enough", json_boolean(good));
    json_object_set_new(root, "notes", strings(&report->notes));
    json_object_set_new(root, "left_out", left_out(report));
    json_object_set_new(root, "extensions", extensions);
    char *json = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return json != NULL ? json : check_copy("null");
}
