/* wait_healthy: the containers, the consoles and the servers, until all of them are well. */
#include <stdlib.h>
#include <string.h>

#include "inspect/container.h"
#include "inspect/oms_health.h"
#include "inspect/servers.h"
#include "launcher/base/clock.h"
#include "launcher/base/foreign.h"
#include "launcher/base/stop.h"
#include "launcher/base/tail.h"
#include "launcher/upgrade/run_impl.h"
#include "launcher/upgrade/step_health.h"
#include "launcher/upgrade/step_impl.h"

#define POLL_MS 200
#define HTTP_TIMEOUT_MS 5000
#define SERVERS_TIMEOUT_MS 30000
/* A live supervisor writes its heart_beat every few seconds: who is silent for this long is not
 * alive. */
#define SILENCE_MS 60000U
#define SILENCE_TIMEOUT_MS (2 * SILENCE_MS)

/* What is still missing; empty when all is well. */
struct health {
    struct run *run;
    bool new_ones;
    struct str *missing; /* one per node */
    struct str certificate;
    uint64_t begun_ms;    /* monotonic: when the wait began */
    struct servers first; /* as the MetaDB had them when it was first asked */
};

static int keep_tail(void *arg, int stream, const char *bytes, size_t len)
{
    (void)stream;
    foreign_lines_feed(arg, bytes, len);
    return 0;
}

static int refuse_stopped(struct run *r, int node, const char *id, const struct container *c,
                          struct err *err)
{
    AUTO_STR struct str shown = STR_INIT;
    AUTO_TAIL struct tail tail = {.count = 0};
    struct foreign_lines lines = {.on_line = tail_add, .arg = &tail, .raw = STR_INIT};
    struct err ignored;
    bool known = engine_container_logs(r->nodes[node].engine, id, TAIL_LINES, keep_tail, &lines,
                                       &ignored) == 0;
    foreign_lines_end(&lines);
    if (known) {
        tail_append_to(&tail, &shown);
    }
    return err_fail(err, ERR_FAILED,
                    "the container '%s' stopped with exit code %d before OMS was healthy; its last "
                    "lines:%s\nHINT: 'docker logs %s' has the rest",
                    c->name, c->exit_code,
                    known ? str_get(&shown) : " (the engine does not give them)", c->name);
}

/* One line: the rest of an error is for its end. */
static void add_missing(struct str *missing, const char *text)
{
    str_appendf(missing, "%s%.*s", missing->len > 0 ? "; " : "", (int)strcspn(text, "\n"), text);
}

/* An engine or a MetaDB that restarts comes back: that is waited for like everything else. */
static int note_silence(struct str *missing, const struct err *err)
{
    if (err->kind != ERR_UNREACHABLE && err->kind != ERR_TIMEOUT) {
        return -1;
    }
    add_missing(missing, err->text);
    return 0;
}

/* Restarting by itself never makes an OMS whole: that is a failure at once, not a wait. */
static int check_container(struct health *h, int node, struct err *err)
{
    struct run *r = h->run;
    const char *id = h->new_ones ? run_new_id(r, node) : run_old_id(r, node);
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    if (run_inspect(r, node, id, &c, err) != 0) {
        return note_silence(&h->missing[node], err);
    }
    return c.running && !c.restarting ? 0 : refuse_stopped(r, node, id, &c, err);
}

/* Where a node answers: the upgrade may change address and TLS. */
static const struct plan_health *health_of(const struct health *h, int node)
{
    const struct plan_node *plan = run_node_plan(h->run, node);
    return h->new_ones ? &plan->new.health : &plan->old.health;
}

static void check_http(struct health *h, int node, struct str *certificate)
{
    const struct plan_health *plan = health_of(h, node);
    const struct health_place place = {
        .host_ip = plan->host_ip,
        .port = oms_health_port(plan->url),
        .tls = str_starts_with(plan->url, "https:"),
        .local = plan->local,
        .engine = plan->inside ? h->run->nodes[node].engine : NULL,
        .container = h->new_ones ? run_new_id(h->run, node) : run_old_id(h->run, node),
        .known_url = plan->url,
    };
    AUTO_OMS_HEALTH struct oms_health health = {.answer = HEALTH_NOT_ASKED};
    if (plan->no_console) {
        return;
    }
    oms_health_find(&place, HTTP_TIMEOUT_MS, &health);
    if (health.answer != HEALTH_WELL && !(plan->no_endpoint && health.answer == HEALTH_ABSENT)) {
        AUTO_FREE char *text = mem_printf("%s %s", health.url, str_get(&health.state));
        add_missing(&h->missing[node], text);
    }
    str_append(certificate, str_get(&health.certificate));
}

