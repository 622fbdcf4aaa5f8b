/* The rules of a policy: "deny EVENT", "allow EVENT:PATTERN". Text only: what an event is, and what its subject is, is
 * the engine's business. Never changed once they are made, so any thread may ask. */
#ifndef ISLES_RULES_H
#define ISLES_RULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum rule_reach { RULE_ONE, RULE_BEGINNING, RULE_PATTERN } rule_reach;

typedef struct rule {
    char *text; /* as it was given; owned, what follows points into a second copy */
    char *words;
    bool deny;
    const char *event;
    rule_reach reach;    /* ONE: this event; BEGINNING: a * at the end only; PATTERN: what fnmatch knows */
    size_t length;       /* of the event's text before the first * ? [ */
    const char *subject; /* NULL: any */
    bool is_path;        /* `subject` begins with / */
    _Atomic bool used;   /* it decided something */
} rule;

typedef struct rules {
    rule *items;
    size_t count;
} rules;

/* What is wrong with the text; NULL: nothing. Static. */
const char *rules_fault(const char *text);
/* Adds one without a fault. false: no memory. */
bool rules_add(rules *all, const char *text);
void rules_clear(rules *all);

/* The subject of the event that is judged: as it is, or as an absolute path. NULL: it has none, or none of a path's
 * kind. Asked only where a rule needs it. */
typedef const char *(*rules_subject_fn)(void *event, bool as_path);

/* The last rule that matches, marked as used; NULL: none. */
const rule *rules_decide(const rules *all, const char *event, rules_subject_fn subject, void *ctx);

/* `path` made absolute by the working directory, without . and .. and double slashes, links not followed. NULL: it has
 * no room. */
const char *rules_absolute(const char *path, char *out, size_t size);

#endif
