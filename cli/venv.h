/* Virtual environments, as far as the command line must know before it starts anything. */
#ifndef CLI_VENV_H
#define CLI_VENV_H

#include <stdbool.h>
#include <stddef.h>

enum venv_check { VENV_OK, VENV_NONE, VENV_OTHER_VERSION };

/* Looks at DIR/pyvenv.cfg. `version` gets what it was made for ("3.12"), "" if the file doesn't say. */
enum venv_check venv_look(const char *dir, int engine_version_hex, char *version, size_t size);

#endif
