/* Queues of values, for the host: src/queue/ with values instead of messages. They need no runtime: a host may use
 * them with no Python running. A thread that waits is detached from whatever interpreter it is attached to. */
#include <errno.h>
#include <string.h>

#include <isles/queue.h>

#include "core.h"
#include "value_codec.h"
#include "value_message.h"

/* --- lifetime --------------------------------------------------------------------------------------------------- */

isle_status isle_queue_create(const isle_queue_config *config, isle_queue **out_queue, isle_error **err)
{
    isle_queue_config own;
    bool taken;
    isle_status status = config_take(&own, sizeof own, config, "isle_queue_config", err);
    if (status != ISLE_OK) {
        return status;
    }
    if (out_queue == NULL || (unsigned)own.unbound > ISLE_UNBOUND_ERROR) {
        return error_set(err, ISLE_ERR_INVALID,
                         out_queue == NULL ? "out_queue is NULL" : "isle_queue_config.unbound is none of isle_unbound");
    }
    queue_limits limits = {.max_items = own.max_items, .max_bytes = own.max_bytes};
    isle_queue *q = queue_new(own.name, limits, (int)own.unbound, &taken);
    if (q == NULL) {
        return taken ? error_set(err, ISLE_ERR_INVALID, "a queue named %s lives already", own.name)
                     : error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    *out_queue = q;
    return ISLE_OK;
}

isle_status isle_queue_find(const char *name, isle_queue **out_queue, isle_error **err)
{
    if (name == NULL || out_queue == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "%s is NULL", name == NULL ? "name" : "out_queue");
    }
    isle_queue *q = queue_find(name);
    if (q == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "there is no queue named %s", name);
    }
    *out_queue = q;
    return ISLE_OK;
}

isle_queue *isle_queue_ref(isle_queue *q)
{
    return queue_ref(q);
}

void isle_queue_free(isle_queue *q)
{
    queue_unref(q);
}

uint64_t isle_queue_id(const isle_queue *q)
{
    return queue_id(q);
}

/* --- putting and getting ---------------------------------------------------------------------------------------- */

/* A signal came. */
static bool gives_up(void *ctx)
{
    (void)ctx;
    return engine_is_to_stop();
}

static isle_status status_of(queue_result result, isle_error **err)
{
    switch (result) {
    case QUEUE_OK:
        return ISLE_OK;
    case QUEUE_TIMEOUT:
        return error_set(err, ISLE_ERR_TIMEOUT, "the deadline passed");
    case QUEUE_INTERRUPTED:
        return error_set(err, ISLE_ERR_CANCELLED, "the code that called is to stop");
    case QUEUE_CLOSED:
        break;
    }
    return error_set(err, ISLE_ERR_CLOSED, "the queue is closed");
}

isle_status isle_queue_put(isle_queue *q, const isle_value *value, int64_t deadline, isle_error **err)
{
    attachments beside;
    cbor_writer w;
    if (q == NULL || value == NULL) {
        return error_set(err, ISLE_ERR_INVALID, "%s is NULL", q == NULL ? "queue" : "value");
    }
    value_message_begin(&w, &beside, 0);
    value_write(&w, value);
    value_message *m = value_message_take(&w, 0);
    if (m == NULL) {
        return error_set(err, ISLE_ERR_NOMEM, "out of memory");
    }
    void *detached = engine_detach();
    queue_result result = queue_put(q, &m->message, &(queue_patience){.deadline = deadline, .gives_up = gives_up});
    engine_reattach(detached);
    if (result != QUEUE_OK) {
        m->message.drop(&m->message);
    }
    return status_of(result, err);
}

/* Takes the list over. Fills out_values with its values; on failure frees them. */
static isle_status open_messages(queue_message *list, isle_value **out_values, isle_error **err)
{
    isle_status status = ISLE_OK;
    size_t count = 0;
    while (list != NULL) {
        const value_message *m = (value_message *)list;
        queue_message *next = list->next;
        if (list->unbound) {
            status = ISLE_ERR_UNBOUND; /* it came alone */
        } else if (status == ISLE_OK) {
            status = value_from_bytes(m->data, m->len, &m->beside, &out_values[count], NULL);
            count += status == ISLE_OK;
        }
        list->drop(list);
        list = next;
    }
    if (status != ISLE_OK) {
        while (count > 0) {
            isle_value_free(out_values[--count]);
        }
        return status == ISLE_ERR_UNBOUND
                   ? error_set(err, status, "the interpreter that put this value has ended")
                   : error_set(err, status, "a value that was taken could not be read and is lost: %s",
                               isle_status_text(status));
    }
    return ISLE_OK;
}

isle_status isle_queue_get_many(isle_queue *q, int64_t deadline, isle_value **out_values, size_t most,
                                size_t *out_count, isle_error **err)
{
    queue_message *list;
    size_t count;
    if (q == NULL || out_values == NULL || most == 0) {
        return error_set(err, ISLE_ERR_INVALID, "%s",
                         q == NULL   ? "queue is NULL"
                         : most == 0 ? "most is 0"
                                     : "out_values is NULL");
    }
    void *detached = engine_detach();
    queue_result result = queue_get(q, most, &list, &count,
                                    &(queue_patience){.deadline = deadline, .gives_up = gives_up});
    engine_reattach(detached);
    isle_status status = result == QUEUE_OK ? open_messages(list, out_values, err) : status_of(result, err);
    if (status == ISLE_OK && out_count != NULL) {
        *out_count = count;
    }
    return status;
}

