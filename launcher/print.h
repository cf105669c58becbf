/* The only way to stdout. What is printed may hold words of anybody, so all of it passes the gate
 * for foreign text; JSON and XML have ways of their own to write what it would change. */
#ifndef OMSLAUNCH_PRINT_H
#define OMSLAUNCH_PRINT_H

#include "launcher/base/json.h"

/* One line: newlines in it become spaces, and one follows. */
void print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, but newlines in it stay. */
void print_lines(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Lines that end where they should. */
void print_text(const char *text);
/* Indented; characters that the gate would not let pass stand as \uXXXX, so that nothing is lost.
 */
void print_json(const json_t *document);

#endif
