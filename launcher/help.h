/* Help texts, the man page and the completions: all from the tables of commands, options and codes.
 */
#ifndef OMSLAUNCH_HELP_H
#define OMSLAUNCH_HELP_H

#include "launcher/base/str.h"
#include "launcher/command.h"

#define HELP_WIDTH 80 /* columns, where the screen does not say otherwise */

void help_overview(size_t width, struct str *s);
void help_command(const struct command *command, size_t width, struct str *s);
/* omslaunch(1) in man's own language. */
void help_man(struct str *s);
/* "bash", "zsh" or "fish"; returns -1 for another shell. */
int help_completion(const char *shell, struct str *ret);

#endif
