/* A person's word where the world does not tell: "STEP=done", "STEP@NODE=again". */
#include "launcher/upgrade/answers.h"

#include <string.h>

#include "launcher/upgrade/run.h"

/* Where its parts end. */
struct answer {
    char *step;
    char *node; /* NULL: of any */
    const char *word;
};

static void answer_free(struct answer *a)
{
    free(a->step);
    free(a->node);
}

static void split(const char *text, struct answer *ret)
{
    const char *equals = strrchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
    AUTO_FREE char *left = mem_strndup(text, len);
    const char *at = strchr(left, '@');
    *ret = (struct answer){
        .step = mem_strndup(left, strcspn(left, "@")),
        .node = at != NULL ? mem_strdup(at + 1) : NULL,
        .word = equals != NULL ? equals + 1 : "",
    };
}

static bool has_node(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        if (str_eq(plan->nodes[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* "pre-stop/10-drain"; without a plan, anything that looks like it. */
static bool is_hook(const struct plan *plan, const char *name)
{
    const char *slash = strchr(name, '/');
    if (slash == NULL || plan == NULL) {
        return slash != NULL;
    }
    AUTO_FREE char *point = mem_strndup(name, (size_t)(slash - name));
    int known = hook_point_from_name(point);
    return known >= 0 && hook_list_find(&plan->hooks, (enum hook_point)known, slash + 1) != NULL;
}

static int check(const char *text, const struct plan *plan, struct err *err)
{
    CLEANUP(answer_free) struct answer a;
    enum step_id step;
    split(text, &a);
    if (!str_eq(a.word, "done") && !str_eq(a.word, "again")) {
        return err_fail(err, ERR_USAGE,
                        "--answer '%s' is no answer\nHINT: write it as STEP=done or STEP=again",
                        text);
    }
    if (!step_from_name(a.step, &step) && !is_hook(plan, a.step)) {
        return err_fail(err, ERR_USAGE,
                        "--answer '%s' names no step\n"
                        "HINT: the question that it answers names the step",
                        text);
    }
    if (a.node != NULL && plan != NULL && !has_node(plan, a.node)) {
        return err_fail(err, ERR_USAGE,
                        "--answer '%s' names a node that the run does not have\n"
                        "HINT: the question that it answers names the node",
                        text);
    }
    return 0;
}

int run_check_answers(const struct strv *answers, const struct plan *plan, struct err *err)
{
    for (size_t i = 0; answers != NULL && i < answers->count; i++) {
        if (check(answers->items[i], plan, err) != 0) {
            return -1;
        }
    }
    return 0;
}

enum answer_word answers_find(const struct strv *answers, const char *row, const char *node)
{
    enum answer_word found = ANSWER_NONE;
    for (size_t i = 0; answers != NULL && i < answers->count && found == ANSWER_NONE; i++) {
        CLEANUP(answer_free) struct answer a;
        split(answers->items[i], &a);
        bool fits = str_eq(a.step, row) && (a.node == NULL || str_eq(a.node, node));
        if (fits) {
            found = str_eq(a.word, "done") ? ANSWER_DONE : ANSWER_AGAIN;
        }
    }
    return found;
}
