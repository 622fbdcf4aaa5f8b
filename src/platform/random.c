/* Random bits, for seeds only. Any thread. */
#include "platform.h"

#include <unistd.h>

uint64_t plat_random(void)
{
    uint64_t bits;
    if (getentropy(&bits, sizeof(bits)) != 0) { /* an old kernel, or a filter of system calls */
        bits = (uint64_t)plat_now() * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)&bits;
    }
    return bits;
}
