/* One error value for the whole program: owned by the caller, filled in by who fails. */
#ifndef OMSLAUNCH_BASE_ERR_H
#define OMSLAUNCH_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

/* What went wrong, as far as a caller may act on it. The launcher turns a kind into an exit code
 * (architecture, "Commands"); no lower room knows exit codes. */
enum err_kind {
    ERR_FAILED,      /* tried and did not work */
    ERR_USAGE,       /* the command line is wrong */
    ERR_CONFIG,      /* a file that a user wrote is wrong */
    ERR_REFUSED,     /* policy says no */
    ERR_UNREACHABLE, /* no engine or no MetaDB answers */
    ERR_STATE,       /* our own state cannot be written or is damaged */
    ERR_LOCKED,      /* somebody else holds the lock */
    ERR_PERMISSION,  /* we may not */
    ERR_NOT_FOUND,   /* the named thing does not exist */
    ERR_CONFLICT,    /* something else goes on right now that it does not go together with */
    ERR_TIMEOUT,     /* a deadline passed */
    ERR_INTERRUPTED, /* a signal asked us to stop */
    ERR_KIND_MAX
};

/* `text` is one or more sentences for a person; `hint` is what that person can do, "" if nobody
 * knows. */
struct err {
    enum err_kind kind;
    bool asks_person; /* nothing more can be done safely before a person has looked */
    char text[4096];
    char hint[1024];
};

#define ERR_INIT                                                         \
    {                                                                    \
        .kind = ERR_FAILED, .asks_person = false, .text = "", .hint = "" \
    }

/* Fills in `err` (must not be NULL) and returns -1, so that failing is one line: what follows a
 * last
 * "\nHINT: " becomes the hint. The text passes the gate for foreign text (foreign.h), so arguments
 * may hold any bytes; what is too long is cut. `%m` may be used for errno. */
int err_fail(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), nonnull(1)));
int err_vfail(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0), nonnull(1)));

/* Puts "context: " in front of the text; all else stays. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(1)));

/* Gives a hint to an error that has none yet. Returns -1. */
int err_hint(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(1)));

/* Makes it one that only a person can settle. Returns -1. */
int err_ask_person(struct err *err) __attribute__((nonnull(1)));

/* "TEXT\nHINT: HINT" for documents that hold both as one string, which err_fail("%s") takes apart
 * again. Caller frees. */
char *err_join(const struct err *err);

/* "failed", "unreachable", …: how a kind is spelled between our programs. */
const char *err_kind_name(enum err_kind kind);
/* The kind of that name; ERR_FAILED for anything else. */
enum err_kind err_kind_from_name(const char *name);

#ifdef __clang_analyzer__
/* It cannot see into err.c, and would follow each failure as if it were a success. */
#define err_fail(...) ((err_fail)(__VA_ARGS__), -1)
#define err_wrap(...) ((err_wrap)(__VA_ARGS__), -1)
#define err_hint(...) ((err_hint)(__VA_ARGS__), -1)
#define err_ask_person(err) ((err_ask_person)(err), -1)
#endif

#endif
