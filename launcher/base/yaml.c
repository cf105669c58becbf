#include "launcher/base/yaml.h"

#include <string.h>

#include <yaml.h>

#define SIZE_LIMIT ((size_t)1024 * 1024)
#define DEPTH_LIMIT 64
#define KEY_QUOTE_MAX 80 /* of a key in an error */
#define CORE_TAG "tag:yaml.org,2002:"

struct reader {
    yaml_parser_t parser;
    const char *text;
    size_t len;
    const char *name;
    struct yaml_remarks *remarks; /* of a foreign file; NULL: a file of ours */
    const char *seen;             /* see find_line() */
    size_t seen_line;
};

static int fail_at(const struct reader *r, size_t line, struct err *err, const char *what)
{
    return err_fail(err, ERR_CONFIG, "%s:%zu: %s", r->name, line + 1, what);
}

/* Line and column of libyaml count from 0. */
static size_t event_line(const yaml_event_t *event)
{
    return event->start_mark.line;
}

/* The start of a line of the text, NULL if there is none. Events come in order, so the search goes
 * on from the last one: a large file must not cost its square. */
static const char *find_line(struct reader *r, size_t line)
{
    if (!r->seen || line < r->seen_line) {
        r->seen = r->text;
        r->seen_line = 0;
    }
    const char *end = r->text + r->len;
    for (; r->seen_line < line; r->seen_line++) {
        const char *newline = memchr(r->seen, '\n', (size_t)(end - r->seen));
        if (!newline) {
            r->seen = NULL;
            return NULL;
        }
        r->seen = newline + 1;
    }
    return r->seen;
}

static bool is_tab_indented(struct reader *r, size_t line)
{
    const char *p = find_line(r, line);
    const char *end = r->text + r->len;
    while (p && p < end && *p == ' ') {
        p++;
    }
    return p && p < end && *p == '\t';
}

static int fail_tab(const struct reader *r, size_t line, struct err *err)
{
    fail_at(r, line, err, "a tab is used as indentation");
    return err_hint(err, "indent line %zu with spaces", line + 1);
}

/* What libyaml says never quotes the text, so it can hold no secret. */
static int fail_syntax(struct reader *r, struct err *err)
{
    const yaml_parser_t *p = &r->parser;
    size_t line = p->problem_mark.line;
    if (p->error == YAML_READER_ERROR) {
        line = 0;
        for (size_t i = 0; i < p->problem_offset && i < r->len; i++) {
            line += r->text[i] == '\n';
        }
    } else if (is_tab_indented(r, line)) {
        return fail_tab(r, line, err);
    }
    const char *problem = p->problem ? p->problem : "broken syntax";
    if (p->context) {
        err_fail(err, ERR_CONFIG, "%s:%zu: %s, %s", r->name, line + 1, problem, p->context);
    } else {
        fail_at(r, line, err, problem);
    }
    return err_hint(err, "correct the YAML near that line; quote values with special characters");
}

static int next_event(struct reader *r, yaml_event_t *event, struct err *err)
{
    return yaml_parser_parse(&r->parser, event) ? 0 : fail_syntax(r, err);
}

static int fail_unlike(const struct reader *r, const yaml_event_t *event, struct err *err,
                       const char *what)
{
    fail_at(r, event_line(event), err, what);
    return err_hint(err, "use plain keys, values, lists and nested keys only");
}

static const char *tag_of(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT) {
        return (const char *)event->data.scalar.tag;
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return (const char *)event->data.sequence_start.tag;
    }
    return event->type == YAML_MAPPING_START_EVENT ? (const char *)event->data.mapping_start.tag
                                                   : NULL;
}

/* The core tags, and what PyYAML under Python 2 writes for each text: they say what a value is
 * already. */
