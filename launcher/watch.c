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

/* "10.0.0.11: ", where there are several nodes. */
static void append_node(const struct run_row *row, struct str *ret)
{
    if (row != NULL && row->node != NULL) {
        str_appendf(ret, "%s: ", row->node);
    }
}

static void row_begins(void *arg, const struct run_row *row)
{
    (void)arg;
    AUTO_STR struct str node = STR_INIT;
    append_node(row, &node);
    log_info("%2zu/%zu  %s%s …", row->number, row->total, str_get(&node), row->title);
}

static void row_ends(void *arg, const struct run_row *row, bool ok, uint64_t took_ms,
                     const char *summary)
{
    end_progress(arg);
    AUTO_STR struct str took = STR_INIT;
    AUTO_STR struct str node = STR_INIT;
    append_node(row, &node);
    str_append_duration(&took, took_ms);
    if (ok) {
        log_info("       %sok, %s: %s", str_get(&node), str_get(&took), summary);
    } else {
        log_info("       %sfailed after %s", str_get(&node), str_get(&took));
    }
}

void watch_progress(void *arg, const char *text, uint64_t done, uint64_t total, bool bytes)
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

static void progress(void *arg, const struct run_row *row, const char *text, uint64_t done,
                     uint64_t total, bool bytes)
{
    AUTO_STR struct str whole = STR_INIT;
    append_node(row, &whole);
    str_append(&whole, text);
    watch_progress(arg, str_get(&whole), done, total, bytes);
}

static void output(void *arg, const struct run_row *row, const char *line)
{
    (void)arg;
    AUTO_STR struct str node = STR_INIT;
    append_node(row, &node);
    log_info("       %s| %s", str_get(&node), line);
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
