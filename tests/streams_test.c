/* Where an interpreter's standard streams go: files, queues, descriptors that several share, whole lines, slow readers
 * who are waited for or not, what child processes write; and descriptors that are an interpreter's own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queues.h"
#include "support.h"

#define PIPE_BYTES 65536 /* Linux's default; whoever has less fills it sooner */

static isle_interp_config config_with(isle_stream out)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdout_ = out;
    return config;
}

static isle_interp create_with(isle_stream out)
{
    isle_interp_config config = config_with(out);
    return create(&config);
}

static isle_interp_stats stats_of(isle_interp it)
{
    isle_interp_stats stats = {.size = sizeof stats};
    check_status(isle_interp_get_stats(it, &stats), ISLE_OK, NULL);
    return stats;
}

static isle_stream to_file(const char *path)
{
    return (isle_stream){.kind = ISLE_STREAM_FILE, .path = path};
}

static isle_stream to_fd(int fd)
{
    return (isle_stream){.kind = ISLE_STREAM_FD, .fd = fd};
}

static isle_stream to_queue(isle_queue *q)
{
    return (isle_stream){.kind = ISLE_STREAM_QUEUE, .queue = q};
}

static isle_queue *new_queue(size_t max_items)
{
    isle_queue_config config = ISLE_QUEUE_CONFIG_INIT;
    isle_queue *q;
    isle_error *err = NULL;
    config.max_items = max_items;
    check_status(isle_queue_create(&config, &q, &err), ISLE_OK, err);
    return q;
}

static void expect_file(const char *path, const char *wanted)
{
    char *text = must(read_text(path));
    assert_string_equal(text, wanted);
    free(text);
}

/* The next item of a queue, which must be there. */
static void expect_item(isle_queue *q, isle_type type, const char *wanted)
{
    isle_value *value;
    isle_error *err = NULL;
    size_t len;
    check_status(isle_queue_get(q, isle_now(), &value, &err), ISLE_OK, err);
    check(isle_value_type(value) == type);
    const char *text = type == ISLE_STR ? isle_value_as_str(value, &len) : isle_value_as_bytes(value, &len);
    check(len == strlen(wanted) && memcmp(text, wanted, len) == 0);
    isle_value_free(value);
}

static void expect_no_item(isle_queue *q)
{
    check_status(isle_queue_get(q, isle_now(), NULL, NULL), ISLE_ERR_TIMEOUT, NULL);
}

/* --- a pipe and its reader ---------------------------------------------------------------------------------------- */

typedef struct reader {
    int ends[2];
    pthread_t thread;
    char *text; /* NUL-terminated */
    size_t len;
} reader;

static void open_pipe(reader *r)
{
    *r = (reader){.text = NULL};
    check(pipe2(r->ends, O_CLOEXEC) == 0);
}

static void *read_all(void *arg)
{
    reader *r = arg;
    size_t room = 1 << 16;
    r->text = must(malloc(room));
    for (ssize_t got; (got = read(r->ends[0], r->text + r->len, room - r->len - 1)) > 0;) {
        r->len += (size_t)got;
        if (room - r->len < 1 << 15) {
            room *= 2;
            r->text = must(realloc(r->text, room));
        }
    }
    r->text[r->len] = '\0';
    return NULL;
}

static void begin_reading(reader *r)
{
    check(pthread_create(&r->thread, NULL, read_all, r) == 0);
}

/* Ends it with the writing end; its text is there then. */
static void end_reading(reader *r)
{
    close(r->ends[1]);
    check(pthread_join(r->thread, NULL) == 0);
    close(r->ends[0]);
}

static void fill_pipe(const reader *r)
{
    char page[4096];
    memset(page, '\n', sizeof page);
    fcntl(r->ends[1], F_SETFL, O_NONBLOCK);
    while (write(r->ends[1], page, sizeof page) > 0) {}
    fcntl(r->ends[1], F_SETFL, 0);
}

/* --- whole lines -------------------------------------------------------------------------------------------------- */

enum { WRITERS = 4, THREADS = 3, LINES = 150 };

/* Lines of one letter, up to three times what a pipe takes in one piece, also in parts and several at once. */
static const char writer_program[] =
    "import sys, threading, isles\n"
    "letter, lock = chr(ord('A') + isles.number), threading.Lock()\n"
    "def work(thread):\n"
    "    mine = letter + str(thread)\n"
    "    for i in range(%d):\n"
    "        line = mine + '-' * (i * 83 %% 12000) + mine + '\\n'\n"
    "        with lock:\n" /* or its own threads tear them, as everywhere in Python */
    "            if i %% 3:\n"
    "                sys.stdout.write(line * (1 + i %% 3))\n"
    "                continue\n"
    "            for at in range(0, len(line), 1000): sys.stdout.write(line[at:at + 1000])\n"
    "threads = [threading.Thread(target=work, args=(i,)) for i in range(%d)]\n"
    "for t in threads: t.start()\n"
    "for t in threads: t.join()\n";

static size_t check_lines(const char *text)
{
    size_t count = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        size_t len = (size_t)(end - line);
        bool whole = len >= 4 && strncmp(line, end - 2, 2) == 0 && strspn(line + 2, "-") == len - 4;
        if (!whole) {
            fprintf(stderr, "a torn line of %zu characters: %.60s\n", len, line);
            check(false);
        }
        count++;
    }
    return count;
}

static size_t lines_of_all(void)
{
    size_t count = 0;
    for (int i = 0; i < LINES; i++) {
        count += 1 + (size_t)(i % 3);
    }
    return count * WRITERS * THREADS;
}

