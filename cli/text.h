/* Small things around text that every command needs. Nothing here touches the library. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A program that is out of memory says so and ends: these never return NULL. Free with free(). */
void *text_alloc(size_t size);
void *text_resize(void *old, size_t size);
char *text_copy(const char *text);
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The path from the root on. */
char *text_absolute(const char *path);

/* A list of strings. The strings are borrowed, unless they were added by strings_take. Zero is an empty
 * list. */
struct strings {
    const char **items;
    size_t count;
    char **owned;
    size_t owned_count;
};
void strings_add(struct strings *list, const char *text);
void strings_take(struct strings *list, char *text); /* the list frees it */
void strings_add_all(struct strings *list, const struct strings *others);
void strings_free(struct strings *list);

/* Bytes that grow. Zero is empty. */
struct buffer {
    char *data;
    size_t len, capacity;
};
void buffer_add(struct buffer *buffer, const char *data, size_t len);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_spaces(struct buffer *buffer, size_t count);
void buffer_free(struct buffer *buffer);

/* Columns that UTF-8 text takes, one a character. */
size_t text_width(const char *text);
/* `text`, or its two ends around ".." when it is wider than `width`. */
char *text_cut(const char *text, size_t width);
/* How many of the bytes are whole UTF-8 characters, looking only at the end: a cut there tears none. */
size_t text_whole(const char *data, size_t len);
/* Valid UTF-8 with U+FFFD for what is not. */
void text_clean(struct buffer *out, const char *data, size_t len);
/* The candidate that `word` was probably meant to be, or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* Words on stdout from column `indent` on, where it is already, broken before column 100; ends the line. */
void text_wrap(const char *text, int indent);

/* "isles: ..." on stderr: for commands, before anything runs. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
