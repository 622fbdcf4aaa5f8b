/* Policies at Python's audit events (PEP 578): finds the policy of the interpreter in which an event happens, and lets
 * its rules decide. One that observes is also asked what the kernel would have refused. An interpreter is in the list
 * from the end of its set-up until CPython has taken it apart; it is known by CPython's id, which is never used again,
 * so what a thread remembers of its last look stays true. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "python.h"

/* --- whose event it is -------------------------------------------------------------------------------------------- */

static plat_lock lock = {PTHREAD_MUTEX_INITIALIZER}; /* a leaf */
static engine_interp *list;                          /* under it */

typedef struct known {
    int64_t key; /* 0: nothing is known */
    engine_interp *interp;
} known;
static PLAT_THREAD_LOCAL known here;
static PLAT_THREAD_LOCAL bool paused;

static int64_t key_of(PyInterpreterState *state)
{
    return PyInterpreterState_GetID(state) + 1;
}

static engine_interp *find(int64_t key)
{
    plat_lock_take(&lock);
    engine_interp *found = list;
    while (found != NULL && found->policy_key != key) {
        found = found->policy_next;
    }
    plat_lock_give(&lock);
    return found;
}

/* Attached. NULL: that of an interpreter without a policy. */
static engine_interp *interp_here(void)
{
    int64_t key = key_of(PyInterpreterState_Get());
    if (here.key != key) {
        here = (known){key, find(key)};
    }
    return here.interp;
}

void policy_begin(engine_interp *interp, struct policy *p)
{
    if (p == NULL) {
        return;
    }
    interp->policy = p;
    interp->policy_key = key_of(interp->state);
    plat_lock_take(&lock);
    interp->policy_next = list;
    list = interp;
    plat_lock_give(&lock);
    here = (known){0, NULL}; /* events of the set-up may have been looked up */
    atomic_fetch_add(&engine.policies, 1);
}

void policy_end(engine_interp *interp)
{
    if (interp->policy_key == 0) {
        return;
    }
    atomic_fetch_sub(&engine.policies, 1);
    plat_lock_take(&lock);
    engine_interp **link = &list;
    while (*link != interp) {
        link = &(*link)->policy_next;
    }
    *link = interp->policy_next;
    plat_lock_give(&lock);
    interp->policy_key = 0;
}

/* --- what it is about --------------------------------------------------------------------------------------------- */

/* The subject is the first argument that is text or a number, or an address. No code of the interpreter runs for it. */
typedef struct event {
    const char *name;
    PyObject *args;
    const char *text; /* as it is; NULL: none, once `looked` */
    bool looked;
    PyObject *encoded; /* what `text` lies in, where it had to be made */
    char number[320];
    char path[PATH_MAX];
} event;

static const char *text_of_str(event *e, PyObject *object)
{
    const char *text = PyUnicode_AsUTF8(object);
    if (text == NULL) { /* surrogates, as in names of files that are no UTF-8 */
        PyErr_Clear();
        e->encoded = PyUnicode_EncodeFSDefault(object);
        text = e->encoded != NULL ? PyBytes_AS_STRING(e->encoded) : NULL;
        PyErr_Clear();
    }
    return text;
}

/* ("127.0.0.1", 80, ...) */
static const char *text_of_address(event *e, PyObject *tuple)
{
    PyObject *host = PyTuple_GET_SIZE(tuple) >= 2 ? PyTuple_GET_ITEM(tuple, 0) : NULL;
    if (host == NULL || !PyUnicode_Check(host) || !PyLong_Check(PyTuple_GET_ITEM(tuple, 1))) {
        return NULL;
    }
    const char *name = text_of_str(e, host);
    long port = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 1));
    PyErr_Clear();
    if (name == NULL) {
        return NULL;
    }
    snprintf(e->number, sizeof e->number, strchr(name, ':') != NULL ? "[%s]:%ld" : "%s:%ld", name, port);
    return e->number;
}

