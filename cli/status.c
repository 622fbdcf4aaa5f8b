/* The live line and the table. Main thread only; what is written goes through sink.h. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "duration.h"
#include "sink.h"
#include "size.h"
#include "table.h"

static const int64_t DRAW_PAUSE = 100 * ISLE_MS, FIRST_PAUSE = 200 * ISLE_MS;
static const int64_t CPU_WINDOW = 500 * ISLE_MS;
static const int64_t NOTE_PATIENCE = ISLE_SECOND, TABLE_PATIENCE = 10 * ISLE_SECOND;
enum { LONG_TABLE = 50, WIDEST_NAME = 40 };

/* --- the live line ------------------------------------------------------------------------------------------- */

static int64_t drawn_ns, began_ns;

struct line {
    struct buffer text;
    size_t left; /* columns */
    bool color;
};

/* What does not fit is left out, and all that follows. */
static void add(struct line *line, const char *color, const char *text)
{
    size_t width = text_width(text);
    if (width > line->left) {
        line->left = 0;
        return;
    }
    bool colored = line->color && color != NULL;
    line->left -= width;
    buffer_format(&line->text, "%s%s%s", colored ? color : "", text, colored ? COLOR_RESET : "");
}

static void add_number(struct line *line, const char *color, const char *format, size_t number)
{
    char text[64];
    snprintf(text, sizeof text, format, number);
    add(line, color, text);
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col < 200 ? size.ws_col : 200;
}

/* CPU use of the process in percent of one core, over the last half second. */
static int cpu_percent(int64_t now)
{
    static int64_t last_ns, last_cpu_ns;
    static int percent;
    struct timespec time;
    if (last_ns != 0 && now - last_ns < CPU_WINDOW) {
        return percent;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    int64_t cpu_ns = (int64_t)time.tv_sec * ISLE_SECOND + time.tv_nsec;
    if (last_ns != 0) {
        percent = (int)((cpu_ns - last_cpu_ns) * 100 / (now - last_ns));
    }
    last_ns = now;
    last_cpu_ns = cpu_ns;
    return percent;
}

static bool is_running(const struct program *program)
{
    return program->state != PROGRAM_WAITING && program->state != PROGRAM_DONE;
}

static void add_counts(struct line *line, const struct programs *programs)
{
    size_t waiting = 0, running = 0, done = 0, failed = 0;
    for (size_t i = 0; i < programs->count; i++) {
        const struct program *program = &programs->items[i];
        waiting += program->state == PROGRAM_WAITING;
        running += is_running(program);
        done += program->state == PROGRAM_DONE;
        failed += program->state == PROGRAM_DONE && program->result != RESULT_OK;
    }
    add_number(line, COLOR_BOLD, "%zu running", running);
    if (waiting > 0) {
        add_number(line, NULL, ", %zu waiting", waiting);
    }
    add_number(line, NULL, ", %zu done, ", done);
    add_number(line, failed > 0 ? COLOR_RED : NULL, "%zu failed", failed);
}

static void add_names(struct line *line, const struct programs *programs)
{
    const char *separator = "  ";
    for (size_t i = 0; i < programs->count; i++) {
        const struct program *program = &programs->items[i];
        if (!is_running(program)) {
            continue;
        }
        if (text_width(program->name) + text_width(separator) + 3 > line->left) {
            add(line, COLOR_DIM, " ..");
            return;
        }
        add(line, NULL, separator);
        add(line, COLOR_DIM, program->name);
        separator = " ";
    }
}

/* "12.3s" below a minute: a digit that moves says that all is alive. */
static void add_elapsed(struct line *line, int64_t ns)
{
    char text[20] = "  ";
    if (ns < 60 * ISLE_SECOND) {
        snprintf(text + 2, sizeof text - 2, "%.1fs", (double)(ns / (100 * ISLE_MS)) / 10);
    } else {
        duration_print(text + 2, sizeof text - 2, ns);
    }
    add(line, NULL, text);
}

void status_draw(const struct programs *programs, bool color)
{
    int64_t now = isle_now();
    if (began_ns == 0) {
        began_ns = now;
        drawn_ns = now + FIRST_PAUSE - DRAW_PAUSE; /* what is over at once needs no line that flashes */
    }
    if (now - drawn_ns < DRAW_PAUSE) {
        return;
    }
    drawn_ns = now;
    struct line line = {.left = terminal_width() - 1, .color = color};
    add_counts(&line, programs);
    add_elapsed(&line, now - began_ns);
    char cpu[32];
    snprintf(cpu, sizeof cpu, "  CPU %d%%", cpu_percent(now));
    add(&line, NULL, cpu);
    add_names(&line, programs);
    buffer_add(&line.text, "", 1);
    sink_set_live(line.text.data);
    buffer_free(&line.text);
}

void status_hide(void)
{
    sink_set_live("");
}

int status_pause(void)
{
    int64_t left = drawn_ns + DRAW_PAUSE - isle_now();
    return left > 0 ? (int)(left / ISLE_MS) + 1 : 0;
}

/* --- the table ----------------------------------------------------------------------------------------------- */

static const char *result_color(enum program_result result)
{
    switch (result) {
    case RESULT_OK:
        return COLOR_GREEN;
    case RESULT_CANCELLED:
        return COLOR_YELLOW;
    default:
        return COLOR_RED;
    }
}

static char *duration_cell(int64_t ns)
{
    char text[16];
    duration_print(text, sizeof text, ns);
    return text_copy(text);
}

static char *size_cell(uint64_t bytes)
{
    char text[16];
    size_print(text, sizeof text, bytes);
    return text_copy(text);
}

static bool has_run(const struct program *program)
{
    return program->interp.id != 0;
}

/* "11, 0.7M": the number, and the bytes that they don't share with the originals. */
static char *copies_cell(const struct program *program)
{
    char *bytes = size_cell(program->library_copy_bytes);
    char *cell = program->library_copies > 0
                     ? text_format("%llu, %s", (unsigned long long)program->library_copies, bytes)
                     : text_copy("-");
    free(bytes);
    return cell;
}

static void fill_row(struct table_row *row, const struct program *program, bool with_copies)
{
    uint64_t lines = program->output.lines[0].count + program->output.lines[1].count;
    bool ran = has_run(program);
    row->cells[0] = text_cut(program->name, WIDEST_NAME);
    row->cells[1] = text_copy(program_result_name(program->result));
    row->cells[2] = text_format("%d", program->exit_status);
    row->cells[3] = ran ? duration_cell(program->wall_ns) : text_copy("-");
    row->cells[4] = ran ? duration_cell(program->cpu_ns) : text_copy("-");
    row->cells[5] = program->memory_peak_bytes > 0 ? size_cell(program->memory_peak_bytes) : text_copy("-");
    row->cells[6] = ran ? text_format("%llu", (unsigned long long)lines) : text_copy("-");
    if (with_copies) { /* the last column */
        row->cells[7] = copies_cell(program);
    }
    row->colors[1] = result_color(program->result);
}

/* "4 programs in 2.31s, CPU 3.96s: 2 ok, 1 failed, 1 timeout" */
static void add_total(struct buffer *out, const struct programs *programs, int64_t wall_ns, size_t hidden)
{
    static const enum program_result order[] = {RESULT_OK,    RESULT_FAILED,    RESULT_TIMEOUT,
                                                RESULT_LIMIT, RESULT_CANCELLED, RESULT_STUCK};
    size_t counts[RESULT_STUCK + 1] = {0};
    int64_t cpu_ns = 0;
    char wall[16], cpu[16];
    for (size_t i = 0; i < programs->count; i++) {
        counts[programs->items[i].result]++;
        cpu_ns += programs->items[i].cpu_ns;
    }
    duration_print(wall, sizeof wall, wall_ns);
    duration_print(cpu, sizeof cpu, cpu_ns);
    if (hidden > 0) {
        buffer_format(out, ".. and %zu more that are ok (--summary shows them)\n", hidden);
    }
    buffer_format(out, "%zu programs in %s, CPU %s:", programs->count, wall, cpu);
    const char *separator = " ";
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (counts[order[i]] > 0) {
            buffer_format(out, "%s%zu %s", separator, counts[order[i]], program_result_name(order[i]));
            separator = ", ";
        }
    }
    buffer_add(out, "\n", 1);
}

