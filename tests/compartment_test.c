/* What an interpreter has for itself of what belongs to the process elsewhere: working directory, umask, environment
 * variables, locale, and what Linux keeps for each thread (priority, processors, signal mask). A changes it in every
 * way that the standard library offers; an older and a younger interpreter, the host, and the processes that these
 * start must see nothing. The whole is run again as a user without any privilege, and where the system gives a thread
 * nothing for itself, the tests say what is left. docs/compartments.md. */
#include <Python.h>

#include <errno.h>
#include <locale.h>
#include <sched.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compartment_rows.h"
#include "support.h"

/* state(): what this interpreter and a process that it starts see. */
static const char prelude[] =
    "import locale, os, subprocess, threading, time\n"
    "def umask():\n"
    "    mask = os.umask(0o022)\n"
    "    os.umask(mask)\n"
    "    return mask\n"
    "SHOW = 'pwd -P; umask; echo ${ISLES_X-none}'\n"
    "KEPT = 'SigBlk', 'NoNewPrivs', 'Seccomp', 'Cpus_allowed'\n"
    "MORE = '; grep -E \"^(SigBlk|SigIgn|NoNewPrivs|Seccomp|Cpus_allowed):\" /proc/self/status; '\n"
    "MORE += 'cut -d \" \" -f 19,41 /proc/self/stat'\n"
    "def limits(): return [os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0)), "
    "os.sched_getscheduler(0),\n"
    "                      [l for l in open('/proc/thread-self/status') if l.startswith(KEPT)]]\n"
    "def child(more=''): return subprocess.run(['sh', '-c', SHOW + more], capture_output=True, "
    "text=True).stdout.split()\n"
    "def words(): return [locale.setlocale(locale.LC_ALL), f'{1234567:n}', time.strftime('%B', (2024, 5, 7, 0, 0, 0, "
    "1, 1, 0)),\n"
    "                     locale.nl_langinfo(locale.CODESET), *map(str, locale.localeconv().values())]\n"
    "def state(): return [os.getcwd(), umask(), os.environ.get('ISLES_X'), os.getenv('ISLES_X'), child(MORE), "
    "words(),\n"
    "                     limits()]\n"
    "def in_thread(f):\n"
    "    result = []\n"
    "    thread = threading.Thread(target=lambda: result.append(f()))\n"
    "    thread.start()\n"
    "    thread.join()\n"
    "    return result[0]\n";

static bool has_locales;

static isle_interp create_with_prelude(const isle_interp_config *config)
{
    isle_interp it = create(config);
    run(it, prelude);
    return it;
}

static char *host_state(void)
{
    static const char *const show[] = {
        "sh", "-c",
        "pwd -P; umask; echo ${ISLES_X-none}; grep -E '^(SigBlk|SigIgn|NoNewPrivs|Cpus_allowed):' /proc/self/status;"
        "cut -d ' ' -f 19,41 /proc/self/stat",
        NULL};
    char cwd[4096];
    check(getcwd(cwd, sizeof cwd) != NULL);
    mode_t mask = umask(022);
    umask(mask);
    process p = process_run(show, 10 * ISLE_SECOND);
    const char *x = getenv("ISLES_X"), *now = setlocale(LC_ALL, NULL);
    char *state = text_of("%s %o %s %s%s%.1f / %s", cwd, mask, x != NULL ? x : "none", now,
                          localeconv()->currency_symbol, 0.5, p.out);
    process_free(&p);
    return state;
}

