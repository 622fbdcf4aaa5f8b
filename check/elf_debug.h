/* What the debug information says of static data: its C type, and where it is declared. For the elf_*.c only. */
#ifndef CHECK_ELF_DEBUG_H
#define CHECK_ELF_DEBUG_H

#include "elf_image.h"

/* Completes `facts`, whose statics are sorted by address. Does nothing where the file has no debug information, has too
 * much of it, or the program was built without libdw. */
void elf_debug_read(elf_image *image, elf_facts *facts);

#endif
