/* Policies: what Landlock, seccomp profiles and rules of audit events deny to the code of one interpreter, to its
 * threads and to the processes that it starts, and to nobody else; what is listed; what is refused by name. The whole
 * is done again without root's rights. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

/* t(f, ...) says how a call went; in_thread and in_child say it of one made there. */
static const char prelude[] =
    "import os, socket, subprocess, sys, threading\n"
    "def t(f, *args):\n"
    "    try: f(*args)\n"
    "    except BaseException as e: return f'{type(e).__name__} {getattr(e, \"errno\", None)}'\n"
    "    return 'ok'\n"
    "def in_thread(f, *args):\n"
    "    said = []\n"
    "    x = threading.Thread(target=lambda: said.append(t(f, *args))); x.start(); x.join()\n"
    "    return said[0]\n"
    "def write(path):\n"
    "    with open(path, 'w') as file: file.write('x')\n"
    "def in_child(script):\n"
    "    return subprocess.run(['/bin/sh', '-c', script], capture_output=True).returncode\n"
    "def connect(port): socket.create_connection(('127.0.0.1', port), 5).close()\n"
    "def bind(port):\n"
    "    with socket.socket() as s: s.bind(('127.0.0.1', port))\n";

static isle_interp create_with(const isle_policy *policy)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    config.policy = policy;
    isle_interp it = create(&config);
    run(it, prelude);
    return it;
}

static const char *const nothing[] = {NULL};
static const uint16_t no_port[] = {0};

/* What a test on a kernel with less can't show is skipped, and that is said; its refusal is shown below. */
static void needs_landlock(int abi)
{
    const char *reason = "";
    int there = isle_policy_landlock(&reason);
    if (there < abi) {
        print_message("skipped: Landlock %d is wanted, the kernel has %d %s\n", abi, there, reason);
        skip();
    }
}

