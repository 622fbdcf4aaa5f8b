/* What other threads tell the main thread: a list and a descriptor that its loop waits on. */
#ifndef CLI_MAILBOX_H
#define CLI_MAILBOX_H

#include <stdbool.h>

#include <isles/isles.h>

struct program;

enum mail_kind {
    MAIL_RUNTIME_STARTED, /* error: why not; text: which option is wrong */
    MAIL_STARTED,         /* program: it has a job, or a start_error */
    MAIL_STUCK,           /* interp_id, text */
    MAIL_ENDED,           /* interp_id, status, text; number: with ISLE_ERR_EXIT */
    MAIL_LOG,             /* text */
    MAIL_OUTPUT_BROKEN,   /* number: errno */
    MAIL_RUNTIME_STOPPED  /* status */
};

struct mail {
    enum mail_kind kind;
    struct program *program;
    uint64_t interp_id;
    isle_status status;
    isle_error *error; /* owned */
    char *text;        /* owned */
    int number;
    struct mail *next;
};

/* Returns 0 or an errno. */
int mailbox_begin(void);
void mailbox_end(void);
int mailbox_fd(void);
/* From now on some who send may have another table of descriptors. False: there is no thread to be had. */
bool mailbox_serve_all(void);
void mailbox_send(const struct mail *mail);  /* any thread; copied, what it owns is handed over */
struct mail *mailbox_take(void);             /* all that came, oldest first; end each with mail_free */
void mail_free(struct mail *mail);

#endif
