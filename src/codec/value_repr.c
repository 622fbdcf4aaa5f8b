/* A value as Python's repr() prints it, in valid UTF-8, whatever the process's locale. It is for people, and
 * differs from Python where a value does (a tag without an expression in Python is Tag(number, content), buffers and
 * queues stand in <>), and in two places more: an int of more than about 4,300 digits (where Python refuses) is printed
 * in hexadecimal, and a code point that Unicode has not assigned is printed as it is. */
#include "value_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <platform.h>

#include "utf8.h"

#define DECIMAL_MAX_BYTES 1785 /* of a magnitude: 4,300 digits or little less */

typedef struct text {
    char *data; /* no NUL before the end */
    size_t len, capacity;
    bool failed;
} text;

static void add_n(text *t, const char *data, size_t len)
{
    if (t->failed || len == 0) {
        return;
    }
    if (t->capacity - t->len < len) {
        size_t capacity;
        char *grown = NULL;
        if (!__builtin_add_overflow(t->capacity + t->capacity / 2 + 32, len, &capacity)) {
            grown = plat_realloc(t->data, capacity);
        }
        if (!grown) {
            t->failed = true;
            return;
        }
        t->data = grown;
        t->capacity = capacity;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
}

static void add(text *t, const char *data)
{
    add_n(t, data, strlen(data));
}

static void add_char(text *t, char c)
{
    add_n(t, &c, 1);
}

/* --- int ---------------------------------------------------------------------------------------------------- */

static void add_hex(text *t, const uint8_t *magnitude, size_t len)
{
    add(t, "0x");
    for (size_t i = 0; i < len; i++) {
        char digits[3];
        snprintf(digits, sizeof(digits), i ? "%02x" : "%x", magnitude[i]);
        add(t, digits);
    }
}

/* Divides the number (limbs, most significant first) by 10**9 and returns the remainder. */
static uint32_t divide(uint32_t *limbs, size_t count)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / 1000000000);
        rest %= 1000000000;
    }
    return (uint32_t)rest;
}

static void add_decimal(text *t, const uint8_t *magnitude, size_t len)
{
    uint32_t limbs[DECIMAL_MAX_BYTES / 4 + 1] = {0};
    uint32_t groups[DECIMAL_MAX_BYTES / 3 + 1]; /* of nine digits, least significant first; each is over three bytes */
    size_t count = (len + 3) / 4, group_count = 0, first = 0;
    for (size_t i = 0; i < len; i++) {
        size_t from_end = len - 1 - i;
        limbs[count - 1 - from_end / 4] |= (uint32_t)magnitude[i] << (8 * (from_end % 4));
    }
    while (first < count) {
        groups[group_count++] = divide(limbs + first, count - first);
        while (first < count && limbs[first] == 0) {
            first++;
        }
    }
    for (size_t i = group_count; i-- > 0;) {
        char digits[16];
        snprintf(digits, sizeof(digits), i + 1 == group_count ? "%" PRIu32 : "%09" PRIu32, groups[i]);
        add(t, digits);
    }
}

static void add_int(text *t, const isle_value *value)
{
    if (value->form == FORM_PLAIN) {
        char digits[24];
        snprintf(digits, sizeof(digits), "%" PRId64, value->integer.value);
        add(t, digits);
        return;
    }
    size_t len;
    const uint8_t *magnitude = value_data(value, &len);
    if (value->flag) {
        add_char(t, '-');
    }
    if (len > DECIMAL_MAX_BYTES) {
        add_hex(t, magnitude, len);
    } else {
        add_decimal(t, magnitude, len);
    }
}

/* --- float -------------------------------------------------------------------------------------------------- */

/* Digits without a point, the first of which counts 10**exponent: do they read back as `d`? */
static bool reads_back(const char *digits, int exponent, double d)
{
    char number[48];
    snprintf(number, sizeof(number), "%se%d", digits, exponent - (int)strlen(digits) + 1);
    return strtod(number, NULL) == d;
}

static void increment(char *digits)
{
    size_t i = strlen(digits);
    while (i > 0 && digits[i - 1] == '9') {
        digits[--i] = '0';
    }
    if (i > 0) { /* all nines would be one digit less, and were tried as that */
        digits[i - 1]++;
    }
}

/* Prints `count` digits of `d`. The locale's decimal point, whatever it is, is dropped. */
static void print_digits(double d, int count, char digits[24], int *out_exponent)
{
    char printed[48];
    size_t len = 0;
    snprintf(printed, sizeof(printed), "%.*e", count - 1, d);
    const char *at = printed;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[len++] = *at;
        }
    }
    digits[len] = '\0';
    *out_exponent = (int)strtol(at + 1, NULL, 10);
}

/* The fewest digits that read back as `d`; 17 always do. Beside a power of two the nearest ones may fail where their
 * neighbour above does not: the gap below is half of that above. */
static int shortest_digits(double d, char digits[24])
{
    int exponent;
    for (int count = 1; count < 17; count++) {
        print_digits(d, count, digits, &exponent);
        if (reads_back(digits, exponent, d)) {
            return exponent;
        }
        increment(digits);
        if (reads_back(digits, exponent, d)) {
            return exponent;
        }
    }
    print_digits(d, 17, digits, &exponent);
    return exponent;
}

