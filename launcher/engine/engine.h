/* A Docker Engine, spoken to over its socket. Knows nothing of OMS. A handle is used by one thread
 * at a time; several handles in several threads are fine.
 *
 * Every function returns 0, or -1 with `err`: ERR_UNREACHABLE (no answer), ERR_PERMISSION (socket
 * not ours), ERR_NOT_FOUND (404), ERR_TIMEOUT, ERR_INTERRUPTED, ERR_FAILED (with the engine's own
 * words). A stop request (base/stop.h) aborts a call at once; what was asked of the engine may
 * still happen. Everything returned is the caller's. */
#ifndef OMSLAUNCH_ENGINE_ENGINE_H
#define OMSLAUNCH_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

struct engine;

struct engine_options {
    const char *endpoint;        /* see net/endpoint.h; NULL: the default */
    bool read_only;              /* anything but GET and HEAD is refused before it is sent */
    uint64_t connect_timeout_ms; /* 0: 10 s */
    uint64_t answer_timeout_ms;  /* 0: 60 s; for answers that should come at once */
};

/* Connects, asks /_ping and agrees on an API version both sides know (1.24 to the newest we know).
 */
int engine_open(const struct engine_options *options, struct engine **ret,
                struct err *err) MUST_USE;
void engine_free(struct engine *e);
void engine_free_ptr(struct engine **e);
#define AUTO_ENGINE CLEANUP(engine_free_ptr)

/* All of it, and as people are shown it: without what it takes to get there. */
const char *engine_endpoint(const struct engine *e);
const char *engine_endpoint_shown(const struct engine *e);
/* May a path of the engine be one of this machine? The transport knows; see endpoint_is_local(). */
bool engine_is_local(const struct engine *e);
const char *engine_api_version(const struct engine *e);
int engine_info(struct engine *e, json_t **ret, struct err *err) MUST_USE;

/* ---- containers; `id` is an ID or a name ---- */

int engine_container_inspect(struct engine *e, const char *id, json_t **ret,
                             struct err *err) MUST_USE;
/* All containers, stopped ones too; `label` ("key=value") narrows, may be NULL. */
int engine_container_list(struct engine *e, const char *label, json_t **ret,
                          struct err *err) MUST_USE;
/* `ret_warnings` gets the engine's array of warnings; may be NULL. */
int engine_container_create(struct engine *e, const char *name, const json_t *body, char **ret_id,
                            json_t **ret_warnings, struct err *err) MUST_USE;
int engine_container_start(struct engine *e, const char *id, struct err *err) MUST_USE;
/* TERM (or the container's own stop signal), KILL after `timeout_ms`; waits for the end. An already
 * stopped container is no error. */
int engine_container_stop(struct engine *e, const char *id, uint64_t timeout_ms,
                          struct err *err) MUST_USE;
int engine_container_rename(struct engine *e, const char *id, const char *new_name,
                            struct err *err) MUST_USE;
/* `policy` is a HostConfig.RestartPolicy object: {"Name":…,"MaximumRetryCount":…}. */
int engine_container_set_restart_policy(struct engine *e, const char *id, const json_t *policy,
                                        struct err *err) MUST_USE;
/* Removes a container that was created and never started, with its anonymous volumes; one that ever
 * ran is refused (ERR_REFUSED): it may hold somebody's data. */
int engine_container_remove_created(struct engine *e, const char *id, struct err *err) MUST_USE;
/* Removes a container that does not run, but none of its volumes. One that runs is refused
 * (ERR_REFUSED), by the engine too should it be started meanwhile. */
int engine_container_remove_stopped(struct engine *e, const char *id, struct err *err) MUST_USE;
/* Does a process whose command line has `word` run in it? In a stopped container none does. */
int engine_container_runs_program(struct engine *e, const char *id, const char *word, bool *ret,
                                  struct err *err) MUST_USE;
/* Waits until it is not running. ERR_TIMEOUT when it still is after `timeout_ms` (0: waits on). */
int engine_container_wait(struct engine *e, const char *id, uint64_t timeout_ms, int *ret_exit_code,
                          struct err *err) MUST_USE;

/* Output of a container or an exec: `stream` is 1 (stdout; all there is with a tty) or 2 (stderr).
 * Return non-zero to stop reading. */
typedef int (*engine_output_fn)(void *arg, int stream, const char *bytes, size_t len);
/* What it wrote so far, the last `tail` lines (0: all). */
int engine_container_logs(struct engine *e, const char *id, unsigned tail, engine_output_fn fn,
                          void *arg, struct err *err) MUST_USE;

/* One regular file, of at most `max` bytes, out of a running or stopped container, binds included.
 * ERR_NOT_FOUND when it is not there, ERR_FAILED when it is no regular file or too large. */
int engine_container_read_file(struct engine *e, const char *id, const char *path, size_t max,
                               struct str *ret, struct err *err) MUST_USE;

struct engine_path_stat {
    bool is_folder, is_file, is_link;
    uint64_t size;
    uint64_t mtime_ms;
};
/* What stands at `path` inside the container. */
int engine_container_stat(struct engine *e, const char *id, const char *path,
                          struct engine_path_stat *ret, struct err *err) MUST_USE;

/* ---- images ---- */

int engine_image_inspect(struct engine *e, const char *ref, json_t **ret, struct err *err) MUST_USE;
/* All of them: an array of {"Id", "RepoTags", …}. */
int engine_image_list(struct engine *e, json_t **ret, struct err *err) MUST_USE;

/* Called while the file is sent and the engine unpacks it. */
typedef void (*engine_progress_fn)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
/* Streams the archive file to the engine (never in memory) and reads the answer's stream, in which
 * a failure comes with status 200. `ret_loaded` gets the names that the engine says it loaded. */
int engine_image_load(struct engine *e, const char *archive, engine_progress_fn fn, void *arg,
                      struct strv *ret_loaded, struct err *err) MUST_USE;

/* What happens to one layer of an image that is pulled: "Downloading", 5 of 20 bytes. `total` is 0
 * where the engine tells none. */
typedef void (*engine_layer_fn)(void *arg, const char *layer, const char *what, uint64_t done,
                                uint64_t total);
/* Has the engine fetch REPOSITORY:TAG or REPOSITORY@DIGEST from its registry, with what the docker
 * CLI's files say of who we are there (engine/registry_auth.h). ERR_NOT_FOUND when the registry has
 * no such image, ERR_PERMISSION when it does not let us. */
int engine_image_pull(struct engine *e, const char *ref, engine_layer_fn fn, void *arg,
                      struct err *err) MUST_USE;
/* Is this image, as engine_image_inspect() tells it, the one of that digest ("sha256:…")? With the
 * containerd image store its ID is the digest of a manifest; elsewhere only RepoDigests have it. */
bool engine_image_has_digest(const json_t *image, const char *digest);

#endif
