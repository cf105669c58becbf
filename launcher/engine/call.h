/* Inside of this room only: one call of the Engine API, and what makes an error of its answer. */
#ifndef OMSLAUNCH_ENGINE_CALL_H
#define OMSLAUNCH_ENGINE_CALL_H

#include "launcher/engine/engine.h"
#include "launcher/net/http.h"

struct engine_call {
    const char *doing;        /* "inspect container": errors read "cannot DOING 'THING': …" … */
    const char *thing;        /* … without 'THING' if NULL */
    const char *path;         /* escaped, with the query, without the API version */
    const json_t *json;       /* body of the request; NULL: none, or http.source */
    bool only_looks;          /* changes nothing, although it is no GET: see engine_exec_read() */
    struct http_request http; /* its method is GET if NULL; its path and body are filled in */
};

/* Sends it; 2xx and 304 ("is so already") are success, everything else is an error that names the
 * thing and has the engine's own words. A call that may change something is ERR_REFUSED on a
 * read-only handle. `ret` must be initialised and is the caller's to free. */
int engine_call(struct engine *e, const struct engine_call *call, struct http_answer *ret,
                struct err *err) MUST_USE;
/* The same, and the answer's body is JSON. Caller owns *ret. */
int engine_call_json(struct engine *e, const struct engine_call *call, json_t **ret,
                     struct err *err) MUST_USE;

/* Appends what an engine said as one line: blanks and control characters become single spaces, and
 * what trails off (": ") is left out. */
void engine_append_words(struct str *s, const char *text);

/* Default time for an answer, and the longer one for calls that make the engine work (create,
 * start, rename): giving those up too early leaves us not knowing what they did. */
uint64_t engine_answer_timeout_ms(const struct engine *e);
uint64_t engine_work_timeout_ms(const struct engine *e);
/* Whether both sides speak version 1.`minor`. */
bool engine_has_api(const struct engine *e, unsigned minor);

/* "/containers/ID/SUFFIX"; ERR_USAGE when `id` can be no container's ID or name. Caller frees. */
int engine_container_path(const char *id, const char *suffix, char **ret, struct err *err) MUST_USE;

/* How errors name a container: by its name where an answer has told it, else by the first digits of
 * its ID, as 'docker ps' shows it. Anything else is shown as it is. Borrowed until the next call.
 */
const char *engine_shown(struct engine *e, const char *id);
/* An answer, or what was asked for, tells the name of this ID; with or without a slash. */
void engine_learn_name(struct engine *e, const char *id, const char *name);

/* ---- negotiation, apart for the tests ---- */

#define ENGINE_API_OLDEST 1024 /* 1.24, and the newest of which we know the changes */
#define ENGINE_API_NEWEST 1052
/* "1.41" → 1041; -1 if it is none. */
int engine_api_parse(const char *text);

#endif
