/* What every unit test wants: cmocka with its own includes, and checks of whole error values. */
#ifndef OMSLAUNCH_TESTS_UNIT_H
#define OMSLAUNCH_TESTS_UNIT_H

/* cmocka.h wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "launcher/base/err.h"

/* The whole text, the hint's line included. */
#define assert_err(err, expected_kind, expected_text)             \
    do {                                                          \
        assert_string_equal((err)->text, (expected_text));        \
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
