/* A MetaDB program for tests: the test's own binary, called as omslaunch-metadb is. The user's name
 * is the folder in which its "databases" are files:
 *   log     one line for each call, of the engine too: their order is what tests compare
 *   fault   "MODE KEY": what goes wrong at the call with that number or that line, once
 *   ha      the text of ha.config; schema   what docker_init.sh changes and a restore puts back
 *   servers what it answers about them; not there: one that is well */
#ifndef OMSLAUNCH_TESTS_WORLD_METADB_H
#define OMSLAUNCH_TESTS_WORLD_METADB_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "tests/unit/unit.h"

#define FILE_MAX 65536
#define WORDS_MAX ((size_t)4 * 1024 * 1024)

enum fault {
    FAULT_NONE,
    FAULT_FAIL,        /* says no, and does nothing */
    FAULT_UNREACHABLE, /* the same, as a server that is not there */
    FAULT_DROP,        /* gives no answer, and has done nothing */
    FAULT_LOSE,        /* has done it, and gives no answer */
    FAULT_KILL_BEFORE, /* the upgrade is killed, nothing was done */
    FAULT_KILL_AFTER,  /* the upgrade is killed, it was done */
    FAULT_TERM,        /* the upgrade gets SIGTERM; it is done */
    FAULT_MAX
};

static const char *const fault_names[FAULT_MAX] = {"none", "fail",        "unreachable", "drop",
                                                   "lose", "kill-before", "kill-after",  "term"};

static char *file_read(const char *folder, const char *name)
{
    AUTO_FREE char *path = fs_join(folder, name);
    AUTO_STR struct str text = STR_INIT;
    struct err ignored;

    return fs_read(path, FILE_MAX, false, &text, &ignored) != 0 ? NULL : str_take(&text);
}

