/* isles run: the main thread is an event loop that never blocks in the library. It waits for jobs (their
 * descriptors), for mail (worker threads, the library's events, broken output) and for signals. Workers start
 * the runtime, create interpreters and stop the runtime.
 *
 * A program goes WAITING -> STARTING (a worker has it) -> RUNNING (its job) -> ENDING (its interpreter) ->
 * DONE. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <isles/isles.h>

#include "commands.h"
#include "help.h"
#include "launch.h"
#include "mailbox.h"
#include "outcome.h"
#include "output.h"
#include "program.h"
#include "sink.h"
#include "status.h"
#include "stop.h"
#include "trial.h"
#include "workers.h"

enum { EXIT_BROKEN_PIPE = 141, MOST_WORKERS = 8 };

/* How long a program that is being stopped may wait for a reader, and an interpreter for its last threads. */
static const int64_t LAST_WORDS = 500 * ISLE_MS;
static const int64_t STOP_GRACE = 5 * ISLE_SECOND;

struct run {
    struct run_options options;
    struct programs programs;
    isle_runtime *runtime; /* written by a worker, read after its mail */
    int epoll_fd;
    size_t next; /* the first program that has not been started */
    size_t active, done;
    bool started;     /* the runtime */
    bool refused;     /* an option is wrong, and nothing was started */
    bool stopped;     /* the runtime: all is over */
    bool stopping;    /* no more programs are started */
    bool interrupted; /* by a signal */
    bool stuck;       /* some code could not be stopped: the process must leave by _exit */
    int broken;       /* errno of our stdout */
    int exit_status;  /* of the first program that failed; 0: none yet */
    bool live;        /* the live line is shown */
    bool color_err;
    bool terminal[2]; /* what programs are told of their stdout and stderr */
    int64_t began_ns;
};

/* --- from other threads -------------------------------------------------------------------------------------- */

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    struct mail mail = {.interp_id = event->interp_id, .status = event->status, .number = event->exit_status};
    switch (event->kind) {
    case ISLE_EVENT_STUCK:
        mail.kind = MAIL_STUCK;
        break;
    case ISLE_EVENT_INTERP_ENDED:
        mail.kind = MAIL_ENDED;
        break;
    case ISLE_EVENT_LOG:
        mail.kind = MAIL_LOG;
        break;
    default:
        return;
    }
    mail.text = event->message != NULL ? text_copy(event->message) : NULL;
    mailbox_send(&mail);
}

static void on_broken_output(int error)
{
    mailbox_send(&(struct mail){.kind = MAIL_OUTPUT_BROKEN, .number = error});
}

static void start_runtime(void *arg)
{
    struct run *run = arg;
    struct mail mail = {.kind = MAIL_RUNTIME_STARTED};
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    config.on_event = on_event;
    mail.status = isle_runtime_start(&config, &run->runtime, &mail.error);
    mail.text = mail.status == ISLE_OK ? trial_of_options(&run->programs, run->runtime) : NULL;
    mailbox_send(&mail);
}

static void stop_runtime(void *arg)
{
    struct run *run = arg;
    struct mail mail = {.kind = MAIL_RUNTIME_STOPPED};
    mail.status = isle_runtime_stop(run->runtime, isle_deadline_in(STOP_GRACE), &mail.error);
    mailbox_send(&mail);
}

static void start_program(void *arg)
{
    struct program *program = arg;
    launch(program, program->run->runtime, program->run->terminal);
    mailbox_send(&(struct mail){.kind = MAIL_STARTED, .program = program});
}

/* --- the life of a program ----------------------------------------------------------------------------------- */

static void cancel_program(struct run *run, struct program *program);

/* No more programs start, and those that run are asked to end. */
static void stop_all(struct run *run)
{
    run->stopping = true;
    for (size_t i = 0; i < run->programs.count; i++) {
        cancel_program(run, &run->programs.items[i]);
    }
}

static void note_result(struct run *run, const struct program *program)
{
    if (program->result == RESULT_OK || run->exit_status != 0) {
        return;
    }
    run->exit_status = program->exit_status;
    if (run->options.fail_fast && !run->stopping) {
        stop_all(run);
    }
}

static void program_done(struct run *run, struct program *program)
{
    output_channel_finish(&program->output);
    const struct output_usage usage = {program->wall_ns, program->cpu_ns, program->memory_peak_bytes,
                                       program->library_copies, program->library_copy_bytes};
    output_result(&program->output, program_result_name(program->result), program->exit_status, &usage);
    run->active -= program->state != PROGRAM_WAITING;
    run->done++;
    program->state = PROGRAM_DONE;
    note_result(run, program);
}

