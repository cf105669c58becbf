#include "launcher/base/near.h"

#include <stdint.h>
#include <string.h>

#include "launcher/base/mem.h"
#include "launcher/base/str.h"

/* Beyond that nobody means a name; and the work is by the square of it. */
#define WORD_MAX 128
#define PREFIX_MIN 2

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t near_distance(const char *a, const char *b)
{
    const size_t n = strlen(b);
    AUTO_FREE size_t *rows = mem_alloc(3 * (n + 1) * sizeof(*rows));
    size_t *before = rows;
    size_t *above = rows + n + 1;
    size_t *row = rows + 2 * (n + 1);
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = least(least(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[n];
}

const char *near_find(const char *word, const char *const *names, size_t count)
{
    const char *found = NULL;
    const size_t len = strlen(word);
    size_t best = len / 3 + 1;
    if (len < PREFIX_MIN || len > WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t distance =
            strlen(names[i]) > 2 * WORD_MAX ? SIZE_MAX : near_distance(word, names[i]);
        if (str_starts_with(names[i], word)) {
            distance = 0;
        }
        if (distance < best) {
            best = distance;
            found = names[i];
        }
    }
    return found;
}
