#include "launcher/upgrade/survey_part.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "inspect/oms_version.h"
#include "launcher/engine/image_archive.h"

/* The user's word counts where the image says nothing. */
static int choose_from(const struct survey_request *request, const char *tag, struct survey *s,
                       struct err *err)
{
    struct oms_version told;
    struct err ignored;
    char of_tag[OMS_VERSION_TEXT_MAX];
    s->has_from = oms_version_parse(tag, &s->from, &ignored) == 0;
    if (request->from == NULL) {
        return 0;
    }
    if (oms_version_parse(request->from, &told, err) != 0) {
        return err_wrap(err, "--from");
    }
    if (s->has_from &&
        (oms_version_compare(&told, &s->from) != 0 || told.edition != s->from.edition)) {
        return err_fail(err, ERR_USAGE,
                        "--from says '%s', but the old container's image is tagged '%s', which is "
                        "OMS %s\nHINT: leave --from out; it is for images whose tag tells nothing",
                        request->from, tag, oms_version_format(&s->from, of_tag));
    }
    s->from = told;
    s->has_from = true;
    return 0;
}

int survey_choose_target(const struct survey_request *request, struct survey *s, struct err *err)
{
    const struct node *first = &s->deployment.nodes[0];
    const char *chosen =
        request->repository != NULL ? request->repository : first->old_image_repository;
    if (chosen[0] == '\0') {
        return err_fail(err, ERR_USAGE,
                        "the old container was made from '%s', which names no repository\n"
                        "HINT: name the one of the new image: --image REPOSITORY",
                        first->old.image_ref);
    }
    s->target_ref = mem_printf("%s:%s", chosen, request->tag);
    s->target_tag = mem_strdup(request->tag);
    struct err ignored;
    s->has_to = oms_version_parse(request->tag, &s->to, &ignored) == 0;
    return choose_from(request, first->old_image_tag, s, err);
}

/* What will be loaded takes the place of what the engine has under that name. */
static void note_archive(const struct image_content *content, uint64_t bytes,
                         struct target_image *image)
{
    AUTO_STR struct str names = STR_INIT;
    image->load_bytes = bytes;
    if (content->has_ref && content->architecture != NULL) {
        char *before = (char *)(uintptr_t)image->architecture;
        free(before);
        image->architecture = mem_strdup(content->architecture);
    }
    if (!content->known || content->has_ref) {
        return;
    }
    for (size_t i = 0; i < content->names.count; i++) {
        str_appendf(&names, "%s'%s'", i > 0 ? ", " : "", content->names.items[i]);
    }
    image->archive_holds =
        content->names.count > 0 ? str_take(&names) : mem_strdup("nothing with a name");
}

/* The name with that tag, when only one has it; NULL. Caller frees. */
static char *only_one_tagged(const struct strv *names, const char *wanted)
{
    const char *found = NULL;
    for (size_t i = 0; i < names->count; i++) {
        AUTO_FREE char *repository = NULL;
        AUTO_FREE char *tag = NULL;
        image_ref_split(names->items[i], &repository, &tag);
        if (!str_eq(tag, wanted)) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = names->items[i];
    }
    return found != NULL ? mem_strdup(found) : NULL;
}

/* What the archive cannot be loaded for is known before it is sent. */
static void note_refusal(const struct err *why, struct target_image *image)
{
    image->archive_error = mem_strdup(why->text);
    image->archive_hint = mem_strdup(why->hint);
}

void survey_look_into_archive(const struct survey_request *request, struct survey *s)
{
    AUTO_IMAGE_CONTENT struct image_content content = {.known = false};
    struct stat archive = {.st_size = 0};
    struct err err = ERR_INIT;
    const char *file = request->options.load_file;
    if (file == NULL) {
        return;
    }
    const bool loads = image_content_read(file, s->target_ref, &content, &err) == 0;
    (void)!stat(file, &archive);
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        struct target_image *image = &s->images[i];
        char *on_engine = (char *)(uintptr_t)image->same_tag;
        free(on_engine);
        image->same_tag = only_one_tagged(&content.names, s->target_tag);
        image->will_load_file = file;
        note_archive(&content, (uint64_t)archive.st_size, image);
        if (!loads) {
            note_refusal(&err, image);
        }
    }
}

/* The repository of OMS images has changed more than once: is the tag here, under another one? */
static void look_for_tag(struct engine *e, const char *tag, struct target_image *ret)
{
    AUTO_JSON json_t *list = NULL;
    AUTO_STRV struct strv names = STRV_INIT;
    struct err ignored;
    if (engine_image_list(e, &list, &ignored) != 0) {
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *of_one = json_object_get(json_array_get(list, i), "RepoTags");
        for (size_t k = 0; k < json_array_size(of_one); k++) {
            const char *name = json_string_value(json_array_get(of_one, k));
            if (name != NULL) {
                strv_add(&names, name);
            }
        }
    }
    ret->same_tag = only_one_tagged(&names, tag);
}

int survey_look_at_image(struct engine *e, struct survey *s, size_t node, struct err *err)
{
    struct target_image *image = &s->images[node];
    image->ref = s->target_ref;
    AUTO_JSON json_t *answer = NULL;
    if (engine_image_inspect(e, s->target_ref, &answer, err) == 0) {
        const char *architecture = json_text(answer, "Architecture", NULL);
        image->present = true;
        image->id = mem_strdup(json_text(answer, "Id", ""));
        image->architecture = architecture == NULL ? NULL : mem_strdup(architecture);
        s->new_image_configs[node] = json_incref(json_walk(answer, "Config"));
    } else if (err->kind != ERR_NOT_FOUND) {
        return -1;
    } else {
        look_for_tag(e, s->target_tag, image);
    }
    return 0;
}

bool survey_is_already_there(const struct survey *s)
{
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        const struct container *old = &s->deployment.nodes[i].old;
        const struct target_image *image = &s->images[i];
        if (!str_eq(old->image_ref, s->target_ref) ||
            (image->present && !str_eq(image->id, old->image_id))) {
            return false;
        }
    }
    return true;
}
