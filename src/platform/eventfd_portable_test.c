/* The tests of eventfd_test.c against the descriptor of systems without eventfd, which no build here uses otherwise. */
#define PLAT_PORTABLE
#define plat_eventfd_create portable_eventfd_create
#define plat_eventfd_set portable_eventfd_set
#define plat_levelfd_create portable_levelfd_create
#define plat_levelfd_set portable_levelfd_set
#define plat_levelfd_clear portable_levelfd_clear
#include "eventfd.c"

#include "eventfd_test.c"
