/* Environment variables of native code, of a thread's own (plat_own): a list under a lock. What getenv() has given is
 * never freed, since native code keeps it in static variables; it is kept once for each different value, and only for
 * what native code has asked for. Only where libisles-interpose is in the program, which sends its calls here. */
#include "own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct variable {
    struct variable *next;
    char *value; /* owned */
    char *given; /* the same, for ever; NULL: nobody has asked */
    char name[];
} variable;

typedef struct own_variables {
    plat_lock lock;
    variable *first;
    uint64_t changes; /* by native code */
} own_variables;

/* --- values that were given ------------------------------------------------------------------------------------- */

typedef struct kept {
    struct kept *next;
    char text[];
} kept;

static char *keep(const char *text)
{
    enum { BUCKETS = 256 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static kept *buckets[BUCKETS];
    uint32_t hash = 2166136261u;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        hash = (hash ^ *c) * 16777619u;
    }
    pthread_mutex_lock(&lock);
    kept *k = buckets[hash % BUCKETS];
    while (k != NULL && strcmp(k->text, text) != 0) {
        k = k->next;
    }
    if (k == NULL) {
        size_t size = strlen(text) + 1;
        k = own_keep(sizeof *k + size);
        if (k != NULL) {
            memcpy(k->text, text, size);
            k->next = buckets[hash % BUCKETS];
            buckets[hash % BUCKETS] = k;
        }
    }
    pthread_mutex_unlock(&lock);
    return k != NULL ? k->text : NULL;
}

/* --- the list, under its lock ----------------------------------------------------------------------------------- */

static variable **place_of(own_variables *v, const char *name)
{
    variable **at = &v->first;
    while (*at != NULL && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void remove_at(variable **at)
{
    variable *gone = *at;
    if (gone != NULL) {
        *at = gone->next;
        plat_free(gone->value);
        plat_free(gone);
    }
}

static int put(own_variables *v, const char *name, const char *value, bool replace)
{
    variable **at = place_of(v, name);
    if (*at != NULL && !replace) {
        return 0;
    }
    char *copy = plat_strdup(value);
    if (copy == NULL) {
        return ENOMEM;
    }
    if (*at == NULL) {
        size_t size = strlen(name) + 1;
        *at = plat_calloc(1, sizeof **at + size);
        if (*at == NULL) {
            plat_free(copy);
            return ENOMEM;
        }
        memcpy((*at)->name, name, size);
    }
    plat_free((*at)->value);
    (*at)->value = copy;
    (*at)->given = NULL;
    return 0;
}

static int change(own_variables *v, const char *name, const char *value, bool replace, bool native)
{
    int error = 0;
    plat_lock_take(&v->lock);
    if (value == NULL) {
        remove_at(place_of(v, name));
    } else {
        error = put(v, name, value, replace);
    }
    v->changes += native;
    plat_lock_give(&v->lock);
    return error;
}

static void clear(own_variables *v, bool native)
{
    plat_lock_take(&v->lock);
    while (v->first != NULL) {
        remove_at(&v->first);
    }
    v->changes += native;
    plat_lock_give(&v->lock);
}

/* --- for the interpreter ---------------------------------------------------------------------------------------- */

int plat_variables_own(plat_own *own)
{
    own_variables *v = plat_calloc(1, sizeof *v);
    if (v == NULL) {
        return ENOMEM;
    }
    plat_lock_init(&v->lock);
    own->variables = v;
    return 0;
}

void own_variables_free(own_variables *v)
{
    if (v != NULL) {
        clear(v, false);
        plat_lock_destroy(&v->lock);
        plat_free(v);
    }
}

int plat_variable_set(plat_own *own, const char *name, const char *value)
{
    return own == NULL || own->variables == NULL ? 0 : change(own->variables, name, value, true, false);
}

void plat_variables_clear(plat_own *own)
{
    if (own != NULL && own->variables != NULL) {
        clear(own->variables, false);
    }
}

uint64_t plat_variables_changes(plat_own *own)
{
    if (own == NULL || own->variables == NULL) {
        return 0;
    }
    plat_lock_take(&own->variables->lock);
    uint64_t changes = own->variables->changes;
    plat_lock_give(&own->variables->lock);
    return changes;
}

int plat_variables_visit(plat_own *own, plat_variable_fn fn, void *ctx)
{
    int result = 0;
    plat_lock_take(&own->variables->lock);
    for (variable *v = own->variables->first; result == 0 && v != NULL; v = v->next) {
        result = fn(ctx, v->name, v->value);
    }
    plat_lock_give(&own->variables->lock);
    return result;
}

/* --- for native code -------------------------------------------------------------------------------------------- */

char *own_variable_get(plat_own *own, const char *name)
{
    own_variables *list = own->variables;
    plat_lock_take(&list->lock);
    variable *v = *place_of(list, name);
    if (v != NULL && v->given == NULL) {
        v->given = keep(v->value);
    }
    char *value = v != NULL ? v->given : NULL;
    plat_lock_give(&list->lock);
    return value;
}

const char *own_variable(const plat_own *own, const char *name)
{
    const char *value = own->variables != NULL ? own_variable_get((plat_own *)own, name) : getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

#if defined(__linux__) && !defined(PLAT_PORTABLE)

#include <dlfcn.h>

#include "../../interpose/interposed.h"

static void *variables_of_thread(void)
{
    plat_own *own = plat_own_of_thread();
    return own != NULL && own->variables != NULL ? own : NULL;
}

static char *get(void *own, const char *name)
{
    return own_variable_get(own, name);
}

static int set(void *own, const char *name, const char *value, bool replace)
{
    return change(((plat_own *)own)->variables, name, value, replace, true);
}

static void clear_all(void *own)
{
    clear(((plat_own *)own)->variables, true);
}

static isle_interpose_find find_of_libc;
static bool interposed;

/* It must come before libc for all that is loaded: what was loaded later than libc changes nothing. */
static bool comes_first(const void *interpose)
{
    Dl_info its, first;
    void *found = dlsym(RTLD_DEFAULT, "getenv");
    return found != NULL && dladdr(interpose, &its) != 0 && dladdr(found, &first) != 0 &&
           its.dli_fbase == first.dli_fbase;
}

static void look(void)
{
    static const isle_interposed functions = {.variables = variables_of_thread,
                                              .get = get,
                                              .set = set,
                                              .clear = clear_all,
                                              .setlocale = plat_setlocale,
                                              .localeconv = plat_localeconv,
                                              .create_thread = own_start_thread};
    isle_interpose_fn interpose;
    *(void **)&interpose = dlsym(RTLD_DEFAULT, "isle_interpose");
    if (interpose != NULL && comes_first(*(void **)&interpose)) {
        find_of_libc = interpose(&functions);
        interposed = true;
    }
}

bool plat_interposed(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return interposed;
}

void *own_process_function(const char *name)
{
    return plat_interposed() ? find_of_libc(name) : dlsym(RTLD_DEFAULT, name);
}

#else

bool plat_interposed(void)
{
    return false;
}

void *own_process_function(const char *name)
{
    (void)name;
    return NULL;
}

#endif
