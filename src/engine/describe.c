/* Facts of the engine, for people and for `isles info`. Any thread, also before the runtime starts. */
#include "library_copy.h"
#include "python.h"

isle_status isle_engine_describe(isle_engine_info *out)
{
    if (out == NULL || out->size < sizeof *out) {
        return ISLE_ERR_INVALID;
    }
    plat_copies_totals copies = plat_copies_total();
    *out = (isle_engine_info){
        .size = sizeof *out,
        .version = PY_VERSION,
        .build = Py_GetBuildInfo(),
        .python = ISLES_ENGINE_PYTHON,
        .version_hex = PY_VERSION_HEX,
#ifdef Py_GIL_DISABLED
        .free_threaded = true,
#endif
#ifdef Py_DEBUG
        .debug = true,
#endif
        .hook_built = hook_built(),
        .hook_active = engine.hook_active,
        .hook_reason = engine.hook_active ? NULL : engine.hook_reason,
        .memory_reason = memory_reason(),
        .memory_left_bytes = engine_memory_left(),
        .extension_copies = copies.live,
        .extension_copy_bytes = copies.live_bytes,
        .extension_copies_left = copies.left,
        .extension_copies_left_bytes = copies.left_bytes,
    };
    return ISLE_OK;
}
