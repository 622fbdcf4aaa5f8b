/* Where a parked thread stands in Python code.
 *
 * Its frames are read from outside, as faulthandler reads them from a signal handler: nothing is called that takes a
 * reference, a lock or memory of CPython's. They hold still: the thread never goes on. */
#define Py_BUILD_CORE /* for _PyFrame_GetCode and _PyFrame_IsIncomplete, 3.13 to 3.15 */
#include "python.h"

#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#else
#include <internal/pycore_frame.h>
#endif
#undef Py_BUILD_CORE

enum { MOST_FRAMES = 20 };

static const char *ascii(PyObject *text)
{
    return PyUnicode_IS_COMPACT_ASCII(text) ? (const char *)PyUnicode_1BYTE_DATA(text) : "?";
}

/* Takes `text` over. */
static char *add_frame(char *text, struct _PyInterpreterFrame *frame)
{
    PyCodeObject *code = _PyFrame_GetCode(frame);
    char *longer = plat_printf("%s\n  File \"%s\", line %d, in %s", text != NULL ? text : "", ascii(code->co_filename),
                               PyUnstable_InterpreterFrame_GetLine(frame), ascii(code->co_qualname));
    plat_free(text);
    return longer;
}

char *engine_stuck_stack(engine_interp *interp)
{
    char *text = NULL;
    struct _PyInterpreterFrame *frame = interp->home->current_frame;
    for (int i = 0; frame != NULL && i < MOST_FRAMES; frame = frame->previous) {
        if (!_PyFrame_IsIncomplete(frame)) {
            text = add_frame(text, frame);
            i++;
        }
    }
    return text;
}
