/* A value as a queue's message: its CBOR and what travels beside it, in one block. The writer of the CBOR leaves
 * room for the message in front (value_message_begin), so that nothing is copied when it becomes one. */
#ifndef ISLES_VALUE_MESSAGE_H
#define ISLES_VALUE_MESSAGE_H

#include "cbor.h"
#include "queue.h"
#include "tally.h"

typedef struct value_message {
    queue_message message;
    tally *tally; /* that it counts in; NULL: in none */
    attachments beside;
    size_t len, capacity; /* of the data; of it all: what the block was taken with */
    uint8_t data[];
} value_message;

/* Makes `w` the writer of a message; `beside` is the caller's until value_message_take. `expected`: about how many
 * bytes will be written; 0: not known. */
void value_message_begin(cbor_writer *w, attachments *beside, size_t expected);
/* What was written, as a message to be put; takes over what lies in w->beside. NULL: no memory, and that is cleared. */
value_message *value_message_take(cbor_writer *w, uint64_t sender);
/* It was written by another core, and is to be read: its cache lines are fetched together, not one after the other. */
static inline void value_message_fetch(const value_message *m)
{
    enum { LINE = 64, MOST = 16 * LINE };
    size_t size = sizeof *m + m->message.size_bytes; /* more where something travels beside it */
    for (size_t at = LINE; at < size && at < MOST; at += LINE) {
        __builtin_prefetch((const char *)m + at);
    }
}
/* Counts it in its sender's tally (NULL: there is none) until it is dropped: what tally_add says. */
int value_message_count(value_message *m, tally *t);
/* Gives up instead. */
void value_message_abandon(cbor_writer *w);

/* The queue as something that travels beside a value, with a reference to it of its own. NULL: no memory. */
attachment *queue_attachment(queue *q);

#endif
