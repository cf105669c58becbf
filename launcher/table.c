#include "launcher/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/fold.h"
#include "launcher/base/foreign.h"

#define GAP 2
#define COLUMNS_MAX 16
#define CELL_MAX 8000 /* bytes */
#define LAST_MIN 24   /* columns that a text needs to be read */
#define BELOW 4       /* a text below its row stands that far in */

void table_free(struct table *t)
{
    strv_free(&t->cells);
}

void table_add(struct table *t, const char *cell)
{
    /* Columns are counted in what is shown. */
    AUTO_FREE char *line = foreign_line(cell != NULL ? cell : "-", CELL_MAX);
    for (char *p = line; *p != '\0'; p++) {
        *p = *p == '\t' ? ' ' : *p;
    }
    strv_add(&t->cells, line);
}

void table_addf(struct table *t, const char *fmt, ...)
{
    AUTO_FREE char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0) {
        abort();
    }
    va_end(ap);
    table_add(t, text);
}

static const char *cell_at(const struct table *t, size_t row, size_t column)
{
    return row == 0 ? t->headers[column] : t->cells.items[(row - 1) * t->columns + column];
}

static size_t row_count(const struct table *t)
{
    return t->columns == 0 ? 0 : t->cells.count / t->columns + 1;
}

static size_t width_of(const char *cell)
{
    return fold_columns(cell, strlen(cell));
}

/* Returns where the last column begins. */
static size_t measure(const struct table *t, size_t *widths)
{
    size_t sum = 0;
    for (size_t c = 0; c + 1 < t->columns; c++) {
        widths[c] = 0;
        for (size_t r = 0; r < row_count(t); r++) {
            size_t width = width_of(cell_at(t, r, c));
            widths[c] = width > widths[c] ? width : widths[c];
        }
        sum += widths[c] + GAP;
    }
    return sum;
}

static void trim(struct str *s)
{
    while (s->len > 0 && s->data[s->len - 1] == ' ') {
        s->data[--s->len] = '\0';
    }
}

static void add_cells(const struct table *t, size_t row, const size_t *widths, struct str *ret)
{
    for (size_t c = 0; c + 1 < t->columns; c++) {
        const char *cell = cell_at(t, row, c);
        int pad = (int)(widths[c] - width_of(cell));
        bool right = (t->right >> c & 1) != 0;
        str_appendf(ret, "%*s%s%*s", right ? pad : 0, "", cell, (right ? 0 : pad) + GAP, "");
    }
}

static void render_rows(const struct table *t, const size_t *widths, size_t start, size_t width,
                        struct str *ret)
{
    bool below = width > 0 && start + LAST_MIN > width;
    for (size_t r = 0; r < row_count(t); r++) {
        const char *last = cell_at(t, r, t->columns - 1);
        add_cells(t, r, widths, ret);
        if (below && r > 0 && start + width_of(last) > width) {
            trim(ret);
            str_appendf(ret, "\n%*s", BELOW, "");
            fold_paragraph(ret, last, width, BELOW, BELOW);
        } else {
            fold_paragraph(ret, last, width, start, below ? BELOW : start);
        }
        trim(ret);
        str_append_c(ret, '\n');
    }
}

/* "HEADER  cell", a line each. */
static void render_records(const struct table *t, size_t width, struct str *ret)
{
    size_t label = 0;
    for (size_t c = 0; c < t->columns; c++) {
        label = width_of(t->headers[c]) > label ? width_of(t->headers[c]) : label;
    }
    for (size_t r = 1; r < row_count(t); r++) {
        str_append(ret, r > 1 ? "\n" : "");
        for (size_t c = 0; c < t->columns; c++) {
            str_appendf(ret, "%-*s%*s", (int)label, t->headers[c], GAP, "");
            fold_paragraph(ret, cell_at(t, r, c), width, label + GAP, label + GAP);
            trim(ret);
            str_append_c(ret, '\n');
        }
    }
}

void table_render(const struct table *t, size_t width, struct str *ret)
{
    size_t widths[COLUMNS_MAX] = {0};
    size_t start = measure(t, widths);
    if (width > 0 && start > width + GAP) {
        render_records(t, width, ret);
    } else {
        render_rows(t, widths, start, width, ret);
    }
}
