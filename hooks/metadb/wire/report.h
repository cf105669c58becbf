/* What the program answers: JSON lines on descriptor 3, or on stdout when 3 is not open. Safe to
 * call from several threads; a line is never torn. */
#ifndef OMSLAUNCH_METADB_REPORT_H
#define OMSLAUNCH_METADB_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/base/err.h"
#include "launcher/base/json.h"

/* Decides where to; before anything else is opened, or that could become descriptor 3. */
void report_open(void);
/* Progress; dropped when the last one is younger than a fifth of a second. */
void report_progress(const char *text, uint64_t done, uint64_t total, bool bytes);
/* All that could be done beforehand is done. */
void report_prepared_take(json_t *prepared);
void report_result_take(json_t *result);
/* The last line of a run; nothing can follow it. */
void report_error(const struct err *err);

#endif
