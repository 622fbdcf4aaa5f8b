/* How an isle_error lies in memory, for error.c and report.c. All that belongs to one hangs on its list of blocks;
 * texts that came with a report stay in the decoded report, which the error owns. */
#ifndef ISLES_CORE_ERROR_H
#define ISLES_CORE_ERROR_H

#include "core.h"

typedef struct error_block error_block;

struct isle_exception {
    const char *type, *message; /* never NULL */
    const char *text;           /* the root's: what Python prints; NULL: not told */
    const char **notes;
    size_t note_count;
    isle_frame *frames;
    size_t frame_count;
    const isle_exception *cause, *context;
    isle_exception *children;
    size_t child_count;
    const isle_syntax_error *syntax;
};

struct isle_error {
    _Atomic uint32_t refs; /* 0: static */
    isle_status status;
    int exit_status;
    const char *message, *text; /* never NULL */
    const isle_exception *exception;
    isle_value *report;
    parcel exception_itself; /* as a value; empty: not kept */
    error_block *blocks;
};

/* Zeroed memory that lives as long as the error. NULL: out of memory. */
void *error_alloc(isle_error *error, size_t count, size_t size);

/* Reads the engine's report of an exception and keeps it in the error. NULL: it is malformed, or memory is out. */
const isle_exception *report_read(isle_error *error, const parcel *p);

#endif
