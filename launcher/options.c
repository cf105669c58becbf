#include "launcher/options.h"

#include <string.h>

#include "launcher/base/foreign.h"
#include "launcher/base/near.h"

#define PLAN_LIKE (CMD_UPGRADE | CMD_PLAN | CMD_CHECK)
#define UPGRADE_LIKE (PLAN_LIKE | CMD_SPEC)
#define AT(field) offsetof(struct options, field)
#define MS_PER_MIN 60000U
#define MAX_NUMBER 100000U

static const struct option_row rows[] = {
    {"tag", 't', OPTION_TEXT, "TAG", NULL, UPGRADE_LIKE, AT(tag),
     "OMS version to upgrade to, as its image is tagged (feature_4.0.0-ce)"},
    {"from", '\0', OPTION_TEXT, "VERSION", NULL, UPGRADE_LIKE, AT(from),
     "OMS version that runs, where its image's tag does not tell (4.0.0-ce)"},
    {"image", '\0', OPTION_TEXT, "REPO[:TAG]", NULL, UPGRADE_LIKE, AT(image),
     "repository of the new image, also with its tag; default: the old container's"},
    {"load", '\0', OPTION_TEXT, "FILE", NULL, PLAN_LIKE, AT(load),
     "archive to load the new image from ('docker save' makes such)"},
    {"name", '\0', OPTION_TEXT, "NEW", NULL, UPGRADE_LIKE, AT(new_name),
     "name of the new container; default: it takes over NAME, and the old one becomes "
     "NAME.old-RUN"},
    {"host-ip", '\0', OPTION_TEXT, "IP", NULL, UPGRADE_LIKE, AT(host_ip),
     "OMS_HOST_IP of the new container; default: the old container's"},
    {"https-crt", '\0', OPTION_TEXT, "FILE", NULL, UPGRADE_LIKE, AT(https_crt),
     "certificate on the host for OMS's HTTPS; default: as on the old container"},
    {"https-key", '\0', OPTION_TEXT, "FILE", NULL, UPGRADE_LIKE, AT(https_key), "its private key"},
    {"set-env", 'e', OPTION_LIST, "K=V", NULL, UPGRADE_LIKE | CMD_RESUME, AT(set_env),
     "set a variable in the new container; may be repeated. The value of one that looks like a "
     "secret is not stored: give it to 'resume' again"},
    {"accept", '\0', OPTION_LIST, "RULE=REASON", NULL, PLAN_LIKE, AT(accept),
     "go on although this rule says no; the reason is kept in plan and journal; may be repeated"},
    {"stop-timeout", '\0', OPTION_DURATION, "TIME", NULL, PLAN_LIKE, AT(stop_timeout_ms),
     "how long the old container may take to stop before it is killed (300 s, or the container's "
     "own if longer)"},
    {"health-timeout", '\0', OPTION_DURATION, "TIME", NULL, PLAN_LIKE | CMD_RESUME | CMD_ROLLBACK,
     AT(health_timeout_ms),
     "how long OMS may take to become healthy (15m); of resume and rollback the default is what "
     "the "
     "plan says"},
    {"refetch-reserve", '\0', OPTION_NUMBER, "MIN", NULL, PLAN_LIKE, AT(refetch_reserve_min),
     "minutes that refetchStoreIntervalMin gets above the length of the outage (30)"},
    {"perceive-checkpoint", '\0', OPTION_FLAG, NULL, NULL, PLAN_LIKE, AT(perceive_checkpoint),
     "set perceiveStoreClientCheckpoint instead of a longer refetchStoreIntervalMin"},
    {"version-table", '\0', OPTION_TEXT, "FILE", NULL, PLAN_LIKE, AT(version_table),
     "rows of your own for the table of which version may go to which; they come before the "
     "shipped "
     "ones"},
    {"config", '\0', OPTION_TEXT, "FILE", NULL, PLAN_LIKE | CMD_HOOKS | CMD_RESUME | CMD_ROLLBACK,
     AT(config),
     "YAML file with the policy and the hooks of your site; default: /etc/omslaunch/config.yaml, "
     "if "
     "it is there"},
    {"profile", '\0', OPTION_TEXT, "NAME", "default|strict", CMD_HOOKS, AT(profile),
     "sandbox profile that 'hooks trace' compares with (default)"},
    {"out", '\0', OPTION_TEXT, "FILE", NULL, CMD_PLAN, AT(out),
     "write the plan to FILE, for somebody to approve and 'upgrade --plan' to carry out"},
    {"plan", '\0', OPTION_TEXT, "FILE", NULL, CMD_UPGRADE, AT(plan),
     "carry out the plan of this file, and no other: options that are not given are taken from it, "
     "and if the plan of now differs in anything, it is refused (65)"},
    {"plan-digest", '\0', OPTION_TEXT, "DIGEST", NULL, CMD_UPGRADE, AT(plan_digest),
     "refuse any plan but the one of this digest, as 'plan' prints it; 12 digits do"},
    {"reason", '\0', OPTION_TEXT, "TEXT", NULL, CMD_ABANDON, AT(reason),
     "why the run is given up; kept in its journal"},
    {"format", 'f', OPTION_TEXT, "FORM", "json|docker-run|compose", CMD_SPEC, AT(format),
     "json: the body of the engine's create call (the default); docker-run: the command line for a "
     "shell; compose: a compose.yaml"},
    {"on-failure", '\0', OPTION_TEXT, "WHAT", "rollback|hold", CMD_UPGRADE | CMD_RESUME,
     AT(on_failure),
     "when a step fails: rollback (the default) goes back to the old version, databases included; "
     "hold stops there, for 'resume' or 'rollback'"},
    {"answer", '\0', OPTION_LIST, "STEP=WORD", NULL, CMD_RESUME, AT(answer),
     "your word where the world does not tell whether a step, or a hook (POINT/HOOK), was done: "
     "done or again"},
    {"yes-lose-changes-since", '\0', OPTION_TEXT, "TIME", NULL, CMD_ROLLBACK,
     AT(lose_changes_since),
     "go back although the new version has served since TIME; what it changed in the MetaDB since "
     "then is kept aside, not carried over"},
    {"parallel", '\0', OPTION_NUMBER, "N", NULL, CMD_UPGRADE | CMD_RESUME | CMD_ROLLBACK,
     AT(parallel), "how many nodes are worked on at once; 0: all of them (the default)"},
    {"dry-run", 'n', OPTION_FLAG, NULL, NULL, CMD_UPGRADE | CMD_RESTORE | CMD_PRUNE | CMD_HA,
     AT(dry_run), "only show what would be done"},
    {"yes", 'y', OPTION_FLAG, NULL, NULL,
     CMD_UPGRADE | CMD_RESUME | CMD_ROLLBACK | CMD_RESTORE | CMD_PRUNE | CMD_HA | CMD_ABANDON,
     AT(yes), "do not ask on a terminal; elsewhere nothing ever asks"},
    {"container", '\0', OPTION_TEXT, "NAME", NULL, CMD_VERIFY | CMD_RESTORE, AT(container),
     "OMS container whose config.yaml has the MetaDB's address and password; default: the one that "
     "was backed up"},
    {"compress", '\0', OPTION_TEXT, "HOW", NULL, CMD_BACKUP, AT(compress),
     "none, zstd or zstd:LEVEL (zstd:1)"},
    {"workers", '\0', OPTION_NUMBER, "N", NULL, CMD_BACKUP | CMD_RESTORE | CMD_VERIFY, AT(workers),
     "connections to the MetaDB; default: as many as there are cores, at least 2"},
    {"triggers", '\0', OPTION_FLAG, NULL, NULL, CMD_BACKUP, AT(triggers), "back triggers up too"},
    {"routines", '\0', OPTION_FLAG, NULL, NULL, CMD_BACKUP, AT(routines),
     "back procedures and functions up too"},
    {"events", '\0', OPTION_FLAG, NULL, NULL, CMD_BACKUP, AT(events), "back events up too"},
    {"against", '\0', OPTION_TEXT, "WHAT", "live", CMD_VERIFY, AT(against),
     "live: compare rows and checksums of each table with the MetaDB as it is now"},
    {"rehearse", '\0', OPTION_FLAG, NULL, NULL, CMD_VERIFY, AT(rehearse),
     "restore into scratch databases, compare, and drop them again"},
    {"into", '\0', OPTION_LIST, "DB=OTHER", NULL, CMD_RESTORE, AT(into),
     "restore the database DB as OTHER, which must not exist, and nothing that is not named; may "
     "be "
     "repeated"},
    {"only", '\0', OPTION_LIST, "DB", NULL, CMD_RESTORE, AT(only),
     "restore this database in place, and nothing that is not named; may be repeated"},
    {"keep", '\0', OPTION_NUMBER, "N", NULL, CMD_PRUNE, AT(keep),
     "how many backups of each deployment stay (3)"},
    {"containers", '\0', OPTION_FLAG, NULL, NULL, CMD_PRUNE, AT(containers),
     "also remove the stopped containers NAME.old-RUN and NAME.failed-RUN of runs whose backup is "
     "gone; their volumes stay"},
    {"databases", '\0', OPTION_FLAG, NULL, NULL, CMD_PRUNE, AT(databases),
     "also drop the databases DB__old_RUN that rollbacks and restores have moved aside, but for "
     "those of the newest one, and for any that is not as it was left"},
    {"databases-of", '\0', OPTION_LIST, "RUN", NULL, CMD_PRUNE, AT(databases_of),
     "also drop those of this run, be it the newest; may be repeated"},
    {"lock-wait", '\0', OPTION_DURATION, "TIME", NULL,
     CMD_UPGRADE | CMD_RESUME | CMD_ROLLBACK | CMD_ABANDON | CMD_BACKUP | CMD_RESTORE | CMD_PRUNE |
         CMD_HA,
     AT(lock_wait_ms), "wait that long for another run on the same deployment to end (0)"},
    {"host", 'H', OPTION_TEXT, "ENDPOINT", NULL, CMD_ALL, AT(endpoint),
     "Docker Engine to talk to: unix:///PATH, tcp://HOST[:PORT] with TLS, "
     "ssh://[USER@]HOST[:PORT]; "
     "default: $DOCKER_HOST, then the docker context in use, then unix:///var/run/docker.sock"},
    {"context", 'c', OPTION_TEXT, "NAME", NULL, CMD_ALL, AT(context),
     "docker context whose engine is meant; comes before --host"},
    {"tls", '\0', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(tls),
     "speak TLS to a tcp:// engine; its certificate is verified with this, too"},
    {"tlsverify", '\0', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(tlsverify), "the same"},
    {"tlscacert", '\0', OPTION_TEXT, "FILE", NULL, CMD_ALL, AT(tlscacert),
     "certificate of the authority that signed the engine's; default: ca.pem in $DOCKER_CERT_PATH, "
     "then in the docker CLI's folder"},
    {"tlscert", '\0', OPTION_TEXT, "FILE", NULL, CMD_ALL, AT(tlscert),
     "our certificate for the engine; default: cert.pem there"},
    {"tlskey", '\0', OPTION_TEXT, "FILE", NULL, CMD_ALL, AT(tlskey),
     "its private key; default: key.pem there"},
    {"insecure-tcp", '\0', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(insecure_tcp),
     "allow a tcp:// engine without TLS, or with a certificate that nobody verifies: whoever is on "
     "the way is root on its host"},
    {"deployment", '\0', OPTION_TEXT, "FILE", NULL,
     UPGRADE_LIKE | CMD_INSPECT | CMD_BACKUP | CMD_HA, AT(deployment),
     "file that lists the nodes; it stands for NAME. Default: "
     "/etc/omslaunch/deployments/NAME.yaml, if it is there"},
    {"node", '\0', OPTION_LIST, "IP=ENDPOINT", NULL,
     UPGRADE_LIKE | CMD_INSPECT | CMD_BACKUP | CMD_HA, AT(node),
     "a node of the deployment and its engine, once for each; NAME is then the container's name "
     "on all of them"},
    {"endpoint", '\0', OPTION_TEXT, "PATTERN", NULL, CMD_DISCOVER, AT(node_endpoint),
     "how the engines of the other nodes are reached: 'ssh://root@{ip}'"},
    {"state-dir", '\0', OPTION_TEXT, "FOLDER", NULL, CMD_ALL, AT(state_dir),
     "where runs and backups are kept; default: /var/lib/omslaunch as root, else "
     "$XDG_STATE_HOME/omslaunch"},
    {"output", 'o', OPTION_TEXT, "FORM", "text|json|junit", CMD_ALL, AT(output),
     "form of what goes to stdout: text or json (one document, also of a failure); of 'check' also "
     "junit, each rule a test"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(quiet),
     "say nothing but warnings and errors"},
    {"log-level", '\0', OPTION_TEXT, "LEVEL", "error|warn|info|debug", CMD_ALL, AT(log_level),
     "how much is said on stderr (info)"},
    {"log-format", '\0', OPTION_TEXT, "FORM", "text|json", CMD_ALL, AT(log_format),
     "form of what is said on stderr: text, or one JSON object a line"},
    {"help", 'h', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(help), "show help, of a command or of all"},
    {"version", 'V', OPTION_FLAG, NULL, NULL, CMD_ALL, AT(version), "show the version"},
};

