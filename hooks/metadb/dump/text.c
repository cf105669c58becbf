/* The SQL before the data (session, tables) and after it (views). */
#include <string.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/sql.h"
#include "hooks/metadb/model/view.h"

/* A name inside a "--" comment must not end the line. */
static void append_comment(struct str *sql, const char *text)
{
    for (const char *p = text; *p; p++) {
        str_append_c(sql, (unsigned char)*p < ' ' ? '?' : *p);
    }
}

static bool has_history(const struct schema *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].history) {
            return true;
        }
    }
    return false;
}

/* Not strict, so that invalid ENUM values and dates come back as they are; every literal is exact,
 * so nothing is there to be adjusted. */
static void append_session(struct str *sql, const struct dump *d, const struct schema *s)
{
    str_append(sql, "SET NAMES utf8mb4;\n"
                    "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,"
                    "NO_ENGINE_SUBSTITUTION';\n"
                    "SET SESSION time_zone='+00:00';\n"
                    "SET SESSION autocommit=1;\n"
                    "SET SESSION foreign_key_checks=0;\n");
    if (d->server.flavor == FLAVOR_MARIADB) {
        str_append(sql, "SET SESSION check_constraint_checks=0;\n"
                        "SET SESSION innodb_strict_mode=0;\n"
                        "/*M!100200 SET SESSION innodb_compression_default=0 */;\n"
                        "/*M!100200 SET SESSION max_statement_time=0 */;\n"
                        "/*M!100802 SET SESSION explicit_defaults_for_timestamp=1 */;\n");
    }
    if (has_history(s)) {
        str_append(sql, "SET SESSION system_versioning_insert_history=1;\n");
    }
}

static void append_head(struct str *sql, const struct dump *d, const struct schema *s)
{
    str_append(sql, "-- Database ");
    append_comment(sql, s->name);
    str_append(sql, " of a server ");
    append_comment(sql, d->server.version);
    str_append(sql, ", saved by omslaunch " OMSLAUNCH_VERSION "\n"
                    "-- Restore it into an empty database with any client: zstd -dc FILE | mysql "
                    "DATABASE\n");
    append_session(sql, d, s);
    str_append(sql, "ALTER DATABASE CHARACTER SET ");
    str_append(sql, s->charset);
    if (*s->collation) {
        str_appendf(sql, " COLLATE %s", s->collation);
    }
    str_append(sql, ";\n");
}

/* Before the tables that they are at odds with. */
static void append_broken(struct str *sql, const struct schema *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].type == SCHEMA_VIEW && s->tables[i].broken) {
            view_append_broken(sql, &s->tables[i]);
        }
    }
}

/* Sequences come first: tables may take defaults from them. */
static void append_tables(struct str *sql, const struct schema *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].type == SCHEMA_SEQUENCE) {
            str_appendf(sql, "%s;\n", s->tables[i].create);
        }
    }
    for (size_t i = 0; i < s->table_count; i++) {
        if (s->tables[i].type == SCHEMA_TABLE) {
            /* A default of a sequence's next value names the database. */
            view_append_local(sql, s->tables[i].create, s->name);
            str_append(sql, ";\n");
        }
    }
}

static int write_frame(struct frame_writer *w, struct frame_file *file, const char *kind,
                       const struct str *sql, struct err *err)
{
    struct frame_about about = {.kind = kind};
    frame_begin(w, file);
    if (frame_append(w, str_get(sql), sql->len, err) < 0) {
        return -1;
    }
    return frame_end(w, &about, err);
}

/* Three frames, so that a restore can do other things in between than read on. */
int dump_write_head(struct dump *d, size_t database, struct frame_writer *w, struct err *err)
{
    const struct schema *s = d->schemas[database];
    struct frame_file *file = d->files[database];
    AUTO_STR struct str session = STR_INIT, broken = STR_INIT, tables = STR_INIT;
    append_head(&session, d, s);
    append_broken(&broken, s);
    append_tables(&tables, s);
    if (write_frame(w, file, "session", &session, err) < 0 ||
        (broken.len && write_frame(w, file, "broken", &broken, err) < 0)) {
        return -1;
    }
    return tables.len ? write_frame(w, file, "tables", &tables, err) : 0;
}

int dump_write_tail(struct dump *d, size_t database, struct frame_writer *w, struct err *err)
{
    AUTO_STR struct str sql = STR_INIT;
    view_append_all(&sql, d->schemas[database]);
    return sql.len ? write_frame(w, d->files[database], "views", &sql, err) : 0;
}
