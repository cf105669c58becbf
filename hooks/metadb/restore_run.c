/* The commands `restore` and `rehearse`. */
#include "hooks/metadb/restore.h"

int restore_run(const struct request *request, json_t **ret, struct err *err)
{
    (void)request, (void)ret;
    return err_fail(err, ERR_FAILED, "'restore' is not built yet");
}

int rehearse_run(const struct request *request, json_t **ret, struct err *err)
{
    (void)request, (void)ret;
    return err_fail(err, ERR_FAILED, "'rehearse' is not built yet");
}
