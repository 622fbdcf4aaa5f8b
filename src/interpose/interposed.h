/* What libisles-interpose, which is linked with the program before libc, asks libisles when native code calls one of
 * libc's functions. Both know this header and nothing else of each other: the one finds the other's isle_interpose by
 * name. Until it is called, and for threads that are in no compartment, libc's functions do what they did. */
#ifndef ISLES_INTERPOSED_H
#define ISLES_INTERPOSED_H

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>

typedef struct isle_interposed { /* of libisles. Any thread, at any time; `own`: NULL: the process's */
    void *(*variables)(void); /* `own` of the calling thread */
    char *(*get)(void *own, const char *name);                      /* as getenv() */
    int (*set)(void *own, const char *name, const char *value, bool replace); /* NULL: removed. 0 or an errno */
    void (*clear)(void *own);
    char *(*setlocale)(int category, const char *name);
    struct lconv *(*localeconv)(void);
    int (*create_thread)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *,
                         int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *));
} isle_interposed;

/* Of libisles-interpose. Once; `functions` stays. Returns what finds libc's own functions by name. */
typedef void *(*isle_interpose_find)(const char *name);
typedef isle_interpose_find (*isle_interpose_fn)(const isle_interposed *functions);

#endif
