/* How a command answers. Text for people goes to stderr and data to stdout; with --output json the
 * data is one document, of every command and of every end:
 *
 *   {"command": "check", "deployment": "oms_331", "run": null, "result": "refused", "exit": 65,
 *    "error": {"kind": "refused", "text": "…", "hint": "…"}, …what the command has to tell}
 *
 * `result` is "done", "nothing-to-do", "refused", "held", "failed", or how the run ended. */
#ifndef OMSLAUNCH_ANSWER_H
#define OMSLAUNCH_ANSWER_H

#include <stdbool.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/options.h"

struct answer {
    int code;                /* to exit with */
    const char *result;      /* NULL: what the exit code says */
    const char *deployment;  /* NULL: the NAME of the command line, if its command has one */
    const char *run;         /* NULL: none */
    const struct err *error; /* NULL: none */
    json_t *data_take;       /* an object, whose fields come after these; NULL: none */
};

bool answer_is_json(const struct options *options);

/* Prints the document if it was asked for. Returns the exit code. */
int answer(const struct options *options, const struct answer *a);
/* It is done: 0. */
int answer_done(const struct options *options, json_t *data_take);
/* There was nothing to do; `why` is said to people: 0. */
int answer_nothing(const struct options *options, const char *why, json_t *data_take);
/* Says the error to people, too. With its own exit code; or with another, and with data. */
int answer_fail(const struct options *options, const struct err *err);
int answer_fail_with(const struct options *options, const struct err *err, int code,
                     json_t *data_take);

/* Text on stdout: on a terminal folded at its width. */
void answer_print(const char *text);

/* Would it be asked? Only on a terminal and without --yes: in a pipeline nothing ever asks. */
bool answer_asks(const struct options *options);
/* Whether to go on: what the person says, or yes where nobody is asked. */
bool answer_is_yes(const struct options *options, const char *question);

#endif
