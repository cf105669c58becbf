#include "launcher/engine/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    char plain = c == '+' ? '-' : c == '/' ? '_' : c;
    const char *at = c != '\0' ? strchr(digits, plain) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

int base64_decode(const char *text, struct str *ret)
{
    size_t len = strlen(text);
    unsigned bits = 0, count = 0;

    while (len > 0 && (text[len - 1] == '=' || text[len - 1] == ' ')) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return -1;
        }
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            str_append_c(ret, (char)(bits >> count & 0xff));
        }
    }
    return 0;
}

void base64_encode_url(const char *bytes, size_t len, struct str *ret)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (k < n ? (unsigned char)bytes[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            str_append_c(ret, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
        }
    }
}
