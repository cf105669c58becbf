#include "tests/unit/unit.h"

#include <string.h>

#include "hooks/metadb/restore/rows.h"

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

/* "a|b|NULL" of each row, rows apart by "/". */
static void append_values(struct str *out, const struct rows_sender *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (i) {
            str_append_c(out, i % s->rows->table->column_count ? '|' : '/');
        }
        if (s->values[i].at == SIZE_MAX) {
            str_append(out, "NULL");
        } else {
            str_append_n(out, s->bytes.data + s->values[i].at, s->values[i].len);
        }
    }
}

static void reads_n(const char *type, const char *sql, const char *expected, size_t expected_len)
{
    struct fixture f = {.schema = {.name = NULL}};
    struct rows_sender sender = {.rows = NULL};
    AUTO_STR struct str got = STR_INIT;
    assert_true(init(&f, type));
    rows_sender_begin(&sender, NULL, &f.rows);
    /* Without a byte behind it, so that a sanitizer sees when it is read. */
    size_t len = strlen(sql);
    AUTO_FREE char *text = mem_grow(NULL, len, 1);
    memcpy(text, sql, len);
    assert_true(rows_sender_add(&sender, text, len));
    append_values(&got, &sender);
    assert_int_equal(got.len, expected_len);
    assert_memory_equal(got.data, expected, expected_len);
    rows_sender_free(&sender);
    restore_rows_free(&f.rows);
}

static void reads(const char *type, const char *sql, const char *expected)
{
    reads_n(type, sql, expected, strlen(expected));
}

/* What was read before is as it was. */
static void stays(const char *type, const char *sql)
{
    struct fixture f = {.schema = {.name = NULL}};
    struct rows_sender sender = {.rows = NULL};
    AUTO_STR struct str got = STR_INIT;
    static const char before[] = HEAD "(7,NULL,1e0)";
    assert_true(init(&f, type));
    rows_sender_begin(&sender, NULL, &f.rows);
    assert_true(rows_sender_add(&sender, before, sizeof(before) - 1));
    size_t len = strlen(sql);
    AUTO_FREE char *text = mem_grow(NULL, len, 1);
    memcpy(text, sql, len);
    assert_false(rows_sender_add(&sender, text, len));
    append_values(&got, &sender);
    assert_string_equal(str_get(&got), "7|NULL|1e0");
    rows_sender_free(&sender);
    restore_rows_free(&f.rows);
}

static void rows_become_values(void **state)
{
    (void)state;
    reads("varchar(9)", HEAD "(1,'a',1.5e0)", "1|a|1.5e0");
    reads("varchar(9)", HEAD "(1,'a',NULL),\n(-2,NULL,-0e0),\n(3,'',1e300)",
          "1|a|NULL/-2|NULL|-0e0/3||1e300");
    reads("varchar(9)", HEAD "(1,'it\\'s, (x),\\n\\\\\\r\\Z',2e0)", "1|it's, (x),\n\\\r\x1a|2e0");
    reads("varchar(99)", HEAD "(1,'more than sixteen bytes, then \\' and \\\\ and so on',2e0)",
          "1|more than sixteen bytes, then ' and \\ and so on|2e0");
    reads_n("blob", HEAD "(1,_binary'\xff\\0',2e0)", "1|\xff\0|2e0", 8);
    reads("varchar(9)", HEAD "(1,'NULL',2e0)", "1|NULL|2e0");
    reads("varchar(9)", HEAD "(1,'\\\\N',2e0)", "1|\\N|2e0");
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
    assert_false(init(&f, "inet6"));
    assert_false(init(&f, "uuid"));
    assert_true(init(&f, "text"));
    restore_rows_free(&f.rows);
    f.table.transactional = false;
    assert_false(restore_rows_init(&f.rows, &f.table));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_values),
        cmocka_unit_test(what_means_something_else_stays_an_insert),
        cmocka_unit_test(long_values_stay_an_insert),
        cmocka_unit_test(some_tables_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
