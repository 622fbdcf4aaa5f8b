/* Values to and from JSON, by way of jansson's trees. Its memory comes from the allocator that the process has set for
 * jansson (the host may use it, too), so that fault injection does not reach it; what is handed out is ours. One value
 * at a time; any thread. */
#include <isles/value.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <platform.h>

#include "value_impl.h"

#define PATH_SIZE 512
#define DIGITS_LEAST 15 /* any double of so many digits survives */
#define DIGITS_MOST 17  /* with so many, any double does */

/* --- writing: what has no form ------------------------------------------------------------------------------- */

typedef struct writer {
    isle_status status;   /* why it failed */
    int digits;           /* that the floats need */
    const char *problem;  /* of ISLE_ERR_NOT_SHAREABLE */
    char path[PATH_SIZE]; /* built backwards, from its end, while a failure unwinds */
    size_t path_at;
    bool path_full;
} writer;

static json_t *refuse(writer *w, const char *problem)
{
    w->status = ISLE_ERR_NOT_SHAREABLE;
    w->problem = problem;
    return NULL;
}

/* One that is too long loses its beginning. */
static void prepend(writer *w, const char *step)
{
    size_t len = strlen(step);
    w->path_full = w->path_full || len > w->path_at;
    if (!w->path_full) {
        w->path_at -= len;
        memcpy(w->path + w->path_at, step, len);
    }
}

static void prepend_index(writer *w, size_t index)
{
    char step[32];
    snprintf(step, sizeof(step), "[%zu]", index);
    prepend(w, step);
}

static void prepend_key(writer *w, const isle_value *key)
{
    char *repr = isle_value_repr(key);
    char *step = repr ? plat_printf("[%s]", repr) : NULL;
    prepend(w, step ? step : "[...]");
    plat_free(step);
    isle_string_free(repr);
}

/* --- writing ------------------------------------------------------------------------------------------------ */

static json_t *to_json(writer *w, const isle_value *value);

static json_t *made(writer *w, json_t *json)
{
    w->status = json ? w->status : ISLE_ERR_NOMEM;
    return json;
}

static json_t *int_to_json(writer *w, const isle_value *value)
{
    int64_t i;
    if (!isle_value_as_int64(value, &i)) {
        return refuse(w, "an int of more than 64 bits");
    }
    return made(w, json_integer((json_int_t)i));
}

static int digits_of(double d)
{
    for (int digits = DIGITS_LEAST; digits < DIGITS_MOST; digits++) {
        char text[32];
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d) {
            return digits;
        }
    }
    return DIGITS_MOST;
}

static json_t *float_to_json(writer *w, double d)
{
    if (!isfinite(d)) {
        return refuse(w, isnan(d) ? "nan" : "inf");
    }
    int digits = digits_of(d);
    w->digits = digits > w->digits ? digits : w->digits;
    return made(w, json_real(d));
}

static json_t *str_to_json(writer *w, const isle_value *value)
{
    size_t len;
    const char *text = isle_value_as_str(value, &len);
    if (value->flag) {
        return refuse(w, "a str with lone surrogates");
    }
    return made(w, json_stringn_nocheck(text, len));
}