/* Fails the test where the expression does not give the text. `format` has one %s, for a path. */
static void check_says(isle_interp it, const char *format, const char *path, const char *wanted)
{
    char *expression = text_of(format, path);
    check_eval(it, expression, wanted);
    free(expression);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

typedef struct places {
    char *inside, *outside, *file_inside, *file_outside;
} places;

static places make_places(void)
{
    places p = {.file_inside = write_file("inside/file", "in"), .file_outside = write_file("outside/file", "out")};
    p.inside = text_of("%s/inside", scratch());
    p.outside = text_of("%s/outside", scratch());
    chmod(scratch(), 0777);
    chmod(p.inside, 0777);
    chmod(p.outside, 0777);
    chmod(p.file_inside, 0666);
    chmod(p.file_outside, 0666);
    return p;
}

static void free_places(places *p)
{
    free(p->inside);
    free(p->outside);
    free(p->file_inside);
    free(p->file_outside);
}

/* The host and an interpreter without a policy do what they like. */
static void check_others_are_free(const places *p)
{
    isle_interp other = create_with(NULL);
    check_says(other, "t(open, '%s')", p->file_outside, "ok");
    check_says(other, "t(write, '%s/by-another')", p->outside, "ok");
    check_says(other, "in_child('test -r %s')", p->file_outside, "0");
    check_eval(other, "[line for line in open('/proc/thread-self/status') if line.startswith('NoNewPrivs')][0][-2:-1]",
               "0");
    end(other);
    int fd = open(p->file_outside, O_RDWR | O_CLOEXEC);
    check(fd >= 0);
    close(fd);
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

static void test_only_what_is_listed_can_be_read(void **state)
{
    (void)state;
    needs_landlock(2);
    places p = make_places();
    const char *paths[] = {p.inside, "/usr/bin", "/bin"};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = paths;
    policy.read_count = 3;
    isle_interp it = create_with(&policy);
    check_says(it, "t(open, '%s')", p.file_inside, "ok");
    check_says(it, "t(os.listdir, '%s')", p.inside, "ok");
    check_says(it, "t(open, '%s')", p.file_outside, "PermissionError 13");
    check_says(it, "t(os.listdir, '%s')", p.outside, "PermissionError 13");
    check_says(it, "in_thread(open, '%s')", p.file_outside, "PermissionError 13");
    check_says(it, "in_child('cat %s')", p.file_inside, "0");
    check_says(it, "in_child('cat %s')", p.file_outside, "1");
    check_says(it, "t(write, '%s')", p.file_outside, "ok"); /* only reading is limited */
    check_others_are_free(&p);
    end(it);
    free_places(&p);
}

/* What Python, its modules and libc need is there in any case. */
static void test_python_works_where_nothing_can_be_read(void **state)
{
    (void)state;
    needs_landlock(3);
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = policy.write = policy.execute = nothing;
    isle_interp it = create_with(&policy);
    run(it, "import asyncio, ctypes, decimal, email.message, hashlib, json, logging, multiprocessing, sqlite3, ssl, "
            "unittest");
    run(it,
        "import zoneinfo, random, secrets, uuid, time, zlib, xml.dom.minidom; time.localtime(); secrets.token_hex()");
    run(it,
        "asyncio.run(asyncio.sleep(0)); sqlite3.connect(':memory:').execute('select 1'); ssl.create_default_context()");
    run(it, "assert ctypes.CDLL(None).getpid() == os.getpid(); open('/dev/null', 'r+b').write(b'x'); os.urandom(1)");
    run(it, "import multiprocessing.shared_memory as s; hasattr(s, 'SharedMemory')");
    check_eval(it, "t(open, '/etc/passwd')", "PermissionError 13");
    check_eval(it, "t(lambda: open(sys.executable, 'rb').close())", "ok");
    isle_error *err = run_fails(it, "def f(): 1 / 0\nf()", ISLE_ERR_PYTHON);
    check(strstr(isle_error_text(err), "line 1, in f") != NULL); /* tracebacks have all they need */
    isle_error_free(err);
    end(it);
}

static void test_paths_of_the_configuration_can_be_read(void **state)
{
    (void)state;
    needs_landlock(2);
    free(write_file("modules/of_the_path.py", "value = 5\n"));
    char *folder = text_of("%s/modules", scratch());
    const char *path[] = {folder};
    isle_policy policy = ISLE_POLICY_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    policy.read = nothing;
    config.policy = &policy;
    config.path = path;
    config.path_count = 1;
    isle_interp it = create(&config);
    run(it, "import of_the_path");
    check_eval(it, "of_the_path.value", "5");
    end(it);
    free(folder);
}

static void test_only_what_is_listed_can_be_written(void **state)
{
    (void)state;
    needs_landlock(3);
    places p = make_places();
    const char *paths[] = {p.inside};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.write = paths;
    policy.write_count = 1;
    isle_interp it = create_with(&policy);
    check_says(it, "t(write, '%s/new')", p.inside, "ok");
    check_says(it, "t(os.mkdir, '%s/folder')", p.inside, "ok");
    check_says(it, "t(lambda d: os.rename(d + '/new', d + '/folder/moved'), '%s')", p.inside, "ok");
    check_says(it, "t(os.remove, '%s/folder/moved')", p.inside, "ok");
    check_says(it, "t(os.rmdir, '%s/folder')", p.inside, "ok");
    check_says(it, "t(open, '%s')", p.file_outside, "ok"); /* only writing is limited */
    static const char *const tries[] = {"t(write, '%s/new')",
                                        "t(write, '%s/file')",
                                        "t(os.truncate, '%s/file', 1)",
                                        "t(os.mkdir, '%s/folder')",
                                        "t(os.remove, '%s/file')",
                                        "t(os.symlink, '/', '%s/link')",
                                        "t(lambda d: os.rename(d + '/file', d + '/file-2'), '%s')",
                                        "in_thread(write, '%s/new')"};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        check_says(it, tries[i], p.outside, "PermissionError 13");
    }
    check_says(it, "in_child('echo x > %s/new') != 0", p.outside, "True");
    check_says(it, "in_child('echo x > %s/new')", p.inside, "0");
    check_eval(it, "t(write, '/dev/null')", "ok");
    char *text = read_text(p.file_outside);
    check(text != NULL && strcmp(text, "out") == 0);
    free(text);
    check_others_are_free(&p);
    end(it);
    free_places(&p);
}

/* Any rule about files would forbid this, were it not allowed. */
static void test_files_can_be_moved_where_writing_is_not_limited(void **state)
{
    (void)state;
    needs_landlock(2);
    places p = make_places();
    isle_policy policy = ISLE_POLICY_INIT;
    policy.execute = nothing;
    isle_interp it = create_with(&policy);
    char *source = text_of("os.rename('%s', '%s/moved')", p.file_inside, p.outside);
    run(it, source);
    free(source);
    end(it);
    free_places(&p);
}

static void test_only_what_is_listed_can_be_run(void **state)
{
    (void)state;
    needs_landlock(2);
    char *true_path = realpath("/bin/true", NULL);
    check(true_path != NULL);
    const char *paths[] = {true_path};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.execute = paths;
    policy.execute_count = 1;
    isle_interp it = create_with(&policy);
    check_eval(it, "subprocess.run(['true']).returncode", "0");
    check_eval(it, "t(subprocess.run, ['ls'])", "PermissionError 13");
    check_eval(it, "in_thread(subprocess.run, ['ls'])", "PermissionError 13");
    check_eval(it, "t(open, '/etc/passwd')", "ok");
    end(it);
    free(true_path);
}

/* --- ports -------------------------------------------------------------------------------------------------------- */

typedef struct listener {
    int fd;
    uint16_t port;
} listener;

static listener listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    listener l = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    check(l.fd >= 0 && bind(l.fd, (struct sockaddr *)&address, size) == 0 && listen(l.fd, 50) == 0);
    check(getsockname(l.fd, (struct sockaddr *)&address, &size) == 0);
    l.port = ntohs(address.sin_port);
    return l;
}

