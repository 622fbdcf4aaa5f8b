/* The locale of an interpreter: where it begins, who follows when it changes, who does not, and many at once. What
 * changes it, and that neither others nor the host see it, is a part of compartment_test.c. docs/compartments.md. */
#include <Python.h>

#include <locale.h>
#include <time.h>

#include "support.h"

static const char prelude[] =
    "import ctypes, decimal, locale, threading, time\n"
    "T = (2024, 5, 7, 0, 0, 0, 1, 128, 0)\n"
    "libc = ctypes.CDLL(None)\n"
    "def native():\n"
    "    text = ctypes.create_string_buffer(99)\n"
    "    libc.snprintf(text, 99, b'%.1f', ctypes.c_double(0.5))\n"
    "    return text.value.decode()\n"
    "def look(): return [time.strftime('%B', T), f'{1234567:n}', f'{decimal.Decimal(1234567):n}', native(),\n"
    "                    locale.localeconv()['int_curr_symbol'], locale.strxfrm('e') < locale.strxfrm('F')]\n";

static const char plain[] = "['May', '1234567', '1234567', '0.5', '', False]";
static const char german[] = "['Mai', '1.234.567', '1.234.567', '0,5', 'EUR ', True]";
static const char french[] = "['mai', '1\\u202f234\\u202f567', '1\\u202f234\\u202f567', '0,5', 'EUR ', True]";

static bool has_locales;

static void need_locales(void)
{
    if (!has_locales) {
        print_message("             skipped: localedef or its sources are missing (Debian: locales)\n");
        skip();
    }
}

static isle_interp create_in(const char *name)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.locale = name;
    isle_interp it = create(&config);
    run(it, prelude);
    return it;
}

static void check_host(const char *name, const char *month)
{
    struct tm date = {.tm_mon = 4, .tm_mday = 7};
    char text[32];
    check(strftime(text, sizeof text, "%B", &date) > 0 && strcmp(text, month) == 0);
    check(strcmp(setlocale(LC_TIME, NULL), name) == 0);
}

/* --- where it begins -------------------------------------------------------------------------------------------- */

static void test_as_it_is_configured(void **state)
{
    (void)state;
    need_locales();
    isle_interp de = create_in("de_DE.UTF-8"), fr = create_in("fr_FR.UTF-8"), none = create_in(NULL);
    check_eval(de, "look()", german);
    check_eval(fr, "ascii(look())", french);
    check_eval(none, "look()", plain);
    check_eval(de, "locale.setlocale(locale.LC_ALL)", "de_DE.UTF-8");
    check_host("C", "May");
    end(de);
    end(fr);
    end(none);
}

