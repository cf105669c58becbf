/* ha: OMS's HA switched on or off, or shown. */
#include <string.h>

#include "launcher/answer.h"
#include "launcher/base/clock.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/locked.h"
#include "launcher/print.h"
#include "launcher/state/changes.h"

/* The text of ha.config as it is now. */
static int read_ha(struct metadb_access *a, json_t **ret, struct err *err)
{
    if (metadb_access_ask(a, "ha-get", NULL, NULL, ret, err) != 0) {
        return -1;
    }
    if (json_text(*ret, "text", NULL) == NULL) {
        return err_fail(
            err, ERR_REFUSED,
            "this OMS has no ha.config\n"
            "HINT: save the HA settings once in the console: System Management > System "
            "Parameters > ha.config");
    }
    return 0;
}

/* OMS may read its settings long after they were changed: who wonders wants to know when it was. */
static void say_last_change(const struct metadb_access *a)
{
    AUTO_JSON json_t *changes = NULL;
    struct err ignored;
    if (changes_read(a->session->state, &changes, &ignored) != 0) {
        return;
    }
    for (size_t i = json_array_size(changes); i-- > 0;) {
        const json_t *change = json_array_get(changes, i);
        char when[CLOCK_TEXT_MAX];
        if (str_eq(json_text(change, "kind", ""), "ha") &&
            str_eq(json_text(change, "deployment", ""), a->container) &&
            str_eq(json_text(change, "endpoint", ""), a->endpoint)) {
            log_info("Last changed by 'omslaunch ha': %s, %.19sZ", json_text(change, "text", ""),
                     clock_format((uint64_t)json_int(change, "wall_ms", 0), when));
            return;
        }
    }
}

/* It is done: that it could not be written down must not make a failure of it. */
static void note(const struct locked *l, const char *word)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = mem_printf("HA %s", word);
    if (changes_note(l->session.state, l->run, "ha", l->access.container, l->access.endpoint, text,
                     &err) != 0) {
        log_warn("'omslaunch runs' will not tell of it: %s", err.text);
    }
}

static int switch_ha(struct locked *l, const json_t *before, const char *word, json_t **ret,
                     struct err *err)
{
    json_t *change = json_make("{s:s, s:{s:b}}", "expect", json_text(before, "text", ""), "set",
                               "enable", (int)str_eq(word, "on"));
    if (metadb_access_ask(&l->access, "ha-set", NULL, change, ret, err) != 0) {
        return -1;
    }
    log_info("HA of '%s' is %s", l->access.container, word);
    if (json_bool(*ret, "changed", false)) {
        note(l, word);
    }
    return 0;
}

static int show(struct metadb_access *a, const struct options *o, struct err *err)
{
    AUTO_JSON json_t *now = NULL;
    if (read_ha(a, &now, err) != 0) {
        return answer_fail(o, err);
    }
    if (!answer_is_json(o)) {
        print_lines("%s", json_text(now, "text", ""));
    }
    say_last_change(a);
    return answer_done(o, TAKE(now));
}

static int change(struct locked *l, const struct options *o, const char *word, struct err *err)
{
    AUTO_JSON json_t *before = NULL;
    json_t *after = NULL;
    if (read_ha(&l->access, &before, err) != 0) {
        return answer_fail(o, err);
    }
    const json_t *enable = json_walk(before, "config.enable");
    if (json_is_boolean(enable) && json_is_true(enable) == str_eq(word, "on")) {
        AUTO_FREE char *why = mem_printf("HA of '%s' is %s already", l->access.container, word);
        return answer_nothing(o, why, TAKE(before));
    }
    if (o->dry_run) {
        log_info("Would turn HA of '%s' %s: 'enable' in ha.config, and no other byte.",
                 l->access.container, word);
        return answer_done(o, TAKE(before));
    }
    AUTO_FREE char *question =
        mem_printf("Turn HA of '%s' off? OMS will not restart what fails.", l->access.container);
    if (str_eq(word, "off") && !answer_is_yes(o, question)) {
        return answer_nothing(o, "not confirmed; HA is on", TAKE(before));
    }
    return switch_ha(l, before, word, &after, err) == 0 ? answer_done(o, after)
                                                        : answer_fail(o, err);
}

int command_ha(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_LOCKED struct locked l = {.lock = -1};
    const char *name = options->arguments.items[1];
    const char *word = options->arguments.items[2];
    if (!str_eq(word, "on") && !str_eq(word, "off") && !str_eq(word, "show")) {
        err_fail(&err, ERR_USAGE, "'%s' is nothing that HA can be\nHINT: on, off or show", word);
        return answer_fail(options, &err);
    }
    bool only_show = str_eq(word, "show");
    int rc = session_open(options, &l.session, &err);
    if (rc == 0 && only_show) {
        rc = metadb_access_open(&l.session, name, NULL, &l.access, &err);
    } else if (rc == 0) {
        rc = locked_open(&l, name, NULL, &err);
    }
    if (rc != 0) {
        return answer_fail(options, &err);
    }
    return only_show ? show(&l.access, options, &err) : change(&l, options, word, &err);
}
