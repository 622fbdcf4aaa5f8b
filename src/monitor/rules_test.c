/* Rules: reading them, which one decides, and what a path is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules.h"

static const char *as_it_is, *as_path; /* the subject of the event */
static int asked;

static const char *subject(void *ctx, bool path)
{
    (void)ctx;
    asked++;
    return path ? as_path : as_it_is;
}

static rules make(const char *const *texts)
{
    rules all = {0};
    for (; *texts != NULL; texts++) {
        assert_null(rules_fault(*texts));
        assert_true(rules_add(&all, *texts));
    }
    return all;
}

/* The text of the rule that decides; "": none. */
static const char *decider(const rules *all, const char *event, const char *text)
{
    as_it_is = as_path = text;
    const rule *r = rules_decide(all, event, subject, NULL);
    return r != NULL ? r->text : "";
}

static void test_faults_are_named(void **state)
{
    (void)state;
    assert_string_equal(rules_fault("dny open"), "begins with neither 'deny ' nor 'allow '");
    assert_string_equal(rules_fault(""), "begins with neither 'deny ' nor 'allow '");
    assert_string_equal(rules_fault("deny "), "names no event");
    assert_string_equal(rules_fault("allow :x"), "names no event");
    assert_string_equal(rules_fault("deny  open"), "has a blank in the event's name");
    assert_string_equal(rules_fault("deny open:"), "has nothing after the colon");
    assert_null(rules_fault("deny open:a b:c"));
    assert_null(rules_fault("allow *"));
}

static void test_the_last_that_matches_decides(void **state)
{
    (void)state;
    const char *texts[] = {"deny open", "allow open:data*", "deny open:data-secret", NULL};
    rules all = make(texts);
    assert_string_equal(decider(&all, "open", "other"), "deny open");
    assert_string_equal(decider(&all, "open", "data-1"), "allow open:data*");
    assert_string_equal(decider(&all, "open", "data-secret"), "deny open:data-secret");
    assert_string_equal(decider(&all, "open", NULL), "deny open");
    assert_string_equal(decider(&all, "opens", "other"), "");
    assert_string_equal(decider(&all, "ope", "other"), "");
    rules_clear(&all);
}

static void test_events_are_patterns(void **state)
{
    (void)state;
    const char *texts[] = {"deny ctypes.*", "deny s?cket.[ab]*", NULL};
    rules all = make(texts);
    assert_string_equal(decider(&all, "ctypes.dlopen", NULL), "deny ctypes.*");
    assert_string_equal(decider(&all, "ctypes.", NULL), "deny ctypes.*");
    assert_string_equal(decider(&all, "ctypes", NULL), "");
    assert_string_equal(decider(&all, "socket.bind", NULL), "deny s?cket.[ab]*");
    assert_string_equal(decider(&all, "socket.connect", NULL), "");
    rules_clear(&all);
    const char *everything[] = {"deny *", NULL};
    all = make(everything);
    assert_string_equal(decider(&all, "anything", NULL), "deny *");
    assert_string_equal(decider(&all, "", NULL), "deny *");
    rules_clear(&all);
}

static void test_the_subject_is_asked_for_only_where_it_counts(void **state)
{
    (void)state;
    const char *texts[] = {"deny open:/etc/*", "deny os.*", NULL};
    rules all = make(texts);
    asked = 0;
    decider(&all, "socket.connect", "x");
    decider(&all, "os.remove", "x");
    assert_int_equal(asked, 0);
    decider(&all, "open", "x");
    assert_int_equal(asked, 1);
    rules_clear(&all);
}

static void test_a_pattern_of_a_path_is_given_one(void **state)
{
    (void)state;
    const char *texts[] = {"deny open:/etc/*", NULL};
    rules all = make(texts);
    as_it_is = "../etc/passwd";
    as_path = "/etc/passwd";
    assert_non_null(rules_decide(&all, "open", subject, NULL));
    as_path = NULL; /* too long for a path */
    assert_null(rules_decide(&all, "open", subject, NULL));
    rules_clear(&all);
}

static void test_what_decided_is_marked(void **state)
{
    (void)state;
    const char *texts[] = {"deny open", "deny socket.conect", NULL};
    rules all = make(texts);
    decider(&all, "open", "x");
    decider(&all, "socket.connect", "x");
    assert_true(all.items[0].used);
    assert_false(all.items[1].used);
    rules_clear(&all);
}

static void check_absolute(const char *path, const char *wanted)
{
    char out[256];
    const char *absolute = rules_absolute(path, out, sizeof out);
    assert_non_null(absolute);
    assert_string_equal(absolute, wanted);
}

static void test_paths_are_made_absolute(void **state)
{
    (void)state;
    check_absolute("/", "/");
    check_absolute("//a///b/", "/a/b");
    check_absolute("/a/./b/../c", "/a/c");
    check_absolute("/../../a", "/a");
    check_absolute("/a/..", "/");
    check_absolute("/.a/..b/...", "/.a/..b/...");
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir("/usr"), 0);
    check_absolute("lib", "/usr/lib");
    check_absolute("../etc/passwd", "/etc/passwd");
    check_absolute("", "/usr");
    assert_int_equal(chdir("/"), 0);
    check_absolute("lib", "/lib");
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void test_a_path_without_room_is_none(void **state)
{
    (void)state;
    char out[8];
    assert_non_null(rules_absolute("/123456", out, sizeof out));
    assert_null(rules_absolute("/1234567", out, sizeof out));
    assert_null(rules_absolute("/1/2/3/4", out, sizeof out));
    assert_non_null(rules_absolute("/1/2/3/..", out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_are_named),
        cmocka_unit_test(test_the_last_that_matches_decides),
        cmocka_unit_test(test_events_are_patterns),
        cmocka_unit_test(test_the_subject_is_asked_for_only_where_it_counts),
        cmocka_unit_test(test_a_pattern_of_a_path_is_given_one),
        cmocka_unit_test(test_what_decided_is_marked),
        cmocka_unit_test(test_paths_are_made_absolute),
        cmocka_unit_test(test_a_path_without_room_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