static void fail_to_start(struct run *run, struct program *program)
{
    program->result = program->cancelled ? RESULT_CANCELLED : RESULT_FAILED;
    program->exit_status = program->cancelled ? EXIT_INTERRUPTED : 1;
    if (!program->cancelled) {
        outcome_explain_start(program);
    }
    program_done(run, program);
}

static void cancel_program(struct run *run, struct program *program)
{
    if (program->state == PROGRAM_DONE || program->cancelled) {
        return;
    }
    program->cancelled = true;
    output_channel_give_up(&program->output, isle_deadline_in(LAST_WORDS));
    if (program->state == PROGRAM_WAITING) {
        fail_to_start(run, program);
    } else if (program->state == PROGRAM_RUNNING) {
        isle_job_cancel(program->job);
    } else if (program->state == PROGRAM_ENDING) {
        isle_interp_end_later(program->interp, isle_now());
    }
}

static void begin_end(struct run *run, struct program *program)
{
    bool in_time = program->result == RESULT_OK || program->result == RESULT_FAILED;
    program->state = PROGRAM_ENDING;
    if (isle_interp_end_later(program->interp, in_time ? ISLE_FOREVER : isle_now()) != ISLE_OK) {
        program_done(run, program);
    }
}

static void note_usage(struct program *program)
{
    isle_usage usage = {.size = sizeof usage};
    if (isle_interp_get_usage(program->interp, &usage) == ISLE_OK) {
        program->cpu_ns = (int64_t)usage.cpu_ns.used;
        program->memory_peak_bytes = usage.memory_bytes.peak;
    } else {
        program->cpu_ns = isle_job_cpu_ns(program->job);
    }
    isle_interp_stats stats = {.size = sizeof stats};
    if (isle_interp_get_stats(program->interp, &stats) == ISLE_OK) {
        program->library_copies = stats.extension_copies;
        program->library_copy_bytes = stats.extension_copy_bytes;
    }
}

static void job_ended(struct run *run, struct program *program)
{
    isle_value *value = NULL;
    isle_error *error = NULL;
    isle_status status = isle_job_result(program->job, &value, &error);
    if (status == ISLE_ERR_BUSY) {
        return;
    }
    epoll_ctl(run->epoll_fd, EPOLL_CTL_DEL, isle_job_fd(program->job), NULL);
    program->wall_ns = isle_job_wall_ns(program->job);
    note_usage(program);
    outcome_of_job(program, status, value, error);
    char *denied = policy_tell(program->interp, &program->policy, run->options.quiet);
    output_text(&program->output, denied != NULL ? denied : "");
    free(denied);
    isle_value_free(value);
    isle_error_free(error);
    isle_job_free(program->job); /* its descriptor goes with it */
    program->job = NULL;
    note_result(run, program); /* now, not when it has ended: the first to fail is first in time */
    begin_end(run, program);
}

static void program_started(struct run *run, struct program *program)
{
    if (program->job == NULL) {
        fail_to_start(run, program);
        return;
    }
    program->state = PROGRAM_RUNNING;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = program};
    int fd = isle_job_fd(program->job);
    if (fd < 0 || epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        outcome_explain_no_descriptor(program);
        isle_job_cancel(program->job);
        begin_end(run, program);
        return;
    }
    if (program->timeout_ns > 0) {
        output_channel_give_up(&program->output, isle_deadline_in(program->timeout_ns + LAST_WORDS));
    }
    if (program->cancelled) {
        isle_job_cancel(program->job);
    }
}

static void start_programs(struct run *run)
{
    size_t jobs = run->options.jobs > 0 ? run->options.jobs : run->programs.count;
    while (run->started && !run->stopping && run->next < run->programs.count && run->active < jobs) {
        struct program *program = &run->programs.items[run->next++];
        program->state = PROGRAM_STARTING;
        run->active++;
        workers_push(start_program, program);
    }
}

/* --- mail ---------------------------------------------------------------------------------------------------- */

static struct program *find_program(struct run *run, uint64_t interp_id)
{
    for (size_t i = 0; i < run->programs.count; i++) {
        struct program *program = &run->programs.items[i];
        bool started = program->state == PROGRAM_RUNNING || program->state == PROGRAM_ENDING;
        if (started && program->interp.id == interp_id) {
            return program;
        }
    }
    return NULL;
}

