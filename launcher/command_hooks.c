/* hooks: what a site has added, looked at and tried without an upgrade. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/hook_state.h"
#include "hooks/host_hook.h"
#include "launcher/answer.h"
#include "launcher/base/fold.h"
#include "launcher/base/fs.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/config_file.h"
#include "launcher/exit_code.h"
#include "launcher/print.h"
#include "launcher/table.h"

/* The words after "hooks". */
static const char *word(const struct options *o, size_t i)
{
    return o->arguments.count > i + 1 ? o->arguments.items[i + 1] : NULL;
}

/* ---- list and show ---- */

static void print_list(const struct hook_list *list)
{
    static const char *const headers[] = {"POINT",   "HOOK",       "SCOPE",   "KIND",
                                          "SANDBOX", "ON FAILURE", "TIMEOUT", "RUNS"};
    AUTO_TABLE struct table table = {.headers = headers, .columns = ARRAY_LEN(headers)};
    AUTO_STR struct str text = STR_INIT;
    for (size_t i = 0; i < list->count; i++) {
        const struct hook *h = &list->items[i];
        AUTO_STR struct str timeout = STR_INIT;
        AUTO_STR struct str command = STR_INIT;
        str_append_duration(&timeout, h->timeout_ms);
        for (size_t w = 0; w < h->command.count; w++) {
            str_appendf(&command, "%s%s", w > 0 ? " " : "", h->command.items[w]);
        }
        table_add(&table, hook_point_name(h->point));
        table_add(&table, h->name);
        table_add(&table, hook_scope_name(h->scope));
        table_add(&table, hook_kind_name(h->kind));
        table_add(&table,
                  h->kind == HOOK_HOST ? sandbox_profile_name(h->sandbox.profile) : "container");
        table_add(&table, hook_failure_name(h->on_failure));
        table_add(&table, str_get(&timeout));
        table_add(&table, str_get(&command));
    }
    table_render(&table, fold_terminal_width(STDOUT_FILENO), &text);
    answer_print(str_get(&text));
}

static int list_hooks(const struct options *o, const struct hook_list *list)
{
    json_t *hooks = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_add(hooks, hook_to_json(&list->items[i]));
    }
    if (list->count == 0) {
        log_info("There are no hooks: neither in the configuration file nor in %s.",
                 HOOK_FOLDER_DEFAULT);
    } else if (!answer_is_json(o)) {
        print_list(list);
    }
    return answer_done(o, json_make("{s:o}", "hooks", hooks));
}

/* "POINT" or "POINT/HOOK"; NULL is all. */
static bool is_meant(const struct hook *h, const char *what)
{
    const char *point = hook_point_name(h->point);
    size_t len = strlen(point);
    return what == NULL || str_eq(what, point) ||
           (strncmp(what, point, len) == 0 && what[len] == '/' && str_eq(what + len + 1, h->name));
}

static int check_meant(const struct hook_list *list, const char *what, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_meant(&list->items[i], what)) {
            return 0;
        }
    }
    return err_fail(
        err, ERR_USAGE,
        "there are no hooks '%s'\nHINT: 'omslaunch hooks list' lists them, by POINT and "
        "HOOK",
        what != NULL ? what : "");
}

static json_t *show_one(const struct hook *h)
{
    json_t *document = hook_to_json(h);
    for (int undo = 0; undo < 2 && h->kind == HOOK_HOST; undo++) {
        AUTO_FREE char *digest = NULL;
        struct err err = ERR_INIT;
        if (undo != 0 && h->undo.count == 0) {
            continue;
        }
        if (host_hook_digest(h, undo != 0, &digest, &err) == 0) {
            json_put_text(document, undo != 0 ? "undo_digest" : "digest", digest);
        } else {
            AUTO_FREE char *text = err_join(&err);
            json_put_text(document, undo != 0 ? "undo_error" : "error", text);
        }
    }
    return document;
}

static int show(const struct options *o, const struct hook_list *list, struct err *err)
{
    const char *what = word(o, 1);
    json_t *hooks = json_array();
    if (what != NULL && check_meant(list, what, err) != 0) {
        json_decref(hooks);
        return answer_fail(o, err);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (is_meant(&list->items[i], what)) {
            json_add(hooks, show_one(&list->items[i]));
        }
    }
    const char *lacks = sandbox_lacks();
    if (lacks != NULL) {
        log_warn("The sandbox lacks, on this kernel: %s.", lacks);
    }
    if (!answer_is_json(o)) {
        print_json(hooks);
    }
    return answer_done(o, json_make("{s:o, s:s?}", "hooks", hooks, "sandbox_lacks", lacks));
}

/* ---- test and trace ---- */

static void show_line(void *arg, const char *line)
{
    log_info("%s | %s", (const char *)arg, line);
}

static void show_event(void *arg, const json_t *event)
{
    log_info("%s: %s", (const char *)arg, json_text(event, "text", json_text(event, "event", "")));
}

/* A working folder of its own, which goes again. */
static char *make_folder(struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = mem_printf("%s/omslaunch-hook-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL) {
        err_fail(err, ERR_STATE, "cannot make the working folder '%s': %m\nHINT: set TMPDIR",
                 folder);
        free(folder);
        return NULL;
    }
    return folder;
}

