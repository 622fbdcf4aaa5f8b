/* Sinks: one for each open file, whole lines of several writers, slow readers who are waited for or not, counts. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform.h"

static int ends[2];

static int open_pipe(void **state)
{
    (void)state;
    return pipe2(ends, O_CLOEXEC);
}

static int close_pipe(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static sink_result put(sink *s, uint64_t writer, const char *text, bool drops)
{
    sink_write what = {.fd = ends[1], .writer = writer, .data = text, .len = strlen(text), .drops = drops};
    size_t written;
    bool noted;
    sink_result result = sink_put(s, &what, &written, &noted);
    assert_true(result != SINK_DONE || written == what.len);
    return result;
}

/* What is in the pipe; owned. */
static char *take(void)
{
    char *text = calloc(1, 1 << 20);
    size_t len = 0;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (ssize_t got; (got = read(ends[0], text + len, (1 << 20) - 1 - len)) > 0;) {
        len += (size_t)got;
    }
    fcntl(ends[0], F_SETFL, 0);
    return text;
}

static void expect(const char *wanted)
{
    char *text = take();
    assert_string_equal(text, wanted);
    free(text);
}

static void fill(void)
{
    char page[PIPE_BUF];
    memset(page, '\n', sizeof page);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], page, sizeof page) > 0) {}
    fcntl(ends[1], F_SETFL, 0);
}

/* --- one for each file -------------------------------------------------------------------------------------------- */

