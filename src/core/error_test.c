/* Tests of errors, and of reading the engine's report, malformed ones included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cbor.h"
#include "core.h"

static isle_value *str(const char *text)
{
    return isle_value_new_str(text);
}

static isle_value *frame(const char *file, int line, const char *function, isle_value *source)
{
    isle_value *list = isle_value_new_list();
    isle_value_append(list, str(file));
    isle_value_append(list, isle_value_new_int(line));
    isle_value_append(list, isle_value_new_int(line + 1));
    isle_value_append(list, isle_value_new_int(4));
    isle_value_append(list, isle_value_new_int(9));
    isle_value_append(list, str(function));
    isle_value_append(list, source);
    return list;
}

static isle_value *exception(const char *type, const char *message)
{
    isle_value *map = isle_value_new_dict();
    isle_value_set_str(map, "type", str(type));
    isle_value_set_str(map, "message", str(message));
    return map;
}

/* Takes `report` over. */
static isle_error *error_of(isle_status status, isle_value *report, const char *message)
{
    engine_failure failure = {.status = status, .message = plat_strdup(message), .exit_status = 3};
    assert_int_equal(isle_value_encode(report, &failure.report.data, &failure.report.len), ISLE_OK);
    isle_value_free(report);
    isle_error *error = error_from_failure(&failure);
    assert_null(failure.report.data);
    assert_null(failure.message);
    return error;
}

static void test_whole_report(void **state)
{
    (void)state;
    isle_value *map = exception("ValueError", "no such colour\nreally");
    isle_value_set_str(map, "text", str("Traceback ...\nValueError: no such colour\nreally\n"));
    isle_value *notes = isle_value_new_list();
    isle_value_append(notes, str("a note"));
    isle_value_append(notes, str("another"));
    isle_value_set_str(map, "notes", notes);
    isle_value *frames = isle_value_new_list();
    isle_value_append(frames, frame("a.py", 7, "main", str("paint('x')")));
    isle_value_append(frames, frame("b.py", 9, "paint", isle_value_new_none()));
    isle_value_set_str(map, "frames", frames);
    isle_value *cause = exception("KeyError", "'x'");
    isle_value_set_str(cause, "context", exception("OSError", ""));
    isle_value_set_str(map, "cause", cause);
    isle_value *children = isle_value_new_list();
    isle_value_append(children, exception("A", "1"));
    isle_value_append(children, exception("B", "2"));
    isle_value_set_str(map, "children", children);

    isle_error *error = error_of(ISLE_ERR_PYTHON, map, NULL);
    assert_int_equal(isle_error_status(error), ISLE_ERR_PYTHON);
    assert_int_equal(isle_error_exit_status(error), 3);
    assert_string_equal(isle_error_message(error), "ValueError: no such colour");
    assert_string_equal(isle_error_text(error), "Traceback ...\nValueError: no such colour\nreally\n");
    const isle_exception *e = isle_error_exception(error);
    assert_string_equal(isle_exception_type(e), "ValueError");
    assert_string_equal(isle_exception_message(e), "no such colour\nreally");
    assert_int_equal(isle_exception_note_count(e), 2);
    assert_string_equal(isle_exception_note(e, 1), "another");
    assert_null(isle_exception_note(e, 2));
    assert_int_equal(isle_exception_frame_count(e), 2);
    const isle_frame *f = isle_exception_frame(e, 0);
    assert_string_equal(f->file, "a.py");
    assert_string_equal(f->function, "main");
    assert_string_equal(f->source, "paint('x')");
    assert_int_equal(f->line, 7);
    assert_int_equal(f->end_line, 8);
    assert_int_equal(f->column, 4);
    assert_int_equal(f->end_column, 9);
    assert_null(isle_exception_frame(e, 1)->source);
    assert_null(isle_exception_frame(e, 2));
    const isle_exception *c = isle_exception_cause(e);
    assert_string_equal(isle_exception_type(c), "KeyError");
    assert_string_equal(isle_exception_type(isle_exception_context(c)), "OSError");
    assert_null(isle_exception_context(e));
    assert_int_equal(isle_exception_child_count(e), 2);
    assert_string_equal(isle_exception_message(isle_exception_child(e, 1)), "2");
    assert_null(isle_exception_child(e, 2));
    assert_null(isle_exception_syntax(e));
    isle_error_free(error);
}

