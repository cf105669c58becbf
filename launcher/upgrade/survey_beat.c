#include "launcher/upgrade/survey_part.h"

#include "launcher/base/clock.h"

#define SERVERS_TIMEOUT_MS 30000U
/* Supervisors write every few seconds; what does not move for this long does not move. */
#define STILL_AFTER_MS 15000U
#define PAUSE_MS 500U

static int ask_servers(const struct metadb *db, struct servers *ret, struct err *err)
{
    const struct metadb_request request = {
        .command = "servers", .timeout_ms = SERVERS_TIMEOUT_MS, .stop_on_signal = true};
    AUTO_JSON json_t *answer = NULL;
    if (metadb_call(db, &request, &answer, err) != 0) {
        return -1;
    }
    servers_from_json(answer, ret);
    return 0;
}

/* Whether all that could still move has moved. */
static bool judge_beats(struct survey *s, const struct servers *first)
{
    bool all = true;
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        struct node *n = &s->deployment.nodes[i];
        if (n->old.running && n->host_ip != NULL && n->beat != BEAT_MOVES) {
            n->beat = server_beat(servers_find(first, n->host_ip),
                                  servers_find(&s->deployment.servers, n->host_ip), UINT64_MAX);
            all = all && n->beat != BEAT_STILL;
        }
    }
    return all;
}

int survey_watch_heartbeats(const struct metadb *db, struct survey *s, struct err *err)
{
    AUTO_SERVERS struct servers first = {.known = false};
    struct err failure = ERR_INIT;
    const uint64_t deadline_ms = clock_deadline(STILL_AFTER_MS);
    if (ask_servers(db, &s->deployment.servers, &failure) != 0) {
        *err = failure;
        return failure.kind == ERR_INTERRUPTED ? -1 : 0;
    }
    while (!judge_beats(s, &first) && !clock_passed(deadline_ms)) {
        struct servers now = {.known = false};
        clock_sleep_ms(PAUSE_MS);
        if (ask_servers(db, &now, &failure) != 0) {
            *err = failure;
            return failure.kind == ERR_INTERRUPTED ? -1 : 0;
        }
        if (!first.known) {
            first = s->deployment.servers;
        } else {
            servers_free(&s->deployment.servers);
        }
        s->deployment.servers = now;
    }
    return 0;
}