/* Each gets a number of its own for the same thing. */
static void write_from_all(const isle_stream outs[WRITERS], isle_buffering buffering)
{
    isle_interp its[WRITERS];
    isle_job *jobs[WRITERS];
    char *program = text_of(writer_program, LINES, THREADS);
    for (int i = 0; i < WRITERS; i++) {
        isle_interp_config config = config_with(outs[i]);
        config.stdout_.buffering = buffering;
        config.number = (uint64_t)i;
        its[i] = create(&config);
    }
    for (int i = 0; i < WRITERS; i++) {
        jobs[i] = submit(its[i], program, ISLE_FOREVER);
    }
    for (int i = 0; i < WRITERS; i++) {
        isle_error *err = NULL;
        check_status(wait_for(jobs[i], &err), ISLE_OK, err);
        end(its[i]);
    }
    free(program);
}

static void check_pipe(isle_buffering buffering)
{
    reader r;
    isle_stream outs[WRITERS];
    open_pipe(&r);
    begin_reading(&r);
    for (int i = 0; i < WRITERS; i++) {
        outs[i] = to_fd(dup(r.ends[1]));
    }
    write_from_all(outs, buffering);
    for (int i = 0; i < WRITERS; i++) {
        close(outs[i].fd);
    }
    end_reading(&r);
    check(check_lines(r.text) == lines_of_all());
    free(r.text);
}

static void test_lines_in_a_pipe_are_whole(void **state)
{
    (void)state;
    check_pipe(ISLE_BUFFERING_LINE);
    check_pipe(ISLE_BUFFERING_BLOCK);
}

static void test_lines_in_a_file_are_whole(void **state)
{
    char *path = text_of("%s/shared", scratch());
    isle_stream outs[WRITERS];
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        outs[i] = to_file(path);
        outs[i].append = true;
    }
    outs[0] = to_fd(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    write_from_all(outs, ISLE_BUFFERING_BLOCK);
    char *text = must(read_text(path));
    check(check_lines(text) == lines_of_all());
    free(text);
    close(outs[0].fd);
    free(path);
}

static void test_what_is_flushed_in_the_middle_of_a_line(void **state)
{
    char *path = text_of("%s/partial", scratch());
    (void)state;
    isle_stream out = to_file(path);
    isle_interp a = create_with(out);
    out.append = true;
    isle_interp b = create_with(out);
    run(a, "import sys; print('a', end='', flush=True)");
    expect_file(path, "a");
    run(b, "print('b')");
    expect_file(path, "a\nb\n");
    run(a, "print('c')\nprint('half', end='')"); /* the end of a job flushes */
    expect_file(path, "a\nb\nc\nhalf");
    run(a, "print(' whole')");
    expect_file(path, "a\nb\nc\nhalf whole\n");
    run(a, "sys.stdout.reconfigure(line_buffering=True)\nsys.stdout.write('d\\nha')"); /* no flush before the end */
    run(a, "sys.stdout.write('lf\\ne\\nf')\nsys.stdout.buffer.flush()");
    run(b, "print('g')");
    expect_file(path, "a\nb\nc\nhalf whole\nd\nhalf\ne\nf\ng\n");
    end(b);
    run(a, "sys.stdout.write('alone\\nas Python')\nseen = open('/proc/self/fd/%d' % sys.stdout.fileno()).read()");
    check_eval(a, "seen.endswith('alone\\nas Python')", "True");
    end(a);
    free(path);
}

static void await_text(const char *path, const char *wanted)
{
    bool came = false;
    for (int64_t until = SOON; !came && isle_now() < until; usleep(500)) {
        char *text = must(read_text(path));
        came = strcmp(text, wanted) == 0;
        free(text);
    }
    check(came);
}

static void test_a_line_that_does_not_end_is_held_while_others_write(void **state)
{
    char *path = text_of("%s/held", scratch());
    isle_queue *go = new_queue(0);
    isle_value *value = isle_value_new_queue(go);
    (void)state;
    isle_stream out = to_file(path);
    isle_interp a = create_with(out);
    out.append = true;
    isle_interp b = create_with(out);
    check_status(isle_interp_set_global(a, "go", value, SOON, NULL), ISLE_OK, NULL);
    run(a, "import sys; sys.stdout.reconfigure(line_buffering=True)");
    isle_job *job = submit(a, "sys.stdout.write('one\\ntw'); go.get(); sys.stdout.write('o\\n')", ISLE_FOREVER);
    await_text(path, "one\n");
    run(b, "print('between')");
    expect_file(path, "one\nbetween\n");
    put_int(go, 1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);
    expect_file(path, "one\nbetween\ntwo\n");
    isle_value_free(value);
    isle_queue_free(go);
    end(b);
    end(a);
    free(path);
}

/* --- slow readers ------------------------------------------------------------------------------------------------- */

