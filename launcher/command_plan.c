/* plan, check and inspect: they read, and change nothing. */
#include <stdio.h>

#include "launcher/base/log.h"
#include "launcher/command.h"
#include "launcher/exit_code.h"
#include "launcher/print_plan.h"
#include "launcher/session.h"
#include "policy/junit.h"

int command_plan(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    if (session_open(options, &session, &err) != 0 ||
        session_survey(&session, &survey, &err) != 0) {
        return session_fail(options, &err);
    }
    if (session_wants_json(options)) {
        AUTO_JSON json_t *document = plan_to_json(&survey.plan);
        json_put(document, "nothing_to_do", json_boolean(survey.already_there));
        session_print_json(document);
    } else if (survey.already_there) {
        printf("nothing to do: '%s' runs %s already\n", options->arguments.items[1],
               survey.target_ref);
    } else {
        AUTO_STR struct str text = STR_INIT;
        print_plan(&survey.plan, &text);
        fputs(str_get(&text), stdout);
    }
    if (!survey.already_there && survey_check(&survey, &err) != 0) {
        return session_complain(&err);
    }
    return EXIT_DONE;
}

int command_check(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_SURVEY struct survey survey = {.desired = NULL};
    if (session_open(options, &session, &err) != 0 ||
        session_survey(&session, &survey, &err) != 0) {
        return session_fail(options, &err);
    }
    if (session_wants_json(options)) {
        AUTO_JSON json_t *document =
            json_make("{s:s, s:o}", "deployment", options->arguments.items[1], "findings",
                      findings_to_json(&survey.findings));
        session_print_json(document);
    } else {
        AUTO_STR struct str text = STR_INIT;
        if (str_eq(options->output, "junit")) {
            AUTO_FREE char *suite = mem_printf("omslaunch check %s", options->arguments.items[1]);
            findings_to_junit(&survey.findings, suite, &text);
        } else {
            print_findings(&survey.findings, !options->quiet, &text);
        }
        fputs(str_get(&text), stdout);
    }
    return survey_check(&survey, &err) == 0 ? EXIT_DONE : session_complain(&err);
}

static json_t *mounts_to_json(const struct container *c)
{
    json_t *mounts = json_array();
    for (size_t i = 0; i < c->mount_count; i++) {
        const struct mount *m = &c->mounts[i];
        json_add(mounts, json_make("{s:s, s:s, s:s, s:b}", "type", m->type, "source", m->source,
                                   "destination", m->destination, "read_only", (int)m->read_only));
    }
    return mounts;
}

static json_t *node_to_json(const struct node *n)
{
    struct oms_version version;
    struct err ignored;
    char text[OMS_VERSION_TEXT_MAX];
    bool known = oms_version_parse(n->old_image_tag, &version, &ignored) == 0;
    return json_make(
        "{s:s, s:s, s:s, s:s?, s:s, s:s?, s:o, s:{s:s, s:i, s:s, s:s, s:s, s:s}, s:{s:i, s:s?}}",
        "container", n->old.name, "id", n->old.id, "image", n->old.image_ref, "version",
        known ? oms_version_format(&version, text) : NULL, "status",
        n->old.status != NULL ? n->old.status : "", "host_ip", n->host_ip, "mounts",
        mounts_to_json(&n->old), "metadb", "host", n->config.meta_host, "port",
        (int)n->config.meta_port, "user", n->config.meta_user, "rm", n->config.rm_db, "cm",
        n->config.cm_db, "heartbeat", n->config.heartbeat_db, "region", "code",
        (int)n->config.cm_location, "name", n->config.cm_region);
}

static void print_node(const json_t *node)
{
    printf("container  %s (%s), %s\n", json_text(node, "container", ""),
           json_text(node, "status", ""), json_text(node, "image", ""));
    printf("version    %s\n", json_text(node, "version", "not told by the image's tag"));
    printf("host IP    %s\n", json_text(node, "host_ip", "(OMS_HOST_IP is not set)"));
    printf("region     %d %s\n", (int)json_int(node, "region.code", 0),
           json_text(node, "region.name", ""));
    printf("MetaDB     %s:%d as %s\n", json_text(node, "metadb.host", ""),
           (int)json_int(node, "metadb.port", 0), json_text(node, "metadb.user", ""));
    printf("databases  %s, %s, %s\n", json_text(node, "metadb.rm", ""),
           json_text(node, "metadb.cm", ""), json_text(node, "metadb.heartbeat", ""));
    const json_t *mounts = json_object_get(node, "mounts");
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        const json_t *m = json_array_get(mounts, i);
        printf("%-10s %s → %s%s\n", i == 0 ? "mounts" : "", json_text(m, "source", ""),
               json_text(m, "destination", ""), json_bool(m, "read_only", false) ? " (ro)" : "");
    }
}

int command_inspect(const struct options *options)
{
    struct err err = ERR_INIT;
    AUTO_SESSION struct session session = {.options = NULL};
    AUTO_ENGINE struct engine *engine = NULL;
    AUTO_NODE struct node node = {.name = NULL};
    if (session_open(options, &session, &err) != 0) {
        return session_fail(options, &err);
    }
    const struct engine_options engine_options = {.endpoint = session.endpoint, .read_only = true};
    if (engine_open(&engine_options, &engine, &err) != 0 ||
        node_observe(engine, options->arguments.items[1], &node, &err) != 0) {
        return session_fail(options, &err);
    }
    AUTO_JSON json_t *document = node_to_json(&node);
    if (session_wants_json(options)) {
        session_print_json(document);
    } else {
        print_node(document);
    }
    return EXIT_DONE;
}