/* A heartbeat must be younger than the container; where the clock was set back since it started,
 * younger than the wait. */
static uint64_t age_limit_ms(uint64_t since_ms, const struct health *h)
{
    uint64_t now_ms = clock_wall_ms();
    uint64_t waited_ms = clock_mono_ms() - h->begun_ms;
    uint64_t lived_ms = now_ms > since_ms ? now_ms - since_ms : 0;
    return lived_ms > waited_ms ? lived_ms : waited_ms;
}

static void check_server(struct health *h, int node, const struct servers *servers,
                         uint64_t since_ms)
{
    const struct plan_health *plan = health_of(h, node);
    const char *ip = plan->host_ip;
    if (ip == NULL) {
        return; /* an OMS without OMS_HOST_IP: there is no telling which server it is */
    }
    const struct server *server = servers_find(servers, ip);
    const struct server *first = servers_find(&h->first, ip);
    bool listed = server != NULL && server->status != NULL;
    AUTO_FREE char *text = NULL;
    if (!plan->no_server && !server_is_online(server)) {
        text =
            mem_printf("server %s is %s", ip, listed ? server->status : "not known to the MetaDB");
    } else if (!plan->no_heartbeat &&
               server_beat(first, server, age_limit_ms(since_ms, h)) != BEAT_MOVES) {
        text = mem_printf("server %s has no fresh heart_beat", ip);
    }
    if (text != NULL) {
        add_missing(&h->missing[node], text);
    }
}

/* An old container that did not run before is not waited for; nor is a node that was left behind.
 */
static bool is_awaited(const struct health *h, int node)
{
    return !h->run->nodes[node].is_left && !health_of(h, node)->no_container &&
           (h->new_ones || run_node_plan(h->run, node)->old.running);
}

struct look {
    struct health *health;
    struct str *certificates; /* one per node */
};

static int look_at_node(void *arg, size_t index, struct err *err)
{
    const struct look *l = arg;
    int node = (int)index;
    str_reset(&l->health->missing[node]);
    str_reset(&l->certificates[node]);
    if (!is_awaited(l->health, node)) {
        return 0;
    }
    if (check_container(l->health, node, err) != 0) {
        return -1;
    }
    check_http(l->health, node, &l->certificates[node]);
    return 0;
}

static int look_at_nodes(struct health *h, struct err *err)
{
    size_t count = h->run->plan->node_count;
    AUTO_FREE struct wave_result *results = mem_grow(NULL, count, sizeof(*results));
    AUTO_FREE struct plan_row *rows = mem_grow(NULL, count, sizeof(*rows));
    AUTO_FREE struct str *certificates = mem_alloc(count * sizeof(*certificates));
    struct look l = {.health = h, .certificates = certificates};
    size_t failed =
        wave_run(&h->run->wave, count, h->run->request.parallel, false, look_at_node, &l, results);
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct plan_row){.subject = subject_node((int)i)};
        if (h->certificate.len == 0) {
            str_append(&h->certificate, str_get(&certificates[i]));
        }
        str_free(&certificates[i]);
    }
    if (failed > 0) {
        run_join_failures(h->run, rows, results, count, err);
        return -1;
    }
    return 0;
}

static bool is_all_well(const struct health *h)
{
    bool well = true;
    for (size_t i = 0; i < h->run->plan->node_count; i++) {
        well = well && h->missing[i].len == 0;
    }
    return well;
}

static int ask_servers(struct run *r, struct servers *ret, struct err *err)
{
    AUTO_JSON json_t *answer = NULL;
    if (run_metadb(r, "servers", NULL, SERVERS_TIMEOUT_MS, &answer, err) != 0) {
        return -1;
    }
    servers_from_json(answer, ret);
    return ret->known ? 0
                      : err_fail(err, ERR_FAILED,
                                 "the answer of 'omslaunch-metadb servers' has no 'hosts'");
}

static void check_servers(struct health *h, struct servers *servers, uint64_t since_ms)
{
    for (size_t i = 0; i < h->run->plan->node_count; i++) {
        if (is_awaited(h, (int)i)) {
            check_server(h, (int)i, servers, since_ms);
        }
    }
    if (!h->first.known) {
        h->first = *servers;
        *servers = (struct servers){.known = false};
    }
}

