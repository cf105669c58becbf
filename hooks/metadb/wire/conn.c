#include "hooks/metadb/wire/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "hooks/metadb/wire/session.h"
#include "hooks/metadb/wire/sql.h"

#define CONNECT_TIMEOUT_S 10
/* A single statement may be slow (an index of a large table, a count): nothing comes meanwhile, and
 * only the caller's deadline ends it. A server that is gone is noticed by the kernel's probes. */
#define READ_TIMEOUT_S (24 * 60 * 60)
#define WRITE_TIMEOUT_S 120
#define PROBE_AFTER_S 60
#define PROBE_EVERY_S 15
#define PROBES_MAX 8
#define PACKET_MAX (1024UL * 1024 * 1024)

/* Client and server error numbers by name: the two libraries' headers differ, the numbers do not.
 */
enum {
    CLIENT_CANNOT_CONNECT_SOCKET = 2002,
    CLIENT_CANNOT_CONNECT = 2003,
    CLIENT_UNKNOWN_HOST = 2005,
    CLIENT_SERVER_GONE = 2006,
    CLIENT_SERVER_LOST = 2013,
    CLIENT_TLS_ERROR = 2026,
    CLIENT_LAST = 2999,
    CLIENT_METHOD_REFUSED = 5010,
    SERVER_DISK_FULL = 1021,
    SERVER_TOO_MANY = 1040,
    SERVER_TABLE_FULL = 1114,
    SERVER_HOST_BLOCKED = 1129,
    SERVER_HOST_REFUSED = 1130,
    SERVER_TLS_REQUIRED = 3159,
};

static enum err_kind kind_of(unsigned number)
{
    switch (number) {
    case 1044: /* no access to database */
    case 1045: /* wrong user or password */
    case 1142: /* command denied on table */
    case 1143: /* command denied on column */
    case 1227: /* needs a privilege */
    case 1370: /* routine denied */
    case 1410: /* may not create a user with GRANT */
    case 1698: /* access denied, no password */
    case SERVER_HOST_REFUSED:
    case SERVER_TLS_REQUIRED:
        return ERR_PERMISSION;
    case 1049: /* unknown database */
    case 1051: /* unknown table in DROP */
    case 1054: /* unknown column */
    case 1146: /* no such table */
    case 1193: /* unknown system variable */
    case 1305: /* no such routine */
        return ERR_NOT_FOUND;
    case 1205: /* lock wait timeout */
    case 1969: /* max_statement_time */
    case 3024: /* max_execution_time */
        return ERR_TIMEOUT;
    case 1053: /* shutdown in progress */
    case 1077: /* normal shutdown */
    case SERVER_TOO_MANY:
    case SERVER_HOST_BLOCKED:
        return ERR_UNREACHABLE;
    default:
        return number >= 2000 && number <= CLIENT_LAST ? ERR_UNREACHABLE : ERR_FAILED;
    }
}

unsigned conn_errno(const struct conn *c)
{
    return mysql_errno(c->mysql);
}

int conn_fail(const struct conn *c, struct err *err)
{
    unsigned number = mysql_errno(c->mysql);
    const struct request *r = c->request;
    if (number == CLIENT_SERVER_GONE || number == CLIENT_SERVER_LOST) {
        err_fail(err, ERR_UNREACHABLE,
                 "the MetaDB at '%s:%u' broke the connection off: %s (error %u)", r->host, r->port,
                 mysql_error(c->mysql), number);
        return err_hint(err, "see whether the database server is still up, and its own log");
    }
    err_fail(err, kind_of(number), "the MetaDB at '%s:%u' says: %s (error %u)", r->host, r->port,
             mysql_error(c->mysql), number);
    if (err->kind == ERR_PERMISSION) {
        err_hint(err, "grant user '%s' what is missing, or use a user who has it", r->user);
    }
    if (number == SERVER_DISK_FULL || number == SERVER_TABLE_FULL) {
        err_hint(err, "make room on the disk of the database server, then call again");
    }
    return -1;
}

static const char *const flavor_names[] = {
    [FLAVOR_MYSQL] = "mysql", [FLAVOR_MARIADB] = "mariadb", [FLAVOR_OCEANBASE] = "oceanbase"};
_Static_assert(ARRAY_LEN(flavor_names) == FLAVOR_MAX, "a flavor has no name");

const char *conn_flavor_name(enum conn_flavor flavor)
{
    return flavor_names[flavor];
}

