/* The command line: one table makes the parser, --help, the man page and the completions. */
#ifndef OMSLAUNCH_OPTIONS_H
#define OMSLAUNCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

/* Which commands take an option. */
enum command_bit {
    CMD_UPGRADE = 1 << 0,
    CMD_PLAN = 1 << 1,
    CMD_CHECK = 1 << 2,
    CMD_INSPECT = 1 << 3,
    CMD_STATUS = 1 << 4,
    CMD_RUNS = 1 << 5,
    CMD_RESUME = 1 << 6,
    CMD_ROLLBACK = 1 << 7,
    CMD_BACKUP = 1 << 8,
    CMD_BACKUPS = 1 << 9,
    CMD_VERIFY = 1 << 10,
    CMD_RESTORE = 1 << 11,
    CMD_PRUNE = 1 << 12,
    CMD_HA = 1 << 13,
    CMD_DISCOVER = 1 << 14,
    CMD_HOOKS = 1 << 15,
    CMD_ABANDON = 1 << 16,
    CMD_SPEC = 1 << 17,
    CMD_ALL = (1 << 18) - 1
};

struct options {
    const char *endpoint;
    const char *context;
    bool tls, tlsverify;
    const char *tlscacert, *tlscert, *tlskey;
    bool insecure_tcp;
    const char *tag;
    const char *from;
    const char *image;
    const char *load;
    const char *new_name;
    const char *host_ip;
    const char *https_crt;
    const char *https_key;
    const char *state_dir;
    const char *version_table;
    const char *config;
    const char *profile;
    struct strv set_env;
    struct strv accept;
    struct strv answer;
    struct strv node;
    const char *deployment;
    const char *node_endpoint;
    uint64_t stop_timeout_ms;
    uint64_t health_timeout_ms;
    uint64_t lock_wait_ms;
    uint64_t refetch_reserve_min;
    bool perceive_checkpoint;
    bool dry_run;
    bool yes;
    bool quiet;
    bool help;
    bool version;
    const char *container;
    const char *compress;
    const char *against;
    struct strv into;
    uint64_t workers;
    uint64_t parallel;
    uint64_t keep;
    bool containers;
    bool databases;
    struct strv databases_of;
    bool triggers, routines, events;
    bool rehearse;
    const char *on_failure;
    const char *lose_changes_since;
    const char *out;
    const char *plan;
    const char *plan_digest;
    const char *reason;
    const char *format;
    struct strv only;
    const char *output;
    const char *log_level;
    const char *log_format;
    struct strv arguments; /* what is not an option: command first */
    uint64_t given;        /* which options the command line has, by their rows */
};

#define AUTO_OPTIONS CLEANUP(options_free)

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_LIST,
    OPTION_DURATION,
    OPTION_NUMBER,
    OPTION_KIND_MAX
};

struct option_row {
    const char *name; /* without dashes */
    char letter;      /* '\0' if none */
    enum option_kind kind;
    const char *value;   /* "TAG"; NULL for a flag */
    const char *choices; /* "json|text"; NULL: any */
    unsigned commands;   /* bits of enum command_bit */
    size_t offset;       /* in struct options */
    const char *help;
};

const struct option_row *option_table(size_t *ret_count);

/* Fills in defaults, then argv (without the program's name). ERR_USAGE naming the word; then *ret
 * has what stood before it, and `output` from wherever it was given. Texts are borrowed from argv.
 */
int options_parse(int argc, char *const *argv, struct options *ret, struct err *err) MUST_USE;
/* Was it on the command line? By its offset in struct options. */
bool options_is_given(const struct options *o, size_t offset);
/* Options given that this command does not take: ERR_USAGE. */
int options_check_command(int argc, char *const *argv, unsigned command, const char *name,
                          struct err *err) MUST_USE;
void options_free(struct options *o);

#endif