/* One look at everything. The MetaDB is asked only when everything else is well. */
static int look(struct health *h, uint64_t since_ms, struct err *err)
{
    AUTO_SERVERS struct servers servers = {.known = false};
    bool any = false;
    if (look_at_nodes(h, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < h->run->plan->node_count; i++) {
        const struct plan_health *plan = health_of(h, (int)i);
        any = any || (is_awaited(h, (int)i) && !(plan->no_server && plan->no_heartbeat));
    }
    if (!any || !is_all_well(h)) {
        return 0;
    }
    if (ask_servers(h->run, &servers, err) != 0) {
        return note_silence(&h->missing[0], err);
    }
    check_servers(h, &servers, since_ms);
    return 0;
}

/* When the containers that are waited for were started: heartbeats before that are their
 * predecessors'. */
static uint64_t started_ms(const struct health *h)
{
    uint64_t last_ms = 0;
    for (size_t i = 0; i < h->run->plan->node_count; i++) {
        enum step_id step = h->new_ones ? STEP_START_NEW : STEP_BACK_START_OLD;
        const struct evidence *e = run_evidence(h->run, step, subject_node((int)i));
        uint64_t at_ms = e != NULL ? e->started.started_ms : 0;
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    return last_ms;
}

/* One sentence. */
static void join_missing(const struct health *h, struct str *ret)
{
    size_t count = h->run->plan->node_count;
    for (size_t i = 0; i < count; i++) {
        if (h->missing[i].len > 0) {
            str_appendf(ret, "%s%s%s%s", ret->len > 0 ? "; " : "",
                        count > 1 ? h->run->plan->nodes[i].name : "", count > 1 ? ": " : "",
                        str_get(&h->missing[i]));
        }
    }
}

/* Whatever the signal cut short, the wait is what was stopped. */
static int refuse_stop(const struct health *h, struct err *err)
{
    AUTO_STR struct str missing = STR_INIT;
    join_missing(h, &missing);
    return err_fail(err, ERR_INTERRUPTED, "asked to stop while waiting for OMS%s%s",
                    missing.len > 0 ? ": " : "", str_get(&missing));
}

static int refuse_late(const struct health *h, uint64_t timeout_ms, struct err *err)
{
    AUTO_STR struct str missing = STR_INIT;
    join_missing(h, &missing);
    return err_fail(err, ERR_TIMEOUT,
                    "OMS is not healthy after %llu s: %s\n"
                    "HINT: look at the container's log and /home/admin/logs, or wait longer "
                    "with --health-timeout",
                    (unsigned long long)(timeout_ms / 1000), str_get(&missing));
}

static int wait_until_healthy(struct health *h, struct err *err)
{
    uint64_t timeout_ms = h->run->plan->options.health_timeout_ms;
    uint64_t deadline_ms = clock_deadline(timeout_ms);
    uint64_t since_ms = started_ms(h);
    h->begun_ms = clock_mono_ms();
    for (;;) {
        AUTO_STR struct str missing = STR_INIT;
        if (look(h, since_ms, err) != 0) {
            return err->kind == ERR_INTERRUPTED ? refuse_stop(h, err) : -1;
        }
        if (is_all_well(h)) {
            return 0;
        }
        join_missing(h, &missing);
        run_say_progress(h->run, str_get(&missing), 0, 0, false);
        if (stop_requested()) {
            return refuse_stop(h, err);
        }
        if (clock_passed(deadline_ms)) {
            return refuse_late(h, timeout_ms, err);
        }
        clock_sleep_ms(POLL_MS);
    }
}

/* What nobody was asked for, on whatever node. */
static void tell_left_out(const struct health *h, struct str *ret)
{
    bool console = false, endpoint = false, server = false, heartbeat = false;
    for (size_t i = 0; i < h->run->plan->node_count; i++) {
        const struct plan_health *plan = health_of(h, (int)i);
        console = console || plan->no_console;
        endpoint = endpoint || plan->no_endpoint;
        server = server || plan->no_server;
        heartbeat = heartbeat || plan->no_heartbeat;
    }
    if (console || endpoint || server || heartbeat) {
        str_appendf(ret, "; not asked for:%s%s%s%s", console ? " console" : "",
                    endpoint ? " /oms/health" : "", server ? " ONLINE" : "",
                    heartbeat ? " heart_beat" : "");
    }
}

static int wait_and_tell(struct run *r, bool new_ones, struct evidence *ret, struct err *err)
{
    size_t count = r->plan->node_count;
    AUTO_FREE struct str *missing = mem_alloc(count * sizeof(*missing));
    struct health h = {.run = r, .new_ones = new_ones, .missing = missing};
    uint64_t begun_ms = clock_mono_ms();
    int rc = wait_until_healthy(&h, err);
    if (rc == 0) {
        AUTO_STR struct str summary = STR_INIT;
        str_append(&summary, "container, console and servers are well after ");
        str_append_duration(&summary, clock_mono_ms() - begun_ms);
        tell_left_out(&h, &summary);
        if (h.certificate.len > 0) {
            str_appendf(&summary, "; certificate: %s", str_get(&h.certificate));
        }
        ret->summary = str_take(&summary);
    }
    for (size_t i = 0; i < count; i++) {
        str_free(&missing[i]);
    }
    str_free(&h.certificate);
    servers_free(&h.first);
    return rc;
}

int health_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    return wait_and_tell(call->run, true, ret, err);
}

/* The same gate on the way back: its success is as carefully verified as the upgrade's. */
int back_healthy_apply(const struct step_call *call, struct evidence *ret, struct err *err)
{
    return wait_and_tell(call->run, false, ret, err);
}

/* ---- nodes that cannot be asked ---- */

/* A new container that was never started there cannot be alive. */
static bool may_be_alive(const struct run *r, int node)
{
    return r->nodes[node].is_left && run_row(r, STEP_START_NEW, subject_node(node)) != NULL;
}

/* The first that has a heartbeat which has moved since the last look, or may yet move; NULL: none.
 */
static const char *find_alive(const struct run *r, const struct servers *before,
                              const struct servers *now, bool is_long_ago, bool *ret_moved)
{
    for (size_t i = 0; i < r->plan->node_count; i++) {
        const char *ip = run_node_plan(r, (int)i)->new.health.host_ip;
        if (ip == NULL || !may_be_alive(r, (int)i)) {
            continue;
        }
        const struct server *then = servers_find(before, ip);
        const struct server *server = servers_find(now, ip);
        bool beats = server != NULL && server->beat != NULL;
        bool moved = beats && (then == NULL || !str_eq(then->beat, server->beat));
        if (moved || (beats && !is_long_ago)) {
            *ret_moved = moved;
            return ip;
        }
    }
    return NULL;
}

static bool any_may_be_alive(const struct run *r)
{
    bool any = false;
    for (size_t i = 0; i < r->plan->node_count; i++) {
        any = any || may_be_alive(r, (int)i);
    }
    return any;
}

static int refuse_alive(const struct run *r, const char *ip, struct err *err)
{
    err_fail(err, ERR_FAILED,
             "the new OMS on %s cannot be stopped, and it still writes its heart_beat: the "
             "databases cannot be restored under it\n"
             "HINT: stop it there (docker stop), then 'omslaunch rollback %s'",
             ip, r->id);
    return err_ask_person(err);
}

/* The clocks of writer and server may differ: what counts is that nothing moves for a while. */
int wait_until_left_are_silent(struct run *r, struct err *err)
{
    uint64_t deadline_ms = clock_deadline(SILENCE_TIMEOUT_MS);
    uint64_t still_since_ms = clock_mono_ms();
    AUTO_SERVERS struct servers before = {.known = false};
    if (!any_may_be_alive(r)) {
        return 0;
    }
    if (ask_servers(r, &before, err) != 0) {
        return -1;
    }
    for (;;) {
        AUTO_SERVERS struct servers now = {.known = false};
        bool moved = false;
        bool is_long_ago = clock_mono_ms() - still_since_ms >= SILENCE_MS;
        if (ask_servers(r, &now, err) != 0) {
            return -1;
        }
        const char *alive = find_alive(r, &before, &now, is_long_ago, &moved);
        if (alive == NULL) {
            return 0;
        }
        if (clock_passed(deadline_ms)) {
            return refuse_alive(r, alive, err);
        }
        AUTO_FREE char *text = mem_printf("waiting until the heart_beat of %s rests", alive);
        run_say_progress(r, text, 0, 0, false);
        if (stop_requested()) {
            return err_fail(err, ERR_INTERRUPTED, "asked to stop while waiting for %s", alive);
        }
        still_since_ms = moved ? clock_mono_ms() : still_since_ms;
        servers_free(&before);
        before = now;
        now = (struct servers){.known = false};
        clock_sleep_ms(POLL_MS * 5);
    }
}
