#include "value_message.h"

#include "platform.h"

static void drop(queue_message *message)
{
    value_message *m = (value_message *)message;
    attachments_clear(&m->beside);
    tally_gone(m->tally, m->message.size_bytes);
    plat_block_give(m, m->capacity);
}

void value_message_begin(cbor_writer *w, attachments *beside, size_t expected)
{
    *beside = (attachments){.items = NULL};
    cbor_writer_init(w);
    w->beside = beside;
    cbor_writer_skip(w, sizeof(value_message), expected);
}

void value_message_abandon(cbor_writer *w)
{
    attachments_clear(w->beside);
    cbor_writer_free(w);
}

static size_t weight(const value_message *m)
{
    size_t bytes = m->len;
    for (size_t i = 0; i < m->beside.count; i++) {
        bytes += m->beside.items[i]->len;
    }
    return bytes;
}

value_message *value_message_take(cbor_writer *w, uint64_t sender)
{
    uint8_t *data;
    size_t len, capacity = w->capacity;
    if (cbor_writer_take(w, &data, &len) != ISLE_OK) {
        attachments_clear(w->beside);
        return NULL;
    }
    value_message *m = (value_message *)data;
    m->beside = *w->beside;
    m->len = len - sizeof *m;
    m->capacity = capacity;
    m->tally = NULL;
    m->message = (queue_message){.size_bytes = weight(m), .sender = sender, .tag = QUEUE_TAG, .drop = drop};
    return m;
}

int value_message_count(value_message *m, tally *t)
{
    int answer = t != NULL ? tally_add(t, m->message.size_bytes) : TALLY_OK;
    bool counted = (answer & (TALLY_NO_MESSAGES | TALLY_NO_BYTES)) == 0;
    m->tally = counted ? t : NULL;
    return answer;
}

static void drop_queue_attachment(attachment *a)
{
    queue_unref(a->data);
    plat_free(a);
}

attachment *queue_attachment(queue *q)
{
    attachment *a = plat_malloc(sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    *a = (attachment){.kind = ATTACHMENT_QUEUE, .drop = drop_queue_attachment, .data = queue_ref(q), .id = queue_id(q)};
    atomic_init(&a->refs, 1);
    return a;
}