static void runtime_started(struct run *run, const struct mail *mail)
{
    if (mail->status != ISLE_OK) {
        status_note("cannot start Python: %s", isle_error_message(mail->error));
        run->exit_status = 1;
        run->stopped = true;
        return;
    }
    if (mail->text != NULL) {
        status_note("%s", mail->text);
        run->exit_status = EXIT_USAGE;
    }
    run->refused = mail->text != NULL;
    run->started = true;
}

static void interp_stuck(struct run *run, const struct mail *mail)
{
    struct program *program = find_program(run, mail->interp_id);
    run->stuck = true;
    if (program != NULL) {
        outcome_stuck(program, mail->text);
    }
}

static void interp_ended(struct run *run, const struct mail *mail)
{
    struct program *program = find_program(run, mail->interp_id);
    if (program == NULL) {
        return;
    }
    if (program->state == PROGRAM_RUNNING) {
        job_ended(run, program); /* its descriptor has not been looked at yet */
    }
    if (mail->status == ISLE_ERR_STUCK) {
        run->stuck = true;
        outcome_stuck(program, mail->text);
    }
    if (mail->status == ISLE_ERR_EXIT) { /* perhaps by an atexit function: then its job went well */
        outcome_left(program, mail->text, mail->number);
    }
    if (program->state == PROGRAM_ENDING) {
        program_done(run, program);
    }
}

static void output_broken(struct run *run, int error)
{
    run->broken = error;
    stop_all(run);
    if (error != EPIPE) {
        status_note("cannot write to standard output: %s", strerror(error));
    }
}

static void runtime_stopped(struct run *run, const struct mail *mail)
{
    run->stopped = true;
    run->stuck = run->stuck || mail->status == ISLE_ERR_STUCK;
    if (mail->status != ISLE_OK && mail->status != ISLE_ERR_STUCK) {
        status_note("Python did not end well: %s", isle_error_message(mail->error));
    }
}

static void read_mail(struct run *run, const struct mail *mail)
{
    switch (mail->kind) {
    case MAIL_RUNTIME_STARTED:
        runtime_started(run, mail);
        break;
    case MAIL_STARTED:
        program_started(run, mail->program);
        break;
    case MAIL_STUCK:
        interp_stuck(run, mail);
        break;
    case MAIL_ENDED:
        interp_ended(run, mail);
        break;
    case MAIL_LOG:
        if (!run->options.quiet && mail->text != NULL) {
            status_note("%s", mail->text);
        }
        break;
    case MAIL_OUTPUT_BROKEN:
        output_broken(run, mail->number);
        break;
    case MAIL_RUNTIME_STOPPED:
        runtime_stopped(run, mail);
        break;
    }
}

static void read_all_mail(struct run *run)
{
    for (struct mail *mail = mailbox_take(); mail != NULL;) {
        struct mail *next = mail->next;
        read_mail(run, mail);
        mail_free(mail);
        mail = next;
    }
}

/* --- the loop ------------------------------------------------------------------------------------------------ */

/* false: it has no handler for that, or nobody is there. */
static bool tell_program(struct program *program, int number)
{
    bool handles = false;
    if (program->state != PROGRAM_RUNNING || program->cancelled ||
        isle_interp_handles_signal(program->interp, number, &handles, NULL) != ISLE_OK || !handles) {
        return false;
    }
    program->told = number == SIGINT || number == SIGTERM ? number : program->told;
    return isle_interp_signal(program->interp, number, NULL) == ISLE_OK;
}

/* A program that handles the signal decides for itself; the others are stopped. */
static void stop_by_signal(struct run *run, int number)
{
    size_t told = 0, others = 0;
    bool tell = !run->options.quiet && run->done < run->programs.count;
    run->stopping = true;
    for (size_t i = 0; i < run->programs.count; i++) {
        struct program *program = &run->programs.items[i];
        if (tell_program(program, number)) {
            told++;
        } else if (program->state != PROGRAM_DONE) {
            others++;
            cancel_program(run, program);
        }
    }
    run->interrupted = run->interrupted || told == 0 || others > 0;
    if (tell && number == SIGINT) {
        status_note("stopping (Ctrl-C once more: at once)");
    } else if (tell && number == SIGTERM) {
        status_note("stopping: SIGTERM (once more: at once)");
    } else if (tell) {
        status_note("stopping: %s, which no program handles", strsignal(number));
    }
}

static void pass_signal(struct run *run, int number)
{
    bool told = false;
    for (size_t i = 0; i < run->programs.count; i++) {
        told |= tell_program(&run->programs.items[i], number);
    }
    bool ends_processes = number != SIGWINCH && number != SIGCHLD;
    if (!told && ends_processes) {
        stop_by_signal(run, number);
    }
}

