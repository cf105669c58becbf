#include "launcher/net/http.h"

#include <string.h>
#include <strings.h>

void http_answer_free(struct http_answer *a)
{
    strv_free(&a->headers);
    str_free(&a->body);
}

const char *http_answer_header(const struct http_answer *a, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < a->headers.count; i++) {
        const char *line = a->headers.items[i];
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            return line + len + 1 + strspn(line + len + 1, " \t");
        }
    }
    return NULL;
}

static void append_escaped(struct str *s, const char *text, const char *also)
{
    /* Not isalnum(): the locale has no say in what a URL is. */
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL || strchr(also, *p) != NULL) {
            str_append_c(s, *p);
        } else {
            str_appendf(s, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
}

void http_append_escaped(struct str *s, const char *text)
{
    append_escaped(s, text, "");
}

void http_append_path(struct str *s, const char *text)
{
    append_escaped(s, text, "/");
}
