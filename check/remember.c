/* The file of verdicts: {"<SHA-256>": {"3.14": {"verdict": "private copy", "isles": "0.1.0"}}}. `extensions = auto`
 * reads it. Written whole beside it and renamed, under a lock file, so that readers see the old one or the new one
 * and two writers lose nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <isles/isles.h>
#include <jansson.h>

#include "verdict.h"

/* XDG_CACHE_HOME/isles or ~/.cache/isles; NULL: no home. */
static char *cache_folder(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') {
        return check_format("%s/isles", cache);
    }
    return home != NULL && home[0] == '/' ? check_format("%s/.cache/isles", home) : NULL;
}

/* With all that lead to it. */
static bool make_folder(const char *path)
{
    char *part = check_copy(path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(part, 0777);
        *slash = '/';
    }
    bool made = mkdir(part, 0777) == 0 || errno == EEXIST;
    free(part);
    return made;
}

static json_t *object_in(json_t *object, const char *key)
{
    json_t *inner = json_object_get(object, key);
    if (!json_is_object(inner)) {
        inner = json_object();
        json_object_set_new(object, key, inner);
    }
    return inner;
}

/* Only what was tried: not where there were no private copies to try. */
static bool is_remembered(const check_extension *extension)
{
    if (extension->verdict != VERDICT_OWN && extension->verdict != VERDICT_BROKEN &&
        verdict_end_of(extension, PROBE_PRIVATE) == PROBE_NOT_RUN) {
        return false;
    }
    return extension->basis != NULL && strcmp(extension->basis, "probes") == 0 && extension->sha256[0] != '\0';
}

static void add_verdicts(json_t *verdicts, const check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const check_extension *extension = &report->items[i];
        if (is_remembered(extension)) {
            json_t *verdict = json_object();
            json_object_set_new(verdict, "verdict", json_string(check_verdict_name(extension->verdict)));
            json_object_set_new(verdict, "isles", json_string(isle_version()));
            json_object_set_new(object_in(verdicts, extension->sha256), report->engine_short, verdict);
        }
    }
}

static char *write_whole(const json_t *verdicts, const char *path)
{
    char *beside = check_format("%s.%ld", path, (long)getpid());
    char *why = NULL;
    if (json_dump_file(verdicts, beside, JSON_INDENT(1) | JSON_SORT_KEYS) != 0 || rename(beside, path) != 0) {
        why = check_format("%s can't be written: %s", path, strerror(errno));
        unlink(beside);
    }
    free(beside);
    return why;
}

static char *update(const check_report *report, const char *folder)
{
    char *path = check_format("%s/verdicts.json", folder), *lock = check_format("%s/verdicts.lock", folder);
    int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    char *why;
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        why = check_format("%s: %s", lock, strerror(errno));
    } else {
        json_t *verdicts = json_load_file(path, 0, NULL);
        if (!json_is_object(verdicts)) { /* none, or damaged: it is a cache */
            json_decref(verdicts);
            verdicts = json_object();
        }
        add_verdicts(verdicts, report);
        why = write_whole(verdicts, path);
        json_decref(verdicts);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(path);
    free(lock);
    return why;
}

char *check_remember(const check_report *report)
{
    bool any = false;
    for (size_t i = 0; i < report->count; i++) {
        any = any || is_remembered(&report->items[i]);
    }
    char *folder = any ? cache_folder() : NULL;
    if (folder == NULL) {
        return NULL;
    }
    char *why = make_folder(folder) ? update(report, folder) : check_format("%s: %s", folder, strerror(errno));
    free(folder);
    return why;
}
