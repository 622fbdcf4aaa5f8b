/* Strings from CBOR, for decode.c. Attached. New references, or NULL with an exception set. */
#ifndef ISLES_ENGINE_TEXT_H
#define ISLES_ENGINE_TEXT_H

#include "cbor.h"
#include "python.h"

bool text_is_ascii(const uint8_t *text, size_t len);
PyObject *text_make(const uint8_t *text, size_t len); /* of valid UTF-8 */
/* Of ASCII that is a key, and lies in the reader's input. */
PyObject *text_make_key(engine_interp *interp, const cbor_reader *r, const uint8_t *text, size_t len);

#endif
