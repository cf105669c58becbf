# The program over each transport, the docker CLI in front of it, and what can be wrong on the way.

setup() {
    bats_require_minimum_version 1.7.0
    . "$TRANSPORT_DIR/site.env"
    SOCKET=$TRANSPORT_DIR/lab/e1/docker.sock
    TLS=$TRANSPORT_DIR/tls
    AT=tcp://127.0.0.1:$TLS_PORT
    CA=(--tlscacert "$TLS/ca.pem")
    OURS=(--tlscert "$TLS/client.pem" --tlskey "$TLS/client-key.pem")
    DOCKER_CONFIG=$BATS_TEST_TMPDIR/cli
    PATH=$TRANSPORT_DIR/bin:$PATH
    export DOCKER_CONFIG PATH
    unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION SSH_AUTH_SOCK
    : >"$TRANSPORT_DIR/ssh/calls"
}

omslaunch() {
    PATH=${PROGRAM_PATH:-$PATH} "$TRANSPORT_BUILD/omslaunch" "$@" 3>&- </dev/null
}

real_docker() {
    docker "$@" 3>&- </dev/null
}

# says CODE MESSAGE HINT ARGUMENT…: the exit code, and the whole of stderr.
says() {
    local code=$1 want="omslaunch: error: $2"$'\n'"HINT: $3"
    shift 3
    run --separate-stderr omslaunch inspect oms_x --state-dir "$BATS_TEST_TMPDIR/state" "$@"
    diff <(printf '%s\n' "$want") <(printf '%s\n' "$stderr") >&2 || return 1
    [ "$status" = "$code" ]
}

# reaches ARGUMENT…: an engine answers, and knows no such container.
reaches() {
    run --separate-stderr omslaunch inspect oms_x --state-dir "$BATS_TEST_TMPDIR/state" "$@"
    case $stderr in *"there is no container 'oms_x' on engine '"*) return 0 ;; esac
    printf '%s\n' "$stderr" >&2
    return 1
}

unreachable() { # ENDPOINT WHY HINT ARGUMENT…
    local endpoint=$1 why=$2 hint=$3
    shift 3
    says 69 "cannot reach the Docker Engine at '$endpoint': $why" "$hint" --host "$endpoint" "$@"
}

@test "TLS by options, by variables and by a context" {
    reaches -H "$AT" "${CA[@]}" "${OURS[@]}"
    DOCKER_HOST=$AT DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$TLS/client reaches
    reaches -H "127.0.0.1:$TLS_PORT" --tlsverify "${CA[@]}" "${OURS[@]}"
    reaches -H "$AT?tls=$TLS/client"
    real_docker context create far --docker \
        "host=$AT,ca=$TLS/ca.pem,cert=$TLS/client.pem,key=$TLS/client-key.pem" >/dev/null
    reaches --context far
    DOCKER_CONTEXT=far reaches
    real_docker context use far >/dev/null
    reaches
}

CERTIFICATE_HINT='--tlscacert names the authority that signed it; the name in the endpoint must be one of the certificate'

