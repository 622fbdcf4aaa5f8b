/* libisles-interpose: getenv and its like, setlocale, localeconv and pthread_create, for all native code of a program
 * that is linked with it (before libc; or LD_PRELOAD). On threads that are in an interpreter's compartment they act on
 * that one's variables and locale; on others they are libc's, one call at a time: glibc's own (at least to 2.40) crash
 * where one thread reads the environment and another changes it.
 *
 * It stands alone: libisles tells it where to ask (interposed.h), and without libisles it changes nothing but that.
 * Any thread, from before main() on; nothing here allocates for the process's variables but libc. */
#include "interposed.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define VISIBLE __attribute__((visibility("default")))

static _Atomic(const isle_interposed *) isles;
static pthread_mutex_t processes = PTHREAD_MUTEX_INITIALIZER; /* its variables */

static const isle_interposed *ask(void)
{
    return atomic_load_explicit(&isles, memory_order_acquire);
}

/* The calling thread's; NULL: the process's. */
static void *own_variables(const isle_interposed *i)
{
    return i != NULL ? i->variables() : NULL;
}

/* dlsym() goes by who calls it: no jump may take the place of the call. */
static void *find(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    __asm__ volatile("" : "+r"(function));
    return function;
}

VISIBLE isle_interpose_find isle_interpose(const isle_interposed *functions);
isle_interpose_find isle_interpose(const isle_interposed *functions)
{
    atomic_store_explicit(&isles, functions, memory_order_release);
    return find;
}

/* A child process has a copy of the lock: nobody is to hold it just then. */
static void before_fork(void)
{
    pthread_mutex_lock(&processes);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&processes);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* Found once for each function; two threads find the same. */
#define LIBC(type, name) \
    static _Atomic(void *) found; \
    void *function = atomic_load_explicit(&found, memory_order_relaxed); \
    if (function == NULL) { \
        function = find(name); \
        atomic_store_explicit(&found, function, memory_order_relaxed); \
    } \
    type libc; \
    *(void **)&libc = function

/* --- variables -------------------------------------------------------------------------------------------------- */

typedef char *(*get_fn)(const char *);
typedef int (*set_fn)(const char *, const char *, int);
typedef int (*text_fn)(char *);
typedef int (*name_fn)(const char *);
typedef int (*plain_fn)(void);

static int answer(int error)
{
    errno = error != 0 ? error : errno;
    return error == 0 ? 0 : -1;
}

static bool is_name(const char *name)
{
    return name != NULL && name[0] != '\0' && strchr(name, '=') == NULL;
}

VISIBLE char *getenv(const char *name)
{
    LIBC(get_fn, "getenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        return i->get(own, name);
    }
    pthread_mutex_lock(&processes);
    char *value = libc(name);
    pthread_mutex_unlock(&processes);
    return value;
}

VISIBLE char *secure_getenv(const char *name)
{
    LIBC(get_fn, "secure_getenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        return getauxval(AT_SECURE) == 0 ? i->get(own, name) : NULL;
    }
    pthread_mutex_lock(&processes);
    char *value = libc(name);
    pthread_mutex_unlock(&processes);
    return value;
}

VISIBLE int setenv(const char *name, const char *value, int replace)
{
    LIBC(set_fn, "setenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        return answer(is_name(name) ? i->set(own, name, value, replace != 0) : EINVAL);
    }
    pthread_mutex_lock(&processes);
    int result = libc(name, value, replace);
    pthread_mutex_unlock(&processes);
    return result;
}

VISIBLE int unsetenv(const char *name)
{
    LIBC(name_fn, "unsetenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        return answer(is_name(name) ? i->set(own, name, NULL, true) : EINVAL);
    }
    pthread_mutex_lock(&processes);
    int result = libc(name);
    pthread_mutex_unlock(&processes);
    return result;
}

/* "NAME=value" is copied, "NAME" removes. */
static int put_own(const isle_interposed *i, void *own, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL) {
        return i->set(own, text, NULL, true);
    }
    char *name = strndup(text, (size_t)(equals - text));
    int error = name != NULL ? i->set(own, name, equals + 1, true) : ENOMEM;
    free(name);
    return error;
}

VISIBLE int putenv(char *text)
{
    LIBC(text_fn, "putenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        return answer(put_own(i, own, text));
    }
    pthread_mutex_lock(&processes);
    int result = libc(text);
    pthread_mutex_unlock(&processes);
    return result;
}

VISIBLE int clearenv(void)
{
    LIBC(plain_fn, "clearenv");
    const isle_interposed *i = ask();
    void *own = own_variables(i);
    if (own != NULL) {
        i->clear(own);
        return 0;
    }
    pthread_mutex_lock(&processes);
    int result = libc();
    pthread_mutex_unlock(&processes);
    return result;
}

/* --- the locale, and threads ------------------------------------------------------------------------------------ */

typedef char *(*setlocale_fn)(int, const char *);
typedef struct lconv *(*localeconv_fn)(void);
typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

VISIBLE char *setlocale(int category, const char *name)
{
    LIBC(setlocale_fn, "setlocale");
    const isle_interposed *i = ask();
    return i != NULL ? i->setlocale(category, name) : libc(category, name);
}

VISIBLE struct lconv *localeconv(void)
{
    LIBC(localeconv_fn, "localeconv");
    const isle_interposed *i = ask();
    return i != NULL ? i->localeconv() : libc();
}

VISIBLE int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    LIBC(create_fn, "pthread_create");
    const isle_interposed *i = ask();
    return i != NULL ? i->create_thread(thread, attr, fn, arg, libc) : libc(thread, attr, fn, arg);
}