static void check_port(isle_interp it, const char *function, uint16_t port, const char *wanted)
{
    char *expression = text_of("t(%s, %u)", function, port);
    check_eval(it, expression, wanted);
    free(expression);
}

static void test_only_listed_ports_can_be_used(void **state)
{
    (void)state;
    needs_landlock(4);
    listener a = listen_somewhere(), b = listen_somewhere(), free_port = listen_somewhere();
    close(free_port.fd);
    isle_policy policy = ISLE_POLICY_INIT;
    policy.connect = &a.port;
    policy.bind = &free_port.port;
    policy.connect_count = policy.bind_count = 1;
    isle_interp it = create_with(&policy), other = create_with(NULL);
    check_port(it, "connect", a.port, "ok");
    check_port(it, "connect", b.port, "PermissionError 13");
    check_port(it, "bind", free_port.port, "ok");
    check_port(it, "bind", 0, "PermissionError 13");
    char *expression = text_of("in_thread(connect, %u)", b.port);
    check_eval(it, expression, "PermissionError 13");
    free(expression);
    check_port(other, "connect", b.port, "ok");
    check_port(other, "bind", 0, "ok");
    check_eval(it, "t(open, '/etc/passwd')", "ok"); /* files are not limited */
    end(it);
    policy.connect = policy.bind = no_port;
    policy.connect_count = 0;
    it = create_with(&policy); /* a list of the one port 0 */
    check_port(it, "connect", a.port, "PermissionError 13");
    check_port(it, "bind", 0, "ok");
    end(it);
    end(other);
    close(a.fd);
    close(b.fd);
}

/* --- profiles ----------------------------------------------------------------------------------------------------- */

static isle_interp create_with_profiles(const char *const *profiles, size_t count)
{
    isle_policy policy = ISLE_POLICY_INIT;
    policy.seccomp = profiles;
    policy.seccomp_count = count;
    return create_with(&policy);
}

static void test_profiles(void **state)
{
    (void)state;
    static const char *const network[] = {"no-network"}, *const exec[] = {"no-exec"}, *const admin[] = {"no-admin"};
    static const char unshare[] = "__import__('ctypes').CDLL(None).unshare(0)"; /* does nothing; -1: denied */
    isle_interp it = create_with_profiles(network, 1);
    check_eval(it, "t(socket.socket)", "PermissionError 1");
    check_eval(it, "t(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)", "PermissionError 1");
    check_eval(it, "in_thread(socket.socket)", "PermissionError 1");
    check_eval(it, "t(socket.socketpair)", "ok");
    check_eval(it, "t(lambda: __import__('asyncio').run(__import__('asyncio').sleep(0)))", "ok");
    char *script = text_of("subprocess.run([%s, '-I', '-S', '-c', 'import _socket; _socket.socket()'],"
                           " stderr=subprocess.DEVNULL).returncode",
                           "sys.executable");
    check_eval(it, script, "1");
    check_eval(it, unshare, "0");
    end(it);
    it = create_with_profiles(exec, 1);
    check_eval(it, "t(subprocess.run, ['/bin/true'])", "PermissionError 1");
    check_eval(it, "in_thread(subprocess.run, ['/bin/true'])", "PermissionError 1");
    check_eval(it, "t(os.posix_spawn, '/bin/true', ['true'], {})", "PermissionError 1");
    check_eval(it, "t(socket.socket)", "ok");
    end(it);
    it = create_with_profiles(admin, 1);
    check_eval(it, unshare, "-1");
    check_eval(it, "in_child('true')", "0");
    end(it);
    isle_interp other = create_with(NULL);
    check_eval(other, "t(socket.socket)", "ok");
    check_eval(other, script, "0");
    check_eval(other, unshare, "0");
    end(other);
    free(script);
}

