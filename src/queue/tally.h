/* What one sender has put into queues and nobody has taken yet: messages and their bytes, over all queues, and the
 * limits of both.
 *
 * What counts   a message from the moment its sender begins to put it, so also while it waits for room, until it is
 *               dropped: read by who got it, thrown away, or gone with its queue.
 * Threads       any. The sender's threads and those who take write different cache lines, and who puts reads the
 *               other one only when a limit may be near: else each message would carry a line from core to core.
 * Lifetime      until its sender has closed it and its last message is gone. */
#ifndef ISLES_TALLY_H
#define ISLES_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tally tally;

typedef struct tally_limits { /* UINT64_MAX: none */
    uint64_t soft_messages, hard_messages, soft_bytes, hard_bytes;
} tally_limits;

typedef enum tally_answer {
    TALLY_OK,
    TALLY_SOFT_MESSAGES = 1, /* passed just now, for the first time since the limits were set */
    TALLY_SOFT_BYTES = 2,
    TALLY_NO_MESSAGES = 4, /* refused: nothing was counted */
    TALLY_NO_BYTES = 8
} tally_answer;

typedef struct tally_counts {
    uint64_t messages, bytes;             /* now */
    uint64_t peak_messages, peak_bytes;   /* seen: at each limit, each count, and each 64 messages that may have come
                                             together */
    uint64_t refused_messages, refused_bytes; /* how often */
} tally_counts;

tally *tally_new(void);      /* NULL: no memory */
void tally_close(tally *t);  /* the sender puts nothing any more; NULL is fine */
void tally_limit(tally *t, const tally_limits *limits);
int tally_add(tally *t, size_t bytes); /* one message: a set of tally_answer */
/* Of a message that was added. The last one of a tally that is closed frees it. NULL is fine. */
void tally_gone(tally *t, size_t bytes);
tally_counts tally_count(tally *t);

#endif
