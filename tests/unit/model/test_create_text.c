/* What a restore changes in views, and how it makes triggers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/model/trigger.h"

static void views_find_databases(void **state)
{
    (void)state;
    struct name_map names = {.from = STRV_INIT, .to = STRV_INIT};
    AUTO_STR struct str out = STR_INIT;
    strv_add(&names.from, "cm");
    strv_add(&names.to, "cm__new_1");
    strv_add(&names.from, "r`m");
    strv_add(&names.to, "r`m__new_1");
    create_map_databases(&out,
                         "CREATE VIEW `v` AS select `cm`.`t`.`cm` AS `cm`,'`cm`.`t`' AS `x`,"
                         "`t`.`cm`,`y`.`cm`.`t` from (`cm`.`t` join `r``m`.`u` join `cm_2`.`w`)",
                         &names);
    assert_string_equal(str_get(&out),
                        "CREATE VIEW `v` AS select `cm__new_1`.`t`.`cm` AS `cm`,'`cm`.`t`' AS `x`,"
                        "`t`.`cm`,`y`.`cm`.`t` from (`cm__new_1`.`t` join `r``m__new_1`.`u` join "
                        "`cm_2`.`w`)");
    str_reset(&out);
    create_map_databases(&out, "select 1 from `cm`.`t`", NULL);
    assert_string_equal(str_get(&out), "select 1 from `cm`.`t`");
    strv_free(&names.from);
    strv_free(&names.to);
}

static void triggers_keep_their_definer(void **state)
{
    (void)state;
    AUTO_STR struct str sql = STR_INIT;
    AUTO_JSON json_t *trigger = json_make("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", "t`r", "table",
                                          "a b", "timing", "BEFORE", "event", "INSERT", "definer",
                                          "oms@tenant#cluster@%", "statement", "SET NEW.x = 'y'");
    trigger_append(&sql, trigger);
    assert_string_equal(str_get(&sql),
                        "CREATE DEFINER=`oms@tenant#cluster`@`%` TRIGGER `t``r` BEFORE INSERT ON "
                        "`a b` FOR EACH ROW SET NEW.x = 'y'");
    str_reset(&sql);
    json_put_text(trigger, "definer", "role");
    trigger_append(&sql, trigger);
    assert_string_equal(str_get(&sql),
                        "CREATE DEFINER=`role` TRIGGER `t``r` BEFORE INSERT ON `a b` FOR EACH ROW "
                        "SET NEW.x = 'y'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_find_databases),
        cmocka_unit_test(triggers_keep_their_definer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
