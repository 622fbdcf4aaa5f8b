/* Values as part of other CBOR, for the rooms above: the public isle_value_encode and _decode are these with a writer
 * or reader around them. */
#ifndef ISLES_VALUE_CODEC_H
#define ISLES_VALUE_CODEC_H

#include <isles/value.h>

#include "cbor.h"
#include "parcel.h"

/* Writes the value (not NULL) as one item. */
void value_write(cbor_writer *w, const isle_value *value);

/* Reads one item as a value; the reader then stands behind it. NULL: r->error and r->reason say why
 * (ISLE_ERR_DECODE, _LIMIT, _NOMEM), and cbor_reader_offset where. Free with isle_value_free. */
isle_value *value_read(cbor_reader *r);

/* A buffer or a queue, by the attachment's kind (which is not BYTES). Takes over the caller's reference, also when it
 * fails. NULL: no memory, or `a` is NULL. */
isle_value *value_new_attachment(attachment *a);
/* What a buffer or a queue holds; borrowed. NULL: the value is neither. */
attachment *value_attachment(const isle_value *value);

/* The whole of a value, with what travels beside it. ISLE_ERR_NOMEM (also for NULL). */
isle_status value_to_parcel(const isle_value *value, parcel *out);
/* ISLE_ERR_DECODE, _LIMIT, _NOMEM; *out_offset (may be NULL) says where the bytes are bad. */
isle_status value_from_bytes(const uint8_t *bytes, size_t len, const attachments *beside, isle_value **out_value,
                             size_t *out_offset);
static inline isle_status value_from_parcel(const parcel *p, isle_value **out_value)
{
    return value_from_bytes(p->data, p->len, &p->beside, out_value, NULL);
}

#endif