static void test_a_writer_waits_for_its_reader(void **state)
{
    reader r;
    (void)state;
    open_pipe(&r);
    isle_interp a = create_with(to_fd(r.ends[1])), b = create_with(to_fd(r.ends[1]));
    isle_job *first = submit(a, "for i in range(30000): print('a' * 20)", ISLE_FOREVER);
    isle_job *second = submit(b, "for i in range(30000): print('b' * 20)", ISLE_FOREVER);
    check_status(isle_job_wait(first, isle_deadline_in(50 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    begin_reading(&r);
    isle_error *err = NULL;
    check_status(wait_for(first, &err), ISLE_OK, err);
    check_status(wait_for(second, &err), ISLE_OK, err);
    check(stats_of(a).dropped_bytes == 0 && stats_of(a).output_bytes == 30000 * 21);
    end(a);
    end(b);
    end_reading(&r);
    check(r.len == 2 * 30000 * 21);
    free(r.text);
}

/* The one that waits for the reader, one that waits for that one, and one with a thread of its own in front. */
static void test_a_deadline_ends_the_wait_for_a_reader(void **state)
{
    static const char *const ways[] = {
        "while True: print('x' * 100)",
        "print('x' * 1_000_000)",
        "while True: sys.stdout.buffer.write(b'x' * 100_000)",
        ("import threading\n"
         "threading.Thread(target=lambda: print('t' * 100_000, flush=True), daemon=True).start()\n"
         "while True: print('x' * 100, flush=True)"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        reader r;
        isle_error *err = NULL;
        open_pipe(&r);
        isle_interp a = create_with(to_fd(r.ends[1])), b = create_with(to_fd(r.ends[1]));
        run(a, "import sys");
        run(b, "import sys");
        isle_job *first = submit(a, ways[i], ISLE_FOREVER);
        check_status(isle_job_wait(first, isle_deadline_in(50 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
        isle_job *second = submit(b, ways[i], isle_deadline_in(20 * ISLE_MS));
        check_status(wait_for(second, &err), ISLE_ERR_TIMEOUT, err);
        isle_error_free(err);
        check(stats_of(a).state == ISLE_INTERP_RUNNING && stats_of(b).state == ISLE_INTERP_IDLE);
        isle_job_cancel(first);
        check_status(wait_for(first, &err), ISLE_ERR_CANCELLED, err);
        isle_error_free(err);
        check(stats_of(a).state == ISLE_INTERP_IDLE);
        begin_reading(&r);
        run(a, "print('afterwards', flush=True)");
        end(a);
        end(b);
        end_reading(&r);
        check(strstr(r.text, "afterwards\n") != NULL);
        free(r.text);
    }
}

static void test_an_end_waits_for_no_reader(void **state)
{
    reader r;
    (void)state;
    open_pipe(&r);
    fill_pipe(&r);
    isle_interp_config config = config_with(to_fd(r.ends[1]));
    config.stuck_after_ns = 200 * ISLE_SECOND; /* what it would wait for, more than once */
    isle_interp it = create(&config);
    isle_job *job = submit(it, "print('x' * 100_000)", ISLE_FOREVER);
    check_status(isle_job_wait(job, isle_deadline_in(20 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    isle_error *err = NULL;
    check_status(isle_interp_end(it, isle_now(), &err), ISLE_OK, err);
    check_status(wait_for(job, &err), ISLE_ERR_ENDED, err);
    isle_error_free(err);
    close(r.ends[0]);
    close(r.ends[1]);
}

/* Sum of what the notes in a text say, which are taken out of it. */
static size_t take_notes(char *text)
{
    static const char begin[] = "[isles: ", rest[] = " bytes of output were dropped here]\n";
    size_t sum = 0;
    for (char *at; (at = strstr(text, begin)) != NULL;) {
        char *end;
        sum += strtoul(at + strlen(begin), &end, 10);
        check(strncmp(end, rest, strlen(rest)) == 0 && (at == text || at[-1] == '\n'));
        memmove(at, end + strlen(rest), strlen(end + strlen(rest)) + 1);
    }
    return sum;
}

static void check_dropping(isle_full full, int flags)
{
    enum { WRITES = 5000, LENGTH = 101 };
    reader r;
    open_pipe(&r);
    fcntl(r.ends[1], F_SETFL, flags);
    isle_stream out = to_fd(r.ends[1]);
    out.full = full;
    out.buffering = ISLE_BUFFERING_LINE;
    isle_interp it = create_with(out);
    runf(it, "for i in range(%d): print('x' * %d)", WRITES, LENGTH - 1); /* with nobody who reads */
    isle_interp_stats then = stats_of(it);
    check(then.dropped_bytes == then.dropped_writes * LENGTH);
    check(then.output_bytes + then.dropped_bytes == WRITES * LENGTH);
    check(then.output_bytes > 0 && then.output_bytes <= PIPE_BYTES);
    begin_reading(&r);
    do { /* until there is room for the note */
        run(it, "print('end')");
    } while (stats_of(it).output_bytes == then.output_bytes && usleep(1000) == 0);
    isle_interp_stats now = stats_of(it);
    end(it);
    end_reading(&r);
    size_t noted = take_notes(r.text);
    check(full == ISLE_FULL_DROP ? noted == now.dropped_bytes : noted == 0);
    check(strlen(r.text) == now.output_bytes);
    check(strstr(r.text, "x\nend\n") != NULL);
    free(r.text);
}

static void test_what_a_slow_reader_loses_is_counted(void **state)
{
    (void)state;
    check_dropping(ISLE_FULL_DROP, 0);
    check_dropping(ISLE_FULL_DROP_SILENT, 0);
    check_dropping(ISLE_FULL_DROP, O_NONBLOCK);
}

static void test_who_drops_does_not_wait_for_who_waits(void **state)
{
    reader r;
    (void)state;
    open_pipe(&r);
    isle_stream out = to_fd(r.ends[1]);
    isle_interp patient = create_with(out);
    out.full = ISLE_FULL_DROP;
    isle_interp hasty = create_with(out);
    isle_job *job = submit(patient, "print('p' * 200_000)", ISLE_FOREVER);
    check_status(isle_job_wait(job, isle_deadline_in(50 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    run(hasty, "for i in range(1000): print('h' * 9, flush=True)");
    check(stats_of(hasty).dropped_bytes == 10000 && stats_of(hasty).dropped_writes == 1000);
    begin_reading(&r);
    isle_error *err = NULL;
    check_status(wait_for(job, &err), ISLE_OK, err);
    end(hasty); /* says it now */
    end(patient);
    end_reading(&r);
    check(take_notes(r.text) == 10000);
    check(strlen(r.text) == 200001);
    free(r.text);
}

static void test_a_reader_who_has_gone(void **state)
{
    int ends[2];
    capture errors = CAPTURE_INIT;
    (void)state;
    check(pipe2(ends, O_CLOEXEC) == 0);
    isle_interp_config config = config_with(to_fd(ends[1]));
    config.stderr_ = captured(&errors);
    isle_interp a = create(&config);
    config.stdout_.full = ISLE_FULL_DROP;
    isle_interp b = create(&config);
    isle_interp c = create_with((isle_stream){.kind = ISLE_STREAM_NULL});
    close(ends[0]);
    run_error(a, "print('x', flush=True)", "BrokenPipeError: [Errno 32] Broken pipe");
    run_error(b, "print('x', flush=True)", "BrokenPipeError: [Errno 32] Broken pipe");
    run(c, "print('x', flush=True)");
    run(a, "import sys; sys.stderr.write('it lives\\n')");
    end(a);
    end(b);
    end(c);
    char *text = capture_take(&errors);
    check(strstr(text, "it lives\n") != NULL);
    free(text);
    close(ends[1]);
}

/* --- queues ------------------------------------------------------------------------------------------------------- */

static void test_lines_in_a_queue(void **state)
{
    (void)state;
    isle_queue *q = new_queue(0);
    isle_interp it = create_with(to_queue(q));
    run(it, "import sys\nprint('one')\nsys.stdout.write('two\\nthr')\nprint('ee', 'é')\n"
            "sys.stdout.buffer.write(b'\\xff\\n')");
    expect_item(q, ISLE_STR, "one\n");
    expect_item(q, ISLE_STR, "two\n");
    expect_item(q, ISLE_STR, "three é\n");
    expect_item(q, ISLE_STR, "\\xff\n");
    run(it, "print('prompt> ', end='', flush=True)\nprint('rest'); print('end', end='')");
    expect_item(q, ISLE_STR, "prompt> ");
    expect_item(q, ISLE_STR, "rest\n");
    expect_item(q, ISLE_STR, "end");
    expect_no_item(q);
    check_eval(it, "[sys.stdout.isatty(), sys.stdout.line_buffering]", "[False, True]");
    check(stats_of(it).output_bytes == 4 + 4 + 9 + 2 + 8 + 5 + 3);
    isle_queue_close(q);
    run_error(it, "print('too late')", "BrokenPipeError: [Errno 32] Broken pipe");
    end(it);
    isle_queue_free(q);
}

static void test_bytes_in_a_queue(void **state)
{
    (void)state;
    isle_queue *q = new_queue(0);
    isle_stream out = to_queue(q);
    out.bytes = true;
    out.encoding = "latin-1";
    out.buffering = ISLE_BUFFERING_BLOCK;
    isle_interp it = create_with(out);
    run(it, "import sys\nprint('é'); print('2', end='')");
    expect_item(q, ISLE_BYTES, "\xe9\n2");
    run(it, "sys.stdout.buffer.write(b'\\xff' * 9000)");
    isle_value *value;
    check_status(isle_queue_get(q, isle_now(), &value, NULL), ISLE_OK, NULL);
    check(isle_value_len(value) == 9000);
    isle_value_free(value);
    expect_no_item(q);
    end(it);
    isle_queue_free(q);
}

static void test_a_full_queue_is_waited_for(void **state)
{
    (void)state;
    isle_queue *q = new_queue(2);
    isle_interp it = create_with(to_queue(q));
    isle_error *err = NULL;
    isle_job *job = submit(it, "print('1\\n2\\n3\\n4')", ISLE_FOREVER);
    check_status(isle_job_wait(job, isle_deadline_in(20 * ISLE_MS)), ISLE_ERR_TIMEOUT, NULL);
    expect_item(q, ISLE_STR, "1\n");
    expect_item(q, ISLE_STR, "2\n");
    check_status(wait_for(job, &err), ISLE_OK, err);
    expect_item(q, ISLE_STR, "3\n");
    job = submit(it, "for i in range(5): print(i)", isle_deadline_in(20 * ISLE_MS));
    check_status(wait_for(job, &err), ISLE_ERR_TIMEOUT, err);
    isle_error_free(err);
    check(stats_of(it).state == ISLE_INTERP_IDLE && stats_of(it).dropped_bytes == 0);
    expect_item(q, ISLE_STR, "4\n");
    expect_item(q, ISLE_STR, "0\n");
    run(it, "pass"); /* what io still had, once */
    expect_item(q, ISLE_STR, "1\n");
    expect_no_item(q);
    end(it);
    isle_queue_free(q);
}

static void test_a_full_queue_drops(void **state)
{
    (void)state;
    isle_queue *q = new_queue(2);
    isle_stream out = to_queue(q);
    out.full = ISLE_FULL_DROP;
    isle_interp it = create_with(out);
    run(it, "import sys; sys.stdout.write('1\\n2\\n3\\n4\\n'); print('five')");
    check(stats_of(it).dropped_bytes == 9 && stats_of(it).dropped_writes == 2 && stats_of(it).output_bytes == 4);
    expect_item(q, ISLE_STR, "1\n");
    expect_item(q, ISLE_STR, "2\n");
    run(it, "print('six')");
    expect_item(q, ISLE_STR, "[isles: 9 bytes of output were dropped here]\n");
    expect_item(q, ISLE_STR, "six\n");
    expect_no_item(q);
    end(it);
    isle_queue_free(q);
}

static void put_text(isle_queue *q, const char *text)
{
    isle_value *value = isle_value_new_str(text);
    check_status(isle_queue_put(q, value, isle_now(), NULL), ISLE_OK, NULL);
    isle_value_free(value);
}

static void test_stdin_from_a_queue(void **state)
{
    (void)state;
    isle_queue *q = new_queue(0);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_ = to_queue(q);
    config.stdout_.kind = ISLE_STREAM_NULL;
    isle_interp it = create(&config);
    put_text(q, "one\ntw");
    put_text(q, "");
    put_text(q, "o é\n");
    check_eval(it, "[input('> '), input('> ')]", "['one', 'two é']");
    isle_error *err = NULL;
    isle_job *job = submit(it, "input()", isle_deadline_in(20 * ISLE_MS));
    check_status(wait_for(job, &err), ISLE_ERR_TIMEOUT, err);
    isle_error_free(err);
    put_int(q, 5);
    run_error(it, "input()", "TypeError: sys.stdin: its queue holds int, not str or bytes");
    put_text(q, "last");
    isle_queue_close(q);
    check_eval(it, "[input(), __import__('sys').stdin.read()]", "['last', '']");
    run_error(it, "input()", "EOFError: EOF when reading a line");
    end(it);
    isle_queue_free(q);
}

/* --- files, encodings, buffers ------------------------------------------------------------------------------------ */

static void test_files(void **state)
{
    char *path = write_file("streams/out.txt", "before\n"), *in = write_file("streams/in.txt", "line\n\xff");
    (void)state;
    isle_interp_config config = config_with(to_file(path));
    config.stdout_.append = true;
    config.stdin_ = to_file(in);
    config.stderr_ = to_file(path);
    config.stderr_.append = true;
    isle_interp it = create(&config);
    run(it, "import sys\nprint(input()); print(ascii(sys.stdin.read()))\nsys.stdout.flush()\nprint('err', "
            "file=sys.stderr)");
    end(it);
    expect_file(path, "before\nline\n'\\udcff'\nerr\n");
    end(create_with(to_file(path)));
    expect_file(path, "");
    struct stat is;
    check(stat(path, &is) == 0 && S_ISREG(is.st_mode));
    free(path);
    free(in);
}

static void test_encodings(void **state)
{
    char *path = text_of("%s/encoded", scratch());
    (void)state;
    isle_stream out = to_file(path);
    out.encoding = "latin-1";
    out.errors = "replace";
    isle_interp it = create_with(out);
    run(it, "import sys; print('é€'); assert (sys.stdout.encoding, sys.stdout.errors) == ('latin-1', 'replace')");
    expect_file(path, "\xe9?\n");
    run(it, "sys.stdout.reconfigure(encoding='utf-8'); print('é')");
    expect_file(path, "\xe9?\n\xc3\xa9\n");
    end(it);
    out.encoding = "utf-16-le";
    isle_interp a = create_with(out), b = create_with(out);
    run(a, "print('\\u0a0a\\n\\u0a00')"); /* bytes 10 that end no line */
    char bytes[9];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    check(read(fd, bytes, sizeof bytes) == 8 && memcmp(bytes, "\x0a\x0a\x0a\x00\x00\x0a\x0a\x00", 8) == 0);
    close(fd);
    end(a);
    end(b);
    free(path);
}

static void test_buffers(void **state)
{
    char *path = text_of("%s/buffered", scratch());
    static const struct {
        isle_buffering buffering;
        const char *then, *class, *line_buffering;
    } rows[] = {
        {ISLE_BUFFERING_AUTO, "", "BufferedWriter", "False"},
        {ISLE_BUFFERING_BLOCK, "", "BufferedWriter", "False"},
        {ISLE_BUFFERING_LINE, "one\n", "BufferedWriter", "True"},
        {ISLE_BUFFERING_NONE, "one\ntwo", "RawStream", "False"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        isle_stream out = to_file(path);
        out.buffering = rows[i].buffering;
        isle_interp it = create_with(out);
        runf(it, "import sys\nprint('one'); print('two', end='')\nseen = open('%s').read()", path);
        char *seen = eval(it, "seen"), *class = eval(it, "type(sys.stdout.buffer).__name__");
        assert_string_equal(seen, rows[i].then);
        assert_string_equal(class, rows[i].class);
        check_eval(it, "sys.stdout.line_buffering", rows[i].line_buffering);
        run(it, "print('x' * 1_000_000)");
        end(it);
        char *text = must(read_text(path));
        check(strlen(text) == 7 + 1000001);
        free(text);
        free(seen);
        free(class);
    }
    free(path);
}

/* --- all that Python writes --------------------------------------------------------------------------------------- */

static const char everything[] = "import sys, logging, threading, warnings, code, traceback, gc, pprint\n"
                                 "print('print')\n"
                                 "sys.__stdout__.write('__stdout__\\n')\n"
                                 "sys.displayhook('displayhook')\n"
                                 "code.InteractiveConsole().push(\"'console'\")\n"
                                 "pprint.pprint(['pprint'])\n"
                                 "sys.stdout.buffer.write(b'buffer\\n')\n"
                                 "logging.warning('logging')\n"
                                 "warnings.warn('warnings')\n"
                                 "t = threading.Thread(target=lambda: 1 / 0, name='thread')\n"
                                 "t.start(); t.join()\n"
                                 "class Unraisable:\n    def __del__(self): raise ValueError('unraisable')\n"
                                 "Unraisable(); gc.collect()\n"
                                 "try: raise KeyError('traceback')\n"
                                 "except KeyError: traceback.print_exc()\n"
                                 "sys.excepthook(*(lambda e: (type(e), e, None))(OSError('excepthook')))\n"
                                 "print('after', end='')";

static void expect_everything(const char *out, const char *errors)
{
    static const char *const in_out[] = {"print\n",  "__stdout__\n", "'displayhook'\n", "'console'\n", "['pprint']\n",
                                         "buffer\n", "after"};
    static const char *const in_errors[] = {
        "WARNING:root:logging\n", "UserWarning: warnings\n", "Exception in thread thread", "ZeroDivisionError",
        "ValueError: unraisable", "KeyError: 'traceback'\n", "OSError: excepthook\n"};
    for (size_t i = 0; i < sizeof in_out / sizeof *in_out; i++) {
        check(strstr(out, in_out[i]) != NULL);
    }
    for (size_t i = 0; i < sizeof in_errors / sizeof *in_errors; i++) {
        if (strstr(errors, in_errors[i]) == NULL) {
            fprintf(stderr, "not in stderr: %s\nbut: %s\n", in_errors[i], errors);
            check(false);
        }
    }
}

static char *join_items(isle_queue *q)
{
    char *all = must(strdup(""));
    isle_value *value;
    while (isle_queue_get(q, isle_now(), &value, NULL) == ISLE_OK) {
        char *more = text_of("%s%s", all, isle_value_as_str(value, NULL));
        isle_value_free(value);
        free(all);
        all = more;
    }
    return all;
}

static void test_all_that_python_writes(void **state)
{
    char *out = text_of("%s/all.out", scratch()), *errors = text_of("%s/all.err", scratch());
    (void)state;
    isle_interp_config config = config_with(to_file(out));
    config.stderr_ = to_file(errors);
    isle_interp it = create(&config);
    run(it, everything);
    char *out_text = must(read_text(out)), *error_text = must(read_text(errors));
    expect_everything(out_text, error_text);
    end(it);
    free(out_text);
    free(error_text);
    isle_queue *out_queue = new_queue(0), *error_queue = new_queue(0);
    config.stdout_ = to_queue(out_queue);
    config.stderr_ = to_queue(error_queue);
    it = create(&config);
    run(it, everything);
    out_text = join_items(out_queue);
    error_text = join_items(error_queue);
    expect_everything(out_text, error_text);
    end(it);
    isle_queue_free(out_queue);
    isle_queue_free(error_queue);
    free(out_text);
    free(error_text);
    free(out);
    free(errors);
}

/* --- child processes ---------------------------------------------------------------------------------------------- */

static const char spawning[] =
    "import os, subprocess, sys\n"
    "env = dict(os.environ)\n"
    "subprocess.run(['sh', '-c', 'echo run; echo run-err >&2; cat'])\n"
    "subprocess.run('echo popen-err-to-out >&2', shell=True, stderr=subprocess.STDOUT)\n"
    "subprocess.Popen(['echo', 'kept'], close_fds=False).wait()\n"
    "print('captured', subprocess.run(['echo', 'x'], capture_output=True).stdout, flush=True)\n"
    "print('status', os.system('echo system; exit 3') >> 8, flush=True)\n"
    "def spawned(f, path, **k): os.waitpid(f(path, ['sh', '-c', 'echo %s; cat' % f.__name__], env, **k), 0)\n"
    "spawned(os.posix_spawn, '/bin/sh')\n"
    "spawned(os.posix_spawnp, 'sh', file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])\n"
    "subprocess.run(['echo', 'to nobody'], stdout=subprocess.DEVNULL)\n";

static const char spawned_out[] =
    "run\ninput\npopen-err-to-out\nkept\ncaptured b'x\\n'\nsystem\nstatus 3\nposix_spawn\n";
static const char spawned_err[] = "run-err\nposix_spawnp\n";

static void check_children(bool own_environment, bool own_table)
{
    char *in = write_file("children/in", "input\n"), *out = text_of("%s/children/out", scratch());
    char *errors = text_of("%s/children/err", scratch());
    const char *env[] = {"ISLES_CHILD=1"};
    isle_interp_config config = config_with(to_file(out));
    config.stdin_ = to_file(in);
    config.stderr_ = to_file(errors);
    config.env = env;
    config.env_count = own_environment;
    config.private_descriptors = own_table;
    isle_interp it = create(&config);
    run(it, spawning);
    expect_file(out, spawned_out);
    expect_file(errors, spawned_err);
    end(it);
    free(in);
    free(out);
    free(errors);
}

static void test_children_write_where_their_interpreter_does(void **state)
{
    (void)state;
    check_children(false, false);
    check_children(true, false);
    check_children(false, true);
    check_children(true, true);
}

static void test_children_of_nowhere(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_.kind = config.stdout_.kind = config.stderr_.kind = ISLE_STREAM_NULL;
    isle_interp it = create(&config);
    run(it, "import os, subprocess, sys");
    /* what it was given for 1 is what this test's own 2 is not */
    check_eval(it, "subprocess.run(['sh', '-c', 'test /dev/null -ef /dev/fd/0 -a /dev/null -ef /dev/fd/1']).returncode",
               "0");
    check_eval(it, "os.path.sameopenfile(sys.stdout.fileno(), os.open('/dev/null', os.O_RDONLY))", "True");
    end(it);
}

static void test_functions_that_start_processes_look_as_before(void **state)
{
    (void)state;
    isle_interp plain = create(NULL), it = create_with((isle_stream){.kind = ISLE_STREAM_NULL});
    static const char look[] = "(lambda os: [repr(f) + f.__module__ + f.__qualname__ + f.__doc__ + "
                               "str(f.__text_signature__) for f in (os.system, os.posix_spawn, os.posix_spawnp)])"
                               "(__import__('os'))";
    char *before = eval(plain, look);
    check_eval(it, look, before);
    check_eval(it,
               "__import__('pickle').loads(__import__('pickle').dumps(__import__('os').system))"
               " is __import__('os').system",
               "True");
    free(before);
    end(it);
    end(plain);
}

/* --- descriptors -------------------------------------------------------------------------------------------------- */

static void test_descriptors_that_are_handed_in(void **state)
{
    int ends[2];
    (void)state;
    check(pipe2(ends, O_CLOEXEC) == 0);
    isle_descriptor list[] = {{"to host", ends[1]}, {"again", ends[1]}};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.descriptors = list;
    config.descriptor_count = 2;
    isle_interp it = create(&config);
    run(it, "import os, isles\nos.write(isles.descriptors['to host'], b'hi')\n"
            "try: isles.descriptors['x'] = 1\nexcept TypeError: pass\nelse: assert False");
    char text[3] = "";
    check(read(ends[0], text, 2) == 2 && strcmp(text, "hi") == 0);
    check_eval(it, "sorted(isles.descriptors)", "['again', 'to host']");
    isle_interp other = create(NULL);
    check_eval(other, "dict(__import__('isles').descriptors)", "{}");
    end(other);
    end(it);
    close(ends[0]);
    close(ends[1]);
}

static isle_interp create_private(isle_interp_config *config, int fd)
{
    isle_descriptor handed_in = {"handed in", fd};
    config->descriptors = &handed_in;
    config->descriptor_count = 1;
    config->private_descriptors = true;
    isle_interp it = create(config);
    run(it, "import isles, os, sys, threading, subprocess\nfd = isles.descriptors['handed in']\n"
            "def table(): return sorted(int(n) for n in os.listdir('/proc/thread-self/fd'))");
    return it;
}

static void test_a_table_of_descriptors_of_its_own(void **state)
{
    reader r;
    char *path = text_of("%s/own", scratch());
    (void)state;
    open_pipe(&r);
    begin_reading(&r);
    isle_interp_config config = config_with(to_fd(r.ends[1]));
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    isle_interp it = create_private(&config, file);
    check_eval(it, "len(set(table()) - {0, 1, 2, fd}) <= 3", "True"); /* the pipe's number, and the listing's own */
    run(it, "os.write(1, b'native\\n'); print('python', sys.stdout.fileno())"); /* 1 is the pipe */
    run(it,
        "t = threading.Thread(target=lambda: os.dup2(os.open('/dev/null', os.O_RDONLY), 150))\nt.start(); t.join()\n"
        "assert 150 in table()");
    check(fcntl(150, F_GETFD) == -1 && errno == EBADF);
    isle_interp neighbour = create(NULL);
    run(neighbour, "import os\ntry: os.fstat(150)\nexcept OSError: pass\nelse: assert False");
    run(it, "os.write(fd, b'x'); os.close(fd)"); /* its own */
    check(fcntl(file, F_GETFD) != -1);
    check_eval(it, "subprocess.run(['sh', '-c', 'echo child'], stderr=subprocess.PIPE).returncode", "0");
    isle_entry entry;
    check_status(isle_interp_enter(it, &entry, NULL), ISLE_ERR_UNSUPPORTED, NULL);
    end(neighbour);
    end(it);
    expect_file(path, "x");
    end_reading(&r);
    assert_string_equal(r.text, "native\npython 1\nchild\n");
    free(r.text);
    free(path);
    close(file);
}

static void note_bytes(void *ctx, uint64_t id, int stream, const char *data, size_t len)
{
    (void)id, (void)stream, (void)data;
    *(size_t *)ctx += len;
}

/* The host takes what Python writes, and named a file for all else: also where these two are the numbers 1 and 2. */
static void test_what_the_host_takes_has_numbers_too(void **state)
{
    char *paths[] = {text_of("%s/native-out", scratch()), text_of("%s/native-err", scratch())};
    int files[2];
    size_t taken = 0;
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_stream *streams[] = {&config.stdout_, &config.stderr_};
    for (int i = 0; i < 2; i++) {
        files[i] = open(paths[i], O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        *streams[i] = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .fd = files[i], .write = note_bytes, .ctx = &taken};
    }
    isle_interp it = create_private(&config, files[0]);
    run(it, "print('python', flush=True); os.write(1, b'native\\n')\n"
            "subprocess.run(['sh', '-c', 'echo child; echo bad >&2'])");
    end(it);
    assert_int_equal(taken, strlen("python\n"));
    expect_file(paths[0], "native\nchild\n");
    expect_file(paths[1], "bad\n");
    for (int i = 0; i < 2; i++) {
        close(files[i]);
        free(paths[i]);
    }
}

static void test_streams_that_change_places(void **state)
{
    char *out = text_of("%s/swap", scratch());
    int saved[2] = {dup(1), dup(2)}, first = open(out, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    (void)state;
    isle_interp_config config = config_with(to_fd(2));
    config.stderr_ = to_fd(1);
    fflush(NULL);
    dup2(first, 1); /* what is stderr there */
    isle_interp it = create_private(&config, first);
    run(it, "os.write(2, b'two\\n'); print('three', file=sys.stderr)");
    end(it);
    dup2(saved[0], 1);
    expect_file(out, "two\nthree\n");
    close(saved[0]);
    close(saved[1]);
    close(first);
    free(out);
}

/* The library's own descriptors work whoever changes them. */
static void test_jobs_and_queues_of_an_interpreter_with_its_own_descriptors(void **state)
{
    (void)state;
    isle_queue *q = new_queue(1), *back = new_queue(0);
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp it = create_private(&config, 0);
    isle_job *job = submit(it, "import time; time.sleep(0.02)", ISLE_FOREVER);
    struct pollfd polled = {.fd = isle_job_fd(job), .events = POLLIN};
    check(poll(&polled, 1, 30000) == 1);
    check_status(wait_for(job, NULL), ISLE_OK, NULL);

    isle_value *both[] = {isle_value_new_queue(q), isle_value_new_queue(back)};
    check_status(isle_interp_set_global(it, "q", both[0], SOON, NULL), ISLE_OK, NULL);
    check_status(isle_interp_set_global(it, "back", both[1], SOON, NULL), ISLE_OK, NULL);
    polled.fd = isle_queue_fd(q);
    check(poll(&polled, 1, 0) == 0);
    run(it, "q.put(1)");
    check(poll(&polled, 1, 0) == 1);
    run(it, "q.get()");
    check(poll(&polled, 1, 0) == 0);
    isle_value_free(both[0]);
    isle_value_free(both[1]);
    /* inside, select works, and a number is refused */
    put_int(back, 7);
    run(it, "import socket\na, b = socket.socketpair()\nassert isles.select([back, a], 0) == [back]\n"
            "before = table(); assert isles.select([q], 0.01) == [] and table() == before");
    run_error(it, "back.fileno()",
              "OSError: this interpreter's descriptors are private, and those of queues and jobs are the process's: "
              "wait by isles.select, or with a timeout");
    /* one whose descriptor it makes first */
    run(it, "mine = isles.create_queue(name='own'); isles.select([mine], 0)");
    isle_queue *mine;
    check_status(isle_queue_find("own", &mine, NULL), ISLE_OK, NULL);
    polled.fd = isle_queue_fd(mine);
    check(poll(&polled, 1, 0) == 0);
    run(it, "mine.put(None)");
    check(poll(&polled, 1, 0) == 1);
    int number = polled.fd;
    isle_queue_free(mine);
    run(it, "del mine"); /* the last one: its descriptor is closed where it is */
    check(fcntl(number, F_GETFD) == -1);
    end(it);
    isle_queue_free(q);
    isle_queue_free(back);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static void test_no_descriptor_is_left(void **state)
{
    char *path = text_of("%s/left", scratch());
    int before = 0;
    (void)state;
    for (int round = 0; round < 4; round++) {
        for (int own = 0; own < 2; own++) {
            isle_interp_config config = config_with(to_file(path));
            config.stdin_.kind = ISLE_STREAM_NULL;
            config.stderr_ = to_file(path);
            config.private_descriptors = own == 1;
            isle_interp it = create(&config);
            run(it, "import sys, subprocess; subprocess.run(['true']); sys.stdin.fileno(); print('x')");
            end(it);
            config.stderr_ = to_file("/nonexistent/file");
            isle_error *err = NULL;
            check_status(isle_interp_create(runtime, &config, &it, &err), ISLE_ERR_SYSTEM, err);
            check(strstr(isle_error_message(err), "stderr: cannot open /nonexistent/file") != NULL);
            isle_error_free(err);
        }
        before = round == 1 ? open_descriptors() : before; /* the first ones open what stays */
    }
    assert_int_equal(open_descriptors(), before);
    free(path);
}

/* --- mistakes ----------------------------------------------------------------------------------------------------- */

static void refused(const isle_interp_config *config, const char *part)
{
    isle_interp it;
    isle_error *err = NULL;
    check_status(isle_interp_create(runtime, config, &it, &err), ISLE_ERR_INVALID, err);
    if (strstr(isle_error_message(err), part) == NULL) {
        fprintf(stderr, "%s: not in: %s\n", part, isle_error_message(err));
        check(false);
    }
    isle_error_free(err);
}

static void test_mistakes_are_named(void **state)
{
    (void)state;
    isle_queue *q = new_queue(0);
    const struct {
        isle_stream out;
        const char *part;
    } rows[] = {
        {{.kind = (isle_stream_kind)77}, "stdout_: kind is none"},
        {{.kind = ISLE_STREAM_QUEUE}, "stdout_: queue is NULL"},
        {{.kind = ISLE_STREAM_QUEUE, .queue = q, .encoding = "utf-8"}, "stdout_: encoding is set"},
        {{.kind = ISLE_STREAM_FILE}, "stdout_: path is NULL"},
        {{.kind = ISLE_STREAM_FILE, .path = ""}, "stdout_: path is empty"},
        {{.append = true}, "stdout_: append is set"},
        {{.bytes = true}, "stdout_: bytes is set"},
        {{.buffering = (isle_buffering)9}, "stdout_: buffering is none"},
        {{.full = (isle_full)9}, "stdout_: full is none"},
        {{.encoding = "nonsense"}, "stdout.encoding: Python knows no 'nonsense'"},
        {{.errors = "nonsense"}, "stdout.errors: Python knows no 'nonsense'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        isle_interp_config config = config_with(rows[i].out);
        refused(&config, rows[i].part);
    }
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.stdin_.full = ISLE_FULL_DROP;
    refused(&config, "stdin_: append, buffering and full are for what is written");
    config = (isle_interp_config)ISLE_INTERP_CONFIG_INIT;
    isle_descriptor list[] = {{"a", 1}, {"a", 1}, {NULL, 1}, {"closed", 999}};
    config.descriptors = list;
    config.descriptor_count = 2;
    refused(&config, "descriptors[1]: there is a a before");
    config.descriptors = list + 2;
    config.descriptor_count = 1;
    refused(&config, "descriptors[0] has no name");
    config.descriptors = list + 3;
    refused(&config, "descriptors[0] (closed): 999 is not open");
    isle_queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_in_a_pipe_are_whole),
        cmocka_unit_test(test_lines_in_a_file_are_whole),
        cmocka_unit_test(test_what_is_flushed_in_the_middle_of_a_line),
        cmocka_unit_test(test_a_line_that_does_not_end_is_held_while_others_write),
        cmocka_unit_test(test_a_writer_waits_for_its_reader),
        cmocka_unit_test(test_a_deadline_ends_the_wait_for_a_reader),
        cmocka_unit_test(test_an_end_waits_for_no_reader),
        cmocka_unit_test(test_what_a_slow_reader_loses_is_counted),
        cmocka_unit_test(test_who_drops_does_not_wait_for_who_waits),
        cmocka_unit_test(test_a_reader_who_has_gone),
        cmocka_unit_test(test_lines_in_a_queue),
        cmocka_unit_test(test_bytes_in_a_queue),
        cmocka_unit_test(test_a_full_queue_is_waited_for),
        cmocka_unit_test(test_a_full_queue_drops),
        cmocka_unit_test(test_stdin_from_a_queue),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_all_that_python_writes),
        cmocka_unit_test(test_children_write_where_their_interpreter_does),
        cmocka_unit_test(test_children_of_nowhere),
        cmocka_unit_test(test_functions_that_start_processes_look_as_before),
        cmocka_unit_test(test_descriptors_that_are_handed_in),
        cmocka_unit_test(test_a_table_of_descriptors_of_its_own),
        cmocka_unit_test(test_what_the_host_takes_has_numbers_too),
        cmocka_unit_test(test_streams_that_change_places),
        cmocka_unit_test(test_jobs_and_queues_of_an_interpreter_with_its_own_descriptors),
        cmocka_unit_test(test_no_descriptor_is_left),
        cmocka_unit_test(test_mistakes_are_named),
    };
    signal(SIGPIPE, SIG_IGN);
    return RUN_TESTS(tests);
}
