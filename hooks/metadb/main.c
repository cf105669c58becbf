/* omslaunch-metadb: the only program that speaks SQL. `omslaunch-metadb COMMAND < request.json`;
 * hooks/metadb_call.h has the protocol, docs/metadb.md the commands. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb/dump/dump.h"
#include "hooks/metadb/model/fingerprint.h"
#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/restore/restore.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/report.h"
#include "launcher/base/clock.h"
#include "launcher/base/stop.h"

enum { EXIT_DONE = 0, EXIT_FAILED_NOW = 1, EXIT_USAGE_WRONG = 64, EXIT_TRY_LATER = 75 };

/* What a command that was asked to stop has to come to an end by itself. */
#define STOP_GRACE_MS 3000

struct command {
    const char *name;
    int (*run)(const struct request *request, json_t **ret, struct err *err);
    const char *help;
};

static const struct command commands[] = {
    {"facts", facts_run, "what the databases are and hold; changes nothing"},
    {"servers", servers_run, "status and heartbeat age of every server"},
    {"ha-get", ha_get_run, "the HA settings, as text and as JSON"},
    {"ha-set", ha_set_run, "changes keys of the HA settings, and no other byte of them"},
    {"probe", probe_run, "tries in scratch databases what a restore will have to do"},
    {"fingerprint", fingerprint_run, "a digest of the schema, to tell whether a migration ran"},
    {"lock", lock_run, "keeps other runs off these databases until it ends"},
    {"trim", trim_run, "deletes all but the newest row of each heartbeat sequence"},
    {"dump", dump_run, "backs the databases up into a folder"},
    {"verify", verify_run, "compares every byte of a backup with its manifest"},
    {"restore", restore_run, "puts a backup in the place of the databases, which are kept"},
    {"rehearse", rehearse_run, "restores a backup into scratch databases, and drops them"},
    {"drop-old", drop_old_run, "drops databases in which a restore has kept what was there"},
};

static void print_help(FILE *to)
{
    fputs(
        "usage: omslaunch-metadb COMMAND < REQUEST.json\n\n"
        "Speaks to the MetaDB for omslaunch. The request (address, user, password, databases) is\n"
        "one JSON document on stdin; the answer is JSON lines on descriptor 3, or on stdout when\n"
        "3 is not open.\n\nCommands:\n",
        to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
    }
    fputs("\nOptions:\n  --help       this text\n  --version    the version\n\n"
          "Exit status: 0 done, 1 failed, 64 wrong use, 75 try again later.\n",
          to);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int exit_code(enum err_kind kind)
{
    if (kind == ERR_USAGE) {
        return EXIT_USAGE_WRONG;
    }
    return kind == ERR_LOCKED ? EXIT_TRY_LATER : EXIT_FAILED_NOW;
}

/* The client library cannot be woken from a read, so a thread of its own ends the program when a
 * signal or the deadline says so. Nothing is lost by it: what a command writes counts as whole only
 * by its last, atomic act. */
static void *watch(void *arg)
{
    uint64_t deadline = clock_deadline(((const struct request *)arg)->timeout_ms);
    struct pollfd fd = {.fd = stop_fd(), .events = POLLIN};
    while (!stop_requested() && !clock_passed(deadline)) {
        uint64_t left = clock_left_ms(deadline);
        (void)poll(&fd, 1, left > 60000 ? 60000 : (int)left);
    }
    struct err err = ERR_INIT;
    if (stop_requested()) {
        uint64_t until = clock_deadline(STOP_GRACE_MS);
        while (!clock_passed(until)) {
            usleep(20000);
        }
        err_fail(&err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
    } else {
        err_fail(&err, ERR_TIMEOUT, "not done within %llu s, so given up",
                 (unsigned long long)(((const struct request *)arg)->timeout_ms / 1000));
        err_hint(&err, "see whether the database server is overloaded or waits for a lock");
    }
    report_error(&err);
    _exit(EXIT_FAILED_NOW);
}

static int start_watch(struct request *request, struct err *err)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch, request) != 0) {
        return err_fail(err, ERR_FAILED, "no thread can be started: the process limit is reached");
    }
    pthread_detach(thread);
    return 0;
}

static int run_command(const struct command *command, struct err *err)
{
    /* Static: the watching thread may read it until the process ends. */
    static struct request request;
    if (request_read(STDIN_FILENO, &request, err) < 0 || start_watch(&request, err) < 0) {
        return -1;
    }
    json_t *result = NULL;
    if (command->run(&request, &result, err) < 0) {
        if (stop_requested() && err->kind != ERR_INTERRUPTED) {
            err_wrap(err, "stopped by signal %d", stop_signal());
            err->kind = ERR_INTERRUPTED;
        }
        return -1;
    }
    report_result_take(result);
    return 0;
}

int main(int argc, char **argv)
{
    secret_protect_process();
    report_open();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("omslaunch-metadb " OMSLAUNCH_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = argc == 2 ? find_command(argv[1]) : NULL;
    if (!command || isatty(STDIN_FILENO)) {
        if (argc == 2 && !command) {
            fprintf(stderr, "omslaunch-metadb: unknown command '%s'\n", argv[1]);
        }
        print_help(stderr);
        return EXIT_USAGE_WRONG;
    }
    stop_catch_signals();
    struct err err = ERR_INIT;
    int code = EXIT_DONE;
    if (conn_library_init(&err) < 0 || run_command(command, &err) < 0) {
        report_error(&err);
        code = exit_code(err.kind);
    }
    fflush(NULL);
    /* Not exit(): the watching thread still uses what exit() would take down. */
    _exit(code);
}
