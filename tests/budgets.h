/* What tests of budgets share. */
#ifndef ISLES_TEST_BUDGETS_H
#define ISLES_TEST_BUDGETS_H

#include "support.h"

#define MIB (UINT64_C(1) << 20)

static inline const char *memory_reason(void)
{
    isle_engine_info info = {.size = sizeof info};
    check_status(isle_engine_describe(&info), ISLE_OK, NULL);
    return info.memory_reason;
}

#define NEEDS_MEMORY_COUNTED() \
    do { \
        if (memory_reason() != NULL) { \
            print_message("skipped: %s\n", memory_reason()); \
            skip(); \
        } \
    } while (0)

static inline isle_interp create_with(const isle_budgets *budgets)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.budgets = budgets;
    config.stuck_after_ns = 30 * ISLE_SECOND; /* on a busy machine, too */
    return create(&config);
}

static inline isle_usage usage_of(isle_interp it)
{
    isle_usage u = {.size = sizeof u};
    check_status(isle_interp_get_usage(it, &u), ISLE_OK, NULL);
    return u;
}

#endif