static void add_zeros(text *t, int count)
{
    while (count-- > 0) {
        add_char(t, '0');
    }
}

/* `bare`: 1 instead of 1.0, as in a complex number. */
static void add_double(text *t, double d, bool bare)
{
    if (isnan(d)) {
        add(t, "nan");
        return;
    }
    if (signbit(d)) {
        add_char(t, '-');
        d = -d;
    }
    if (isinf(d)) {
        add(t, "inf");
        return;
    }
    char digits[24];
    int exponent = shortest_digits(d, digits);
    int count = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16) {
        char suffix[16];
        add_char(t, digits[0]);
        if (count > 1) {
            add_char(t, '.');
            add(t, digits + 1);
        }
        snprintf(suffix, sizeof(suffix), "e%+03d", exponent);
        add(t, suffix);
    } else if (exponent < 0) {
        add(t, "0.");
        add_zeros(t, -1 - exponent);
        add(t, digits);
    } else {
        int whole = exponent + 1 < count ? exponent + 1 : count;
        add_n(t, digits, (size_t)whole);
        add_zeros(t, exponent + 1 - count);
        if (whole < count || !bare) {
            add_char(t, '.');
            add(t, whole < count ? digits + whole : "0");
        }
    }
}

static void add_float(text *t, double d)
{
    add_double(t, d, false);
}

static void add_complex(text *t, double real, double imaginary)
{
    bool whole = real != 0 || signbit(real); /* NaN is not 0, too */
    if (whole) {
        add_char(t, '(');
        add_double(t, real, true);
        add(t, isnan(imaginary) || !signbit(imaginary) ? "+" : "");
    }
    add_double(t, imaginary, true);
    add(t, whole ? "j)" : "j");
}

/* --- str and bytes ------------------------------------------------------------------------------------------ */

/* Python prints what Unicode calls other (control, format, surrogate, private use) or separator as escapes; space
 * is fine. */
static bool is_printable(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},         {0x600, 0x605},     {0x61c, 0x61c},
        {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},       {0x8e2, 0x8e2},     {0x1680, 0x1680},
        {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},     {0x205f, 0x2064},   {0x2066, 0x206f},
        {0x3000, 0x3000},   {0xd800, 0xf8ff},   {0xfeff, 0xfeff},     {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
        {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},   {0x1d173, 0x1d17a}, {0xe0001, 0xe0001},
        {0xe0020, 0xe007f}, {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && c >= ranges[i][0]; i++) {
        if (c <= ranges[i][1]) {
            return false;
        }
    }
    return true;
}

/* Single quotes, unless that would need escapes and double ones would not. */
static char quote_for(const uint8_t *data, size_t len)
{
    return len && memchr(data, '\'', len) && !memchr(data, '"', len) ? '"' : '\'';
}

/* What both str and bytes escape alike. */
static bool add_common_escape(text *t, uint32_t c, char quote)
{
    char letter = (char)(c < 0x80 ? c : 0);
    switch (letter) {
    case '\n':
        letter = 'n';
        break;
    case '\r':
        letter = 'r';
        break;
    case '\t':
        letter = 't';
        break;
    default:
        if (letter == 0 || (letter != '\\' && letter != quote)) {
            return false;
        }
    }
    add_char(t, '\\');
    add_char(t, letter);
    return true;
}

static void add_code_escape(text *t, uint32_t c)
{
    char escape[16];
    const char *format = c < 0x100 ? "\\x%02" PRIx32 : c < 0x10000 ? "\\u%04" PRIx32 : "\\U%08" PRIx32;
    snprintf(escape, sizeof(escape), format, c);
    add(t, escape);
}

static void add_str(text *t, const isle_value *value)
{
    size_t len, size;
    const uint8_t *data = value_data(value, &len);
    char quote = quote_for(data, len);
    add_char(t, quote);
    for (size_t i = 0; i < len; i += size) {
        uint32_t c = utf8_decode(data + i, &size);
        if (add_common_escape(t, c, quote)) {
            continue;
        }
        if (is_printable(c)) {
            add_n(t, (const char *)data + i, size);
        } else {
            add_code_escape(t, c);
        }
    }
    add_char(t, quote);
}

static void add_bytes(text *t, const isle_value *value)
{
    size_t len;
    const uint8_t *data = value_data(value, &len);
    char quote = quote_for(data, len);
    add_char(t, 'b');
    add_char(t, quote);
    for (size_t i = 0; i < len; i++) {
        if (add_common_escape(t, data[i], quote)) {
            continue;
        }
        if (data[i] >= 0x20 && data[i] < 0x7f) {
            add_char(t, (char)data[i]);
        } else {
            add_code_escape(t, data[i]);
        }
    }
    add_char(t, quote);
}

/* --- all of them -------------------------------------------------------------------------------------------- */

static void add_value(text *t, const isle_value *value);

static void add_items(text *t, const isle_value *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(t, i ? ", " : "");
        add_value(t, &items[i]);
    }
}

