/* Finds what a library needs as the dynamic linker does by DT_RPATH and DT_RUNPATH. It has to be done by hand since a
 * copy lies elsewhere: its $ORIGIN would be a folder of /proc. What is found by other means (LD_LIBRARY_PATH, the
 * system's folders) is left to the linker. Any thread. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "library_copy_private.h"

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash != NULL ? plat_strndup(file, (size_t)(slash - file)) : plat_strdup(".");
}

/* "$ORIGIN/../libs" or "${ORIGIN}/..."; NULL: another variable, or no memory. */
static char *expand(const char *folder, size_t len, const char *origin)
{
    static const char *const forms[] = {"$ORIGIN", "${ORIGIN}"};
    for (size_t i = 0; i < 2; i++) {
        size_t form = strlen(forms[i]);
        if (len >= form && strncmp(folder, forms[i], form) == 0) {
            return plat_printf("%s%.*s", origin, (int)(len - form), folder + form);
        }
    }
    return memchr(folder, '$', len) == NULL && len > 0 ? plat_strndup(folder, len) : NULL;
}

static char *find_in_folder(const char *folder, const char *name)
{
    struct stat about;
    char *file = plat_printf("%s/%s", folder, name);
    if (file != NULL && stat(file, &about) == 0 && S_ISREG(about.st_mode)) {
        return file;
    }
    plat_free(file);
    return NULL;
}

static char *find_in(const char *folders, const char *file, const char *name)
{
    char *found = NULL, *origin = folders != NULL ? folder_of(file) : NULL;
    while (origin != NULL && found == NULL && *folders != '\0') {
        size_t len = strcspn(folders, ":");
        char *folder = expand(folders, len, origin);
        found = folder != NULL ? find_in_folder(folder, name) : NULL;
        plat_free(folder);
        folders += len + (folders[len] == ':');
    }
    plat_free(origin);
    return found;
}

char *library_find(const library_place *place, const char *name)
{
    const char *own = elf_image_entry(place->image, DT_RUNPATH);
    if (strchr(name, '/') != NULL) {
        return NULL;
    }
    if (own != NULL) {
        return find_in(own, place->file, name);
    }
    char *found = NULL;
    for (const library_place *p = place; p != NULL && found == NULL; p = p->wanted_by) {
        if (elf_image_entry(p->image, DT_RUNPATH) == NULL) {
            found = find_in(elf_image_entry(p->image, DT_RPATH), p->file, name);
        }
    }
    return found;
}
