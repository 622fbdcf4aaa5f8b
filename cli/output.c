/* The output of programs. Each program has a channel, each of its two streams a line that is put together
 * here until its end has come; whole lines go out in one write. All is done with the turn of sink.h taken,
 * by the thread of the program that wrote. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "sink.h"

enum { LINE_LIMIT = 65536 }; /* of a line that doesn't end */

static const char RESET[] = "\033[0m";
static const char *const name_colors[] = {"\033[36m", "\033[33m", "\033[32m", "\033[35m", "\033[34m",
                                          "\033[96m", "\033[93m", "\033[92m", "\033[95m", "\033[94m"};
enum { NAME_COLORS = sizeof name_colors / sizeof name_colors[0] };

static struct output_config config;
static struct buffer scratch; /* under the turn */

void output_begin(const struct output_config *new_config)
{
    config = *new_config;
}

void output_end(void)
{
    buffer_free(&scratch);
}

/* --- channels ------------------------------------------------------------------------------------------------ */

static char *make_prefix(const char *name, size_t index, int stream, char bar)
{
    bool color = stream == SINK_OUT ? config.color_out : config.color_err;
    char *shown = text_cut(name, config.name_width);
    int padding = (int)(config.name_width - text_width(shown));
    char *prefix = color ? text_format("%s%s%*s%s %s%c%s ", name_colors[index % NAME_COLORS], shown, padding, "", RESET,
                                       stream == SINK_ERR ? "\033[31m" : "\033[2m", bar, RESET)
                         : text_format("%s%*s %c ", shown, padding, "", bar);
    free(shown);
    return prefix;
}

/* A name may hold a slash ("pkg/app"); a file's may not. */
static int open_file(const char *name, const char *suffix)
{
    char *path = text_format("%s/%s%s", config.dir, name, suffix);
    for (char *at = path + strlen(config.dir) + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '_';
        }
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error = errno;
    free(path);
    errno = error;
    return fd;
}

int output_channel_open(struct output_channel *channel, const char *name, size_t index, bool immediate)
{
    channel->name = name;
    channel->immediate = immediate && config.mode != OUTPUT_JSON;
    atomic_store(&channel->give_up_ns, ISLE_FOREVER);
    for (int stream = SINK_OUT; stream <= SINK_ERR; stream++) {
        struct output_line *line = &channel->lines[stream];
        *line = (struct output_line){.fd = -1};
        bool prefixed = config.mode == OUTPUT_PREFIX;
        line->prefix = prefixed ? make_prefix(name, index, stream, '|') : text_copy("");
        line->continuation = prefixed ? make_prefix(name, index, stream, '+') : text_copy("");
        if (config.mode == OUTPUT_FILES) {
            line->fd = open_file(name, stream == SINK_OUT ? ".out" : ".err");
            if (line->fd < 0) {
                return errno;
            }
        }
    }
    return 0;
}

int output_channel_to_file(struct output_channel *channel, int stream, const char *path, bool append, bool shared)
{
    struct output_line *line = &channel->lines[stream];
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (append ? 0 : O_TRUNC), 0666);
    if (fd < 0) {
        return errno;
    }
    if (line->fd >= 0) {
        close(line->fd);
    }
    line->fd = fd;
    line->shared = shared;
    return 0;
}

void output_channel_close(struct output_channel *channel)
{
    for (int stream = SINK_OUT; stream <= SINK_ERR; stream++) {
        struct output_line *line = &channel->lines[stream];
        buffer_free(&line->text);
        free(line->prefix);
        free(line->continuation);
        line->prefix = line->continuation = NULL;
        if (line->fd > STDERR_FILENO) {
            close(line->fd);
        }
        line->fd = -1;
    }
}

