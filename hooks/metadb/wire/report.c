#include "hooks/metadb/wire/report.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"

#define REPORT_FD 3
#define PROGRESS_EVERY_MS 200

static int report_fd = STDOUT_FILENO;
static bool report_ended;
static uint64_t progress_last_ms;
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

void report_open(void)
{
    if (fcntl(REPORT_FD, F_GETFD) >= 0) {
        report_fd = REPORT_FD;
        (void)fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC);
    }
}

/* The caller holds the lock. A reader that is gone is no reason to stop half way. */
static void write_line(json_t *event, bool last)
{
    AUTO_FREE char *line = json_compact(event);
    if (!report_ended) {
        size_t len = strlen(line);
        line[len] = '\n'; /* in place of the NUL: one write a line */
        if (fs_write_all(report_fd, line, len + 1) < 0) {
            report_ended = true;
        }
    }
    report_ended = report_ended || last;
}

void report_progress(const char *text, uint64_t done, uint64_t total, bool bytes)
{
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&report_lock);
    if (now - progress_last_ms >= PROGRESS_EVERY_MS && !report_ended) {
        progress_last_ms = now;
        AUTO_JSON json_t *event = json_make("{s:s, s:s, s:I, s:I, s:s}", "event", "progress",
                                            "text", text, "done", (json_int_t)done, "total",
                                            (json_int_t)total, "unit", bytes ? "bytes" : "rows");
        write_line(event, false);
    }
    pthread_mutex_unlock(&report_lock);
}

static void write_take(json_t *event_take, bool last)
{
    AUTO_JSON json_t *event = event_take;
    pthread_mutex_lock(&report_lock);
    write_line(event, last);
    pthread_mutex_unlock(&report_lock);
}

void report_prepared_take(json_t *prepared)
{
    write_take(json_make("{s:s, s:o}", "event", "prepared", "prepared", prepared), false);
}

void report_result_take(json_t *result)
{
    write_take(json_make("{s:s, s:o}", "event", "result", "result", result), true);
}

void report_error(const struct err *err)
{
    json_t *event = json_make("{s:s, s:s}", "event", "error", "kind", err_kind_name(err->kind));
    json_put_text(event, "text", err->text);
    if (err->hint[0] != '\0') {
        json_put_text(event, "hint", err->hint);
    }
    write_take(event, true);
}
