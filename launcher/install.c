#include "launcher/install.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/base/fs.h"

static char *own_folder(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (len <= 0) {
        return mem_strdup("/nonexistent");
    }
    path[len] = '\0';
    *strrchr(path, '/') = '\0';
    return mem_strdup(path);
}

static char *find(const char *below_prefix, const char *configured, const char *name)
{
    AUTO_FREE char *folder = own_folder();
    AUTO_FREE char *beside = fs_join(folder, name);
    if (fs_exists(beside)) {
        return TAKE(beside);
    }
    AUTO_FREE char *relative = mem_printf("%s/../%s/%s", folder, below_prefix, name);
    char *real = realpath(relative, NULL);
    return real != NULL ? real : fs_join(configured, name);
}

char *install_metadb_program(void)
{
    return find("libexec/omslaunch", OMSLAUNCH_LIBEXECDIR, "omslaunch-metadb");
}

char *install_data_file(const char *name)
{
    return find("share/omslaunch", OMSLAUNCH_DATADIR, name);
}
