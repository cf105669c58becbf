/* What every unit test needs: cmocka with its own includes, and checks of whole error values. */
#ifndef OMSLAUNCH_TESTS_UNIT_H
#define OMSLAUNCH_TESTS_UNIT_H

/* cmocka.h needs these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "launcher/base/err.h"

/* Text and hint in one, as err_join() has it; good until the next call. */
static inline const char *err_whole(const struct err *err)
{
    static char whole[sizeof(err->text) + sizeof(err->hint) + 16];
    char *joined = err_join(err);
    whole[0] = '\0';
    strncat(whole, joined, sizeof(whole) - 1);
    free(joined);
    return whole;
}

/* What is another one each time, a socket for example, becomes "@". */
static inline void err_mask(struct err *err, const char *what)
{
    char *const parts[] = {err->text, err->hint};
    size_t len = strlen(what);
    for (size_t i = 0; i < 2; i++) {
        for (char *at = strstr(parts[i], what); at != NULL; at = strstr(at + 1, what)) {
            memmove(at + 1, at + len, strlen(at + len) + 1);
            *at = '@';
        }
    }
}

/* The whole text, the hint's line included. */
#define assert_err(err, expected_kind, expected_text)             \
    do {                                                          \
        assert_string_equal(err_whole(err), (expected_text));     \
        assert_int_equal((int)(err)->kind, (int)(expected_kind)); \
    } while (0)

/* A call that must succeed: shows the error if it does not. */
#define assert_ok(call, err)                        \
    do {                                            \
        if ((call) != 0) {                          \
            fail_msg("%s: %s", #call, (err)->text); \
        }                                           \
    } while (0)

#define assert_fails(call) assert_int_equal((call), -1)

#endif
