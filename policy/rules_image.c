/* Rules about the image that the new containers will run. */
#include "policy/rule.h"

/* Without it nobody can tell what the image set from what the user set: all of it would be frozen
 * into the new container. */
RULE_JUDGE(judge_image_old)
{
    const struct node *n = &in->deployment->nodes[node];

    if (n->old_image_note) {
        judge_fail(ret, "%s, so that its settings cannot be told from the user's",
                   n->old_image_note);
    }
    judge_pass(ret, "'%s' is on the engine", n->old.image_ref);
    judge_hint(ret, "load it again: `docker load -i` its archive; or, if old settings of the image "
                    "may stay in the new container: --accept image.old=REASON");
}

RULE_JUDGE(judge_image_tag)
{
    char text[OMS_VERSION_TEXT_MAX];

    (void)node;
    if (in->to) {
        judge_pass(ret, "'%s' is OMS %s", in->to_tag, oms_version_format(in->to, text));
        return;
    }
    judge_fail(ret,
               "'%s' is no tag of an OMS image, so that nothing is known about its version and the "
               "way to it",
               in->to_tag);
    judge_hint(ret, "use the tag under which the image was delivered, feature_X.Y.Z, "
                    "feature_X.Y.Z-ce or feature_X.Y.Z_ce");
}

/* The very command: the repository of OMS has changed more than once (domain, "Sites as they are").
 */
static void hint_other(const struct policy_input *in, size_t node, struct judgement *ret)
{
    const struct target_image *image = &in->images[node];
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;

    if (!image->same_tag) {
        return;
    }
    image_ref_split(image->same_tag, &repository, &tag);
    judge_hint(ret, "'%s' is %s: `omslaunch upgrade %s --tag %s --image %s%s%s`", image->same_tag,
               image->will_load_file ? "in it" : "there", in->deployment->nodes[0].old.name, tag,
               repository, image->will_load_file ? " --load " : "",
               image->will_load_file ? image->will_load_file : "");
}

RULE_JUDGE(judge_image_present)
{
    const struct target_image *image = in->images ? &in->images[node] : NULL;

    if (!image) {
        judge_not_applicable(ret, "the target image was not looked for");
    } else if (image->will_load_file && image->archive_error) {
        /* It would be loaded all the same. */
        judge_fail(ret, "%s", image->archive_error);
        judge_hint(ret, "%s", image->archive_hint);
    } else if (image->present) {
        judge_pass(ret, "'%s' is on the engine", image->ref);
    } else if (image->will_load_file && image->archive_holds) {
        judge_fail(ret, "the archive '%s' holds %s, not '%s'", image->will_load_file,
                   image->archive_holds, image->ref);
        hint_other(in, node, ret);
    } else if (image->will_load_file) {
        judge_pass(ret, "'%s' will be loaded from '%s'", image->ref, image->will_load_file);
    } else {
        judge_fail(ret, "image '%s' is not on the engine", image->ref);
        hint_other(in, node, ret);
    }
    if (image && image->id) {
        judge_evidence(ret, "%s", image->id);
    }
    if (image && image->will_load_file) {
        judge_hint(ret, "name the repository in the archive with --image, and its tag with --tag");
    }
    judge_hint(ret, "give the delivered archive: --load FILE; `docker images` lists what is there");
}

/* Two families of names for the same processors: the kernel's and that of images. */
static bool same_architecture(const char *host, const char *image)
{
    static const char *const pairs[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (str_eq(host, pairs[i][0])) {
            host = pairs[i][1];
        }
    }
    return str_eq(host, image);
}

RULE_JUDGE(judge_image_architecture)
{
    const struct target_image *image = in->images ? &in->images[node] : NULL;
    const char *host = in->deployment->nodes[node].host.architecture;

    if (!image || !image->architecture || !*image->architecture || !host || !*host) {
        judge_not_applicable(ret, "the architecture of image or host is not known");
        return;
    }
    if (same_architecture(host, image->architecture)) {
        judge_pass(ret, "both are %s", image->architecture);
        return;
    }
    judge_fail(ret, "image '%s' is made for %s, the host is %s", image->ref, image->architecture,
               host);
    judge_hint(ret, "get the image that is made for %s", host);
}

RULE_JUDGE(judge_image_identity)
{
    const struct deployment *d = in->deployment;
    const char *first = NULL;

    (void)node;
    if (d->node_count < 2 || !in->images) {
        judge_not_applicable(ret, "there is one node");
        return;
    }
    for (size_t i = 0; i < d->node_count; i++) {
        const char *id = in->images[i].id;

        if (id) {
            judge_evidence(ret, "%s: %s", d->nodes[i].name, id);
        }
        if (id && first && !str_eq(id, first)) {
            judge_fail(ret, "node '%s' has another image under '%s'", d->nodes[i].name,
                       in->images[i].ref);
        }
        if (id && !first) {
            first = id;
        }
    }
    judge_pass(ret, "%s",
               first ? "all images that are present are the same"
                     : "the image is present nowhere yet");
    judge_hint(ret, "load the same archive on every node: --load FILE");
}
