/* verify: a backup proved to be good. */
#include "launcher/answer.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/backup_choice.h"
#include "launcher/metadb_access.h"
#include "launcher/state/state.h"

static const char *verify_how(const struct options *o)
{
    if (o->rehearse) {
        return "rehearsal";
    }
    return o->against != NULL ? "live" : "bytes";
}

static int verify(struct metadb_access *a, const struct kept_backup *b, const struct options *o,
                  json_t **ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    char run[RUN_ID_MAX];
    state_make_run_id(run);
    json_t *parameters = json_make("{s:s, s:s?, s:I}", "folder", b->folder, "against", o->against,
                                   "workers", (json_int_t)o->workers);
    if (metadb_access_ask(a, o->rehearse ? "rehearse" : "verify", run, parameters, &answer, err) !=
            0 ||
        backups_note_verified(b, verify_how(o), err) != 0) {
        return -1;
    }
    log_info("Backup %s is good (%s): %lld tables, %lld rows", b->id, verify_how(o),
             (long long)json_int(answer, "tables", 0), (long long)json_int(answer, "rows", 0));
    *ret = TAKE(answer);
    return 0;
}

int command_verify(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_BACKUPS struct backup_list list = {.items = NULL};
    AUTO_METADB_ACCESS struct metadb_access access = {.session = NULL};
    const struct kept_backup *b;
    const char *container;
    const char *endpoint;
    if (session_open(options, &session, &err) != 0 ||
        backup_choose(&session, &list, &b, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (!options->rehearse && options->against == NULL) {
        metadb_access_none(&session, &access);
    } else if (backup_choose_container(options, b, &container, &endpoint, &err) != 0 ||
               metadb_access_open(&session, container, endpoint, &access, &err) != 0) {
        return answer_fail(options, &err);
    }
    json_t *data = NULL;
    return verify(&access, b, options, &data, &err) == 0 ? answer_done(options, data)
                                                         : answer_fail(options, &err);
}
