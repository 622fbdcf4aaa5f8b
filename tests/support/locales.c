/* Locales for tests: made with localedef in a folder of the process's own, which LOCPATH names. */
#include <sys/stat.h>

#include "support.h"

static bool make(const char *folder, const char *name)
{
    char *path = text_of("%s/%s.UTF-8", folder, name);
    const char *const argv[] = {"localedef", "-i", name, "-f", "UTF-8", path, NULL};
    process p = process_run(argv, 60 * ISLE_SECOND);
    bool made = p.status == 0;
    process_free(&p);
    free(path);
    return made;
}

bool locales_begin(void)
{
    if (getenv("LOCPATH") != NULL) { /* a child */
        return true;
    }
    char *folder = text_of("%s/locales", scratch());
    struct stat sources;
    bool made = stat("/usr/share/i18n/locales/de_DE", &sources) == 0 && mkdir(folder, 0755) == 0 &&
                make(folder, "de_DE") && make(folder, "fr_FR");
    if (made) {
        chmod(scratch(), 0755); /* for a user without privilege */
        setenv("LOCPATH", folder, 1);
    }
    free(folder);
    return made;
}
