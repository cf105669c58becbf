/* Numbers, sizes and durations: read from people, written for people. */
#include "launcher/base/str.h"

#include <inttypes.h>
#include <string.h>

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
/* Long enough for anybody, short enough to be added to any clock. */
#define LONGEST_DURATION_H UINT64_C(87600)

/* The digits that `s` starts with; returns what follows them, NULL if there are none or too many.
 */
static const char *read_digits(const char *s, uint64_t *ret)
{
    uint64_t value = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
            return NULL;
        }
    }
    if (p == s) {
        return NULL;
    }
    *ret = value;
    return p;
}

int str_to_u64(const char *s, uint64_t min, uint64_t max, const char *what, uint64_t *ret,
               struct err *err)
{
    uint64_t value = 0;
    const char *end = read_digits(s, &value);
    if (end && *end == '\0' && value >= min && value <= max) {
        *ret = value;
        return 0;
    }
    if (max == UINT64_MAX) {
        return err_fail(err, ERR_USAGE, "%s '%s' is no whole number of at least %" PRIu64, what, s,
                        min);
    }
    return err_fail(err, ERR_USAGE, "%s '%s' is no number from %" PRIu64 " to %" PRIu64, what, s,
                    min, max);
}

int str_to_duration_ms(const char *s, const char *what, uint64_t *ret_ms, struct err *err)
{
    static const struct {
        const char *suffix;
        uint64_t ms;
    } units[] = {{"", SECOND_MS}, {"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}};
    uint64_t value = 0;
    const char *suffix = read_digits(s, &value);
    for (size_t i = 0; suffix && i < ARRAY_LEN(units); i++) {
        if (strcmp(suffix, units[i].suffix) != 0) {
            continue;
        }
        if (value > LONGEST_DURATION_H * HOUR_MS / units[i].ms) {
            return err_fail(err, ERR_USAGE, "%s '%s' is longer than %" PRIu64 "h", what, s,
                            LONGEST_DURATION_H);
        }
        *ret_ms = value * units[i].ms;
        return 0;
    }
    return err_fail(err, ERR_USAGE, "%s '%s' is no duration such as 90, 90s, 15m, 2h or 500ms",
                    what, s);
}

void str_append_size(struct str *s, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        str_appendf(s, "%" PRIu64 " B", bytes);
        return;
    }
    /* Rounded in tenths, in whole numbers, so that 1023.96 KiB becomes 1.0 MiB and not 1024.0. */
    size_t unit = 0;
    uint64_t whole = bytes >> 10;
    uint64_t rest = bytes & 1023;
    uint64_t tenths = whole * 10 + (rest * 10 + 512) / 1024;
    while (tenths >= 10240) {
        unit++;
        rest = whole & 1023;
        whole >>= 10;
        tenths = whole * 10 + (rest * 10 + 512) / 1024;
        if (whole == 0) {
            tenths = 10;
        }
    }
    str_appendf(s, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
}

void str_append_duration(struct str *s, uint64_t ms)
{
    /* Each form is chosen by the rounded value: 59.96 s is one minute, not "60.0 s". */
    uint64_t tenths = ms / 100 + (ms % 100 >= 50);
    uint64_t seconds = ms / 1000 + (ms % 1000 >= 500);
    uint64_t minutes = ms / MINUTE_MS + (ms % MINUTE_MS >= MINUTE_MS / 2);
    if (tenths < 600) {
        str_appendf(s, "%" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
    } else if (seconds < 3600) {
        str_appendf(s, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60, seconds % 60);
    } else {
        str_appendf(s, "%" PRIu64 " h %02" PRIu64 " min", minutes / 60, minutes % 60);
    }
}