const struct option_row *option_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rows);
    return rows;
}

static const struct option_row *find_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static const struct option_row *find_letter(char letter)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].letter != '\0' && rows[i].letter == letter) {
            return &rows[i];
        }
    }
    return NULL;
}

static int check_choice(const struct option_row *row, const char *value, struct err *err)
{
    const char *at = row->choices;
    while (at != NULL) {
        size_t len = strcspn(at, "|");
        if (strlen(value) == len && strncmp(at, value, len) == 0) {
            return 0;
        }
        at = at[len] == '|' ? at + len + 1 : NULL;
    }
    return row->choices == NULL
               ? 0
               : err_fail(err, ERR_USAGE, "--%s '%s' is not known\nHINT: it takes %s", row->name,
                          value, row->choices);
}

/* No time at all is no way to become healthy, and elsewhere 0 means: without an end. */
static int store_duration(const struct option_row *row, const char *value, const char *what,
                          uint64_t *slot, struct err *err)
{
    if (str_to_duration_ms(value, what, slot, err) != 0) {
        return err_hint(err, "write a number and a unit: 90s, 15m, 2h");
    }
    if (*slot == 0 && row->offset == AT(health_timeout_ms)) {
        return err_fail(err, ERR_USAGE,
                        "%s '%s' leaves no time\nHINT: write a number and a unit: 90s, 15m, 2h",
                        what, value);
    }
    return 0;
}

