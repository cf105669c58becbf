#include "launcher/spec/spec_words.h"

#include <string.h>

#define C "Config"
#define H "HostConfig"
#define PLAIN(section, field, shape, option, key)      \
    {                                                  \
        section, field, shape, option, key, NULL, NULL \
    }
#define OWN(section, field, option, key, name)                                      \
    {                                                                               \
        section, field, WORD_OWN, option, key, spec_say_##name, spec_compose_##name \
    }

/* In the order in which a person would say them. */
static const struct spec_word words[] = {
    PLAIN(C, "Image", WORD_SILENT, NULL, NULL), /* these five have their own places */
    PLAIN(C, "Cmd", WORD_SILENT, NULL, NULL),
    PLAIN(C, "Entrypoint", WORD_SILENT, NULL, NULL),
    PLAIN(C, "Tty", WORD_FLAG, "-t", "tty"),
    PLAIN(C, "OpenStdin", WORD_FLAG, "-i", "stdin_open"),
    /* -d says them. */
    PLAIN(C, "AttachStdin", WORD_SILENT, NULL, NULL),
    PLAIN(C, "AttachStdout", WORD_SILENT, NULL, NULL),
    PLAIN(C, "AttachStderr", WORD_SILENT, NULL, NULL),
    PLAIN(C, "StdinOnce", WORD_SILENT, NULL, NULL),
    PLAIN(H, "NetworkMode", WORD_TEXT, "--network", "network_mode"),
    PLAIN(H, "Privileged", WORD_SWITCH, "--privileged", "privileged"),
    PLAIN(H, "PidsLimit", WORD_NUMBER, "--pids-limit", "pids_limit"),
    OWN(H, "Ulimits", "--ulimit", "ulimits", ulimits),
    OWN(H, "RestartPolicy", "--restart", "restart", restart),
    {C, "Env", WORD_OWN, "-e", "environment", spec_say_env, NULL},
    PLAIN(H, "Binds", WORD_LIST, "-v", "volumes"),
    OWN(H, "Mounts", "--mount", "volumes", mounts),
    PLAIN(C, "Volumes", WORD_KEYS, "-v", "volumes"),
    PLAIN(H, "VolumesFrom", WORD_LIST, "--volumes-from", NULL),
    PLAIN(H, "VolumeDriver", WORD_TEXT, "--volume-driver", NULL),
    OWN(H, "Tmpfs", "--tmpfs", "tmpfs", tmpfs),
    PLAIN(C, "Labels", WORD_MAP, "--label", "labels"),
    PLAIN(H, "Annotations", WORD_MAP, "--annotation", "annotations"),
    PLAIN(C, "Hostname", WORD_TEXT, "--hostname", "hostname"),
    PLAIN(C, "Domainname", WORD_TEXT, "--domainname", "domainname"),
    PLAIN(C, "MacAddress", WORD_TEXT, "--mac-address", "mac_address"),
    PLAIN(C, "User", WORD_TEXT, "--user", "user"),
    PLAIN(C, "WorkingDir", WORD_TEXT, "--workdir", "working_dir"),
    PLAIN(C, "StopSignal", WORD_TEXT, "--stop-signal", "stop_signal"),
    {C, "StopTimeout", WORD_AMOUNT, "--stop-timeout", "stop_grace_period", NULL,
     spec_compose_seconds},
    OWN(C, "Healthcheck", "--health-cmd", "healthcheck", health),
    PLAIN(C, "ExposedPorts", WORD_KEYS, "--expose", "expose"),
    OWN(H, "PortBindings", "-p", "ports", ports),
    PLAIN(H, "PublishAllPorts", WORD_FLAG, "-P", NULL),
    OWN(H, "LogConfig", "--log-driver", "logging", logging),
    PLAIN(H, "Links", WORD_LIST, "--link", "external_links"),
    PLAIN(H, "ExtraHosts", WORD_LIST, "--add-host", "extra_hosts"),
    PLAIN(H, "Dns", WORD_LIST, "--dns", "dns"),
    PLAIN(H, "DnsOptions", WORD_LIST, "--dns-option", "dns_opt"),
    PLAIN(H, "DnsSearch", WORD_LIST, "--dns-search", "dns_search"),
    PLAIN(H, "CapAdd", WORD_LIST, "--cap-add", "cap_add"),
    PLAIN(H, "CapDrop", WORD_LIST, "--cap-drop", "cap_drop"),
    PLAIN(H, "GroupAdd", WORD_LIST, "--group-add", "group_add"),
    PLAIN(H, "SecurityOpt", WORD_LIST, "--security-opt", "security_opt"),
    PLAIN(H, "ReadonlyRootfs", WORD_FLAG, "--read-only", "read_only"),
    PLAIN(H, "StorageOpt", WORD_MAP, "--storage-opt", "storage_opt"),
    PLAIN(H, "Sysctls", WORD_MAP, "--sysctl", "sysctls"),
    PLAIN(H, "ShmSize", WORD_NUMBER, "--shm-size", "shm_size"),
    PLAIN(H, "Runtime", WORD_TEXT, "--runtime", "runtime"),
    PLAIN(H, "Init", WORD_SWITCH, "--init", "init"),
    PLAIN(H, "IpcMode", WORD_TEXT, "--ipc", "ipc"),
    PLAIN(H, "PidMode", WORD_TEXT, "--pid", "pid"),
    PLAIN(H, "UTSMode", WORD_TEXT, "--uts", "uts"),
    PLAIN(H, "UsernsMode", WORD_TEXT, "--userns", "userns_mode"),
    PLAIN(H, "CgroupnsMode", WORD_TEXT, "--cgroupns", "cgroup"),
    PLAIN(H, "CgroupParent", WORD_TEXT, "--cgroup-parent", "cgroup_parent"),
    PLAIN(H, "Memory", WORD_NUMBER, "--memory", "mem_limit"),
    PLAIN(H, "MemoryReservation", WORD_NUMBER, "--memory-reservation", "mem_reservation"),
    PLAIN(H, "MemorySwap", WORD_NUMBER, "--memory-swap", "memswap_limit"),
    PLAIN(H, "MemorySwappiness", WORD_AMOUNT, "--memory-swappiness", "mem_swappiness"),
    PLAIN(H, "KernelMemory", WORD_NUMBER, "--kernel-memory", NULL),
    OWN(H, "NanoCpus", "--cpus", "cpus", cpus),
    PLAIN(H, "CpuShares", WORD_NUMBER, "--cpu-shares", "cpu_shares"),
    PLAIN(H, "CpuPeriod", WORD_NUMBER, "--cpu-period", "cpu_period"),
    PLAIN(H, "CpuQuota", WORD_NUMBER, "--cpu-quota", "cpu_quota"),
    PLAIN(H, "CpuRealtimePeriod", WORD_NUMBER, "--cpu-rt-period", "cpu_rt_period"),
    PLAIN(H, "CpuRealtimeRuntime", WORD_NUMBER, "--cpu-rt-runtime", "cpu_rt_runtime"),
    PLAIN(H, "CpusetCpus", WORD_TEXT, "--cpuset-cpus", "cpuset"),
    PLAIN(H, "CpusetMems", WORD_TEXT, "--cpuset-mems", NULL),
    PLAIN(H, "BlkioWeight", WORD_NUMBER, "--blkio-weight", NULL),
    {H, "BlkioWeightDevice", WORD_OWN, "--blkio-weight-device", NULL, spec_say_weights, NULL},
    {H, "BlkioDeviceReadBps", WORD_OWN, "--device-read-bps", NULL, spec_say_rates, NULL},
    {H, "BlkioDeviceWriteBps", WORD_OWN, "--device-write-bps", NULL, spec_say_rates, NULL},
    {H, "BlkioDeviceReadIOps", WORD_OWN, "--device-read-iops", NULL, spec_say_rates, NULL},
    {H, "BlkioDeviceWriteIOps", WORD_OWN, "--device-write-iops", NULL, spec_say_rates, NULL},
    OWN(H, "Devices", "--device", "devices", devices),
    PLAIN(H, "DeviceCgroupRules", WORD_LIST, "--device-cgroup-rule", "device_cgroup_rules"),
    PLAIN(H, "OomKillDisable", WORD_FLAG, "--oom-kill-disable", "oom_kill_disable"),
    PLAIN(H, "OomScoreAdj", WORD_NUMBER, "--oom-score-adj", "oom_score_adj"),
    PLAIN(H, "Isolation", WORD_TEXT, "--isolation", "isolation"),
};

const struct spec_word *spec_word_at(size_t index)
{
    return index < ARRAY_LEN(words) ? &words[index] : NULL;
}

const struct spec_word *spec_word_find(const char *section, const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(words[i].section, section) && str_eq(words[i].field, field)) {
            return &words[i];
        }
    }
    return NULL;
}

char *spec_duration(int64_t ns)
{
    const int64_t ms = ns / 1000000;
    if (ns % 1000000 != 0) {
        return mem_printf("%lldns", (long long)ns);
    }
    return ms % 1000 != 0 ? mem_printf("%lldms", (long long)ms)
                          : mem_printf("%llds", (long long)ms / 1000);
}

char *spec_port(const char *port, const json_t *binding)
{
    const char *ip = json_text(binding, "HostIp", "");
    const char *host = json_text(binding, "HostPort", "");
    bool is_six = strchr(ip, ':') != NULL;
    return mem_printf("%s%s%s%s%s%s%s", is_six ? "[" : "", ip, is_six ? "]" : "",
                      ip[0] != '\0' ? ":" : "", host, ip[0] != '\0' || host[0] != '\0' ? ":" : "",
                      port);
}
