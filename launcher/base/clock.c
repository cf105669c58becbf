#include "launcher/base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "launcher/base/stop.h"

/* After a stop request, sleeps are cut to this and not to nothing: code that still polls the world,
 * to hand it over in order, must not spin. */
#define SLEEP_WHEN_STOPPED_MS 100

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

char *clock_format(uint64_t wall_ms, char *buf)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    char date[CLOCK_TEXT_MAX - 5];
    if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        (void)snprintf(buf, CLOCK_TEXT_MAX, "?");
        return buf;
    }
    (void)snprintf(buf, CLOCK_TEXT_MAX, "%s.%03uZ", date, (unsigned)(wall_ms % 1000));
    return buf;
}

/* Exactly `n` digits; moves *p past them. -1 if they are not there or above `max`. */
static int take_digits(const char **p, int n, int max)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9') {
            return -1;
        }
        value = value * 10 + (**p - '0');
    }
    return value <= max ? value : -1;
}

static int take_char(const char **p, char c)
{
    return *(*p) == c ? ((*p)++, 0) : -1;
}

/* "+hh:mm", "-hh:mm" or "Z", in seconds. */
static int take_offset(const char **p, int *ret)
{
    if (take_char(p, 'Z') == 0) {
        *ret = 0;
        return 0;
    }
    int sign = **p == '-' ? -1 : 1;
    if (take_char(p, '+') < 0 && take_char(p, '-') < 0) {
        return -1;
    }
    int hours = take_digits(p, 2, 23);
    int minutes = take_char(p, ':') < 0 ? -1 : take_digits(p, 2, 59);
    if (hours < 0 || minutes < 0) {
        return -1;
    }
    *ret = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/* ".123456789": any number of digits, milliseconds are kept. */
static int take_fraction_ms(const char **p, unsigned *ret_ms)
{
    *ret_ms = 0;
    if (take_char(p, '.') < 0) {
        return 0;
    }
    int digits = 0;
    unsigned scale = 100;
    for (; **p >= '0' && **p <= '9'; (*p)++, digits++, scale /= 10) {
        *ret_ms += (unsigned)(**p - '0') * scale;
    }
    return digits > 0 ? 0 : -1;
}

static int take_date(const char **p, struct tm *tm)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = take_digits(p, 4, 9999);
    int month = take_char(p, '-') < 0 ? -1 : take_digits(p, 2, 12);
    int day = take_char(p, '-') < 0 ? -1 : take_digits(p, 2, 31);
    if (year < 0 || month < 1 || day < 1) {
        return -1;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > days[month - 1] + (month == 2 && leap)) {
        return -1;
    }
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return 0;
}

static int take_time(const char **p, struct tm *tm)
{
    tm->tm_hour = take_digits(p, 2, 23);
    tm->tm_min = take_char(p, ':') < 0 ? -1 : take_digits(p, 2, 59);
    tm->tm_sec = take_char(p, ':') < 0 ? -1 : take_digits(p, 2, 60);
    return tm->tm_hour < 0 || tm->tm_min < 0 || tm->tm_sec < 0 ? -1 : 0;
}

int clock_parse(const char *text, uint64_t *ret_wall_ms)
{
    const char *p = text;
    struct tm tm = {0};
    unsigned ms = 0;
    int offset = 0;
    if (take_date(&p, &tm) < 0 || take_char(&p, 'T') < 0 || take_time(&p, &tm) < 0 ||
        take_fraction_ms(&p, &ms) < 0 || take_offset(&p, &offset) < 0 || *p != '\0') {
        return -1;
    }
    int64_t seconds = (int64_t)timegm(&tm) - offset;
    *ret_wall_ms = seconds < 0 ? 0 : (uint64_t)seconds * 1000 + ms;
    return 0;
}

uint64_t clock_deadline(uint64_t timeout_ms)
{
    if (timeout_ms == 0) {
        return 0;
    }
    uint64_t now = clock_mono_ms();
    return timeout_ms > UINT64_MAX - now ? 0 : now + timeout_ms;
}

uint64_t clock_left_ms(uint64_t deadline_ms)
{
    if (deadline_ms == 0) {
        return UINT64_MAX;
    }
    uint64_t now = clock_mono_ms();
    return now >= deadline_ms ? 0 : deadline_ms - now;
}

bool clock_passed(uint64_t deadline_ms)
{
    return clock_left_ms(deadline_ms) == 0;
}

void clock_sleep_ms(uint64_t ms)
{
    bool stopped = stop_requested();
    uint64_t deadline =
        clock_deadline(stopped && ms > SLEEP_WHEN_STOPPED_MS ? SLEEP_WHEN_STOPPED_MS : ms);
    while (deadline != 0 && !clock_passed(deadline) && (stopped || !stop_requested())) {
        uint64_t left = clock_left_ms(deadline);
        struct pollfd fd = {.fd = stopped ? -1 : stop_fd(), .events = POLLIN};
        /* EINTR and a readable descriptor both end in the loop's condition. */
        (void)poll(&fd, 1, left > 60000 ? 60000 : (int)left);
    }
}
