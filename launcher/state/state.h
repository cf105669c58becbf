/* Where omslaunch keeps what must outlive it (architecture, "State on disk"). */
#ifndef OMSLAUNCH_STATE_STATE_H
#define OMSLAUNCH_STATE_STATE_H

#include "launcher/base/err.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

#define RUN_ID_MAX 32

/* The state folder: `option`, or /var/lib/omslaunch as root, or below $XDG_STATE_HOME. Not created.
 * Caller frees. */
char *state_folder(const char *option);

/* "20261122-094512-3f2a": when, and enough chance for two at once. */
void state_make_run_id(char run[RUN_ID_MAX]);

/* Paths inside the state folder. Caller frees. */
char *state_run_folder(const char *state, const char *run);
char *state_run_file(const char *state, const char *run, const char *name);
char *state_backup_folder(const char *state, const char *run);

/* "run R, process P on H since T": who holds a lock, for others to read. Caller frees. */
char *state_describe_holder(const char *run);

/* Creates runs/, backups/, locks/ and proves that they can be written. ERR_STATE. */
int state_prepare(const char *state, struct err *err) MUST_USE;
/* Creates the run's folder with its logs/. ERR_STATE; a folder that was there is left alone. */
int state_create_run(const char *state, const char *run, struct err *err) MUST_USE;
/* Removes the folder of a run that never began: only for who has just created it. */
void state_drop_run(const char *state, const char *run);
/* All runs, oldest first; none if there is no state folder. ERR_STATE. */
int state_list_runs(const char *state, struct strv *ret, struct err *err) MUST_USE;

/* One run a deployment: held until the descriptor is closed or the process ends. ERR_LOCKED names
 * the holder. `wait_ms` 0 does not wait. */
int state_lock(const char *state, const char *endpoint, const char *deployment, const char *run,
               uint64_t wait_ms, int *ret_fd, struct err *err) MUST_USE;

/* Does somebody hold it right now? Then `ret_holder` says who. */
bool state_is_locked(const char *state, const char *endpoint, const char *deployment,
                     struct str *ret_holder);

#endif
