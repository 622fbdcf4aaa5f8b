/* Queues in tests: an int in and out, which must work at once. */
#ifndef ISLES_TEST_QUEUES_H
#define ISLES_TEST_QUEUES_H

#include <isles/queue.h>

void put_int(isle_queue *q, int64_t number);
int64_t get_int(isle_queue *q);

#endif
