/* A deep copy of a caller's isle_policy, for the interpreters that a pool makes later. */
#ifndef ISLES_POLICY_COPY_H
#define ISLES_POLICY_COPY_H

#include <isles/policy.h>

/* NULL: there is no memory, or *out_fault (static) says what is wrong with it. */
isle_policy *policy_copy(const isle_policy *from, const char **out_fault);
void policy_copy_free(isle_policy *copy); /* NULL is fine */

#endif
