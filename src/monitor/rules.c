/* Reading rules, and finding the one that decides. */
#include "rules.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "platform.h"

static const char WILD[] = "*?[";

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The part behind "deny " or "allow "; NULL: it begins with neither. */
static const char *after_verb(const char *text)
{
    return starts(text, "deny ") ? text + 5 : starts(text, "allow ") ? text + 6 : NULL;
}

const char *rules_fault(const char *text)
{
    const char *event = after_verb(text);
    if (event == NULL) {
        return "begins with neither 'deny ' nor 'allow '";
    }
    size_t length = strcspn(event, ":");
    if (length == 0) {
        return "names no event";
    }
    if (strcspn(event, " \t\r\n") < length) {
        return "has a blank in the event's name";
    }
    return strcmp(event + length, ":") == 0 ? "has nothing after the colon" : NULL;
}

static rule_reach reach_of(const char *event, size_t plain)
{
    if (event[plain] == '\0') {
        return RULE_ONE;
    }
    return strcmp(event + plain, "*") == 0 ? RULE_BEGINNING : RULE_PATTERN;
}

static bool read_rule(const char *text, rule *out)
{
    *out = (rule){.text = plat_strdup(text), .words = plat_strdup(after_verb(text)), .deny = starts(text, "deny ")};
    if (out->text == NULL || out->words == NULL) {
        plat_free(out->text);
        plat_free(out->words);
        return false;
    }
    char *colon = strchr(out->words, ':');
    if (colon != NULL) {
        *colon = '\0';
        out->subject = colon + 1;
        out->is_path = colon[1] == '/';
    }
    out->event = out->words;
    out->length = strcspn(out->words, WILD);
    out->reach = reach_of(out->words, out->length);
    return true;
}

bool rules_add(rules *all, const char *text)
{
    rule *items = plat_realloc(all->items, (all->count + 1) * sizeof *items);
    if (items == NULL) {
        return false;
    }
    all->items = items;
    if (!read_rule(text, &items[all->count])) {
        return false;
    }
    all->count++;
    return true;
}

void rules_clear(rules *all)
{
    for (size_t i = 0; i < all->count; i++) {
        plat_free(all->items[i].text);
        plat_free(all->items[i].words);
    }
    plat_free(all->items);
    *all = (rules){.items = NULL};
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

/* A text that fnmatch can't read is no way past a rule that denies. */
static bool fits(const char *pattern, const char *text, bool when_in_doubt)
{
    int rc = fnmatch(pattern, text, 0);
    return rc == 0 || (rc != FNM_NOMATCH && when_in_doubt);
}

static bool is_of_event(const rule *r, const char *event)
{
    if (r->reach == RULE_ONE) {
        return strcmp(r->event, event) == 0;
    }
    return strncmp(r->event, event, r->length) == 0 && (r->reach == RULE_BEGINNING || fits(r->event, event, r->deny));
}

static bool is_of_subject(const rule *r, rules_subject_fn subject, void *ctx)
{
    const char *text = r->subject != NULL ? subject(ctx, r->is_path) : NULL;
    return r->subject == NULL || (text != NULL && fits(r->subject, text, r->deny));
}

const rule *rules_decide(const rules *all, const char *event, rules_subject_fn subject, void *ctx)
{
    for (size_t i = all->count; i-- > 0;) {
        rule *r = &all->items[i];
        if (is_of_event(r, event) && is_of_subject(r, subject, ctx)) {
            if (!atomic_load_explicit(&r->used, memory_order_relaxed)) {
                atomic_store_explicit(&r->used, true, memory_order_relaxed);
            }
            return r;
        }
    }
    return NULL;
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

/* Takes the last part away from the path in `out`. */
static size_t without_last(const char *out, size_t length)
{
    while (length > 0 && out[length - 1] != '/') {
        length--;
    }
    return length > 0 ? length - 1 : 0;
}

/* Adds the parts of `path` to what `out` has, "" being the root. SIZE_MAX: no room. */
static size_t add_parts(const char *path, char *out, size_t length, size_t size)
{
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        if (part == 2 && path[0] == '.' && path[1] == '.') {
            length = without_last(out, length);
        } else if (part > 1 || (part == 1 && path[0] != '.')) {
            if (part + 2 > size - length) {
                return SIZE_MAX;
            }
            out[length++] = '/';
            memcpy(out + length, path, part);
            length += part;
        }
        path += part;
        path += strspn(path, "/");
    }
    return length;
}

const char *rules_absolute(const char *path, char *out, size_t size)
{
    size_t length = 0;
    if (path[0] != '/') {
        if (getcwd(out, size) == NULL) {
            return NULL;
        }
        length = strcmp(out, "/") == 0 ? 0 : strlen(out);
    }
    length = add_parts(path, out, length, size);
    if (length == SIZE_MAX) {
        return NULL;
    }
    if (length == 0) {
        out[length++] = '/';
    }
    out[length] = '\0';
    return out;
}