static void test_syntax_error(void **state)
{
    (void)state;
    isle_value *map = exception("SyntaxError", "invalid syntax (a.py, line 3)");
    isle_value *syntax = isle_value_new_dict();
    isle_value_set_str(syntax, "file", str("a.py"));
    isle_value_set_str(syntax, "source", str("x = = 1"));
    isle_value_set_str(syntax, "message", str("invalid syntax"));
    isle_value_set_str(syntax, "line", isle_value_new_int(3));
    isle_value_set_str(syntax, "column", isle_value_new_int(5));
    isle_value_set_str(map, "syntax", syntax);
    isle_error *error = error_of(ISLE_ERR_PYTHON, map, NULL);
    const isle_syntax_error *s = isle_exception_syntax(isle_error_exception(error));
    assert_string_equal(s->file, "a.py");
    assert_string_equal(s->source, "x = = 1");
    assert_string_equal(s->message, "invalid syntax");
    assert_int_equal(s->line, 3);
    assert_int_equal(s->end_line, 0);
    assert_int_equal(s->column, 5);
    assert_int_equal(s->end_column, 0);
    isle_error_free(error);
}

static void test_missing_keys_have_defaults(void **state)
{
    (void)state;
    isle_error *error = error_of(ISLE_ERR_PYTHON, isle_value_new_dict(), "it broke");
    const isle_exception *e = isle_error_exception(error);
    assert_string_equal(isle_exception_type(e), "<unknown exception>");
    assert_string_equal(isle_exception_message(e), "");
    assert_int_equal(isle_exception_note_count(e), 0);
    assert_int_equal(isle_exception_frame_count(e), 0);
    assert_string_equal(isle_error_message(error), "<unknown exception>");
    isle_error_free(error);
}

static void test_wrong_types_count_as_missing(void **state)
{
    (void)state;
    isle_value *map = exception("ValueError", "x");
    isle_value_set_str(map, "text", isle_value_new_int(1));
    isle_value_set_str(map, "notes", str("no list"));
    isle_value_set_str(map, "cause", str("no map"));
    isle_value_set_str(map, "context", isle_value_new_none());
    isle_value_set_str(map, "syntax", isle_value_new_list());
    isle_value *frames = isle_value_new_list();
    isle_value_append(frames, isle_value_new_int(1));
    isle_value_append(frames, str("no list"));
    isle_value_append(frames, isle_value_new_list());
    isle_value *crooked = isle_value_new_list();
    isle_value_append(crooked, isle_value_new_int(5));
    isle_value_append(crooked, str("no number"));
    isle_value_append(crooked, isle_value_new_int(INT64_MAX));
    isle_value_append(frames, crooked);
    isle_value_set_str(map, "frames", frames);
    isle_value *children = isle_value_new_list();
    isle_value_append(children, isle_value_new_int(1));
    isle_value_append(children, exception("A", "1"));
    isle_value_set_str(map, "children", children);

    isle_error *error = error_of(ISLE_ERR_PYTHON, map, NULL);
    const isle_exception *e = isle_error_exception(error);
    assert_string_equal(isle_error_message(error), "ValueError: x");
    assert_string_equal(isle_error_text(error), "ValueError: x");
    assert_int_equal(isle_exception_note_count(e), 0);
    assert_null(isle_exception_cause(e));
    assert_null(isle_exception_context(e));
    assert_null(isle_exception_syntax(e));
    assert_int_equal(isle_exception_child_count(e), 1);
    assert_int_equal(isle_exception_frame_count(e), 1);
    const isle_frame *f = isle_exception_frame(e, 0);
    assert_string_equal(f->file, "?");
    assert_string_equal(f->function, "?");
    assert_null(f->source);
    assert_int_equal(f->line, 0);
    assert_int_equal(f->end_line, 0);
    assert_int_equal(f->column, -1);
    isle_error_free(error);
}

static void test_a_report_that_is_no_map(void **state)
{
    (void)state;
    isle_error *error = error_of(ISLE_ERR_PYTHON, isle_value_new_list(), "it broke");
    assert_null(isle_error_exception(error));
    assert_string_equal(isle_error_message(error), "it broke");
    isle_error_free(error);
}

/* Every beginning of a report, and every byte of it changed: always an error that can be used. */
static void test_damaged_reports(void **state)
{
    (void)state;
    isle_value *map = exception("ValueError", "x");
    isle_value *frames = isle_value_new_list();
    isle_value_append(frames, frame("a.py", 7, "main", str("x")));
    isle_value_set_str(map, "frames", frames);
    isle_value_set_str(map, "cause", exception("KeyError", "y"));
    uint8_t *whole;
    size_t len;
    assert_int_equal(isle_value_encode(map, &whole, &len), ISLE_OK);
    isle_value_free(map);
    for (size_t i = 0; i < len * 2; i++) {
        size_t damaged_len = i < len ? i : len;
        uint8_t *damaged = plat_malloc(damaged_len + 1);
        memcpy(damaged, whole, damaged_len);
        if (i >= len) {
            damaged[i - len] ^= 0x55;
        }
        engine_failure failure = {.status = ISLE_ERR_PYTHON, .report = {.data = damaged, .len = damaged_len}};
        isle_error *error = error_from_failure(&failure);
        assert_int_equal(isle_error_status(error), ISLE_ERR_PYTHON);
        assert_true(strlen(isle_error_message(error)) > 0);
        assert_true(strlen(isle_error_text(error)) > 0);
        isle_error_free(error);
    }
    isle_bytes_free(whole);
}

