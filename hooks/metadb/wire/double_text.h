/* Doubles as text, ten times faster than a server writes them: of all that a row may hold they cost
 * it most. */
#ifndef OMSLAUNCH_METADB_DOUBLE_TEXT_H
#define OMSLAUNCH_METADB_DOUBLE_TEXT_H

#define DOUBLE_TEXT_MAX 40

/* Writes the fewest digits that give back the same double, in the form that MySQL and MariaDB show
 * it in ("0.1", "-0", "1e20"); no NaN and no infinity, which no column can hold. `out` has room for
 * DOUBLE_TEXT_MAX bytes. Returns the end; no NUL. */
char *double_text(char *out, double value);

#endif
