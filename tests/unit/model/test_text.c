/* CREATE TABLE and CREATE VIEW on their way into another database. */
#include "tests/unit/unit.h"

#include "hooks/metadb/model/compare.h"
#include "hooks/metadb/model/create_text.h"
#include "hooks/metadb/model/schema.h"
#include "hooks/metadb/model/view.h"

static void secondary_keys_are_taken_out(void **state)
{
    AUTO_STR struct str create = STR_INIT, keys = STR_INIT;
    (void)state;
    assert_true(create_split_keys("CREATE TABLE `t` (\n"
                                  "  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
                                  "  `KEY `` (x)` varchar(9) DEFAULT ',\n  KEY `x` (`y`)',\n"
                                  "  PRIMARY KEY (`id`),\n"
                                  "  UNIQUE KEY `u` (`a`,`b`),\n"
                                  "  KEY `k, ` (`a`(10) DESC) COMMENT 'it''s, \\' x'\n"
                                  ") ENGINE=InnoDB COMMENT='PARTITION BY'",
                                  &create, &keys));
    assert_string_equal(str_get(&create),
                        "CREATE TABLE `t` (\n"
                        "  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
                        "  `KEY `` (x)` varchar(9) DEFAULT ',\n  KEY `x` (`y`)',\n"
                        "  PRIMARY KEY (`id`)\n"
                        ") ENGINE=InnoDB COMMENT='PARTITION BY'");
    assert_string_equal(str_get(&keys), "ADD UNIQUE KEY `u` (`a`,`b`), "
                                        "ADD KEY `k, ` (`a`(10) DESC) COMMENT 'it''s, \\' x'");
}

static void keys_stay_where_they_mean_more(void **state)
{
    static const char *const texts[] = {
        /* no index at all; no primary key; AUTO_INCREMENT on another index */
        "CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `id` int,\n  UNIQUE KEY `k` (`id`)\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `id` int AUTO_INCREMENT,\n  `b` int,\n  PRIMARY KEY (`b`),\n"
        "  KEY `k` (`id`)\n) ENGINE=InnoDB",
        /* foreign keys, full text, partitions, history, another engine */
        "CREATE TABLE `t` (\n  `id` int,\n  PRIMARY KEY (`id`),\n  KEY `k` (`id`),\n"
        "  CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `p` (`id`)\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `id` int,\n  PRIMARY KEY (`id`),\n  FULLTEXT KEY `k` (`id`),\n"
        "  KEY `k2` (`id`)\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `id` int,\n  PRIMARY KEY (`id`),\n  KEY `k` (`id`)\n) "
        "ENGINE=InnoDB\n"
        " PARTITION BY HASH (`id`)",
        "CREATE TABLE `t` (\n  `id` int,\n  PRIMARY KEY (`id`),\n  KEY `k` (`id`)\n"
        ") ENGINE=InnoDB WITH SYSTEM VERSIONING",
        "CREATE TABLE `t` (\n  `id` int,\n  PRIMARY KEY (`id`),\n  KEY `k` (`id`)\n) ENGINE=MyISAM",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_STR struct str create = STR_INIT, keys = STR_INIT;
        assert_false(create_split_keys(texts[i], &create, &keys));
        assert_int_equal(create.len + keys.len, 0);
    }
}

static void foreign_keys_follow_the_databases(void **state)
{
    struct name_map names = {.from = STRV_INIT, .to = STRV_INIT};
    AUTO_STR struct str got = STR_INIT;
    (void)state;
    strv_add(&names.from, "c`m");
    strv_add(&names.to, "c`m__new");
    create_map_references(
        &got,
        "(`a` int COMMENT 'x REFERENCES `c``m`.`t`', FOREIGN KEY (`a`) REFERENCES "
        "`c``m`.`t` (`a`), FOREIGN KEY (`a`) REFERENCES `c``m` (`a`), FOREIGN KEY "
        "(`a`) REFERENCES `rm`.`t` (`a`))",
        &names);
    assert_string_equal(
        str_get(&got),
        "(`a` int COMMENT 'x REFERENCES `c``m`.`t`', FOREIGN KEY (`a`) REFERENCES "
        "`c``m__new`.`t` (`a`), FOREIGN KEY (`a`) REFERENCES `c``m` (`a`), FOREIGN KEY "
        "(`a`) REFERENCES `rm`.`t` (`a`))");
    strv_free(&names.from);
    strv_free(&names.to);
}

