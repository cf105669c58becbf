/* config.yaml out of a container: what the next container of the same binds will read. */
#include <sys/stat.h>

#include "inspect/container.h"
#include "inspect/oms_config.h"
#include "launcher/base/fs.h"

#define CONFIG_SIZE_MAX ((size_t)1024 * 1024)

void oms_config_text_wipe(struct str *text)
{
    if (text->data) {
        secret_wipe(text->data, text->cap);
    }
    str_free(text);
}

static char *name_of(const char *container)
{
    return mem_printf("config.yaml of container '%s' (" OMS_PATH_CONFIG ")", container);
}

/* Looks before it reads, so that a folder and a file of gigabytes are told apart and not fetched.
 */
static int check_file(struct engine *e, const char *container, const char *name,
                      struct engine_path_stat *ret, struct err *err)
{
    struct engine_path_stat st;

    if (engine_container_stat(e, container, OMS_PATH_CONFIG, &st, err)) {
        if (err->kind == ERR_NOT_FOUND) {
            return err_fail(err, ERR_CONFIG,
                            "%s does not exist\n"
                            "HINT: is the file still there on the host, where the container "
                            "binds it from?",
                            name);
        }
        return err_wrap(err, "%s", name);
    }
    if (st.is_folder) {
        return err_fail(err, ERR_CONFIG,
                        "%s is a folder, expected a file\n"
                        "HINT: the engine makes a folder of a bind source that is missing; put "
                        "the file back on the host",
                        name);
    }
    if (st.size > CONFIG_SIZE_MAX) {
        return err_fail(err, ERR_CONFIG,
                        "%s has %llu bytes, expected at most %zu\n"
                        "HINT: is the right file bound to " OMS_PATH_CONFIG "?",
                        name, (unsigned long long)st.size, CONFIG_SIZE_MAX);
    }
    *ret = st;
    return 0;
}

/* Whether `source` could be read and is what the engine sees. */
static bool read_source(const char *source, const struct engine_path_stat *seen, struct str *ret)
{
    struct err ignored = ERR_INIT;
    struct stat st;

    if (!source || stat(source, &st) || !S_ISREG(st.st_mode)) {
        return false;
    }
    const uint64_t mtime_ms =
        (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
    return (uint64_t)st.st_size == seen->size && mtime_ms == seen->mtime_ms &&
           fs_read(source, CONFIG_SIZE_MAX, false, ret, &ignored) == 0 && ret->len == seen->size;
}

int oms_config_fetch(struct engine *e, const char *container, const char *source,
                     struct str *ret_secret, struct err *err)
{
    AUTO_FREE char *name = name_of(container);
    CLEANUP(oms_config_text_wipe) struct str text = STR_INIT;
    struct engine_path_stat seen;

    if (check_file(e, container, name, &seen, err)) {
        return -1;
    }
    if (!read_source(source, &seen, &text)) {
        oms_config_text_wipe(&text);
        if (engine_container_read_file(e, container, OMS_PATH_CONFIG, CONFIG_SIZE_MAX, &text,
                                       err)) {
            if (err->kind == ERR_FAILED || err->kind == ERR_NOT_FOUND) {
                err->kind = ERR_CONFIG;
            }
            err_wrap(err, "%s cannot be read", name);
            return err_hint(err, "is it a plain file that root on that host may read?");
        }
    }
    *ret_secret = text;
    text = (struct str)STR_INIT;
    return 0;
}

int oms_config_read(struct engine *e, const char *container, const char *source,
                    struct oms_config *ret, struct err *err)
{
    AUTO_FREE char *name = name_of(container);
    CLEANUP(oms_config_text_wipe) struct str text = STR_INIT;

    return oms_config_fetch(e, container, source, &text, err) ||
                   oms_config_parse(str_get(&text), text.len, name, ret, err)
               ? -1
               : 0;
}