static bool is_plain_tag(const char *tag)
{
    static const char *const plain[] = {"!",
                                        CORE_TAG "str",
                                        CORE_TAG "int",
                                        CORE_TAG "bool",
                                        CORE_TAG "null",
                                        CORE_TAG "float",
                                        CORE_TAG "seq",
                                        CORE_TAG "map",
                                        CORE_TAG "python/unicode",
                                        CORE_TAG "python/str"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (strcmp(plain[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

/* Anything that would make a value mean more than it shows. */
static int refuse_magic(const struct reader *r, const yaml_event_t *event, struct err *err)
{
    const char *tag = tag_of(event);
    if (tag != NULL && (r->remarks == NULL || !is_plain_tag(tag))) {
        return fail_unlike(r, event, err, "tags (!…) are not understood");
    }
    if (event->type == YAML_ALIAS_EVENT) {
        return fail_unlike(r, event, err, "aliases (*…) are not understood");
    }
    return 0;
}

/* Tabs between tokens are white space in YAML, and libyaml lets some of them stand where a reader
 * takes them for indentation: in front of a key, an item or the next line of a plain value. Inside
 * quotes and blocks they are text. */
static int refuse_tabs(struct reader *r, const yaml_event_t *event, struct err *err)
{
    size_t first = event_line(event);
    bool plain = event->type == YAML_SCALAR_EVENT &&
                 event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                 event->data.scalar.length > 0;
    size_t last = plain ? event->end_mark.line : first;
    for (size_t line = first; line <= last; line++) {
        if (is_tab_indented(r, line)) {
            return fail_tab(r, line, err);
        }
    }
    return 0;
}

static int read_value(struct reader *r, yaml_event_t *event, unsigned depth, json_t **ret,
                      struct err *err);

/* As YAML 1.1 has it, where a file was written for another reader. */
static bool is_null_word(const struct reader *r, const char *text)
{
    return strcmp(text, "~") == 0 ||
           (r->remarks != NULL &&
            (strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0));
}

static int read_scalar(const struct reader *r, const yaml_event_t *event, json_t **ret,
                       struct err *err)
{
    const char *text = (const char *)event->data.scalar.value;
    const char *tag = tag_of(event);
    size_t len = event->data.scalar.length;
    bool has_nul = memchr(text, '\0', len) != NULL;
    if (has_nul && r->remarks == NULL) {
        return fail_unlike(r, event, err, "a value holds a NUL byte (\\0)");
    }
    bool plain = tag != NULL ? strcmp(tag, CORE_TAG "null") == 0
                             : event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                                   (len == 0 || is_null_word(r, text));
    if (plain) {
        *ret = json_null();
    } else {
        *ret = has_nul ? json_stringn(text, len) : json_from_text(text);
    }
    return 0;
}

static int read_list(struct reader *r, unsigned depth, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *list = json_array();
    for (;;) {
        yaml_event_t event;
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            *ret = TAKE(list);
            return 0;
        }
        json_t *item = NULL;
        if (read_value(r, &event, depth + 1, &item, err) < 0) {
            return -1;
        }
        json_add(list, item);
    }
}

static int check_key(struct reader *r, const yaml_event_t *event, const json_t *map,
                     struct err *err)
{
    if (refuse_magic(r, event, err) < 0) {
        return -1;
    }
    if (event->type != YAML_SCALAR_EVENT) {
        return fail_unlike(r, event, err, "a key is a list or a mapping, not a text");
    }
    if (refuse_tabs(r, event, err) < 0) {
        return -1;
    }
    const char *key = (const char *)event->data.scalar.value;
    if (r->remarks != NULL) {
        return 0;
    }
    if (*key == '\0' || strlen(key) != event->data.scalar.length) {
        return fail_unlike(r, event, err, "a key is empty or holds a NUL byte");
    }
    if (json_object_get(map, key)) {
        err_fail(err, ERR_CONFIG, "%s:%zu: key '%.*s' is given twice", r->name,
                 event_line(event) + 1, KEY_QUOTE_MAX, key);
        return err_hint(err, "remove one of the two");
    }
    return 0;
}

/* Of a key at the top: where it stands, and what stood there before. */
static void remark_key(struct reader *r, const char *key, size_t line, const json_t *before,
                       const json_t *now)
{
    if (r->remarks->lines == NULL) {
        r->remarks->lines = json_object();
        r->remarks->twice = json_array();
    }
    if (before != NULL) {
        json_t *twice = json_object();
        json_put(twice, "key", json_from_text(key));
        json_put(twice, "first_line", json_integer(json_int(r->remarks->lines, key, 0)));
        json_put(twice, "line", json_integer((json_int_t)line));
        json_put(twice, "differs", json_boolean(json_equal(before, now) == 0));
        json_add(r->remarks->twice, twice);
    }
    json_put(r->remarks->lines, key, json_integer((json_int_t)line));
}

static int read_map(struct reader *r, unsigned depth, json_t **ret, struct err *err)
{
    AUTO_JSON json_t *map = json_object();
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t key = {0};
        if (next_event(r, &key, err) < 0) {
            return -1;
        }
        if (key.type == YAML_MAPPING_END_EVENT) {
            *ret = TAKE(map);
            return 0;
        }
        if (check_key(r, &key, map, err) < 0) {
            return -1;
        }
        yaml_event_t event;
        json_t *value = NULL;
        if (next_event(r, &event, err) < 0 || read_value(r, &event, depth + 1, &value, err) < 0) {
            return -1;
        }
        const char *name = (const char *)key.data.scalar.value;
        if (r->remarks != NULL && depth == 0) {
            remark_key(r, name, event_line(&key) + 1, json_object_get(map, name), value);
        }
        json_put(map, name, value);
    }
}

/* Consumes the event. */
static int read_value(struct reader *r, yaml_event_t *event_take, unsigned depth, json_t **ret,
                      struct err *err)
{
    CLEANUP(yaml_event_delete) yaml_event_t event = *event_take;
    if (refuse_magic(r, &event, err) < 0 || refuse_tabs(r, &event, err) < 0) {
        return -1;
    }
    if (event.type == YAML_SCALAR_EVENT) {
        return read_scalar(r, &event, ret, err);
    }
    if (depth >= DEPTH_LIMIT) {
        err_fail(err, ERR_CONFIG, "%s:%zu: nested more than %d levels deep", r->name,
                 event_line(&event) + 1, DEPTH_LIMIT);
        return err_hint(err, "check the brackets and the indentation");
    }
    return event.type == YAML_SEQUENCE_START_EVENT ? read_list(r, depth, ret, err)
                                                   : read_map(r, depth, ret, err);
}

static int fail_top(const struct reader *r, size_t line, struct err *err, const char *what)
{
    fail_at(r, line, err, what);
    return err_hint(err, "the file must be one list of \"key: value\" lines");
}

static int read_document(struct reader *r, json_t **ret, struct err *err)
{
    static const yaml_event_type_t frame[] = {YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT};
    yaml_event_t event;
    for (size_t i = 0; i < ARRAY_LEN(frame); i++) {
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type != frame[i]) {
            return fail_top(r, 0, err, "the file is empty");
        }
    }
    if (next_event(r, &event, err) < 0) {
        return -1;
    }
    if (event.type != YAML_MAPPING_START_EVENT) {
        size_t line = event_line(&event);
        yaml_event_delete(&event);
        return fail_top(r, line, err, "the top is no mapping of keys to values");
    }
    AUTO_JSON json_t *top = NULL;
    if (read_value(r, &event, 0, &top, err) < 0) {
        return -1;
    }
    for (yaml_event_type_t type = YAML_NO_EVENT; type != YAML_STREAM_END_EVENT;) {
        if (next_event(r, &event, err) < 0) {
            return -1;
        }
        type = event.type;
        size_t line = event_line(&event);
        yaml_event_delete(&event);
        if (type == YAML_DOCUMENT_START_EVENT) {
            return fail_top(r, line, err, "a second document begins");
        }
    }
    *ret = TAKE(top);
    return 0;
}

static int parse(const char *text, size_t len, const char *name, struct yaml_remarks *remarks,
                 json_t **ret, struct err *err)
{
    if (len > SIZE_LIMIT) {
        err_fail(err, ERR_CONFIG, "%s: larger than 1 MiB", name);
        return err_hint(err, "check that this is the file you mean");
    }
    /* Editors of another world begin a file with a byte order mark. */
    size_t skip = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct reader r = {.text = text + skip, .len = len - skip, .name = name, .remarks = remarks};
    if (!yaml_parser_initialize(&r.parser)) {
        return err_fail(err, ERR_FAILED, "%s: out of memory", name);
    }
    /* Else two bytes at the start could turn it into UTF-16. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.len);
    int result = read_document(&r, ret, err);
    yaml_parser_delete(&r.parser);
    return result;
}

int yaml_parse(const char *text, size_t len, const char *name, json_t **ret, struct err *err)
{
    return parse(text, len, name, NULL, ret, err);
}

int yaml_parse_foreign(const char *text, size_t len, const char *name, json_t **ret,
                       struct yaml_remarks *remarks, struct err *err)
{
    *remarks = (struct yaml_remarks){.lines = NULL};
    return parse(text, len, name, remarks, ret, err);
}

void yaml_remarks_free(struct yaml_remarks *remarks)
{
    json_decref(remarks->lines);
    json_decref(remarks->twice);
    *remarks = (struct yaml_remarks){.lines = NULL};
}