static void same(const char *what, const char *who, char *before, char *after)
{
    if (strcmp(before, after) != 0) {
        fprintf(stderr, "%s: %s sees %s, before it was %s\n", what, who, after, before);
        check(false);
    }
    free(after);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void try_change(const change *c, const char *how)
{
    isle_interp older = create_with_prelude(NULL), a = create_with_prelude(NULL);
    char *before = eval(older, "state()"), *host = host_state();
    char *by_a_before = eval(a, "state()");
    check(strcmp(by_a_before, before) == 0);
    char *name = write_file("change.py", "%s", c->code);
    runf(a, "source = open('%s').read()\ndef change(): exec(source, globals())", name);
    run(a, how);
    char *by_a = eval(a, "state()");
    if (strcmp(by_a, before) == 0 && !(c->of_a_thread && strcmp(how, "change()") != 0)) {
        fprintf(stderr, "%s: nobody could tell\n", c->what);
        check(false);
    }
    same(c->what, "a thread of A", by_a, eval(a, "in_thread(state)"));
    isle_interp younger = create_with_prelude(NULL);
    same(c->what, "an older interpreter", before, eval(older, "state()"));
    same(c->what, "its thread", before, eval(older, "in_thread(state)"));
    same(c->what, "a younger interpreter", before, eval(younger, "state()"));
    same(c->what, "the host", host, host_state());
    end(a);
    same(c->what, "an older interpreter after A's end", before, eval(older, "state()"));
    same(c->what, "the host after A's end", host, host_state());
    end(older);
    end(younger);
    free(name);
    free(by_a_before);
    free(by_a);
    free(host);
    free(before);
}

/* false: nobody could tell on this machine, or in this version. */
static bool can_be_told(const change *c)
{
    cpu_set_t cpus;
    bool alone = sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) < 2;
    return c->since <= engine_version() && (has_locales || strstr(c->code, "de_DE") == NULL) &&
           (!alone || strstr(c->code, "affinity") == NULL);
}

static void all_changes(void)
{
    static const char *const how[] = {"change()", "in_thread(change)", "in_thread(lambda: in_thread(change))"};
    for (size_t i = 0; i < change_count; i++) {
        for (size_t j = 0; j < sizeof how / sizeof *how && can_be_told(&changes[i]); j++) {
            try_change(&changes[i], how[j]);
        }
    }
}

static void test_changes(void **state)
{
    (void)state;
    all_changes();
}

/* --- processes that it starts ------------------------------------------------------------------------------------- */

/* "what the process saw" in a file of its own. */
static char *seen_by_child(isle_interp it, const start *s, const char *name)
{
    char *path = write_file(name, "%s", "");
    runf(it, "say = '{ pwd -P; umask; echo ${ISLES_X-none} ${ISLES_PUT-none}; } > %s'", path);
    run(it, s->code);
    char *seen = read_text(path);
    check(seen != NULL);
    free(path);
    return seen;
}

static void all_starts(void)
{
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    run(a, "os.chdir('/proc'); os.umask(0o077); os.environ['ISLES_X'] = 'A'; os.putenv('ISLES_PUT', 'put')");
    run(b, "os.chdir('/'); os.umask(0o027)");
    for (size_t i = 0; i < start_count; i++) {
        char *by_a = seen_by_child(a, &starts[i], "by_a"), *by_b = seen_by_child(b, &starts[i], "by_b");
        bool has_put = strstr(starts[i].code, "os.environ)") == NULL; /* what it says is all that it gives */
        const char *wanted = has_put ? "/proc\n0077\nA put\n" : "/proc\n0077\nA none\n";
        if (strcmp(by_a, wanted) != 0 || strcmp(by_b, "/\n0027\nstart none\n") != 0) {
            fprintf(stderr, "%s: A's process saw %s, B's %s\n", starts[i].what, by_a, by_b);
            check(false);
        }
        free(by_a);
        free(by_b);
    }
    end(a);
    end(b);
}

static void test_starts(void **state)
{
    (void)state;
    all_starts();
}

static void run_program(isle_interp it, const char *path, const char *const *argv, size_t argc)
{
    isle_job_config config = ISLE_JOB_CONFIG_INIT;
    isle_job *job = NULL;
    isle_error *err = NULL;
    config.kind = ISLE_JOB_FILE;
    config.target = path;
    config.argv = argv;
    config.argc = argc;
    config.deadline = isle_deadline_in(60 * ISLE_SECOND);
    check_status(isle_job_submit(it, &config, &job, &err), ISLE_OK, err);
    check_status(wait_for(job, &err), ISLE_OK, err);
}