_Static_assert(ARRAY_LEN(rows) <= 64, "a bit of options.given for each row");

static int store(const struct option_row *row, const char *value, struct options *o,
                 struct err *err)
{
    o->given |= UINT64_C(1) << (row - rows);
    void *slot = (char *)o + row->offset;
    AUTO_FREE char *what = mem_printf("--%s", row->name);
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)slot = true;
        return 0;
    case OPTION_TEXT:
        if (value[0] == '\0') {
            return err_fail(err, ERR_USAGE, "%s is empty\nHINT: it takes a %s", what, row->value);
        }
        *(const char **)slot = value;
        return check_choice(row, value, err);
    case OPTION_LIST:
        strv_add(slot, value);
        return 0;
    case OPTION_DURATION:
        return store_duration(row, value, what, slot, err);
    case OPTION_NUMBER:
        return str_to_u64(value, 0, MAX_NUMBER, what, slot, err) == 0
                   ? 0
                   : err_hint(err, "write a whole number, in digits alone");
    case OPTION_KIND_MAX:
    default:
        return err_fail(err, ERR_USAGE, "%s cannot be stored", what);
    }
}

static int complain_unknown(const char *text, struct err *err)
{
    const char *names[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        names[i] = rows[i].name;
    }
    AUTO_FREE char *name = mem_strndup(text, strcspn(text, "="));
    const char *near = near_find(name + strspn(name, "-"), names, ARRAY_LEN(rows));
    if (near != NULL) {
        return err_fail(err, ERR_USAGE, "unknown option '%s'\nHINT: did you mean --%s?", text,
                        near);
    }
    return err_fail(err, ERR_USAGE,
                    "unknown option '%s'\nHINT: 'omslaunch --help' lists all options", text);
}

