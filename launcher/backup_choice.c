#include "launcher/backup_choice.h"

int backup_choose_container(const struct options *o, const struct kept_backup *b,
                            const char **ret_container, const char **ret_endpoint, struct err *err)
{
    *ret_container = o->container != NULL ? o->container : b->deployment;
    *ret_endpoint = o->container != NULL || session_names_engine(o) ? NULL : b->endpoint;
    if (*ret_container == NULL) {
        return err_fail(err, ERR_USAGE,
                        "the backup '%s' does not say which container it is of\n"
                        "HINT: name one with --container",
                        b->id);
    }
    return 0;
}

int backup_choose(const struct session *s, struct backup_list *list, const struct kept_backup **ret,
                  struct err *err)
{
    if (backups_read(s->state, list, err) != 0) {
        return -1;
    }
    return backups_find(list, s->options->arguments.items[1], ret, err);
}
