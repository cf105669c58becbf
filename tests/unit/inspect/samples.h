/* Answers of real engines, shortened to what is read, with the paths of an ordinary host. JSON with
 * single quotes, so that it can be read here; sample_parse() turns them. */
#ifndef OMSLAUNCH_TESTS_INSPECT_SAMPLES_H
#define OMSLAUNCH_TESTS_INSPECT_SAMPLES_H

#include <string.h>

#include "launcher/base/json.h"

/* API 1.41, made by `docker run -v …`, with :ro, :z,rslave, :rw, a trailing slash and a double one;
 * --pids-limit -1 reads back as null. */
static const char sample_binds[] __attribute__((unused)) =
    "{'Id': '117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2bf79b', "
    "'Created': '2026-11-22T10:07:54.564303646Z', 'State': {'Status': 'running', "
    "'Running': true, 'Paused': false, 'Restarting': false, 'OOMKilled': false, "
    "'Dead': false, 'Pid': 4242, 'ExitCode': 0, 'Error': '', "
    "'StartedAt': '2026-11-20T08:00:00.5Z', 'FinishedAt': '0001-01-01T00:00:00Z'}, "
    "'Image': 'sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268', "
    "'Name': '/oms_331', 'HostConfig': {'Binds': ['/data/oms/run:/home/ds/run:rw', "
    "'/data/oms/config.yaml:/home/admin/conf/config.yaml:ro', "
    "'/data/oms/logs/:/home/admin/logs/', '/data/oms//store:/home/ds/store:z,rslave'], "
    "'ContainerIDFile': '', 'LogConfig': {'Type': 'json-file', 'Config': {}}, "
    "'NetworkMode': 'host', 'PortBindings': {}, 'RestartPolicy': {'Name': 'no', "
    "'MaximumRetryCount': 0}, 'AutoRemove': false, 'CapAdd': null, 'CapDrop': null, "
    "'Privileged': true, 'ShmSize': 67108864, 'Runtime': 'runc', 'PidsLimit': null, "
    "'Ulimits': [{'Name': 'nproc', 'Hard': 65535, 'Soft': 65535}], 'IOMaximumIOps': 0, "
    "'IOMaximumBandwidth': 0}, 'Mounts': [{'Type': 'bind', 'Source': '/data/oms/store', "
    "'Destination': '/home/ds/store', 'Mode': 'z,rslave', 'RW': true, "
    "'Propagation': 'rslave'}, {'Type': 'bind', 'Source': '/data/oms/run', "
    "'Destination': '/home/ds/run', 'Mode': 'rw', 'RW': true, 'Propagation': 'rprivate'}, "
    "{'Type': 'bind', 'Source': '/data/oms/config.yaml', "
    "'Destination': '/home/admin/conf/config.yaml', 'Mode': 'ro', 'RW': false, "
    "'Propagation': 'rprivate'}, {'Type': 'bind', 'Source': '/data/oms/logs', "
    "'Destination': '/home/admin/logs', 'Mode': '', 'RW': true, 'Propagation': 'rprivate'}], "
    "'Config': {'Hostname': 'host1', 'Domainname': '', 'User': '', 'AttachStdin': false, "
    "'AttachStdout': false, 'AttachStderr': false, 'Tty': true, 'OpenStdin': true, "
    "'StdinOnce': false, 'Env': ['OMS_HOST_IP=127.0.0.11', 'A=img'], 'Cmd': ['/bin/busybox', "
    "'sleep', '1000'], "
    "'Image': 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce', "
    "'Volumes': null, 'WorkingDir': '', 'Entrypoint': null, 'OnBuild': null, 'Labels': {}}}";