/* Our own words wait for a reader, but not for ever: the main thread must stay able to act. */
static void write_own(const char *data, size_t len, int64_t patience_ns)
{
    const _Atomic int64_t until = isle_deadline_in(patience_ns);
    if (sink_take(&until)) {
        sink_write_own(data, len, &until);
        sink_give();
    }
}

static bool any_copies(const struct programs *programs)
{
    for (size_t i = 0; i < programs->count; i++) {
        if (programs->items[i].library_copies > 0) {
            return true;
        }
    }
    return false;
}

void status_table(const struct programs *programs, int64_t wall_ns, bool color, bool all)
{
    static const char *const heads[] = {"PROGRAM", "RESULT", "EXIT", "WALL", "CPU", "MEMORY", "LINES", "COPIES"};
    bool with_copies = any_copies(programs);
    size_t columns = sizeof heads / sizeof heads[0] - (with_copies ? 0 : 1);
    struct table table = {.heads = heads, .columns = columns, .numbers = 2, .color = color};
    struct buffer out = {0};
    bool brief = !all && programs->count > LONG_TABLE;
    for (size_t i = 0; i < programs->count; i++) {
        if (!brief || programs->items[i].result != RESULT_OK) {
            fill_row(table_add(&table), &programs->items[i], with_copies);
        }
    }
    if (table.count > 0 || !brief) {
        table_print(&table, &out);
    }
    if (programs->count > 1) {
        add_total(&out, programs, wall_ns, programs->count - table.count);
    }
    write_own(out.data, out.len, TABLE_PATIENCE);
    table_free(&table);
    buffer_free(&out);
}

void status_note(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0) {
        struct buffer line = {0};
        buffer_format(&line, "isles: %s\n", text);
        write_own(line.data, line.len, NOTE_PATIENCE);
        buffer_free(&line);
    }
    free(text);
}
