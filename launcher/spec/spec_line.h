/* A command line for a POSIX shell, while it is being made. */
#ifndef OMSLAUNCH_SPEC_SPEC_LINE_H
#define OMSLAUNCH_SPEC_SPEC_LINE_H

#include "launcher/base/str.h"

struct spec_line {
    struct str variables; /* assignments before the command */
    struct str text;
    struct strv names; /* variables that were used */
};

void spec_line_free(struct spec_line *l);
/* One more line: `option`, and `value` quoted; either may be NULL. */
void spec_line_add(struct spec_line *l, const char *option, const char *value);
void spec_line_add_take(struct spec_line *l, const char *option, char *value_take);
/* A variable of the environment that docker takes over by its name alone: no process shows it. */
void spec_line_add_secret_env(struct spec_line *l, const char *option, const char *name);
/* PREFIX and a variable called after `name`. */
void spec_line_add_secret(struct spec_line *l, const char *option, const char *prefix,
                          const char *name);

/* Can a shell have a variable of that name? */
bool spec_is_identifier(const char *name);
/* "my.api-token" → "MY_API_TOKEN". Caller frees. */
char *spec_variable_name(const char *name);

#endif
