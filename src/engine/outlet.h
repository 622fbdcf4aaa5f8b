/* Where one of an interpreter's standard streams ends: descriptor, file, call-back, queue or nowhere; and for what is
 * written, the line that is not finished yet. It lies in the engine_interp and lives as long.
 *
 * Locks: `turn` is held by the thread that writes or flushes, also while it waits, and around io's buffer as well: so a
 * thread that comes meanwhile waits here, where it can be interrupted, and not in io, where it can't. All else is
 * touched with it held, or by the home thread before and after the interpreter's life. */
#ifndef ISLES_OUTLET_H
#define ISLES_OUTLET_H

#include <isles/interp.h>

#include "sink.h"
#include "turn.h"

typedef struct outlet {
    int number;             /* 0, 1, 2 */
    isle_stream to;         /* its strings are NULL, its queue is a reference of ours */
    int fd;                 /* of what is read or written; -1: none */
    int told_fd;            /* what fileno() says; -1: nothing */
    bool owns_fd;
    bool opened;
    bool splits_lines;      /* a line ends with the byte 10: not in UTF-16 */
    sink *sink;             /* NULL: there is none, or nothing known of the descriptor */
    turn turn;
    char *held;             /* of an unfinished line; stdin: of what was got */
    size_t held_len, held_room;
    size_t lost_bytes;      /* dropped since the last note */
} outlet;

#endif