void output_channel_give_up(struct output_channel *channel, int64_t when)
{
    if (when < atomic_load(&channel->give_up_ns)) {
        atomic_store(&channel->give_up_ns, when);
        sink_wake();
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------------- */

static json_t *clean_string(const char *data, size_t len)
{
    struct buffer clean = {0};
    text_clean(&clean, data, len);
    json_t *string = json_stringn(clean.len > 0 ? clean.data : "", clean.len);
    buffer_free(&clean);
    return string;
}

static json_t *time_string(void)
{
    struct timespec now;
    struct tm parts;
    char date[32], text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%06ldZ", date, now.tv_nsec / 1000);
    return json_string(text);
}

static json_t *record(const char *name, const char *stream, const char *text, size_t len)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", clean_string(name, strlen(name)));
    json_object_set_new(object, "stream", json_string(stream));
    json_object_set_new(object, "time", time_string());
    json_object_set_new(object, "text", clean_string(text, len));
    return object;
}

static void add_record(struct buffer *out, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (text != NULL) {
        buffer_text(out, text);
        buffer_add(out, "\n", 1);
    }
    free(text);
}

static void emit_record(const struct output_channel *channel, int stream, const char *data, size_t len, bool partial)
{
    json_t *object = record(channel->name, stream == SINK_OUT ? "stdout" : "stderr", data, len);
    if (partial) {
        json_object_set_new(object, "partial", json_true());
    }
    add_record(&scratch, object);
}

/* --- lines --------------------------------------------------------------------------------------------------- */

/* One write on its way: what is in `scratch`, and if it ends in the middle of a line. */
struct writing {
    struct output_channel *channel;
    int stream;
    struct output_line *line;
    bool mine; /* the screen's unfinished line is this one */
    bool unfinished;
};

/* A progress bar rewrites its line by \r, which would wipe the prefix: what the screen would show in the end
 * is enough. */
static size_t last_overwrite(const char *data, size_t len)
{
    while (len > 0 && data[len - 1] == '\r') {
        len--;
    }
    const char *mark = memrchr(data, '\r', len);
    return mark != NULL ? (size_t)(mark + 1 - data) : 0;
}

static void emit(struct writing *writing, size_t len, bool finished)
{
    struct output_line *line = writing->line;
    const char *data = line->text.data;
    bool prefixed = config.mode == OUTPUT_PREFIX;
    if (config.mode == OUTPUT_JSON) {
        emit_record(writing->channel, writing->stream, data, len, !finished);
        line->begun = !finished;
        return;
    }
    if (!line->begun) {
        buffer_text(&scratch, line->prefix);
    } else if (!writing->mine) {
        buffer_text(&scratch, line->continuation);
    }
    size_t skip = prefixed && finished && sink_is_terminal(writing->stream) ? last_overwrite(data, len) : 0;
    buffer_add(&scratch, data + skip, len - skip);
    bool color = writing->stream == SINK_OUT ? config.color_out : config.color_err;
    if (prefixed && color && memchr(data, '\033', len) != NULL) {
        buffer_text(&scratch, RESET); /* a colour that a program leaves on must not reach the others */
    }
    if (finished) {
        buffer_add(&scratch, "\n", 1);
    }
    line->begun = !finished;
    writing->mine = writing->unfinished = !finished;
}

static void drop(struct buffer *text, size_t len)
{
    if (len > 0) {
        memmove(text->data, text->data + len, text->len - len);
        text->len -= len;
    }
}

static void end_line(struct writing *writing)
{
    emit(writing, writing->line->text.len, true);
    writing->line->text.len = 0;
    writing->line->count++;
}

/* A line that grows for ever is written in pieces. With prefixes each piece is a line of the screen, the
 * later ones marked by '+'. */
static void cut_long_line(struct writing *writing)
{
    struct buffer *text = &writing->line->text;
    while (text->len >= LINE_LIMIT) {
        size_t len = text_whole(text->data, LINE_LIMIT);
        emit(writing, len, false);
        if (config.mode == OUTPUT_PREFIX) {
            buffer_add(&scratch, "\n", 1);
            writing->mine = writing->unfinished = false;
        }
        drop(text, len);
    }
}

static void write_lines(struct writing *writing, const char *data, size_t len)
{
    struct buffer *text = &writing->line->text;
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) : len;
        buffer_add(text, data, part);
        if (end != NULL) {
            end_line(writing);
            part++;
        }
        data += part;
        len -= part;
    }
    cut_long_line(writing);
    if (writing->channel->immediate && text->len > 0) {
        size_t whole = text_whole(text->data, text->len);
        if (whole > 0) {
            emit(writing, whole, false);
            drop(text, whole);
        }
    }
}

