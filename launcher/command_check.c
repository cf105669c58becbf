/* check: an upgrade judged by all rules. */

#include "launcher/answer.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/print.h"
#include "launcher/print_plan.h"
#include "launcher/session.h"
#include "policy/junit.h"

static void print(const struct options *o, const struct findings *findings)
{
    AUTO_STR struct str text = STR_INIT;
    if (str_eq(o->output, "junit")) {
        AUTO_FREE char *suite = mem_printf("omslaunch check %s", o->arguments.items[1]);
        findings_to_junit(findings, suite, &text);
        print_text(str_get(&text));
    } else if (!answer_is_json(o)) {
        print_findings(findings, !o->quiet, &text);
        answer_print(str_get(&text));
    }
}

int command_check(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    if (session_open(options, &session, &err) != 0) {
        return answer_fail(options, &err);
    }
    session.try_restore = true;
    if (session_survey(&session, &survey, &err) != 0) {
        return answer_fail(options, &err);
    }
    print(options, &survey.findings);
    json_t *data = json_make("{s:o}", "findings", findings_to_json(&survey.findings));
    return survey_check(&survey, &err) == 0
               ? answer_done(options, data)
               : answer_fail_with(options, &err, exit_code_of_error(&err), data);
}