isle_status isle_queue_get(isle_queue *q, int64_t deadline, isle_value **out_value, isle_error **err)
{
    isle_value *value = NULL;
    isle_status status = isle_queue_get_many(q, deadline, &value, 1, NULL, err);
    if (status == ISLE_OK && out_value != NULL) {
        *out_value = value;
    } else if (status == ISLE_OK) {
        isle_value_free(value);
    }
    return status;
}

/* --- as values -------------------------------------------------------------------------------------------------- */

isle_value *isle_value_new_queue(isle_queue *q)
{
    return value_new_attachment(q != NULL ? queue_attachment(q) : NULL);
}

isle_queue *isle_value_as_queue(const isle_value *value)
{
    return isle_value_type(value) == ISLE_QUEUE ? value_attachment(value)->data : NULL;
}

/* --- an interpreter ends ---------------------------------------------------------------------------------------- */

/* What was encoded stays until the place is got: to free it here would run with the queue's lock held. */
static bool keep_as_unbound(queue_message *message, void *of_queue)
{
    int tag = queue_tag_of(of_queue, message);
    message->unbound = tag != ISLE_UNBOUND_KEEP;
    return tag != ISLE_UNBOUND_REMOVE;
}

static void look_at_messages_of(queue *q, void *interp_id)
{
    queue_sender_ended(q, *(uint64_t *)interp_id, keep_as_unbound, q);
}

void queues_interp_ended(uint64_t interp_id)
{
    queue_for_each(look_at_messages_of, &interp_id);
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

void isle_queue_close(isle_queue *q)
{
    if (q != NULL) {
        queue_close(q);
    }
}

static int no_queue(void)
{
    errno = EINVAL;
    return -1;
}

int isle_queue_fd(isle_queue *q)
{
    return q != NULL ? queue_fd(q) : no_queue();
}

int isle_queue_room_fd(isle_queue *q)
{
    return q != NULL ? queue_room_fd(q) : no_queue();
}

void isle_queue_get_stats(isle_queue *q, isle_queue_stats *out)
{
    queue_counts c = queue_count(q);
    isle_queue_stats s = {.size = out->size,
                          .items = c.items,
                          .bytes = c.bytes,
                          .getters = c.getters,
                          .putters = c.putters,
                          .put = c.put,
                          .got = c.got,
                          .closed = c.closed};
    memcpy(out, &s, out->size < sizeof s ? out->size : sizeof s);
}

/* --- waiting on several ----------------------------------------------------------------------------------------- */

static bool fill(struct pollfd *polled, isle_queue *const *queues, size_t queue_count_, const int *fds, size_t fd_count)
{
    for (size_t i = 0; i < queue_count_; i++) {
        polled[i] = (struct pollfd){.fd = queue_fd_to_poll(queues[i]), .events = POLLIN};
        if (polled[i].fd < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < fd_count; i++) {
        polled[queue_count_ + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    }
    return true;
}

static isle_status poll_all(struct pollfd *polled, size_t count, int64_t deadline)
{
    void *detached = engine_detach();
    int ready = queue_poll(polled, count, &(queue_patience){.deadline = deadline, .gives_up = gives_up});
    int saved = errno;
    engine_reattach(detached);
    errno = saved;
    if (ready < 0) {
        return saved == EINTR ? ISLE_ERR_CANCELLED : ISLE_ERR_SYSTEM;
    }
    return ready > 0 ? ISLE_OK : ISLE_ERR_TIMEOUT;
}

static bool arrays_are_there(isle_queue *const *queues, size_t count, const bool *ready)
{
    if (count != 0 && (queues == NULL || ready == NULL)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (queues[i] == NULL) {
            return false;
        }
    }
    return true;
}

isle_status isle_select(isle_queue *const *queues, size_t queue_count_, bool *ready_queues, const int *fds,
                        size_t fd_count, bool *ready_fds, int64_t deadline)
{
    size_t count = queue_count_ + fd_count;
    if (count == 0 || count < fd_count || !arrays_are_there(queues, queue_count_, ready_queues) ||
        (fd_count != 0 && (fds == NULL || ready_fds == NULL))) {
        return ISLE_ERR_INVALID;
    }
    struct pollfd *polled = plat_calloc(count, sizeof *polled);
    isle_status status = ISLE_ERR_NOMEM;
    for (size_t i = 0; polled != NULL && i < queue_count_; i++) {
        polled[i].fd = -1;
    }
    if (polled != NULL) {
        bool filled = fill(polled, queues, queue_count_, fds, fd_count);
        status = filled ? poll_all(polled, count, deadline) : ISLE_ERR_SYSTEM;
    }
    for (size_t i = 0; i < queue_count_; i++) {
        ready_queues[i] = status == ISLE_OK && polled[i].revents != 0;
    }
    for (size_t i = 0; i < fd_count; i++) {
        ready_fds[i] = status == ISLE_OK && polled[queue_count_ + i].revents != 0;
    }
    int saved = errno;
    for (size_t i = 0; polled != NULL && i < queue_count_; i++) {
        queue_polled_fd(polled[i].fd);
    }
    plat_free(polled);
    errno = saved;
    return status;
}
