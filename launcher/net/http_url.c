/* GET of any URL; and what both users of libcurl share. */
#include <pthread.h>
#include <string.h>

#include "launcher/net/http.h"
#include "launcher/net/http_curl.h"

#define MAX_ERROR_ANSWER ((size_t)64 << 10)

static void global_init_now(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_curl_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, global_init_now);
}

/* libcurl before 7.85 knows the numbers only, newer ones call those deprecated. */
void http_curl_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

const char *http_curl_words(const char *text)
{
    static const char *const openers[] = {"SSL routines::", "SSL certificate problem: ", "SSL: "};

    for (size_t i = 0; i < ARRAY_LEN(openers); i++) {
        const char *at = strstr(text, openers[i]);
        if (at != NULL) {
            return at + strlen(openers[i]);
        }
    }
    return text;
}

static size_t on_url_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_answer *answer = arg;
    size_t room = MAX_ERROR_ANSWER - answer->body.len;

    str_append_n(&answer->body, bytes, size * count < room ? size * count : room);
    return size * count;
}

/* Fields of the first certificate: that of the server itself. */
static void describe_certificate(CURL *c, struct str *ret)
{
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1) {
        return;
    }
    for (const struct curl_slist *field = info->certinfo[0]; field != NULL; field = field->next) {
        if (str_starts_with(field->data, "Subject:")) {
            str_appendf(ret, "%s", field->data + strlen("Subject:"));
        } else if (str_starts_with(field->data, "Expire date:")) {
            str_appendf(ret, "%svalid until %s", ret->len > 0 ? ", " : "",
                        field->data + strlen("Expire date:"));
        }
    }
}

int http_get_url(const char *url, uint64_t timeout_ms, struct http_answer *ret,
                 struct str *ret_certificate, struct err *err)
{
    char text[CURL_ERROR_SIZE] = "";
    long status = 0;

    http_curl_init();
    CURL *c = curl_easy_init();
    if (c == NULL) {
        return err_fail(err, ERR_FAILED, "libcurl does not start");
    }
    curl_easy_setopt(c, CURLOPT_URL, url);
    http_curl_protocols(c);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever http_proxy says */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "omslaunch/" OMSLAUNCH_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_url_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, ret);
    CURLcode code = curl_easy_perform(c);
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    if (code == CURLE_OK) {
        describe_certificate(c, ret_certificate);
    }
    curl_easy_cleanup(c);
    if (code != CURLE_OK) {
        return err_fail(err, ERR_UNREACHABLE, "%s",
                        text[0] != '\0' ? text : curl_easy_strerror(code));
    }
    return 0;
}