/* Interrupting, reaping and ending work on threads that have all there is. */
static void test_code_under_a_policy_is_stopped_and_ended(void **state)
{
    (void)state;
    static const char *const all[] = {"no-network", "no-exec", "no-admin"};
    static const char *const rules[] = {"deny ctypes.*"};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.seccomp = all;
    policy.seccomp_count = 3;
    policy.rules = rules;
    policy.rule_count = 1;
    if (isle_policy_landlock(NULL) >= 4) {
        policy.read = policy.write = policy.execute = nothing;
        policy.connect = policy.bind = no_port;
    }
    isle_interp it = create_with(&policy);
    isle_error *err = NULL;
    check_status(isle_interp_run(it, "while True: pass", isle_deadline_in(20 * ISLE_MS), &err), ISLE_ERR_TIMEOUT, err);
    isle_error_free(err);
    run(it, "import time\n"
            "def spin():\n"
            "    while True: time.sleep(0.001)\n"
            "for i in range(3): threading.Thread(target=spin, daemon=True).start()");
    end(it);
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static isle_interp create_with_rules(const char *const *rules, size_t count, bool observe)
{
    isle_policy policy = ISLE_POLICY_INIT;
    policy.rules = rules;
    policy.rule_count = count;
    policy.observe = observe;
    return create_with(&policy);
}

static void test_denied_events_raise(void **state)
{
    (void)state;
    places p = make_places();
    char *deny = text_of("deny open:%s/*", p.outside), *allow = text_of("allow open:%s/by-*", p.outside);
    const char *rules[] = {deny,
                           allow,
                           "deny subprocess.Popen",
                           "deny socket.connect:127.0.0.1:[0-9]*",
                           "deny os.putenv:PL*",
                           "deny import:email*",
                           "deny os.kill"};
    isle_interp it = create_with_rules(rules, 7, false);
    char *message = text_of("PermissionError: [Errno 1] denied by the policy: open '%s' (rule '%s')", p.file_outside,
                            deny);
    char *source = text_of("open('%s')", p.file_outside);
    run_error(it, source, message);
    check_says(it, "in_thread(open, '%s')", p.file_outside, "PermissionError 1");
    check_says(it, "t(open, '%s')", p.file_inside, "ok");
    check_says(it, "t(write, '%s/by-rule')", p.outside, "ok");
    check_says(it, "t(open, '%s/../outside/./file')", p.inside, "PermissionError 1");
    check_says(it, "t(open, b'%s')", p.file_outside, "PermissionError 1");
    check_says(it, "t(lambda p: os.open(os.path.relpath(p), 0), '%s')", p.file_outside, "PermissionError 1");
    check_says(it, "t(__import__('pathlib').Path('%s').read_text)", p.file_outside, "PermissionError 1");
    check_eval(it, "t(subprocess.run, ['true'])", "PermissionError 1");
    check_eval(it, "t(connect, 9)", "PermissionError 1");
    check_eval(it, "t(lambda: socket.socket().connect(('::1', 9)))", "gaierror -9");
    check_eval(it, "t(os.putenv, 'PLANTED', '1') + t(os.putenv, 'OTHER', '1')", "PermissionError 1ok");
    check_eval(it, "t(os.kill, os.getpid(), 0)", "PermissionError 1");
    run_error(it, "import email.message",
              "ImportError: denied by the policy: import 'email.message' (rule 'deny import:email*')");
    run(it, "try: import email\nexcept ImportError as e: assert e.name == 'email'\nelse: raise AssertionError");
    check_others_are_free(&p);
    end(it);
    free(source);
    free(message);
    free(deny);
    free(allow);
    free_places(&p);
}

/* sys.audit reaches the rules with any event; what its arguments are does no harm. */
static void test_odd_arguments(void **state)
{
    (void)state;
    const char *rules[] = {"deny odd.*:planted*", "deny odd.path:/planted*", "deny *:7", "allow compile"};
    isle_interp it = create_with_rules(rules, 4, false);
    static const struct {
        const char *args, *said;
    } rows[] = {
        {"'odd.x', 'planted-1'", "PermissionError 1"},
        {"'odd.x', 'other'", "ok"},
        {"'odd.x'", "ok"},
        {"'odd.x', None, 'planted'", "PermissionError 1"},
        {"'odd.x', object(), ('planted', 5)", "PermissionError 1"},
        {"'odd.x', ('planted',)", "ok"},
        {"'odd.x', b'planted'", "PermissionError 1"},
        {"'odd.x', 'planted\\udcff'", "PermissionError 1"},
        {"'odd.x', 'planted\\ud800'", "ok"},
        {"'odd.x', 1 << 80", "ok"},
        {"'odd.x', True, 7", "PermissionError 1"},
        {"'odd.path', '/x/../planted'", "PermissionError 1"},
        {"'odd.path', '/' * 6000 + 'planted'", "PermissionError 1"},
        {"'odd.path', 'x' * 6000", "ok"},
        {"'seven', 7", "PermissionError 1"},
        {"'seven', '7'", "PermissionError 1"},
        {"'', 'planted'", "ok"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *expression = text_of("t(sys.audit, %s)", rows[i].args);
        check_eval(it, expression, rows[i].said);
        free(expression);
    }
    end(it);
}

/* Where all is denied the host still gets words. */
static void test_all_denied(void **state)
{
    (void)state;
    const char *rules[] = {"deny *"};
    isle_policy policy = ISLE_POLICY_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    policy.rules = rules;
    policy.rule_count = 1;
    config.policy = &policy;
    isle_interp it = create(&config);
    isle_error *err = run_fails(it, "pass", ISLE_ERR_PYTHON);
    check(strstr(isle_error_message(err), "denied by the policy: compile 'pass' (rule 'deny *')") != NULL);
    isle_error_free(err);
    end(it);
}

/* --- what was found ----------------------------------------------------------------------------------------------- */

static isle_policy_report *report_of(isle_interp it)
{
    isle_policy_report *report = NULL;
    isle_error *err = NULL;
    check_status(isle_interp_get_policy_report(it, &report, &err), ISLE_OK, err);
    check(report->size == sizeof *report);
    return report;
}

/* How often that was found; 0: not. */
static uint64_t found(const isle_policy_report *report, const char *rule, const char *event, const char *subject)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        const isle_policy_finding *f = &report->findings[i];
        if (strcmp(f->rule, rule) == 0 && strcmp(f->event, event) == 0 && strcmp(f->subject, subject) == 0) {
            return f->count;
        }
    }
    return 0;
}