static void test_multiprocessing(void **state)
{
    (void)state;
    static const char *const methods[] = {"spawn", "forkserver"};
    char *program = write_file("many.py",
                               "import multiprocessing, os, sys\n"
                               "def tell(path):\n"
                               "    with open(path, 'w') as f: f.write(os.getcwd() + ' ' + os.environ['ISLES_X'])\n"
                               "if __name__ == '__main__':\n"
                               "    os.chdir('/proc')\n"
                               "    os.environ['ISLES_X'] = 'A'\n"
                               "    m = multiprocessing.get_context(sys.argv[1])\n"
                               "    p = m.Process(target=tell, args=[sys.argv[2]])\n"
                               "    p.start()\n"
                               "    p.join()\n"
                               "    assert p.exitcode == 0\n");
    char *out = write_file("many.out", "%s", "");
    for (size_t i = 0; i < 2; i++) {
        const char *argv[] = {methods[i], out};
        isle_interp a = create(NULL);
        run_program(a, program, argv, 2);
        char *seen = read_text(out);
        check(seen != NULL && strcmp(seen, "/proc A") == 0);
        free(seen);
        end(a);
    }
    free(out);
    free(program);
}

/* --- what stays shared -------------------------------------------------------------------------------------------- */

/* Locks of a process (lockf) and of an open file (flock). */
static void test_locks_on_files(void **state)
{
    (void)state;
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    char *file = write_file("locked", "%s", "");
    char *lock = text_of("import fcntl\n"
                         "def lock(by):\n"
                         "    global f\n"
                         "    f = open('%s', 'r+')\n"
                         "    try: by(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
                         "    except OSError as e: return type(e).__name__\n"
                         "    return 'locked'\n",
                         file);
    run(a, lock);
    run(b, lock);
    check_eval(a, "lock(fcntl.lockf)", "locked");
    check_eval(b, "lock(fcntl.lockf)", "locked");
    check_eval(a, "lock(fcntl.flock)", "locked");
    check_eval(b, "lock(fcntl.flock)", "BlockingIOError");
    run(a, "f.close()");
    check_eval(b, "lock(fcntl.flock)", "locked");
    end(a);
    end(b);
    free(lock);
    free(file);
}

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static void refused(const isle_interp_config *config, isle_status status, const char *words)
{
    isle_error *err = NULL;
    isle_interp it;
    check_status(isle_interp_create(runtime, config, &it, &err), status, err);
    if (strstr(isle_error_message(err), words) == NULL) {
        fprintf(stderr, "%s: not in: %s\n", words, isle_error_message(err));
        check(false);
    }
    isle_error_free(err);
}

static void test_where_it_starts(void **state)
{
    (void)state;
    char *host = host_state();
    char *file = write_file("folder/file", "found"), *folder = text_of("%s/folder", scratch());
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.cwd = folder;
    config.umask_set = true;
    isle_interp it = create_with_prelude(&config);
    check_eval(it, "open('file').read()", "found");
    check_eval(it, "umask()", "0");
    config.umask = 0137;
    isle_interp other = create_with_prelude(&config);
    run(other, "open('made', 'w').close()");
    check_eval(other, "oct(os.stat('made').st_mode & 0o777)", "0o640");
    check_eval(it, "os.listdir('.') == os.listdir('/proc/thread-self/cwd') and sorted(os.listdir('.'))",
               "['file', 'made']");
    same("a directory to start in", "the host", host, host_state());
    end(it);
    end(other);
    free(host);
    free(folder);
    free(file);
}

static void test_a_wrong_one_is_named(void **state)
{
    (void)state;
    char *file = write_file("file", "%s", "");
    const char *const nameless[] = {"=x"};
    const isle_interp_config init = ISLE_INTERP_CONFIG_INIT;
    isle_interp_config config = init;
    config.cwd = "/no/such/folder";
    refused(&config, ISLE_ERR_INVALID, "isle_interp_config.cwd: /no/such/folder: No such file or directory");
    config.cwd = file;
    refused(&config, ISLE_ERR_INVALID, "Not a directory");
    config.shared_cwd = true;
    refused(&config, ISLE_ERR_INVALID, "cwd: not with shared_cwd");
    config = init, config.shared_cwd = config.umask_set = true;
    refused(&config, ISLE_ERR_INVALID, "umask_set: not with shared_cwd");
    config = init, config.umask = 077;
    refused(&config, ISLE_ERR_INVALID, "umask is given without umask_set");
    config = init, config.umask_set = true, config.umask = 01000;
    refused(&config, ISLE_ERR_INVALID, "umask is more than 0777");
    config = init, config.env_base = (isle_env_base)3;
    refused(&config, ISLE_ERR_INVALID, "env_base is none of");
    config = init, config.env = nameless, config.env_count = 1;
    refused(&config, ISLE_ERR_INVALID, "env[0]: '=x' has no name");
    config.env_base = ISLE_ENV_SHARED;
    refused(&config, ISLE_ERR_INVALID, "env: not with env_base ISLE_ENV_SHARED");
    free(file);
}

