/* What own.c, own_locale.c and own_variables.c share: see platform.h. */
#ifndef ISLES_PLATFORM_OWN_H
#define ISLES_PLATFORM_OWN_H

#include "platform.h"

struct own_locale;
struct own_variables;

struct plat_own {
    atomic_size_t refs;
    struct own_locale *locale;       /* NULL: the process's. This and the next are set before a second thread is in */
    struct own_variables *variables; /* NULL: the process's */
};

void own_locale_use(const plat_own *own, bool was_outside); /* the calling thread; NULL: what it had outside */
void own_locale_free(struct own_locale *locale);
void own_variables_free(struct own_variables *variables);

/* Memory for the life of the process, of which tests that look for what was not freed know nothing. */
void *own_keep(size_t size);
void own_keep_not(void *memory); /* just made: it is not kept after all */

/* For own_locale.c: what "" means. NULL: not set, or empty. Of native code's variables. */
const char *own_variable(const plat_own *own, const char *name);
char *own_variable_get(plat_own *own, const char *name); /* as getenv(); own->variables is there */

/* libc's function of that name, or of who comes before libc (a sanitizer): never what calls are redirected to. */
void *own_process_function(const char *name);

/* For threads that code in a compartment starts. */
typedef struct own_start own_start;
int own_start_thread(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg,
                     int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *));

#endif
