/* The output of programs: lines, never torn, whatever many threads write at once.
 *
 * Threads    output_write and output_text come from any thread; the rest from the main thread.
 * Locks      one turn (sink.h) covers all that is assembled and written; nobody calls the library while
 *            having it. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "text.h"

struct output_config {
    enum output_mode mode; /* never OUTPUT_DEFAULT */
    const char *dir;       /* OUTPUT_FILES */
    bool color_out, color_err;
    size_t name_width;     /* of the column of names */
};

/* The current line of one stream. */
struct output_line {
    struct buffer text;  /* what has come of it and is not written */
    bool begun;          /* a part of it has been written */
    uint64_t count;      /* lines so far */
    int fd;              /* OUTPUT_FILES, or a file of its own: that; else -1 */
    bool shared;         /* others may write to that file: whole lines only */
    uint64_t dropped;    /* bytes, since it was said last */
    char *prefix;        /* "name | " */
    char *continuation;  /* "name + ": the rest of a line that was cut */
};

/* What one program writes. */
struct output_channel {
    const char *name; /* borrowed */
    struct output_line lines[2]; /* stdout, stderr */
    bool immediate;   /* unfinished lines (prompts) are written at once */
    bool own_table;   /* the program's threads have descriptors of their own */
    bool drops;       /* what the reader of our stdout or stderr does not take at once is lost, and counted */
    _Atomic uint64_t dropped_bytes, dropped_writes;
    _Atomic int64_t give_up_ns; /* a write that still waits for the reader then is dropped (isle_now) */
};

void output_begin(const struct output_config *config);
void output_end(void);

/* Opens the program's files in OUTPUT_FILES. Returns 0 or an errno. */
int output_channel_open(struct output_channel *channel, const char *name, size_t index, bool immediate);
/* One of its streams goes to a file instead. Returns 0 or an errno. */
int output_channel_to_file(struct output_channel *channel, int stream, const char *path, bool append, bool shared);
/* Writes what is unfinished. The counts stay. */
void output_channel_finish(struct output_channel *channel);
void output_channel_close(struct output_channel *channel);
/* The program is being stopped: what it still writes must not wait for ever for a reader who doesn't read. */
void output_channel_give_up(struct output_channel *channel, int64_t when);

/* An isle_write_fn; ctx is the channel. */
void output_write(void *channel, uint64_t interp_id, int stream, const char *data, size_t len);
/* Text about the program, as if it had written it to stderr. */
void output_text(struct output_channel *channel, const char *text);
/* OUTPUT_JSON: one record about the end of the program. Else nothing. */
struct output_usage {
    int64_t wall_ns, cpu_ns;
    uint64_t memory_peak_bytes;               /* 0: not counted on this engine */
    uint64_t library_copies, library_copy_bytes;
};
void output_result(struct output_channel *channel, const char *result, int exit_status,
                   const struct output_usage *usage);

#endif
