/* Memory and text of the auditor: allocation that can't fail, lists of strings. No state. */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_PLAIN = 400 };

void *check_not_null(void *memory)
{
    if (memory == NULL) {
        fputs("isles: out of memory\n", stderr);
        _exit(1);
    }
    return memory;
}

void *check_alloc(size_t size)
{
    return check_not_null(calloc(1, size > 0 ? size : 1));
}

void *check_grow(void *items, size_t count, size_t item_size)
{
    if (items != NULL && (count & (count - 1)) != 0) { /* room is made at powers of two */
        return items;
    }
    return check_not_null(reallocarray(items, count > 0 ? count * 2 : 1, item_size));
}

char *check_copy(const char *text)
{
    return text != NULL ? check_not_null(strdup(text)) : NULL;
}

char *check_copy_plain(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char *plain = check_not_null(strndup(text, LONGEST_PLAIN));
    for (char *at = plain; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?';
        }
    }
    return plain;
}

char *check_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return check_not_null(len < 0 ? NULL : text);
}

void check_strings_take(check_strings *list, char *text)
{
    list->items = check_grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = text;
}

void check_strings_add(check_strings *list, const char *text)
{
    check_strings_take(list, check_copy(text));
}

bool check_strings_has(const check_strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

char *check_strings_join(const check_strings *list, size_t most)
{
    char *text = check_copy("");
    size_t shown = list->count > most ? most : list->count;
    for (size_t i = 0; i < shown; i++) {
        char *longer = check_format("%s%s%s", text, i > 0 ? ", " : "", list->items[i]);
        free(text);
        text = longer;
    }
    if (shown < list->count) {
        char *longer = check_format("%s and %zu more", text, list->count - shown);
        free(text);
        text = longer;
    }
    return text;
}

void check_strings_free(check_strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (check_strings){0};
}
