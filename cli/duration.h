/* Durations as people type and read them. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "5", "5s", "0.5s", "500ms", "2m", "1.5h" to nanoseconds. false: not a time, or longer than 100 years. */
bool duration_parse(const char *text, int64_t *out_ns);

/* "12ms", "3.21s", "2m05s", "1h02m". Writes at most `size` bytes with the NUL; 12 are always enough. */
void duration_print(char *out, size_t size, int64_t ns);

/* The same without zeros that say nothing: "4s", "1.5s", "2m". For a time that somebody gave. */
void duration_print_brief(char *out, size_t size, int64_t ns);

#endif
