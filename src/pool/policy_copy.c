/* One block for each list. A list of none stays one: it limits, where NULL does not. */
#include "policy_copy.h"

#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "out of memory";
static const char a_null[] = "isle_pool_config.interp: its policy has a NULL among its texts";
static const char unknown[] =
    "isle_pool_config.interp: its policy has a size that is not set, or a field that is not known";

static const char *copy_texts(const char *const **items, size_t count)
{
    const char *const *from = *items;
    size_t size = (count + 1) * sizeof(char *);
    *items = NULL;
    for (size_t i = 0; i < count; i++) {
        if (from == NULL || from[i] == NULL) {
            return a_null;
        }
        size += strlen(from[i]) + 1;
    }
    if (from == NULL) {
        return NULL;
    }
    char **copies = malloc(size);
    if (copies == NULL) {
        return no_memory;
    }
    char *at = (char *)(copies + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(from[i]) + 1;
        copies[i] = memcpy(at, from[i], len);
        at += len;
    }
    copies[count] = NULL;
    *items = (const char *const *)copies;
    return NULL;
}

static const char *copy_ports(const uint16_t **ports, size_t count)
{
    const uint16_t *from = *ports;
    *ports = NULL;
    if (from == NULL) {
        return count == 0 ? NULL : a_null;
    }
    uint16_t *copies = calloc(count + 1, sizeof *copies);
    if (copies == NULL) {
        return no_memory;
    }
    memcpy(copies, from, count * sizeof *copies);
    *ports = copies;
    return NULL;
}

/* Each list becomes a copy, or NULL. */
static const char *copy_lists(isle_policy *p)
{
    const char *faults[] = {copy_texts(&p->read, p->read_count),       copy_texts(&p->write, p->write_count),
                            copy_texts(&p->execute, p->execute_count), copy_ports(&p->connect, p->connect_count),
                            copy_ports(&p->bind, p->bind_count),       copy_texts(&p->seccomp, p->seccomp_count),
                            copy_texts(&p->rules, p->rule_count)};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (faults[i] != NULL) {
            return faults[i];
        }
    }
    return NULL;
}

/* Of a caller built with another version of the struct: what it lacks is zero. */
static bool take(isle_policy *own, const isle_policy *from)
{
    size_t size = from->size;
    for (size_t i = sizeof *own; i < size; i++) {
        if (((const unsigned char *)from)[i] != 0) {
            return false;
        }
    }
    memcpy(own, from, size < sizeof *own ? size : sizeof *own);
    own->size = sizeof *own;
    return size >= sizeof size;
}

isle_policy *policy_copy(const isle_policy *from, const char **out_fault)
{
    isle_policy *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    if (!take(copy, from)) {
        free(copy);
        *out_fault = unknown;
        return NULL;
    }
    const char *fault = copy_lists(copy);
    if (fault != NULL) {
        policy_copy_free(copy);
        *out_fault = fault != no_memory ? fault : NULL;
        return NULL;
    }
    return copy;
}

void policy_copy_free(isle_policy *copy)
{
    if (copy == NULL) {
        return;
    }
    free((void *)copy->read);
    free((void *)copy->write);
    free((void *)copy->execute);
    free((void *)copy->connect);
    free((void *)copy->bind);
    free((void *)copy->seccomp);
    free((void *)copy->rules);
    free(copy);
}
