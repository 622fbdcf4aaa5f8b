/* Where several write to: one for each open pipe, terminal, socket or file of the process, whatever numbers its
 * descriptors have. It knows neither interpreters nor Python: a writer is a number, not 0 and never used again.
 *
 * Order    one writer at a time, first come, first served (turn.h). What one write hands over comes out in one piece.
 * Lines    where one writer left a line unfinished and another one's text comes next, that begins on a line of its own.
 * Waiting  for the reader, without ever blocking in write(): who would rather lose text than wait is told at once that
 *          the reader is slow, also while somebody else waits.
 * Threads  any, in no interpreter: the caller is detached. */
#ifndef ISLES_SINK_H
#define ISLES_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sink sink;

/* The sink of an open descriptor, which `writer` writes to from now on. A writer may come several times. NULL: no
 * memory, or not open. End it with sink_leave. */
sink *sink_join(int fd, uint64_t writer);
void sink_leave(sink *s, uint64_t writer); /* NULL is fine */
bool sink_is_shared(sink *s);              /* have several writers joined it? */

typedef struct sink_write { /* what is to be written, and how */
    int fd;                 /* one of the sink's */
    uint64_t writer;
    const char *note;       /* a line that goes before it; NULL: none. At most 512 bytes */
    const char *data;
    size_t len;
    bool drops;             /* doesn't wait for the reader */
    /* Asked when a signal came. `written` of the data are gone; `in_line`: in the middle of a line, which the next
     * writer's newline will end. The turn is held where something is written. */
    bool (*gives_up)(void *ctx, size_t written, bool in_line);
    void *ctx;
} sink_write;

typedef enum sink_result {
    SINK_DONE,
    SINK_FULL,        /* drops: what is left would have to wait */
    SINK_INTERRUPTED, /* gives_up said so */
    SINK_FAILED       /* errno */
} sink_result;

/* *out_written: how much of the data is gone. *out_noted: the note is. */
sink_result sink_put(sink *s, const sink_write *what, size_t *out_written, bool *out_noted);

#endif
