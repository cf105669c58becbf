/* Inside of this room: what a person has answered. */
#ifndef OMSLAUNCH_UPGRADE_ANSWERS_H
#define OMSLAUNCH_UPGRADE_ANSWERS_H

#include <stdlib.h>

#include "launcher/base/str.h"
#include "launcher/state/step_id.h"

enum answer_word { ANSWER_NONE, ANSWER_DONE, ANSWER_AGAIN, ANSWER_WORD_MAX };

/* The word for that step on that node; one without a node is for all of them. */
enum answer_word answers_find(const struct strv *answers, enum step_id step, const char *node);

#endif
