/* Text: lists of strings, growing bytes, UTF-8 as far as a command line needs it, and the nearest word to a
 * typing mistake. No state; any thread. */
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRAP_WIDTH = 100 };

static void *not_null(void *memory)
{
    if (memory == NULL) {
        fputs("isles: out of memory\n", stderr);
        _exit(1);
    }
    return memory;
}

void *text_alloc(size_t size)
{
    return not_null(calloc(1, size > 0 ? size : 1));
}

void *text_resize(void *old, size_t size)
{
    return not_null(realloc(old, size > 0 ? size : 1));
}

char *text_copy(const char *text)
{
    return not_null(strdup(text));
}

char *text_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    return not_null(text);
}

char *text_absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (here == NULL) {
        return text_copy(path);
    }
    while (path[0] == '.' && (path[1] == '/' || path[1] == '\0')) { /* "./a", "." */
        path += path[1] == '/' ? 2 : 1;
    }
    char *full = path[0] != '\0' ? text_format("%s/%s", here, path) : text_copy(here);
    free(here);
    return full;
}

/* --- lists --------------------------------------------------------------------------------------------------- */

void strings_add(struct strings *list, const char *text)
{
    list->items = text_resize(list->items, (list->count + 1) * sizeof *list->items);
    list->items[list->count++] = text;
}

void strings_take(struct strings *list, char *text)
{
    list->owned = text_resize(list->owned, (list->owned_count + 1) * sizeof *list->owned);
    list->owned[list->owned_count++] = text;
    strings_add(list, text);
}

void strings_add_all(struct strings *list, const struct strings *others)
{
    for (size_t i = 0; i < others->count; i++) {
        strings_add(list, others->items[i]);
    }
}

void strings_free(struct strings *list)
{
    for (size_t i = 0; i < list->owned_count; i++) {
        free(list->owned[i]);
    }
    free(list->owned);
    free(list->items);
    *list = (struct strings){0};
}

/* --- bytes --------------------------------------------------------------------------------------------------- */

void buffer_add(struct buffer *buffer, const char *data, size_t len)
{
    if (len == 0) {
        return;
    }
    if (buffer->len + len > buffer->capacity) {
        size_t capacity = buffer->capacity > 0 ? buffer->capacity * 2 : 256;
        while (capacity < buffer->len + len) {
            capacity *= 2;
        }
        buffer->data = text_resize(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

void buffer_text(struct buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        text = NULL;
    }
    not_null(text);
    buffer_add(buffer, text, (size_t)len);
    free(text);
}

void buffer_spaces(struct buffer *buffer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_add(buffer, " ", 1);
    }
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* --- UTF-8 --------------------------------------------------------------------------------------------------- */

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += is_continuation(*text) ? 0 : 1;
    }
    return width;
}

/* The byte where character `index` begins. */
static size_t character_at(const char *text, size_t index)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        if (!is_continuation(text[at]) && index-- == 0) {
            break;
        }
    }
    return at;
}

char *text_cut(const char *text, size_t width)
{
    size_t wide = text_width(text);
    if (wide <= width) {
        return text_copy(text);
    }
    if (width < 5) {
        return text_format("%.*s", (int)character_at(text, width), text);
    }
    size_t head = (width - 2 + 1) / 2;
    size_t tail = width - 2 - head;
    return text_format("%.*s..%s", (int)character_at(text, head), text, text + character_at(text, wide - tail));
}

/* The length that a first byte announces; 0: no first byte. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t text_whole(const char *data, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        if (is_continuation(data[len - back])) {
            continue;
        }
        return sequence_length((unsigned char)data[len - back]) > back ? len - back : len;
    }
    return len;
}

static bool is_valid_sequence(const unsigned char *data, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    /* overlong forms, surrogates and what lies past U+10FFFF show in the second byte */
    return !(data[0] == 0xe0 && data[1] < 0xa0) && !(data[0] == 0xed && data[1] > 0x9f) &&
           !(data[0] == 0xf0 && data[1] < 0x90) && !(data[0] == 0xf4 && data[1] > 0x8f);
}

void text_clean(struct buffer *out, const char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        const unsigned char *bytes = (const unsigned char *)data + at;
        size_t length = sequence_length(bytes[0]);
        if (length == 0 || length > len - at || (length > 1 && !is_valid_sequence(bytes, length))) {
            buffer_text(out, "\xef\xbf\xbd");
            at++;
            continue;
        }
        buffer_add(out, data + at, length);
        at += length;
    }
}

/* --- the nearest word ---------------------------------------------------------------------------------------- */

enum { LONGEST_WORD = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to add, drop, change or swap with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_WORD + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > LONGEST_WORD || b_len > LONGEST_WORD) {
        return LONGEST_WORD;
    }
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t len = strlen(word);
    size_t best = len <= 3 ? 2 : len <= 8 ? 3 : 4; /* the first distance that is too far */
    for (size_t i = 0; i < count; i++) {
        size_t far = distance(word, candidates[i]);
        if (far < best) {
            best = far;
            nearest = candidates[i];
        }
    }
    return nearest;
}

void text_wrap(const char *text, int indent)
{
    int column = indent;
    while (*text != '\0') {
        int len = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + len > WRAP_WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", len, text);
        text += len;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

void complain(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    fprintf(stderr, "isles: %s\n", len < 0 ? format : text);
    free(text);
}
