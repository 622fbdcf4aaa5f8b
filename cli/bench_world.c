/* What a run of `isles bench` happens in: a folder with the Python module that every peer imports, a runtime, an
 * interpreter for threads, a pool of warm ones, and the helper process. Owned by the command's thread. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "bench_peers_source.h" /* made by CMake from bench_peers.py */
#include "text.h"

#define PATIENCE (60 * ISLE_SECOND)

char *why_from(isle_error *error)
{
    char *why = text_copy(error != NULL ? isle_error_message(error) : "no reason given");
    isle_error_free(error);
    return why;
}

/* --- the folder -------------------------------------------------------------------------------------------------- */

static char *write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return text_format("%s: %s", path, strerror(errno));
    }
    bool failed = fputs(text, file) < 0;
    failed = fclose(file) != 0 || failed;
    return failed ? text_format("%s: %s", path, strerror(errno)) : NULL;
}

static char *make_folder(char **out_folder)
{
    const char *parent = getenv("TMPDIR");
    char *folder = text_format("%s/isles-bench-XXXXXX", parent != NULL && parent[0] != '\0' ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        char *why = text_format("%s: %s", folder, strerror(errno));
        free(folder);
        return why;
    }
    *out_folder = folder;
    char *path = text_format("%s/isles_bench_peers.py", folder);
    char *why = write_file(path, bench_peers_source);
    free(path);
    return why;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_folder(char *folder)
{
    if (folder != NULL) {
        nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
        free(folder);
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* Anonymous memory alone: pages of libraries are shared with whatever else the machine runs just now. */
double process_memory(pid_t pid)
{
    static const char field[] = "Pss_Anon:";
    char path[64];
    char line[256];
    unsigned long kib = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)(pid != 0 ? pid : getpid()));
    FILE *file = fopen(path, "re");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, field, sizeof field - 1) == 0;
        kib = found ? strtoul(line + sizeof field - 1, NULL, 10) : 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found ? (double)kib * 1024 : -1;
}

/* --- interpreters ------------------------------------------------------------------------------------------------ */

static isle_interp_config interp_config(const struct world *world)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.path = (const char *const *)&world->folder;
    config.path_count = 1;
    return config;
}

char *world_create_interp(struct world *world, isle_interp *out_interp)
{
    isle_interp_config config = interp_config(world);
    isle_error *error = NULL;
    return isle_interp_create(world->runtime, &config, out_interp, &error) == ISLE_OK ? NULL : why_from(error);
}

char *world_call(isle_interp interp, const char *function, const int64_t *args, size_t count, isle_value **out_value)
{
    isle_error *error = NULL;
    isle_value *list = isle_value_new_list();
    for (size_t i = 0; i < count; i++) {
        isle_value_append(list, isle_value_new_int(args[i]));
    }
    char *target = text_format("isles_bench_peers:%s", function);
    isle_status status = isle_interp_call(interp, target, list, isle_deadline_in(PATIENCE), out_value, &error);
    free(target);
    isle_value_free(list);
    return status == ISLE_OK ? NULL : why_from(error);
}

static char *fill_pool(struct world *world, isle_interp *interps)
{
    isle_error *error = NULL;
    for (size_t i = 0; i < BENCH_POOL; i++) {
        if (isle_pool_acquire(world->pool, isle_deadline_in(PATIENCE), &interps[i], &error) != ISLE_OK) {
            return why_from(error);
        }
        char *why = world_call(interps[i], "add_one", &(int64_t){1}, 1, NULL);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

/* The pool comes before any interpreter has ended, so that none of its memory was there before. */
static char *make_pool(struct world *world)
{
    isle_interp_config interp = interp_config(world);
    isle_pool_config config = ISLE_POOL_CONFIG_INIT;
    config.capacity = BENCH_POOL;
    config.reuse = ISLE_REUSE_RESET;
    config.interp = &interp;
    isle_error *error = NULL;
    isle_interp interps[BENCH_POOL] = {{0}};
    double before = process_memory(0);
    if (isle_pool_create(world->runtime, &config, &world->pool, &error) != ISLE_OK) {
        return why_from(error);
    }
    char *why = fill_pool(world, interps);
    double after = process_memory(0);
    world->pool_memory = (after - before) / BENCH_POOL;
    for (size_t i = 0; i < BENCH_POOL; i++) {
        if (interps[i].id != 0) {
            isle_pool_release(world->pool, interps[i]);
        }
    }
    return why;
}

/* How many rounds of the CPU loop take so long on this machine. */
static char *calibrate(struct world *world, int64_t spin_ns)
{
    enum { TRIAL = 200000 };
    int64_t best = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t before = isle_now();
        char *why = world_call(world->home, "spin", &(int64_t){TRIAL}, 1, NULL);
        if (why != NULL) {
            return why;
        }
        int64_t took = isle_now() - before;
        best = took < best ? took : best;
    }
    world->spin = (size_t)((double)TRIAL * (double)spin_ns / (double)(best > 0 ? best : 1)) + 1;
    return NULL;
}

static char *start_runtime(struct world *world)
{
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.host_functions = channel_functions;
    config.host_function_count = CHANNEL_FUNCTIONS;
    isle_error *error = NULL;
    return isle_runtime_start(&config, &world->runtime, &error) == ISLE_OK ? NULL : why_from(error);
}

char *world_open(struct world *world, int64_t spin_ns)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    char *why = make_folder(&world->folder);
    why = why != NULL ? why : helper_start(&world->helper, engine.python, world->folder);
    why = why != NULL ? why : start_runtime(world);
    why = why != NULL ? why : world_create_interp(world, &world->home);
    why = why != NULL ? why : calibrate(world, spin_ns);
    return why != NULL ? why : make_pool(world);
}

void world_close(struct world *world)
{
    int64_t deadline = isle_deadline_in(5 * ISLE_SECOND);
    helper_stop(&world->helper);
    isle_pool_destroy(world->pool, deadline, NULL);
    isle_runtime_stop(world->runtime, deadline, NULL);
    remove_folder(world->folder);
}