@test "an engine's certificate that is not to be trusted" {
    unreachable "$AT" 'its certificate is not to be trusted (unable to get local issuer certificate)' \
        "$CERTIFICATE_HINT" --tlscacert "$TLS/other-ca.pem" "${OURS[@]}"
    unreachable "tcp://localhost:$(server named)" \
        "its certificate is not to be trusted (no alternative certificate subject name matches target host name 'localhost')" \
        "$CERTIFICATE_HINT" "${CA[@]}"
    unreachable "tcp://127.0.0.1:$(server expired)" 'its certificate is not to be trusted (certificate has expired)' \
        "$CERTIFICATE_HINT" "${CA[@]}"
    cat "$BATS_TEST_TMPDIR"/*.pid | xargs kill
}

# server CERTIFICATE: a TLS server with it; prints its port.
server() {
    local port
    port=$(LAB_DIR=$TRANSPORT_DIR/lab bash -c '. "$1"; lab_free_port' - "$BATS_TEST_DIRNAME/../lab.sh")
    openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$TLS/$1.pem" -key "$TLS/$1-key.pem" \
        </dev/null >/dev/null 2>&1 3>&- &
    echo "$!" >"$BATS_TEST_TMPDIR/$1.pid"
    until openssl s_client -connect "127.0.0.1:$port" </dev/null >/dev/null 2>&1; do sleep 0.05; done
    printf '%s\n' "$port"
}

@test "our certificate that is not to be used" {
    local refused='it closed the connection behind the TLS handshake, as an engine does that does not take our certificate'
    local hint="--tlscert and --tlskey, or DOCKER_CERT_PATH, name a pair that the engine's authority has signed"
    unreachable "$AT" "$refused" "$hint" "${CA[@]}"
    unreachable "$AT" "$refused" "$hint" "${CA[@]}" --tlscert "$TLS/stranger.pem" --tlskey "$TLS/stranger-key.pem"
    says 78 "cannot speak TLS to '$AT': '$TLS/stranger-key.pem' is not the private key of '$TLS/client.pem'" \
        'give the pair that was made together' -H "$AT" "${CA[@]}" --tlscert "$TLS/client.pem" --tlskey "$TLS/stranger-key.pem"
    says 78 "cannot speak TLS to '$AT': '$SOCKET.none' holds no certificate in PEM" \
        'give our certificate' -H "$AT" "${CA[@]}" --tlscert "$(: >"$SOCKET.none" && echo "$SOCKET.none")" --tlskey "$TLS/client-key.pem"
    rm "$SOCKET.none"
}

@test "clear text" {
    says 64 "the engine's endpoint '$AT' is clear text: whoever sees or changes it on its way is root on that host" \
        'use TLS (--tlsverify, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), or ssh://HOST; in a network that you trust with root on that host, --insecure-tcp' \
        -H "$AT"
    socat TCP-LISTEN:0,bind=127.0.0.1,fork "UNIX-CONNECT:$SOCKET" 3>&- &
    local pid=$! port=
    until [ -n "$port" ]; do
        port=$(awk -v inode="$(readlink /proc/$pid/fd/* 2>/dev/null | sed -n 's/socket:\[\(.*\)\]/\1/p' | tail -n 1)" \
            '$10 == inode && $4 == "0A" { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp)
    done
    port=$((16#$port))
    reaches -H "tcp://127.0.0.1:$port" --insecure-tcp
    case $stderr in
    "omslaunch: warning: the engine at 'tcp://127.0.0.1:$port' is spoken to in clear text: whoever is on the way is root on that host"*) ;;
    *) false ;;
    esac
    kill "$pid"
}

@test "ports where no engine is" {
    unreachable tcp://127.0.0.1:1 'it takes no connection (Connection refused)' \
        "does an engine listen there, and does a firewall let it through? 'systemctl status docker' on that host tells" --tls
    unreachable tcp://nosuch.invalid:2376 'its host name is not known' \
        "is it spelled right? 'getent hosts' asks the same resolver" --tls
    unreachable "tcp://127.0.0.1:$SSHD_plain" 'it does not speak TLS 1.2 or newer there (wrong version number)' \
        'is this the port for TLS (usually 2376), and does dockerd run with --tlsverify?' --tls
    says 69 "the Docker Engine at '$AT' speaks TLS, and was asked in clear text" \
        '--tlsverify, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH' -H "$AT" --insecure-tcp --quiet 2>/dev/null || {
        case $stderr in *"speaks TLS, and was asked in clear text"*) ;; *) false ;; esac
    }
}

@test "contexts that lead nowhere" {
    says 1 "there is no docker context 'nope' in '$DOCKER_CONFIG/contexts'" "'docker context ls' lists them" --context nope
}

@test "ssh: one connection of it for a run, also to a host where no program can be run" {
    reaches -H "ssh://root@127.0.0.1:$SSHD_plain$SOCKET"
    [ "$(wc -l <"$TRANSPORT_DIR/ssh/calls")" = 1 ]
    reaches -H "ssh://root@127.0.0.1:$SSHD_bare$SOCKET"
    # What ~/.ssh/config does for people is not in the way.
    reaches -H "ssh://by-name$SOCKET"
    [ "$(wc -l <"$TRANSPORT_DIR/ssh/calls")" = 3 ]
    # Nothing is left of it.
    while read -r socket; do [ ! -e "${socket%/s}" ]; done < <(sed -n 's/.* -L\([^:]*\):.*/\1/p' "$TRANSPORT_DIR/ssh/calls")
    run ! pgrep -f "ssh -F $TRANSPORT_DIR/ssh/config" >/dev/null
}

