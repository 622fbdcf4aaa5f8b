/* The meaning of how a job ended. Main thread only. */
#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "stop.h"
#include "trial.h"

enum { EXIT_FAILED = 1, EXIT_TIMEOUT = 124 };

static void say(struct program *program, const char *text)
{
    char *line = text_format("isles: %s\n", text);
    output_text(&program->output, line);
    free(line);
}

/* The three one after the other. */
static void say_about(struct program *program, const char *a, const char *b, const char *c)
{
    char *line = text_format("%s%s%s", a, b, c);
    say(program, line);
    free(line);
}

/* CPython's words for an extension that has no support for several interpreters. */
static bool refuses_interpreters(const char *text)
{
    return strstr(text, "does not support loading in subinterpreters") != NULL;
}

static void hint_at_gil(struct program *program, const char *text)
{
    if (program->gil == ISLE_GIL_OWN && refuses_interpreters(text)) {
        bool strict = program->extensions == ISLE_EXTENSIONS_STRICT;
        say_about(program, "a module refuses interpreters that have their own GIL: try ",
                  strict ? "--extensions private (or --gil shared)" : "--gil shared", "");
    }
}

/* The kernel doesn't say that it was a policy. */
static void hint_at_policy(struct program *program, const char *text)
{
    bool refused = strstr(text, "PermissionError: [Errno 1") != NULL && strstr(text, "denied by the policy") == NULL;
    if (refused && policy_is_set(&program->policy) && !program->policy.observe) {
        say(program, "it has a policy: --observe lists what that would deny, and denies nothing");
    }
}

static void set(struct program *program, enum program_result result, int64_t status)
{
    program->result = result;
    program->exit_status = (int)(status & 0xff); /* as the shell would see it of a process */
}

/* What console_scripts do with what an entry point returns: sys.exit(result). */
static void of_value(struct program *program, const isle_value *value)
{
    int64_t number = -1;
    bool truth = false;
    isle_type type = value != NULL ? isle_value_type(value) : ISLE_NONE;
    if (type == ISLE_NONE) {
        set(program, RESULT_OK, 0);
    } else if (type == ISLE_BOOL) {
        isle_value_as_bool(value, &truth);
        set(program, truth ? RESULT_FAILED : RESULT_OK, truth);
    } else if (type == ISLE_INT) {
        isle_value_as_int64(value, &number); /* one too big for that stays -1, as in Python */
        set(program, (number & 0xff) == 0 ? RESULT_OK : RESULT_FAILED, number);
    } else if (type == ISLE_TAG) {
        say_about(program, program->target, " returned neither None, a number nor text", "");
        set(program, RESULT_FAILED, EXIT_FAILED);
    } else {
        char *text = type == ISLE_STR ? NULL : isle_value_repr(value);
        output_text(&program->output, type == ISLE_STR ? isle_value_as_str(value, NULL) : text != NULL ? text : "");
        isle_string_free(text);
        set(program, RESULT_FAILED, EXIT_FAILED);
    }
}

static void of_timeout(struct program *program, const isle_error *error)
{
    char after[16];
    if (isle_error_exception(error) != NULL) {
        output_text(&program->output, isle_error_text(error)); /* where it was */
    }
    duration_print_brief(after, sizeof after, program->timeout_ns);
    say_about(program, "timed out after ", after, " (--timeout)");
    set(program, RESULT_TIMEOUT, EXIT_TIMEOUT);
}

static void of_limit(struct program *program, const isle_error *error)
{
    if (isle_error_exception(error) != NULL) {
        output_text(&program->output, isle_error_text(error)); /* where it was */
    }
    say_about(program, "stopped: ", isle_error_message(error), "");
    set(program, RESULT_LIMIT, EXIT_TIMEOUT);
}

/* It has tidied up and then ended as if it had no handler: asyncio's raises KeyboardInterrupt, many servers send
 * themselves the signal again. That is no failure. */
static bool has_obeyed(const struct program *program, const isle_error *error)
{
    return program->told != 0 && isle_error_exit_status(error) == 128 + program->told;
}

static void of_exception(struct program *program, const isle_error *error)
{
    if (has_obeyed(program, error)) {
        set(program, RESULT_CANCELLED, isle_error_exit_status(error));
        return;
    }
    const char *text = isle_error_text(error);
    if (isle_error_exception(error) == NULL) {
        say(program, text); /* os._exit(3) ended the interpreter */
    } else {
        output_text(&program->output, text);
    }
    hint_at_gil(program, text);
    hint_at_policy(program, text);
    set(program, RESULT_FAILED, isle_error_exit_status(error));
}

void outcome_of_job(struct program *program, isle_status status, const isle_value *value, const isle_error *error)
{
    bool was_stuck = program->result == RESULT_STUCK;
    switch (status) {
    case ISLE_OK:
        of_value(program, value);
        break;
    case ISLE_ERR_TIMEOUT:
        of_timeout(program, error);
        break;
    case ISLE_ERR_BUDGET:
        of_limit(program, error);
        break;
    case ISLE_ERR_CANCELLED:
    case ISLE_ERR_ENDED:
        set(program, RESULT_CANCELLED, EXIT_INTERRUPTED);
        break;
    case ISLE_ERR_STUCK:
        set(program, RESULT_STUCK, program->cancelled ? EXIT_INTERRUPTED : EXIT_TIMEOUT);
        break;
    case ISLE_ERR_PYTHON:
    case ISLE_ERR_EXIT:
        of_exception(program, error);
        break;
    case ISLE_ERR_NOT_SHAREABLE:
        say_about(program, program->target, " returned neither None, a number nor text: ", isle_error_message(error));
        set(program, RESULT_FAILED, EXIT_FAILED);
        break;
    default:
        say(program, isle_error_message(error));
        set(program, RESULT_FAILED, EXIT_FAILED);
    }
    if (was_stuck) {
        program->result = RESULT_STUCK; /* that came first, and says more */
    }
}

void outcome_stuck(struct program *program, const char *why)
{
    if (program->result != RESULT_STUCK) {
        say(program, why != NULL ? why : "its code could not be stopped");
    }
    program->result = RESULT_STUCK;
    if (program->exit_status == 0) {
        program->exit_status = program->cancelled ? EXIT_INTERRUPTED : EXIT_TIMEOUT;
    }
}

void outcome_left(struct program *program, const char *what, int status)
{
    if (program->result == RESULT_OK) {
        say(program, what != NULL ? what : "it ended itself");
        set(program, RESULT_FAILED, status);
    }
}

void outcome_explain_start(struct program *program)
{
    char *text = trial_explain(program->start_error);
    say_about(program, "cannot start: ", text, "");
    hint_at_gil(program, text);
    free(text);
}

void outcome_explain_no_descriptor(struct program *program)
{
    say(program, "no descriptor is left to watch it (ulimit -n): run fewer at once with --jobs");
    set(program, RESULT_FAILED, EXIT_FAILED);
}
