/* Our own stdout and stderr: who may write, how the live line gets out of the way, and what happens when
 * nobody reads.
 *
 * A thread takes the turn, writes, and gives it back. Waiting for the turn and for the reader of a pipe ends
 * at a time that can be moved nearer while the wait lasts: a program that is to be stopped is not held up by
 * a pager. */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SINK_OUT, SINK_ERR };

void sink_begin(void (*on_broken)(int error)); /* called once, with the turn taken, when stdout can't be written */
void sink_end(void);
/* From now on some who write may have another table of descriptors. False: there is no thread to be had. */
bool sink_serve_all(void);
/* Has the calling thread one, for all that it does here from now on? */
void sink_set_own_table(bool own);
bool sink_is_terminal(int sink);
bool sink_can_clear(int sink); /* a terminal, and not a dumb one */

/* false: `until` came first. NULL: never give up. */
bool sink_take(const _Atomic int64_t *until);
void sink_give(void);
/* The same for one who would rather lose its text: false: who has the turn waits for a reader, or this sink's reader
 * takes nothing now. */
bool sink_take_if_quick(int sink);
bool sink_is_quick(int sink); /* with the turn taken: would a short write not wait? */
/* Waits that are on must look at their time again. */
void sink_wake(void);

/* All these with the turn taken. `owner` is the line that is written (any address that is only its own);
 * when it stays unfinished on the screen, the next one of another owner begins with a line end.
 * sink_is_owner tells if that is so. */
void sink_write(int sink, const char *data, size_t len, const void *owner, bool unfinished,
                const _Atomic int64_t *until);
bool sink_is_owner(int sink, const void *owner);
/* To another descriptor, a program's own file; dropped on failure. */
void sink_write_file(int fd, const char *data, size_t len);

/* Without the turn: the live line on stderr, of one line's length; "" takes it away. Who has the turn draws it before
 * giving it back; while a program's line is unfinished there it is not drawn. Never blocks for long. */
void sink_set_live(const char *line);
/* Whole lines of our own to stderr. On a terminal they take the place of the ^C that it shows for the key. */
void sink_write_own(const char *data, size_t len, const _Atomic int64_t *until);
/* For a signal handler that ends the process: the bytes that clear the live line or ^C, or "". */
const char *sink_clearing(void);

#endif
