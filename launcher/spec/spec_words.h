/* What each field of a container's configuration is called by docker run and by compose. */
#ifndef OMSLAUNCH_SPEC_SPEC_WORDS_H
#define OMSLAUNCH_SPEC_SPEC_WORDS_H

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

enum word_shape {
    WORD_FLAG,   /* true: --option; key: true */
    WORD_SWITCH, /* --option=true|false */
    WORD_TEXT,
    WORD_NUMBER, /* 0 says nothing */
    WORD_AMOUNT, /* a number of which 0 is a value, too */
    WORD_LIST,   /* of texts */
    WORD_MAP,    /* of texts by name: --option NAME=TEXT */
    WORD_KEYS,   /* of an object */
    WORD_OWN,    /* has a function of its own */
    WORD_SILENT, /* says nothing: where it is said otherwise, or by how a tool is called */
    WORD_SHAPE_MAX
};

struct spec_line; /* a command line that is being made, see spec_line.h */

struct spec_word {
    const char *section, *field;
    enum word_shape shape;
    const char *option; /* "--cap-add"; NULL: there is none */
    const char *key;    /* "cap_add"; NULL: there is none */
    /* Of WORD_OWN. ERR_REFUSED for what cannot be said. */
    int (*say)(struct spec_line *l, const char *option, const json_t *value, struct err *err);
    json_t *(*compose)(const json_t *value); /* caller owns; NULL: cannot be said */
};

/* In the order of the table; NULL after the last. */
const struct spec_word *spec_word_at(size_t index);
const struct spec_word *spec_word_find(const char *section, const char *field);

/* "30s" or "1500ms" from nanoseconds. Caller frees. */
char *spec_duration(int64_t ns);
/* "[IP:][HOST]:PORT/tcp" of one of PortBindings. Caller frees. */
char *spec_port(const char *port, const json_t *binding);

/* spec_words_run.c */
int spec_say_env(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_mounts(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_ulimits(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_restart(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_logging(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_ports(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_health(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_cpus(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_devices(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_rates(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_weights(struct spec_line *l, const char *option, const json_t *value, struct err *err);
int spec_say_tmpfs(struct spec_line *l, const char *option, const json_t *value, struct err *err);

/* spec_words_compose.c */
json_t *spec_compose_mounts(const json_t *value);
json_t *spec_compose_ulimits(const json_t *value);
json_t *spec_compose_restart(const json_t *value);
json_t *spec_compose_logging(const json_t *value);
json_t *spec_compose_ports(const json_t *value);
json_t *spec_compose_health(const json_t *value);
json_t *spec_compose_cpus(const json_t *value);
json_t *spec_compose_devices(const json_t *value);
json_t *spec_compose_tmpfs(const json_t *value);
json_t *spec_compose_seconds(const json_t *value);

#endif
