/* Inside of this room: what a person has answered. */
#ifndef OMSLAUNCH_UPGRADE_ANSWERS_H
#define OMSLAUNCH_UPGRADE_ANSWERS_H

#include <stdlib.h>

#include "launcher/base/str.h"

enum answer_word { ANSWER_NONE, ANSWER_DONE, ANSWER_AGAIN, ANSWER_WORD_MAX };

/* The word for the row of that name (plan_row_name()) on that node; one without a node is for all
 * of them. */
enum answer_word answers_find(const struct strv *answers, const char *row, const char *node);

#endif
