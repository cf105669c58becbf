#include "launcher/upgrade/survey_part.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect/oms_version.h"
#include "launcher/engine/image_archive.h"

/* Was the container made from an image's ID, whole or shortened? That names no repository. */
static bool is_made_from_id(const struct container *c)
{
    const char *hex = strncmp(c->image_id, "sha256:", 7) == 0 ? c->image_id + 7 : c->image_id;
    const char *ref = strncmp(c->image_ref, "sha256:", 7) == 0 ? c->image_ref + 7 : c->image_ref;
    return ref[0] != '\0' && strncmp(hex, ref, strlen(ref)) == 0;
}

int survey_choose_target(const struct survey_request *request, struct survey *s, struct err *err)
{
    const struct node *first = &s->deployment.nodes[0];
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *own_tag = NULL;
    image_ref_split(first->old.image_ref, &repository, &own_tag);
    if (request->repository == NULL && (repository[0] == '\0' || is_made_from_id(&first->old))) {
        return err_fail(err, ERR_USAGE,
                        "the old container was made from '%s', which names no repository\n"
                        "HINT: name the one of the new image: --image REPOSITORY",
                        first->old.image_ref);
    }
    const char *chosen = request->repository != NULL ? request->repository : repository;
    s->target_ref = mem_printf("%s:%s", chosen, request->tag);
    s->target_tag = mem_strdup(request->tag);
    struct err ignored;
    s->has_from = oms_version_parse(first->old_image_tag, &s->from, &ignored) == 0;
    s->has_to = oms_version_parse(request->tag, &s->to, &ignored) == 0;
    return 0;
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

void survey_look_into_archive(const struct survey_request *request, struct survey *s)
{
    AUTO_IMAGE_CONTENT struct image_content content = {.known = false};
    struct stat archive = {.st_size = 0};
    const char *file = request->options.load_file;
    if (file == NULL) {
        return;
    }
    image_content_read(file, s->target_ref, &content);
    (void)!stat(file, &archive);
    for (size_t i = 0; i < s->deployment.node_count; i++) {
        s->images[i].will_load_file = file;
        note_archive(&content, (uint64_t)archive.st_size, &s->images[i]);
    }
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
