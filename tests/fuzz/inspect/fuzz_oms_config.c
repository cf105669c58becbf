/* Any bytes are either a config.yaml with all that must be there, or an error that names the file
 * and what to do. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "inspect/oms_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_OMS_CONFIG struct oms_config c = {0};
    struct err err = {.kind = ERR_KIND_MAX, .text = ""};

    if (oms_config_parse((const char *)data, size, "f", &c, &err) < 0) {
        fuzz_need(!c.meta_host && !c.meta_password.bytes);
        fuzz_need(err.kind == ERR_CONFIG);
        fuzz_need(err.text[0] == 'f' && err.hint[0]);
        return 0;
    }
    fuzz_need(c.meta_host[0] && c.meta_user[0] && c.meta_port > 0);
    fuzz_need(c.rm_db[0] && c.cm_db[0] && c.heartbeat_db[0]);
    fuzz_need(c.meta_password.len == strlen(c.meta_password.bytes));
    fuzz_need(c.nginx_port > 0 && c.cm_port > 0 && c.ghana_port > 0);
    fuzz_need(c.supervisor_port > 0 && c.sshd_port > 0 && c.cm_location <= 127);
    fuzz_need(strlen(c.digest) == 64);
    return 0;
}