/* Whose an unfinished line on the screen is. Without prefixes a program's two streams may share one, as
 * without Isles. */
static const void *owner_of(const struct output_channel *channel, const struct output_line *line)
{
    return config.mode == OUTPUT_PLAIN ? (const void *)channel : line;
}

static struct writing begin_writing(struct output_channel *channel, int stream)
{
    int sink = config.mode == OUTPUT_JSON ? SINK_OUT : stream;
    struct output_line *line = &channel->lines[stream];
    bool mine = sink_is_owner(sink, owner_of(channel, line));
    scratch.len = 0;
    return (struct writing){.channel = channel, .stream = stream, .line = line, .mine = mine, .unfinished = mine};
}

static void end_writing(const struct writing *writing)
{
    int sink = config.mode == OUTPUT_JSON ? SINK_OUT : writing->stream;
    if (scratch.len > 0) {
        sink_write(sink, scratch.data, scratch.len, owner_of(writing->channel, writing->line), writing->unfinished,
                   &writing->channel->give_up_ns);
    }
}

/* To a file that others write to as well: the line that has not ended stays here. */
static void write_whole_lines(struct output_line *line, const char *data, size_t len)
{
    const char *end = len > 0 ? memrchr(data, '\n', len) : NULL;
    size_t whole = end != NULL ? (size_t)(end - data) + 1 : 0;
    buffer_add(&line->text, data, whole);
    if (whole > 0 || line->text.len + len > LINE_LIMIT) {
        sink_write_file(line->fd, line->text.data, line->text.len);
        line->text.len = 0;
    }
    buffer_add(&line->text, data + whole, len - whole);
}

/* To the program's file, bytes as they come; lines are only counted. */
static void write_to_file(struct output_line *line, const char *data, size_t len)
{
    for (const char *at = data; (at = memchr(at, '\n', len - (size_t)(at - data))) != NULL; at++) {
        line->count++;
    }
    line->begun = len > 0 ? data[len - 1] != '\n' : line->begun;
    if (line->shared) {
        write_whole_lines(line, data, len);
    } else {
        sink_write_file(line->fd, data, len);
    }
}

static void write_shown(struct output_channel *channel, int stream, const char *data, size_t len)
{
    struct writing writing = begin_writing(channel, stream);
    write_lines(&writing, data, len);
    end_writing(&writing);
}

static void write_and_wait(struct output_channel *channel, int stream, const char *data, size_t len)
{
    if (!sink_take(&channel->give_up_ns)) {
        return;
    }
    if (channel->lines[stream].fd >= 0) {
        write_to_file(&channel->lines[stream], data, len);
    } else {
        write_shown(channel, stream, data, len);
    }
    sink_give();
}

/* --- a slow reader ------------------------------------------------------------------------------------------- */

static void count_dropped(struct output_channel *channel, int stream, uint64_t bytes)
{
    channel->lines[stream].dropped += bytes;
    atomic_fetch_add(&channel->dropped_bytes, bytes);
    atomic_fetch_add(&channel->dropped_writes, bytes > 0);
}

/* The turn is taken. Says what was lost before, if anything was. */
static void write_dropped_note(struct output_channel *channel, int stream)
{
    uint64_t *dropped = &channel->lines[stream].dropped;
    if (*dropped > 0) {
        char *note = text_format("[isles: %llu bytes of output were dropped here]\n", (unsigned long long)*dropped);
        write_shown(channel, stream, note, strlen(note));
        free(note);
        *dropped = 0;
    }
}

/* The turn is taken. Line by line as long as they are read; the rest is lost, and so is the beginning of a line whose
 * end is. */
static void write_while_quick(struct output_channel *channel, int stream, const char *data, size_t len)
{
    int sink = config.mode == OUTPUT_JSON ? SINK_OUT : stream;
    struct buffer *begun = &channel->lines[stream].text;
    write_dropped_note(channel, stream);
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) + 1 : len;
        if (!sink_is_quick(sink)) {
            count_dropped(channel, stream, len + begun->len);
            begun->len = 0;
            return;
        }
        write_shown(channel, stream, data, part);
        data += part;
        len -= part;
    }
}

