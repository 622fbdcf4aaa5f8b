/* Memory: the process's allocator behind one door, so that a test build can make any allocation fail. A size of zero
 * gives a pointer of its own, so that NULL always means "out of memory". Any thread. */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <malloc.h>
#endif

/* See plat_keep_freed(). All three are said, since mallopt(3) stops glibc from adjusting the other two when one is. */
enum { KEPT_TOP = 2 << 20, KEPT_MOST = 8 << 20, MAPPED_FROM = 32 << 20 };

/* One more lives, or there is no memory. */
static void *counted(void *memory)
{
    plat_live_add(memory ? 1 : 0);
    return memory;
}

void *plat_malloc(size_t size)
{
    return plat_fault_hit() ? NULL : counted(malloc(size ? size : 1));
}

void *plat_calloc(size_t count, size_t size)
{
    if (plat_fault_hit()) {
        return NULL;
    }
    return counted(count && size ? calloc(count, size) : calloc(1, 1));
}

void *plat_realloc(void *old, size_t size)
{
    if (plat_fault_hit()) {
        return NULL;
    }
    void *memory = realloc(old, size ? size : 1);
    return old ? memory : counted(memory);
}

char *plat_strdup(const char *text)
{
    return text ? plat_strndup(text, strlen(text)) : NULL;
}

char *plat_strndup(const char *text, size_t len)
{
    len = strnlen(text, len);
    char *copy = plat_malloc(len + 1);
    if (!copy) {
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *plat_printf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : plat_malloc((size_t)len + 1);
    if (text) {
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

void plat_free(void *memory)
{
    plat_live_add(memory ? -1 : 0);
    free(memory);
}

bool plat_has_block_size(void)
{
#if defined(__linux__)
    return true;
#else
    return false;
#endif
}

size_t plat_block_size(const void *block)
{
#if defined(__linux__)
    return malloc_usable_size((void *)block);
#else
    (void)block;
    return 0;
#endif
}

#if defined(__GLIBC__)
/* mallopt(3), "ENVIRONMENT VARIABLES" */
static bool malloc_was_set(void)
{
    const char *tunables = getenv("GLIBC_TUNABLES");
    return getenv("MALLOC_TOP_PAD_") || getenv("MALLOC_TRIM_THRESHOLD_") || getenv("MALLOC_MMAP_THRESHOLD_") ||
           (tunables && strstr(tunables, "glibc.malloc."));
}

bool plat_keep_freed(void)
{
    return !malloc_was_set() && mallopt(M_TOP_PAD, KEPT_TOP) && mallopt(M_TRIM_THRESHOLD, KEPT_MOST) &&
           mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
}
#else
bool plat_keep_freed(void)
{
    return false;
}
#endif