static void read_signals(struct run *run)
{
    for (int number; (number = stop_take()) != 0;) {
        if (number == SIGINT || number == SIGTERM) {
            stop_by_signal(run, number);
        } else {
            pass_signal(run, number);
        }
    }
}

/* Waits for the next thing to happen, and takes it. */
static void step(struct run *run)
{
    struct epoll_event events[64];
    bool draw = run->live && run->done < run->programs.count;
    if (draw) {
        status_draw(&run->programs, run->color_err);
    }
    int count = epoll_wait(run->epoll_fd, events, 64, draw ? status_pause() : -1);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == &run->epoll_fd) {
            read_signals(run);
        } else if (what == run) {
            read_all_mail(run);
        } else if (((struct program *)what)->state == PROGRAM_RUNNING) {
            job_ended(run, what);
        }
    }
}

static bool wants_table(const struct run *run)
{
    if (run->broken != 0 || run->refused || run->options.quiet) {
        return false;
    }
    if (run->options.summary || sink_is_terminal(SINK_ERR)) {
        return true;
    }
    return run->programs.count > 1 && (run->exit_status != 0 || run->interrupted);
}

static void report(struct run *run)
{
    status_hide();
    for (size_t i = 0; i < run->programs.count && !run->options.quiet; i++) {
        const struct output_channel *output = &run->programs.items[i].output;
        if (output->dropped_writes > 0) {
            status_note("%s: %llu bytes of output, in %llu writes, were dropped: they were not read in time",
                        output->name, (unsigned long long)output->dropped_bytes,
                        (unsigned long long)output->dropped_writes);
        }
    }
    if (wants_table(run)) {
        bool all = run->options.summary;
        status_table(&run->programs, isle_now() - run->began_ns, run->color_err, all);
    }
}

static void loop(struct run *run)
{
    workers_push(start_runtime, run);
    while (!run->stopped && !run->refused && (!run->started || run->done < run->programs.count)) {
        start_programs(run);
        step(run);
    }
    if (run->stopped) {
        return;
    }
    report(run);
    workers_push(stop_runtime, run);
    while (!run->stopped) {
        step(run);
    }
}

/* --- around it ----------------------------------------------------------------------------------------------- */

static bool color_for(const struct run_options *options, int sink)
{
    const char *no_color = getenv("NO_COLOR");
    if (options->color != COLOR_AUTO) {
        return options->color == COLOR_ALWAYS;
    }
    return sink_can_clear(sink) && (no_color == NULL || no_color[0] == '\0');
}

/* A program that reads the terminal shares it with what is typed: a live line would be in its way. */
static bool reads_terminal(const struct program *program)
{
    return program->stdin_kind == ISLE_STREAM_INHERIT && isatty(STDIN_FILENO) == 1;
}

static bool wants_live(const struct run *run)
{
    if (run->options.quiet || !sink_can_clear(SINK_ERR)) {
        return false;
    }
    for (size_t i = 0; i < run->programs.count; i++) {
        if (reads_terminal(&run->programs.items[i])) {
            return false;
        }
    }
    return true;
}

static int make_folder(const char *path)
{
    struct stat info;
    char *copy = text_copy(path);
    for (char *at = copy + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            mkdir(copy, 0777); /* if it can't be, the last one fails and says so */
            *at = '/';
        }
    }
    int error = mkdir(copy, 0777) == 0 || errno == EEXIST ? 0 : errno;
    free(copy);
    if (error == 0 && stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        error = ENOTDIR;
    }
    return error;
}

static size_t name_width(const struct programs *programs)
{
    size_t widest = 0;
    for (size_t i = 0; i < programs->count; i++) {
        size_t width = text_width(programs->items[i].name);
        widest = width > widest ? width : widest;
    }
    return widest < 24 ? widest : 24;
}

/* Files of single programs. One that several were given is emptied once. */
static int open_destination(struct run *run, size_t index, int sink)
{
    struct program *program = &run->programs.items[index];
    const char *path = program->destinations[sink];
    bool append = program->append, shared = false;
    for (size_t i = 0; i < run->programs.count; i++) {
        for (int other = SINK_OUT; other <= SINK_ERR; other++) {
            const char *another = run->programs.items[i].destinations[other];
            bool same = (i != index || other != sink) && another != NULL && strcmp(another, path) == 0;
            bool before = i < index || (i == index && other < sink);
            append = append || (same && before);
            shared = shared || (same && i != index);
        }
    }
    const char *real = strcmp(path, "null") == 0 ? "/dev/null" : path;
    int error = output_channel_to_file(&program->output, sink, real, append, shared);
    if (error != 0) {
        complain("--%s: cannot write to %s: %s", sink == SINK_OUT ? "stdout" : "stderr", path, strerror(error));
    }
    return error == 0 ? 0 : EXIT_USAGE;
}

