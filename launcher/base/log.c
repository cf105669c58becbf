#include "launcher/base/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "launcher/base/clock.h"
#include "launcher/base/fold.h"
#include "launcher/base/foreign.h"
#include "launcher/base/fs.h"
#include "launcher/base/json.h"
#include "launcher/base/str.h"

#define PLAIN_EVERY_MS 5000
#define BAR_EVERY_MS 100
#define BAR_WIDTH 24
#define TITLE_MAX 200
#define MESSAGE_MAX (256U * 1024)
#define CLEAR_LINE "\r\033[K"

/* The one lock keeps lines whole, and knows whether a bar stands on the terminal's last line. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    enum log_level level;
    char *program;
    bool json;
    bool colour; /* which also means: a terminal that can move its cursor */
    bool bar_shown;
} log_state = {.level = LOG_INFO};

static const char *const level_names[LOG_LEVEL_MAX] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};
static const char *const level_colours[LOG_LEVEL_MAX] = {
    [LOG_ERROR] = "\033[1;31m",
    [LOG_WARN] = "\033[1;33m",
    [LOG_INFO] = "",
    [LOG_DEBUG] = "\033[2m",
};

static bool terminal_moves(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static bool colour_wanted(void)
{
    const char *no = getenv("NO_COLOR");
    return terminal_moves() && !(no && *no);
}

void log_init(const struct log_options *options)
{
    pthread_mutex_lock(&log_lock);
    free(log_state.program);
    log_state.level = options->level;
    log_state.program = mem_strdup(options->program ? options->program : "omslaunch");
    log_state.json = options->json;
    log_state.colour = !options->json && colour_wanted();
    pthread_mutex_unlock(&log_lock);
}

enum log_level log_get_level(void)
{
    return log_state.level;
}

void log_set_level(enum log_level level)
{
    pthread_mutex_lock(&log_lock);
    log_state.level = level;
    pthread_mutex_unlock(&log_lock);
}

int log_level_from_name(const char *name)
{
    if (strcmp(name, "warn") == 0) {
        return LOG_WARN;
    }
    for (int i = 0; i < LOG_LEVEL_MAX; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* On a terminal folded at its width; `column` is where it begins. */
static void append_folded(struct str *out, const char *text, size_t column)
{
    fold_lines(out, text, fold_terminal_width(STDERR_FILENO), column);
    str_append_c(out, '\n');
}

static void append_text_line(struct str *out, enum log_level level, const char *text,
                             const char *hint)
{
    const char *colour = log_state.colour ? level_colours[level] : "";
    const char *plain = *colour ? "\033[0m" : "";
    const char *program = log_state.program ? log_state.program : "omslaunch";
    size_t column = 0;
    if (level != LOG_INFO) {
        str_appendf(out, "%s: %s%s:%s ", program, colour, level_names[level], plain);
        column = strlen(program) + strlen(level_names[level]) + strlen(": : ");
    }
    append_folded(out, text, column);
    if (hint) {
        str_append(out, log_state.colour ? "\033[36mHINT:\033[0m " : "HINT: ");
        append_folded(out, hint, strlen("HINT: "));
    }
}

static json_t *make_event(enum log_level level, const char *text, const char *hint)
{
    char now[CLOCK_TEXT_MAX];
    json_t *event = json_make("{s:s, s:s, s:o}", "time", clock_format(clock_wall_ms(), now),
                              "level", level_names[level], "msg", json_from_text(text));
    if (hint) {
        json_put_text(event, "hint", hint);
    }
    return event;
}

static void append_json_line(struct str *out, const json_t *event)
{
    AUTO_FREE char *line = json_compact(event);
    str_append(out, line);
    str_append_c(out, '\n');
}

/* One write, so that lines of several processes on one terminal stay whole too. Nobody can be told
 * when stderr is gone. */
static void put(const char *bytes, size_t len)
{
    if (fs_write_all(STDERR_FILENO, bytes, len) < 0) {
        return;
    }
}

static void write_message(enum log_level level, const char *words, const char *hint)
{
    AUTO_STR struct str out = STR_INIT;
    AUTO_FREE char *text = foreign_text(words, strlen(words), FOREIGN_LINES, MESSAGE_MAX);
    pthread_mutex_lock(&log_lock);
    if (level > log_state.level) {
        pthread_mutex_unlock(&log_lock);
        return;
    }
    if (log_state.bar_shown) {
        str_append(&out, CLEAR_LINE);
        log_state.bar_shown = false;
    }
    if (log_state.json) {
        AUTO_JSON json_t *event = make_event(level, text, hint);
        append_json_line(&out, event);
    } else {
        append_text_line(&out, level, text, hint);
    }
    put(out.data, out.len);
    pthread_mutex_unlock(&log_lock);
}

void log_msg(enum log_level level, const char *fmt, ...)
{
    if (level > log_state.level) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len >= 0) {
        write_message(level, text, NULL);
        free(text);
    }
}

void log_err(const struct err *err)
{
    write_message(LOG_ERROR, err->text, err->hint[0] != '\0' ? err->hint : NULL);
}

/* ---- progress ---- */

static void append_amount(struct str *out, uint64_t n, bool bytes)
{
    if (bytes) {
        str_append_size(out, n);
    } else {
        str_appendf(out, "%" PRIu64, n);
    }
}

static uint64_t percent_of(uint64_t done, uint64_t total)
{
    /* By halves until it cannot overflow: exact enough for a percentage. */
    while (done > UINT64_MAX / 100) {
        done /= 2;
        total /= 2;
    }
    return done >= total ? 100 : done * 100 / total;
}

/* "12.0 MiB of 40.0 MiB, 30 %, 3.2 MiB/s" */
static void append_numbers(struct str *out, const struct log_progress *p, uint64_t done,
                           uint64_t total, uint64_t now_ms)
{
    append_amount(out, done, p->unit_bytes);
    if (total > 0) {
        str_append(out, " of ");
        append_amount(out, total, p->unit_bytes);
        str_appendf(out, ", %" PRIu64 " %%", percent_of(done, total));
    }
    uint64_t elapsed_ms = now_ms - p->started_ms;
    if (p->unit_bytes && elapsed_ms >= 1000) {
        str_append(out, ", ");
        str_append_size(out, done / elapsed_ms * 1000 + done % elapsed_ms * 1000 / elapsed_ms);
        str_append(out, "/s");
    }
}

static void append_bar(struct str *out, uint64_t done, uint64_t total)
{
    size_t full = (size_t)(percent_of(done, total) * BAR_WIDTH / 100);
    str_append(out, "[");
    for (size_t i = 0; i < BAR_WIDTH; i++) {
        str_append_c(out, i < full ? '#' : '.');
    }
    str_append(out, "] ");
}

/* A line that wraps could not be cleared again. */
static void cut_to_terminal(struct str *line, size_t start)
{
    struct winsize size = {0};
    size_t width = 80;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
        width = size.ws_col;
    }
    size_t columns = 0;
    for (size_t i = start; i < line->len; i++) {
        columns += ((unsigned char)line->data[i] & 0xC0) != 0x80;
        if (columns == width) {
            line->len = i;
            line->data[i] = '\0';
        }
    }
}

static void write_bar(const struct log_progress *p, uint64_t done, uint64_t total, uint64_t now_ms)
{
    AUTO_STR struct str out = STR_INIT;
    str_append(&out, CLEAR_LINE);
    size_t start = out.len;
    AUTO_FREE char *title = foreign_line(p->title, TITLE_MAX);
    str_append(&out, title);
    str_append(&out, "  ");
    if (total > 0) {
        append_bar(&out, done, total);
    }
    append_numbers(&out, p, done, total, now_ms);
    pthread_mutex_lock(&log_lock);
    cut_to_terminal(&out, start);
    put(out.data, out.len);
    log_state.bar_shown = true;
    pthread_mutex_unlock(&log_lock);
}

static void write_plain(const struct log_progress *p, uint64_t done, uint64_t total,
                        uint64_t now_ms)
{
    AUTO_STR struct str text = STR_INIT;
    str_appendf(&text, "%s: ", p->title);
    append_numbers(&text, p, done, total, now_ms);
    write_message(LOG_INFO, str_get(&text), NULL);
}

void log_progress_start(struct log_progress *p, const char *title, bool unit_bytes)
{
    uint64_t now = clock_mono_ms();
    *p = (struct log_progress){
        .title = title, .unit_bytes = unit_bytes, .started_ms = now, .printed_ms = now};
}

void log_progress_update(struct log_progress *p, uint64_t done, uint64_t total)
{
    if (log_state.level < LOG_INFO) {
        return;
    }
    bool bar = !log_state.json && terminal_moves();
    uint64_t now = clock_mono_ms();
    if (now - p->printed_ms < (bar ? BAR_EVERY_MS : PLAIN_EVERY_MS)) {
        return;
    }
    p->printed_ms = now;
    if (bar) {
        write_bar(p, done, total, now);
    } else {
        write_plain(p, done, total, now);
    }
}

void log_progress_end(struct log_progress *p)
{
    (void)p;
    pthread_mutex_lock(&log_lock);
    if (log_state.bar_shown) {
        put(CLEAR_LINE, strlen(CLEAR_LINE));
        log_state.bar_shown = false;
    }
    pthread_mutex_unlock(&log_lock);
}
