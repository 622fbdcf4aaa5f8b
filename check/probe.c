/* The dynamic half of the auditor, the parent's side: which scenes there are, which are worth a child, and what a
 * child's end means. No state; any thread. */
#include "probe.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <isles/isles.h>

#include "probe_private.h"
#include "probe_process.h"

/* Those of one place together, and first of them the one that is named like it: others only make sense where that
 * went well. */
const probe_scene probe_scenes[] = {
    {PROBE_MAIN, WHERE_MAIN, WHAT_ONCE},
    {PROBE_MAIN_TWICE, WHERE_MAIN, WHAT_TWICE},
    {PROBE_SHARED, WHERE_SHARED, WHAT_ONCE},
    {PROBE_SHARED_TWICE, WHERE_SHARED, WHAT_TWICE},
    {PROBE_SHARED_TWO, WHERE_SHARED, WHAT_TWO},
    {PROBE_SHARED_AGAIN, WHERE_SHARED, WHAT_AGAIN},
    {PROBE_SHARED_STATE, WHERE_SHARED, WHAT_STATE},
    {PROBE_OWN, WHERE_OWN, WHAT_ONCE},
    {PROBE_OWN_TWICE, WHERE_OWN, WHAT_TWICE},
    {PROBE_OWN_TWO, WHERE_OWN, WHAT_TWO},
    {PROBE_OWN_AGAIN, WHERE_OWN, WHAT_AGAIN},
    {PROBE_OWN_STATE, WHERE_OWN, WHAT_STATE},
    {PROBE_PRIVATE, WHERE_PRIVATE, WHAT_ONCE},
    {PROBE_PRIVATE_TWICE, WHERE_PRIVATE, WHAT_TWICE},
    {PROBE_PRIVATE_TWO, WHERE_PRIVATE, WHAT_TWO},
    {PROBE_PRIVATE_AGAIN, WHERE_PRIVATE, WHAT_AGAIN},
    {PROBE_PRIVATE_STATE, WHERE_PRIVATE, WHAT_STATE},
};
const size_t probe_scene_count = sizeof probe_scenes / sizeof probe_scenes[0];

/* --- what a child told -------------------------------------------------------------------------------------------- */

/* Its last lines of each kind; borrowed from `lines`, owned. */
struct told {
    json_t *lines;
    const char *at;       /* where it was; never NULL */
    const json_t *result; /* NULL: it gave none */
};

static void read_lines(const probe_bytes *bytes, struct told *out)
{
    *out = (struct told){.lines = json_array(), .at = "start"};
    for (const char *line = bytes->data, *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        json_t *object = json_loadb(line, (size_t)(end - line), 0, NULL);
        json_array_append_new(out->lines, object);
        const char *at = json_string_value(json_object_get(object, "at"));
        out->at = at != NULL ? at : out->at;
        out->result = json_object_get(object, "end") != NULL ? object : out->result;
    }
}

static probe_end end_of(const char *word)
{
    static const struct {
        const char *word;
        probe_end end;
    } ends[] = {{"ok", PROBE_OK},         {"refused", PROBE_REFUSED}, {"leaked", PROBE_LEAKED},
                {"shares", PROBE_SHARES}, {"hung", PROBE_HUNG},       {"not run", PROBE_NOT_RUN}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (word != NULL && strcmp(word, ends[i].word) == 0) {
            return ends[i].end;
        }
    }
    return PROBE_FAILED;
}

static double number_or_nan(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

/* The line of the output that says most, as printable ASCII: why CPython gave up, else the last one. NULL: none. */
static char *last_words(const probe_bytes *output)
{
    enum { LONGEST = 300 };
    const char *fatal = output->data != NULL ? strstr(output->data, "Fatal Python error:") : NULL;
    const char *end = output->data + output->len;
    while (fatal == NULL && output->len > 0 && end > output->data && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    const char *begin = fatal != NULL ? fatal : end;
    while (fatal == NULL && begin > output->data && begin[-1] != '\n' && end - begin < LONGEST) {
        begin--;
    }
    int length = fatal != NULL ? (int)strcspn(fatal, "\n") : (int)(end - begin);
    if (length == 0) {
        return NULL;
    }
    char *text = check_format("%.*s", length < LONGEST ? length : LONGEST, begin);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') {
            *c = '?';
        }
    }
    return text;
}