static json_t *sequence_to_json(writer *w, const isle_value *value)
{
    json_t *array = made(w, json_array());
    for (size_t i = 0; array && i < value_count(value); i++) {
        json_t *item = to_json(w, &value->block->cells[i]);
        if (!item) {
            prepend_index(w, i);
        } else if (json_array_append_new(array, item) != 0) {
            item = made(w, NULL);
        }
        if (!item) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* Takes the key's text, which jansson wants to end with a NUL; NULL: it can't be one. */
static const char *key_to_json(writer *w, const isle_value *key)
{
    size_t len;
    const char *text = isle_value_as_str(key, &len);
    if (!text) {
        refuse(w, "a key that is no str");
    } else if (key->flag) {
        refuse(w, "a key with lone surrogates");
    } else if (memchr(text, '\0', len)) {
        refuse(w, "a key with a NUL");
    } else {
        return text;
    }
    return NULL;
}

static bool add_pair(writer *w, json_t *object, const isle_value *key, const isle_value *value)
{
    const char *name = key_to_json(w, key);
    if (!name) {
        return false;
    }
    json_t *item = to_json(w, value);
    if (!item) {
        prepend_key(w, key);
        return false;
    }
    return json_object_set_new_nocheck(object, name, item) == 0 || made(w, NULL);
}

static json_t *dict_to_json(writer *w, const isle_value *dict)
{
    json_t *object = made(w, json_object());
    const isle_value *key, *item;
    for (size_t i = 0; object && isle_value_pair(dict, i, &key, &item); i++) {
        if (!add_pair(w, object, key, item)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *to_json(writer *w, const isle_value *value)
{
    switch (value->type) {
    case ISLE_NONE:
        return json_null();
    case ISLE_BOOL:
        return json_boolean(value->boolean);
    case ISLE_INT:
        return int_to_json(w, value);
    case ISLE_FLOAT:
        return float_to_json(w, value->number);
    case ISLE_STR:
        return str_to_json(w, value);
    case ISLE_LIST:
    case ISLE_TUPLE:
        return sequence_to_json(w, value);
    case ISLE_DICT:
        return dict_to_json(w, value);
    default:
        return refuse(w, isle_type_name((isle_type)value->type));
    }
}

/* --- writing: the text --------------------------------------------------------------------------------------- */

typedef struct text {
    char *data;
    size_t len, capacity;
} text;

static int add_text(const char *data, size_t len, void *ctx)
{
    text *t = ctx;
    if (t->capacity - t->len < len) {
        size_t capacity;
        if (__builtin_add_overflow(t->capacity + t->capacity / 2 + 64, len, &capacity)) {
            return -1;
        }
        char *grown = plat_realloc(t->data, capacity);
        if (!grown) {
            return -1;
        }
        t->data = grown;
        t->capacity = capacity;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    return 0;
}

static isle_status dump(const json_t *json, int digits, char **out_json)
{
    text t = {.data = NULL};
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits);
    if (json_dump_callback(json, add_text, &t, flags) != 0 || add_text("", 1, &t) != 0) {
        plat_free(t.data);
        return ISLE_ERR_NOMEM;
    }
    *out_json = t.data;
    return ISLE_OK;
}

isle_status isle_value_to_json(const isle_value *value, char **out_json, char **out_path)
{
    if (!value) {
        return ISLE_ERR_NOMEM; /* as a container refuses a constructor's NULL */
    }
    writer w = {.status = ISLE_OK, .digits = DIGITS_LEAST, .path_at = PATH_SIZE - 1};
    json_t *json = to_json(&w, value);
    if (json) {
        w.status = dump(json, w.digits, out_json);
        json_decref(json);
    } else if (w.status == ISLE_ERR_NOT_SHAREABLE && out_path) {
        const char *path = w.path + w.path_at;
        *out_path = plat_printf("%s%s%s", path, *path ? ": " : "", w.problem);
    }
    return w.status;
}

/* --- reading ------------------------------------------------------------------------------------------------ */

/* Both give NULL and say why. */
static isle_value *from_json(const json_t *json, size_t depth, isle_status *out_status);

static isle_value *list_from_json(const json_t *array, size_t depth, isle_status *out_status)
{
    isle_value *list = isle_value_new_list();
    for (size_t i = 0; list && i < json_array_size(array); i++) {
        isle_value *item = from_json(json_array_get(array, i), depth + 1, out_status);
        if (!item || (*out_status = isle_value_append(list, item)) != ISLE_OK) {
            isle_value_free(list);
            return NULL;
        }
    }
    return list;
}

static isle_value *dict_from_json(json_t *object, size_t depth, isle_status *out_status)
{
    isle_value *dict = isle_value_new_dict();
    for (void *at = json_object_iter(object); dict && at; at = json_object_iter_next(object, at)) {
        isle_value *item = from_json(json_object_iter_value(at), depth + 1, out_status);
        if (!item || (*out_status = isle_value_set_str(dict, json_object_iter_key(at), item)) != ISLE_OK) {
            isle_value_free(dict);
            return NULL;
        }
    }
    return dict;
}

static isle_value *from_json(const json_t *json, size_t depth, isle_status *out_status)
{
    bool container = json_is_array(json) || json_is_object(json);
    if (container && depth == CBOR_MAX_DEPTH) {
        *out_status = ISLE_ERR_LIMIT;
        return NULL;
    }
    *out_status = ISLE_ERR_NOMEM; /* if it is NULL */
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return dict_from_json((json_t *)(uintptr_t)json, depth,
                              out_status); /* its iterator wants one it could change */
    case JSON_ARRAY:
        return list_from_json(json, depth, out_status);
    case JSON_STRING:
        return isle_value_new_str_n(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return isle_value_new_int(json_integer_value(json));
    case JSON_REAL:
        return isle_value_new_float(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return isle_value_new_bool(json_is_true(json));
    default:
        return isle_value_new_none();
    }
}

/* Where good JSON is nested too deep. */
static size_t too_deep_at(const char *json, size_t len)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = json[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '[' || c == '{') {
            if (++depth > CBOR_MAX_DEPTH) {
                return i;
            }
        } else {
            depth -= c == ']' || c == '}';
            quoted = c == '"';
        }
    }
    return len;
}

static isle_status status_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return ISLE_ERR_NOMEM;
    case json_error_stack_overflow:
    case json_error_numeric_overflow:
        return ISLE_ERR_LIMIT;
    default:
        return ISLE_ERR_DECODE;
    }
}

isle_status isle_value_from_json(const char *json, size_t len, isle_value **out_value, size_t *out_offset)
{
    json_error_t error;
    size_t offset = 0;
    json_t *tree = json_loadb(json ? json : "", len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    isle_status status;
    if (tree) {
        isle_value *value = from_json(tree, 0, &status);
        json_decref(tree);
        if (value) {
            *out_value = value;
            return ISLE_OK;
        }
        offset = status == ISLE_ERR_LIMIT ? too_deep_at(json, len) : 0;
    } else {
        status = status_of(&error);
        offset = error.position > 0 ? (size_t)error.position : 0;
    }
    if (out_offset) {
        *out_offset = offset < len ? offset : len;
    }
    return status;
}
