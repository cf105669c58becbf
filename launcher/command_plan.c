/* plan: what an upgrade would do. */
#include <stdio.h>

#include "launcher/answer.h"
#include "launcher/approval.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/print_plan.h"
#include "launcher/session.h"

static int say_nothing_to_do(const struct options *o, const struct survey *survey)
{
    json_t *data = plan_to_json(&survey->plan);
    json_put(data, "nothing_to_do", json_true());
    if (!answer_is_json(o)) {
        AUTO_FREE char *text = mem_printf("nothing to do: '%s' runs %s already\n",
                                          o->arguments.items[1], survey->target_ref);
        answer_print(text);
    }
    return answer(
        o, &(struct answer){.code = EXIT_DONE, .result = "nothing-to-do", .data_take = data});
}

/* Only what may be carried out can be approved. */
static int finish(const struct session *s, const struct survey *survey,
                  const struct approval *approval, struct err *err)
{
    const struct options *o = s->options;
    if (survey_check(survey, err) != 0 || approval_check(o, approval, &survey->plan, err) != 0) {
        return -1;
    }
    if (o->out == NULL) {
        return 0;
    }
    if (approval_write(o->out, s, &survey->plan, err) != 0) {
        return -1;
    }
    log_info("Written to '%s': 'omslaunch upgrade %s --plan %s' carries out just this plan.",
             o->out, o->arguments.items[1], o->out);
    return 0;
}

int plan_show(const struct options *options, const struct approval *approval)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    if (session_open(options, &session, &err) != 0 ||
        session_survey(&session, &survey, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (survey.already_there) {
        return say_nothing_to_do(options, &survey);
    }
    if (!answer_is_json(options)) {
        AUTO_STR struct str text = STR_INIT;
        print_plan(&survey.plan, &text);
        answer_print(str_get(&text));
    }
    json_t *data = plan_to_json(&survey.plan);
    json_put(data, "nothing_to_do", json_false());
    return finish(&session, &survey, approval, &err) == 0
               ? answer_done(options, data)
               : answer_fail_with(options, &err, exit_code_of_error(&err), data);
}

int command_plan(const struct options *options)
{
    return plan_show(options, NULL);
}
