/* A folder of a test's own, and the files in it. */
#ifndef OMSLAUNCH_TESTS_FOLDER_H
#define OMSLAUNCH_TESTS_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "tests/unit/unit.h"

struct folder {
    char path[32];
};

static void folder_make(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/omsl-test.XXXXXX");
    assert_non_null(mkdtemp(f->path));
}

static void folder_free(const struct folder *f)
{
    AUTO_FREE char *command = mem_printf("chmod -R u+w %s && rm -rf %s", f->path, f->path);
    assert_int_equal(system(command), 0);
}
#define AUTO_FOLDER CLEANUP(folder_free)

static inline char *folder_at(const struct folder *f, const char *name)
{
    return fs_join(f->path, name);
}

static inline char *folder_read(const struct folder *f, const char *name)
{
    AUTO_FREE char *path = folder_at(f, name);
    AUTO_STR struct str text = STR_INIT;
    struct err err = ERR_INIT;

    assert_ok(fs_read(path, 1 << 20, false, &text, &err), &err);
    return str_get(&text)[0] == '\0' ? mem_strdup("") : str_take(&text);
}

static inline void folder_write(const struct folder *f, const char *name, const char *text)
{
    AUTO_FREE char *path = folder_at(f, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
}

/* "<folder>" for the path of it in `text`. Caller frees. */
static inline char *folder_mask(const struct folder *f, const char *text)
{
    AUTO_STR struct str masked = STR_INIT;
    const char *hit;

    while ((hit = strstr(text, f->path)) != NULL) {
        str_append_n(&masked, text, (size_t)(hit - text));
        str_append(&masked, "<folder>");
        text = hit + strlen(f->path);
    }
    str_append(&masked, text);
    return str_take(&masked);
}

#define assert_masked_err(folder, err, expected_kind, expected_text)     \
    do {                                                                 \
        AUTO_FREE char *masked_ = folder_mask((folder), err_whole(err)); \
        assert_string_equal(masked_, (expected_text));                   \
        assert_int_equal((int)(err)->kind, (int)(expected_kind));        \
    } while (0)

#endif
