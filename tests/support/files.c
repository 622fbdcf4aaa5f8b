/* Temporary files of a test's process: one directory, made when first asked for, removed at the exit of the process
 * that made it. */
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static char directory[256];
static pid_t owner;

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_scratch(void)
{
    if (getpid() == owner) {
        nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

const char *scratch(void)
{
    if (directory[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(directory, sizeof directory, "%s/isles-test-XXXXXX", base != NULL ? base : "/tmp");
        check(mkdtemp(directory) != NULL);
        owner = getpid();
        atexit(remove_scratch);
    }
    return directory;
}

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int failed = mkdir(path, 0755);
        check(failed == 0 || errno == EEXIST);
        *slash = '/';
    }
}

char *write_file(const char *name, const char *format, ...)
{
    va_list list;
    char *path = text_of("%s/%s", scratch(), name);
    make_folders(path);
    FILE *file = fopen(path, "w");
    check(file != NULL);
    va_start(list, format);
    vfprintf(file, format, list);
    va_end(list);
    check(fclose(file) == 0);
    return path;
}

char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    size_t size = 0;
    ssize_t got = getdelim(&text, &size, '\0', file);
    fclose(file);
    if (got < 0) {
        free(text);
        return must(strdup(""));
    }
    return text;
}
