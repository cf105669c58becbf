/* INT and TERM ask the program to stop at the next safe point; nothing is done in the handler. */
#ifndef OMSLAUNCH_BASE_STOP_H
#define OMSLAUNCH_BASE_STOP_H

#include <stdbool.h>

void stop_catch_signals(void); /* INT, TERM, HUP; SIGPIPE ignored */
bool stop_requested(void);
int stop_signal(void); /* the signal, 0 if none */
/* How often a stop was asked for: the second one is more urgent than the first. */
int stop_count(void);
/* From now on, `count` requests are no reason for this thread to stop: who cleans up after the
 * first one, or ends a call that must not be cut off, stops only for the second. */
void stop_tolerate(int count);
int stop_tolerance(void);
/* Readable once this thread is asked to stop; for poll(). -1 before stop_catch_signals(). */
int stop_fd(void);

#endif
