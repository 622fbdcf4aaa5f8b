/* A short list, looked through: it grows only when something is denied that was not before. */
#include "findings.h"

#include <string.h>

void findings_init(findings *all)
{
    *all = (findings){.items = NULL};
    plat_lock_init(&all->lock);
}

void findings_clear(findings *all)
{
    for (size_t i = 0; i < all->count; i++) {
        plat_free(all->items[i].event);
        plat_free(all->items[i].subject);
    }
    plat_free(all->items);
    plat_lock_destroy(&all->lock);
}

/* How much of the text is kept: whole characters of UTF-8. */
static size_t kept(const char *text)
{
    size_t length = strnlen(text, FINDINGS_SUBJECT + 1);
    if (length <= FINDINGS_SUBJECT) {
        return length;
    }
    length = FINDINGS_SUBJECT;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

static bool is_same(const finding *f, const char *rule, const char *event, const char *subject, size_t length)
{
    return f->rule == rule && strcmp(f->event, event) == 0 && strncmp(f->subject, subject, length) == 0 &&
           f->subject[length] == '\0';
}

static bool make_room(findings *all)
{
    if (all->items == NULL) {
        all->items = plat_calloc(FINDINGS_MOST, sizeof *all->items);
    }
    return all->items != NULL && all->count < FINDINGS_MOST;
}

/* Lock held. */
static bool add(findings *all, const char *rule, const char *event, const char *subject)
{
    size_t length = kept(subject);
    for (size_t i = 0; i < all->count; i++) {
        if (is_same(&all->items[i], rule, event, subject, length)) {
            all->items[i].count++;
            return false;
        }
    }
    finding new = {.rule = rule, .count = 1};
    if (make_room(all)) {
        new.event = plat_strdup(event);
        new.subject = plat_strndup(subject, length);
    }
    if (new.event == NULL || new.subject == NULL) {
        plat_free(new.event);
        plat_free(new.subject);
        all->left_out++;
        return false;
    }
    all->items[all->count++] = new;
    return true;
}

bool findings_add(findings *all, const char *rule, const char *event, const char *subject)
{
    plat_lock_take(&all->lock);
    bool first = add(all, rule, event, subject);
    plat_lock_give(&all->lock);
    return first;
}
