#include "launcher/state/changes.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/base/clock.h"
#include "launcher/base/fs.h"

#define NOTE_MAX (64U * 1024)
#define SUFFIX ".json"

int changes_note(const char *state, const char *run, const char *kind, const char *deployment,
                 const char *endpoint, const char *text, struct err *err)
{
    AUTO_FREE char *folder = fs_join(state, "changes");
    AUTO_FREE char *path = mem_printf("%s/%s" SUFFIX, folder, run);
    AUTO_JSON json_t *note = json_make("{s:s, s:s, s:s, s:s, s:I, s:s}", "run", run, "kind", kind,
                                       "deployment", deployment, "endpoint", endpoint, "wall_ms",
                                       (json_int_t)clock_wall_ms(), "text", text);
    AUTO_FREE char *line = json_compact(note);
    return fs_make_dirs(folder, err) != 0 ? -1 : fs_write_atomic(path, line, strlen(line), err);
}

static void add_note(const char *folder, const char *name, json_t *ret)
{
    AUTO_FREE char *path = fs_join(folder, name);
    AUTO_STR struct str text = STR_INIT;
    json_t *note = NULL;
    struct err ignored;
    if (fs_read(path, NOTE_MAX, true, &text, &ignored) == 0 &&
        json_parse(str_get(&text), text.len, path, &note, &ignored) == 0) {
        json_add(ret, note);
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_note(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends_with(entry->d_name, SUFFIX);
}

int changes_read(const char *state, json_t **ret, struct err *err)
{
    AUTO_FREE char *folder = fs_join(state, "changes");
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_note, by_name);
    if (count < 0 && errno != ENOENT) {
        return err_fail(err, ERR_STATE,
                        "cannot read the folder '%s': %m\n"
                        "HINT: run as the user who works here, or name another folder with "
                        "--state-dir",
                        folder);
    }
    *ret = json_array();
    for (int i = 0; i < count; i++) {
        add_note(folder, names[i]->d_name, *ret);
        free(names[i]);
    }
    free(names);
    return 0;
}
