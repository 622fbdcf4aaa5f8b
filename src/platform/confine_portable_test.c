/* The tests of confine_test.c against what there is on systems without Landlock and seccomp, which no build here uses
 * otherwise. */
#define PLAT_PORTABLE
#define plat_program_loader portable_program_loader
#define plat_landlock_abi portable_landlock_abi
#define plat_landlock_abi_for portable_landlock_abi_for
#define plat_rules_new portable_rules_new
#define plat_rules_add_path portable_rules_add_path
#define plat_rules_add_port portable_rules_add_port
#define plat_rules_allow_moves portable_rules_allow_moves
#define plat_rules_apply portable_rules_apply
#define plat_profile_at portable_profile_at
#define plat_profiles_apply portable_profiles_apply
#include "confine.c"

#include "confine_test.c"
