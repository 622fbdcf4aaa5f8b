/* Starting a program. A worker thread has the program while this runs. */
#include "launch.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static int duplicates[2] = {-1, -1};

static void duplicate(void)
{
    for (int number = STDOUT_FILENO; number <= STDERR_FILENO; number++) {
        duplicates[number - 1] = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
}

/* What a program is told of the process's stream. Where that is a terminal that several programs share it gets another
 * number: input() of one that sees 1 would talk to the terminal by itself, past the program's prefix. */
static int told_descriptor(int number, bool alone_on_terminal)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (alone_on_terminal || !isatty(number)) {
        return number;
    }
    pthread_once(&once, duplicate);
    return duplicates[number - 1] >= 0 ? duplicates[number - 1] : number;
}

/* A child process that is given the stream writes to the program's file if there is one, else to the process's, as
 * one that inherits it does. */
static isle_stream output_stream(struct program *program, int number, bool terminal)
{
    int own = program->output.lines[number - 1].fd;
    return (isle_stream){.kind = ISLE_STREAM_CALLBACK,
                         .fd = own >= 0 ? own : told_descriptor(number, terminal),
                         .write = output_write,
                         .ctx = &program->output,
                         .terminal = terminal,
                         .buffering = program->unbuffered ? ISLE_BUFFERING_NONE : ISLE_BUFFERING_AUTO};
}

static isle_status create_interp(struct program *program, isle_runtime *runtime, const bool terminal[2],
                                 isle_interp *out_interp)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_policy policy = policy_fill(&program->policy);
    config.policy = policy_is_set(&program->policy) ? &policy : NULL;
    config.name = program->name;
    config.number = program->number;
    config.gil = program->gil;
    config.extensions = program->extensions;
    config.extension_copy_limit = program->extension_copies;
    config.venv = program->venv;
    config.path = program->path.items;
    config.path_count = program->path.count;
    config.no_site = program->no_site;
    config.isolated = program->isolated;
    config.no_bytecode = program->no_bytecode;
    config.cwd = program->cwd;
    config.umask = program->umask;
    config.umask_set = program->umask_set;
    config.shared_cwd = program->shared_cwd;
    config.locale = program->locale;
    config.shared_locale = program->shared_locale;
    config.env_base = program->env_base;
    config.env = program->env.items;
    config.env_count = program->env.count;
    config.warnings = program->warnings.items;
    config.warning_count = program->warnings.count;
    config.xoptions = program->xoptions.items;
    config.xoption_count = program->xoptions.count;
    config.budgets = &program->budgets;
    config.private_descriptors = program->output.own_table;
    config.stdin_ = (isle_stream){.kind = program->stdin_kind, .fd = program->stdin_fd};
    config.stdout_ = output_stream(program, STDOUT_FILENO, terminal[0]);
    config.stderr_ = output_stream(program, STDERR_FILENO, terminal[1]);
    return isle_interp_create(runtime, &config, out_interp, &program->start_error);
}

static isle_status submit_job(struct program *program, isle_interp interp)
{
    static const char *const no_args[] = {NULL};
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    config.kind = program->kind;
    config.target = program->target;
    config.argv = program->args.count > 0 ? program->args.items : no_args;
    config.argc = program->args.count;
    config.join_threads = true;
    if (program->timeout_ns > 0) {
        config.deadline = isle_deadline_in(program->timeout_ns);
    }
    return isle_job_submit(interp, &config, &program->job, &program->start_error);
}

void launch(struct program *program, isle_runtime *runtime, const bool terminal[2])
{
    isle_interp interp;
    if (create_interp(program, runtime, terminal, &interp) != ISLE_OK) {
        return;
    }
    if (submit_job(program, interp) != ISLE_OK) {
        isle_interp_end(interp, isle_deadline_in(ISLE_SECOND), NULL);
        return;
    }
    program->interp = interp;
}
