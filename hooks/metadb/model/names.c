#include "hooks/metadb/model/names.h"

#include <string.h>

#include "launcher/base/digest.h"

/* Of the database's own name; leaves room for "__try2_" and 17 characters that tell the run. */
#define HEAD_CHARS_MAX 40
#define DIGEST_CHARS 16

static const char *const marks[] = {[NAMES_STAGING] = "new_",
                                    [NAMES_QUARANTINE] = "old_",
                                    [NAMES_SCRATCH] = "try_",
                                    [NAMES_SCRATCH_TO] = "try2_"};
_Static_assert(ARRAY_LEN(marks) == NAMES_BESIDE_MAX, "a kind has no mark");

static size_t count_chars(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* The first `chars` characters of it. */
static char *cut(const char *text, size_t chars)
{
    const char *p = text;
    for (; *p; p++) {
        if (((unsigned char)*p & 0xC0) != 0x80 && chars-- == 0) {
            break;
        }
    }
    return mem_strndup(text, (size_t)(p - text));
}

char *names_head(const char *database)
{
    AUTO_FREE char *head = cut(database, HEAD_CHARS_MAX);
    return mem_printf("%s__", head);
}

char *names_of(const char *database, enum names_beside kind, const char *run)
{
    AUTO_FREE char *head = names_head(database);
    AUTO_FREE char *full = mem_printf("%s__%s%s", database, marks[kind], run);
    if (count_chars(full) > NAMES_CHARS_MAX ||
        count_chars(head) < count_chars(database) + strlen("__")) {
        char hex[DIGEST_HEX_MAX];
        digest_of(full, strlen(full), hex);
        return mem_printf("%s%s%.*s", head, marks[kind], DIGEST_CHARS, hex);
    }
    return TAKE(full);
}

bool names_is_quarantine(const char *name)
{
    return strstr(name, "__old_") != NULL;
}

bool names_is_own_table(const char *table)
{
    static const char *const own[] = {NAMES_MARKER, NAMES_SWAPPED, NAMES_DEFINITIONS};
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (strcmp(table, own[i]) == 0) {
            return true;
        }
    }
    return false;
}