static void test_variables(void **state)
{
    (void)state;
    const char *const env[] = {"ISLES_A=1", "ISLES_X", "ISLES_B=x=y"};
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.env = env;
    config.env_count = 3;
    isle_interp copy = create_with_prelude(&config);
    check_eval(copy, "[os.environ['ISLES_A'], os.getenv('ISLES_X'), os.environb[b'ISLES_B'], 'PATH' in os.environ]",
               "['1', None, b'x=y', True]");
    config.env_base = ISLE_ENV_EMPTY;
    isle_interp empty = create_with_prelude(&config);
    check_eval(empty, "sorted(os.environ.items())", "[('ISLES_A', '1'), ('ISLES_B', 'x=y')]");
    check_eval(empty, "subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout.split()",
               "['ISLES_A=1', 'ISLES_B=x=y']");
    check(getenv("ISLES_A") == NULL);
    end(copy);
    end(empty);
}

/* libisles-interpose is not linked with this program. */
static void test_native_code_has_the_processs_variables(void **state)
{
    (void)state;
    isle_interp it = create_with_prelude(NULL);
    run(it,
        "import ctypes; get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p; os.environ['ISLES_X'] = 'A'");
    check_eval(it, "[get(b'ISLES_X'), in_thread(lambda: get(b'ISLES_X'))]", "[b'start', b'start']");
    end(it);
}

static void test_shared_by_choice(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    char here[4096];
    check(getcwd(here, sizeof here) != NULL);
    config.shared_cwd = true;
    config.env_base = ISLE_ENV_SHARED;
    isle_interp a = create_with_prelude(&config), b = create_with_prelude(&config), own = create_with_prelude(NULL);
    char *before = eval(own, "state()");
    run(a, "os.chdir('/proc'); os.umask(0o077); os.environ['ISLES_X'] = 'A'");
    char *seen = host_state();
    check(strncmp(seen, "/proc 77 A ", 11) == 0 && strstr(seen, " / /proc\n0077\nA\n") != NULL);
    check_eval(b, "[os.getcwd(), umask(), child()]", "['/proc', 63, ['/proc', '0077', 'A']]");
    same("a shared one", "one of its own", before, eval(own, "state()"));
    check_eval(a, "os.spawnlp(os.P_WAIT, 'sh', 'sh', '-c', 'test $ISLES_X$(umask) = A0077')", "0");
    runf(a, "os.chdir('%s'); os.umask(0o022); os.environ['ISLES_X'] = 'start'", here);
    end(a);
    end(b);
    end(own);
    free(seen);
    free(before);
}

static void test_reset_goes_back(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    char *folder = text_of("%s/gone", scratch());
    check(mkdir(folder, 0755) == 0 || errno == EEXIST);
    config.cwd = folder;
    isle_interp it = create_with_prelude(&config);
    isle_error *err = NULL;
    run(it, "os.putenv('ISLES_PUT', '1'); os.umask(0o027)");
    check_status(isle_interp_mark(it, SOON, &err), ISLE_OK, err);
    char *before = eval(it, "state() + [subprocess.getoutput('echo $ISLES_PUT')]");
    run(it, "os.chdir('/'); os.umask(0); os.environ['ISLES_X'] = 'A'; os.putenv('ISLES_PUT', '2')");
    check_status(isle_interp_reset(it, SOON, &err), ISLE_OK, err);
    same("reset", "it", before, eval(it, "state() + [subprocess.getoutput('echo $ISLES_PUT')]"));
    run(it, "os.chdir('/')");
    check(rmdir(folder) == 0);
    check_status(isle_interp_reset(it, SOON, &err), ISLE_ERR_PYTHON, err);
    check(strstr(isle_error_message(err), "FileNotFoundError") != NULL);
    isle_error_free(err);
    end(it);
    free(before);
    free(folder);
}

