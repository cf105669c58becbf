#include "hooks/metadb/model/definition.h"

#include <string.h>

json_t *definition_to_json(const char *bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    json_t *text = json_from_text(bytes);
    if (bytes == NULL || str_eq(json_string_value(text), bytes)) {
        return text;
    }
    json_decref(text);
    AUTO_STR struct str hex = STR_INIT;
    for (const unsigned char *p = (const unsigned char *)bytes; *p; p++) {
        str_append_c(&hex, digits[*p >> 4]);
        str_append_c(&hex, digits[*p & 15]);
    }
    return json_make("{s:s}", "hex", str_get(&hex));
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *definition_of(const json_t *entry, const char *key)
{
    const json_t *value = json_object_get(entry, key);
    const char *hex = json_text(value, "hex", NULL);
    if (hex == NULL) {
        return mem_strdup(json_is_string(value) ? json_string_value(value) : "");
    }
    struct str bytes = STR_INIT;
    for (; digit(hex[0]) >= 0 && digit(hex[1]) >= 0; hex += 2) {
        str_append_c(&bytes, (char)(digit(hex[0]) << 4 | digit(hex[1])));
    }
    str_append(&bytes, "");
    return str_take(&bytes);
}