static void file_put(const char *folder, const char *name, const char *text, int flags)
{
    AUTO_FREE char *path = fs_join(folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

    if (fd < 0 || fs_write_all(fd, text, strlen(text)) != 0) {
        abort();
    }
    (void)close(fd);
}

static void file_write(const char *folder, const char *name, const char *text)
{
    file_put(folder, name, text, O_TRUNC);
}

/* What everybody says who can say anything, and may be any bytes; empty: the usual words. */
static void words_read(const char *folder, struct str *ret)
{
    AUTO_FREE char *path = fs_join(folder, "words");
    struct err ignored;

    (void)!fs_read(path, WORDS_MAX, false, ret, &ignored);
}

/* Notes a call in the log, and finds out whether it is the one that goes wrong. */
static enum fault note_call(const char *folder, const char *line)
{
    AUTO_FREE char *log = file_read(folder, "log");
    AUTO_FREE char *fault = file_read(folder, "fault");
    AUTO_FREE char *whole = mem_printf("%s\n", line);
    unsigned number = 1;

    for (const char *at = log; at != NULL && *at != '\0'; at++) {
        number += *at == '\n';
    }
    file_put(folder, "log", whole, O_APPEND);
    const char *key = fault != NULL ? strchr(fault, ' ') : NULL;
    AUTO_FREE char *as_number = mem_printf("%u", number);
    if (key == NULL || (!str_eq(key + 1, line) && !str_eq(key + 1, as_number))) {
        return FAULT_NONE;
    }
    AUTO_FREE char *path = fs_join(folder, "fault");
    (void)unlink(path);
    for (enum fault f = FAULT_FAIL; f < FAULT_MAX; f++) {
        if (strncmp(fault, fault_names[f], (size_t)(key - fault)) == 0 &&
            strlen(fault_names[f]) == (size_t)(key - fault)) {
            return f;
        }
    }
    abort();
}

static void say(const json_t *event_take)
{
    AUTO_JSON json_t *event = (json_t *)(uintptr_t)event_take;
    AUTO_FREE char *text = json_compact(event);
    AUTO_FREE char *line = mem_printf("%s\n", text);

    if (fs_write_all(3, line, strlen(line)) != 0) {
        _exit(1);
    }
}

static json_t *parse(const char *text)
{
    json_t *j = NULL;
    struct err err;

    if (json_parse(text, strlen(text), "the test's own JSON", &j, &err) != 0) {
        abort();
    }
    return j;
}

static json_t *facts_of(const char *folder)
{
    AUTO_FREE char *ha = file_read(folder, "ha");
    json_t *facts = parse(
        "{\"server\":{\"version\":\"10.11.6\",\"flavor\":\"mariadb\",\"now_ms\":1795342001000,"
        "\"max_allowed_packet\":67108864,\"character_set\":\"utf8mb4\"},\"databases\":["
        "{\"role\":\"rm\",\"name\":\"rm\",\"exists\":true,\"tables\":41,\"data_bytes\":1000},"
        "{\"role\":\"cm\",\"name\":\"cm\",\"exists\":true,\"tables\":7,\"data_bytes\":20},"
        "{\"role\":\"heartbeat\",\"name\":\"hb\",\"exists\":true,\"tables\":2,\"data_bytes\":4}]}");
    json_put_text(facts, "ha_config", ha);
    return facts;
}

static json_t *set_ha(const char *folder, const json_t *request)
{
    AUTO_FREE char *before = file_read(folder, "ha");
    AUTO_JSON json_t *config = parse(before);

    if (!str_eq(before, json_text(request, "expect", NULL))) {
        say(json_make("{s:s,s:s,s:s}", "event", "error", "kind", "failed", "text",
                      "ha.config is not what it was"));
        _exit(1);
    }
    json_object_update(config, json_object_get(request, "set"));
    AUTO_FREE char *after = json_compact(config);
    file_write(folder, "ha", after);
    return json_make("{s:s,s:s,s:b}", "before", before, "after", after, "changed", 1);
}

static json_t *get_ha(const char *folder)
{
    AUTO_FREE char *text = file_read(folder, "ha");

    return json_make("{s:s?,s:o}", "text", text, "config",
                     text == NULL ? json_null() : parse(text));
}

static json_t *copy_schema(const char *from, const char *to)
{
    AUTO_FREE char *schema = file_read(from, "schema");

    file_write(to, "schema", schema);
    return json_make("{s:i,s:i,s:i,s:[{s:s,s:s}]}", "tables", 50, "rows", 42, "bytes", 1000,
                     "databases", "database", "rm", "quarantine", "rm__old_r1");
}

static json_t *carry_out(const char *folder, const char *command, const json_t *request)
{
    const char *backup = json_text(request, "folder", "");

    if (str_eq(command, "facts")) {
        return facts_of(folder);
    }
    if (str_eq(command, "ha-get")) {
        return get_ha(folder);
    }
    if (str_eq(command, "ha-set")) {
        return set_ha(folder, request);
    }
    if (str_eq(command, "trim")) {
        return parse("[{\"database\":\"hb\",\"deleted\":7}]");
    }
    if (str_eq(command, "servers")) {
        AUTO_FREE char *servers = file_read(folder, "servers");
        return parse(servers != NULL ? servers
                                     : "{\"hosts\":[{\"ip\":\"127.0.0.1\",\"status\":\"ONLINE\","
                                       "\"heartbeat_age_ms\":0}]}");
    }
    if (str_eq(command, "fingerprint")) {
        AUTO_FREE char *schema = file_read(folder, "schema");
        return json_make("{s:s}", "fingerprint", schema);
    }
    if (str_eq(command, "dump")) {
        (void)mkdir(backup, 0700);
        return copy_schema(folder, backup);
    }
    if (str_eq(command, "restore")) {
        return copy_schema(backup, folder);
    }
    abort();
}

/* What is asked of it, in one line; what only looks is not noted but by its name. */
static char *describe_request(const char *command, const json_t *request)
{
    AUTO_JSON json_t *set = json_incref(json_object_get(request, "set"));
    AUTO_FREE char *text = set != NULL ? json_compact(set) : mem_strdup("");

    /* How long the outage was is not the same each time, but more than the reserve. */
    if (json_int(set, "refetchStoreIntervalMin", 0) == 31) {
        return mem_printf("metadb %s on, refetch", command);
    }
    return mem_printf("metadb %s%s%s", command, text[0] != '\0' ? " " : "", text);
}

/* What goes wrong before anything is done; -1: nothing. */
static int suffer(const char *folder, enum fault fault)
{
    AUTO_STR struct str words = STR_INIT;

    words_read(folder, &words);
    if (fault == FAULT_FAIL && words.len > 0) {
        AUTO_STR struct str line = STR_INIT;
        str_append(&line, "{\"event\":\"error\",\"kind\":\"failed\",\"text\":\"");
        str_append_n(&line, words.data, words.len);
        str_append(&line, "\"}\n");
        (void)!fs_write_all(3, line.data, line.len);
        (void)!fs_write_all(STDERR_FILENO, words.data, words.len);
        return 1;
    }
    if (fault == FAULT_FAIL || fault == FAULT_UNREACHABLE) {
        say(json_make("{s:s,s:s,s:s}", "event", "error", "kind",
                      fault == FAULT_FAIL ? "failed" : "unreachable", "text",
                      "as the test wanted it\nHINT: none"));
        return 1;
    }
    if (fault == FAULT_TERM) {
        (void)kill(getppid(), SIGTERM);
        (void)usleep(100000); /* who minds it has ended us by then */
    }
    if (fault == FAULT_KILL_BEFORE) {
        (void)kill(getppid(), SIGKILL);
    }
    return fault == FAULT_DROP || fault == FAULT_KILL_BEFORE ? 3 : -1;
}

/* Says that it is prepared and waits. -1: go. */
static int wait_prepared(const char *folder)
{
    char word[4] = "";
    enum fault fault = note_call(folder, "metadb prepare");
    int rc = suffer(folder, fault);

    if (rc >= 0) {
        return rc;
    }
    if (fault == FAULT_KILL_AFTER) {
        (void)kill(getppid(), SIGKILL);
    }
    if (fault == FAULT_LOSE || fault == FAULT_KILL_AFTER) {
        return 3;
    }
    say(json_make("{s:s,s:{s:i,s:i}}", "event", "prepared", "prepared", "tables", 50,
                  "raw_bytes_estimate", 1000));
    return read(STDIN_FILENO, word, 3) == 3 && str_eq(word, "go\n") ? -1 : 1;
}

static int world_metadb_main(const char *command)
{
    AUTO_STR struct str input = STR_INIT;
    AUTO_JSON json_t *document = NULL;
    char buf[4096];
    struct err err;

    while (input.len < 2 || !str_eq(str_get(&input) + input.len - 2, "\n\n")) {
        ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
        if (n <= 0) {
            break;
        }
        str_append_n(&input, buf, (size_t)n);
    }
    if (json_parse(str_get(&input), input.len, "stdin", &document, &err) != 0) {
        return 2;
    }
    const char *folder = json_text(document, "metadb.user", "");
    const json_t *request = json_object_get(document, "request");
    if (str_eq(command, "lock")) {
        for (;;) {
            say(json_make("{s:s,s:s}", "event", "progress", "text", "held"));
            (void)usleep(5000);
        }
    }
    if (str_eq(command, "probe")) { /* before there is a run; it leaves nothing behind */
        say(json_make("{s:s,s:{s:i}}", "event", "result", "result", "databases", 3));
        return 0;
    }
    int rc = json_bool(request, "prepare", false) ? wait_prepared(folder) : -1;
    AUTO_FREE char *line = describe_request(command, request);
    enum fault fault = rc < 0 ? note_call(folder, line) : FAULT_NONE;
    rc = rc < 0 ? suffer(folder, fault) : rc;
    if (rc >= 0) {
        return rc;
    }
    AUTO_JSON json_t *result = carry_out(folder, command, request);
    if (fault == FAULT_KILL_AFTER) {
        (void)kill(getppid(), SIGKILL);
    }
    if (fault == FAULT_LOSE || fault == FAULT_KILL_AFTER) {
        return 3;
    }
    say(json_make("{s:s,s:O}", "event", "result", "result", result));
    return 0;
}

#endif
