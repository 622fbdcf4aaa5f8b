/* Memory and text of the auditor. A program that is out of memory says so and ends: nothing here returns NULL.
 * Free with free(). Any thread. */
#ifndef CHECK_MEMORY_H
#define CHECK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *check_not_null(void *memory);             /* what another library gave */
void *check_alloc(size_t size);                 /* zeroed */
void *check_grow(void *items, size_t count, size_t item_size); /* room for one more item after `count` of them */
char *check_copy(const char *text);             /* NULL: NULL */
char *check_copy_plain(const char *text);       /* of a file that may hold anything: ASCII, cut after 400; NULL: NULL */
char *check_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A list of strings that it owns. Zero is an empty one. */
typedef struct check_strings {
    char **items;
    size_t count;
} check_strings;
void check_strings_add(check_strings *list, const char *text);
void check_strings_take(check_strings *list, char *text);
bool check_strings_has(const check_strings *list, const char *text);
char *check_strings_join(const check_strings *list, size_t most); /* "a, b, and 3 more" */
void check_strings_free(check_strings *list);

#endif
