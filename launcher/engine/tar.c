#include "launcher/engine/tar.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/base/str.h"

#define BLOCK 512
#define MAX_META ((uint64_t)1 << 20) /* of a pax header or a long name */
#define MAX_SIZE ((uint64_t)1 << 60)

/* Where the fields of a header are, in bytes. */
enum { NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, LINK = 157, MAGIC = 257, PREFIX = 345 };

enum state { IN_HEADER, IN_META, IN_DATA, IN_PAD, AFTER_END };

struct tar {
    struct tar_handler handler;
    enum state state;
    char block[BLOCK];
    size_t block_len;
    uint64_t left;    /* of the data */
    uint64_t padding; /* after the data */
    char meta_type;   /* x, g, L or K: what `meta` holds */
    struct str meta;
    /* For the next member, from pax or GNU headers before it: */
    struct str long_name, long_link;
    bool has_size, sparse;
    uint64_t size;
    /* Of the present member, for errors: */
    struct str name;
};

struct tar *tar_new(const struct tar_handler *handler)
{
    struct tar *t = mem_alloc(sizeof(*t));

    t->handler = *handler;
    return t;
}

void tar_free(struct tar *t)
{
    if (t == NULL) {
        return;
    }
    str_free(&t->meta);
    str_free(&t->long_name);
    str_free(&t->long_link);
    str_free(&t->name);
    free(t);
}

void tar_free_ptr(struct tar **t)
{
    tar_free(*t);
}

bool tar_ended(const struct tar *t)
{
    return t->state == AFTER_END;
}

/* ---- fields ---- */

/* Octal text; or, with the top bit set, a big-endian number (GNU, for 8 GiB and more). */
static int read_number(const char *field, size_t len, uint64_t *ret)
{
    const unsigned char *f = (const unsigned char *)field;
    uint64_t n = 0;
    size_t i = 0;

    if (f[0] == 0x80) {
        for (i = 1; i < len; i++) {
            if (n > MAX_SIZE >> 8) {
                return -1;
            }
            n = n << 8 | f[i];
        }
        *ret = n;
        return 0;
    }
    while (i < len && f[i] == ' ') {
        i++;
    }
    for (; i < len && f[i] >= '0' && f[i] <= '7'; i++) {
        n = n << 3 | (unsigned)(f[i] - '0'); /* 12 digits at most */
    }
    if (i < len && f[i] != ' ' && f[i] != '\0') {
        return -1;
    }
    *ret = n;
    return 0;
}

/* The sum of all bytes with the sum's own field as spaces; some old writers added signed chars. */
static bool checksum_fits(const char *block)
{
    uint64_t want = 0, sum = 0;
    int64_t signed_sum = 0;

    if (read_number(block + CHECKSUM, 8, &want) < 0) {
        return false;
    }
    for (size_t i = 0; i < BLOCK; i++) {
        char c = i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : block[i];
        sum += (unsigned char)c;
        signed_sum += (signed char)c;
    }
    return want == sum || (int64_t)want == signed_sum;
}

static bool all_zero(const char *block)
{
    for (size_t i = 0; i < BLOCK; i++) {
        if (block[i] != '\0') {
            return false;
        }
    }
    return true;
}

/* One record of a pax header: "LEN KEY=VALUE\n", where LEN counts all of it. */
static int read_pax_record(struct tar *t, const char *key, size_t key_len, const char *value,
                           size_t value_len)
{
    if (key_len == 4 && memcmp(key, "path", 4) == 0) {
        str_reset(&t->long_name);
        str_append_n(&t->long_name, value, value_len);
    } else if (key_len == 8 && memcmp(key, "linkpath", 8) == 0) {
        str_reset(&t->long_link);
        str_append_n(&t->long_link, value, value_len);
    } else if (key_len == 4 && memcmp(key, "size", 4) == 0) {
        uint64_t n = 0;
        for (size_t i = 0; i < value_len; i++) {
            if (value[i] < '0' || value[i] > '9' || n > MAX_SIZE / 10) {
                return -1;
            }
            n = n * 10 + (unsigned)(value[i] - '0');
        }
        t->size = n;
        t->has_size = true;
    } else if (key_len > 11 && memcmp(key, "GNU.sparse.", 11) == 0) {
        t->sparse = true;
    }
    return 0;
}

static int read_pax(struct tar *t)
{
    const char *p = str_get(&t->meta);
    size_t left = t->meta.len;

    while (left > 0) {
        size_t len = 0, i = 0;
        for (; i < left && p[i] >= '0' && p[i] <= '9' && len < MAX_META; i++) {
            len = len * 10 + (size_t)(p[i] - '0');
        }
        if (i == 0 || i >= left || p[i] != ' ' || len > left || len < i + 3 || p[len - 1] != '\n') {
            return -1;
        }
        const char *key = p + i + 1;
        const char *equals = memchr(key, '=', len - i - 1);
        if (equals == NULL) {
            return -1;
        }
        const char *value = equals + 1;
        if (read_pax_record(t, key, (size_t)(equals - key), value, (size_t)(p + len - 1 - value)) <
            0) {
            return -1;
        }
        p += len;
        left -= len;
    }
    return 0;
}

/* ---- states ---- */

static void skip_padding(struct tar *t)
{
    t->state = t->padding > 0 ? IN_PAD : IN_HEADER;
}

