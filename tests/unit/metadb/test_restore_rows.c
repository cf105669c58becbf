#include "tests/unit/unit.h"

#include <string.h>

#include "hooks/metadb/restore_rows.h"

#define HEAD "INSERT INTO `t``x` (`id`,`v`,`f`) VALUES\n"

struct fixture {
    struct schema schema;
    struct schema_table table;
    struct schema_column columns[3];
    struct restore_rows rows;
};

static char table_name[] = "t`x", names[3][3] = {"id", "v", "f"};

static bool init(struct fixture *f, const char *middle_type)
{
    f->columns[0] =
        (struct schema_column){.name = names[0], .type = literal_type_of("bigint(20)", NULL)};
    f->columns[1] = (struct schema_column){.name = names[1],
                                           .type = literal_type_of(middle_type, "utf8mb4_bin")};
    f->columns[2] =
        (struct schema_column){.name = names[2], .type = literal_type_of("double", NULL)};
    f->table = (struct schema_table){.schema = &f->schema,
                                     .name = table_name,
                                     .type = SCHEMA_TABLE,
                                     .transactional = true,
                                     .columns = f->columns,
                                     .column_count = 3};
    return restore_rows_init(&f->rows, &f->table);
}

static void converts(const char *type, const char *sql, const char *expected,
                     uint64_t expected_rows)
{
    struct fixture f = {.schema = {.name = NULL}};
    AUTO_STR struct str got = STR_INIT;
    uint64_t rows = 0;
    assert_true(init(&f, type));
    /* Without a byte behind it, so that a sanitizer sees when it is read. */
    AUTO_FREE char *text = mem_strndup(sql, strlen(sql));
    assert_true(restore_rows_convert(&f.rows, text, strlen(text), &got, &rows));
    assert_string_equal(str_get(&got), expected);
    assert_int_equal(rows, expected_rows);
    restore_rows_free(&f.rows);
}

static void stays(const char *type, const char *sql)
{
    struct fixture f = {.schema = {.name = NULL}};
    AUTO_STR struct str got = STR_INIT;
    uint64_t rows = 0;
    assert_true(init(&f, type));
    assert_false(restore_rows_convert(&f.rows, sql, strlen(sql), &got, &rows));
    restore_rows_free(&f.rows);
}

static void rows_become_lines(void **state)
{
    (void)state;
    converts("varchar(9)", HEAD "(1,'a',1.5e0)", "1\ra\r1.5e0\n", 1);
    converts("varchar(9)", HEAD "(1,'a',NULL),\n(-2,NULL,-0e0),\n(3,'',1e300)",
             "1\ra\r\\N\n-2\r\\N\r-0e0\n3\r\r1e300\n", 3);
    /* Escapes go as they are; what looks like punctuation is none inside quotes. */
    converts("varchar(9)", HEAD "(1,'it\\'s, (x),\\n\\\\',2e0)", "1\rit\\'s, (x),\\n\\\\\r2e0\n",
             1);
    converts("blob", HEAD "(1,_binary'\xff\\0',2e0)", "1\r\xff\\0\r2e0\n", 1);
    converts("varchar(9)", HEAD "(1,'NULL',2e0)", "1\rNULL\r2e0\n", 1);
    converts("varchar(9)", HEAD "(1,'\\\\N',2e0)", "1\r\\\\N\r2e0\n", 1);
}

static void what_means_something_else_stays_an_insert(void **state)
{
    (void)state;
    stays("varchar(9)", HEAD "(1,@omslaunch_1,2e0)");
    stays("varchar(9)", HEAD "(1,CONVERT(@omslaunch_1 USING utf8mb4),2e0)");
    stays("enum('a','b')", HEAD "(1,0,2e0)");
    stays("varchar(9)", "SET @omslaunch_1=_binary'x'");
    stays("varchar(9)", "INSERT INTO `t` (`id`) VALUES\n(1)");
    stays("varchar(9)", HEAD "(1,'a')");
    stays("varchar(9)", HEAD "(1,'a',2e0,3)");
    stays("varchar(9)", HEAD "(1,'a");
    stays("varchar(9)", HEAD "(1,'a\\");
    stays("varchar(9)", HEAD "(1,'a',2e0),");
    stays("varchar(9)", HEAD "(1,'a',2e0);(2,'b',3e0)");
    stays("varchar(9)", HEAD);
}

static void long_values_stay_an_insert(void **state)
{
    (void)state;
    AUTO_STR struct str sql = STR_INIT;
    str_append(&sql, HEAD "(1,'");
    str_reserve(&sql, 1024 * 1024);
    while (sql.len <= 1024 * 1024) {
        str_append_c(&sql, 'x');
    }
    str_append(&sql, "',2e0)");
    stays("longtext", str_get(&sql));
}

static void some_tables_are_left_alone(void **state)
{
    struct fixture f = {.schema = {.name = NULL}};
    (void)state;
    assert_false(init(&f, "bit(3)"));
    assert_false(init(&f, "enum('','a')"));
    assert_true(init(&f, "text"));
    restore_rows_free(&f.rows);
    f.table.history = true;
    assert_false(restore_rows_init(&f.rows, &f.table));
    f.table.history = false;
    f.table.transactional = false;
    assert_false(restore_rows_init(&f.rows, &f.table));
}

static void the_statement_names_every_column(void **state)
{
    struct fixture f = {.schema = {.name = NULL}};
    (void)state;
    assert_true(init(&f, "text"));
    assert_string_equal(
        str_get(&f.rows.load),
        "LOAD DATA LOCAL INFILE 'rows' INTO TABLE `t``x` CHARACTER SET binary FIELDS "
        "TERMINATED BY '\\r' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' "
        "(`id`,`v`,`f`)");
    restore_rows_free(&f.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_lines),
        cmocka_unit_test(what_means_something_else_stays_an_insert),
        cmocka_unit_test(long_values_stay_an_insert),
        cmocka_unit_test(some_tables_are_left_alone),
        cmocka_unit_test(the_statement_names_every_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
