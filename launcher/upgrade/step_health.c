/* wait_healthy: the container, the console and the servers, until all of them are well. */
#include "launcher/upgrade/step_impl.h"

#include <string.h>

#include "inspect/oms_health.h"
#include "launcher/base/clock.h"
#include "launcher/base/foreign.h"
#include "launcher/base/stop.h"
#include "launcher/base/tail.h"

#define POLL_MS 200
#define HTTP_TIMEOUT_MS 5000
#define SERVERS_TIMEOUT_MS 30000
/* A live supervisor writes its heart_beat every few seconds. */
#define HEARTBEAT_FRESH_MS 60000

/* What is still missing, one sentence; empty when all is well. */
struct health {
    bool new_ones;
    struct str missing;
    struct str certificate;
    uint64_t begun_ms; /* monotonic: when the wait began */
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

static void add_missing(struct health *h, const char *text)
{
    str_appendf(&h->missing, "%s%s", h->missing.len > 0 ? "; " : "", text);
}

/* An engine or a MetaDB that restarts comes back: that is waited for like everything else. */
static int note_silence(struct health *h, const struct err *err)
{
    if (err->kind != ERR_UNREACHABLE && err->kind != ERR_TIMEOUT) {
        return -1;
    }
    add_missing(h, err->text);
    return 0;
}

/* Restarting by itself never makes an OMS whole: that is a failure at once, not a wait. */
static int check_container(struct run *r, int node, const char *id, struct health *h,
                           struct err *err)
{
    AUTO_CONTAINER struct container c = CONTAINER_INIT;
    if (run_inspect(r, node, id, &c, err) != 0) {
        return note_silence(h, err);
    }
    return c.running && !c.restarting ? 0 : refuse_stopped(r, node, id, &c, err);
}

/* Where a node answers: the upgrade may change address and TLS. */
static const char *health_of(const struct run *r, int node, const struct health *h,
                             const char *field)
{
    AUTO_FREE char *path = mem_printf("%s.health.%s", h->new_ones ? "new" : "old", field);
    return json_text(plan_node(r->plan, node), path, NULL);
}

static void check_http(const struct run *r, int node, struct health *h)
{
    const char *url = health_of(r, node, h, "url");
    AUTO_OMS_HEALTH struct oms_health health = {.answer = HEALTH_NOT_ASKED};
    oms_health_ask(url, HTTP_TIMEOUT_MS, &health);
    if (health.answer != HEALTH_WELL) {
        AUTO_FREE char *text = mem_printf("%s %s", url, str_get(&health.state));
        add_missing(h, text);
    }
    if (health.certificate.len > 0 && h->certificate.len == 0) {
        str_append(&h->certificate, str_get(&health.certificate));
    }
}

static const json_t *find_host(const json_t *servers, const char *ip)
{
    const json_t *hosts = json_object_get(servers, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const json_t *host = json_array_get(hosts, i);
        if (str_eq(json_text(host, "ip", ""), ip)) {
            return host;
        }
    }
    return NULL;
}

/* A heartbeat must be younger than the container; where the clock was set back since it started,
 * younger than the wait. */
static int64_t age_limit_ms(uint64_t since_ms, const struct health *h)
{
    uint64_t now_ms = clock_wall_ms();
    uint64_t waited_ms = clock_mono_ms() - h->begun_ms;
    uint64_t lived_ms = now_ms > since_ms ? now_ms - since_ms : 0;
    return (int64_t)(lived_ms > waited_ms ? lived_ms : waited_ms);
}

static void check_server(const struct run *r, int node, const json_t *servers, uint64_t since_ms,
                         struct health *h)
{
    const char *ip = health_of(r, node, h, "host_ip");
    if (ip == NULL) {
        return; /* an OMS without OMS_HOST_IP: there is no telling which server it is */
    }
    const json_t *host = find_host(servers, ip);
    const char *status = json_text(host, "status", "not known to the MetaDB");
    int64_t age_ms = json_int(host, "heartbeat_age_ms", INT64_MAX);
    const char *separator = h->missing.len > 0 ? "; " : "";
    if (!str_eq(status, "ONLINE")) {
        str_appendf(&h->missing, "%sserver %s is %s", separator, ip, status);
    } else if (age_ms > HEARTBEAT_FRESH_MS || age_ms > age_limit_ms(since_ms, h)) {
        str_appendf(&h->missing, "%sserver %s has no fresh heart_beat", separator, ip);
    }
}

/* An old container that did not run before is not waited for. */
static bool is_awaited(const struct run *r, int node, const struct health *h)
{
    return h->new_ones || json_bool(plan_node(r->plan, node), "old.running", false);
}

/* One look at everything. The MetaDB is asked only when everything else is well. */
static int look(struct run *r, uint64_t since_ms, struct health *h, struct err *err)
{
    bool any = false;
    str_reset(&h->missing);
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        const char *id = h->new_ones ? r->nodes[i].new_id : r->nodes[i].old_id;
        if (!is_awaited(r, (int)i, h)) {
            continue;
        }
        any = true;
        if (check_container(r, (int)i, id, h, err) != 0) {
            return -1;
        }
        check_http(r, (int)i, h);
    }
    if (!any || h->missing.len > 0) {
        return 0;
    }
    AUTO_JSON json_t *servers = NULL;
    if (run_metadb(r, "servers", NULL, SERVERS_TIMEOUT_MS, &servers, err) != 0) {
        return note_silence(h, err);
    }
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        if (is_awaited(r, (int)i, h)) {
            check_server(r, (int)i, servers, since_ms, h);
        }
    }
    return 0;
}

