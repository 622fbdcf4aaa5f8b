/* A table of descriptors for a thread and those that it starts, by unshare(CLONE_FILES).
 *
 * The library's own descriptors (of jobs and queues) stay in the process's table, where the host polls them: a number
 * means nothing in another one. So a thread with a table of its own asks the keeper, a thread of the process's table,
 * to make, set, clear and close them, and waits until it has: 10 to 20 us. The keeper takes no locks of others, so it
 * may be asked with one held. It starts with the first such table and stays.
 *
 * A thread is told apart by the marker, a file that is open at one number in the process's table alone. Where the
 * process closes that by mistake, its threads ask the keeper as well: slower, but right. */
#ifdef __linux__

#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

typedef struct request {
    struct request *next;
    plat_descriptor_work work;
    int fd, result, error;
    plat_gate done;
} request;

static struct {
    plat_lock lock;
    plat_cond cond;
    _Atomic bool there;
    request *first, *last;
    int marker;
    dev_t device;
    ino_t number;
} keeper = {.lock = {PTHREAD_MUTEX_INITIALIZER}, .marker = -1};

enum { UNKNOWN, PROCESS, OWN };
static _Thread_local int table;

/* --- whose table -------------------------------------------------------------------------------------------------- */

static int look(void)
{
    struct stat is;
    bool marked = fstat(keeper.marker, &is) == 0 && is.st_dev == keeper.device && is.st_ino == keeper.number;
    return marked ? PROCESS : OWN;
}

bool plat_descriptors_are_own(void)
{
    if (!atomic_load_explicit(&keeper.there, memory_order_acquire)) {
        return false;
    }
    if (table == UNKNOWN) {
        int saved = errno;
        table = look();
        errno = saved;
    }
    return table == OWN;
}

/* --- the keeper --------------------------------------------------------------------------------------------------- */

static request *next_request(void)
{
    plat_lock_take(&keeper.lock);
    while (keeper.first == NULL) {
        plat_cond_wait(&keeper.cond, &keeper.lock, PLAT_FOREVER);
    }
    request *r = keeper.first;
    keeper.first = r->next;
    keeper.last = keeper.first != NULL ? keeper.last : NULL;
    plat_lock_give(&keeper.lock);
    return r;
}

static void keep(void *unused)
{
    (void)unused;
    table = PROCESS;
    for (;;) {
        request *r = next_request();
        r->result = r->work(r->fd);
        r->error = errno;
        plat_gate_open(&r->done);
    }
}

int plat_descriptors_ask(plat_descriptor_work work, int fd)
{
    request r = {.work = work, .fd = fd};
    plat_lock_take(&keeper.lock);
    *(keeper.last != NULL ? &keeper.last->next : &keeper.first) = &r;
    keeper.last = &r;
    plat_cond_wake_one(&keeper.cond);
    plat_lock_give(&keeper.lock);
    plat_gate_wait(&r.done, PLAT_FOREVER);
    errno = r.error;
    return r.result;
}

static int mark(void)
{
    struct stat is;
    keeper.marker = memfd_create("isles", MFD_CLOEXEC);
    if (keeper.marker < 0 || fstat(keeper.marker, &is) != 0) {
        return errno;
    }
    keeper.device = is.st_dev;
    keeper.number = is.st_ino;
    return 0;
}

/* Lock held. */
static int start_keeper(void)
{
    plat_thread thread;
    plat_cond_init(&keeper.cond);
    int error = mark();
    if (error == 0) {
        error = plat_thread_start(&thread, "isles-keeper", 0, 0, keep, NULL);
    }
    if (error != 0) {
        if (keeper.marker >= 0) {
            close(keeper.marker);
        }
        plat_cond_destroy(&keeper.cond);
        return error;
    }
    plat_thread_detach(thread);
    atomic_store_explicit(&keeper.there, true, memory_order_release);
    return 0;
}

int plat_descriptors_prepare(void)
{
    static plat_lock starting = {PTHREAD_MUTEX_INITIALIZER};
    plat_lock_take(&starting);
    int error = atomic_load(&keeper.there) ? 0 : start_keeper();
    plat_lock_give(&starting);
    return error;
}

/* --- a table of its own ------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return (left > right) - (left < right);
}

/* close_range of glibc 2.34 is not everywhere. */
static int close_from_to(unsigned from, unsigned to)
{
    return from > to || syscall(SYS_close_range, from, to, 0U) == 0 ? 0 : errno;
}

/* `keep` is sorted, and not empty. What lies behind the last is closed as the table is copied, so that is cheap. */
static int close_others(const int *keep_, size_t count)
{
    unsigned from = 0;
    int error = syscall(SYS_close_range, (unsigned)keep_[count - 1] + 1, ~0U, CLOSE_RANGE_UNSHARE) == 0 ? 0 : errno;
    for (size_t i = 0; error == 0 && i < count; i++) {
        unsigned fd = (unsigned)keep_[i];
        error = fd > from ? close_from_to(from, fd - 1) : 0;
        from = fd + 1;
    }
    return error;
}

int plat_descriptors_own(const int *keep_, size_t count)
{
    int *sorted = plat_malloc(count * sizeof *sorted);
    if (sorted == NULL) {
        return ENOMEM;
    }
    memcpy(sorted, keep_, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    int error = close_others(sorted, count);
    plat_free(sorted);
    table = error == 0 ? OWN : table;
    return error;
}

int plat_descriptor_here(int fd)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_getfd)
    int process = (int)syscall(SYS_pidfd_open, getpid(), 0U); /* the table of the process's first thread */
    if (process < 0) {
        return -1;
    }
    int here = (int)syscall(SYS_pidfd_getfd, process, fd, 0U);
    int error = errno;
    close(process);
    errno = error;
    return here;
#else
    (void)fd;
    errno = ENOSYS;
    return -1;
#endif
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

static uint64_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    uint64_t count = 0;
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    bool itself = count > 0 &&
                  plat_kernel_id_self() == (plat_kernel_id)strtol(path + strlen("/proc/self/task/"), NULL, 10);
    if (folder != NULL) {
        closedir(folder);
    }
    return count - itself;
}

/* From Linux 6.2 on the size of the folder is the number of its entries: nothing needs to be opened. */
uint64_t plat_descriptors_count(int32_t thread)
{
    char path[48];
    struct stat info;
    int saved = errno;
    snprintf(path, sizeof path, "/proc/self/task/%d/fd", thread);
    uint64_t count = stat(path, &info) != 0 ? 0 : info.st_size > 0 ? (uint64_t)info.st_size : count_entries(path);
    errno = saved;
    return count;
}

#endif
