/* The bytes of a copy: in memory (memfd_create), or, where the system won't run code from there (vm.memfd_noexec), in a
 * file without a name. Either is gone when the last one who maps it is, so a crash leaves nothing behind. Any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library_copy_private.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3: said of what is to be run, where the default is that it can't be */
#endif

static _Atomic unsigned numbers;
static _Atomic int begin_with = PLAT_COPY_MEMFD;

void plat_copies_begin_with(plat_copy_medium medium)
{
    atomic_store(&begin_with, (int)medium);
}

unsigned library_number(void)
{
    return atomic_fetch_add(&numbers, 1) + 1;
}

static int make_memfd(const char *shown_as)
{
    char name[200];
    snprintf(name, sizeof name, "%.190s", shown_as);
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    return fd >= 0 || errno != EINVAL ? fd : memfd_create(name, MFD_CLOEXEC);
}

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

static int make_unlinked(void)
{
    char *name = plat_printf("%s/isles-library-XXXXXX", temporary_folder());
    int fd = name != NULL ? mkostemp(name, O_CLOEXEC) : -1;
    if (fd >= 0) {
        unlink(name);
    }
    plat_free(name);
    return fd;
}

static int make_medium(plat_copy_medium medium, const char *shown_as)
{
    switch (medium) {
    case PLAT_COPY_MEMFD:
        return make_memfd(shown_as);
    case PLAT_COPY_TMPFILE:
        return open(temporary_folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0700);
    default:
        return make_unlinked();
    }
}

/* May it be mapped to be run? */
static bool runs(int fd)
{
    void *page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (page != MAP_FAILED) {
        munmap(page, 1);
    }
    return page != MAP_FAILED;
}

static bool copy_bytes(int from, int to, size_t size)
{
    off_t at = 0;
    while ((size_t)at < size) {
        ssize_t sent = sendfile(to, from, &at, size - (size_t)at);
        if (sent == 0) {
            errno = EIO; /* it has become shorter */
        }
        if (sent <= 0) {
            return false;
        }
    }
    return true;
}

/* The linker takes one name for one library, and descriptors are used again: so the name spells a number, a slash or a
 * slash and a dot for each bit. The descriptor is looked up in the calling thread's table, since threads may have their
 * own; and by its number as /proc has it, since a debugger that looks at the name then must not find its own. */
static void spell_name(char *name, int descriptor)
{
    char self[48] = "thread-self";
    ssize_t len = readlink("/proc/thread-self", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
    }
    name += sprintf(name, "/proc/%s/fd", self);
    for (unsigned number = library_number(); number > 0; number >>= 1) {
        name += sprintf(name, number % 2 == 1 ? "/." : "/");
    }
    sprintf(name, "/%d", descriptor);
}

static char *why_none(const char *shown_as, const int *errors)
{
    const char *folder = temporary_folder(), *unlinked = strerrordesc_np(errors[PLAT_COPY_UNLINKED]);
    const char *memory = strerrordesc_np(errors[PLAT_COPY_MEMFD]);
    return plat_printf("%s: no copy could be made: in memory: %s; in %s: %s", shown_as,
                       memory != NULL ? memory : "unknown error", folder,
                       unlinked != NULL ? unlinked : "unknown error");
}

bool library_file_make(library_file *f, int original, const char *shown_as, char **out_error)
{
    struct stat about;
    int errors[PLAT_COPY_MEDIA] = {0};
    if (fstat(original, &about) != 0) {
        *out_error = plat_printf("%s: no copy could be made: %s", shown_as, strerror(errno));
        return false;
    }
    *f = (library_file){.original = original, .size = (size_t)about.st_size, .first_patch = SIZE_MAX};
    for (int medium = atomic_load(&begin_with); medium < PLAT_COPY_MEDIA; medium++) {
        f->copy = make_medium((plat_copy_medium)medium, shown_as);
        if (f->copy >= 0 && copy_bytes(original, f->copy, f->size) && runs(f->copy)) {
            f->medium = (plat_copy_medium)medium;
            spell_name(f->name, f->copy);
            return true;
        }
        errors[medium] = errno;
        library_file_close(f);
    }
    *out_error = why_none(shown_as, errors);
    return false;
}

void *library_code_map(const void *code, size_t size)
{
    void *at = MAP_FAILED;
    int error = ENOSYS;
    for (int medium = atomic_load(&begin_with); at == MAP_FAILED && medium < PLAT_COPY_MEDIA; medium++) {
        int fd = make_medium((plat_copy_medium)medium, "isles-calls");
        bool written = fd >= 0 && write(fd, code, size) == (ssize_t)size;
        at = written ? mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        error = errno;
        if (fd >= 0) {
            close(fd);
        }
    }
    errno = error;
    return at != MAP_FAILED ? at : NULL;
}

bool library_file_write(const library_file *f, size_t offset, const void *bytes, size_t size)
{
    return pwrite(f->copy, bytes, size, (off_t)offset) == (ssize_t)size;
}

bool library_file_patch(library_file *f, size_t offset, const void *bytes, size_t size)
{
    if (!library_file_write(f, offset, bytes, size)) {
        return false;
    }
    f->first_patch = offset < f->first_patch ? offset : f->first_patch;
    f->last_patch = offset + size - 1 > f->last_patch ? offset + size - 1 : f->last_patch;
    return true;
}

void library_file_close(library_file *f)
{
    if (f->copy >= 0) {
        close(f->copy);
    }
    f->copy = -1;
}
