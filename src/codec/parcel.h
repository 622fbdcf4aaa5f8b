/* A parcel: one encoded value, and the counted things that travel beside its bytes instead of in them: memory that is
 * shared (a buffer) and references to what lives in this process (a queue). In the bytes such a thing is an index,
 *
 *     tag 27 ["buffer", index]     tag 27 ["bytes", index]     tag 27 ["queue", index]
 *
 * which has a meaning only together with the parcel: CBOR that leaves the process has none of these.
 *
 * An attachment is counted, and may be held by any number of parcels, values and objects, on any threads. Whoever lets
 * go last calls its `drop`, on whatever thread that is, attached to whatever interpreter, or to none. */
#ifndef ISLES_PARCEL_H
#define ISLES_PARCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum attachment_kind {
    ATTACHMENT_BUFFER,
    ATTACHMENT_BYTES, /* an immutable bytes object's content: a reader takes it for a byte string */
    ATTACHMENT_QUEUE
} attachment_kind;

enum { BYTES_BY_REFERENCE = 64 << 10 }; /* bytes of so many and more travel beside */

typedef struct attachment {
    _Atomic uint32_t refs;
    attachment_kind kind;
    void (*drop)(struct attachment *attachment); /* frees it, too */
    void (*pin)(struct attachment *attachment);  /* NULL: `data` never changes. Else it may until this was called */
    void *data;    /* BUFFER, BYTES: the memory (attachment_data); QUEUE: the queue, of which it holds a reference */
    size_t len;    /* BUFFER, BYTES */
    bool writable; /* BUFFER: who gets it may write */
    uint64_t id;   /* QUEUE: its number, for people */
} attachment;

static inline attachment *attachment_ref(attachment *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}
void attachment_unref(attachment *a); /* NULL is fine */

/* The memory, which from now on stays where it is as long as the attachment lives. Any thread that holds it. */
static inline void *attachment_data(attachment *a)
{
    if (a->pin) {
        a->pin(a);
    }
    return a->data;
}

typedef struct attachments {
    attachment **items;
    size_t count, capacity;
    bool repeats; /* one of them comes several times in the bytes */
} attachments;

/* Takes a reference of its own. The index, or SIZE_MAX: no memory. The same attachment keeps its index. */
size_t attachments_add(attachments *list, attachment *a);
void attachments_clear(attachments *list); /* lets go of all */

typedef struct parcel {
    uint8_t *data; /* CBOR; NULL: nothing, which stands for None where a value is optional */
    size_t len, size; /* `size`: what the block was taken with (plat_block_take); 0: it is malloc()'s */
    attachments beside;
} parcel;

void parcel_clear(parcel *p); /* it is empty then; an empty one is fine */

#endif
