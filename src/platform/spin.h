/* For gates only: a look before a sleep. */
#ifndef ISLES_SPIN_H
#define ISLES_SPIN_H

#include "platform.h"

typedef enum spin_result { SPIN_OPEN, SPIN_IN_VAIN, SPIN_NOT_WANTED } spin_result;

/* After SPIN_IN_VAIN the thread's next call says SPIN_NOT_WANTED. deadline: as for plat_gate_wait, in the future. */
spin_result spin_before_sleep(const plat_gate *gate, int64_t deadline);
void spin_learn_from_sleep(int64_t ns); /* how long a wait slept whose gate opened */

#endif