static void test_exit_status(void **state)
{
    (void)state;
    const struct {
        isle_status status;
        int exit_status;
    } cases[] = {{ISLE_ERR_EXIT, 3},        {ISLE_ERR_PYTHON, 3},  {ISLE_ERR_TIMEOUT, 124},
                 {ISLE_ERR_CANCELLED, 130}, {ISLE_ERR_STUCK, 124}, {ISLE_ERR_NOMEM, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        isle_error *error = error_of(cases[i].status, exception("SystemExit", "3"), NULL);
        assert_int_equal(isle_error_exit_status(error), cases[i].exit_status);
        isle_error_free(error);
    }
    assert_int_equal(isle_error_exit_status(NULL), 0);
}

/* Code that was stopped says so, and where it was is in the exception. */
static void test_an_interrupt_keeps_its_own_message(void **state)
{
    (void)state;
    isle_error *error = error_of(ISLE_ERR_TIMEOUT, exception("isles.Cancelled", "the deadline passed"), NULL);
    assert_string_equal(isle_error_message(error), isle_status_text(ISLE_ERR_TIMEOUT));
    assert_string_equal(isle_exception_type(isle_error_exception(error)), "isles.Cancelled");
    isle_error_free(error);
}

static void test_errors_of_the_host(void **state)
{
    (void)state;
    char message[] = "no such colour";
    isle_error *error = isle_error_new(ISLE_ERR_LIMIT, message);
    message[0] = 'X';
    assert_string_equal(isle_error_message(error), "no such colour");
    assert_string_equal(isle_error_text(error), "no such colour");
    assert_int_equal(isle_error_status(error), ISLE_ERR_LIMIT);
    assert_null(isle_error_exception(error));
    isle_error_free(error_ref(error));
    isle_error_free(error);
    error = isle_error_new((isle_status)5, NULL);
    assert_int_equal(isle_error_status(error), ISLE_ERR_INVALID);
    assert_string_equal(isle_error_message(error), isle_status_text(ISLE_ERR_INVALID));
    isle_error_free(error);
    isle_error_free(NULL);
}

#ifdef ISLES_FAULTS
static void test_without_memory_there_is_an_error_all_the_same(void **state)
{
    (void)state;
    for (long n = 1; n < 40; n++) {
        isle_error *error = NULL;
        plat_fault_set(1);
        assert_int_equal(error_set(&error, ISLE_ERR_STATE, "%s", "text"), ISLE_ERR_STATE);
        plat_fault_set(0);
        assert_int_equal(isle_error_status(error), ISLE_ERR_STATE);
        isle_error_free(error);

        isle_value *map = exception("ValueError", "a message that is too long for a cell");
        isle_value *frames = isle_value_new_list();
        isle_value_append(frames, frame("a.py", 7, "main", str("x")));
        isle_value_set_str(map, "frames", frames);
        isle_value_set_str(map, "cause", exception("KeyError", "y"));
        engine_failure failure = {.status = ISLE_ERR_PYTHON};
        assert_int_equal(isle_value_encode(map, &failure.report.data, &failure.report.len), ISLE_OK);
        isle_value_free(map);
        plat_fault_set(n);
        error = error_from_failure(&failure);
        plat_fault_set(0);
        assert_int_equal(isle_error_status(error), ISLE_ERR_PYTHON);
        assert_true(strlen(isle_error_message(error)) > 0);
        isle_error_free(error);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_report),
        cmocka_unit_test(test_syntax_error),
        cmocka_unit_test(test_missing_keys_have_defaults),
        cmocka_unit_test(test_wrong_types_count_as_missing),
        cmocka_unit_test(test_a_report_that_is_no_map),
        cmocka_unit_test(test_damaged_reports),
        cmocka_unit_test(test_exit_status),
        cmocka_unit_test(test_an_interrupt_keeps_its_own_message),
        cmocka_unit_test(test_errors_of_the_host),
#ifdef ISLES_FAULTS
        cmocka_unit_test(test_without_memory_there_is_an_error_all_the_same),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
