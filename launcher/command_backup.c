/* backup: the MetaDB of a container, without an upgrade. */

#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/locked.h"
#include "launcher/print.h"

static json_t *dump_parameters(const struct options *o, const struct metadb_access *a,
                               const char *folder)
{
    return json_make("{s:s, s:s, s:I, s:b, s:b, s:b, s:{s:s, s:s}}", "folder", folder, "compress",
                     o->compress, "workers", (json_int_t)o->workers, "triggers", (int)o->triggers,
                     "routines", (int)o->routines, "events", (int)o->events, "labels", "deployment",
                     a->container, "endpoint", a->endpoint);
}

static int take_backup(struct locked *l, const struct options *o, json_t **ret, struct err *err)
{
    AUTO_FREE char *folder = state_backup_folder(l->session.state, l->run);
    AUTO_JSON json_t *answer = NULL;
    log_info("Backup %s of the MetaDB of '%s' …", l->run, l->access.container);
    if (metadb_access_ask(&l->access, "dump", l->run, dump_parameters(o, &l->access, folder),
                          &answer, err) != 0) {
        return -1;
    }
    AUTO_STR struct str size = STR_INIT;
    str_append_size(&size, (uint64_t)json_int(answer, "bytes", 0));
    log_info("%lld tables, %lld rows, %s in %s", (long long)json_int(answer, "tables", 0),
             (long long)json_int(answer, "rows", 0), str_get(&size), folder);
    json_put_text(answer, "backup", l->run);
    if (!answer_is_json(o) && !o->quiet) {
        print_line("%s", l->run);
    }
    *ret = TAKE(answer);
    return 0;
}

int command_backup(const struct options *options)
{
    struct err err = ERR_INIT;
    json_t *data = NULL;
    AUTO_LOCKED struct locked l = {.lock = -1};
    if (session_open(options, &l.session, &err) != 0 ||
        locked_open(&l, options->arguments.items[1], NULL, &err) != 0 ||
        take_backup(&l, options, &data, &err) != 0) {
        return answer_fail(options, &err);
    }
    return answer_done(options, data);
}
