/* People's text on stderr. Only the top room calls anything above debug. */
#ifndef OMSLAUNCH_BASE_LOG_H
#define OMSLAUNCH_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_MAX };

struct log_options {
    enum log_level level;
    const char *program; /* prefix of errors: "omslaunch: error: …" */
    bool json;           /* one JSON object a line: {"time":…,"level":…,"msg":…} */
};

void log_init(const struct log_options *options);
enum log_level log_get_level(void);
void log_set_level(enum log_level level);
/* "error" … "debug" → level, or -1. */
int log_level_from_name(const char *name);
void log_msg(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_err(const struct err *err); /* the text, then the hint on a line of its own */

#define log_error(...) log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_msg(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_DEBUG, __VA_ARGS__)

/* A progress line that rewrites itself on a terminal and is a plain line every 5 s elsewhere.
 * `total` 0 means unknown. `unit_bytes` prints sizes instead of plain counts. */
struct log_progress {
    const char *title; /* borrowed */
    bool unit_bytes;
    uint64_t started_ms;
    uint64_t printed_ms;
};
void log_progress_start(struct log_progress *p, const char *title, bool unit_bytes);
void log_progress_update(struct log_progress *p, uint64_t done, uint64_t total);
void log_progress_end(struct log_progress *p); /* clears the line on a terminal */

#endif
