/* Asking the MetaDB something: one run of the program omslaunch-metadb, which alone speaks SQL.
 *
 * The program is called as `omslaunch-metadb COMMAND`, with one JSON document on stdin:
 *   {"schema":1, "run":"…", "metadb":{"host":…,"port":…,"user":…,"password":…,
 *    "databases":{"rm":"rm_331","cm":"cm_331","heartbeat":["cm_hb_331",…]}}, "request":{…}}
 * and answers on descriptor 3 (stdout when 3 is not open) with JSON lines:
 *   {"event":"progress","text":"…","done":N,"total":N,"unit":"bytes|rows"}     any number
 *   {"event":"result","result":{…}}   or   {"event":"error","kind":"unreachable","text":"…",
 *    "hint":"…"}     (the hint may be missing, or stand in the text after "\nHINT: ")
 * No line is longer than 16 MiB. Exit: 0 done, 75 try again later, 1 failed.
 *
 * A command that can prepare itself (dump with "prepare": true) has its request ended by an empty
 * line, says {"event":"prepared","prepared":{…}} and waits for the line "go"; the end of stdin
 * instead tells it to take away what it has made, and end.
 *
 * It runs in the sandbox `strict`: it starts nothing, speaks TCP to the MetaDB's port alone, and
 * writes below "folder" of a dump alone, which is made for it. */
#ifndef OMSLAUNCH_HOOKS_METADB_CALL_H
#define OMSLAUNCH_HOOKS_METADB_CALL_H

#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct metadb {
    const char *program; /* absolute path of omslaunch-metadb */
    const char *host;
    uint16_t port;
    const char *user;
    const struct secret *password;
    const char *rm_db, *cm_db;
    const struct strv *heartbeat_dbs;
};

typedef void (*metadb_progress_fn)(void *arg, const char *text, uint64_t done, uint64_t total,
                                   bool bytes);

struct metadb_request {
    const char *command;      /* "facts", "ha-get", … */
    const char *run;          /* may be NULL */
    const json_t *parameters; /* "request" above; may be NULL. Borrowed */
    uint64_t timeout_ms;      /* 0: none */
    bool stop_on_signal;      /* see struct proc_spec */
    metadb_progress_fn progress;
    bool (*is_enough)(void *arg); /* asked at each event; true ends the program. May be NULL */
    void *arg;
};

/* The error's kind and text are the program's own. Caller owns *ret. */
int metadb_call(const struct metadb *db, const struct metadb_request *request, json_t **ret,
                struct err *err) MUST_USE;

/* The same in two parts: begins a command that can prepare itself, and returns when it has.
 * `db` must live as long as *ret, and `request->arg` too. */
struct metadb_waiting;
int metadb_prepare(const struct metadb *db, const struct metadb_request *request,
                   struct metadb_waiting **ret, struct err *err) MUST_USE;
/* What it says that it has prepared; borrowed. */
const json_t *metadb_prepared(const struct metadb_waiting *call);
/* Is it still there? */
bool metadb_waits(struct metadb_waiting *call) MUST_USE;
/* Lets it go, to its end. Frees `call`. Caller owns *ret. */
int metadb_go_take(struct metadb_waiting *call, uint64_t timeout_ms, json_t **ret,
                   struct err *err) MUST_USE;
/* Gives it up: it takes away what it has made. NULL is allowed. */
void metadb_waiting_free(struct metadb_waiting *call);

#endif