int conn_library_init(struct err *err)
{
    if (mysql_library_init(0, NULL, NULL) != 0) {
        return err_fail(err, ERR_FAILED, "the MySQL client library cannot be started");
    }
    return 0;
}

enum conn_flavor conn_flavor_of(const char *version, const char *comment)
{
    if (strcasestr(version, "oceanbase") || strcasestr(comment, "oceanbase")) {
        return FLAVOR_OCEANBASE;
    }
    return strcasestr(version, "mariadb") || strcasestr(comment, "mariadb") ? FLAVOR_MARIADB
                                                                            : FLAVOR_MYSQL;
}

static int connect_fail(const struct conn *c, struct err *err)
{
    unsigned number = mysql_errno(c->mysql);
    const struct request *r = c->request;
    const char *words = mysql_error(c->mysql);
    if (number == 1045 || number == 1698) {
        err_fail(err, ERR_PERMISSION,
                 "the MetaDB at '%s:%u' refused user '%s' and the password: %s (error %u)", r->host,
                 r->port, r->user, words, number);
        return err_hint(err, "compare oms_meta_user and oms_meta_password in config.yaml with what "
                             "the database expects, and whether the user may come from this host");
    }
    if (number == CLIENT_METHOD_REFUSED) { /* the library's words may name another method */
        err_fail(
            err, ERR_REFUSED,
            "the MetaDB at '%s:%u' wants the password of user '%s' in a way that would give it "
            "away (error %u)",
            r->host, r->port, r->user, number);
        return err_hint(err, "see that this is the database server, and let the user log in by "
                             "mysql_native_password, caching_sha2_password or ed25519");
    }
    enum err_kind kind = kind_of(number);
    if (kind == ERR_PERMISSION) {
        err_fail(err, kind, "the MetaDB at '%s:%u' lets user '%s' not in: %s (error %u)", r->host,
                 r->port, r->user, words, number);
        return err_hint(err, "allow this host and user in the database server");
    }
    err_fail(err, ERR_UNREACHABLE, "the MetaDB at '%s:%u' cannot be reached: %s (error %u)",
             r->host, r->port, words, number);
    return err_hint(err, "see that the database server is up, and that oms_meta_host and "
                         "oms_meta_port in config.yaml lead to it from this host");
}

/* Those that prove the password and do not send it. The server names the method, and would be sent
 * the password in clear for the asking. Oracle's library does so only when told to. */
static void restrict_methods(MYSQL *mysql)
{
#ifdef MARIADB_BASE_VERSION
    mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                  "mysql_native_password,caching_sha2_password,client_ed25519,parsec");
#else
    (void)mysql;
#endif
}

