/* Examining: worker threads take one extension after the other; the caller's thread hears of each in the report's
 * order. Of an extension only its worker knows, until it is marked done. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "verdict.h"

struct work {
    const check_options *options;
    check_report *report;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    size_t next; /* to be taken */
    bool *done;
    size_t workers; /* that run */
};

/* --- one of them --------------------------------------------------------------------------------------------- */

/* A file that a search found, and that is no extension module: a library, a linker's script. */
static bool is_library(const check_extension *extension)
{
    if (extension->file == NULL || strcmp(extension->target, extension->shown) == 0) {
        return false; /* named by somebody */
    }
    return extension->elf.trouble != NULL
               ? extension->tag[0] == '\0' && strcmp(extension->elf.trouble, "not an ELF file") == 0
               : extension->elf.inits.count == 0;
}

/* The libraries that its folders have, and not only the system: with paths. */
static void find_bundled(check_extension *extension)
{
    const char *slash = strrchr(extension->file, '/');
    char *origin = check_format("%.*s", (int)(slash != NULL ? slash - extension->file : 0), extension->file);
    for (size_t i = 0; i < extension->elf.run_path.count; i++) {
        const char *folder = extension->elf.run_path.items[i];
        size_t skip = strncmp(folder, "$ORIGIN", 7) == 0 ? 7 : strncmp(folder, "${ORIGIN}", 9) == 0 ? 9 : 0;
        if (skip == 0) {
            continue; /* somewhere else on the machine */
        }
        for (size_t j = 0; j < extension->elf.needed.count; j++) {
            const char *name = extension->elf.needed.items[j];
            char *path = check_format("%s%s/%s", origin, folder + skip, name);
            if (access(path, R_OK) == 0 && !check_strings_has(&extension->bundled, name)) {
                check_strings_add(&extension->bundled, name);
            }
            free(path);
        }
    }
    free(origin);
}

static probe_request request_of(const check_options *options, const check_extension *extension)
{
    return (probe_request){.module = extension->module,
                           .file = extension->file,
                           .path = extension->path != NULL ? (const char *const *)extension->path->items : NULL,
                           .path_count = extension->path != NULL ? extension->path->count : 0,
                           .snippet = options->snippet,
                           .deadline_ns = options->timeout_ns};
}

/* Is there anything to probe? Says why not. */
static bool can_run(const check_options *options, check_extension *extension)
{
    if (options->only_static || extension->elf.trouble != NULL) {
        return false;
    }
    if (extension->elf.foreign) {
        check_strings_take(&extension->reasons, check_format("for another machine (%s, %d bits): not probed",
                                                             extension->elf.machine, extension->elf.bits));
    } else if (!extension->fits) {
        check_strings_take(&extension->reasons, check_format("for another engine%s%s: not probed",
                                                             extension->tag[0] != '\0' ? ": " : "", extension->tag));
    }
    return !extension->elf.foreign && extension->fits;
}

static void examine(const check_options *options, check_extension *extension)
{
    if (extension->file != NULL) {
        elf_facts_read(extension->file, &extension->elf);
    }
    if (extension->elf.trouble == NULL && extension->file != NULL) {
        find_bundled(extension);
    }
    extension->skipped = is_library(extension);
    if (!extension->skipped && can_run(options, extension)) {
        probe_request request = request_of(options, extension);
        probe_inspect(&request, &extension->said);
        probe_run(&request, &extension->probes);
    }
    if (!extension->skipped) {
        verdict_decide(extension);
        verdict_advise(extension);
    }
}

/* --- all of them --------------------------------------------------------------------------------------------- */

static bool stopped(const check_options *options)
{
    return options->stop != NULL && *options->stop != 0;
}

static void *run_worker(void *argument)
{
    struct work *work = argument;
    pthread_mutex_lock(&work->lock);
    while (work->next < work->report->count && !stopped(work->options)) {
        size_t index = work->next++;
        pthread_mutex_unlock(&work->lock);
        examine(work->options, &work->report->items[index]);
        pthread_mutex_lock(&work->lock);
        work->done[index] = true;
        pthread_cond_signal(&work->changed);
    }
    work->workers--;
    pthread_cond_signal(&work->changed);
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

static void tell(struct work *work, check_done_fn *done, void *ctx)
{
    pthread_mutex_lock(&work->lock);
    for (size_t told = 0; told < work->report->count;) {
        if (work->done[told]) {
            pthread_mutex_unlock(&work->lock);
            if (done != NULL) {
                done(ctx, work->report, told);
            }
            told++;
            pthread_mutex_lock(&work->lock);
        } else if (work->workers == 0) {
            break; /* stopped */
        } else {
            pthread_cond_wait(&work->changed, &work->lock);
        }
    }
    pthread_mutex_unlock(&work->lock);
}

static size_t worker_count(const check_options *options, size_t most)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = options->jobs > 0 ? options->jobs : processors > 0 ? (size_t)processors : 1;
    return count < most ? count : most;
}

/* Those that bind to the same bundled library. */
static void find_sharers(check_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        check_extension *one = &report->items[i];
        for (size_t j = 0; j < report->count && one->bundled.count > 0; j++) {
            const check_extension *other = &report->items[j];
            for (size_t k = 0; i != j && k < one->bundled.count; k++) {
                if (check_strings_has(&other->bundled, one->bundled.items[k]) &&
                    !check_strings_has(&one->shared_with, other->module)) {
                    check_strings_add(&one->shared_with, other->module);
                }
            }
        }
    }
}

void check_examine(const check_options *options, check_report *report, check_done_fn *done, void *ctx)
{
    struct work work = {.options = options, .report = report};
    size_t wanted = worker_count(options, report->count), begun = 0;
    pthread_t *threads = check_alloc(wanted * sizeof *threads);
    work.done = check_alloc(report->count * sizeof *work.done);
    pthread_mutex_init(&work.lock, NULL);
    pthread_cond_init(&work.changed, NULL);
    work.workers = wanted;
    while (begun < wanted && pthread_create(&threads[begun], NULL, run_worker, &work) == 0) {
        begun++;
    }
    pthread_mutex_lock(&work.lock);
    work.workers -= wanted - begun;
    pthread_mutex_unlock(&work.lock);
    if (begun == 0 && wanted > 0) { /* no thread to be had */
        work.workers = 1;
        run_worker(&work);
    }
    tell(&work, done, ctx);
    for (size_t i = 0; i < begun; i++) {
        pthread_join(threads[i], NULL);
    }
    find_sharers(report);
    pthread_cond_destroy(&work.changed);
    pthread_mutex_destroy(&work.lock);
    free(work.done);
    free(threads);
}
