/* spec: the new container in the words of other tools. */
#include "launcher/answer.h"
#include "launcher/command.h"
#include "launcher/print.h"
#include "launcher/session.h"
#include "launcher/spec/spec_say.h"

/* One node in the form that was asked for, ending in a newline. */
static int say(const char *format, const struct container *desired, struct str *ret,
               struct err *err)
{
    if (str_eq(format, "docker-run")) {
        return spec_say_docker_run(desired, ret, err);
    }
    if (str_eq(format, "compose")) {
        return spec_say_compose(desired, ret, err);
    }
    AUTO_JSON json_t *body = spec_say_body(desired);
    AUTO_FREE char *text = json_pretty(body);
    str_appendf(ret, "%s\n", text);
    return 0;
}

static json_t *node_to_json(const struct survey *s, size_t i, const char *format, const char *text)
{
    const struct container *c = &s->desired[i];
    json_t *node = json_make(
        "{s:o, s:o, s:o, s:o}", "node", json_from_text(s->deployment.nodes[i].name), "name",
        json_from_text(c->name), "image", json_from_text(c->image_ref), "body", spec_say_body(c));
    if (!str_eq(format, "json")) {
        json_put_text(node, format, text);
    }
    return node;
}

/* Several nodes: several documents, each under a line that says whose it is. */
static int say_all(const struct options *o, const struct survey *s, json_t *nodes, struct str *ret,
                   struct err *err)
{
    const size_t count = s->deployment.node_count;
    for (size_t i = 0; i < count; i++) {
        AUTO_STR struct str text = STR_INIT;
        if (say(o->format, &s->desired[i], &text, err) != 0) {
            return -1;
        }
        if (count > 1 && !str_eq(o->format, "json")) {
            str_appendf(ret, "%s# node %s\n", i > 0 && str_eq(o->format, "compose") ? "---\n" : "",
                        s->deployment.nodes[i].name);
        }
        str_append(ret, str_get(&text));
        json_add(nodes, node_to_json(s, i, o->format, str_get(&text)));
    }
    return 0;
}

int command_spec(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *nodes = json_array();
    if (session_open(options, &session, &err) != 0 ||
        session_survey(&session, &survey, &err) != 0 ||
        say_all(options, &survey, nodes, &text, &err) != 0) {
        return answer_fail(options, &err);
    }
    if (!answer_is_json(options)) {
        if (str_eq(options->format, "json") && survey.deployment.node_count == 1) {
            AUTO_JSON json_t *body = spec_say_body(&survey.desired[0]);
            print_json(body);
        } else {
            print_text(str_get(&text)); /* to be pasted: not folded */
        }
    }
    return answer_done(options, json_make("{s:O}", "nodes", nodes));
}
