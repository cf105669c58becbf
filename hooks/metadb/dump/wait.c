/* Between what can be done beforehand and what must see the moment: the caller stops OMS meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hooks/metadb/dump/state.h"
#include "hooks/metadb/wire/report.h"
#include "launcher/base/clock.h"
#include "launcher/base/stop.h"

static void say_prepared(const struct dump *d)
{
    report_prepared_take(json_make("{s:I, s:I, s:I, s:i}", "tables", (json_int_t)d->table_count,
                                   "raw_bytes_estimate", (json_int_t)d->raw_estimate, "pieces",
                                   (json_int_t)d->pieces.count, "workers",
                                   (int)d->options.workers));
}

static int wait_for_go(struct err *err)
{
    static const char word[] = "go\n";
    char said[sizeof(word)] = "";
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = stop_fd(), .events = POLLIN}};
    while (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno == EINTR) {
    }
    if (stop_requested()) {
        return err_fail(err, ERR_INTERRUPTED, "stopped by signal %d", stop_signal());
    }
    ssize_t n = read(STDIN_FILENO, said, sizeof(word) - 1);
    if (n <= 0) {
        return err_fail(err, ERR_INTERRUPTED, "given up before it began: nobody said 'go'");
    }
    return strcmp(said, word) == 0
               ? 0
               : err_fail(err, ERR_USAGE, "'%s' was said where 'go' is waited for", said);
}

/* A view may look into another database, so one change is reason enough to read all anew. */
static int refresh(struct dump *d, bool *ret_changed, struct err *err)
{
    bool same = true;
    for (size_t i = 0; same && i < d->database_count; i++) {
        if (schema_refresh(&d->lead, d->schemas[i], &same, err) < 0) {
            return -1;
        }
    }
    *ret_changed = !same;
    for (size_t i = 0; !same && i < d->database_count; i++) {
        struct schema *fresh;
        if (schema_read(&d->lead, d->schemas[i]->name, &fresh, err) < 0) {
            return -1;
        }
        schema_free(d->schemas[i]);
        d->schemas[i] = fresh;
    }
    return 0;
}

int dump_wait(struct dump *d, bool *ret_changed, struct err *err)
{
    say_prepared(d);
    if (wait_for_go(err) < 0) {
        return -1;
    }
    d->started_ms = clock_mono_ms();
    d->started_wall_ms = clock_wall_ms();
    return dump_reopen_workers(d, err) < 0 ? -1 : refresh(d, ret_changed, err);
}
