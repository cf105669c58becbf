/* Text on a screen: how wide it is, and how it is broken into lines. */
#ifndef OMSLAUNCH_BASE_FOLD_H
#define OMSLAUNCH_BASE_FOLD_H

#include <stddef.h>

#include "launcher/base/str.h"

/* Columns of the terminal that `fd` is; 0 when it is none: then nothing is folded. */
size_t fold_terminal_width(int fd);

/* Columns that the first `len` bytes of UTF-8 take: two for a Chinese character, none for an
 * accent. */
size_t fold_columns(const char *text, size_t len);

/* Appends `text`, of which lines that do not fit in `width` columns (0: any) are broken between
 * words; what goes on stands two columns further in than its line begins. `column` is where the
 * first line starts. A word that is too long for a line is left whole: it may be copied. */
void fold_lines(struct str *s, const char *text, size_t width, size_t column);
/* The same for one paragraph, whose further lines all stand behind `indent` columns. */
void fold_paragraph(struct str *s, const char *text, size_t width, size_t column, size_t indent);

#endif
