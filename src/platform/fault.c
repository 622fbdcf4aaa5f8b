/* Fault injection (builds with ISLES_FAULTS): one counter for the whole process. Any thread may count; the test that
 * sets it does so while nobody else allocates, else "the n-th" has no meaning. */
#include "fault.h"

#ifdef ISLES_FAULTS

static _Atomic long counted;
static _Atomic long failing; /* 0: none */

void plat_fault_set(long n)
{
    atomic_store(&failing, 0);
    atomic_store(&counted, 0);
    atomic_store(&failing, n);
}

long plat_fault_count(void)
{
    return atomic_load(&counted);
}

static _Atomic long live;

void plat_live_add(long change)
{
    atomic_fetch_add(&live, change);
}

long plat_live_count(void)
{
    return atomic_load(&live);
}

bool plat_fault_hit(void)
{
    return atomic_fetch_add(&counted, 1) + 1 == atomic_load(&failing);
}

#else

typedef int plat_no_faults; /* ISO C wants something in a source file */

#endif
