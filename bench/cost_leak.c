/* What stays in memory after an interpreter has come and gone: the slope of the resident set over many cycles, in a
 * process of its own each time, once through Isles and once by the bare engine. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cost.h"
#include "text.h"

enum { WARM_UP = 20 }; /* until the arenas that are recycled, and malloc's, have been touched all over */

extern char **environ;

const char cost_imports[] =
    "import argparse, asyncio, collections, csv, dataclasses, datetime, decimal, enum, functools, hashlib, json\n"
    "import logging, pathlib, pickle, random, re, sqlite3, subprocess, threading, typing\n";

/* --- the child --------------------------------------------------------------------------------------------------- */

static double resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) {
        must(ISLE_ERR_SYSTEM, NULL, "/proc/self/statm");
    }
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void isles_cycle(isle_runtime *runtime, const char *work)
{
    isle_interp interp;
    isle_error *error = NULL;
    must(isle_interp_create(runtime, NULL, &interp, &error), error, "isle_interp_create");
    must(isle_interp_run(interp, work, ISLE_FOREVER, &error), error, "isle_interp_run");
    must(isle_interp_end(interp, ISLE_FOREVER, &error), error, "isle_interp_end");
}

/* Least squares over (i, y[i]). */
static double slope(const double *y, size_t count)
{
    double middle = ((double)count - 1) / 2, above = 0, below = 0;
    for (size_t i = 0; i < count; i++) {
        above += ((double)i - middle) * y[i];
        below += ((double)i - middle) * ((double)i - middle);
    }
    return below > 0 ? above / below : 0;
}

int leak_child(const char *who, const char *work, size_t cycles)
{
    const char *source = strcmp(work, "imports") == 0 ? cost_imports : "x = [str(i) for i in range(1000)]\n";
    bool through_isles = strcmp(who, "isles") == 0;
    double *resident = text_alloc(cycles * sizeof *resident);
    isle_runtime *runtime = NULL;
    isle_error *error = NULL;
    if (through_isles) {
        must(isle_runtime_start(NULL, &runtime, &error), error, "isle_runtime_start");
    } else {
        bare_start(cost_imports);
    }
    for (size_t i = 0; i < WARM_UP + cycles; i++) {
        if (through_isles) {
            isles_cycle(runtime, source);
        } else {
            bare_end(bare_create(source));
        }
        if (i >= WARM_UP) {
            resident[i - WARM_UP] = resident_bytes();
        }
    }
    printf("%.0f\n", slope(resident, cycles));
    free(resident);
    if (through_isles) {
        must(isle_runtime_stop(runtime, ISLE_FOREVER, &error), error, "isle_runtime_stop");
    }
    fflush(stdout);
    _exit(0); /* the bare engine is left as it is */
}

/* --- the parent -------------------------------------------------------------------------------------------------- */

static int spawn_child(char **argv, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int failed = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* NULL, or why not. */
static char *ask_child(const char *who, const char *work, size_t cycles, double *out_slope)
{
    char *count = text_format("%zu", cycles);
    char *argv[] = {"bench_cost", "--leak-child", (char *)who, (char *)work, count, NULL};
    char answer[64] = "";
    pid_t pid = 0;
    int ends[2], status = 0;
    if (pipe(ends) != 0 || spawn_child(argv, ends[1], &pid) != 0) {
        must(ISLE_ERR_SYSTEM, NULL, "a process");
    }
    close(ends[1]);
    free(count);
    ssize_t got = read(ends[0], answer, sizeof answer - 1);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    close(ends[0]);
    if (got <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return WIFSIGNALED(status) ? text_format("%s, %s: signal %d", who, work, WTERMSIG(status))
                                   : text_format("%s, %s: the process failed", who, work);
    }
    *out_slope = strtod(answer, NULL);
    return NULL;
}

/* An arena more or less is a megabyte: where nothing leaks, it takes many cycles for that not to look like a leak. */
static size_t cycles_for(const struct plan *plan)
{
    return engine_leaks() ? plan->leak_cycles : 4 * plan->leak_cycles;
}

static void measure(const struct plan *plan, const char *work, struct figure *figure)
{
    for (size_t i = 0; i < plan->leak_runs && figure->failed == NULL; i++) {
        double isles = 0, engine = 0;
        figure->failed = ask_child("isles", work, cycles_for(plan), &isles);
        if (figure->failed == NULL) {
            samples_add(&figure->isles, isles);
            figure->failed = ask_child("engine", work, cycles_for(plan), &engine);
            samples_add(&figure->peer, engine);
        }
    }
}

void cost_leak(const struct plan *plan, struct figure *bare, struct figure *imports)
{
    measure(plan, "bare", bare);
    measure(plan, "imports", imports);
}
