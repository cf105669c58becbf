#include "launcher/spec/spec_line.h"

#include <ctype.h>
#include <string.h>

#include "launcher/base/foreign.h"

#define NEXT_LINE " \\\n    "

void spec_line_free(struct spec_line *l)
{
    str_free(&l->variables);
    str_free(&l->text);
    strv_free(&l->names);
}

/* Would a terminal show it as it is? */
static bool is_harmless(const char *text)
{
    AUTO_STR struct str shown = STR_INIT;
    foreign_append(&shown, text, strlen(text), FOREIGN_LINES);
    return str_eq(str_get(&shown), text);
}

/* By printf's octal numbers: what must not reach a terminal still reaches the container. */
static void append_octal(struct str *s, const char *text)
{
    str_append(s, "\"$(printf '");
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (isalnum(*p) || strchr(" =_-./:,", *p) != NULL) {
            str_append_c(s, (char)*p);
        } else {
            str_appendf(s, "\\%03o", (unsigned)*p);
        }
    }
    str_append(s, "')\"");
}

/* As it is where no shell sees anything in it; else between single quotes. */
static void append_quoted(struct str *s, const char *text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_-./:=,@%+";
    if (text[0] != '\0' && strspn(text, safe) == strlen(text)) {
        str_append(s, text);
        return;
    }
    if (!is_harmless(text)) {
        append_octal(s, text);
        return;
    }
    str_append_c(s, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            str_append(s, "'\\''");
        } else {
            str_append_c(s, *text);
        }
    }
    str_append_c(s, '\'');
}

void spec_line_add(struct spec_line *l, const char *option, const char *value)
{
    str_append(&l->text, NEXT_LINE);
    if (option != NULL) {
        str_append(&l->text, option);
    }
    if (value != NULL) {
        str_append(&l->text, option != NULL ? " " : "");
        append_quoted(&l->text, value);
    }
}

void spec_line_add_take(struct spec_line *l, const char *option, char *value_take)
{
    AUTO_FREE char *value = value_take;
    spec_line_add(l, option, value);
}

bool spec_is_identifier(const char *name)
{
    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        if (name[len] != '_' && !isalpha((unsigned char)name[len]) &&
            (len == 0 || !isdigit((unsigned char)name[len]))) {
            return false;
        }
    }
    return len > 0;
}

char *spec_variable_name(const char *name)
{
    AUTO_STR struct str s = STR_INIT;
    if (!isalpha((unsigned char)name[0])) {
        str_append_c(&s, '_');
    }
    for (; *name != '\0'; name++) {
        str_append_c(&s, isalnum((unsigned char)*name) ? (char)toupper((unsigned char)*name) : '_');
    }
    return str_take(&s);
}

/* Before the command: it gets the variable, and an unset one is an error that names it. */
static void assign(struct spec_line *l, const char *name)
{
    if (!strv_has(&l->names, name)) {
        strv_add(&l->names, name);
        str_appendf(&l->variables, "%s=\"${%s?}\" \\\n", name, name);
    }
}

void spec_line_add_secret_env(struct spec_line *l, const char *option, const char *name)
{
    if (spec_is_identifier(name)) {
        assign(l, name);
        spec_line_add(l, option, name);
        return;
    }
    AUTO_FREE char *prefix = mem_printf("%s=", name);
    spec_line_add_secret(l, option, prefix, name);
}

void spec_line_add_secret(struct spec_line *l, const char *option, const char *prefix,
                          const char *name)
{
    AUTO_FREE char *variable = spec_variable_name(name);
    str_append(&l->text, NEXT_LINE);
    if (option != NULL) {
        str_appendf(&l->text, "%s ", option);
    }
    if (prefix[0] != '\0') {
        append_quoted(&l->text, prefix);
    }
    str_appendf(&l->text, "\"${%s?}\"", variable);
}
