/* `lock`: one run at a time on these databases, from whatever host. Holds GET_LOCK() until the
 * process ends; the server lets go when the connection does, so a dead owner is no lock. */
#include <string.h>

#include "hooks/metadb/ops/ops.h"
#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/report.h"
#include "hooks/metadb/wire/sql.h"
#include "launcher/base/digest.h"
#include "launcher/base/stop.h"

#define NO_SUCH_FUNCTION 1305 /* ER_SP_DOES_NOT_EXIST: a server without user locks */
/* How the holder is told to others: as a comment in the statement that it runs all the time. */
#define HOLDER_MARK "omslaunch lock: "

/* The server allows 64 characters; a database's name may have as many. */
static void lock_name(const struct request *r, struct str *ret)
{
    char hex[DIGEST_HEX_MAX];
    digest_of(r->rm_db, strlen(r->rm_db), hex);
    str_appendf(ret, "omslaunch.%.16s", hex);
}

static char *find_holder(struct conn *c, const char *name)
{
    AUTO_STR struct str sql = STR_INIT;
    char *text = NULL;
    struct err ignored;
    str_appendf(&sql,
                "SELECT info FROM information_schema.processlist WHERE id = IS_USED_LOCK('%s')",
                name);
    if (conn_query_text(c, str_get(&sql), &text, &ignored) < 0 || text == NULL) {
        return mem_strdup("somebody who does not say who");
    }
    char *mark = strstr(text, HOLDER_MARK);
    char *end = mark == NULL ? NULL : strstr(mark, " */");
    if (end == NULL) {
        return text;
    }
    char *holder =
        mem_strndup(mark + strlen(HOLDER_MARK), (size_t)(end - mark) - strlen(HOLDER_MARK));
    free(text);
    return holder;
}

/* In short waits, with a word between them: who waits for us must be able to give up. */
static int take(struct conn *c, const char *name, uint64_t wait_s, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_appendf(&sql, "SELECT GET_LOCK('%s', 1)", name);
    for (uint64_t waited_s = 0;; waited_s++) {
        AUTO_FREE char *got = NULL;
        if (conn_query_text(c, str_get(&sql), &got, err) < 0) {
            return -1;
        }
        if (str_eq(got, "1")) {
            return 0;
        }
        if (waited_s + 1 >= wait_s || stop_requested()) {
            break;
        }
        report_progress("waiting", 0, 0, false);
    }
    AUTO_FREE char *holder = find_holder(c, name);
    return err_fail(err, ERR_LOCKED,
                    "another run works on these databases: %s\n"
                    "HINT: wait for it to end (--lock-wait 10m does)",
                    holder);
}

/* A comment cannot be ended from inside, whatever a host calls itself. */
static char *clean_holder(const char *text)
{
    char *clean = mem_strdup(text);
    for (char *p = clean; *p != '\0'; p++) {
        if (*p == '*' || *p == '/' || *p == '\\' || (unsigned char)*p < ' ') {
            *p = ' ';
        }
    }
    return clean;
}

static int hold(struct conn *c, const char *holder, struct err *err)
{
    AUTO_FREE char *clean = clean_holder(holder);
    while (!stop_requested()) {
        report_progress("held", 0, 0, false);
        if (conn_execf(c, err, "DO /* " HOLDER_MARK "%s */ SLEEP(0.25)", clean) < 0) {
            return -1;
        }
    }
    return 0;
}

int lock_run(const struct request *request, json_t **ret, struct err *err)
{
    AUTO_CONN struct conn c = CONN_INIT;
    AUTO_STR struct str name = STR_INIT;
    uint64_t wait_s = (uint64_t)json_int(request->parameters, "wait_ms", 0) / 1000;
    if (conn_open(request, &c, err) < 0) {
        return -1;
    }
    lock_name(request, &name);
    if (take(&c, str_get(&name), wait_s, err) < 0) {
        if (conn_errno(&c) != NO_SUCH_FUNCTION) {
            return -1;
        }
        *ret = json_make("{s:b}", "held", 0);
        return 0;
    }
    if (hold(&c, json_text(request->parameters, "holder", ""), err) < 0) {
        return -1;
    }
    *ret = json_make("{s:b}", "held", 1);
    return 0;
}
