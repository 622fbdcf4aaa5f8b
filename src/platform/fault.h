/* The seam of the fault-injection build, for this room's own files: each allocation and thread creation asks here first
 * whether it is the one that shall fail. In other builds the answer is a constant. */
#ifndef ISLES_FAULT_H
#define ISLES_FAULT_H

#include "platform.h"

#ifdef ISLES_FAULTS
bool plat_fault_hit(void); /* true: fail now. Thread-safe */
void plat_live_add(long change);
#else
static inline bool plat_fault_hit(void)
{
    return false;
}
static inline void plat_live_add(long change)
{
    (void)change;
}
#endif

#endif
