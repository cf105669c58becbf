/* Which backup a command line names, and where its databases are to be found. */
#ifndef OMSLAUNCH_BACKUP_CHOICE_H
#define OMSLAUNCH_BACKUP_CHOICE_H

#include "launcher/session.h"
#include "launcher/state/backups.h"

/* The BACKUP of the command line; `list` owns it. ERR_NOT_FOUND. */
int backup_choose(const struct session *s, struct backup_list *list, const struct kept_backup **ret,
                  struct err *err) MUST_USE;
/* The container that knows the MetaDB: the one that is named, or the one that was backed up.
 * *ret_endpoint is NULL for the session's. ERR_USAGE when nothing tells. */
int backup_choose_container(const struct options *o, const struct kept_backup *b,
                            const char **ret_container, const char **ret_endpoint,
                            struct err *err) MUST_USE;

#endif
