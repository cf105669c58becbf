/* Rows and columns as text for a screen of any width. */
#ifndef OMSLAUNCH_TABLE_H
#define OMSLAUNCH_TABLE_H

#include <stddef.h>

#include "launcher/base/str.h"

struct table {
    const char *const *headers; /* borrowed */
    size_t columns;
    size_t right;      /* bits of columns that hold numbers */
    struct strv cells; /* row by row */
};

#define AUTO_TABLE CLEANUP(table_free)

void table_free(struct table *t);
/* The next cell; line breaks in it become spaces, NULL is "-". */
void table_add(struct table *t, const char *cell);
void table_addf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last column goes on below itself. Where `width` (0: any) leaves it no room it stands below
 * its row; and where not even the others fit, each cell is a line of its own. */
void table_render(const struct table *t, size_t width, struct str *ret);

#endif
