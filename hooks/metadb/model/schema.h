/* What a database holds, read once and then only looked at. */
#ifndef OMSLAUNCH_METADB_SCHEMA_H
#define OMSLAUNCH_METADB_SCHEMA_H

#include "hooks/metadb/wire/conn.h"
#include "hooks/metadb/wire/literal.h"

enum schema_type { SCHEMA_TABLE, SCHEMA_VIEW, SCHEMA_SEQUENCE, SCHEMA_TYPE_MAX };

#define SCHEMA_NAME_MAX 256 /* bytes: 64 characters */

struct schema_column {
    char *name;
    char *collation; /* NULL when it has none */
    struct literal_type type;
};

struct schema_table {
    const struct schema *schema;
    char *name;
    enum schema_type type;
    char *create;                  /* as SHOW CREATE gives it, in utf8mb4 */
    char *charset, *collation;     /* a view's character_set_client and collation_connection */
    bool broken;                   /* a view that refers to what is not there */
    bool history;                  /* system-versioned, and its history can be written back */
    bool transactional;            /* seen as it was at the snapshot */
    struct schema_column *columns; /* those that an INSERT may name, in order */
    size_t column_count;
    bool all_generated; /* `columns` is one of them, to be given DEFAULT: its rows are a number */
    struct strv all_columns; /* a view's, and a table's with the generated ones */
    size_t *key;             /* indices into `columns`: a primary key's head, fit for ranges */
    size_t key_count;
    bool key_whole; /* `key` is the whole primary key */
    uint64_t rows_estimate, bytes_estimate;
    char *where; /* only these rows are wanted; NULL for all */
};

struct schema {
    char *name;
    char *charset, *collation; /* the database's defaults */
    char *create;              /* SHOW CREATE DATABASE */
    struct schema_table *tables;
    size_t table_count;
    json_t *triggers; /* trigger.h */
};

/* Reads `database`, whose session is at its default character sets. ERR_NOT_FOUND. */
int schema_read(struct conn *c, const char *database, struct schema **ret,
                struct err *err) MUST_USE;
/* The same, but a table or view that cannot be read is left out, and "DB.NAME: why" is added to
 * `problems`. */
int schema_read_what_can_be(struct conn *c, const char *database, json_t *problems,
                            struct schema **ret, struct err *err) MUST_USE;
/* Brings the texts up to date. `*ret_same` is false when more has changed than texts that nothing
 * else depends on: then `s` has to be read anew. */
int schema_refresh(struct conn *c, struct schema *s, bool *ret_same, struct err *err) MUST_USE;
void schema_free(struct schema *s);
#define AUTO_SCHEMA CLEANUP(schema_free_ptr)
void schema_free_ptr(struct schema **s);

struct schema_table *schema_find(const struct schema *s, const char *name);
const char *schema_type_name(enum schema_type type);

/* "SELECT a, b*1e0, … FROM `db`.`t` [FOR SYSTEM_TIME ALL]": the values in the form that literals
 * and row hashes are made of. */
void schema_append_select(struct str *sql, const struct schema_table *t);
/* Two CREATE texts, apart from AUTO_INCREMENT, which moves as others write. */
bool schema_same_create(const char *a, const char *b);
/* Are there the same tables and views as when `s` was read? */
int schema_same_tables(struct conn *c, const struct schema *s, bool *ret, struct err *err) MUST_USE;
/* "`a`,`b`" */
void schema_append_columns(struct str *sql, const struct schema_table *t);

/* The columns, the key and the generated ones of a table whose `create` is known. */
int schema_read_columns(struct conn *c, struct schema_table *t, struct err *err) MUST_USE;
void schema_find_key(struct schema_table *t);

#endif
