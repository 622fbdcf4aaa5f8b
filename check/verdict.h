/* The verdicts: their names, their order, and the rules that give one. docs/check.md has the rules in words. */
#ifndef CHECK_VERDICT_H
#define CHECK_VERDICT_H

#include "check.h"

/* Fills in verdict, basis, reasons and advice. */
void verdict_decide(check_extension *extension);
/* What an author has to change. */
void verdict_advise(check_extension *extension);

/* What the module says of itself, or else what its file says. */
elf_init verdict_init_of(const check_extension *extension);
int verdict_interpreters_of(const check_extension *extension); /* as elf_facts.interpreters */
probe_end verdict_end_of(const check_extension *extension, const char *scene);
/* In words: "single-phase", "multi-phase", ...; "own GIL", "shared GIL", "not supported", "none", "unknown". */
const char *verdict_init_text(elf_init init);
const char *verdict_slot_text(int interpreters);
const char *verdict_end_text(probe_end end);

#endif