static int open_destinations(struct run *run)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < run->programs.count; i++) {
        for (int sink = SINK_OUT; status == 0 && sink <= SINK_ERR; sink++) {
            bool named = run->programs.items[i].destinations[sink] != NULL;
            status = named ? open_destination(run, i, sink) : 0;
        }
    }
    return status;
}

static int open_outputs(struct run *run)
{
    struct output_config config = {.mode = run->options.output,
                                   .dir = run->options.output_dir,
                                   .color_out = color_for(&run->options, SINK_OUT),
                                   .color_err = color_for(&run->options, SINK_ERR),
                                   .name_width = name_width(&run->programs)};
    bool alone = run->programs.count == 1;
    if (config.mode == OUTPUT_DEFAULT) {
        config.mode = alone ? OUTPUT_PLAIN : OUTPUT_PREFIX;
    }
    run->color_err = config.color_err;
    run->live = wants_live(run);
    for (int sink = SINK_OUT; sink <= SINK_ERR; sink++) {
        run->terminal[sink] = config.mode == OUTPUT_PLAIN && alone && sink_is_terminal(sink);
    }
    int error = config.mode == OUTPUT_FILES ? make_folder(config.dir) : 0;
    output_begin(&config);
    for (size_t i = 0; error == 0 && i < run->programs.count; i++) {
        struct program *program = &run->programs.items[i];
        program->run = run;
        bool immediate = reads_terminal(program) || (alone && config.mode == OUTPUT_PLAIN);
        error = output_channel_open(&program->output, program->name, i, immediate);
    }
    if (error != 0) {
        complain("--output: cannot write to %s: %s", config.dir, strerror(error));
        return EXIT_USAGE;
    }
    return open_destinations(run);
}

static int watch(struct run *run, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

static size_t worker_count(const struct run *run)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = cores < 1 ? 1 : (size_t)cores < MOST_WORKERS ? (size_t)cores : MOST_WORKERS;
    return count < run->programs.count ? count : run->programs.count;
}

/* Where programs have descriptors of their own, what they write and tell is done by threads of the process's. */
static int serve_own_tables(const struct run *run)
{
    bool any = false;
    for (size_t i = 0; i < run->programs.count; i++) {
        any = any || run->programs.items[i].output.own_table;
    }
    return !any || (sink_serve_all() && mailbox_serve_all()) ? 0 : EAGAIN;
}

static int begin(struct run *run)
{
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int error = run->epoll_fd < 0 ? errno : mailbox_begin();
    error = error == 0 ? serve_own_tables(run) : error;
    error = error == 0 ? stop_begin() : error;
    error = error == 0 ? watch(run, stop_fd(), &run->epoll_fd) : error;
    error = error == 0 ? watch(run, mailbox_fd(), run) : error;
    return error == 0 ? workers_begin(worker_count(run)) : error;
}

static int final_status(const struct run *run)
{
    if (run->broken != 0) {
        return run->broken == EPIPE ? EXIT_BROKEN_PIPE : 1;
    }
    return run->interrupted ? EXIT_INTERRUPTED : run->exit_status;
}

static int run_programs(struct run *run)
{
    int error = begin(run);
    if (error != 0) {
        complain("cannot begin: %s", strerror(error));
        return 1;
    }
    run->began_ns = isle_now();
    loop(run);
    int status = final_status(run);
    if (run->stuck) {
        _exit(status); /* threads that could not be stopped are still there: nothing may be freed under them */
    }
    workers_end();
    mailbox_end();
    return status;
}

static int prepare(struct run *run)
{
    isle_engine_info engine = {.size = sizeof engine};
    isle_engine_describe(&engine);
    int status = programs_make(&run->options, &engine, &run->programs);
    return status != 0 ? status : open_outputs(run);
}

int cmd_run(int argc, char **argv)
{
    struct run run = {.epoll_fd = -1};
    int status = options_read(argc, argv, &run.options);
    if (status == 0 && run.options.help) {
        fputs(help_run, stdout);
    } else if (status == 0) {
        sink_begin(on_broken_output);
        status = prepare(&run);
        status = status == 0 ? run_programs(&run) : status;
        programs_free(&run.programs);
        output_end();
        sink_end();
    }
    if (run.epoll_fd >= 0) {
        close(run.epoll_fd);
    }
    options_free(&run.options);
    return status;
}