static void test_one_for_each_file_by_whatever_number(void **state)
{
    int again = dup(ends[1]), other[2];
    (void)state;
    assert_int_equal(pipe2(other, O_CLOEXEC), 0);
    sink *s = sink_join(ends[1], 1);
    assert_non_null(s);
    assert_ptr_equal(sink_join(again, 1), s); /* as an interpreter's stdout and stderr */
    assert_false(sink_is_shared(s));
    sink *t = sink_join(other[1], 1);
    assert_ptr_not_equal(t, s);
    assert_ptr_equal(sink_join(again, 2), s);
    assert_true(sink_is_shared(s));
    sink_leave(s, 1);
    assert_true(sink_is_shared(s));
    sink_leave(s, 1);
    assert_false(sink_is_shared(s));
    sink_leave(s, 2);
    sink_leave(t, 1);
    close(again);
    assert_null(sink_join(again, 1));
    close(other[0]);
    close(other[1]);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void test_a_line_goes_on_only_by_its_writer(void **state)
{
    (void)state;
    sink *s = sink_join(ends[1], 1);
    sink_join(ends[1], 2);
    put(s, 1, "one", false);
    put(s, 1, " and more\n", false);
    put(s, 2, "two\nthr", false);
    put(s, 2, "ee\nfour", false);
    put(s, 1, "five\nsix", false);
    sink_leave(s, 1);
    put(s, 2, "seven\n", false);
    sink_leave(s, 2);
    expect("one and more\ntwo\nthree\nfour\nfive\nsix\nseven\n");
}

enum { WRITERS = 4, LINES = 300 };

static void write_lines(void *arg)
{
    uint64_t writer = (uintptr_t)arg;
    char line[3 * PIPE_BUF];
    sink *s = sink_join(ends[1], writer);
    for (int i = 0; i < LINES; i++) {
        size_t len = (size_t)(i * 37 % (int)(sizeof line - 2)) + 1;
        memset(line, 'a' + (int)writer, len);
        line[len] = '\n';
        line[len + 1] = '\0';
        put(s, writer, line, false);
    }
    sink_leave(s, writer);
}

static void test_lines_longer_than_a_pipe_takes_at_once_are_whole(void **state)
{
    plat_thread threads[WRITERS];
    char *line = NULL;
    size_t room = 0, lines = 0;
    (void)state;
    for (uintptr_t i = 0; i < WRITERS; i++) {
        assert_int_equal(plat_thread_start(&threads[i], "writer", 0, 0, write_lines, (void *)(i + 1)), 0);
    }
    FILE *from = fdopen(dup(ends[0]), "r");
    for (ssize_t len; lines < (size_t)WRITERS * LINES && (len = getline(&line, &room, from)) > 0; lines++) {
        assert_int_equal(strspn(line, (char[]){line[0], '\0'}), len - 1); /* all by one writer */
    }
    assert_int_equal(lines, (size_t)WRITERS * LINES);
    for (int i = 0; i < WRITERS; i++) {
        plat_thread_join(threads[i]);
    }
    fclose(from);
    free(line);
}

/* --- slow readers ------------------------------------------------------------------------------------------------- */

static void test_who_drops_loses_all_when_the_pipe_is_full(void **state)
{
    (void)state;
    sink *s = sink_join(ends[1], 1);
    fill();
    assert_int_equal(put(s, 1, "lost\n", true), SINK_FULL);
    free(take());
    assert_int_equal(put(s, 1, "comes\n", true), SINK_DONE);
    expect("comes\n");
    sink_leave(s, 1);
}

static void test_who_drops_loses_whole_lines(void **state)
{
    char lines[400 * 1000 + 1];
    size_t written;
    bool noted;
    (void)state;
    for (size_t i = 0; i < sizeof lines - 1; i++) {
        lines[i] = i % 1000 == 999 ? '\n' : 'x';
    }
    lines[sizeof lines - 1] = '\0';
    sink *s = sink_join(ends[1], 1);
    sink_write what = {.fd = ends[1], .writer = 1, .data = lines, .len = sizeof lines - 1, .drops = true};
    assert_int_equal(sink_put(s, &what, &written, &noted), SINK_FULL);
    char *text = take();
    assert_int_equal(strlen(text), written);
    assert_true(written > 0 && written % 1000 == 0);
    free(text);
    what.note = "[a note]\n";
    what.len = 1000;
    assert_int_equal(sink_put(s, &what, &written, &noted), SINK_DONE);
    assert_true(noted);
    text = take();
    assert_int_equal(strncmp(text, "[a note]\nxx", 11), 0);
    assert_int_equal(strlen(text), 9 + 1000);
    free(text);
    sink_leave(s, 1);
}

static void test_the_rest_of_a_line_that_is_lost_is_not_gone_on_with(void **state)
{
    char *line = malloc(1 << 19);
    (void)state;
    memset(line, 'x', (1 << 19) - 1);
    line[(1 << 19) - 1] = '\0';
    sink *s = sink_join(ends[1], 1);
    assert_int_equal(put(s, 1, line, true), SINK_FULL);
    free(take());
    assert_int_equal(put(s, 1, "next\n", true), SINK_DONE);
    expect("\nnext\n");
    sink_leave(s, 1);
    free(line);
}

/* Reads until it is there. */
static void await_patient(void)
{
    char *text;
    bool came;
    do {
        text = take();
        came = strstr(text, "patient\n") != NULL;
        assert_null(strstr(text, "lost"));
        free(text);
        usleep(500);
    } while (!came);
}

static void wait_and_write(void *arg)
{
    assert_int_equal(put(arg, 1, "patient\n", false), SINK_DONE);
}

static void test_who_drops_does_not_wait_for_who_waits(void **state)
{
    plat_thread patient;
    (void)state;
    sink *s = sink_join(ends[1], 1);
    sink_join(ends[1], 2);
    fill();
    assert_int_equal(plat_thread_start(&patient, "patient", 0, 0, wait_and_write, s), 0);
    for (int i = 0; i < 1000; i++) { /* before it has come, too */
        assert_int_equal(put(s, 2, "lost\n", true), SINK_FULL);
    }
    await_patient();
    plat_thread_join(patient);
    sink_leave(s, 1);
    sink_leave(s, 2);
}

static void test_one_that_does_not_block_is_waited_for(void **state)
{
    plat_thread patient;
    (void)state;
    sink *s = sink_join(ends[1], 1);
    fill();
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    assert_int_equal(plat_thread_start(&patient, "patient", 0, 0, wait_and_write, s), 0);
    usleep(20000);
    await_patient();
    plat_thread_join(patient);
    expect("");
    sink_leave(s, 1);
}

/* --- giving up ---------------------------------------------------------------------------------------------------- */

struct asked {
    _Atomic int times;
    _Atomic size_t written;
    _Atomic bool in_line;
};

static bool gives_up(void *ctx, size_t written, bool in_line)
{
    struct asked *asked = ctx;
    atomic_store(&asked->written, written);
    atomic_store(&asked->in_line, in_line);
    return atomic_fetch_add(&asked->times, 1) == 1; /* the second time */
}

static void nothing(int number)
{
    (void)number;
}

static struct {
    sink *s;
    struct asked asked;
    char *data;
    size_t len, written;
    sink_result result;
    _Atomic bool done;
} interrupted;

static void write_and_give_up(void *unused)
{
    (void)unused;
    sink_write what = {.fd = ends[1],
                       .writer = 1,
                       .data = interrupted.data,
                       .len = interrupted.len,
                       .gives_up = gives_up,
                       .ctx = &interrupted.asked};
    bool noted;
    interrupted.result = sink_put(interrupted.s, &what, &interrupted.written, &noted);
    atomic_store(&interrupted.done, true);
}

static void test_a_signal_ends_the_wait_for_a_reader(void **state)
{
    struct sigaction action = {.sa_handler = nothing};
    plat_thread writer;
    (void)state;
    sigaction(SIGUSR1, &action, NULL);
    interrupted.s = sink_join(ends[1], 1);
    interrupted.len = 1 << 19;
    interrupted.data = malloc(interrupted.len);
    memset(interrupted.data, 'x', interrupted.len);
    assert_int_equal(plat_thread_start(&writer, "writer", 0, SIGUSR1, write_and_give_up, NULL), 0);
    while (!atomic_load(&interrupted.done)) {
        pthread_kill(writer.id, SIGUSR1);
        usleep(1000);
    }
    plat_thread_join(writer);
    assert_int_equal(interrupted.result, SINK_INTERRUPTED);
    assert_int_equal(atomic_load(&interrupted.asked.times), 2);
    assert_true(interrupted.written == 0 || atomic_load(&interrupted.asked.in_line));
    char *text = take();
    assert_int_equal(strlen(text), interrupted.written); /* exactly what it said */
    free(text);
    free(interrupted.data);
    sink_leave(interrupted.s, 1);
}

static void test_a_reader_who_has_gone(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    sink *s = sink_join(ends[1], 1);
    close(ends[0]);
    assert_int_equal(put(s, 1, "x\n", false), SINK_FAILED);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(put(s, 1, "x\n", true), SINK_FAILED);
    sink_leave(s, 1);
    ends[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)
        WITH_PIPE(test_one_for_each_file_by_whatever_number),
        WITH_PIPE(test_a_line_goes_on_only_by_its_writer),
        WITH_PIPE(test_lines_longer_than_a_pipe_takes_at_once_are_whole),
        WITH_PIPE(test_who_drops_loses_all_when_the_pipe_is_full),
        WITH_PIPE(test_who_drops_loses_whole_lines),
        WITH_PIPE(test_the_rest_of_a_line_that_is_lost_is_not_gone_on_with),
        WITH_PIPE(test_who_drops_does_not_wait_for_who_waits),
        WITH_PIPE(test_one_that_does_not_block_is_waited_for),
        WITH_PIPE(test_a_signal_ends_the_wait_for_a_reader),
        WITH_PIPE(test_a_reader_who_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
