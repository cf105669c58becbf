#include "launcher/answer.h"

#include <stdio.h>
#include <unistd.h>

#include "launcher/base/fold.h"
#include "launcher/base/foreign.h"
#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/print.h"

bool answer_is_json(const struct options *options)
{
    return str_eq(options->output, "json");
}

static const char *result_of(int code)
{
    switch (code) {
    case EXIT_DONE:
        return "done";
    case EXIT_REFUSED:
        return "refused";
    case EXIT_HELD:
        return "held";
    default:
        return "failed";
    }
}

static json_t *error_to_json(const struct err *err)
{
    if (err == NULL) {
        return json_null();
    }
    return json_make("{s:s, s:o, s:o}", "kind", err_kind_name(err->kind), "text",
                     json_from_text(err->text), "hint",
                     json_from_text(err->hint[0] != '\0' ? err->hint : NULL));
}

/* The NAME that the command line gives to a command that takes one. */
static const char *name_given(const struct options *o)
{
    const struct command *command =
        o->arguments.count > 1 ? command_find(o->arguments.items[0]) : NULL;
    return command != NULL && str_starts_with(command->arguments, "NAME") ? o->arguments.items[1]
                                                                          : NULL;
}

int answer(const struct options *options, const struct answer *a)
{
    AUTO_JSON json_t *data = a->data_take;
    if (!answer_is_json(options)) {
        return a->code;
    }
    const char *command = options->arguments.count > 0 ? options->arguments.items[0] : NULL;
    const char *deployment = a->deployment != NULL ? a->deployment : name_given(options);
    AUTO_JSON json_t *document =
        json_make("{s:o, s:o, s:s?, s:s, s:i, s:o}", "command", json_from_text(command),
                  "deployment", json_from_text(deployment), "run", a->run, "result",
                  a->result != NULL ? a->result : result_of(a->code), "exit", a->code, "error",
                  error_to_json(a->error));
    if (data != NULL) {
        (void)!json_object_update_missing(document, data);
    }
    print_json(document);
    return a->code;
}

int answer_done(const struct options *options, json_t *data_take)
{
    return answer(options, &(struct answer){.code = EXIT_DONE, .data_take = data_take});
}

int answer_nothing(const struct options *options, const char *why, json_t *data_take)
{
    log_info("nothing to do: %s", why);
    return answer(
        options,
        &(struct answer){.code = EXIT_DONE, .result = "nothing-to-do", .data_take = data_take});
}

int answer_fail(const struct options *options, const struct err *err)
{
    return answer_fail_with(options, err, exit_code_of_error(err), NULL);
}

int answer_fail_with(const struct options *options, const struct err *err, int code,
                     json_t *data_take)
{
    log_err(err);
    return answer(options, &(struct answer){.code = code, .error = err, .data_take = data_take});
}

void answer_print(const char *text)
{
    AUTO_STR struct str folded = STR_INIT;
    fold_lines(&folded, text, fold_terminal_width(STDOUT_FILENO), 0);
    print_text(str_get(&folded));
}

bool answer_asks(const struct options *options)
{
    return !options->yes && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool answer_is_yes(const struct options *options, const char *question)
{
    if (!answer_asks(options)) {
        return true;
    }
    AUTO_STR struct str text = STR_INIT;
    fold_lines(&text, question, fold_terminal_width(STDERR_FILENO), 0);
    foreign_clean(&text, FOREIGN_LINES);
    fprintf(stderr, "%s [y/N] ", str_get(&text));
    int first = getchar();
    return first == 'y' || first == 'Y';
}
