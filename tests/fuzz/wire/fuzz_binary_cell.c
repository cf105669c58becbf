/* Values come from a server; what is written of them fits, whatever their parts say. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "hooks/metadb/wire/binary_cell.h"
#include "launcher/base/mem.h"

#define LONGEST_HEAD 9 /* of a value: its length */
#define LONGEST_PARTS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct {
        uint8_t type, zerofill, is_unsigned, length, decimals;
        uint8_t row[LONGEST_HEAD + LONGEST_PARTS];
    } input;
    memset(&input, 0, sizeof(input));
    memcpy(&input, data, size < sizeof(input) ? size : sizeof(input));
    MYSQL_FIELD field = {.type = (enum enum_field_types)input.type,
                         .flags = (input.zerofill & 1 ? ZEROFILL_FLAG : 0) |
                                  (input.is_unsigned & 1 ? UNSIGNED_FLAG : 0),
                         .length = input.length,
                         .decimals = input.decimals};
    struct binary_column column;
    if (!binary_column_of(&field, &column)) {
        return 0;
    }
    AUTO_FREE char *text = mem_alloc(BINARY_CELL_TEXT_MAX);
    char *cell = NULL;
    unsigned long len = 0;
    (void)binary_cell(&column, input.row, text, &cell, &len);
    fuzz_need(column.kind == BINARY_BYTES || (cell == text && len <= BINARY_CELL_TEXT_MAX));
    return 0;
}
