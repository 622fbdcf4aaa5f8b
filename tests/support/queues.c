#include "queues.h"

#include "support.h"

void put_int(isle_queue *q, int64_t number)
{
    isle_error *err = NULL;
    isle_value *value = isle_value_new_int(number);
    check_status(isle_queue_put(q, value, SOON, &err), ISLE_OK, err);
    isle_value_free(value);
}

int64_t get_int(isle_queue *q)
{
    isle_error *err = NULL;
    isle_value *value = NULL;
    int64_t number = -1;
    check_status(isle_queue_get(q, SOON, &value, &err), ISLE_OK, err);
    check(isle_value_as_int64(value, &number));
    isle_value_free(value);
    return number;
}