static const char *text_of_number(event *e, PyObject *object)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
    snprintf(e->number, sizeof e->number, "%lld", number);
    return overflow == 0 ? e->number : NULL;
}

static const char *text_of_object(event *e, PyObject *object)
{
    if (PyUnicode_Check(object)) {
        return text_of_str(e, object);
    }
    if (PyBytes_Check(object)) {
        return PyBytes_AS_STRING(object);
    }
    if (PyTuple_Check(object)) {
        return text_of_address(e, object);
    }
    return PyLong_Check(object) && !PyBool_Check(object) ? text_of_number(e, object) : NULL;
}

static const char *subject_as_it_is(event *e)
{
    Py_ssize_t count = e->looked ? 0 : PyTuple_GET_SIZE(e->args);
    for (Py_ssize_t i = 0; i < count && e->text == NULL; i++) {
        e->text = text_of_object(e, PyTuple_GET_ITEM(e->args, i));
    }
    e->looked = true;
    return e->text;
}

static const char *subject(void *of_event, bool as_path)
{
    event *e = of_event;
    const char *text = subject_as_it_is(e);
    return !as_path || text == NULL ? text : rules_absolute(text, e->path, sizeof e->path);
}

static void forget(event *e)
{
    Py_CLEAR(e->encoded);
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* A host may do anything in its call-back, so it is called detached. */
static void tell(engine_interp *interp, const char *message, bool denied)
{
    engine_interp *before = engine_calling;
    PyThreadState *state = PyEval_SaveThread();
    engine_calling = interp;
    engine.hooks.on_policy(interp->core, message, denied);
    engine_calling = before;
    PyEval_RestoreThread(state);
}

static void note(engine_interp *interp, const event *e, const char *about, const char *by)
{
    policy *p = interp->policy;
    if (!findings_add(&p->found, by, e->name, about != NULL ? about : "")) {
        return;
    }
    char message[FINDINGS_SUBJECT + 300];
    snprintf(message, sizeof message, "%s%.100s%s%.*s (rule '%.100s')",
             p->observe ? "would be denied: " : "denied: ", e->name, about != NULL ? " " : "", FINDINGS_SUBJECT,
             about != NULL ? about : "", by);
    tell(interp, message, !p->observe);
}

/* An import fails as one of what isn't there: programs are ready for that. */
static int refuse(const event *e, const char *about, const char *by)
{
    char shown[FINDINGS_SUBJECT + 8] = "";
    if (about != NULL) {
        snprintf(shown, sizeof shown, " '%.*s'", FINDINGS_SUBJECT, about);
    }
    PyObject *subject_text = PyUnicode_DecodeFSDefault(shown);
    PyObject *message = subject_text != NULL
                            ? PyUnicode_FromFormat("denied by the policy: %s%U (rule '%s')", e->name, subject_text, by)
                            : NULL;
    if (message != NULL && strcmp(e->name, "import") == 0) {
        PyErr_SetImportError(message, PyTuple_GET_ITEM(e->args, 0), NULL);
    } else if (message != NULL) {
        PyObject *args = Py_BuildValue("(iO)", EPERM, message);
        PyErr_SetObject(PyExc_PermissionError, args);
        Py_XDECREF(args);
    }
    Py_XDECREF(message);
    Py_XDECREF(subject_text);
    return -1;
}

/* --- observing: what the kernel would refuse ---------------------------------------------------------------------- */

typedef enum use_kind {
    USE_PATH,
    USE_OPEN,
    USE_BOTH_PATHS,
    USE_SECOND_PATH,
    USE_SHELL,
    USE_ADDRESS,
    USE_FAMILY
} use_kind;

typedef struct use {
    const char *event;
    use_kind kind;
    unsigned access;
    signed char folder; /* the argument that is the descriptor of a relative path's folder; 0: none */
} use;

static const use uses[] = {
    {"open", USE_OPEN, 0, 0},
    {"os.exec", USE_PATH, PLAT_EXECUTE, 0},
    {"os.link", USE_SECOND_PATH, PLAT_WRITE, 3},
    {"os.listdir", USE_PATH, PLAT_READ, 0},
    {"os.mkdir", USE_PATH, PLAT_WRITE, 2},
    {"os.posix_spawn", USE_PATH, PLAT_EXECUTE, 0},
    {"os.remove", USE_PATH, PLAT_WRITE, 1},
    {"os.rename", USE_BOTH_PATHS, PLAT_WRITE, 2},
    {"os.rmdir", USE_PATH, PLAT_WRITE, 1},
    {"os.scandir", USE_PATH, PLAT_READ, 0},
    {"os.symlink", USE_SECOND_PATH, PLAT_WRITE, 2},
    {"os.system", USE_SHELL, PLAT_EXECUTE, 0},
    {"os.truncate", USE_PATH, PLAT_WRITE, 0},
    {"socket.__new__", USE_FAMILY, 0, 0},
    {"socket.bind", USE_ADDRESS, PLAT_BIND, 0},
    {"socket.connect", USE_ADDRESS, PLAT_CONNECT, 0},
    {"sqlite3.connect", USE_PATH, PLAT_WRITE, 0},
    {"subprocess.Popen", USE_PATH, PLAT_EXECUTE, 0},
};

static const use *use_of(const char *name)
{
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        if (strcmp(uses[i].event, name) == 0) {
            return &uses[i];
        }
    }
    return NULL;
}