static void defaults_of_sequences_are_found(void **state)
{
    AUTO_STR struct str got = STR_INIT, none = STR_INIT;
    (void)state;
    assert_true(create_sequence_defaults("CREATE TABLE `t` (\n"
                                         "  `id` bigint(20) NOT NULL DEFAULT nextval(`sq`),\n"
                                         "  `x` int COMMENT 'nextval(',\n"
                                         "  PRIMARY KEY (`id`)\n) ENGINE=InnoDB",
                                         &got));
    assert_string_equal(str_get(&got),
                        "MODIFY COLUMN `id` bigint(20) NOT NULL DEFAULT nextval(`sq`)");
    assert_false(create_sequence_defaults("CREATE TABLE `t` (\n  `x` int\n)", &none));
}

static void a_view_forgets_its_own_database(void **state)
{
    AUTO_STR struct str got = STR_INIT, alias = STR_INIT;
    (void)state;
    view_append_local(&got,
                      "CREATE VIEW `d`.`v` AS select `d`.`t`.`a` AS `a`,'`d`.' AS `x` from `d`.`t` "
                      "join `o`.`d2`",
                      "d");
    assert_string_equal(
        str_get(&got),
        "CREATE VIEW `v` AS select `t`.`a` AS `a`,'`d`.' AS `x` from `t` join `o`.`d2`");
    /* An alias of that name: nothing can be told apart, nothing is changed. */
    view_append_local(&alias, "CREATE VIEW `v` AS select `d`.`a` AS `a` from `t` `d`", "d");
    assert_string_equal(str_get(&alias), "CREATE VIEW `v` AS select `d`.`a` AS `a` from `t` `d`");
}

static void a_broken_view_comes_back_over_stand_ins(void **state)
{
    AUTO_STR struct str got = STR_INIT, comment = STR_INIT;
    char create[] = "CREATE VIEW `v` AS select `g`.`id` AS `id`,`g`.`c``1` + `b`.`x` AS `t` from "
                    "(`gone` `g` join `base` `b` on(`b`.`id` = `g`.`id`))";
    char calls[] = "CREATE VIEW `v` AS select `f`(`g`.`id`) AS `id` from `gone` `g`";
    char charset[] = "utf8mb4", collation[] = "utf8mb4_bin", name[] = "d", table[] = "v";
    struct schema s = {.name = name};
    struct schema_table v = {
        .schema = &s, .name = table, .create = create, .charset = charset, .collation = collation};
    (void)state;
    view_append_broken(&got, &v);
    assert_string_equal(
        str_get(&got),
        "CREATE TABLE `gone` (`id` int,`c``1` int,`x` int) COMMENT='omslaunch stand-in';\n"
        "CREATE TABLE `base` (`id` int,`c``1` int,`x` int) COMMENT='omslaunch stand-in';\n"
        "SET SESSION character_set_client=utf8mb4;\nSET SESSION collation_connection=utf8mb4_bin;\n"
        "CREATE VIEW `v` AS select `g`.`id` AS `id`,`g`.`c``1` + `b`.`x` AS `t` from "
        "(`gone` `g` join `base` `b` on(`b`.`id` = `g`.`id`));\n"
        "SET NAMES utf8mb4;\nDROP TABLE `gone`;\nDROP TABLE `base`;\n");
    v.create = calls;
    view_append_broken(&comment, &v);
    assert_string_equal(str_get(&comment),
                        "-- This view is broken and cannot be created again:\n"
                        "-- CREATE VIEW `v` AS select `f`(`g`.`id`) AS `id` from `gone` `g`\n");
}

static void a_counter_that_moved_is_no_difference(void **state)
{
    (void)state;
    assert_true(compare_same_create("(\n) ENGINE=InnoDB AUTO_INCREMENT=5 X", "a",
                                    "(\n) ENGINE=InnoDB AUTO_INCREMENT=77 X", "b"));
    assert_true(compare_same_create("(\n) ENGINE=InnoDB X", "a",
                                    "(\n) ENGINE=InnoDB AUTO_INCREMENT=77 X", "b"));
    assert_false(compare_same_create("(\n) ENGINE=InnoDB X", "a", "(\n) ENGINE=InnoDB Y", "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secondary_keys_are_taken_out),
        cmocka_unit_test(keys_stay_where_they_mean_more),
        cmocka_unit_test(foreign_keys_follow_the_databases),
        cmocka_unit_test(defaults_of_sequences_are_found),
        cmocka_unit_test(a_view_forgets_its_own_database),
        cmocka_unit_test(a_broken_view_comes_back_over_stand_ins),
        cmocka_unit_test(a_counter_that_moved_is_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
