/* Structs that grow at their tail: a program and the library may have been built with different versions of one. */
#include <string.h>

#include "core.h"

static bool all_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

isle_status config_take(void *own, size_t own_size, const void *callers, const char *name, isle_error **err)
{
    memset(own, 0, own_size);
    size_t size = own_size;
    if (callers != NULL) {
        memcpy(&size, callers, sizeof size);
        if (size < sizeof size) {
            return error_set(err, ISLE_ERR_INVALID, "%s: its size is not set; start from its initializer", name);
        }
        if (size > own_size && !all_zero((const unsigned char *)callers + own_size, size - own_size)) {
            return error_set(err, ISLE_ERR_UNSUPPORTED, "%s: a field is set that Isles %s does not know", name,
                             ISLE_VERSION_STRING);
        }
        memcpy(own, callers, size < own_size ? size : own_size);
    }
    memcpy(own, &own_size, sizeof own_size);
    return ISLE_OK;
}