static PyObject *argument(const event *e, Py_ssize_t index)
{
    return index < PyTuple_GET_SIZE(e->args) ? PyTuple_GET_ITEM(e->args, index) : Py_None;
}

/* A program's name is looked for in PATH, as libc does. */
static const char *program_path(const char *name, char *out, size_t size)
{
    const char *folders = getenv("PATH");
    while (strchr(name, '/') == NULL && folders != NULL && *folders != '\0') {
        size_t length = strcspn(folders, ":");
        snprintf(out, size, "%.*s/%s", (int)length, folders, name);
        if (access(out, X_OK) == 0) {
            return out;
        }
        folders += length + (folders[length] == ':');
    }
    return name;
}

static void observe_path(engine_interp *interp, event *e, const char *path, unsigned access)
{
    if (!policy_allows_path(interp->policy, path, access)) {
        const char *shown = rules_absolute(path, e->path, sizeof e->path);
        note(interp, e, shown != NULL ? shown : path, policy_limit_name(access));
    }
}

/* What is to be run must be readable, too. */
static void observe_program(engine_interp *interp, event *e, const char *name)
{
    char found[PATH_MAX];
    const char *path = program_path(name, found, sizeof found);
    if ((interp->policy->profiles & policy_profile_bit("no-exec")) != 0) {
        note(interp, e, path, "seccomp no-exec");
    }
    observe_path(interp, e, path, PLAT_EXECUTE);
    observe_path(interp, e, path, PLAT_READ);
}

/* Of a relative path that belongs to an open folder. */
static const char *path_below(PyObject *folder, const char *path, char out[PATH_MAX])
{
    char link[40];
    long number = PyLong_Check(folder) ? PyLong_AsLong(folder) : -1;
    PyErr_Clear();
    snprintf(link, sizeof link, "/proc/thread-self/fd/%ld", number);
    ssize_t length = number >= 0 && path[0] != '/' ? readlink(link, out, PATH_MAX - 1) : -1;
    if (length < 0 || (size_t)length + strlen(path) + 2 > PATH_MAX) {
        return path;
    }
    sprintf(out + length, "/%s", path);
    return out;
}

