/* A folder in which hooks can be trusted: /tmp may be written by all. */
#ifndef OMSLAUNCH_TESTS_HOOK_FOLDER_H
#define OMSLAUNCH_TESTS_HOOK_FOLDER_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/base/fs.h"
#include "launcher/base/str.h"

static char folder[512];

static inline bool folder_make(void)
{
    const char *home = geteuid() == 0 ? "/root" : getenv("HOME");
    (void)snprintf(folder, sizeof(folder), "%s/.omslaunch-hook-XXXXXX", home);
    return mkdtemp(folder) != NULL;
}

static inline int folder_remove(void)
{
    AUTO_FREE char *command = mem_printf("rm -rf '%s'", folder);
    return system(command);
}

/* Caller frees. */
static inline char *at(const char *name)
{
    return fs_join(folder, name);
}

static inline void put(const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = at(name);
    (void)unlink(path);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static inline void make_folder(const char *name, mode_t mode)
{
    AUTO_FREE char *path = at(name);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
}

#endif
