#ifndef OMSLAUNCH_BASE_CLOCK_H
#define OMSLAUNCH_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_MAX 32

uint64_t clock_mono_ms(void); /* for deadlines */
uint64_t clock_wall_ms(void); /* since 1970, UTC, for people and records */
/* "2026-11-22T10:00:00.123Z"; `buf` holds CLOCK_TEXT_MAX bytes; returns it. */
char *clock_format(uint64_t wall_ms, char *buf);
/* "2026-11-22T10:00:00[.fraction](Z|+hh:mm)" as the engine writes it; -1 if it is none.
 * What lies before 1970 becomes 0: the engine's year 1 means "never". */
int clock_parse(const char *text, uint64_t *ret_wall_ms);

/* A point in monotonic time; 0 means never. */
uint64_t clock_deadline(uint64_t timeout_ms); /* timeout 0: never */
uint64_t clock_left_ms(uint64_t deadline_ms); /* 0 when passed; UINT64_MAX when never */
bool clock_passed(uint64_t deadline_ms);
/* Sleeps at most `ms`; wakes when a stop is asked for (see stop.h), and sleeps at most 100 ms once
 * that was. */
void clock_sleep_ms(uint64_t ms);

#endif