static int end_meta(struct tar *t, struct err *err)
{
    /* 'g' is for all members to come; no writer of images or of an engine puts names there. */
    if (t->meta_type == 'x' && read_pax(t) < 0) {
        return err_fail(err, ERR_FAILED, "the archive has a damaged pax header");
    }
    /* A GNU name ends with a NUL that does not belong to it. */
    if (t->meta_type == 'L' || t->meta_type == 'K') {
        struct str *target = t->meta_type == 'L' ? &t->long_name : &t->long_link;
        str_reset(target);
        str_append(target, str_get(&t->meta));
    }
    skip_padding(t);
    return 0;
}

static enum tar_type type_of(const struct tar *t)
{
    size_t len = t->name.len;

    if (t->sparse) {
        return TAR_OTHER;
    }
    switch (t->block[TYPE]) {
    case '\0':
    case '0':
    case '7':
        return len > 0 && t->name.data[len - 1] == '/' ? TAR_FOLDER : TAR_FILE;
    case '1':
        return TAR_HARD_LINK;
    case '2':
        return TAR_LINK;
    case '5':
        return TAR_FOLDER;
    default:
        return TAR_OTHER;
    }
}

static void read_names(struct tar *t, struct str *ret_link)
{
    const char *b = t->block;

    str_reset(&t->name);
    if (t->long_name.len > 0) {
        str_append(&t->name, str_get(&t->long_name));
    } else {
        /* GNU uses the bytes of the prefix for other things. */
        if (memcmp(b + MAGIC, "ustar", 6) == 0 && b[PREFIX] != '\0') {
            str_append_n(&t->name, b + PREFIX, strnlen(b + PREFIX, 155));
            str_append_c(&t->name, '/');
        }
        str_append_n(&t->name, b + NAME, strnlen(b + NAME, 100));
    }
    if (t->long_link.len > 0) {
        str_append(ret_link, str_get(&t->long_link));
    } else {
        str_append_n(ret_link, b + LINK, strnlen(b + LINK, 100));
    }
}

static int start_entry(struct tar *t, struct err *err)
{
    AUTO_STR struct str link = STR_INIT;

    read_names(t, &link);
    enum tar_type type = type_of(t);
    /* Links, folders and devices have no data, whatever their size says. */
    if (type == TAR_FOLDER || (t->block[TYPE] >= '1' && t->block[TYPE] <= '6')) {
        t->left = t->padding = 0;
    }
    const struct tar_entry entry = {
        .name = str_get(&t->name),
        .link = type == TAR_LINK || type == TAR_HARD_LINK ? str_get(&link) : "",
        .type = type,
        .size = t->left,
    };
    str_reset(&t->long_name);
    str_reset(&t->long_link);
    t->has_size = t->sparse = false;
    t->state = IN_DATA;
    if (t->left == 0) {
        skip_padding(t);
    }
    return t->handler.on_entry(t->handler.arg, &entry, err);
}

static int end_header(struct tar *t, struct err *err)
{
    uint64_t size = 0;

    t->block_len = 0;
    if (all_zero(t->block)) {
        t->state = AFTER_END;
        return 0;
    }
    if (!checksum_fits(t->block) || read_number(t->block + SIZE, 12, &size) < 0) {
        return err_fail(err, ERR_FAILED, "this is no tar archive, or a damaged one");
    }
    char type = t->block[TYPE];
    bool meta = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    t->left = !meta && t->has_size ? t->size : size;
    if (t->left > MAX_SIZE || (meta && t->left > MAX_META)) {
        return err_fail(err, ERR_FAILED, "the archive has a header that is far too large");
    }
    t->padding = (BLOCK - t->left % BLOCK) % BLOCK;
    if (!meta) {
        return start_entry(t, err);
    }
    t->meta_type = type;
    str_reset(&t->meta);
    t->state = IN_META;
    return t->left == 0 ? end_meta(t, err) : 0;
}

static int feed_data(struct tar *t, const char *bytes, size_t n, struct err *err)
{
    t->left -= n;
    if (t->state == IN_META) {
        str_append_n(&t->meta, bytes, n);
        return t->left == 0 ? end_meta(t, err) : 0;
    }
    if (t->left == 0) {
        skip_padding(t);
    }
    return t->handler.on_data != NULL ? t->handler.on_data(t->handler.arg, bytes, n, err) : 0;
}

int tar_feed(struct tar *t, const char *bytes, size_t len, struct err *err)
{
    while (len > 0 && t->state != AFTER_END) {
        size_t n = 0;
        if (t->state == IN_HEADER) {
            n = BLOCK - t->block_len;
            n = len < n ? len : n;
            memcpy(t->block + t->block_len, bytes, n);
            t->block_len += n;
            if (t->block_len == BLOCK && end_header(t, err) < 0) {
                return -1;
            }
        } else if (t->state == IN_PAD) {
            n = len < t->padding ? len : (size_t)t->padding;
            t->padding -= n;
            skip_padding(t);
        } else {
            n = len < t->left ? len : (size_t)t->left;
            if (feed_data(t, bytes, n, err) < 0) {
                return -1;
            }
        }
        bytes += n;
        len -= n;
    }
    return 0;
}

uint64_t tar_skip(struct tar *t)
{
    if (t->state != IN_DATA && t->state != IN_PAD) {
        return 0;
    }
    uint64_t n = (t->state == IN_DATA ? t->left : 0) + t->padding;
    t->left = t->padding = 0;
    t->state = IN_HEADER;
    return n;
}

int tar_finish(const struct tar *t, struct err *err)
{
    if (t->state == AFTER_END || (t->state == IN_HEADER && t->block_len == 0)) {
        return 0;
    }
    if (t->state == IN_DATA || t->state == IN_PAD) {
        return err_fail(err, ERR_FAILED, "the archive ends in the middle of '%s'",
                        str_get(&t->name));
    }
    return err_fail(err, ERR_FAILED, "the archive ends in the middle of a header");
}
