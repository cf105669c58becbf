/* What an image archive holds, by its own lists: manifest.json, and the configuration of an image.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/json.h"
#include "launcher/engine/image_archive.h"
#include "launcher/engine/tar.h"

#define LIST_SIZE_MAX ((uint64_t)4 * 1024 * 1024)
#define READ_SIZE 4096

struct member {
    const char *wanted;
    bool inside; /* its bytes come now */
    bool found;
    struct str text;
};

static const char *plain_name(const char *name)
{
    return str_starts_with(name, "./") ? name + 2 : name;
}

static int note_entry(void *arg, const struct tar_entry *entry, struct err *err)
{
    struct member *m = arg;

    (void)err;
    m->inside = entry->type == TAR_FILE && entry->size <= LIST_SIZE_MAX &&
                str_eq(plain_name(entry->name), m->wanted);
    if (m->inside) {
        m->found = true;
        str_reset(&m->text);
    }
    return 0;
}

static int note_data(void *arg, const char *bytes, size_t len, struct err *err)
{
    struct member *m = arg;

    (void)err;
    if (m->inside) {
        str_append_n(&m->text, bytes, len);
    }
    return 0;
}

/* The JSON document in one member, or NULL. Other members are passed over without reading them. */
static json_t *read_member(const struct image_archive *a, const char *name)
{
    struct member m = {.wanted = name, .text = STR_INIT};
    const struct tar_handler handler = {.on_entry = note_entry, .on_data = note_data, .arg = &m};
    AUTO_TAR struct tar *tar = tar_new(&handler);
    struct err ignored = ERR_INIT;
    json_t *document = NULL;
    char bytes[READ_SIZE];

    for (uint64_t at = 0; at < a->size && !tar_ended(tar);) {
        /* Header by header, but for what is wanted. */
        size_t want = m.inside ? sizeof(bytes) : 512;
        ssize_t n = pread(a->fd, bytes, want, (off_t)at);
        if (n <= 0 || tar_feed(tar, bytes, (size_t)n, &ignored) < 0) {
            break;
        }
        at += (uint64_t)n;
        if (!m.inside) {
            at += tar_skip(tar);
        }
    }
    if (m.found && json_parse(str_get(&m.text), m.text.len, name, &document, &ignored) != 0) {
        document = NULL;
    }
    str_free(&m.text);
    return document;
}

static bool has_name(const json_t *image, const char *ref)
{
    const json_t *names = json_object_get(image, "RepoTags");

    for (size_t i = 0; i < json_array_size(names); i++) {
        if (str_eq(json_string_value(json_array_get(names, i)), ref)) {
            return true;
        }
    }
    return false;
}

static void add_names(const json_t *image, struct strv *ret)
{
    const json_t *names = json_object_get(image, "RepoTags");

    for (size_t i = 0; i < json_array_size(names); i++) {
        if (json_is_string(json_array_get(names, i))) {
            strv_add(ret, json_string_value(json_array_get(names, i)));
        }
    }
}

int image_content_read(const char *path, const char *ref, struct image_content *ret,
                       struct err *err)
{
    struct image_archive archive = {.fd = -1};
    AUTO_FD int fd = -1;

    *ret = (struct image_content){.known = false};
    if (image_archive_open(path, &archive, err) != 0) {
        return -1;
    }
    fd = archive.fd;
    AUTO_JSON json_t *manifest = archive.compressed ? NULL : read_member(&archive, "manifest.json");
    ret->known = json_is_array(manifest);
    for (size_t i = 0; i < json_array_size(manifest); i++) {
        const json_t *image = json_array_get(manifest, i);

        add_names(image, &ret->names);
        if (ret->has_ref || !has_name(image, ref)) {
            continue;
        }
        ret->has_ref = true;
        AUTO_JSON json_t *config = read_member(&archive, json_text(image, "Config", ""));
        const char *architecture = json_text(config, "architecture", NULL);
        ret->architecture = architecture ? mem_strdup(architecture) : NULL;
    }
    return 0;
}

void image_content_free(struct image_content *c)
{
    if (!c) {
        return;
    }
    free(c->architecture);
    strv_free(&c->names);
    *c = (struct image_content){.known = false};
}
