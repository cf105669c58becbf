/* What is found out before anything is touched: which image is meant, and which version runs. */
#include "tests/unit/upgrade/world.h"

#include "tests/unit/policy/check.h"

/* What the user asks for; the rest is as for every upgrade in a world. */
struct wish {
    const char *tag, *from, *repository, *load;
};

static int make(const struct world *w, const struct wish *wish, struct survey *ret, struct err *err)
{
    char container[] = "oms_331";
    struct node_address address = {.endpoint = (char *)(uintptr_t)w->endpoint,
                                   .container = container};
    const struct node_addresses nodes = {.items = &address, .count = 1};
    const struct survey_request request = {
        .nodes = &nodes,
        .tag = wish->tag != NULL ? wish->tag : "feature_4.0.0-ce",
        .from = wish->from,
        .repository = wish->repository,
        .version_table = "policy/version_paths.yaml",
        .metadb_program = w->program,
        .options = {.load_file = wish->load, .stop_timeout_ms = 1000, .health_timeout_ms = 1000},
    };

    return survey_make(&request, ret, err);
}

static void made_from(struct world *w, const char *ref)
{
    json_put_text(w->containers[WORLD_OLD].config, "Image", ref);
}

/* The documents start OMS from an image's ID, whole or short. */
static void test_an_image_by_its_id(void **state)
{
    static const char *const ids[] = {OLD_IMAGE_ID, "aaaa000000000000", "aaaa00000000"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        AUTO_WORLD struct world w;
        AUTO_SURVEY struct survey s = {.desired = NULL};
        struct err err = ERR_INIT;

        world_begin(&w);
        made_from(&w, ids[i]);
        assert_ok(make(&w, &(struct wish){.tag = NULL}, &s, &err), &err);
        assert_string_equal(s.target_ref, NEW_IMAGE);
        assert_string_equal(s.plan.from.version, "3.3.1-CE");
    }
}

static void test_from(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    AUTO_SURVEY struct survey silent = {.desired = NULL};
    AUTO_SURVEY struct survey told = {.desired = NULL};
    AUTO_SURVEY struct survey same = {.desired = NULL};
    AUTO_SURVEY struct survey other = {.desired = NULL};
    struct err err = ERR_INIT;

    world_begin(&w);
    made_from(&w, "r/oms:prod");
    assert_ok(make(&w, &(struct wish){.tag = NULL}, &silent, &err), &err);
    const struct finding *f = find_finding(&silent.findings, "version.path");
    assert_string_equal(f->text, "the old container's image tag 'prod' tells no version");
    assert_null(silent.plan.from.version);
    assert_ok(make(&w, &(struct wish){.from = "3.3.1-ce"}, &told, &err), &err);
    assert_string_equal(told.plan.from.version, "3.3.1-CE");
    f = find_finding(&told.findings, "version.path");
    assert_string_equal(f->text, "3.3.1-CE may become 4.0.0-CE");

    made_from(&w, OLD_IMAGE);
    assert_ok(make(&w, &(struct wish){.from = "feature_3.3.1_ce"}, &same, &err), &err);
    assert_int_equal(make(&w, &(struct wish){.from = "3.3.0-ce"}, &other, &err), -1);
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err_whole(&err),
                        "--from says '3.3.0-ce', but the old container's image is tagged "
                        "'feature_3.3.1-ce', which is OMS 3.3.1-CE\n"
                        "HINT: leave --from out; it is for images whose tag tells nothing");
    assert_int_equal(make(&w, &(struct wish){.from = "new"}, &other, &err), -1);
    assert_true(str_starts_with(err.text, "--from: 'new' is no tag of an OMS image, "));
}

/* Under another repository: only one can be meant, or nobody knows which. */
static void test_the_tag_is_there(void **state)
{
    static const struct {
        const char *images, *same_tag;
    } cases[] = {
        {"[]", NULL},
        {"[{\"RepoTags\":null},{\"RepoTags\":[\"a/oms:feature_3.3.1-ce\"]}]", NULL},
        {"[{\"RepoTags\":[\"h:5/oms-ce:feature_4.0.0-ce\",\"a:x\"]}]",
         "h:5/oms-ce:feature_4.0.0-ce"},
        {"[{\"RepoTags\":[\"a:feature_4.0.0-ce\"]},{\"RepoTags\":[\"b:feature_4.0.0-ce\"]}]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_WORLD struct world w;
        AUTO_SURVEY struct survey s = {.desired = NULL};
        struct err err = ERR_INIT;

        world_begin(&w);
        w.images = cases[i].images;
        assert_ok(make(&w, &(struct wish){.tag = NULL}, &s, &err), &err);
        const struct finding *f = find_finding(&s.findings, "image.present");
        assert_string_equal(f->text, "image '" NEW_IMAGE "' is not on the engine");
        if (cases[i].same_tag == NULL) {
            assert_null(s.images[0].same_tag);
        } else {
            assert_string_equal(s.images[0].same_tag, cases[i].same_tag);
            assert_string_equal(f->hint, "'h:5/oms-ce:feature_4.0.0-ce' is there: `omslaunch "
                                         "upgrade oms_331 --tag feature_4.0.0-ce --image "
                                         "h:5/oms-ce`");
        }
    }
}

static const char *finding_of_archive(const struct world *w, const char *path, struct survey *ret)
{
    struct err err = ERR_INIT;

    assert_ok(make(w, &(struct wish){.load = path}, ret, &err), &err);
    const struct finding *f = find_finding(&ret->findings, "image.present");
    assert_int_equal(f->verdict, VERDICT_FAIL);
    assert_int_equal(survey_check(ret, &err), -1);
    assert_int_equal(err.kind, ERR_REFUSED);
    return f->text;
}

/* What no engine could load is refused before it is asked to. */
static void test_archives_that_are_none(void **state)
{
    (void)state;
    AUTO_WORLD struct world w;
    AUTO_SURVEY struct survey zero = {.desired = NULL};
    AUTO_SURVEY struct survey folder = {.desired = NULL};
    AUTO_SURVEY struct survey cut = {.desired = NULL};
    AUTO_SURVEY struct survey gone = {.desired = NULL};
    AUTO_STR struct str tar = STR_INIT;

    world_begin(&w);
    assert_string_equal(finding_of_archive(&w, "/dev/zero", &zero),
                        "the image archive '/dev/zero' is no regular file");
    assert_string_equal(finding_of_archive(&w, "/usr", &folder),
                        "the image archive '/usr' is no regular file");
    tar_member(&tar, '0', "manifest.json", "[]");
    tar.len = 700;
    AUTO_FREE char *path = fs_join(w.folder, "cut.tar");
    struct err err = ERR_INIT;
    assert_ok(fs_write_atomic(path, tar.data, tar.len, &err), &err);
    AUTO_FREE char *text = mem_printf(
        "the image archive '%s' is cut short: it has 700 bytes and needs at least 1536", path);
    assert_string_equal(finding_of_archive(&w, path, &cut), text);
    assert_string_equal(finding_of_archive(&w, "/nowhere.tar", &gone),
                        "cannot open the image archive '/nowhere.tar': No such file or directory");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_an_image_by_its_id),
    cmocka_unit_test(test_from),
    cmocka_unit_test(test_the_tag_is_there),
    cmocka_unit_test(test_archives_that_are_none),
};

WORLD_MAIN(tests)