/* One word of the command line that begins with a dash. */
struct word {
    const struct option_row *row;
    const char *value; /* NULL: none in this word */
};

static int read_word(const char *text, struct word *ret, struct err *err)
{
    *ret = (struct word){.row = NULL};
    if (text[1] == '-') {
        size_t len = strcspn(text + 2, "=");
        ret->row = find_name(text + 2, len);
        ret->value = text[2 + len] == '=' ? text + 2 + len + 1 : NULL;
    } else {
        ret->row = find_letter(text[1]);
        ret->value = text[2] != '\0' ? text + 2 : NULL;
    }
    if (ret->row == NULL) {
        return complain_unknown(text, err);
    }
    if (ret->row->kind == OPTION_FLAG && ret->value != NULL) {
        return err_fail(err, ERR_USAGE,
                        "--%s takes no value, but '%s' gives one\nHINT: leave it out",
                        ret->row->name, text);
    }
    return 0;
}

/* Words end in plans, journals and reports, which are JSON. */
static int check_utf8(const char *text, struct err *err)
{
    return foreign_is_utf8(text) ? 0
                                 : err_fail(err, ERR_USAGE,
                                            "the argument '%s' is not UTF-8\n"
                                            "HINT: spell it in UTF-8, or rename the file",
                                            text);
}