static void test_denials_are_counted(void **state)
{
    (void)state;
    const char *rules[] = {"deny os.putenv", "deny socket.conect", "allow os.*:X"};
    isle_interp it = create_with_rules(rules, 3, false), bare = create_with(NULL);
    run(it, "for i in range(3): t(os.putenv, 'A', '1')\nin_thread(os.putenv, 'B', '1'); t(os.putenv, 'X', '1')");
    isle_policy_report *report = report_of(it);
    check(!report->observe && report->finding_count == 2 && report->left_out == 0);
    check(found(report, "deny os.putenv", "os.putenv", "A") == 3);
    check(found(report, "deny os.putenv", "os.putenv", "B") == 1);
    check(report->unused_rule_count == 1 && strcmp(report->unused_rules[0], "deny socket.conect") == 0);
    isle_policy_report_free(report);
    run(it, "for i in range(300): t(os.putenv, f'N{i}', '1')");
    report = report_of(it);
    check(report->finding_count == 256 && report->left_out == 46);
    isle_policy_report_free(report);
    report = report_of(bare);
    check(report->finding_count == 0 && report->unused_rule_count == 0);
    isle_policy_report_free(report);
    isle_policy_report_free(NULL);
    end(it);
    end(bare);
}

static void test_observing_lists_and_denies_nothing(void **state)
{
    (void)state;
    static const char *const profiles[] = {"no-network", "no-exec"};
    places p = make_places();
    const char *paths[] = {p.inside}, *rules[] = {"deny ctypes.*"};
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = policy.write = paths;
    policy.read_count = policy.write_count = policy.seccomp_count = 1;
    policy.execute = nothing;
    policy.connect = policy.bind = no_port;
    policy.seccomp = profiles;
    policy.seccomp_count = 2;
    policy.rules = rules;
    policy.rule_count = 1;
    policy.observe = true;
    listener l = listen_somewhere();
    isle_interp it = create_with(&policy);
    check_says(it, "t(open, '%s')", p.file_inside, "ok");
    check_says(it, "t(write, '%s/seen')", p.inside, "ok");
    check_says(it, "t(open, '%s')", p.file_outside, "ok");
    check_says(it, "t(write, '%s/seen')", p.outside, "ok");
    check_says(it, "t(lambda d: os.rename(d + '/seen', d + '/moved'), '%s')", p.outside, "ok");
    check_says(it, "t(lambda d: os.remove('moved', dir_fd=os.open(d, 0)), '%s')", p.outside, "ok");
    check_says(it,
               "t(lambda d: os.symlink(os.path.dirname(d) + '/outside', d + '/link') or os.listdir(d + '/link'), '%s')",
               p.inside, "ok");
    check_port(it, "connect", l.port, "ok");
    check_eval(it, "in_child('true')", "0");
    check_eval(it, "t(lambda: __import__('ctypes').CDLL(None).getpid())", "ok");
    isle_policy_report *report = report_of(it);
    char *seen = text_of("%s/seen", p.outside), *moved = text_of("%s/moved", p.outside);
    char *address = text_of("127.0.0.1:%u", l.port), *seen_inside = text_of("%s/seen", p.inside);
    char *link = text_of("%s/link", p.inside);
    check(report->observe);
    check(found(report, "read", "open", p.file_outside) == 1 && found(report, "read", "open", p.file_inside) == 0);
    check(found(report, "write", "open", seen) == 1 && found(report, "write", "open", seen_inside) == 0);
    check(found(report, "write", "os.rename", seen) == 1 && found(report, "write", "os.rename", moved) == 1);
    check(found(report, "write", "os.remove", moved) == 1);
    check(found(report, "read", "os.listdir", link) == 1); /* it leads outside */
    check(found(report, "connect", "socket.connect", address) == 1);
    check(found(report, "seccomp no-network", "socket.__new__", "family 2") >= 1);
    check(found(report, "seccomp no-exec", "subprocess.Popen", "/bin/sh") == 1);
    check(found(report, "execute", "subprocess.Popen", "/bin/sh") == 1);
    check(found(report, "read", "subprocess.Popen", "/bin/sh") == 1); /* which that needs, too */
    check(found(report, "deny ctypes.*", "ctypes.dlsym", "getpid") == 1);
    check(report->unused_rule_count == 0);
    isle_policy_report_free(report);
    end(it);
    close(l.fd);
    free(seen), free(moved), free(address), free(seen_inside), free(link);
    free_places(&p);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    int count;
    isle_status status;
    char message[400];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_event(void *ctx, const isle_event *event)
{
    (void)ctx;
    if (event->kind != ISLE_EVENT_POLICY) {
        return;
    }
    pthread_mutex_lock(&told.lock);
    told.count++;
    told.status = event->status;
    snprintf(told.message, sizeof told.message, "%s: %s", event->interp_name, event->message);
    pthread_mutex_unlock(&told.lock);
}

static int events_tell(const char *unused)
{
    (void)unused;
    const char *rules[] = {"deny os.putenv:A"};
    isle_policy policy = ISLE_POLICY_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_runtime_config with_events = ISLE_RUNTIME_CONFIG_INIT;
    with_events.on_event = on_event;
    runtime_begin(&with_events);
    policy.rules = rules;
    policy.rule_count = 1;
    config.policy = &policy;
    config.name = "tenant";
    isle_interp it = create(&config);
    run(it, prelude);
    run(it, "for i in range(3): t(os.putenv, 'A', '1')");
    check(told.count == 1 && told.status == ISLE_ERR_PYTHON);
    check(strcmp(told.message, "tenant: denied: os.putenv A (rule 'deny os.putenv:A')") == 0);
    end(it);
    policy.observe = true;
    it = create(&config);
    run(it, prelude);
    run(it, "in_thread(os.putenv, 'A', '1')");
    check(told.count == 2 && told.status == ISLE_OK);
    check(strcmp(told.message, "tenant: would be denied: os.putenv A (rule 'deny os.putenv:A')") == 0);
    end(it);
    runtime_end();
    return 0;
}

static void test_events_tell_what_is_new(void **state)
{
    (void)state;
    free(child_expect("events_tell", NULL, 60 * ISLE_SECOND, 0));
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void refused(const isle_policy *policy, isle_status status, const char *message)
{
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_error *err = NULL;
    isle_interp it = {0};
    config.policy = policy;
    check_status(isle_interp_create(runtime, &config, &it, &err), status, err);
    if (strcmp(isle_error_message(err), message) != 0) {
        fprintf(stderr, "wanted: %s\ncame:   %s\n", message, isle_error_message(err));
        check(false);
    }
    check(it.id == 0);
    isle_error_free(err);
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    static const char *const missing[] = {"/usr", "/no/such/path"}, *const null[] = {"/usr", NULL};
    static const char *const empty[] = {""}, *const profile[] = {"no-exec", "no-nets"}, *const rule[] = {"deny open:"};
    isle_policy p = ISLE_POLICY_INIT;
    p.size = 3;
    refused(&p, ISLE_ERR_INVALID, "isle_policy: its size is not set; start from its initializer");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.read = null;
    p.read_count = 2;
    refused(&p, ISLE_ERR_INVALID, "policy.read[1] is NULL");
    p.read = empty;
    p.read_count = 1;
    refused(&p, ISLE_ERR_INVALID, "policy.read[0] is empty");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.connect = no_port;
    p.connect_count = 1;
    refused(&p, ISLE_ERR_INVALID, "policy.connect[0] is 0, which is no port");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.seccomp = profile;
    p.seccomp_count = 2;
    refused(&p, ISLE_ERR_INVALID, "policy.seccomp[1]: 'no-nets' is none of no-network, no-exec, no-admin");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.rules = rule;
    p.rule_count = 1;
    refused(&p, ISLE_ERR_INVALID, "policy.rules[0]: 'deny open:' has nothing after the colon");
    p = (isle_policy)ISLE_POLICY_INIT;
    p.write = missing;
    p.write_count = 2;
    if (isle_policy_landlock(NULL) >= 3) {
        refused(&p, ISLE_ERR_INVALID, "policy.write[1]: /no/such/path: No such file or directory");
    }
    isle_policy_report *report;
    isle_error *err = NULL;
    check_status(isle_interp_get_policy_report((isle_interp){1}, &report, &err), ISLE_ERR_NO_INTERP, err);
    isle_error_free(err);
}

/* Makes a system call fail for this process and all its threads, as a kernel without it does. */
static void take_call_away(unsigned number, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static int kernel_without(const char *error)
{
    bool off = strcmp(error, "off") == 0;
    take_call_away(444 /* landlock_create_ruleset */, off ? EOPNOTSUPP : ENOSYS);
    const char *reason = off ? "Landlock is switched off on this system (the kernel's option lsm=)"
                             : "the kernel has no Landlock";
    const char *said = NULL;
    check(isle_policy_landlock(&said) == 0 && strcmp(said, reason) == 0 && isle_policy_landlock(NULL) == 0);
    runtime_begin(NULL);
    isle_policy p = ISLE_POLICY_INIT;
    p.read = nothing;
    char *message = text_of("policy.read needs Landlock 2 (Linux 5.19): %s", reason);
    refused(&p, ISLE_ERR_UNSUPPORTED, message);
    free(message);
    p.read = NULL;
    p.bind = no_port;
    message = text_of("policy.bind needs Landlock 4 (Linux 6.7): %s", reason);
    refused(&p, ISLE_ERR_UNSUPPORTED, message);
    free(message);
    p.read = nothing;
    p.observe = true; /* needs nothing of the kernel */
    isle_interp it = create_with(&p);
    check_eval(it, "t(open, '/etc/passwd')", "ok");
    isle_policy_report *report = report_of(it);
    check(found(report, "read", "open", "/etc/passwd") == 1);
    isle_policy_report_free(report);
    end(it);
    runtime_end();
    return 0;
}

static void test_a_kernel_without_landlock(void **state)
{
    (void)state;
    free(child_expect("kernel_without", "it", 60 * ISLE_SECOND, 0));
    free(child_expect("kernel_without", "off", 60 * ISLE_SECOND, 0));
}

static int kernel_without_seccomp(const char *unused)
{
    (void)unused;
    static const char *const profiles[] = {"no-exec"};
    isle_policy p = ISLE_POLICY_INIT;
    take_call_away(SYS_seccomp, ENOSYS);
    p.seccomp = profiles;
    p.seccomp_count = 1;
    runtime_begin(NULL);
    refused(&p, ISLE_ERR_UNSUPPORTED, "policy.seccomp: the system refused: Function not implemented");
    end(create(NULL));
    runtime_end();
    return 0;
}

static void test_a_kernel_without_seccomp(void **state)
{
    (void)state;
    free(child_expect("kernel_without_seccomp", NULL, 60 * ISLE_SECOND, 0));
}

/* --- the others' time zone ---------------------------------------------------------------------------------------- */

/* libc has one for the process. Who asks it to look again, and can't read the file, puts all others into UTC. */
static int time_zone(const char *unused)
{
    (void)unused;
    runtime_begin(NULL);
    setenv("TZ", "Etc/GMT-2", 1); /* two hours to the east */
    isle_policy policy = ISLE_POLICY_INIT;
    policy.read = nothing;
    isle_interp it = create_with(&policy);
    run(it, "import time; time.tzset()");
    check_eval(it, "time.localtime(0).tm_hour", "2");
    end(it);
    const time_t epoch = 0;
    struct tm here;
    check(localtime_r(&epoch, &here) != NULL && here.tm_hour == 2);
    runtime_end();
    return 0;
}

static void test_the_time_zone_of_the_process_stays(void **state)
{
    (void)state;
    needs_landlock(2);
    if (access("/usr/share/zoneinfo/Etc/GMT-2", R_OK) != 0) {
        print_message("skipped: this system has no /usr/share/zoneinfo\n");
        skip();
    }
    free(child_expect("time_zone", NULL, 60 * ISLE_SECOND, 0));
}

/* --- pools -------------------------------------------------------------------------------------------------------- */

static void test_a_pool_keeps_its_own_copy(void **state)
{
    (void)state;
    char *rules[] = {must(strdup("deny os.putenv"))};
    isle_policy policy = ISLE_POLICY_INIT;
    isle_interp_config config = ISLE_INTERP_CONFIG_INIT;
    isle_pool_config pools = ISLE_POOL_CONFIG_INIT;
    isle_error *err = NULL;
    isle_pool *pool = NULL;
    bool limited = isle_policy_landlock(NULL) >= 2;
    policy.rules = (const char *const *)rules;
    policy.rule_count = 1;
    policy.read = limited ? nothing : NULL;
    config.policy = &policy;
    pools.interp = &config;
    pools.capacity = 1;
    pools.reuse = ISLE_REUSE_NEVER;
    check_status(isle_pool_create(runtime, &pools, &pool, &err), ISLE_OK, err);
    memset(rules[0], 'x', strlen(rules[0]));
    memset(&policy, 0xff, sizeof policy);
    for (int i = 0; i < 2; i++) {
        isle_interp it;
        check_status(isle_pool_acquire(pool, SOON, &it, &err), ISLE_OK, err);
        run(it, prelude);
        check_eval(it, "t(os.putenv, 'A', '1')", "PermissionError 1");
        check_eval(it, "t(open, '/etc/passwd')", limited ? "PermissionError 13" : "ok");
        check(isle_pool_release(pool, it) == ISLE_OK);
    }
    check_status(isle_pool_destroy(pool, SOON, &err), ISLE_OK, err);
    policy = (isle_policy)ISLE_POLICY_INIT;
    policy.write = nothing;
    policy.write_count = 1;
    check_status(isle_pool_create(runtime, &pools, &pool, &err), ISLE_ERR_INVALID, err);
    check(strcmp(isle_error_message(err), "isle_pool_config.interp: its policy has a NULL among its texts") == 0);
    isle_error_free(err);
    free(rules[0]);
}

/* --- without root's rights ---------------------------------------------------------------------------------------- */

/* Who is root becomes nobody, who may read all files as ever: the engine may lie in root's home. */
static void drop_rights(void)
{
    const unsigned kept = 1U << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = kept, .permitted = kept, .inheritable = kept}};
    if (geteuid() == 0) {
        check(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        check(syscall(SYS_capset, &header, data) == 0);
        check(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0) == 0); /* for child processes */
    }
}

static int unprivileged(const char *unused)
{
    (void)unused;
    drop_rights();
    runtime_begin(NULL);
    check(geteuid() != 0);
    const char *reason = "";
    if (isle_policy_landlock(&reason) >= 4) {
        test_only_what_is_listed_can_be_read(NULL);
        test_python_works_where_nothing_can_be_read(NULL);
        test_only_what_is_listed_can_be_written(NULL);
        test_files_can_be_moved_where_writing_is_not_limited(NULL);
        test_only_what_is_listed_can_be_run(NULL);
        test_only_listed_ports_can_be_used(NULL);
    }
    test_profiles(NULL);
    test_denied_events_raise(NULL);
    test_observing_lists_and_denies_nothing(NULL);
    runtime_end();
    return 0;
}

static void test_all_that_without_roots_rights(void **state)
{
    (void)state;
    free(child_expect("unprivileged", NULL, 120 * ISLE_SECOND, 0));
}

int main(int argc, char **argv)
{
    static const child children[] = {{"events_tell", events_tell},
                                     {"kernel_without", kernel_without},
                                     {"kernel_without_seccomp", kernel_without_seccomp},
                                     {"time_zone", time_zone},
                                     {"unprivileged", unprivileged},
                                     {NULL, NULL}};
    child_main(argc, argv, children);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_listed_can_be_read),
        cmocka_unit_test(test_python_works_where_nothing_can_be_read),
        cmocka_unit_test(test_paths_of_the_configuration_can_be_read),
        cmocka_unit_test(test_only_what_is_listed_can_be_written),
        cmocka_unit_test(test_files_can_be_moved_where_writing_is_not_limited),
        cmocka_unit_test(test_only_what_is_listed_can_be_run),
        cmocka_unit_test(test_only_listed_ports_can_be_used),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_code_under_a_policy_is_stopped_and_ended),
        cmocka_unit_test(test_denied_events_raise),
        cmocka_unit_test(test_odd_arguments),
        cmocka_unit_test(test_all_denied),
        cmocka_unit_test(test_denials_are_counted),
        cmocka_unit_test(test_observing_lists_and_denies_nothing),
        cmocka_unit_test(test_events_tell_what_is_new),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_a_kernel_without_landlock),
        cmocka_unit_test(test_a_kernel_without_seccomp),
        cmocka_unit_test(test_the_time_zone_of_the_process_stays),
        cmocka_unit_test(test_a_pool_keeps_its_own_copy),
        cmocka_unit_test(test_all_that_without_roots_rights),
    };
    return RUN_TESTS(tests);
}