/* When the containers that are waited for were started: heartbeats before that are their
 * predecessors'. */
static uint64_t started_ms(const struct run *r, bool new_ones)
{
    uint64_t last_ms = 0;
    for (size_t i = 0; i < plan_node_count(r->plan); i++) {
        enum step_id step = new_ones ? STEP_START_NEW : STEP_BACK_START_OLD;
        uint64_t at_ms = (uint64_t)json_int(run_evidence(r, step, (int)i), "started_ms", 0);
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    return last_ms;
}

/* Whatever the signal cut short, the wait is what was stopped. */
static int refuse_stop(const struct health *h, struct err *err)
{
    bool known = h->missing.len > 0;
    return err_fail(err, ERR_INTERRUPTED, "asked to stop while waiting for OMS%s%s",
                    known ? ": " : "", str_get(&h->missing));
}

static int wait_until_healthy(struct run *r, struct health *h, struct err *err)
{
    uint64_t timeout_ms = (uint64_t)json_int(r->plan->json, "options.health_timeout_ms", 0);
    uint64_t deadline_ms = clock_deadline(timeout_ms);
    uint64_t since_ms = started_ms(r, h->new_ones);
    h->begun_ms = clock_mono_ms();
    for (;;) {
        if (look(r, since_ms, h, err) != 0) {
            return err->kind == ERR_INTERRUPTED ? refuse_stop(h, err) : -1;
        }
        if (h->missing.len == 0) {
            return 0;
        }
        run_say_progress(r, str_get(&h->missing), 0, 0, false);
        if (stop_requested()) {
            return refuse_stop(h, err);
        }
        if (clock_passed(deadline_ms)) {
            return err_fail(
                err, ERR_TIMEOUT,
                "OMS is not healthy after %llu s: %s\n"
                "HINT: look at the container's log and /home/admin/logs, or wait longer "
                "with --health-timeout",
                (unsigned long long)(timeout_ms / 1000), str_get(&h->missing));
        }
        clock_sleep_ms(POLL_MS);
    }
}

static int wait_and_tell(struct run *r, bool new_ones, json_t **ret, struct err *err)
{
    struct health h = {.new_ones = new_ones};
    uint64_t begun_ms = clock_mono_ms();
    int rc = wait_until_healthy(r, &h, err);
    if (rc == 0) {
        AUTO_STR struct str summary = STR_INIT;
        str_append(&summary, "container, console and servers are well after ");
        str_append_duration(&summary, clock_mono_ms() - begun_ms);
        if (h.certificate.len > 0) {
            str_appendf(&summary, "; certificate: %s", str_get(&h.certificate));
        }
        *ret = json_make("{s:s}", "summary", str_get(&summary));
    }
    str_free(&h.missing);
    str_free(&h.certificate);
    return rc;
}

STEP_APPLY(health_apply)
{
    (void)node, (void)prepared;
    return wait_and_tell(r, true, ret, err);
}

/* The same gate on the way back: its success is as carefully verified as the upgrade's. */
STEP_APPLY(back_healthy_apply)
{
    (void)node, (void)prepared;
    return wait_and_tell(r, false, ret, err);
}
