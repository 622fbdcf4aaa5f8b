/* The tests of gate_test.c against the gates of systems without futexes, which no build here uses otherwise. */
#define PLAT_PORTABLE
#define plat_gate_open portable_gate_open
#define plat_gate_wait portable_gate_wait
#include "gate.c"

#include "gate_test.c"
