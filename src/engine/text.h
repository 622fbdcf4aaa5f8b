/* Strings from CBOR, for decode.c. Attached. New references, or NULL with an exception set. */
#ifndef ISLES_ENGINE_TEXT_H
#define ISLES_ENGINE_TEXT_H

#include <string.h>

#include "cbor.h"
#include "python.h"

static inline bool text_is_ascii(const uint8_t *text, size_t len)
{
    uint64_t all = 0, eight;
    if (len >= 8) {
        for (size_t i = 0; i + 8 < len; i += 8) {
            memcpy(&eight, text + i, 8);
            all |= eight;
        }
        memcpy(&eight, text + len - 8, 8); /* some of them once more */
        return ((all | eight) & 0x8080808080808080) == 0;
    }
    for (; len > 0; len--, text++) {
        all |= *text;
    }
    return (all & 0x80) == 0;
}

PyObject *text_make(const uint8_t *text, size_t len); /* of valid UTF-8 */
PyObject *text_make_ascii(const uint8_t *text, size_t len);
/* Of ASCII that is a key, and lies in the reader's input. */
PyObject *text_make_key(engine_interp *interp, const cbor_reader *r, const uint8_t *text, size_t len);

#endif
