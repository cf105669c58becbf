#include "launcher/watch.h"

#include <stdlib.h>
#include <string.h>

static void end_progress(struct watch *w)
{
    if (w->progress_shown) {
        log_progress_end(&w->progress);
        w->progress_shown = false;
    }
    free(TAKE(w->last_text));
}

static void row_begins(void *arg, size_t number, size_t total, const char *doing)
{
    (void)arg;
    log_info("%2zu/%zu  %s …", number, total, doing);
}

static void row_ends(void *arg, bool ok, uint64_t took_ms, const char *summary)
{
    end_progress(arg);
    AUTO_STR struct str took = STR_INIT;
    str_append_duration(&took, took_ms);
    if (ok) {
        log_info("       ok, %s: %s", str_get(&took), summary);
    } else {
        log_info("       failed after %s", str_get(&took));
    }
}

static void progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes)
{
    struct watch *w = arg;
    if (total == 0) {
        if (!str_eq(w->last_text, text)) {
            end_progress(w);
            w->last_text = mem_strdup(text);
            log_info("       %s", text);
        }
        return;
    }
    if (!w->progress_shown || !str_eq(w->last_text, text)) {
        end_progress(w);
        w->last_text = mem_strdup(text);
        log_progress_start(&w->progress, w->last_text, bytes);
        w->progress_shown = true;
    }
    log_progress_update(&w->progress, done, total);
}

static void output(void *arg, const char *line)
{
    (void)arg;
    log_info("       | %s", line);
}

static void goes_back(void *arg, const struct err *failure)
{
    end_progress(arg);
    if (failure != NULL) {
        log_err(failure);
    }
    log_info("Going back to the old version.");
}

void watch_init(struct watch *w)
{
    memset(w, 0, sizeof(*w));
    w->observer = (struct run_observer){.row_begins = row_begins,
                                        .row_ends = row_ends,
                                        .progress = progress,
                                        .output = output,
                                        .goes_back = goes_back,
                                        .arg = w};
}

void watch_free(struct watch *w)
{
    end_progress(w);
}