/* `what`, and what it said last. Takes `what` over. */
static char *with_last_words(char *what, const probe_bytes *output)
{
    enum { FLOOD = 1 << 20 };
    char *words = output->seen < FLOOD ? last_words(output) : NULL;
    char *text = what;
    if (output->seen >= FLOOD) {
        text = check_format("%s%sit wrote %.1f MiB to its output", what, what[0] != '\0' ? "; " : "",
                            (double)output->seen / FLOOD);
        free(what);
    } else if (words != NULL && what[0] != '\0') {
        text = check_format("%s; it said: %s", what, words);
        free(what);
    }
    free(words);
    return text;
}

static void read_end(const probe_outcome *outcome, const struct told *told, probe_result *result)
{
    const char *at = told->at;
    if (outcome->hung) {
        result->end = PROBE_HUNG;
        result->detail = with_last_words(check_format("%s: did not end in time", at), &outcome->output);
    } else if (WIFSIGNALED(outcome->wait_status)) {
        result->end = PROBE_CRASHED;
        result->signal = WTERMSIG(outcome->wait_status);
        result->detail = with_last_words(check_format("%s", at), &outcome->output);
    } else if (told->result == NULL || WEXITSTATUS(outcome->wait_status) != 0) {
        result->end = PROBE_CRASHED;
        result->detail = with_last_words(
            check_format("%s: the process ended with status %d", at, WEXITSTATUS(outcome->wait_status)),
            &outcome->output);
    } else {
        const char *detail = json_string_value(json_object_get(told->result, "detail"));
        result->end = end_of(json_string_value(json_object_get(told->result, "end")));
        result->refs_slope = number_or_nan(told->result, "refs");
        result->rss_slope_bytes = number_or_nan(told->result, "rss");
        result->detail = check_format("%s", detail != NULL ? detail : "");
        if (result->end == PROBE_OK) {
            probe_bytes flood = {.seen = outcome->output.seen};
            result->detail = with_last_words(result->detail, &flood);
        }
    }
}

static void read_outcome(const probe_outcome *outcome, probe_result *result)
{
    struct told told;
    if (outcome->trouble != NULL) {
        result->detail = check_format("no child process: %s", outcome->trouble);
        return;
    }
    read_lines(&outcome->told, &told);
    read_end(outcome, &told, result);
    json_decref(told.lines);
    if (result->detail != NULL && result->detail[0] == '\0') {
        free(result->detail);
        result->detail = NULL;
    }
}

/* --- playing the scenes ------------------------------------------------------------------------------------------- */

/* The last argument of a child: what it is to do. NULL: it can't be told. */
static char *request_text(const probe_request *request, long scene)
{
    json_t *path = json_array();
    for (size_t i = 0; i < request->path_count; i++) {
        json_array_append_new(path, json_string(request->path[i]));
    }
    json_t *object = json_pack("{s:I, s:s, s:s?, s:o, s:s?}", "scene", (json_int_t)scene, "module", request->module,
                               "file", request->file, "path", path, "snippet", request->snippet);
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

/* False: it can't be run, result->detail says why. */
static bool run_child(const probe_request *request, long scene, probe_outcome *out_outcome, probe_result *result)
{
    char *text = request_text(request, scene);
    if (text == NULL) {
        result->detail = check_format("a name or the snippet is not UTF-8");
        return false;
    }
    const char *const argv[] = {"/proc/self/exe", "check", "--probe-child", text, NULL};
    const probe_command command = {
        .argv = argv, .limit_ns = request->deadline_ns, .tell = PROBE_TELL, .told_most = PROBE_TOLD_MOST};
    probe_process_run(&command, out_outcome);
    free(text);
    return true;
}

static void play(const probe_request *request, size_t scene, probe_result *result)
{
    probe_outcome outcome;
    if (run_child(request, (long)scene, &outcome, result)) {
        read_outcome(&outcome, result);
        probe_outcome_free(&outcome);
    }
}

static bool went_well(probe_end end)
{
    return end == PROBE_OK || end == PROBE_LEAKED || end == PROBE_SHARES;
}

/* Its place in `results`; those of a place stand together, its first scene first. */
static size_t first_of(scene_where where)
{
    size_t i = 0;
    while (probe_scenes[i].where != where) {
        i++;
    }
    return i;
}

/* Plays those of one place. False: not all is well there. */
static bool play_place(const probe_request *request, scene_where where, bool only_first, probe_results *results)
{
    bool all_well = true;
    const size_t first = first_of(where);
    for (size_t i = first; i < probe_scene_count && probe_scenes[i].where == where; i++) {
        probe_result *result = &results->items[i];
        if (i > first && !went_well(results->items[first].end)) {
            result->detail = check_format("not after \"%s\"", probe_scenes[first].name);
        } else if (i > first && only_first) {
            result->detail = check_format("all is well with a GIL of its own");
        } else {
            play(request, i, result);
        }
        all_well = all_well && result->end == PROBE_OK;
    }
    return all_well;
}

void probe_run(const probe_request *request, probe_results *out_results)
{
    out_results->items = check_not_null(calloc(probe_scene_count, sizeof *out_results->items));
    out_results->count = probe_scene_count;
    for (size_t i = 0; i < probe_scene_count; i++) {
        out_results->items[i] = (probe_result){
            .scene = probe_scenes[i].name, .refs_slope = NAN, .rss_slope_bytes = NAN};
    }
    play_place(request, WHERE_MAIN, false, out_results);
    bool own = play_place(request, WHERE_OWN, false, out_results);
    play_place(request, WHERE_SHARED, own, out_results);
    play_place(request, WHERE_PRIVATE, own, out_results);
}

void probe_results_free(probe_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        free(results->items[i].detail);
    }
    free(results->items);
    *results = (probe_results){0};
}

