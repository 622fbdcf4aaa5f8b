/* Sizes of memory and output as people type and read them. */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "4096", "64M", "1.5G", "512 KiB": powers of 1024. false: no size, zero, or more than 1024 TiB. */
bool size_parse(const char *text, uint64_t *out_bytes);

/* "812B", "4.0K", "64.2M". Writes at most `size` bytes with the NUL; 12 are always enough. */
void size_print(char *out, size_t size, uint64_t bytes);

#endif
