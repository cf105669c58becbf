/* Any text is either a version with one spelling, or none; any image reference has two parts. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "inspect/oms_version.h"
#include "launcher/base/str.h"

static void check_version(const char *tag)
{
    struct oms_version v, again;
    struct err err = {.kind = ERR_KIND_MAX, .text = ""};
    char text[OMS_VERSION_TEXT_MAX];

    if (oms_version_parse(tag, &v, &err) < 0) {
        fuzz_need(err.kind == ERR_USAGE && err.hint[0]);
        return;
    }
    oms_version_format(&v, text);
    if (v.bp > 0) {
        *strchr(text, ' ') = '-'; /* "4.2.3 BP1" is for people */
    }
    fuzz_need(oms_version_parse(text, &again, &err) == 0);
    fuzz_need(oms_version_compare(&v, &again) == 0 && v.edition == again.edition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_alloc(size + 1);
    AUTO_FREE char *repository = NULL;
    AUTO_FREE char *tag = NULL;

    if (size > 0) {
        memcpy(text, data, size);
    }
    check_version(text);
    image_ref_split(text, &repository, &tag);
    fuzz_need(repository && tag && !strchr(tag, '/') && !strchr(tag, '@'));
    fuzz_need(!*repository || strncmp(text, repository, strlen(repository)) == 0);
    return 0;
}
