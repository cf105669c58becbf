/* omslaunch as `docker omslaunch`: the conventions of Docker CLI plugins. */
#ifndef OMSLAUNCH_PLUGIN_H
#define OMSLAUNCH_PLUGIN_H

#include <stdbool.h>

#include "launcher/base/str.h"

/* Answers `docker-omslaunch docker-cli-plugin-metadata`; false if that is not what was asked. */
bool plugin_answer_metadata(int argc, char *const *argv);
/* Was the program called by the name that the Docker CLI looks for? */
bool plugin_is_called(const char *program);
/* Our own words of the full docker command line: what follows the plugin's name, and docker's own
 * options before it as ours (its --config sets DOCKER_CONFIG). The program's name comes first. */
void plugin_arguments(int argc, char *const *argv, struct strv *ret);
/* Without a terminal the CLI tells a cancel by closing a socket: that counts as TERM. */
void plugin_watch_socket(void);

#endif
