/* The child's side of a probe: one scene, by the public API of libisles, in a process that nobody else needs. Where
 * it is and how it ended go to the parent as lines of JSON (probe_private.h). The process's first thread, and only
 * that. */
#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <isles/isles.h>

#include "probe.h"
#include "probe_private.h"
#include "probe_process.h"
#include "probe_script_source.h"
#include "probe_smoke_source.h"

enum { ROUNDS_BEFORE = 2, ROUNDS = 6 }; /* those before are not measured */

struct child {
    int tell; /* descriptor */
    json_t *request;
    const probe_scene *scene;
    isle_runtime *runtime;
    const char *end; /* static; NULL: all is well yet. The first trouble counts */
    char *detail;    /* owned */
    /* WHAT_AGAIN */
    double refs, rss; /* slopes */
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void tell(struct child *child, json_t *line)
{
    char *text = check_not_null(json_dumps(line, JSON_COMPACT));
    char *whole = check_format("%s\n", text);
    ssize_t written = write(child->tell, whole, strlen(whole));
    (void)written; /* the parent sees what is missing */
    free(whole);
    free(text);
    json_decref(line);
}

static void tell_at(struct child *child, const char *at)
{
    tell(child, json_pack("{s:s}", "at", at));
}

static void tell_end(struct child *child)
{
    json_t *line = json_pack("{s:s, s:s?}", "end", child->end != NULL ? child->end : "ok", "detail", child->detail);
    if (child->scene->what == WHAT_AGAIN) {
        json_object_set_new(line, "refs", json_real(child->refs));
        json_object_set_new(line, "rss", json_real(child->rss));
    }
    tell(child, line);
}

/* Takes `detail` over. `end` is static. */
static void trouble(struct child *child, const char *end, char *detail)
{
    if (child->end != NULL) {
        free(detail);
        return;
    }
    child->end = end;
    child->detail = detail;
}

/* "import" goes without saying: what came first of a scene is told as it is. */
static char *located(const char *at, const char *what)
{
    return strcmp(at, "import") == 0 ? check_format("%s", what) : check_format("%s: %s", at, what);
}

/* Takes the error over. */
static void trouble_of(struct child *child, const char *at, isle_error *error)
{
    bool hung = error != NULL && isle_error_status(error) == ISLE_ERR_STUCK;
    trouble(child, hung ? "hung" : "failed", located(at, isle_error_message(error)));
    isle_error_free(error);
}

/* --- an interpreter ----------------------------------------------------------------------------------------------- */

static char *call_text(struct child *child, const char *what)
{
    json_t *request = json_copy(child->request);
    json_object_set_new(request, "do", json_string(what));
    char *text = check_not_null(json_dumps(request, JSON_COMPACT));
    json_decref(request);
    return text;
}

static isle_value *call_arguments(struct child *child, const char *what)
{
    char *text = call_text(child, what);
    isle_value *arguments = isle_value_new_list();
    isle_value_append(arguments, isle_value_new_str(text));
    free(text);
    return arguments;
}

/* The result of one step in Python: owned; NULL where there was trouble, which is told. */
static json_t *read_answer(struct child *child, const char *at, isle_value *value)
{
    json_t *answer = json_loads(value != NULL ? isle_value_as_str(value, NULL) : "", 0, NULL);
    const char *end = json_string_value(json_object_get(answer, "end"));
    json_t *result = NULL;
    isle_value_free(value);
    if (end != NULL && strcmp(end, "ok") == 0) {
        result = json_incref(json_object_get(answer, "result"));
    } else {
        const char *detail = json_string_value(json_object_get(answer, "detail"));
        bool refused = end != NULL && strcmp(end, "refused") == 0;
        trouble(child, refused ? "refused" : "failed", located(at, detail != NULL ? detail : "no answer"));
    }
    json_decref(answer);
    return result;
}

/* `at` is told and stands in the trouble. */
static json_t *step(struct child *child, isle_interp interp, const char *at, const char *what)
{
    isle_error *error = NULL;
    isle_value *value = NULL, *arguments = call_arguments(child, what);
    tell_at(child, at);
    isle_status status = isle_interp_call(interp, "__main__:isles_probe", arguments, ISLE_FOREVER, &value, &error);
    isle_value_free(arguments);
    if (status != ISLE_OK) {
        trouble_of(child, at, error);
        return NULL;
    }
    return read_answer(child, at, value);
}

static bool do_step(struct child *child, isle_interp interp, const char *at, const char *what)
{
    json_t *result = step(child, interp, at, what);
    json_decref(result);
    return result != NULL;
}

static bool create(struct child *child, const char *name, isle_interp *out_interp)
{
    isle_error *error = NULL;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.name = name;
    config.gil = child->scene->where == WHERE_SHARED ? ISLE_GIL_SHARED : ISLE_GIL_OWN;
    config.extensions = child->scene->where == WHERE_PRIVATE ? ISLE_EXTENSIONS_PRIVATE : ISLE_EXTENSIONS_STRICT;
    config.no_bytecode = true;
    tell_at(child, "making an interpreter");
    isle_status status = isle_interp_create(child->runtime, &config, out_interp, &error);
    if (status == ISLE_ERR_UNSUPPORTED) { /* private copies, where the system or the build has none */
        trouble(child, "not run", check_format("%s", isle_error_message(error)));
        isle_error_free(error);
        return false;
    }
    if (status != ISLE_OK) {
        trouble_of(child, "making an interpreter", error);
        return false;
    }
    static const char *const sources[] = {probe_smoke_source, probe_script_source};
    for (int i = 0; i < 2; i++) {
        if (isle_interp_run(*out_interp, sources[i], ISLE_FOREVER, &error) != ISLE_OK) {
            trouble_of(child, "making an interpreter", error);
            return false;
        }
    }
    return do_step(child, *out_interp, "making an interpreter", "begin");
}

static void end(struct child *child, isle_interp *interp, const char *at)
{
    isle_error *error = NULL;
    tell_at(child, at);
    if (interp->id != 0 && isle_interp_end(*interp, isle_deadline_in(30 * ISLE_SECOND), &error) != ISLE_OK) {
        trouble_of(child, at, error);
    }
    interp->id = 0;
}

/* --- scenes ------------------------------------------------------------------------------------------------------- */

static void play_once(struct child *child)
{
    isle_interp interp = {0};
    if (create(child, "probe", &interp)) {
        do_step(child, interp, "import", "exercise");
    }
    end(child, &interp, "the interpreter's end");
}

static void play_twice(struct child *child)
{
    isle_interp interp = {0};
    if (create(child, "probe", &interp) && do_step(child, interp, "import", "exercise") &&
        do_step(child, interp, "forgetting", "forget")) {
        do_step(child, interp, "second import", "exercise");
    }
    end(child, &interp, "the interpreter's end");
}

static isle_job *submit(struct child *child, isle_interp interp, const char *what)
{
    isle_error *error = NULL;
    isle_job *job = NULL;
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_value *arguments = call_arguments(child, what);
    config.kind = ISLE_JOB_CALL;
    config.target = "__main__:isles_probe";
    config.args = arguments;
    if (isle_job_submit(interp, &config, &job, &error) != ISLE_OK) {
        trouble_of(child, "import", error);
    }
    isle_value_free(arguments);
    return job;
}

static void finish(struct child *child, isle_job *job, const char *at)
{
    isle_error *error = NULL;
    isle_value *value = NULL;
    if (job == NULL) {
        return;
    }
    isle_job_wait(job, ISLE_FOREVER);
    if (isle_job_result(job, &value, &error) != ISLE_OK) {
        trouble_of(child, at, error);
    } else {
        json_decref(read_answer(child, at, value));
    }
    isle_job_free(job);
}

/* Both import and work at the same time. */
static bool work_at_once(struct child *child, const isle_interp *interps)
{
    isle_job *jobs[2];
    tell_at(child, "import in two at once");
    for (int i = 0; i < 2; i++) {
        jobs[i] = submit(child, interps[i], "exercise");
    }
    finish(child, jobs[0], "import in two at once, the first");
    finish(child, jobs[1], "import in two at once, the second");
    return child->end == NULL;
}

static void play_two(struct child *child)
{
    isle_interp interps[2] = {{0}, {0}};
    if (create(child, "probe-1", &interps[0]) && create(child, "probe-2", &interps[1]) &&
        work_at_once(child, interps) && do_step(child, interps[0], "work in the first after the second", "exercise")) {
        end(child, &interps[0], "the first one's end");
        do_step(child, interps[1], "work in the second after the first one's end", "exercise");
    }
    end(child, &interps[0], "the first one's end");
    end(child, &interps[1], "the second one's end");
}

/* --- what is left behind ------------------------------------------------------------------------------------------ */

static double resident_bytes(void)
{
    long pages = 0;
    char text[128] = "";
    malloc_trim(0);
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file >= 0 && read(file, text, sizeof text - 1) > 0) {
        const char *second = strchr(text, ' ');
        pages = second != NULL ? strtol(second, NULL, 10) : 0;
    }
    if (file >= 0) {
        close(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* What the process has, round by round. */
struct growth {
    double refs[ROUNDS], rss[ROUNDS];
};

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* What a round adds, usually, and no more than on the average: once in a while there is a larger step, of malloc's. */
static double slope(const double *items)
{
    double steps[ROUNDS - 1], average = (items[ROUNDS - 1] - items[0]) / (ROUNDS - 1);
    for (int i = 0; i + 1 < ROUNDS; i++) {
        steps[i] = items[i + 1] - items[i];
    }
    qsort(steps, ROUNDS - 1, sizeof steps[0], by_size);
    double median = steps[(ROUNDS - 1) / 2];
    return median < average ? median : average;
}

/* Interpreters, made and ended one after the other, in which `what` is done. The observer is another one, which
 * counts for the whole process. */
static bool grow(struct child *child, isle_interp observer, const char *what, struct growth *out)
{
    for (int i = -ROUNDS_BEFORE; i < ROUNDS; i++) {
        isle_interp interp = {0};
        bool worked = create(child, "probe", &interp) && do_step(child, interp, "import, after others ended", what);
        end(child, &interp, "the end of an interpreter, after others");
        json_t *count = worked ? step(child, observer, "counting", "count") : NULL;
        if (count == NULL) {
            return false;
        }
        if (i >= 0) {
            out->refs[i] = json_number_value(count);
            out->rss[i] = resident_bytes();
        }
        json_decref(count);
    }
    return true;
}

/* What of the standard library comes with the module: CPython 3.13 leaves some of that behind by itself. */
static bool learn_modules(struct child *child)
{
    isle_interp interp = {0};
    json_t *modules = create(child, "probe", &interp) ? step(child, interp, "import", "exercise") : NULL;
    end(child, &interp, "the interpreter's end");
    if (modules != NULL) {
        json_object_set_new(child->request, "modules", modules);
    }
    return modules != NULL;
}

static double not_negative(double number)
{
    return number > 0 ? number : 0;
}

/* A leak is what a round leaves beyond what one without the module does; where CPython leaks by itself, clearly
 * more. */
static void judge_growth(struct child *child, const struct growth *without, const struct growth *with)
{
    const double refs_most = 1, rss_most = 512 * 1024;
    double refs_without = not_negative(slope(without->refs)), rss_without = not_negative(slope(without->rss));
    child->refs = slope(with->refs) - refs_without;
    child->rss = slope(with->rss) - rss_without;
    if (child->refs >= refs_most + refs_without / 4 || child->rss >= rss_most + rss_without / 4) {
        trouble(child, "leaked",
                check_format("each interpreter that ended left %.1f objects and %.0f KiB", not_negative(child->refs),
                             not_negative(child->rss) / 1024));
    }
}

static void play_again(struct child *child)
{
    isle_interp observer = {0};
    struct growth without, with;
    if (learn_modules(child) && create(child, "observer", &observer) && grow(child, observer, "do without", &without) &&
        grow(child, observer, "exercise", &with)) {
        judge_growth(child, &without, &with);
    }
    end(child, &observer, "the observer's end");
}

/* --- whose state -------------------------------------------------------------------------------------------------- */

/* Paths of objects that have the same address in both, which live at the same time. */
static char *shared_objects(const json_t *first, const json_t *second)
{
    enum { NAMED = 5 };
    const char *path;
    const json_t *object;
    char *text = check_format("%s", "");
    size_t count = 0;
    json_object_foreach((json_t *)first, path, object)
    {
        const json_t *other = json_object_get(second, path);
        if (other != NULL && json_equal(json_array_get(object, 0), json_array_get(other, 0)) && ++count <= NAMED) {
            char *longer = check_format("%s%s%s (%s)", text, count > 1 ? ", " : "", path,
                                        json_string_value(json_array_get(object, 1)));
            free(text);
            text = longer;
        }
    }
    if (count > NAMED) {
        char *longer = check_format("%s and %zu more", text, count - NAMED);
        free(text);
        text = longer;
    }
    return text;
}

static void compare_objects(struct child *child, const isle_interp *interps)
{
    json_t *first = step(child, interps[0], "looking at the first one's objects", "objects");
    json_t *second = step(child, interps[1], "looking at the second one's objects", "objects");
    char *shared = shared_objects(first, second);
    if (shared[0] != '\0') {
        trouble(child, "shares", check_format("the same object in both interpreters: %s", shared));
    }
    free(shared);
    json_decref(first);
    json_decref(second);
}

static void compare_state(struct child *child, const isle_interp *interps)
{
    json_t *before = step(child, interps[1], "the second one's state", "state");
    json_t *changed = step(child, interps[0], "a change of the first one's state", "change");
    json_t *after = step(child, interps[1], "the second one's state, after the change", "state");
    if (json_is_string(before) && json_is_string(after) && !json_equal(before, after)) {
        trouble(child, "shares",
                check_format("a change in one interpreter was seen in the other: %.200s became %.200s",
                             json_string_value(before), json_string_value(after)));
    }
    json_decref(before);
    json_decref(changed);
    json_decref(after);
}

static void play_state(struct child *child)
{
    isle_interp interps[2] = {{0}, {0}};
    if (create(child, "probe-1", &interps[0]) && create(child, "probe-2", &interps[1]) &&
        do_step(child, interps[0], "import in the first", "exercise") &&
        do_step(child, interps[1], "import in the second", "exercise")) {
        compare_objects(child, interps);
        if (child->end == NULL) {
            compare_state(child, interps);
        }
    }
    end(child, &interps[0], "the first one's end");
    end(child, &interps[1], "the second one's end");
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static void play(struct child *child)
{
    switch (child->scene->what) {
    case WHAT_ONCE:
        play_once(child);
        return;
    case WHAT_TWICE:
        play_twice(child);
        return;
    case WHAT_TWO:
        play_two(child);
        return;
    case WHAT_AGAIN:
        play_again(child);
        return;
    case WHAT_STATE:
        play_state(child);
        return;
    }
}

static bool start(struct child *child)
{
    isle_error *error = NULL;
    tell_at(child, "the runtime's start");
    if (isle_runtime_start(NULL, &child->runtime, &error) != ISLE_OK) {
        trouble_of(child, "the runtime's start", error);
        return false;
    }
    return true;
}

static void run_isles(struct child *child)
{
    isle_error *error = NULL;
    if (!start(child)) {
        return;
    }
    play(child);
    tell_at(child, "the runtime's end");
    if (isle_runtime_stop(child->runtime, isle_deadline_in(30 * ISLE_SECOND), &error) != ISLE_OK) {
        trouble_of(child, "the runtime's end", error);
    }
}

/* Ends the process: how it would go on is the scenes' affair. */
static void inspect(struct child *child)
{
    isle_error *error = NULL;
    isle_extension_info info = {.size = sizeof info};
    if (start(child)) {
        tell_at(child, "the init function");
        const char *file = json_string_value(json_object_get(child->request, "file"));
        const char *module = json_string_value(json_object_get(child->request, "module"));
        if (isle_extension_inspect(child->runtime, file, module, &info, &error) != ISLE_OK) {
            trouble_of(child, "the init function", error);
        }
    }
    if (child->end == NULL) {
        tell(child, json_pack("{s:s, s:i, s:i, s:i, s:I}", "end", "ok", "init", (int)info.init, "interpreters",
                              (int)info.interpreters, "gil", (int)info.gil, "state", (json_int_t)info.state_size));
    } else {
        tell(child, json_pack("{s:s, s:s?}", "end", child->end, "detail", child->detail));
    }
    _exit(0);
}

/* The main interpreter is the engine's own python: this process becomes it. Returns only where that fails. */
static void become_python(struct child *child)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    if (engine.python == NULL || engine.python[0] == '\0') {
        trouble(child, "not run", check_format("the engine's python is not known"));
        return;
    }
    json_object_set_new(child->request, "tell", json_integer(child->tell));
    json_object_set_new(child->request, "twice", json_boolean(child->scene->what == WHAT_TWICE));
    char *text = check_not_null(json_dumps(child->request, JSON_COMPACT));
    char *source = check_format("%s\n%s", probe_smoke_source, probe_script_source);
    execl(engine.python, engine.python, "-B", "-P", "-c", source, "isles-probe-main", text, (char *)NULL);
    free(source);
    free(text);
    trouble(child, "not run", check_format("the engine's python does not start: %s: %m", engine.python));
}

bool probe_is_child(int argc, char **argv)
{
    return argc >= 3 && strcmp(argv[1], "check") == 0 && strcmp(argv[2], "--probe-child") == 0;
}

int probe_child(int argc, char **argv)
{
    struct child child = {.tell = probe_process_enter(), .request = json_loads(argc > 3 ? argv[3] : "", 0, NULL)};
    json_int_t scene = json_integer_value(json_object_get(child.request, "scene"));
    if (child.request != NULL && scene == PROBE_INSPECT) {
        inspect(&child);
    }
    if (child.request == NULL || scene < 0 || (size_t)scene >= probe_scene_count) {
        return 2;
    }
    child.scene = &probe_scenes[scene];
    if (child.scene->where == WHERE_MAIN) {
        become_python(&child);
    } else {
        run_isles(&child);
    }
    tell_end(&child);
    tell_at(&child, "the process's exit");
    free(child.detail);
    json_decref(child.request);
    return 0;
}
