/* Inside the survey: its parts, in the order in which they are asked. */
#ifndef OMSLAUNCH_UPGRADE_SURVEY_PART_H
#define OMSLAUNCH_UPGRADE_SURVEY_PART_H

#include "launcher/upgrade/survey.h"

/* ---- survey_image.c: what to upgrade to ---- */

/* The target's reference and both versions, from the first node. ERR_USAGE when no repository is
 * known, or `from` is no version or contradicts the old image's tag. */
int survey_choose_target(const struct survey_request *request, struct survey *s,
                         struct err *err) MUST_USE;
/* The target image on a node's engine; several nodes may be looked at at once. */
int survey_look_at_image(struct engine *e, struct survey *s, size_t node, struct err *err) MUST_USE;
/* The archive that will be loaded, for all nodes. */
void survey_look_into_archive(const struct survey_request *request, struct survey *s);
/* The same tag of the same repository, and the engine does not hold another image under it now. */
bool survey_is_already_there(const struct survey *s);

/* ---- survey_beat.c: whether the servers are alive ---- */

/* The server list, and whether the heartbeat of each running node moves. A MetaDB that falls silent
 * meanwhile is no error; ERR_INTERRUPTED is. */
int survey_watch_heartbeats(const struct metadb *db, struct survey *s, struct err *err) MUST_USE;

/* ---- survey_judge.c: what the rules say of it ---- */

/* The shipped table with the user's rows before it. ERR_CONFIG. */
int survey_load_versions(const struct survey_request *request, struct version_table *ret,
                         struct err *err) MUST_USE;
void survey_judge(const struct survey_request *request, const struct version_table *versions,
                  struct survey *s);

#endif