/* --- what the module says of itself ------------------------------------------------------------------------------- */

static void read_facts(const json_t *told, probe_facts *facts)
{
    static const probe_init inits[] = {[ISLE_EXTENSION_NO_INIT] = PROBE_INIT_UNKNOWN,
                                       [ISLE_EXTENSION_SINGLE_PHASE] = PROBE_INIT_SINGLE,
                                       [ISLE_EXTENSION_MULTI_PHASE] = PROBE_INIT_MULTI,
                                       [ISLE_EXTENSION_EXPORT] = PROBE_INIT_MULTI};
    static const probe_interpreters interpreters[] = {
        [ISLE_EXTENSION_UNSAID] = PROBE_INTERPRETERS_NONE,
        [ISLE_EXTENSION_NOT_SUPPORTED] = PROBE_INTERPRETERS_NOT_SUPPORTED,
        [ISLE_EXTENSION_SUPPORTED] = PROBE_INTERPRETERS_SHARED_GIL,
        [ISLE_EXTENSION_PER_INTERPRETER_GIL] = PROBE_INTERPRETERS_OWN_GIL};
    static const probe_gil gils[] = {[ISLE_EXTENSION_GIL_UNSAID] = PROBE_GIL_NONE,
                                     [ISLE_EXTENSION_GIL_USED] = PROBE_GIL_USED,
                                     [ISLE_EXTENSION_GIL_NOT_USED] = PROBE_GIL_NOT_USED};
    json_int_t init = 0, interp = 0, gil = 0, state = 0;
    if (json_unpack((json_t *)told, "{s:I, s:I, s:I, s:I}", "init", &init, "interpreters", &interp, "gil", &gil,
                    "state", &state) != 0) {
        return; /* it failed, and says why */
    }
    facts->init = inits[init];
    facts->interpreters = interpreters[interp];
    facts->gil = gils[gil];
    facts->state_bytes = state;
}

void probe_inspect(const probe_request *request, probe_facts *out_facts)
{
    probe_outcome outcome;
    probe_result result = {0};
    struct told told;
    *out_facts = (probe_facts){.end = PROBE_NOT_RUN};
    if (request->file == NULL) {
        out_facts->detail = check_format("built into the engine");
        return;
    }
    if (!run_child(request, PROBE_INSPECT, &outcome, &result)) {
        out_facts->detail = result.detail;
        return;
    }
    read_lines(&outcome.told, &told);
    read_facts(told.result, out_facts);
    json_decref(told.lines);
    read_outcome(&outcome, &result);
    probe_outcome_free(&outcome);
    out_facts->end = result.end;
    out_facts->detail = result.detail;
}

void probe_facts_free(probe_facts *facts)
{
    free(facts->detail);
    *facts = (probe_facts){0};
}
