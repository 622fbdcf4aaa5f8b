/* isles: finds the command and hands over to it. A new command is one line of the table, one of commands.h
 * and its text in help.c. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <isles/isles.h>

#include "commands.h"
#include "probe.h"
#include "help.h"
#include "text.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
    const char *help;
} commands[] = {
    {"run", cmd_run, "run programs side by side, each in an interpreter of its own", help_run},
    {"info", cmd_info, "the engine, what it supports, its defects and what is done about them", help_info},
    {"check", cmd_check, "which extension modules are safe in which interpreters, and why", help_check},
    {"bench", cmd_bench, "compare threads, interpreters and processes on this machine", help_bench},
    {"help", cmd_help, "this text, or that of one command", help_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs("Isles: many isolated Python interpreters in one process.\n\n"
          "Usage: isles COMMAND [options]\n       isles --version\n\nCommands:\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n`isles COMMAND --help` says more; `man isles` says all.\n", out);
}

/* `before`: the words that go before its name. */
static int unknown_command(const char *before, const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = text_nearest(name, names, COMMAND_COUNT);
    size_t len = strlen(name);
    if (nearest != NULL) {
        complain("unknown command: %s (did you mean %s %s?)", name, before, nearest);
    } else if (len > 3 && strcmp(name + len - 3, ".py") == 0) {
        complain("unknown command: %s (to run it: isles run %s)", name, name);
    } else {
        complain("unknown command: %s (isles help lists them)", name);
    }
    return EXIT_USAGE;
}

int cmd_help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return 0;
    }
    if (argv[1][0] == '-') {
        fputs(help_help, stdout);
        return strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ? 0 : EXIT_USAGE;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL) {
        return unknown_command("isles help", argv[1]);
    }
    fputs(command->help, stdout);
    return 0;
}

static int print_version(void)
{
    isle_engine_info engine = {.size = sizeof engine};
    if (isle_engine_describe(&engine) == ISLE_OK) {
        printf("isles %s (CPython %s)\n", isle_version(), engine.version);
    } else {
        printf("isles %s\n", isle_version());
    }
    return 0;
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        return print_version();
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_overview(stdout);
        return 0;
    }
    if (word[0] == '-') {
        complain("%s: a command comes first (isles run %s ...)", word, word);
        return EXIT_USAGE;
    }
    const struct command *command = find_command(word);
    return command != NULL ? command->run(argc - 1, argv + 1) : unknown_command("isles", word);
}

/* Whoever starts us with a standard descriptor closed must not find a file of ours under its number. */
static void open_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* The locale's characters, as python takes them (PEP 538: C means C.UTF-8). Its other categories are for programs
 * to ask for. */
static void take_locale(void)
{
    const char *locale = setlocale(LC_CTYPE, "");
    if (locale == NULL || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0) {
        setlocale(LC_CTYPE, "C.UTF-8");
    }
}

/* Destructors of C++ in copies of extensions (docs/extensions.md) would run after their interpreter has gone. */
static bool copies_are_left(void)
{
    isle_engine_info engine = {.size = sizeof engine};
    return isle_engine_describe(&engine) == ISLE_OK && engine.extension_copies_left + engine.extension_copies > 0;
}

int main(int argc, char **argv)
{
    if (probe_is_child(argc, argv)) { /* of isles check */
        return probe_child(argc, argv);
    }
    open_standard_descriptors();
    take_locale();
    int status = run_command(argc, argv);
    if (fflush(stdout) != 0 && status == 0) {
        perror("isles: standard output");
        status = 1;
    }
    if (copies_are_left()) {
        fflush(NULL);
        _exit(status);
    }
    return status;
}
