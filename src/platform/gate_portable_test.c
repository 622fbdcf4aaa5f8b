/* The tests of gate_test.c against the gates of systems without futexes, which no build here uses otherwise. */
#define PLAT_PORTABLE
#define plat_gate_open portable_gate_open
#define plat_gate_wait portable_gate_wait
#define plat_gate_wait_interruptible portable_gate_wait_interruptible
#define plat_gate_sleep_interruptible portable_gate_sleep_interruptible
#define plat_gate_set portable_gate_set
#define plat_gate_wake portable_gate_wake
#include "gate.c"

#include "gate_test.c"
