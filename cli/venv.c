/* Reads pyvenv.cfg for the Python version. The library checks it again; the command line wants to know before
 * anything starts. */
#include "venv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* "version = 3.14.8" (venv), "version_info = 3.14.8.final.0" (virtualenv, uv). */
static bool read_version(const char *line, int *major, int *minor)
{
    char key[32];
    return sscanf(line, " %31[a-z_] = %d.%d", key, major, minor) == 3 &&
           (strcmp(key, "version") == 0 || strcmp(key, "version_info") == 0);
}

enum venv_check venv_look(const char *dir, int engine_version_hex, char *version, size_t size)
{
    char *path = text_format("%s/pyvenv.cfg", dir);
    FILE *file = fopen(path, "re");
    free(path);
    version[0] = '\0';
    if (file == NULL) {
        return VENV_NONE;
    }
    char line[1024];
    int major = engine_version_hex >> 24, minor = engine_version_hex >> 16 & 0xff;
    while (fgets(line, sizeof line, file) != NULL) {
        if (read_version(line, &major, &minor)) {
            snprintf(version, size, "%d.%d", major, minor);
            break;
        }
    }
    fclose(file);
    return (major << 8 | minor) == engine_version_hex >> 16 ? VENV_OK : VENV_OTHER_VERSION;
}