@test "ssh that does not get through" {
    local bare=ssh://root@127.0.0.1:$SSHD_bare closed=ssh://root@127.0.0.1:$SSHD_closed
    local hint="is the engine running there, may this user use its socket (group 'docker'), and does sshd allow to forward it (AllowStreamLocalForwarding)? ssh://HOST/path names another socket"
    unreachable "$bare/no.sock" \
        "ssh got through to '127.0.0.1', but not to '/no.sock' there: open failed: connect failed: open failed" "$hint"
    unreachable "$closed$SOCKET" \
        "ssh got through to '127.0.0.1', but not to '$SOCKET' there: open failed: connect failed: open failed" "$hint"
    unreachable "ssh://root@127.0.0.1:1$SOCKET" 'ssh ended: ssh: connect to host 127.0.0.1 port 1: Connection refused' \
        'does sshd run there, on this port?'
    unreachable "ssh://nosuch.invalid$SOCKET" \
        'ssh ended: ssh: Could not resolve hostname nosuch.invalid: Name or service not known' \
        'is it spelled right? ~/.ssh/config may know it by another name'
}

@test "ssh: a host that is not known, a key that is refused, a question without a terminal" {
    local at=ssh://root@127.0.0.1:$SSHD_plain$SOCKET
    sed 's|^UserKnownHostsFile.*|UserKnownHostsFile /dev/null|' "$TRANSPORT_DIR/ssh/config" >"$BATS_TEST_TMPDIR/unknown"
    TEST_SSH_CONFIG=$BATS_TEST_TMPDIR/unknown unreachable "$at" 'ssh ended: Host key verification failed.' \
        "its key is not in known_hosts, or has changed: log in once by hand with 'ssh'"
    sed 's|ssh/id$|ssh/id_unknown|' "$TRANSPORT_DIR/ssh/config" >"$BATS_TEST_TMPDIR/refused"
    TEST_SSH_CONFIG=$BATS_TEST_TMPDIR/refused says 77 \
        "cannot reach the Docker Engine at '$at': ssh ended: root@127.0.0.1: Permission denied (publickey,password,keyboard-interactive)." \
        'it takes none of your keys: is ssh-agent running, and is the public key in authorized_keys there?' -H "$at"
    says 64 "the engine's endpoint 'ssh://-oProxyCommand=touch' names no host that could be one" \
        "letters, digits, '.', '-' and '_', not beginning with '-'" -H ssh://-oProxyCommand=touch
}

@test "no ssh at all" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    PROGRAM_PATH=$BATS_TEST_TMPDIR/bin unreachable "ssh://root@h$SOCKET" "there is no program 'ssh' in PATH" \
        'install it (Debian: openssh-client)'
}

@test "as a plugin of the docker CLI, with its options before our name" {
    local socket_words="there is no container 'oms_x' on engine '"
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    ln -s "$TRANSPORT_BUILD/omslaunch" "$DOCKER_CONFIG/cli-plugins/docker-omslaunch"
    real_docker --help | grep -q '^  omslaunch\* *Upgrade OceanBase Migration Service where it runs'
    run -69 real_docker -H unix:///nowhere.sock omslaunch inspect oms_x
    has "cannot reach the Docker Engine at 'unix:///nowhere.sock': no such file"
    run real_docker -H "unix://$SOCKET" omslaunch inspect oms_x
    has "$socket_words"
    run real_docker -D --host "unix://$SOCKET" omslaunch inspect oms_x
    has "$socket_words"
    run real_docker --host "ssh://root@127.0.0.1:$SSHD_plain$SOCKET" omslaunch inspect oms_x
    has "$socket_words"
    run real_docker -H "$AT" --tlsverify "${CA[@]}" "${OURS[@]}" omslaunch inspect oms_x
    has "$socket_words"
    real_docker context create here --docker "host=unix://$SOCKET" >/dev/null
    run real_docker --context here omslaunch inspect oms_x
    has "$socket_words"
    run real_docker -c here -l error omslaunch inspect oms_x
    has "$socket_words"
    mkdir "$BATS_TEST_TMPDIR/other"
    mv "$DOCKER_CONFIG"/* "$BATS_TEST_TMPDIR/other"
    run real_docker --config "$BATS_TEST_TMPDIR/other" --context here omslaunch inspect oms_x
    has "$socket_words"
}

has() {
    case $output in *"$1"*) return 0 ;; esac
    printf '%s\n' "$output" >&2
    return 1
}

@test "DOCKER_API_VERSION" {
    DOCKER_API_VERSION=1.30 reaches -H "unix://$SOCKET"
    DOCKER_API_VERSION=1.10 says 64 "DOCKER_API_VERSION is '1.10', and this program speaks 1.24 to 1.52" \
        'unset it: the version is agreed on with the engine' -H "unix://$SOCKET"
    DOCKER_API_VERSION=latest says 64 "DOCKER_API_VERSION is 'latest', and this program speaks 1.24 to 1.52" \
        'unset it: the version is agreed on with the engine' -H "unix://$SOCKET"
}
