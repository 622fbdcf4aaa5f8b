/* Values: what crosses between interpreters and the host. Never a Python object.
 *
 * Threads    a value is changed by one thread at a time; a value that nobody changes may be read by many.
 * Ownership  isle_value_new_* gives you a value; end it with isle_value_free. A container owns its items:
 *            _append and _set take the item over, also when they fail (then they free it): its content moves in
 *            and the pointer is dead, so fill a container before you add it to another. Getters return borrowed
 *            pointers, valid until the container is changed or freed.
 * Errors     a constructor returns NULL when memory is out; containers refuse a NULL item with
 *            ISLE_ERR_NOMEM (and a NULL container says the same), so that constructors can be nested without
 *            checking each. Nothing can be nested deeper than 500 containers: adding an item that would make
 *            it so gives ISLE_ERR_LIMIT. Other getters take NULL as a value of no type.
 *
 * A host needs no running interpreter to use them. */
#ifndef ISLES_VALUE_H
#define ISLES_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isles/status.h>

ISLE_BEGIN_DECLS

typedef struct isle_value isle_value;

typedef enum isle_type {
    ISLE_NONE,
    ISLE_BOOL,
    ISLE_INT,    /* any size; isle_value_as_int64 serves those that fit */
    ISLE_FLOAT,  /* IEEE 754 binary64 */
    ISLE_STR,    /* UTF-8; lone surrogates as WTF-8 */
    ISLE_BYTES,
    ISLE_LIST,
    ISLE_TUPLE,
    ISLE_DICT,   /* in order of insertion; keys are values */
    ISLE_TAG,    /* a number over one value: what Python has a type for and C has not (a set, a date, an instance) */
    ISLE_BUFFER, /* counted memory, shared and never copied */
    ISLE_QUEUE   /* a reference to a queue: isle_value_new_queue in queue.h */
} isle_type;

ISLE_API isle_value *isle_value_new_none(void);
ISLE_API isle_value *isle_value_new_bool(bool b);
ISLE_API isle_value *isle_value_new_int(int64_t i);
/* A big integer: sign and magnitude, the magnitude's `len` bytes most significant first. */
ISLE_API isle_value *isle_value_new_bigint(bool negative, const uint8_t *magnitude, size_t len);
ISLE_API isle_value *isle_value_new_float(double d);
/* A byte that is not UTF-8 becomes the lone surrogate U+DC80..U+DCFF, as in Python's os.fsdecode(). */
ISLE_API isle_value *isle_value_new_str(const char *utf8);                  /* up to its NUL; copied; NULL: NULL */
ISLE_API isle_value *isle_value_new_str_n(const char *utf8, size_t len);    /* copied; may hold NULs */
ISLE_API isle_value *isle_value_new_bytes(const void *data, size_t len);    /* copied */
ISLE_API isle_value *isle_value_new_list(void);
ISLE_API isle_value *isle_value_new_tuple(void);
ISLE_API isle_value *isle_value_new_dict(void);
/* A CBOR tag over `content`, which it takes over, also when it fails (then it frees it). NULL: `content` is NULL, no
 * memory, content is nested as deep as can be (a tag counts one level), or what has another type here: the tags 2, 3,
 * 273 and 55799, and tag 27 over a list that begins with "tuple", "buffer", "bytes" or "queue". */
ISLE_API isle_value *isle_value_new_tag(uint64_t tag, isle_value *content);
/* Memory of the caller's. Whoever lets go of it last (a copy of the value, an object in an interpreter, a queue's
 * message) calls release(ctx): once, on whatever thread that is, and here and now when the constructor fails. It must
 * not call Python or wait. NULL: the memory outlives all. `writable`: who gets it may write to it. NULL: no memory, or
 * `data` is NULL and `len` is not 0. */
ISLE_API isle_value *isle_value_new_buffer(void *data, size_t len, bool writable, void (*release)(void *ctx),
                                           void *ctx);

/* Frees the value and all that it contains. NULL is fine. */
ISLE_API void isle_value_free(isle_value *value);

/* Adds to the end of a list or tuple. Takes `item` over. ISLE_ERR_INVALID: not a list or tuple, or the item is the
 * sequence itself (then nothing is freed); _LIMIT: too deep; _NOMEM. */
ISLE_API isle_status isle_value_append(isle_value *sequence, isle_value *item);
/* Sets dict[key]; an equal key keeps its place and gets the new item. Takes both over. ISLE_ERR_INVALID: not a dict, or
 * two of the three are the same value (the dict is then not freed); _LIMIT: too deep, or 2^30 pairs; _NOMEM.
 * Keys are equal as isle_value_equal says: 1, 1.0 and True are three keys here, and one in Python. */
ISLE_API isle_status isle_value_set(isle_value *dict, isle_value *key, isle_value *item);
/* The same with a string for the key (copied). */
ISLE_API isle_status isle_value_set_str(isle_value *dict, const char *key, isle_value *item);

ISLE_API isle_type isle_value_type(const isle_value *value);
ISLE_API const char *isle_type_name(isle_type type); /* "int"; static */

/* Each returns false, and leaves *out alone, when the value is of another type or does not fit. */
ISLE_API bool isle_value_as_bool(const isle_value *value, bool *out);
ISLE_API bool isle_value_as_int64(const isle_value *value, int64_t *out);
ISLE_API bool isle_value_as_bigint(const isle_value *value, bool *out_negative, const uint8_t **out_magnitude,
                                   size_t *out_len); /* for every int; borrowed; no leading zeros, 0 has none */
ISLE_API bool isle_value_as_double(const isle_value *value, double *out); /* float, or an int that fits exactly */

