/* Extension modules, for the host: asks the engine while the runtime is kept from stopping. */
#include <isles/extension.h>

#include <string.h>

#include "core.h"

isle_status isle_extension_inspect(isle_runtime *runtime, const char *file, const char *module,
                                   isle_extension_info *out, isle_error **err)
{
    if (file == NULL || module == NULL || module[0] == '\0' || out == NULL || out->size < sizeof out->size) {
        return error_set(err, ISLE_ERR_INVALID, "file, module and out with its size are needed");
    }
    if (strchr(file, '/') == NULL) { /* the dynamic linker would look for it elsewhere */
        return error_set(err, ISLE_ERR_INVALID, "'%s' is no path: it has no slash", file);
    }
    isle_status status = runtime_creation_begin(runtime, err);
    if (status != ISLE_OK) {
        return status;
    }
    engine_failure failure = {0};
    isle_extension_info found = {.size = sizeof found};
    status = engine_extension_inspect(file, module, &found, &failure);
    runtime_creation_end(runtime);
    if (status != ISLE_OK) {
        return error_set_failure(err, &failure);
    }
    found.size = out->size;
    memcpy(out, &found, out->size < sizeof found ? out->size : sizeof found);
    return ISLE_OK;
}
