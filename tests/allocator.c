#include <stdatomic.h>
#include <stddef.h>
#include <errno.h>

#include "allocator.h"

#define SHOWN __attribute__((visibility("default")))

/* glibc's own, by their other names. */
extern void *__libc_malloc(size_t size);
extern void __libc_free(void *memory);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

SHOWN void *malloc(size_t size)
{
    return __libc_malloc(size);
}

SHOWN void free(void *memory)
{
    __libc_free(memory);
}

SHOWN void *calloc(size_t count, size_t size)
{
    return __libc_calloc(count, size);
}

SHOWN void *realloc(void *memory, size_t size)
{
    return __libc_realloc(memory, size);
}

SHOWN void *memalign(size_t alignment, size_t size)
{
    return __libc_memalign(alignment, size);
}

SHOWN void *aligned_alloc(size_t alignment, size_t size)
{
    return __libc_memalign(alignment, size);
}

SHOWN int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *out = memory;
    return 0;
}

static atomic_bool let_go;

SHOWN bool allocator_hold(void)
{
    while (!atomic_load(&let_go)) {}
    return true;
}

SHOWN void allocator_let_go(void)
{
    atomic_store(&let_go, true);
}
