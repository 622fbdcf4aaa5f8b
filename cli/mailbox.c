/* The main thread's mailbox. One lock, held only to link and unlink. */
#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "outside.h"
#include "text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mail *first, **last = &first;
static int fd = -1;
static struct outside *outside; /* NULL: all have the process's descriptors */

int mailbox_begin(void)
{
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd >= 0 ? 0 : errno;
}

void mailbox_end(void)
{
    for (struct mail *mail = mailbox_take(); mail != NULL;) {
        struct mail *next = mail->next;
        mail_free(mail);
        mail = next;
    }
    outside_free(outside);
    outside = NULL;
    close(fd);
    fd = -1;
}

bool mailbox_serve_all(void)
{
    outside = outside_new();
    return outside != NULL;
}

int mailbox_fd(void)
{
    return fd;
}

static void ring(void *unused)
{
    uint64_t one = 1;
    (void)unused;
    if (write(fd, &one, sizeof one) < 0) {
        return; /* readable already */
    }
}

void mailbox_send(const struct mail *mail)
{
    struct mail *copy = text_alloc(sizeof *copy);
    *copy = *mail;
    copy->next = NULL;
    pthread_mutex_lock(&lock);
    *last = copy;
    last = &copy->next;
    pthread_mutex_unlock(&lock);
    if (outside != NULL) {
        outside_run(outside, ring, NULL);
    } else {
        ring(NULL);
    }
}

struct mail *mailbox_take(void)
{
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0) {
        count = 0; /* nothing new since the last time, or it comes now */
    }
    pthread_mutex_lock(&lock);
    struct mail *all = first;
    first = NULL;
    last = &first;
    pthread_mutex_unlock(&lock);
    return all;
}

void mail_free(struct mail *mail)
{
    isle_error_free(mail->error);
    free(mail->text);
    free(mail);
}
