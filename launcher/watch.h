/* How a run is shown while it goes on. */
#ifndef OMSLAUNCH_WATCH_H
#define OMSLAUNCH_WATCH_H

#include "launcher/base/log.h"
#include "launcher/upgrade/run.h"

struct watch {
    struct run_observer observer; /* hand this to the run */
    struct log_progress progress;
    bool progress_shown;
    char *last_text; /* a waiting text is said once, not at each look */
};

#define AUTO_WATCH CLEANUP(watch_free)

void watch_init(struct watch *w);
void watch_free(struct watch *w);
/* Of a call to the MetaDB that is no part of a run; `arg` is the watch. */
void watch_progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes);

#endif
