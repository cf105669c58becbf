/* What omslaunch can do: one row a command. */
#ifndef OMSLAUNCH_COMMAND_H
#define OMSLAUNCH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "launcher/options.h"

struct command {
    const char *name;
    unsigned bit;          /* of enum command_bit */
    const char *arguments; /* "NAME", "[RUN]", "" */
    size_t min_arguments, max_arguments;
    bool mutates;
    const char *summary;                       /* one line */
    const char *text;                          /* paragraphs of its help and of the man page */
    int (*run)(const struct options *options); /* returns an exit code; has said its errors */
};

const struct command *command_table(size_t *ret_count);
const struct command *command_find(const char *name);

int command_upgrade(const struct options *options);
int command_plan(const struct options *options);
int command_spec(const struct options *options);
int command_abandon(const struct options *options);
int command_check(const struct options *options);
int command_discover(const struct options *options);
int command_hooks(const struct options *options);
int command_inspect(const struct options *options);
int command_status(const struct options *options);
int command_resume(const struct options *options);
int command_rollback(const struct options *options);
int command_backup(const struct options *options);
int command_backups(const struct options *options);
int command_verify(const struct options *options);
int command_restore(const struct options *options);
int command_prune(const struct options *options);
int command_ha(const struct options *options);
int command_runs(const struct options *options);

/* What `plan` does, for --dry-run, of what was approved; that may be NULL. */
struct approval;
int plan_show(const struct options *options, const struct approval *approval);

#endif
