/* Status codes by name and in words, the library's version, and the clock of deadlines. Any thread. */
#include <isles/status.h>

#include <platform.h>

const char *isle_status_name(isle_status status)
{
    switch (status) {
    case ISLE_OK:
        return "ISLE_OK";
#define STATUS_NAME(name, value, text) \
    case ISLE_ERR_##name: \
        return "ISLE_ERR_" #name;
        ISLE_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    default:
        return "unknown";
    }
}

const char *isle_status_text(isle_status status)
{
    switch (status) {
    case ISLE_OK:
        return "ok";
#define STATUS_TEXT(name, value, text) \
    case ISLE_ERR_##name: \
        return text;
        ISLE_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    default:
        return "unknown status";
    }
}

const char *isle_version(void)
{
    return ISLE_VERSION_STRING;
}

int64_t isle_now(void)
{
    return plat_now();
}

int64_t isle_deadline_in(int64_t ns)
{
    int64_t deadline;
    if (ns == ISLE_FOREVER || __builtin_add_overflow(plat_now(), ns, &deadline)) {
        return ISLE_FOREVER; /* now is positive: the sum can only be too large */
    }
    return deadline;
}
