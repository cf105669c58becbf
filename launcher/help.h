/* Help texts, the man page and the completions: all from the tables of commands, options and codes.
 */
#ifndef OMSLAUNCH_HELP_H
#define OMSLAUNCH_HELP_H

#include "launcher/base/str.h"
#include "launcher/command.h"

void help_overview(struct str *ret);
void help_command(const struct command *command, struct str *ret);
/* omslaunch(1) in man's own language. */
void help_man(struct str *ret);
/* "bash", "zsh" or "fish"; returns -1 for another shell. */
int help_completion(const char *shell, struct str *ret);

#endif
