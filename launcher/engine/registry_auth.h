/* Who we are to a registry, by the docker CLI's files: what an engine is told when it pulls. */
#ifndef OMSLAUNCH_ENGINE_REGISTRY_AUTH_H
#define OMSLAUNCH_ENGINE_REGISTRY_AUTH_H

#include "launcher/base/err.h"
#include "launcher/base/str.h"

/* The registry of an image's name: "reg.example:5000"; "docker.io" when it names none. Caller
 * frees. */
char *registry_host(const char *ref);

/* The value of the header X-Registry-Auth for the registry of `ref`: from $DOCKER_AUTH_CONFIG, a
 * credential helper (credHelpers, credsStore), or auths of config.json; not set when none of them
 * knows that registry. Credentials of another registry are never given. ERR_CONFIG for a file that
 * is wrong or a helper that fails. What is secret is hidden (base/foreign.h). */
int registry_auth_find(const char *ref, struct secret *ret, struct err *err) MUST_USE;

#endif
