/* Views: put back in any order, on each other, and even when they are broken. */
#ifndef OMSLAUNCH_METADB_VIEW_H
#define OMSLAUNCH_METADB_VIEW_H

#include "hooks/metadb/model/schema.h"

/* The server's error number. */
enum { VIEW_IS_BROKEN = 1356 };

/* What SHOW CREATE VIEW answers: name, text, character_set_client, collation_connection. MySQL does
 * not answer for a view whose columns are gone: then the text is put together from what
 * information_schema has. */
int view_show(struct conn *c, const char *database, const char *name, struct rows *ret,
              struct err *err) MUST_USE;

/* The comment of a table that stands in for one that a broken view mentions. */
#define VIEW_STAND_IN "omslaunch stand-in"

/* All views of `s` that are not broken: first a stand-in for each, with the same columns, so that
 * each finds the others; then each takes the place of its stand-in. */
void view_append_all(struct str *sql, const struct schema *s);

/* A view that refers to what does not exist cannot be created: stand-in tables with every name it
 * mentions are created, then the view, then the stand-ins are dropped again. Goes before the tables
 * of the same names. What cannot be done so stays in the file as a comment. */
void view_append_broken(struct str *sql, const struct schema_table *view);

/* The text of CREATE VIEW without the name of the view's own database, so that it can be restored
 * under another. */
void view_append_local(struct str *sql, const char *create, const char *database);

#endif
