/* omslaunch as `docker omslaunch`: the conventions of Docker CLI plugins. */
#ifndef OMSLAUNCH_PLUGIN_H
#define OMSLAUNCH_PLUGIN_H

#include <stdbool.h>

/* Answers `docker-omslaunch docker-cli-plugin-metadata`; false if that is not what was asked. */
bool plugin_answer_metadata(int argc, char *const *argv);
/* Was the program called by the name that the Docker CLI looks for? */
bool plugin_is_called(const char *program);
/* Finds our own words in the full docker command line: what follows the plugin's name, and -H or
 * --host before it. Returns a new argv; caller frees the array, not its words. */
char **plugin_arguments(int argc, char *const *argv, int *ret_argc);
/* Without a terminal the CLI tells a cancel by closing a socket: that counts as TERM. */
void plugin_watch_socket(void);

#endif
