#!/usr/bin/env bash
# The engine and the images of tests/live/spec: site.sh up|down|port DIR
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../lab.sh"
export LAB_QUIET=1

REPO=lab/oms

# make_image REF CONFIG: the same small file system under another configuration.
make_image() {
    local image=$dir/image diff
    mkdir -p "$image"
    diff=$(sha256sum "$dir/root.tar" | cut -d' ' -f1)
    jq -n --arg diff "sha256:$diff" --argjson config "$2" \
        '{architecture: "amd64", os: "linux", config: $config, rootfs: {type: "layers", diff_ids: [$diff]},
        history: [{created: "2023-01-01T00:00:00Z"}]}' >"$image/config.json"
    jq -n --arg ref "$1" '[{Config: "config.json", RepoTags: [$ref], Layers: ["layer.tar"]}]' >"$image/manifest.json"
    cp "$dir/root.tar" "$image/layer.tar"
    tar -C "$image" -cf - . | lab_docker e1 load -q >/dev/null
}

make_root() {
    local root=$dir/root
    mkdir -p "$root"/{bin,etc,home,tmp}
    cp "$(command -v busybox)" "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    ln -s busybox "$root/bin/sleep"
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    tar -C "$root" -cf "$dir/root.tar" .
}

# Everything that an image can set is another in the new one: it must come from there, not from the
# old container, unless the user said something else.
make_images() {
    make_image "$REPO:feature_3.3.1-ce" '{"Env": ["PATH=/bin", "OMS_VERSION=3.3.1", "OLD_ONLY=1", "JAVA_OPTS=-Xmx1g"],
        "Labels": {"release": "3.3.1", "old.label": "yes"}, "ExposedPorts": {"8088/tcp": {}}, "WorkingDir": "/home",
        "StopSignal": "SIGTERM", "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep 331"], "User": "root", "OnBuild": ["RUN true"],
        "Healthcheck": {"Test": ["CMD-SHELL", "check-331"], "Interval": 30000000000, "Timeout": 5000000000, "Retries": 3}}'
    make_image "$REPO:feature_4.0.0-ce" '{"Env": ["PATH=/bin:/sbin", "OMS_VERSION=4.0.0", "NEW_ONLY=1", "JAVA_OPTS=-Xmx2g"],
        "Labels": {"release": "4.0.0", "new.label": "yes"}, "ExposedPorts": {"8088/tcp": {}, "8090/tcp": {}}, "WorkingDir": "/root",
        "StopSignal": "SIGQUIT", "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["sleep 400"], "User": "0:0", "Shell": ["/bin/sh", "-ec"],
        "Healthcheck": {"Test": ["CMD-SHELL", "check-400"], "Interval": 60000000000, "Timeout": 5000000000, "Retries": 3}}'
    make_image lab/volumes:feature_3.3.1-ce '{"Env": ["PATH=/bin"], "Cmd": ["sleep", "331"], "Volumes": {"/data": {}}}'
    make_image lab/volumes:feature_4.0.0-ce \
        '{"Env": ["PATH=/bin"], "Cmd": ["sleep", "400"], "Volumes": {"/data": {}, "/more": {}}}'
    # The way from 3.2.2 to 4.2.9, which no document allows in one step.
    make_image "$REPO:feature_3.2.2-ce" '{"Env": ["PATH=/bin"], "Cmd": ["sleep", "322"]}'
    lab_docker e1 tag "$REPO:feature_4.0.0-ce" "$REPO:feature_4.2.9-ce"
    lab_docker e1 tag "$REPO:feature_3.3.1-ce" localhost:5000/oms:feature_3.3.1-ce
    lab_docker e1 tag "$REPO:feature_4.0.0-ce" localhost:5000/oms:feature_4.0.0-ce
}

site_up() {
    mkdir -p "$dir/lab"
    lab_defaults "$dir/lab"
    lab_note_absent
    lab_engine_start e1
    make_root
    make_images
}

command=${1:?command}
dir=${2:?folder}
case $command in
up) site_up ;;
port)
    lab_use "$dir/lab"
    lab_free_port
    ;;
down)
    [ ! -e "$dir/lab/lab.env" ] || lab_down "$dir/lab"
    ;;
*) exit 64 ;;
esac
