/* Reads hooks from folders: POINT/NN-name. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks/hook_part.h"
#include "hooks/trust.h"
#include "launcher/base/fs.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a folder that is to be trusted, sorted by bytes, without those that begin with a
 * dot. */
static int read_names(const char *folder, struct strv *ret, struct err *err)
{
    int fd = -1;
    if (trust_open_folder(folder, &fd, err) != 0) {
        return -1;
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return err_fail(err, ERR_CONFIG, "'%s' cannot be read as a folder of hooks: %m", folder);
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] != '.') {
            strv_add(ret, e->d_name);
        }
    }
    closedir(dir);
    if (ret->count > 0) {
        qsort(ret->items, ret->count, sizeof(ret->items[0]), compare_names);
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int add_file(struct hook_list *list, enum hook_point point, const char *folder,
                    const char *name, struct err *err)
{
    if (!is_digit(name[0]) || !is_digit(name[1]) || name[2] != '-' ||
        strspn(name + 3, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            strlen(name + 3) ||
        str_ends_with(name, ".bak") || str_ends_with(name, ".orig") ||
        strstr(name, ".dpkg-") != NULL || strstr(name, ".rpm") != NULL) {
        return err_fail(err, ERR_CONFIG,
                        "'%s' in '%s' is not the name of a hook\n"
                        "HINT: two digits, '-' and a name, as 10-drain; a name that begins with a "
                        "dot is passed over",
                        name, folder);
    }
    AUTO_FREE char *path = fs_join(folder, name);
    struct trusted_file file;
    if (trust_open(path, &file, err) != 0) {
        return -1;
    }
    close(file.fd);
    if (hook_list_find(list, point, name) != NULL) {
        return err_fail(err, ERR_CONFIG,
                        "'%s' has the name of another hook of '%s'\nHINT: rename it", path,
                        hook_point_name(point));
    }
    struct hook *h = hook_list_new(list, point, name, folder);
    strv_add(&h->command, path);
    return 0;
}

static int add_point_folder(struct hook_list *list, const char *folder, const char *name,
                            struct err *err)
{
    int point = hook_point_from_name(name);
    if (point < 0 || point == HOOK_BACKUP || point == HOOK_INIT) {
        return err_fail(err, ERR_CONFIG,
                        "'%s' in '%s' is not a point that has a folder of hooks\n"
                        "HINT: 'omslaunch hooks list' shows the points; backup and init are "
                        "replaced in the configuration file",
                        name, folder);
    }
    AUTO_FREE char *inner = fs_join(folder, name);
    AUTO_STRV struct strv names = STRV_INIT;
    if (read_names(inner, &names, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (add_file(list, (enum hook_point)point, inner, names.items[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}

int hook_list_add_folder(struct hook_list *list, const char *folder, struct err *err)
{
    AUTO_STRV struct strv names = STRV_INIT;
    if (read_names(folder, &names, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (add_point_folder(list, folder, names.items[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}
