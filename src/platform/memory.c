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