static void test_as_variables_say(void **state)
{
    (void)state;
    need_locales();
    const char *const env[] = {"LANG=de_DE.UTF-8", "LC_TIME=fr_FR.UTF-8"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.env = env;
    config.env_count = 2;
    config.locale = "";
    isle_interp it = create(&config);
    run(it, prelude);
    check_eval(it, "look()[:2]", "['mai', '1.234.567']");
    run(it, "import os; os.environ['LC_ALL'] = 'C'; locale.setlocale(locale.LC_ALL, '')");
    check_eval(it, "look()", plain);
    run(it, "del os.environ['LC_ALL']; locale.setlocale(locale.LC_NUMERIC, '')");
    check_eval(it, "look()[:2]", "['May', '1.234.567']");
    run_error(it, "os.environ['LC_ALL'] = 'xx_XX'; locale.setlocale(locale.LC_ALL, '')",
              "locale.Error: unsupported locale setting");
    check_eval(it, "look()[:2]", "['May', '1.234.567']");
    end(it);
}

static void refused(const isle_interp_config *config, const char *words)
{
    isle_error *err = NULL;
    isle_interp it;
    check_status(isle_interp_create(runtime, config, &it, &err), ISLE_ERR_INVALID, err);
    if (strstr(isle_error_message(err), words) == NULL) {
        fprintf(stderr, "%s: not in: %s\n", words, isle_error_message(err));
        check(false);
    }
    isle_error_free(err);
}

static void test_a_wrong_one_is_named(void **state)
{
    (void)state;
    const char *const env[] = {"LC_ALL=xx_XX"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.locale = "xx_XX";
    refused(&config, "isle_interp_config.locale: the system has no locale 'xx_XX'");
    config.shared_locale = true;
    refused(&config, "locale: not with shared_locale");
    config.shared_locale = false;
    config.locale = "";
    config.env = env;
    config.env_count = 1;
    refused(&config,
            "isle_interp_config.locale: one of its variables LC_ALL, LC_..., LANG names a locale that the system");
}

static void test_one_that_code_creates_begins_where_its_creator_is(void **state)
{
    (void)state;
    need_locales();
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_interp outer = create_in("de_DE.UTF-8"), inner;
    isle_entry entry;
    isle_error *err = NULL;
    check_status(isle_interp_enter(outer, &entry, &err), ISLE_OK, err);
    check_status(isle_interp_create(runtime, &config, &inner, &err), ISLE_OK, err);
    isle_interp_leave(&entry);
    run(inner, prelude);
    check_eval(inner, "look()", german);
    end(inner);
    end(outer);
}

/* --- who follows ------------------------------------------------------------------------------------------------ */

static void test_threads_that_run_already_follow(void **state)
{
    (void)state;
    need_locales();
    isle_interp it = create_in(NULL);
    run(it, "go, seen = threading.Event(), []\n"
            "def early():\n"
            "    seen.append(look()); ready.set(); go.wait(); seen.append(look())\n"
            "    inner = threading.Thread(target=lambda: seen.append(look())); inner.start(); inner.join()\n"
            "ready = threading.Event(); t = threading.Thread(target=early); t.start(); ready.wait()\n"
            "locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8'); go.set(); t.join()\n");
    check_eval(it, "seen[0]", plain);
    check_eval(it, "seen[1]", german);
    check_eval(it, "seen[2]", german);
    run(it, "t = threading.Thread(target=locale.setlocale, args=[locale.LC_ALL, 'fr_FR.UTF-8']); t.start(); t.join()");
    check_eval(it, "ascii(look())", french);
    end(it);
}

static void test_reset_goes_back(void **state)
{
    (void)state;
    need_locales();
    isle_interp it = create_in("de_DE.UTF-8");
    isle_error *err = NULL;
    check_status(isle_interp_mark(it, SOON, &err), ISLE_OK, err);
    run(it, "locale.setlocale(locale.LC_ALL, 'fr_FR.UTF-8')");
    check_status(isle_interp_reset(it, SOON, &err), ISLE_OK, err);
    check_eval(it, "look()", german);
    end(it);
}

/* --- the host --------------------------------------------------------------------------------------------------- */

/* Code that it runs there has the interpreter's; afterwards the thread has its own again, whatever that was. */
static void test_a_host_thread_that_enters(void **state)
{
    (void)state;
    need_locales();
    isle_interp it = create_in(NULL);
    isle_entry entry;
    isle_error *err = NULL;
    locale_t own = newlocale(LC_ALL_MASK, "fr_FR.UTF-8", (locale_t)0), before = uselocale(own);
    check_status(isle_interp_enter(it, &entry, &err), ISLE_OK, err);
    int failed = PyRun_SimpleString("locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8'); seen = look()");
    isle_interp_leave(&entry);
    check(failed == 0 && uselocale((locale_t)0) == own);
    uselocale(before);
    freelocale(own);
    check_eval(it, "seen", german);
    check_eval(it, "look()", german);
    check_host("C", "May");
    end(it);
}

static isle_status look_from_host(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out,
                                  isle_error **err)
{
    (void)ctx;
    (void)interp_id;
    (void)args;
    (void)err;
    char text[16];
    snprintf(text, sizeof text, "%.1f", 0.5);
    *out = isle_value_new_str(text);
    return ISLE_OK;
}

static char written[16];

static void write_from_host(void *ctx, uint64_t interp_id, int stream, const char *data, size_t len)
{
    (void)ctx;
    (void)interp_id;
    (void)stream;
    (void)data;
    (void)len;
    snprintf(written, sizeof written, "%.1f", 0.5);
}

static int callbacks(const char *unused)
{
    (void)unused;
    const isle_host_function look = {.name = "look", .fn = look_from_host};
    isle_runtime_config runtime_config = ISLE_RUNTIME_CONFIG_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    runtime_config.host_functions = &look;
    runtime_config.host_function_count = 1;
    runtime_begin(&runtime_config);
    config.locale = "de_DE.UTF-8";
    config.stdout_ = (isle_stream){.kind = ISLE_STREAM_CALLBACK, .write = write_from_host};
    isle_interp it = create(&config);
    run(it, prelude);
    check_eval(it, "__import__('isles').host.look() + native()", "0.50,5");
    run(it, "print('written')");
    check(strcmp(written, "0.5") == 0);
    end(it);
    runtime_end();
    return 0;
}

static void test_call_backs_have_the_hosts(void **state)
{
    (void)state;
    need_locales();
    free(child_expect("callbacks", "", 60 * ISLE_SECOND, 0));
}

/* --- by choice, the process's ----------------------------------------------------------------------------------- */

static void test_shared_by_choice(void **state)
{
    (void)state;
    need_locales();
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.shared_locale = true;
    isle_interp a = create(&config), b = create(&config), own = create_in(NULL);
    run(a, prelude);
    run(b, prelude);
    run(a, "locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')");
    check_host("de_DE.UTF-8", "Mai");
    check_eval(b, "look()", german);
    check_eval(own, "look()", plain);
    isle_interp later = create_in(NULL);
    check_eval(later, "look()", german);
    run(a, "locale.setlocale(locale.LC_ALL, 'C')");
    check_eval(later, "look()", german);
    end(later);
    end(a);
    end(b);
    end(own);
    setlocale(LC_ALL, "C");
}

/* --- many at once ----------------------------------------------------------------------------------------------- */

static const char switching[] = "want, other = %s\n"
                                "wrong = 0\n"
                                "for i in range(%d):\n"
                                "    name = locale.setlocale(locale.LC_ALL, other if i %% 2 else want[0])\n"
                                "    if i %% 2 == 0:\n"
                                "        try: got = name, time.strftime('%%B', T), ascii(f'{1234567:n}')\n"
                                "        except UnicodeDecodeError as mixed: got = mixed\n"
                                "        wrong += got != want\n";

/* Stock CPython reads names there that another thread has freed. */
static void switch_at_once(const isle_interp_config *config, bool right)
{
    static const char *const kinds[] = {"('de_DE.UTF-8', 'Mai', \"'1.234.567'\"), 'fr_FR.UTF-8'",
                                        "('fr_FR.UTF-8', 'mai', r\"'1\\u202f234\\u202f567'\"), 'C'",
                                        "('C', 'May', \"'1234567'\"), 'de_DE.UTF-8'"};
    isle_interp it[6];
    isle_job *jobs[6];
    for (size_t i = 0; i < 6; i++) {
        it[i] = create(config);
        run(it[i], prelude);
    }
    for (size_t i = 0; i < 6; i++) {
        char *source = text_of(switching, kinds[i % 3], sanitized() ? 300 : 2000);
        jobs[i] = submit(it[i], source, isle_deadline_in(120 * ISLE_SECOND));
        free(source);
    }
    for (size_t i = 0; i < 6; i++) {
        isle_error *err = NULL;
        check_status(wait_for(jobs[i], &err), ISLE_OK, err);
        if (right) {
            check_eval(it[i], "wrong", "0");
        }
        end(it[i]);
    }
}

static void test_many_change_it_at_once(void **state)
{
    (void)state;
    need_locales();
    switch_at_once(NULL, true);
    check_host("C", "May");
}

static void test_many_change_the_processs_at_once(void **state)
{
    (void)state;
    need_locales();
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.shared_locale = true;
    switch_at_once(&config, false);
    setlocale(LC_ALL, "C");
}

int main(int argc, char **argv)
{
    static const child children[] = {{"callbacks", callbacks}, {NULL, NULL}};
    has_locales = locales_begin();
    child_main(argc, argv, children);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_is_configured),
        cmocka_unit_test(test_as_variables_say),
        cmocka_unit_test(test_a_wrong_one_is_named),
        cmocka_unit_test(test_one_that_code_creates_begins_where_its_creator_is),
        cmocka_unit_test(test_threads_that_run_already_follow),
        cmocka_unit_test(test_reset_goes_back),
        cmocka_unit_test(test_a_host_thread_that_enters),
        cmocka_unit_test(test_call_backs_have_the_hosts),
        cmocka_unit_test(test_shared_by_choice),
        cmocka_unit_test(test_many_change_it_at_once),
        cmocka_unit_test(test_many_change_the_processs_at_once),
    };
    return RUN_TESTS(tests);
}