static int try_hook(const struct hook *h, bool trace, struct host_hook_result *ret, struct err *err)
{
    AUTO_FREE char *title = mem_printf("%s/%s", hook_point_name(h->point), h->name);
    AUTO_FREE char *folder = make_folder(err);
    AUTO_JSON json_t *state = NULL;
    AUTO_STRV struct strv environment = STRV_INIT;
    if (folder == NULL) {
        return -1;
    }
    hook_state_sample(h, folder, &state, &environment);
    const struct host_hook run = {
        .hook = h,
        .state = state,
        .folder = folder,
        .environment = &environment,
        .stop_on_signal = true,
        .trace = trace,
        .on_line = show_line,
        .on_event = show_event,
        .arg = title,
    };
    int rc = host_hook_run(&run, ret, err);
    struct err ignored = ERR_INIT;
    (void)!fs_remove_tree(folder, &ignored);
    return rc;
}

static int test_one(const struct hook *h, json_t *results, struct err *err)
{
    AUTO_HOST_HOOK_RESULT struct host_hook_result result = {.attempts = 0};
    if (h->kind == HOOK_CONTAINER) {
        log_info("%s/%s runs in a container: not tried.", hook_point_name(h->point), h->name);
        return 0;
    }
    log_info("%s/%s: %s", hook_point_name(h->point), h->name, h->command.items[0]);
    if (try_hook(h, false, &result, err) != 0 ||
        (h->point == HOOK_BACKUP && host_hook_check_files(h, result.result, err) != 0)) {
        return -1;
    }
    json_add(results,
             json_make("{s:s, s:s, s:i, s:O?}", "point", hook_point_name(h->point), "hook", h->name,
                       "attempts", (int)result.attempts, "result", result.result));
    return 0;
}

static int test(const struct options *o, const struct hook_list *list, struct err *err)
{
    const char *what = word(o, 1);
    if (what == NULL) {
        err_fail(err, ERR_USAGE,
                 "'hooks test' needs a point\nHINT: omslaunch hooks test POINT, or "
                 "POINT/HOOK");
        return answer_fail(o, err);
    }
    if (check_meant(list, what, err) != 0) {
        return answer_fail(o, err);
    }
    json_t *results = json_array();
    for (size_t i = 0; i < list->count; i++) {
        if (is_meant(&list->items[i], what) && test_one(&list->items[i], results, err) != 0) {
            return answer_fail_with(o, err, exit_code_of_error(err),
                                    json_make("{s:o}", "tested", results));
        }
    }
    if (!answer_is_json(o)) {
        print_json(results);
    }
    return answer_done(o, json_make("{s:o}", "tested", results));
}

static void print_trace(const char *profile, const struct strv *denied)
{
    AUTO_STR struct str names = STR_INIT;
    for (size_t i = 0; i < denied->count; i++) {
        str_appendf(&names, "%s%s", i > 0 ? ", " : "", denied->items[i]);
    }
    if (denied->count == 0) {
        print_line("The sandbox profile '%s' denies nothing that it does.", profile);
    } else {
        print_lines("sandbox:\n  profile: %s\n  allow: [%s]", profile, str_get(&names));
    }
}

static int trace(const struct options *o, struct err *err)
{
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    AUTO_HOST_HOOK_RESULT struct host_hook_result result = {.attempts = 0};
    const char *profile = o->profile != NULL ? o->profile : "default";
    if (word(o, 1) == NULL) {
        err_fail(err, ERR_USAGE,
                 "'hooks trace' needs a program\nHINT: omslaunch hooks trace /path/of/it");
        return answer_fail(o, err);
    }
    AUTO_JSON json_t *words = json_array();
    for (size_t i = 1; word(o, i) != NULL; i++) {
        json_add(words, json_from_text(word(o, i)));
    }
    AUTO_JSON json_t *section =
        json_make("{s:[{s:s, s:O, s:s, s:{s:s}}]}", "pre-upgrade", "name", "trace", "run", words,
                  "timeout", "1h", "sandbox", "profile", profile);
    if (hook_list_add_section(&list, section, "the command line", err) != 0 ||
        try_hook(&list.items[0], true, &result, err) != 0) {
        return answer_fail(o, err);
    }
    json_t *denied = json_array();
    for (size_t i = 0; i < result.denied.count; i++) {
        json_add(denied, json_from_text(result.denied.items[i]));
    }
    if (!answer_is_json(o)) {
        print_trace(profile, &result.denied);
    }
    return answer_done(o, json_make("{s:s, s:o}", "profile", profile, "denied", denied));
}

int command_hooks(const struct options *o)
{
    struct err err = ERR_INIT;
    AUTO_HOOKS struct hook_list list = HOOK_LIST_INIT;
    const char *verb = word(o, 0);
    if (str_eq(verb, "trace")) {
        return trace(o, &err);
    }
    if (!str_eq(verb, "list") && !str_eq(verb, "show") && !str_eq(verb, "test")) {
        err_fail(&err, ERR_USAGE, "'hooks %s' is not known\nHINT: it takes list, show, test, trace",
                 verb);
        return answer_fail(o, &err);
    }
    if (config_file_read_hooks(o->config, &list, &err) != 0) {
        return answer_fail(o, &err);
    }
    if (str_eq(verb, "list")) {
        return list_hooks(o, &list);
    }
    return str_eq(verb, "show") ? show(o, &list, &err) : test(o, &list, &err);
}
