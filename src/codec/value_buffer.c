/* Values that are attachments: memory of the host's, and (made in the rooms above) queues. The value holds a reference,
 * its copies hold others. Memory is released by whoever lets go last, on any thread. */
#include "value_codec.h"

#include <string.h>

#include <platform.h>

#include "value_impl.h"

/* --- memory of the host's ----------------------------------------------------------------------------------- */

typedef struct host_buffer {
    attachment attachment;
    void (*release)(void *ctx);
    void *ctx;
} host_buffer;

static void drop(attachment *a)
{
    host_buffer *buffer = (host_buffer *)a;
    if (buffer->release) {
        buffer->release(buffer->ctx);
    }
    plat_free(buffer);
}

static attachment *new_buffer(void *data, size_t len, bool writable, void (*release)(void *ctx), void *ctx)
{
    static char nothing; /* what an empty buffer points to: NULL would say that it is none */
    host_buffer *buffer = data || len == 0 ? plat_malloc(sizeof(*buffer)) : NULL;
    if (!buffer) {
        if (release) {
            release(ctx);
        }
        return NULL;
    }
    *buffer = (host_buffer){.attachment = {.kind = ATTACHMENT_BUFFER,
                                           .drop = drop,
                                           .data = data ? data : &nothing,
                                           .len = len,
                                           .writable = writable},
                            .release = release,
                            .ctx = ctx};
    atomic_init(&buffer->attachment.refs, 1);
    return &buffer->attachment;
}

isle_value *isle_value_new_buffer(void *data, size_t len, bool writable, void (*release)(void *ctx), void *ctx)
{
    return value_new_attachment(new_buffer(data, len, writable, release, ctx));
}

/* --- large bytes -------------------------------------------------------------------------------------------- */

typedef struct shared_bytes {
    attachment attachment;
    uint8_t data[];
} shared_bytes;

static void drop_bytes(attachment *a)
{
    plat_free(a);
}

attachment *value_share_bytes(const void *data, size_t len)
{
    size_t size;
    bool fits = !__builtin_add_overflow(len, sizeof(shared_bytes) + 1, &size);
    shared_bytes *bytes = fits ? plat_malloc(size) : NULL;
    if (!bytes) {
        return NULL;
    }
    bytes->attachment = (attachment){.kind = ATTACHMENT_BYTES, .drop = drop_bytes, .data = bytes->data, .len = len};
    atomic_init(&bytes->attachment.refs, 1);
    memcpy(bytes->data, data, len);
    bytes->data[len] = '\0';
    return &bytes->attachment;
}

/* --- any attachment ----------------------------------------------------------------------------------------- */

isle_value *value_new_attachment(attachment *a)
{
    isle_value *value = a ? isle_value_new_none() : NULL;
    if (!value) {
        attachment_unref(a);
        return NULL;
    }
    *value = (isle_value){.attachment = a, .type = a->kind == ATTACHMENT_QUEUE ? ISLE_QUEUE : ISLE_BUFFER};
    return value;
}

attachment *value_attachment(const isle_value *value)
{
    return value && value_is_attachment(value) ? value->attachment : NULL;
}

static void *memory_of(const isle_value *value, size_t *out_len)
{
    if (out_len) {
        *out_len = value->attachment->len;
    }
    return attachment_data(value->attachment);
}

const void *isle_value_as_buffer(const isle_value *value, size_t *out_len)
{
    return isle_value_type(value) == ISLE_BUFFER ? memory_of(value, out_len) : NULL;
}

void *isle_value_as_writable_buffer(const isle_value *value, size_t *out_len)
{
    if (isle_value_type(value) != ISLE_BUFFER || !value->attachment->writable) {
        return NULL;
    }
    return memory_of(value, out_len);
}
