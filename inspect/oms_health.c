#include "inspect/oms_health.h"

#include <string.h>

#include "launcher/base/json.h"
#include "launcher/net/http.h"

void oms_health_free(struct oms_health *h)
{
    str_free(&h->state);
    str_free(&h->certificate);
}

char *oms_health_url(const char *host, unsigned port, bool tls)
{
    bool ipv6 = strchr(host, ':') != NULL;
    return mem_printf("%s://%s%s%s:%u/oms/health", tls ? "https" : "http", ipv6 ? "[" : "", host,
                      ipv6 ? "]" : "", port);
}

void oms_health_ask(const char *url, uint64_t timeout_ms, struct oms_health *ret)
{
    AUTO_HTTP_ANSWER struct http_answer answer = HTTP_ANSWER_INIT;
    AUTO_JSON json_t *body = NULL;
    struct err err = ERR_INIT;
    *ret = (struct oms_health){.healthy = false};
    if (http_get_url(url, timeout_ms, &answer, &ret->certificate, &err) != 0) {
        str_appendf(&ret->state, "does not answer: %s", err.text);
    } else if (answer.status != 200) {
        str_appendf(&ret->state, "answers with status %d", answer.status);
    } else if (json_parse(str_get(&answer.body), answer.body.len, url, &body, &err) != 0) {
        str_append(&ret->state, "answers with something that is no JSON");
    } else if (!json_bool(body, "data.healthy", false)) {
        str_append(&ret->state, "answers that OMS is not healthy yet");
    } else {
        str_append(&ret->state, "healthy");
        ret->healthy = true;
    }
}