static void write_or_drop(struct output_channel *channel, int stream, const char *data, size_t len)
{
    if (sink_take_if_quick(config.mode == OUTPUT_JSON ? SINK_OUT : stream)) {
        write_while_quick(channel, stream, data, len);
        sink_give();
    } else {
        count_dropped(channel, stream, len);
    }
}

void output_write(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    (void)interp_id;
    struct output_channel *channel = ctx;
    int index = stream == 2 ? SINK_ERR : SINK_OUT;
    sink_set_own_table(channel->own_table);
    if (channel->drops && channel->lines[index].fd < 0) {
        write_or_drop(channel, index, data, len);
    } else {
        write_and_wait(channel, index, data, len);
    }
}

void output_text(struct output_channel *channel, const char *text)
{
    size_t len = strlen(text);
    if (len == 0) {
        return;
    }
    write_and_wait(channel, SINK_ERR, text, len);
    if (text[len - 1] != '\n') {
        write_and_wait(channel, SINK_ERR, "\n", 1);
    }
}

static void finish_line(struct output_channel *channel, int stream)
{
    struct writing writing = begin_writing(channel, stream);
    struct output_line *line = writing.line;
    bool whole = config.mode != OUTPUT_PLAIN ||
                 sink_is_terminal(stream); /* plain into a pipe: exactly the bytes that came */
    if (line->text.len > 0) {
        emit(&writing, line->text.len, whole);
    } else if (writing.mine && whole) {
        buffer_add(&scratch, "\n", 1);
        writing.unfinished = false;
    }
    end_writing(&writing);
}

void output_channel_finish(struct output_channel *channel)
{
    if (!sink_take(&channel->give_up_ns)) {
        return;
    }
    for (int stream = SINK_OUT; stream <= SINK_ERR; stream++) {
        struct output_line *line = &channel->lines[stream];
        write_dropped_note(channel, stream);
        if (line->text.len == 0 && !line->begun) {
            continue;
        }
        line->count++;
        if (line->fd < 0) {
            finish_line(channel, stream);
        } else if (line->text.len > 0) { /* others go on there */
            buffer_add(&line->text, "\n", 1);
            sink_write_file(line->fd, line->text.data, line->text.len);
        }
        line->text.len = 0;
        line->begun = false;
    }
    sink_give();
}

/* --- the end ------------------------------------------------------------------------------------------------- */

static double seconds(int64_t ns)
{
    return (double)(ns / 1000) / 1e6;
}

void output_result(struct output_channel *channel, const char *result, int exit_status,
                   const struct output_usage *usage)
{
    if (config.mode != OUTPUT_JSON || !sink_take(&channel->give_up_ns)) {
        return;
    }
    uint64_t lines = channel->lines[SINK_OUT].count + channel->lines[SINK_ERR].count;
    json_t *object = record(channel->name, "result", result, strlen(result));
    json_object_set_new(object, "status", json_integer(exit_status));
    json_object_set_new(object, "wall", json_real(seconds(usage->wall_ns)));
    json_object_set_new(object, "cpu", json_real(seconds(usage->cpu_ns)));
    if (usage->memory_peak_bytes > 0) {
        json_object_set_new(object, "memory", json_integer((json_int_t)usage->memory_peak_bytes));
    }
    if (usage->library_copies > 0) {
        json_object_set_new(object, "copies", json_integer((json_int_t)usage->library_copies));
        json_object_set_new(object, "copy_bytes", json_integer((json_int_t)usage->library_copy_bytes));
    }
    json_object_set_new(object, "lines", json_integer((json_int_t)lines));
    if (channel->dropped_writes > 0) {
        json_object_set_new(object, "dropped_bytes", json_integer((json_int_t)channel->dropped_bytes));
        json_object_set_new(object, "dropped_writes", json_integer((json_int_t)channel->dropped_writes));
    }
    scratch.len = 0;
    add_record(&scratch, object);
    sink_write(SINK_OUT, scratch.data, scratch.len, NULL, false, &channel->give_up_ns);
    sink_give();
}
