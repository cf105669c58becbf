#include "inspect/oms_health.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/json.h"
#include "launcher/engine/exec.h"
#include "launcher/net/http.h"

#define ANSWER_MAX ((size_t)64 * 1024)

void oms_health_free(struct oms_health *h)
{
    str_free(&h->state);
    str_free(&h->certificate);
    free(h->url);
    *h = (struct oms_health){.answer = HEALTH_NOT_ASKED};
}

char *oms_health_url(const char *host, unsigned port, bool tls)
{
    bool ipv6 = strchr(host, ':') != NULL && host[0] != '[';
    return mem_printf("%s://%s%s%s:%u/oms/health", tls ? "https" : "http", ipv6 ? "[" : "", host,
                      ipv6 ? "]" : "", port);
}

unsigned oms_health_port(const char *url)
{
    const char *colon = strrchr(url, ':');
    char *end = NULL;
    const unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
    return end != NULL && str_eq(end, "/oms/health") && port <= UINT16_MAX ? (unsigned)port : 0;
}

bool oms_health_is_known_of(const struct oms_version *v)
{
    return oms_version_at_least(v, 4, 1, 1);
}

/* ---- what an answer means ---- */

static bool is_html(const char *body, size_t len)
{
    size_t i = 0;
    while (i < len && strchr(" \t\r\n\xEF\xBB\xBF", body[i]) != NULL && body[i] != '\0') {
        i++;
    }
    return i < len && body[i] == '<';
}

/* Not there, or behind a login: in any case nothing that can be asked. */
static bool is_absent_status(int status)
{
    return (status >= 300 && status <= 399) || status == 401 || status == 403 || status == 404 ||
           status == 405;
}

void oms_health_judge(int status, const char *body, size_t len, struct oms_health *ret)
{
    AUTO_JSON json_t *answer = NULL;
    struct err ignored = ERR_INIT;

    ret->answer = HEALTH_UNWELL;
    if (is_absent_status(status)) {
        ret->answer = HEALTH_ABSENT;
        str_appendf(&ret->state, "answers with status %d", status);
    } else if (status != 200) {
        str_appendf(&ret->state, "answers with status %d", status);
    } else if (is_html(body, len)) {
        ret->answer = HEALTH_ABSENT;
        str_append(&ret->state, "answers with a page");
    } else if (json_parse(body, len, "the answer", &answer, &ignored) != 0) {
        str_append(&ret->state, "answers with something that is not JSON");
    } else if (!json_is_boolean(json_walk(answer, "data.healthy"))) {
        ret->answer = HEALTH_ABSENT;
        str_append(&ret->state, "answers without a word about health");
    } else if (!json_bool(answer, "data.healthy", false)) {
        str_append(&ret->state, "answers that OMS is not healthy yet");
    } else {
        ret->answer = HEALTH_WELL;
        str_append(&ret->state, "healthy");
    }
}

/* ---- asking ---- */

/* Whether the other of HTTP and HTTPS is spoken there. */
static bool ask_one(const char *url, uint64_t timeout_ms, struct oms_health *ret)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    struct err err = ERR_INIT;

    oms_health_free(ret);
    ret->url = mem_strdup(url);
    if (http_get_url(url, timeout_ms, &answer, &ret->certificate, &err) != 0) {
        ret->answer = HEALTH_SILENT;
        str_appendf(&ret->state, "does not answer: %s", err.text);
        return str_starts_with(url, "https:") && strstr(err.text, "SSL") != NULL;
    }
    const char *location = http_answer_header(&answer, "Location");
    oms_health_judge(answer.status, str_get(&answer.body), answer.body.len, ret);
    return str_starts_with(url, "http:") &&
           ((answer.status == 400 && strstr(str_get(&answer.body), "HTTPS port") != NULL) ||
            (location != NULL && str_starts_with(location, "https:")));
}