static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

/* Of a word that takes a value: its own, or the next word. NULL: there is none. */
static const char *take_value(const struct word *word, int argc, char *const *argv, int *i)
{
    if (word->row->kind == OPTION_FLAG || word->value != NULL) {
        return word->value;
    }
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static int parse_words(int argc, char *const *argv, struct options *o, struct err *err)
{
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        struct word word;
        if (check_utf8(argv[i], err) != 0) {
            return -1;
        }
        if (!only_arguments && str_eq(argv[i], "--")) {
            only_arguments = true;
            continue;
        }
        if (only_arguments || !is_option(argv[i])) {
            strv_add(&o->arguments, argv[i]);
            continue;
        }
        if (read_word(argv[i], &word, err) != 0) {
            return -1;
        }
        const char *value = take_value(&word, argc, argv, &i);
        if (value == NULL && word.row->kind != OPTION_FLAG) {
            return err_fail(err, ERR_USAGE, "--%s has no value\nHINT: it takes a %s",
                            word.row->name, word.row->value);
        }
        if ((value != NULL && check_utf8(value, err) != 0) || store(word.row, value, o, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Who refuses a command line answers in the form that was asked for, be it behind the fault. */
static const char *find_output(int argc, char *const *argv, const char *otherwise)
{
    const char *found = otherwise;
    for (int i = 0; i < argc && !str_eq(argv[i], "--"); i++) {
        struct word word;
        struct err ignored;
        if (!is_option(argv[i]) || read_word(argv[i], &word, &ignored) != 0) {
            continue;
        }
        const char *value = take_value(&word, argc, argv, &i);
        if (word.row->offset == AT(output) && value != NULL &&
            check_choice(word.row, value, &ignored) == 0) {
            found = value;
        }
    }
    return found;
}

int options_parse(int argc, char *const *argv, struct options *ret, struct err *err)
{
    *ret = (struct options){
        .stop_timeout_ms = 5 * MS_PER_MIN,
        .health_timeout_ms = 15 * MS_PER_MIN,
        .refetch_reserve_min = 30,
        .compress = "zstd:1",
        .format = "json",
        .keep = 3,
        .on_failure = "rollback",
        .output = "text",
        .log_level = "info",
        .log_format = "text",
    };
    if (parse_words(argc, argv, ret, err) != 0) {
        ret->output = find_output(argc, argv, "text");
        return -1;
    }
    return 0;
}

bool options_is_given(const struct options *o, size_t offset)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].offset == offset) {
            return (o->given >> i & 1) != 0;
        }
    }
    return false;
}

int options_check_command(int argc, char *const *argv, unsigned command, const char *name,
                          struct err *err)
{
    for (int i = 0; i < argc && !str_eq(argv[i], "--"); i++) {
        struct word word;
        if (!is_option(argv[i])) {
            continue;
        }
        if (read_word(argv[i], &word, err) != 0) {
            return -1;
        }
        if ((word.row->commands & command) == 0) {
            return err_fail(
                err, ERR_USAGE,
                "'%s' does not take --%s\nHINT: 'omslaunch %s --help' lists what it takes", name,
                word.row->name, name);
        }
        (void)take_value(&word, argc, argv, &i);
    }
    return 0;
}

void options_free(struct options *o)
{
    strv_free(&o->set_env);
    strv_free(&o->accept);
    strv_free(&o->answer);
    strv_free(&o->node);
    strv_free(&o->into);
    strv_free(&o->only);
    strv_free(&o->databases_of);
    strv_free(&o->arguments);
}
