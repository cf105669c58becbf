/* The floor of every backup: fetches all rows of the databases on N connections and throws them
 * away. Tables with a whole-number id are fetched in ranges, so that the connections end together.
 *
 *   rawfetch HOST PORT USER CONNECTIONS DATABASE...    (password in $RAWFETCH_PASSWORD) */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mysql.h>

enum { RANGES = 24, ITEMS_MAX = 4096 };

static char *items[ITEMS_MAX];
static int item_count, item_next;
static const char *host, *user, *password;
static unsigned port;
static unsigned long long rows_total, bytes_total;

static void die(MYSQL *m)
{
    fprintf(stderr, "rawfetch: %s\n", mysql_error(m));
    exit(1);
}

static MYSQL *open_connection(void)
{
    MYSQL *m = mysql_init(NULL);
    unsigned tcp = MYSQL_PROTOCOL_TCP;
    mysql_options(m, MYSQL_OPT_PROTOCOL, &tcp);
    if (!mysql_real_connect(m, host, user, password, NULL, port, NULL, 0)) {
        die(m);
    }
    /* No conversion on the way: the cheapest fetch there is. */
    if (mysql_query(m, "SET character_set_results = NULL") != 0) {
        die(m);
    }
    return m;
}

static void add_item(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (item_count == ITEMS_MAX || vasprintf(&items[item_count++], fmt, ap) < 0) {
        exit(1);
    }
    va_end(ap);
}

static MYSQL_RES *ask(MYSQL *m, const char *fmt, ...)
{
    char *sql;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&sql, fmt, ap) < 0 || mysql_query(m, sql) != 0) {
        die(m);
    }
    va_end(ap);
    free(sql);
    return mysql_store_result(m);
}

static void plan(MYSQL *m, const char *database)
{
    MYSQL_RES *tables = ask(m, "SHOW TABLES FROM `%s`", database);
    for (MYSQL_ROW t; (t = mysql_fetch_row(tables));) {
        MYSQL_RES *id = ask(m, "SHOW COLUMNS FROM `%s`.`%s` LIKE 'id'", database, t[0]);
        MYSQL_ROW ends = NULL;
        MYSQL_RES *range = NULL;
        if (mysql_fetch_row(id)) {
            range = ask(m, "SELECT MIN(id), MAX(id) FROM `%s`.`%s`", database, t[0]);
            ends = mysql_fetch_row(range);
        }
        if (ends && ends[0] && atoll(ends[1]) - atoll(ends[0]) > 100000) {
            long long from = atoll(ends[0]), step = (atoll(ends[1]) - from) / RANGES + 1;
            for (int i = 0; i < RANGES; i++) {
                add_item("SELECT * FROM `%s`.`%s` WHERE id >= %lld AND id < %lld", database, t[0],
                         from + i * step, from + (i + 1) * step);
            }
        } else {
            add_item("SELECT * FROM `%s`.`%s`", database, t[0]);
        }
        if (range) {
            mysql_free_result(range);
        }
        mysql_free_result(id);
    }
    mysql_free_result(tables);
}

static void *fetch(void *unused)
{
    MYSQL *m = open_connection();
    unsigned long long rows = 0, bytes = 0;
    (void)unused;
    for (int i; (i = __atomic_fetch_add(&item_next, 1, __ATOMIC_RELAXED)) < item_count;) {
        if (mysql_query(m, items[i]) != 0) {
            die(m);
        }
        MYSQL_RES *r = mysql_use_result(m);
        unsigned columns = mysql_num_fields(r);
        while (mysql_fetch_row(r)) {
            const unsigned long *lens = mysql_fetch_lengths(r);
            rows++;
            for (unsigned k = 0; k < columns; k++) {
                bytes += lens[k];
            }
        }
        if (mysql_errno(m)) {
            die(m);
        }
        mysql_free_result(r);
    }
    __atomic_add_fetch(&rows_total, rows, __ATOMIC_RELAXED);
    __atomic_add_fetch(&bytes_total, bytes, __ATOMIC_RELAXED);
    mysql_close(m);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    if (argc < 6) {
        fprintf(stderr, "usage: rawfetch HOST PORT USER CONNECTIONS DATABASE...\n");
        return 64;
    }
    host = argv[1];
    port = (unsigned)atoi(argv[2]);
    user = argv[3];
    password = getenv("RAWFETCH_PASSWORD");
    int count = atoi(argv[4]);
    if (count < 1 || count > 64) {
        return 64;
    }
    MYSQL *m = open_connection();
    for (int i = 5; i < argc; i++) {
        plan(m, argv[i]);
    }
    mysql_close(m);
    for (int i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, fetch, NULL);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%llu rows, %llu bytes\n", rows_total, bytes_total);
    return 0;
}
