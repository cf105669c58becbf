#!/usr/bin/env bash
# Runs PROGRAM (engine_test) against a throw-away engine with a busybox image: engine_test.sh PROGRAM
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lab.sh"
program=${1:?PROGRAM}

[ "$(id -u)" = 0 ] || { lab_fail 'a Docker engine needs root'; exit 1; }
lab_need dockerd containerd runc docker busybox curl jq tar || exit 1
dir=$(mktemp -d /tmp/omsl.XXXXXX) || exit 1
trap 'lab_down "$dir" || true' EXIT
lab_defaults "$dir" && lab_note_absent && lab_engine_start e1 || exit 1

mkdir -p "$dir/root/bin" "$dir/root/tmp" &&
    cp "$(command -v busybox)" "$dir/root/bin/busybox" &&
    chroot "$dir/root" /bin/busybox --install -s /bin &&
    tar -C "$dir/root" -c . | lab_docker e1 import - omsl-test:1 >/dev/null &&
    lab_docker e1 save -o "$dir/image.tar" omsl-test:1 &&
    lab_docker e1 rmi omsl-test:1 >/dev/null || exit 1

OMSLAUNCH_TEST_ENDPOINT=unix://$(lab_sock e1) OMSLAUNCH_TEST_ARCHIVE=$dir/image.tar "$program"
