/* The engine's report of an exception, read into structs. A report is a CBOR map, and so is each exception in it:
 *
 *   "type", "message": str; "text": str, what Python prints (the root's only); "notes": [str];
 *   "frames": [[file, line, end_line, column, end_column, function, source or null], ...], the outermost first;
 *   "cause", "context": an exception; "children": [exceptions];
 *   "syntax": {"file", "source", "message": str, "line", "end_line", "column", "end_column": int}; "exit_code": int
 *
 * Each key may be missing. What has another type than it should counts as missing, and a part for which there
 * is no memory too: half an error says more than none. Texts are borrowed from the decoded report. */
#include "error.h"
#include "value_codec.h"

static const char *text_of(const isle_value *value, const char *otherwise)
{
    const char *text = value != NULL ? isle_value_as_str(value, NULL) : NULL;
    return text != NULL ? text : otherwise;
}

static int32_t number_of(const isle_value *value, int32_t otherwise)
{
    int64_t number;
    if (value == NULL || !isle_value_as_int64(value, &number) || number < INT32_MIN || number > INT32_MAX) {
        return otherwise;
    }
    return (int32_t)number;
}

/* A list or tuple, or NULL. */
static const isle_value *list_of(const isle_value *map, const char *key)
{
    const isle_value *list = isle_value_get_str(map, key);
    if (list == NULL || (isle_value_type(list) != ISLE_LIST && isle_value_type(list) != ISLE_TUPLE)) {
        return NULL;
    }
    return isle_value_len(list) != 0 ? list : NULL;
}

static bool is_map(const isle_value *value)
{
    return value != NULL && isle_value_type(value) == ISLE_DICT;
}

static void read_notes(isle_error *error, const isle_value *map, isle_exception *e)
{
    const isle_value *list = list_of(map, "notes");
    e->notes = list != NULL ? error_alloc(error, isle_value_len(list), sizeof *e->notes) : NULL;
    for (size_t i = 0; e->notes != NULL && i < isle_value_len(list); i++) {
        const char *note = text_of(isle_value_at(list, i), NULL);
        if (note != NULL) {
            e->notes[e->note_count++] = note;
        }
    }
}

static isle_frame frame_of(const isle_value *list)
{
    return (isle_frame){
        .file = text_of(isle_value_at(list, 0), "?"),
        .line = number_of(isle_value_at(list, 1), 0),
        .end_line = number_of(isle_value_at(list, 2), 0),
        .column = number_of(isle_value_at(list, 3), -1),
        .end_column = number_of(isle_value_at(list, 4), -1),
        .function = text_of(isle_value_at(list, 5), "?"),
        .source = text_of(isle_value_at(list, 6), NULL),
    };
}

static void read_frames(isle_error *error, const isle_value *map, isle_exception *e)
{
    const isle_value *list = list_of(map, "frames");
    e->frames = list != NULL ? error_alloc(error, isle_value_len(list), sizeof *e->frames) : NULL;
    for (size_t i = 0; e->frames != NULL && i < isle_value_len(list); i++) {
        const isle_value *frame = isle_value_at(list, i);
        if (isle_value_len(frame) != 0 && isle_value_at(frame, 0) != NULL) {
            e->frames[e->frame_count++] = frame_of(frame);
        }
    }
}

static void read_syntax(isle_error *error, const isle_value *map, isle_exception *e)
{
    const isle_value *syntax = isle_value_get_str(map, "syntax");
    isle_syntax_error *s = is_map(syntax) ? error_alloc(error, 1, sizeof *s) : NULL;
    if (s != NULL) {
        s->file = text_of(isle_value_get_str(syntax, "file"), NULL);
        s->source = text_of(isle_value_get_str(syntax, "source"), NULL);
        s->message = text_of(isle_value_get_str(syntax, "message"), NULL);
        s->line = number_of(isle_value_get_str(syntax, "line"), 0);
        s->end_line = number_of(isle_value_get_str(syntax, "end_line"), 0);
        s->column = number_of(isle_value_get_str(syntax, "column"), 0);
        s->end_column = number_of(isle_value_get_str(syntax, "end_column"), 0);
    }
    e->syntax = s;
}

static void read_exception(isle_error *error, const isle_value *map, isle_exception *e);

static const isle_exception *read_other(isle_error *error, const isle_value *map, const char *key)
{
    const isle_value *other = isle_value_get_str(map, key);
    isle_exception *e = is_map(other) ? error_alloc(error, 1, sizeof *e) : NULL;
    if (e != NULL) {
        read_exception(error, other, e);
    }
    return e;
}

static void read_children(isle_error *error, const isle_value *map, isle_exception *e)
{
    const isle_value *list = list_of(map, "children");
    e->children = list != NULL ? error_alloc(error, isle_value_len(list), sizeof *e->children) : NULL;
    for (size_t i = 0; e->children != NULL && i < isle_value_len(list); i++) {
        if (is_map(isle_value_at(list, i))) {
            read_exception(error, isle_value_at(list, i), &e->children[e->child_count++]);
        }
    }
}

/* As deep as the report, which the codec bounds. */
static void read_exception(isle_error *error, const isle_value *map, isle_exception *e)
{
    e->type = text_of(isle_value_get_str(map, "type"), "<unknown exception>");
    e->message = text_of(isle_value_get_str(map, "message"), "");
    e->text = text_of(isle_value_get_str(map, "text"), NULL);
    read_notes(error, map, e);
    read_frames(error, map, e);
    read_syntax(error, map, e);
    e->cause = read_other(error, map, "cause");
    e->context = read_other(error, map, "context");
    read_children(error, map, e);
}

const isle_exception *report_read(isle_error *error, const parcel *p)
{
    isle_value *report;
    if (value_from_parcel(p, &report) != ISLE_OK) {
        return NULL;
    }
    isle_exception *e = is_map(report) ? error_alloc(error, 1, sizeof *e) : NULL;
    if (e == NULL) {
        isle_value_free(report);
        return NULL;
    }
    error->report = report;
    read_exception(error, report, e);
    return e;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

const char *isle_exception_type(const isle_exception *exception)
{
    return exception->type;
}

const char *isle_exception_message(const isle_exception *exception)
{
    return exception->message;
}

size_t isle_exception_note_count(const isle_exception *exception)
{
    return exception->note_count;
}

const char *isle_exception_note(const isle_exception *exception, size_t index)
{
    return index < exception->note_count ? exception->notes[index] : NULL;
}

size_t isle_exception_frame_count(const isle_exception *exception)
{
    return exception->frame_count;
}

const isle_frame *isle_exception_frame(const isle_exception *exception, size_t index)
{
    return index < exception->frame_count ? &exception->frames[index] : NULL;
}

const isle_exception *isle_exception_cause(const isle_exception *exception)
{
    return exception->cause;
}

const isle_exception *isle_exception_context(const isle_exception *exception)
{
    return exception->context;
}

size_t isle_exception_child_count(const isle_exception *exception)
{
    return exception->child_count;
}

const isle_exception *isle_exception_child(const isle_exception *exception, size_t index)
{
    return index < exception->child_count ? &exception->children[index] : NULL;
}

const isle_syntax_error *isle_exception_syntax(const isle_exception *exception)
{
    return exception->syntax;
}
