/* Values as part of other CBOR, for the rooms above: the public isle_value_encode and _decode are these with a writer
 * or reader around them. */
#ifndef ISLES_VALUE_CODEC_H
#define ISLES_VALUE_CODEC_H

#include <isles/value.h>

#include "cbor.h"

/* Writes the value (not NULL) as one item. */
void value_write(cbor_writer *w, const isle_value *value);

/* Reads one item as a value; the reader then stands behind it. NULL: r->error and r->reason say why
 * (ISLE_ERR_DECODE, _LIMIT, _NOMEM), and cbor_reader_offset where. Free with isle_value_free. */
isle_value *value_read(cbor_reader *r);

#endif
