/* Facts of the engine, for people and for `isles info`. Any thread, also before the runtime starts. */
#include "library_copy.h"
#include <errno.h>

#include "python.h"

static const char *reason_of(int error)
{
    switch (error) {
    case 0:
        return NULL;
    case ENOSYS:
        return "this system has no such thing";
    case EPERM:
        return "this system forbids it";
    default:
        return "this system refused it";
    }
}

isle_status isle_engine_describe(isle_engine_info *out)
{
    if (out == NULL || out->size < sizeof *out) {
        return ISLE_ERR_INVALID;
    }
    plat_copies_totals copies = plat_copies_total();
    plat_own_things own = plat_probe_own();
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
        .own_fs_reason = reason_of(own.fs),
        .own_descriptors_reason = reason_of(own.descriptors),
        .extension_copies = copies.live,
        .extension_copy_bytes = copies.live_bytes,
        .extension_copies_left = copies.left,
        .extension_copies_left_bytes = copies.left_bytes,
    };
    return ISLE_OK;
}