/* The text of a str, NUL-terminated, and its length in bytes (out_len may be NULL). Borrowed. NULL: no str. */
ISLE_API const char *isle_value_as_str(const isle_value *value, size_t *out_len);
/* The same for bytes. NULL: no bytes. */
ISLE_API const void *isle_value_as_bytes(const isle_value *value, size_t *out_len);

/* The memory of a buffer, writable or not. Good as long as the value, or a copy of it, lives. NULL: no buffer. */
ISLE_API const void *isle_value_as_buffer(const isle_value *value, size_t *out_len);
/* The same; NULL, too, for one that must not be written to. Others may see what is written, and nothing orders it. */
ISLE_API void *isle_value_as_writable_buffer(const isle_value *value, size_t *out_len);
/* The number of a tag, and what it is over (borrowed). Either may be NULL. */
ISLE_API bool isle_value_as_tag(const isle_value *value, uint64_t *out_tag, const isle_value **out_content);

/* Number of items of a list, tuple or dict, of bytes of a str, bytes or buffer; 0 otherwise. */
ISLE_API size_t isle_value_len(const isle_value *value);
/* Item `index` of a list or tuple; NULL when out of range or another type. Borrowed. */
ISLE_API const isle_value *isle_value_at(const isle_value *sequence, size_t index);
/* Pair `index` of a dict in its order. false when out of range or no dict. Borrowed. */
ISLE_API bool isle_value_pair(const isle_value *dict, size_t index, const isle_value **out_key,
                              const isle_value **out_item);
/* dict[key]; keys are the same as isle_value_equal says. NULL when it is not there. Borrowed. */
ISLE_API const isle_value *isle_value_get(const isle_value *dict, const isle_value *key);
/* dict[key] for a string key; NULL when it is not there. Borrowed. */
ISLE_API const isle_value *isle_value_get_str(const isle_value *dict, const char *key);

/* Equal type and equal content; the order of a dict, a set (tag 258 over a list) and a frozenset (tag 27 over
 * ["frozenset", list]) doesn't count. Floats compare by their bits, so that NaN equals itself and 0.0 is not -0.0.
 * Buffers compare by what is in them now (one that is a dict's key must not change), queues by being the same one. */
ISLE_API bool isle_value_equal(const isle_value *a, const isle_value *b);
ISLE_API isle_value *isle_value_copy(const isle_value *value); /* shares buffers, queues, large bytes */

/* For debugging: the value as Python would print it (an int of over 4,300 digits in hexadecimal). Free with
 * isle_string_free. NULL: out of memory. */
ISLE_API char *isle_value_repr(const isle_value *value);
ISLE_API void isle_string_free(char *string);

/* CBOR (RFC 8949). Encoding gives a buffer to end with isle_bytes_free. Decoding checks depth and length before it
 * takes memory; *out_offset (may be NULL; written on failure) tells where bad bytes begin. A map with the same key
 * twice is refused. ISLE_ERR_NOMEM, ISLE_ERR_DECODE, ISLE_ERR_LIMIT (nested deeper than 500).
 * The bytes stand alone: a buffer in them is a byte string, and a queue can't be in them (ISLE_ERR_NOT_SHAREABLE). */
ISLE_API isle_status isle_value_encode(const isle_value *value, uint8_t **out_bytes, size_t *out_len);
ISLE_API isle_status isle_value_decode(const uint8_t *bytes, size_t len, isle_value **out_value,
                                       size_t *out_offset);
ISLE_API void isle_bytes_free(uint8_t *bytes);

/* What a value from bytes that nobody vouches for may cost. Without limits it takes no more than a fixed multiple of
 * the bytes' own length. */
typedef struct isle_decode_limits { /* start from ISLE_DECODE_LIMITS_INIT; zero is the library's own limit */
    size_t size;
    size_t max_depth; /* containers and tags in each other. 0, or more than 500: 500 */
    size_t max_bytes; /* of memory that the value takes. 0: no limit */
    size_t max_items; /* values in all: containers, their items and keys, tags and what they are over. 0: no limit */
} isle_decode_limits;

#define ISLE_DECODE_LIMITS_INIT ISLE_INIT(isle_decode_limits)

/* `limits` may be NULL. ISLE_ERR_LIMIT, with the offset of the item that was too much; ISLE_ERR_INVALID (no size is
 * set), ISLE_ERR_UNSUPPORTED (a field is set that this library does not know), and as isle_value_decode. */
ISLE_API isle_status isle_value_decode_limited(const uint8_t *bytes, size_t len, const isle_decode_limits *limits,
                                               isle_value **out_value, size_t *out_offset);

/* JSON (RFC 8259), for None, bool, int of 64 bits, float, str, list, tuple (an array) and dict with str keys. What
 * it has no form for gives ISLE_ERR_NOT_SHAREABLE and its path, "['a'][2]: bytes", in *out_path (may be NULL; left
 * alone otherwise; NULL when there is no memory for it): other types, NaN and infinity, other keys and those with a
 * NUL, lone surrogates, larger ints. ISLE_ERR_NOMEM. Free both with isle_string_free. */
ISLE_API isle_status isle_value_to_json(const isle_value *value, char **out_json, char **out_path);
/* ISLE_ERR_DECODE: no JSON, not UTF-8, a name twice in an object, or with a NUL; ISLE_ERR_LIMIT: nested deeper than
 * 500, an int beyond 64 bits, a number too large for a float; ISLE_ERR_NOMEM. *out_offset (may be NULL; written on
 * failure): how far it was read. */
ISLE_API isle_status isle_value_from_json(const char *json, size_t len, isle_value **out_value, size_t *out_offset);

ISLE_END_DECLS

#endif
