#!/usr/bin/env bash
# One engine that is reached in three ways, and the keys to each: site.sh up|down DIR
#
#   unix://DIR/lab/e1/docker.sock, tcp:// with certificates in DIR/tls (also those that must not do), ssh:// by
#   DIR/bin/ssh, the real ssh with a configuration of the test's own (ssh takes the home folder from the
#   password file, so it would read this user's), to sshd servers of the test's own: one as people have
#   it, one that runs no program at all, one that forwards nothing. DIR/site.env says where.
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/../lab.sh"
export LAB_QUIET=1

# authority NAME; certificate NAME AUTHORITY SUBJECTALTNAME USAGE [DAYS]
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
        -keyout "$tls/$1.key" -out "$tls/$1.pem" 2>/dev/null
}

certificate() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$tls/$1-key.pem" \
        -out "$tls/$1.csr" 2>/dev/null
    printf 'extendedKeyUsage = %s\n%s\n' "$4" "${3:+subjectAltName = $3}" >"$tls/$1.ext"
    openssl x509 -req -in "$tls/$1.csr" -CA "$tls/$2.pem" -CAkey "$tls/$2.key" -days "${5:-30}" -CAcreateserial \
        -extfile "$tls/$1.ext" -out "$tls/$1.pem" 2>/dev/null
}

make_certificates() {
    tls=$dir/tls
    mkdir -p "$tls/client"
    authority ca
    authority other-ca
    certificate server ca IP:127.0.0.1,DNS:localhost serverAuth
    certificate named ca DNS:elsewhere.example serverAuth
    certificate expired ca IP:127.0.0.1 serverAuth -1
    certificate client ca '' clientAuth
    certificate stranger other-ca '' clientAuth
    cp "$tls/ca.pem" "$tls/client/ca.pem"
    cp "$tls/client.pem" "$tls/client/cert.pem"
    cp "$tls/client-key.pem" "$tls/client/key.pem"
}

# sshd NAME OPTION…: a server on a port of its own; sets its port as SSHD_NAME.
sshd() {
    local name=$1 port option
    shift
    port=$(lab_free_port)
    {
        printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $dir/ssh/host_key" \
            "AuthorizedKeysFile $dir/ssh/authorized_keys" "PidFile $dir/ssh/$name.pid" 'UsePAM no' \
            'StrictModes no' 'PermitRootLogin yes' 'PasswordAuthentication yes' 'LogLevel ERROR'
        for option; do printf '%s\n' "$option"; done
    } >"$dir/ssh/$name.conf"
    lab_daemon "$dir/ssh/$name.log" /usr/sbin/sshd -D -e -f "$dir/ssh/$name.conf"
    printf '%s\n' "$LAB_PID" >>"$dir/ssh/pids"
    printf 'SSHD_%s=%s\n' "$name" "$port" >>"$dir/site.env"
    lab_wait 5 "sshd $name" lab_port_listens "$port"
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$dir/ssh/host_key.pub")" >>"$dir/ssh/known_hosts"
}

start_sshds() {
    mkdir -p "$dir/ssh" "$dir/bin"
    [ -d /run/sshd ] || { mkdir -m 755 /run/sshd && printf '/run/sshd\n' >>"$LAB_DIR/absent"; }
    ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/id"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/id_unknown"
    cp "$dir/ssh/id.pub" "$dir/ssh/authorized_keys"
    sshd plain
    sshd bare 'ForceCommand /bin/false'
    sshd closed 'DisableForwarding yes'
    cat >"$dir/ssh/config" <<CONFIG
UserKnownHostsFile $dir/ssh/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
IdentitiesOnly yes
Host by-name
    HostName 127.0.0.1
    Port $(sed -n 's/^SSHD_plain=//p' "$dir/site.env")
    LocalForward 127.0.0.1:1 127.0.0.1:1
    RemoteCommand false
    ControlMaster auto
    ControlPath $dir/ssh/shared
Host *
    IdentityFile $dir/ssh/id
CONFIG
    cat >"$dir/bin/ssh" <<SSH
#!/bin/sh
echo "\$*" >>"$dir/ssh/calls"
exec $(command -v ssh) -F "\${TEST_SSH_CONFIG:-$dir/ssh/config}" "\$@"
SSH
    chmod 755 "$dir/bin/ssh"
}

make_image() {
    local root=$dir/root
    mkdir -p "$root/bin" "$root/tmp"
    cp "$(command -v busybox)" "$root/bin/busybox"
    chroot "$root" /bin/busybox --install -s /bin
    tar -C "$root" -c . | lab_docker e1 import - omsl-test:1 >/dev/null
    lab_docker e1 save -o "$dir/image.tar" omsl-test:1
}

site_up() {
    mkdir -p "$dir/lab"
    lab_need dockerd containerd runc docker busybox openssl ssh ssh-keygen jq curl socat
    [ -x /usr/sbin/sshd ] || lab_fail 'missing: sshd (tests/live/deps.sh check installs it)'
    lab_defaults "$dir/lab"
    lab_note_absent
    make_certificates
    local port
    port=$(lab_free_port)
    printf 'TLS_PORT=%s\n' "$port" >>"$dir/site.env"
    lab_engine_start e1 -H "tcp://127.0.0.1:$port" --tlsverify --tlscacert "$tls/ca.pem" --tlscert "$tls/server.pem" \
        --tlskey "$tls/server-key.pem"
    start_sshds
    make_image
}

command=${1:?command}
dir=${2:?folder}
case $command in
up) site_up ;;
down)
    if [ -e "$dir/ssh/pids" ]; then
        while read -r pid; do lab_end_pid "$pid"; done <"$dir/ssh/pids"
    fi
    [ ! -e "$dir/lab/lab.env" ] || lab_down "$dir/lab"
    ;;
*) exit 64 ;;
esac