/* A thread that was not born in the compartment has the host's, whatever it enters; variables are the interpreter's. */
static void test_entered_by_a_host_thread(void **state)
{
    (void)state;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_error *err = NULL;
    isle_entry entry;
    char here[4096];
    check(getcwd(here, sizeof here) != NULL);
    config.cwd = "/proc";
    isle_interp it = create_with_prelude(&config);
    check_status(isle_interp_enter(it, &entry, &err), ISLE_OK, err);
    int failed = PyRun_SimpleString("seen = os.getcwd(); os.chdir(seen); os.environ['ISLES_X'] = 'entered'");
    isle_interp_leave(&entry);
    check(failed == 0);
    check_eval(it, "seen", here);
    check_eval(it, "[os.getcwd(), os.environ['ISLES_X'], child()[2]]", "['/proc', 'entered', 'entered']");
    check(strcmp(getenv("ISLES_X"), "start") == 0);
    end(it);
}

/* --- without privilege, without unshare --------------------------------------------------------------------------- */

static int tables(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    all_changes();
    all_starts();
    runtime_end();
    return 0;
}

static int unprivileged(const char *unused)
{
    become_unprivileged("tables");
    return tables(unused);
}

static void test_as_a_user_without_privilege(void **state)
{
    (void)state;
    free(child_expect("unprivileged", "", 400 * ISLE_SECOND, 0));
}

static void forbid_unshare(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static _Atomic int logs;

static void count_logs(void *ctx, const isle_event *event)
{
    (void)ctx;
    logs += event->kind == ISLE_EVENT_LOG && strstr(event->message, "working directory and umask are shared") != NULL;
}

/* As a container's seccomp filter has it: it goes on without, and says so. */
static int no_unshare(const char *unused)
{
    (void)unused;
    isle_runtime_config config = ISLE_RUNTIME_CONFIG_INIT;
    isle_interp_config own = ISLE_INTERP_CONFIG_INIT;
    config.on_event = count_logs;
    forbid_unshare();
    runtime_begin(&config);
    isle_interp a = create_with_prelude(NULL), b = create_with_prelude(NULL);
    run(a, "os.chdir('/proc'); os.environ['ISLES_X'] = 'A'");
    check_eval(b, "[os.getcwd(), child()[0], child()[2]]", "['/proc', '/proc', 'start']");
    check(logs == 1);
    own.cwd = "/";
    refused(&own, ISLE_ERR_UNSUPPORTED, "cwd: the system gives a thread no working directory");
    own.cwd = NULL;
    own.umask_set = true;
    refused(&own, ISLE_ERR_UNSUPPORTED, "umask: the system gives a thread no working directory");
    end(a);
    end(b);
    runtime_end();
    return 0;
}

static void test_where_unshare_is_forbidden(void **state)
{
    (void)state;
    free(child_expect("no_unshare", "", 60 * ISLE_SECOND, 0));
}

int main(int argc, char **argv)
{
    static const child children[] = {
        {"unprivileged", unprivileged}, {"tables", tables}, {"no_unshare", no_unshare}, {NULL, NULL}};
    setenv("ISLES_X", "start", 1);
    has_locales = locales_begin();
    child_main(argc, argv, children);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_multiprocessing),
        cmocka_unit_test(test_locks_on_files),
        cmocka_unit_test(test_where_it_starts),
        cmocka_unit_test(test_a_wrong_one_is_named),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_native_code_has_the_processs_variables),
        cmocka_unit_test(test_shared_by_choice),
        cmocka_unit_test(test_reset_goes_back),
        cmocka_unit_test(test_entered_by_a_host_thread),
        cmocka_unit_test(test_as_a_user_without_privilege),
        cmocka_unit_test(test_where_unshare_is_forbidden),
    };
    return RUN_TESTS(tests);
}