/* API 1.41, made by `docker create --mount …`: a named and an anonymous volume, a tmpfs. */
static const char sample_mounts[] __attribute__((unused)) =
    "{'Id': 'b19423dbf79109db65937f0f3a4919677b49d39f541ca216264b171bf5103def', "
    "'Created': '2026-11-22T10:07:54.686167725Z', 'State': {'Status': 'created', "
    "'Running': false, 'Paused': false, 'Restarting': false, 'OOMKilled': false, "
    "'Dead': false, 'Pid': 0, 'ExitCode': 0, 'Error': '', "
    "'StartedAt': '0001-01-01T00:00:00Z', 'FinishedAt': '0001-01-01T00:00:00Z'}, "
    "'Image': 'sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268', "
    "'Name': '/oms_m', 'HostConfig': {'Binds': null, 'ContainerIDFile': '', "
    "'LogConfig': {'Type': 'json-file', 'Config': {}}, 'NetworkMode': 'host', "
    "'PortBindings': {}, 'RestartPolicy': {'Name': 'no', 'MaximumRetryCount': 0}, "
    "'AutoRemove': false, 'CapAdd': null, 'CapDrop': null, 'Privileged': false, "
    "'ShmSize': 67108864, 'Runtime': 'runc', 'PidsLimit': null, 'Ulimits': [], "
    "'IOMaximumIOps': 0, 'IOMaximumBandwidth': 0, 'Mounts': [{'Type': 'bind', "
    "'Source': '/data/oms/config.yaml', 'Target': '/home/admin/conf/config.yaml', "
    "'ReadOnly': true}, {'Type': 'bind', 'Source': '/data/oms/logs', "
    "'Target': '/home/admin/logs', 'BindOptions': {'Propagation': 'rslave'}}, "
    "{'Type': 'volume', 'Source': 'vstore', 'Target': '/home/ds/store'}, {'Type': 'tmpfs', "
    "'Target': '/t'}]}, 'Mounts': [{'Type': 'bind', 'Source': '/data/oms/config.yaml', "
    "'Destination': '/home/admin/conf/config.yaml', 'Mode': '', 'RW': false, "
    "'Propagation': 'rprivate'}, {'Type': 'bind', 'Source': '/data/oms/logs', "
    "'Destination': '/home/admin/logs', 'Mode': '', 'RW': true, 'Propagation': 'rslave'}, "
    "{'Type': 'volume', 'Name': 'vstore', 'Source': '/var/lib/docker/volumes/vstore/_data', "
    "'Destination': '/home/ds/store', 'Driver': 'local', 'Mode': 'z', 'RW': true, "
    "'Propagation': ''}, {'Type': 'tmpfs', 'Source': '', 'Destination': '/t', 'Mode': '', "
    "'RW': true, 'Propagation': ''}, {'Type': 'volume', "
    "'Name': '5d9426b6f71f006c5e7eb8ec584c97f45ed98ae13bea43dec85f8920ee583d88', "
    "'Source': "
    "'/var/lib/docker/volumes/5d9426b6f71f006c5e7eb8ec584c97f45ed98ae13bea43dec85f8920ee583d88/"
    "_data', "
    "'Destination': '/home/ds/run', 'Driver': 'local', 'Mode': '', 'RW': true, "
    "'Propagation': ''}], 'Config': {'Hostname': 'host1', 'Domainname': '', 'User': '', "
    "'AttachStdin': false, 'AttachStdout': true, 'AttachStderr': true, 'Tty': false, "
    "'OpenStdin': false, 'StdinOnce': false, 'Env': ['A=img'], 'Cmd': ['/bin/busybox', "
    "'sleep', '1000'], "
    "'Image': 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce', "
    "'Volumes': {'/home/ds/run': {}}, 'WorkingDir': '', 'Entrypoint': null, 'OnBuild': null, "
    "'Labels': {}}}";

/* Newer than API 1.48: image mounts, a manifest descriptor, unset fields left out. */
static const char sample_new_api[] __attribute__((unused)) =
    "{'Id': '117557e08e6be5803f8349091034e51425b312506bbb9f034d06e297da2bf79b', "
    "'Created': '2026-11-22T10:07:54.564303646Z', 'State': {'Status': 'exited', "
    "'Running': false, 'Paused': false, 'Restarting': false, 'OOMKilled': false, "
    "'Dead': false, 'Pid': 0, 'ExitCode': 137, 'Error': '', "
    "'StartedAt': '2026-11-20T08:00:00.5Z', 'FinishedAt': '0001-01-01T00:00:00Z'}, "
    "'Image': 'sha256:23a0150d70981ed1559a9e18c50efe19162a939240af74945981e40224048268', "
    "'Name': '/oms_331', 'HostConfig': {'Binds': ['/data/oms/run:/home/ds/run:rw', "
    "'/data/oms/config.yaml:/home/admin/conf/config.yaml:ro', "
    "'/data/oms/logs/:/home/admin/logs/', '/data/oms//store:/home/ds/store:z,rslave'], "
    "'ContainerIDFile': '', 'LogConfig': {'Type': 'json-file', 'Config': {}}, "
    "'NetworkMode': 'host', 'PortBindings': {}, 'RestartPolicy': {'Name': 'no', "
    "'MaximumRetryCount': 0}, 'AutoRemove': false, 'CapAdd': null, 'CapDrop': null, "
    "'Privileged': true, 'ShmSize': 67108864, 'Runtime': 'runc', "
    "'Ulimits': [{'Name': 'nproc', 'Hard': 65535, 'Soft': 65535}], 'IOMaximumIOps': 0, "
    "'IOMaximumBandwidth': 0}, 'Mounts': [{'Type': 'bind', "
    "'Source': '/data/oms/config.yaml', 'Destination': '/home/admin/conf/config.yaml', "
    "'Mode': '', 'RW': true, 'Propagation': 'rprivate'}, {'Type': 'image', 'Name': 'tools', "
    "'Source': '/var/lib/docker/rootfs/overlayfs/1', 'Destination': '/tools', 'Mode': '', "
    "'RW': true, 'Propagation': ''}], 'Config': {'Hostname': 'host1', 'Domainname': '', "
    "'User': '', 'AttachStdin': false, 'AttachStdout': false, 'AttachStderr': false, "
    "'Tty': true, 'OpenStdin': true, 'StdinOnce': false, 'Env': ['OMS_HOST_IP=127.0.0.11', "
    "'A=img'], 'Cmd': ['/bin/busybox', 'sleep', '1000'], "
    "'Image': 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce', "
    "'WorkingDir': '', 'Entrypoint': null, 'Labels': {}}, "
    "'ImageManifestDescriptor': {'mediaType': 'application/vnd.oci.image.manifest.v1+json', "
    "'digest': 'sha256:abababababababababababababababababababababababababababababababab', "
    "'size': 1021, 'platform': {'architecture': 'amd64', 'os': 'linux'}}}";

/* Caller owns. NULL when it is no JSON. */
static json_t *sample_parse(const char *text)
{
    AUTO_FREE char *copy = mem_strdup(text);
    struct err err = ERR_INIT;
    json_t *j = NULL;

    for (char *p = copy; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    return json_parse(copy, strlen(copy), "sample", &j, &err) ? NULL : j;
}

#endif
