/* The help texts, all in help.c. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

extern const char help_run[];
extern const char help_info[];
extern const char help_check[];
extern const char help_bench[];
extern const char help_help[];

#endif