static int connect_once(struct conn *c, bool tls)
{
    const struct request *r = c->request;
    const unsigned connect_s = CONNECT_TIMEOUT_S, read_s = READ_TIMEOUT_S,
                   write_s = WRITE_TIMEOUT_S;
    const unsigned protocol = MYSQL_PROTOCOL_TCP, no = 0;
    const unsigned long packet = PACKET_MAX;
    c->mysql = mysql_init(NULL);
    if (!c->mysql) {
        abort(); /* out of memory */
    }
    mysql_options(c->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(c->mysql, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(c->mysql, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
    /* "localhost" would mean a socket of this machine, which OMS inside its container never uses.
     */
    mysql_options(c->mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(c->mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(c->mysql, MYSQL_OPT_LOCAL_INFILE, &no);
    mysql_options(c->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    restrict_methods(c->mysql);
    if (tls) {
        /* Naming ciphers is the one way to ask for TLS that both libraries have. */
        mysql_options(c->mysql, MYSQL_OPT_SSL_CIPHER, "HIGH");
    }
    return mysql_real_connect(c->mysql, r->host, r->user,
                              r->password.bytes ? r->password.bytes : "", NULL, r->port, NULL,
                              CLIENT_MULTI_RESULTS)
               ? 0
               : -1;
}

/* A user who must use TLS is refused without it as if the password were wrong. */
static bool tls_may_help(const struct conn *c)
{
    unsigned number = mysql_errno(c->mysql);
    return number == 1045 || number == SERVER_TLS_REQUIRED || number == CLIENT_TLS_ERROR;
}

static int connect_any(struct conn *c, struct err *err)
{
    if (connect_once(c, false) == 0) {
        return 0;
    }
    connect_fail(c, err);
    if (tls_may_help(c)) {
        mysql_close(c->mysql);
        if (connect_once(c, true) == 0) {
            return 0;
        }
    }
    return -1;
}

static int ask_flavor(struct conn *c, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (conn_query(c, "SELECT VERSION(), @@version_comment", &rows, err) < 0) {
        return -1;
    }
    if (!rows_next(&rows)) {
        return err_fail(err, ERR_FAILED, "the MetaDB does not tell its version");
    }
    c->flavor = conn_flavor_of(rows_text(&rows, 0, ""), rows_text(&rows, 1, ""));
    return 0;
}

/* So that a host or a network that is gone ends a wait for an answer within minutes. */
static void probe_peer(const struct conn *c)
{
    const int on = 1, after_s = PROBE_AFTER_S, every_s = PROBE_EVERY_S, max = PROBES_MAX;
    int fd = (int)c->mysql->net.fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after_s, sizeof(after_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &max, sizeof(max));
}

int conn_open(const struct request *request, struct conn *ret, struct err *err)
{
    AUTO_CONN struct conn c = {.mysql = NULL, .request = request};
    if (connect_any(&c, err) < 0) {
        return -1;
    }
    probe_peer(&c);
    if (session_open(&c, err) < 0 || ask_flavor(&c, err) < 0) {
        return -1;
    }
    *ret = c;
    c.mysql = NULL;
    return 0;
}

void conn_close(struct conn *c)
{
    if (c->mysql) {
        mysql_close(c->mysql);
        c->mysql = NULL;
    }
}

int conn_exec(struct conn *c, const char *sql, size_t len, struct err *err)
{
    if (mysql_real_query(c->mysql, sql, (unsigned long)len) != 0) {
        return conn_fail(c, err);
    }
    if (mysql_field_count(c->mysql) > 0) {
        MYSQL_RES *result = mysql_store_result(c->mysql);
        if (!result) {
            return conn_fail(c, err);
        }
        mysql_free_result(result);
    }
    return 0;
}

int conn_execf(struct conn *c, struct err *err, const char *fmt, ...)
{
    char *sql = NULL;
    va_list ap;
    va_start(ap, fmt);
    int len = vasprintf(&sql, fmt, ap);
    va_end(ap);
    if (len < 0) {
        abort(); /* out of memory */
    }
    int rc = conn_exec(c, sql, (size_t)len, err);
    free(sql);
    return rc;
}

int conn_exec_name(struct conn *c, const char *head, const char *name, const char *tail,
                   struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, head);
    sql_name(&sql, name);
    str_append(&sql, tail);
    return conn_exec(c, str_get(&sql), sql.len, err);
}

uint64_t conn_affected(const struct conn *c)
{
    return mysql_affected_rows(c->mysql);
}

int conn_query(struct conn *c, const char *sql, struct rows *ret, struct err *err)
{
    if (mysql_real_query(c->mysql, sql, (unsigned long)strlen(sql)) != 0) {
        return conn_fail(c, err);
    }
    MYSQL_RES *result = mysql_store_result(c->mysql);
    if (!result) {
        return mysql_errno(c->mysql)
                   ? conn_fail(c, err)
                   : err_fail(err, ERR_FAILED, "the MetaDB gave no rows where some are expected");
    }
    *ret = (struct rows){.result = result, .columns = mysql_num_fields(result)};
    return 0;
}

bool rows_next(struct rows *r)
{
    r->row = mysql_fetch_row(r->result);
    r->len = r->row ? mysql_fetch_lengths(r->result) : NULL;
    return r->row != NULL;
}

const char *rows_text(const struct rows *r, unsigned column, const char *otherwise)
{
    return column < r->columns && r->row[column] ? r->row[column] : otherwise;
}

uint64_t rows_u64(const struct rows *r, unsigned column, uint64_t otherwise)
{
    const char *text = rows_text(r, column, NULL);
    return text && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : otherwise;
}

unsigned rows_find(const struct rows *r, const char *name)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(r->result);
    for (unsigned i = 0; i < r->columns; i++) {
        if (strcasecmp(fields[i].name, name) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

void rows_free(struct rows *r)
{
    if (r->result) {
        mysql_free_result(r->result);
        r->result = NULL;
    }
}

int conn_query_text(struct conn *c, const char *sql, char **ret, struct err *err)
{
    AUTO_ROWS struct rows rows = ROWS_INIT;
    if (conn_query(c, sql, &rows, err) < 0) {
        return -1;
    }
    const char *text = rows_next(&rows) ? rows_text(&rows, 0, NULL) : NULL;
    *ret = text ? mem_strndup(text, rows.len[0]) : NULL;
    return 0;
}
