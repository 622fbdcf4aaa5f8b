/* Extension modules of one interpreter, where it has copies of those that refuse an own GIL: see extensions.c. */
#ifndef ISLES_ENGINE_EXTENSIONS_H
#define ISLES_ENGINE_EXTENSIONS_H

#include "python.h"

/* Home, attached. With ISLES_EXTENSIONS_PRIVATE and _AUTO: takes the place of _imp.create_dynamic. -1: an exception. */
int extensions_install(engine_interp *interp, const isle_interp_config *config);
/* Attached: what it keeps of modules goes, so that these can; then all of its objects. Again is fine. */
void extensions_forget_modules(engine_interp *interp);
void extensions_drop(engine_interp *interp);
/* Home, detached: threads of copies that would come in wait (`held`), or do. */
void extensions_hold(engine_interp *interp, bool held);
/* The same for good: no thread of a copy's comes in any more. false: one is inside. */
bool extensions_close(engine_interp *interp);
/* CPython has taken the interpreter apart: nobody may come in. */
void extensions_state_gone(engine_interp *interp);
/* After that: its copies are unloaded where that is safe. */
void extensions_end(engine_interp *interp);
/* Any thread: whatever is left of it stays for good. */
void extensions_free(engine_interp *interp);

/* verdict.c: attached. What `isles check` found is against a copy of that file, as advice (static; NULL: nothing).
 * `kept` is the interpreter's, NULL at first. -1: an exception. */
struct stat;
int verdict_on(PyObject **kept, PyObject *path, const struct stat *about, const char **out_advice);

/* Rules for copies: who uses CPython's API gets its own; who leaves its code where others call it stays. */
struct plat_copies_rules;
extern const struct plat_copies_rules extensions_rules;

#endif
