/* Errors: what went wrong, complete, and safe to keep after the interpreter has ended.
 *
 * Threads    an error never changes; any number of threads may read it.
 * Ownership  a failing function gives you the error through `err`; end it with isle_error_free. All that the
 *            getters return is borrowed from the error.
 *
 * An error that comes from a Python exception holds copies of its texts and numbers, and no object. */
#ifndef ISLES_ERROR_H
#define ISLES_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <isles/status.h>

ISLE_BEGIN_DECLS

typedef struct isle_error isle_error;
typedef struct isle_exception isle_exception; /* one Python exception inside an error */

typedef struct isle_frame {
    const char *file;     /* as in the traceback */
    const char *function; /* qualified name where Python has it */
    const char *source;   /* the line, stripped; NULL when it could not be read */
    int32_t line, end_line;     /* from 1; 0: unknown */
    int32_t column, end_column; /* from 0, in characters; -1: unknown */
} isle_frame;

typedef struct isle_syntax_error {
    const char *file; /* NULL: unknown */
    const char *source;
    const char *message;
    int32_t line, end_line;     /* from 1; 0: unknown */
    int32_t column, end_column; /* from 1, as Python's SyntaxError.offset; 0: unknown */
} isle_syntax_error;

ISLE_API void isle_error_free(isle_error *error); /* NULL is fine */

/* An error of the host's own, for a host function to fail with. `message` is copied. NULL: out of memory. */
ISLE_API isle_error *isle_error_new(isle_status status, const char *message);

ISLE_API isle_status isle_error_status(const isle_error *error);
/* One line for a person: "ValueError: no such colour". Never NULL. */
ISLE_API const char *isle_error_message(const isle_error *error);
/* The text that Python itself would print, traceback included; for other errors the message. Never NULL. */
ISLE_API const char *isle_error_text(const isle_error *error);
/* What a process would exit with: SystemExit's code, 130 for KeyboardInterrupt, 1 for another exception,
 * 124 timeout, budget or stuck, 130 cancelled. */
ISLE_API int isle_error_exit_status(const isle_error *error);
/* The Python exception behind it, or NULL. */
ISLE_API const isle_exception *isle_error_exception(const isle_error *error);

/* "ValueError", "json.decoder.JSONDecodeError": the qualified name, without "builtins.". */
ISLE_API const char *isle_exception_type(const isle_exception *exception);
/* str() of it; when __str__ fails, Python's own "<exception str() failed>". */
ISLE_API const char *isle_exception_message(const isle_exception *exception);
ISLE_API size_t isle_exception_note_count(const isle_exception *exception);
ISLE_API const char *isle_exception_note(const isle_exception *exception, size_t index);
/* Frames, the outermost first. */
ISLE_API size_t isle_exception_frame_count(const isle_exception *exception);
ISLE_API const isle_frame *isle_exception_frame(const isle_exception *exception, size_t index);
/* `raise … from cause`; NULL when there is none. */
ISLE_API const isle_exception *isle_exception_cause(const isle_exception *exception);
/* The exception that was being handled; NULL when there is none or `from` suppressed it. */
ISLE_API const isle_exception *isle_exception_context(const isle_exception *exception);
/* Children of an ExceptionGroup. */
ISLE_API size_t isle_exception_child_count(const isle_exception *exception);
ISLE_API const isle_exception *isle_exception_child(const isle_exception *exception, size_t index);
/* Position of a SyntaxError; NULL for other types. */
ISLE_API const isle_syntax_error *isle_exception_syntax(const isle_exception *exception);

ISLE_END_DECLS

#endif