/* Of one host, over what it speaks. */
static void ask_host(const char *host, const struct health_place *place, uint64_t timeout_ms,
                     struct oms_health *ret)
{
    AUTO_FREE char *url = oms_health_url(host, place->port, place->tls);
    AUTO_FREE char *other = oms_health_url(host, place->port, !place->tls);

    if (ask_one(url, timeout_ms, ret)) {
        (void)ask_one(other, timeout_ms, ret);
    }
}

/* The status line and the body of an answer with its headers. */
static bool judge_raw(const char *text, size_t len, struct oms_health *ret)
{
    const char *space = strchr(text, ' ');
    const char *body = strstr(text, "\r\n\r\n");

    if (!str_starts_with(text, "HTTP/") || space == NULL || body == NULL) {
        return false;
    }
    body += strlen("\r\n\r\n");
    oms_health_judge((int)strtol(space, NULL, 10), body, len - (size_t)(body - text), ret);
    return true;
}

/* Where this machine does not reach the node. An OMS image has bash, and most have curl. */
static void ask_inside(const struct health_place *place, uint64_t timeout_ms,
                       struct oms_health *ret)
{
    static const char script[] =
        "for h in 127.0.0.1 \"$2\"; do [ -n \"$h\" ] || continue\n"
        "if command -v curl >/dev/null 2>&1; then\n"
        " for s in \"$3\" \"$4\"; do curl -skim 5 --noproxy '*' \"$s://$h:$1/oms/health\" && exit; "
        "done\n"
        "elif exec 3<>\"/dev/tcp/$h/$1\"; then\n"
        " printf 'GET /oms/health HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' \"$h\" >&3; cat <&3; exit\n"
        "fi; done; exit 7";
    AUTO_FREE char *port = mem_printf("%u", place->port);
    const char *const argv[] = {"bash",
                                "-c",
                                script,
                                "health",
                                port,
                                place->host_ip != NULL ? place->host_ip : "",
                                place->tls ? "https" : "http",
                                place->tls ? "http" : "https",
                                NULL};
    AUTO_STR struct str text = STR_INIT;
    AUTO_OMS_HEALTH struct oms_health health = {.answer = HEALTH_NOT_ASKED};
    struct err ignored = ERR_INIT;

    if (engine_exec_read(place->engine, place->container, argv, ANSWER_MAX, timeout_ms, &text,
                         &ignored) != 0 ||
        !judge_raw(str_get(&text), text.len, &health)) {
        return;
    }
    health.inside = true;
    health.url = oms_health_url("127.0.0.1", place->port, place->tls);
    oms_health_free(ret);
    *ret = health;
    health = (struct oms_health){.answer = HEALTH_NOT_ASKED};
}

void oms_health_find(const struct health_place *place, uint64_t timeout_ms, struct oms_health *ret)
{
    AUTO_OMS_HEALTH struct oms_health other = {.answer = HEALTH_NOT_ASKED};

    *ret = (struct oms_health){.answer = HEALTH_NOT_ASKED};
    if (place->known_url != NULL) {
        (void)ask_one(place->known_url, timeout_ms, ret);
        if (ret->answer != HEALTH_SILENT) {
            return;
        }
    }
    ask_host(place->host_ip != NULL ? place->host_ip : "127.0.0.1", place, timeout_ms, ret);
    if (ret->answer == HEALTH_SILENT && place->local && place->host_ip != NULL) {
        ask_host("127.0.0.1", place, timeout_ms, &other);
    } else if (ret->answer == HEALTH_SILENT && !place->local && place->engine != NULL) {
        ask_inside(place, timeout_ms, &other);
    }
    /* Nobody there either: the address that people use is the one to be named. */
    if (other.answer != HEALTH_NOT_ASKED && other.answer != HEALTH_SILENT) {
        oms_health_free(ret);
        *ret = other;
        other = (struct oms_health){.answer = HEALTH_NOT_ASKED};
    }
}