/* None is the current folder; an open descriptor is no question of paths. */
static void observe_argument(engine_interp *interp, event *e, Py_ssize_t index, Py_ssize_t folder, unsigned access)
{
    char below[PATH_MAX];
    PyObject *object = argument(e, index);
    const char *path = object == Py_None ? "." : PyLong_Check(object) ? NULL : text_of_object(e, object);
    if (path != NULL && access == PLAT_EXECUTE) {
        observe_program(interp, e, path);
    } else if (path != NULL) {
        observe_path(interp, e, folder > 0 ? path_below(argument(e, folder), path, below) : path, access);
    }
    forget(e);
}

static void observe_open(engine_interp *interp, event *e)
{
    PyObject *flags_object = argument(e, 2);
    long flags = PyLong_Check(flags_object) ? PyLong_AsLong(flags_object) : 0;
    PyErr_Clear();
    if ((flags & O_ACCMODE) != O_WRONLY) {
        observe_argument(interp, e, 0, 0, PLAT_READ);
    }
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0) {
        observe_argument(interp, e, 0, 0, PLAT_WRITE);
    }
}

static bool is_stream_socket(PyObject *socket)
{
    PyObject *type = PyObject_GetAttrString(socket, "type");
    long number = type != NULL && PyLong_Check(type) ? PyLong_AsLong(type) : -1;
    Py_XDECREF(type);
    PyErr_Clear();
    return number == 1; /* SOCK_STREAM */
}

static void observe_address(engine_interp *interp, event *e, unsigned access)
{
    PyObject *address = argument(e, 1);
    const char *text = PyTuple_Check(address) ? text_of_address(e, address) : NULL;
    if (text == NULL || !is_stream_socket(argument(e, 0))) {
        return;
    }
    uint16_t port = (uint16_t)PyLong_AsLong(PyTuple_GET_ITEM(address, 1));
    PyErr_Clear();
    if (!policy_allows_port(interp->policy, port, access)) {
        note(interp, e, text, policy_limit_name(access));
    }
    forget(e);
}

static void observe_family(engine_interp *interp, event *e)
{
    PyObject *family = argument(e, 1);
    long number = PyLong_Check(family) ? PyLong_AsLong(family) : -1;
    PyErr_Clear();
    if (number > 1 && (interp->policy->profiles & policy_profile_bit("no-network")) != 0) { /* 1: AF_UNIX */
        char text[40];
        snprintf(text, sizeof text, "family %ld", number);
        note(interp, e, text, "seccomp no-network");
    }
}

static void observe(engine_interp *interp, event *e)
{
    const use *u = use_of(e->name);
    if (u == NULL) {
        return;
    }
    switch (u->kind) {
    case USE_OPEN:
        observe_open(interp, e);
        break;
    case USE_PATH:
        observe_argument(interp, e, 0, u->folder, u->access);
        break;
    case USE_SECOND_PATH:
        observe_argument(interp, e, 1, u->folder, u->access);
        break;
    case USE_BOTH_PATHS:
        observe_argument(interp, e, 0, u->folder, u->access);
        observe_argument(interp, e, 1, u->folder + 1, u->access);
        break;
    case USE_SHELL:
        observe_program(interp, e, "/bin/sh");
        break;
    case USE_ADDRESS:
        observe_address(interp, e, u->access);
        break;
    case USE_FAMILY:
        observe_family(interp, e);
        break;
    }
}

/* --- the event ---------------------------------------------------------------------------------------------------- */

/* Errors that nobody can catch, and CPython's own work at an interpreter's end: to refuse them would only hide
 * things. */
static bool is_beyond_rules(const char *name)
{
    return (name[0] == 's' && (strcmp(name, "sys.unraisablehook") == 0 || strcmp(name, "sys.excepthook") == 0)) ||
           (name[0] == 'c' && strcmp(name, "cpython.PyInterpreterState_Clear") == 0);
}

