#!/usr/bin/env bash
# The engine and the images of tests/live/spec: site.sh up|down DIR
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../lab.sh"
export LAB_QUIET=1

REPO=lab/oms

# make_image REF CHANGE…: the same small file system under another configuration.
make_image() {
    local ref=$1 change
    local -a changes=()
    shift
    for change; do changes+=(--change "$change"); done
    lab_docker e1 import "${changes[@]}" "$dir/root.tar" "$ref" >/dev/null
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
    make_image "$REPO:feature_3.3.1-ce" 'ENV PATH=/bin' 'ENV OMS_VERSION=3.3.1' 'ENV OLD_ONLY=1' \
        'ENV JAVA_OPTS=-Xmx1g' 'LABEL release=3.3.1' 'LABEL old.label=yes' 'EXPOSE 8088' \
        'WORKDIR /home' 'STOPSIGNAL SIGTERM' 'ENTRYPOINT ["/bin/sh","-c"]' 'CMD ["sleep 331"]' \
        'HEALTHCHECK --interval=30s --timeout=5s --retries=3 CMD check-331'
    make_image "$REPO:feature_4.0.0-ce" 'ENV PATH=/bin:/sbin' 'ENV OMS_VERSION=4.0.0' \
        'ENV NEW_ONLY=1' 'ENV JAVA_OPTS=-Xmx2g' 'LABEL release=4.0.0' 'LABEL new.label=yes' \
        'EXPOSE 8088' 'EXPOSE 8090' 'WORKDIR /root' 'STOPSIGNAL SIGQUIT' \
        'ENTRYPOINT ["/bin/sh","-c"]' 'CMD ["sleep 400"]' \
        'HEALTHCHECK --interval=60s --timeout=5s --retries=3 CMD check-400'
    make_image lab/volumes:feature_3.3.1-ce 'ENV PATH=/bin' 'CMD ["sleep","331"]' 'VOLUME /data'
    make_image lab/volumes:feature_4.0.0-ce 'ENV PATH=/bin' 'CMD ["sleep","400"]' 'VOLUME /data' \
        'VOLUME /more'
    for ref in localhost:5000/oms; do
        lab_docker e1 tag "$REPO:feature_3.3.1-ce" "$ref:feature_3.3.1-ce"
        lab_docker e1 tag "$REPO:feature_4.0.0-ce" "$ref:feature_4.0.0-ce"
    done
    lab_docker e1 tag "$REPO:feature_3.3.1-ce" lab/untagged:latest
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
down)
    [ ! -e "$dir/lab/lab.env" ] || lab_down "$dir/lab"
    ;;
*) exit 64 ;;
esac
