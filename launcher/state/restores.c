#include "launcher/state/restores.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"

#define NOTE_MAX (1024U * 1024)
#define SUFFIX ".json"

static void add_text(const json_t *text, struct strv *ret)
{
    if (json_is_string(text) && !strv_has(ret, json_string_value(text))) {
        strv_add(ret, json_string_value(text));
    }
}

void restores_list_kept(const json_t *answer, struct strv *ret)
{
    size_t i;
    json_t *database;
    json_array_foreach (json_object_get(answer, "databases"), i, database) {
        const json_t *earlier = json_object_get(database, "earlier");
        add_text(json_object_get(database, "quarantine"), ret);
        for (size_t k = 0; k < json_array_size(earlier); k++) {
            add_text(json_array_get(earlier, k), ret);
        }
    }
}

int restores_note(const char *state, const char *run, const char *deployment, const char *endpoint,
                  const json_t *answer, struct err *err)
{
    AUTO_STRV struct strv kept = STRV_INIT;
    AUTO_FREE char *folder = fs_join(state, "restores");
    restores_list_kept(answer, &kept);
    if (kept.count == 0) {
        return 0;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < kept.count; i++) {
        json_add(list, json_from_text(kept.items[i]));
    }
    AUTO_JSON json_t *note =
        json_make("{s:s, s:s, s:s, s:I, s:o}", "run", run, "deployment", deployment, "endpoint",
                  endpoint, "wall_ms", (json_int_t)clock_wall_ms(), "databases", list);
    AUTO_FREE char *path = mem_printf("%s/%s" SUFFIX, folder, run);
    AUTO_FREE char *text = json_compact(note);
    return fs_make_dirs(folder, err) != 0 ? -1 : fs_write_atomic(path, text, strlen(text), err);
}

static int read_note(const char *path, struct past_run *p, struct err *err)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_JSON json_t *note = NULL;
    const char *run;
    const char *deployment;
    const char *endpoint;
    if (fs_read(path, NOTE_MAX, true, &text, err) != 0 ||
        json_parse(str_get(&text), text.len, path, &note, err) != 0 ||
        json_need_text(note, "run", path, &run, err) != 0 ||
        json_need_text(note, "deployment", path, &deployment, err) != 0 ||
        json_need_text(note, "endpoint", path, &endpoint, err) != 0) {
        err->kind = ERR_STATE;
        return err_hint(err, "it tells what a restore has moved aside: restore the file, or move "
                             "it away and drop those databases by hand");
    }
    p->id = mem_strdup(run);
    p->deployment = mem_strdup(deployment);
    p->endpoint = mem_strdup(endpoint);
    p->result = mem_strdup("restored");
    p->begun_ms = (uint64_t)json_int(note, "wall_ms", 0);
    const json_t *list = json_object_get(note, "databases");
    for (size_t i = 0; i < json_array_size(list); i++) {
        add_text(json_array_get(list, i), &p->kept_databases);
    }
    return 0;
}

int restores_read(const char *state, struct history *ret, struct err *err)
{
    AUTO_FREE char *folder = fs_join(state, "restores");
    AUTO_HISTORY struct history h = {.items = NULL};
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int rc = 0;
    if (dir == NULL && errno != ENOENT) {
        return err_fail(err, ERR_STATE,
                        "cannot read the folder of restores '%s': %m\n"
                        "HINT: run as the user who restores, or name another folder with "
                        "--state-dir",
                        folder);
    }
    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && str_ends_with(entry->d_name, SUFFIX)) {
            AUTO_FREE char *path = fs_join(folder, entry->d_name);
            h.items = mem_grow(h.items, h.count + 1, sizeof(*h.items));
            h.items[h.count] = (struct past_run){.id = NULL};
            rc = read_note(path, &h.items[h.count++], err);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    if (rc == 0) {
        *ret = h;
        h = (struct history){.items = NULL};
    }
    return rc;
}