static void add_dict(text *t, const isle_value *dict)
{
    size_t count = value_count(dict);
    add_char(t, '{');
    for (size_t i = 0; i < count; i += 2) {
        add(t, i ? ", " : "");
        add_value(t, &dict->block->cells[i]);
        add(t, ": ");
        add_value(t, &dict->block->cells[i + 1]);
    }
    add_char(t, '}');
}

static void add_sequence(text *t, const isle_value *sequence)
{
    bool tuple = sequence->type == ISLE_TUPLE;
    size_t count = value_count(sequence);
    add_char(t, tuple ? '(' : '[');
    add_items(t, count ? sequence->block->cells : NULL, count);
    add(t, tuple ? count == 1 ? ",)" : ")" : "]");
}

/* --- tags and attachments ----------------------------------------------------------------------------------- */

static void add_call(text *t, const char *name, const isle_value *args, size_t count)
{
    add(t, name);
    add_char(t, '(');
    add_items(t, args, count);
    add_char(t, ')');
}

static void add_set(text *t, const isle_value *items, bool frozen)
{
    size_t count = value_count(items);
    add(t, frozen ? "frozenset(" : count ? "" : "set(");
    if (count) {
        add_char(t, '{');
        add_items(t, items->block->cells, count);
        add_char(t, '}');
    }
    add(t, frozen || !count ? ")" : "");
}

static bool add_if_complex(text *t, const isle_value *tag)
{
    const isle_value *list = value_tag_content(tag);
    if (tag->tag.number != VALUE_TAG_COMPLEX || list->type != ISLE_LIST || value_count(list) != 2) {
        return false;
    }
    const isle_value *parts = list->block->cells;
    if (parts[0].type != ISLE_FLOAT || parts[1].type != ISLE_FLOAT) {
        return false;
    }
    add_complex(t, parts[0].number, parts[1].number);
    return true;
}

static bool add_if_range(text *t, const isle_value *tag)
{
    const isle_value *parts = value_object(tag, "range", 3);
    if (!parts) {
        return false;
    }
    int64_t step;
    bool plain = isle_value_as_int64(&parts[2], &step) && step == 1;
    add_call(t, "range", parts, plain ? 2 : 3);
    return true;
}

/* What Python has an expression for. */
static bool add_if_object(text *t, const isle_value *tag)
{
    const isle_value *parts = value_object(tag, "bytearray", 1);
    if (parts && parts->type == ISLE_BYTES) {
        add_call(t, "bytearray", parts, 1);
        return true;
    }
    if ((parts = value_object(tag, "slice", 3)) != NULL) {
        add_call(t, "slice", parts, 3);
        return true;
    }
    if (value_object(tag, "Ellipsis", 0)) {
        add(t, "Ellipsis");
        return true;
    }
    return add_if_range(t, tag) || add_if_complex(t, tag);
}

static void add_tag(text *t, const isle_value *tag)
{
    const isle_value *items = value_set_items(tag);
    if (items) {
        add_set(t, items, tag->tag.number != VALUE_TAG_SET);
        return;
    }
    if (add_if_object(t, tag)) {
        return;
    }
    char number[32];
    snprintf(number, sizeof(number), "Tag(%" PRIu64 ", ", tag->tag.number);
    add(t, number);
    add_value(t, value_tag_content(tag));
    add_char(t, ')');
}

static void add_attachment(text *t, const attachment *a)
{
    char line[48];
    if (a->kind == ATTACHMENT_QUEUE) {
        snprintf(line, sizeof(line), "<queue %" PRIu64 ">", a->id);
    } else {
        snprintf(line, sizeof(line), "<buffer of %zu byte%s>", a->len, a->len == 1 ? "" : "s");
    }
    add(t, line);
}

static void add_value(text *t, const isle_value *value)
{
    switch (value->type) {
    case ISLE_NONE:
        add(t, "None");
        break;
    case ISLE_BOOL:
        add(t, value->boolean ? "True" : "False");
        break;
    case ISLE_INT:
        add_int(t, value);
        break;
    case ISLE_FLOAT:
        add_float(t, value->number);
        break;
    case ISLE_STR:
        add_str(t, value);
        break;
    case ISLE_BYTES:
        add_bytes(t, value);
        break;
    case ISLE_DICT:
        add_dict(t, value);
        break;
    case ISLE_TAG:
        add_tag(t, value);
        break;
    case ISLE_BUFFER:
    case ISLE_QUEUE:
        add_attachment(t, value->attachment);
        break;
    default:
        add_sequence(t, value);
    }
}

char *isle_value_repr(const isle_value *value)
{
    text t = {0};
    if (value) {
        add_value(&t, value);
    } else {
        add(&t, "<NULL>"); /* for debugging, so a constructor that failed shows */
    }
    add_n(&t, "", 1);
    if (t.failed) {
        plat_free(t.data);
        return NULL;
    }
    return t.data;
}

void isle_string_free(char *string)
{
    plat_free(string);
}

void isle_bytes_free(uint8_t *bytes)
{
    plat_free(bytes);
}
