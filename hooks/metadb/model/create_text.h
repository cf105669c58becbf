/* What a restore changes in CREATE TABLE on its way into a staging database. Text only. */
#ifndef OMSLAUNCH_METADB_CREATE_TEXT_H
#define OMSLAUNCH_METADB_CREATE_TEXT_H

#include <stdbool.h>

#include "launcher/base/str.h"

/* Names of databases: from[i] is called to[i] now. */
struct name_map {
    struct strv from, to;
};

/* Foreign keys name the database of another table: the restored one is meant, wherever it is for
 * now. `names` may be NULL. */
void create_map_references(struct str *out, const char *create, const struct name_map *names);

/* The same for views, in which a database stands before the dot of any name. */
void create_map_databases(struct str *out, const char *create, const struct name_map *names);

/* Takes the secondary indexes out: building them once after the data is several times faster.
 * `ret_keys` becomes "ADD KEY …, ADD UNIQUE KEY …". False, and nothing appended, for tables where
 * that would change anything but time (foreign keys, partitions, history, special indexes, no
 * primary key, AUTO_INCREMENT that lives on another index). */
bool create_split_keys(const char *create, struct str *ret_create, struct str *ret_keys);

/* Column lines whose default takes the next value of a sequence: RENAME leaves them naming the
 * database they were made in. Appends one MODIFY COLUMN each; false when there is none. */
bool create_sequence_defaults(const char *create, struct str *ret_changes);

#endif