static int judge(engine_interp *interp, const char *name, PyObject *args)
{
    event e; /* not initialized whole: its buffers are large */
    e.name = name;
    e.args = args;
    e.text = NULL;
    e.encoded = NULL;
    e.looked = false;
    policy *p = interp->policy;
    int result = 0;
    const rule *r = rules_decide(&p->rules, name, subject, &e);
    if (r != NULL && r->deny && !is_beyond_rules(name)) {
        const char *about = subject_as_it_is(&e);
        if (!policy_is_silent(p, r)) {
            note(interp, &e, about, r->text);
        }
        result = p->observe ? 0 : refuse(&e, about, r->text);
    }
    forget(&e);
    if (p->observe) {
        observe(interp, &e);
    }
    return result;
}

void policy_pause(bool on)
{
    paused = on;
}

int policy_audit(const char *name, PyObject *args)
{
    engine_interp *interp = paused ? NULL : interp_here();
    return interp == NULL || args == NULL || !PyTuple_Check(args) ? 0 : judge(interp, name, args);
}

/* --- what is read in any case ------------------------------------------------------------------------------------- */

enum { MOST_FOLDERS = 64 };
static char *folders[MOST_FOLDERS + 1]; /* written at start; NULL behind the last */
static size_t folder_count;

static bool add_folder(char *path)
{
    if (path != NULL && folder_count < MOST_FOLDERS) {
        folders[folder_count++] = path;
        return true;
    }
    plat_free(path);
    return path != NULL;
}

static bool add_below(PyObject *prefix, const char *name)
{
    const char *text = prefix != NULL && PyUnicode_Check(prefix) ? PyUnicode_AsUTF8(prefix) : NULL;
    return text == NULL || add_folder(plat_printf("%s/%s", text, name));
}

static bool add_search_path(void)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    Py_ssize_t count = path != NULL && PyList_Check(path) ? PyList_GET_SIZE(path) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *entry = PyList_GET_ITEM(path, i);
        const char *text = PyUnicode_Check(entry) ? PyUnicode_AsUTF8(entry) : NULL;
        if (text != NULL && text[0] == '/' && !add_folder(plat_strdup(text))) {
            return false;
        }
    }
    return true;
}

/* The engine's program: links in virtual environments lead to it. */
static bool add_program(const char *name)
{
    PyObject *path = PySys_GetObject(name); /* borrowed */
    const char *text = path != NULL && PyUnicode_Check(path) ? PyUnicode_AsUTF8(path) : NULL;
    return text == NULL || text[0] != '/' || add_folder(plat_strdup(text));
}

static bool add_user_site(void)
{
    const char *base = getenv("PYTHONUSERBASE"), *home = getenv("HOME");
    if (base != NULL && base[0] != '\0') {
        return add_folder(plat_printf("%s/lib/python%d.%d", base, PY_MAJOR_VERSION, PY_MINOR_VERSION));
    }
    return home == NULL ||
           add_folder(plat_printf("%s/.local/lib/python%d.%d", home, PY_MAJOR_VERSION, PY_MINOR_VERSION));
}

int policy_prepare(void)
{
    static const char *const prefixes[] = {"prefix", "exec_prefix", "base_prefix", "base_exec_prefix"};
    PyObject *library = PySys_GetObject("platlibdir"); /* borrowed; "lib", "lib64" */
    const char *name = library != NULL && PyUnicode_Check(library) ? PyUnicode_AsUTF8(library) : NULL;
    while (folder_count > 0) {
        plat_free(folders[--folder_count]);
        folders[folder_count] = NULL;
    }
    bool added = add_search_path() && add_user_site() && add_program("executable") && add_program("_base_executable");
    for (size_t i = 0; added && i < sizeof prefixes / sizeof *prefixes; i++) {
        PyObject *prefix = PySys_GetObject(prefixes[i]);
        added = add_below(prefix, "lib") && (name == NULL || add_below(prefix, name)) &&
                add_below(prefix, "pyvenv.cfg");
    }
    PyErr_Clear();
    return added ? 0 : -1;
}

const char *engine_library_folder(size_t index)
{
    return index < folder_count ? folders[index] : index == folder_count ? engine.package : NULL;
}
