/* Messages between two interpreters, as a host can give them with two functions: bench_send(box, bytes) and
 * bench_receive(box), which waits. A box holds one message. Both run on the caller's thread with its GIL released. A
 * wait is bounded, since nothing can interrupt a function of the host. */
#include <pthread.h>
#include <time.h>

#include "bench.h"

enum { BOXES = 2, PATIENCE_S = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct box {
    pthread_cond_t changed;
    isle_value *message;
} boxes[BOXES] = {{PTHREAD_COND_INITIALIZER, NULL}, {PTHREAD_COND_INITIALIZER, NULL}};

static struct box *box_of(const isle_value *args)
{
    int64_t number = -1;
    isle_value_as_int64(isle_value_at(args, 0), &number);
    return number >= 0 && number < BOXES ? &boxes[number] : NULL;
}

/* Locked. Waits until the box is full or empty, as wanted. */
static bool wait_until(struct box *box, bool full)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    int failed = 0;
    while ((box->message != NULL) != full && failed == 0) {
        failed = pthread_cond_clockwait(&box->changed, &lock, CLOCK_MONOTONIC, &until);
    }
    return failed == 0;
}

static isle_status exchange(struct box *box, isle_value **message)
{
    bool full = *message == NULL;
    pthread_mutex_lock(&lock);
    bool ok = wait_until(box, full);
    if (ok) {
        isle_value *taken = box->message;
        box->message = *message;
        *message = taken;
    }
    pthread_mutex_unlock(&lock);
    if (ok) {
        pthread_cond_signal(&box->changed);
    }
    return ok ? ISLE_OK : ISLE_ERR_TIMEOUT;
}

static isle_status send_message(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                                isle_error **err)
{
    (void)ctx;
    (void)interp_id;
    (void)out_value;
    (void)err;
    struct box *box = box_of(args);
    isle_value *message = isle_value_copy(isle_value_at(args, 1));
    if (box == NULL || message == NULL) {
        isle_value_free(message);
        return ISLE_ERR_INVALID;
    }
    isle_status status = exchange(box, &message);
    isle_value_free(message);
    return status;
}

static isle_status receive_message(void *ctx, uint64_t interp_id, const isle_value *args, isle_value **out_value,
                                   isle_error **err)
{
    (void)ctx;
    (void)interp_id;
    (void)err;
    struct box *box = box_of(args);
    return box != NULL ? exchange(box, out_value) : ISLE_ERR_INVALID;
}

const isle_host_function channel_functions[CHANNEL_FUNCTIONS] = {
    {"bench_send", send_message, NULL},
    {"bench_receive", receive_message, NULL},
};
