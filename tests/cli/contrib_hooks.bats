#!/usr/bin/env bats
# The hooks that are shipped, and the contract of all hooks in three languages.
bats_require_minimum_version 1.7.0
load common

setup() {
    # /tmp may be written by all, and nothing below it is trusted.
    HOOKS=$(mktemp -d /root/.omslaunch-cli-XXXXXX)
    SHIPPED=$CLI_SRC/../../contrib/hooks
}

teardown() {
    rm -rf "$HOOKS"
}

# A hook is started without valgrind: see common.bash.
omslaunch() {
    "$PROGRAM" "$@" 3>&-
}

# try POINT FILE KEY…: the hook once, with the sample.
try() {
    local point=$1 file=$2 key
    shift 2
    [ ! -e "$SHIPPED/$file" ] || cp "$SHIPPED/$file" "$HOOKS/$file"
    printf 'hooks:\n  folder: %s\n  %s:\n    - name: one\n      run: [%s]\n      timeout: 20s\n' "$HOOKS/none" "$point" "$HOOKS/$file" >"$HOOKS/c.yaml"
    mkdir -p "$HOOKS/none"
    for key; do printf '      %s\n' "$key" >>"$HOOKS/c.yaml"; done
    omslaunch hooks test "$point/one" --config "$HOOKS/c.yaml" --output json
}

# server SCRIPT: a server whose connections are this shell text. Sets PORT.
server() {
    PORT=$(lab lab_free_port)
    printf '#!/bin/bash\ncd %s\n%s\n' "$HOOKS" "$1" >"$HOOKS/server.sh"
    chmod 755 "$HOOKS/server.sh"
    site daemon socat "TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork" "EXEC:$HOOKS/server.sh"
    # Not by a connection: that would be its first one.
    until_true 10 grep -q "$(printf ':%04X 00000000:0000 0A' "$PORT")" /proc/net/tcp
}

# Once as it is, once asked to be tried again, once with an error of its own.
contract() {
    run -0 --separate-stderr try pre-stop "$1"
    same '{"run":"20260101-000000-0000","undo":false}' "$(jq -c '.tested[0].result' <<<"$output")"
    has "$stderr" 'pre-stop/one | pre-stop/one, attempt 1'
    run -0 --separate-stderr try pre-stop "$1" 'environment: {MODE: again}'
    has "$stderr" 'pre-stop/one | pre-stop/one, attempt 2'
    run -1 --separate-stderr try pre-stop "$1" 'environment: {MODE: error}'
    has "$stderr" "hook 'pre-stop/one': the balancer does not know this host"
    run -0 --separate-stderr try pre-stop "$1" 'scope: node'
    same 1 "$(jq '.tested | length' <<<"$output")"
}

@test "the contract, in shell" { contract skeleton.sh; }

@test "the contract, in Python" { contract skeleton.py; }

@test "the contract, in C" {
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -o "$HOOKS/skeleton" "$SHIPPED/skeleton.c" $(pkg-config --cflags --libs jansson)
    contract skeleton
}

@test "webhook: a signed CloudEvent, tried again while the endpoint is busy" {
    server 'n=$(cat got.count 2>/dev/null || echo 0); echo $((n + 1)) >got.count
        while IFS= read -r line && line=${line%$'"'\\r'"'} && [ -n "$line" ]; do
            echo "$line" >>got.headers.$n
            case ${line,,} in content-length:*) length=${line#*: } ;; esac
        done
        head -c "$length" >got.body.$n
        [ "$n" -gt 0 ] && status="204 No Content" || status="503 Busy"
        printf "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" "$status"'
    printf 'a key of the site\n' >"$HOOKS/key"
    run -0 --separate-stderr try on-failure webhook "environment: {URL: \"http://127.0.0.1:$PORT/oms\", KEY_FILE: \"$HOOKS/key\"}"
    has "$stderr" "http://127.0.0.1:$PORT/oms answers 503"
    has "$stderr" "http://127.0.0.1:$PORT/oms answers 204"
    same '["1.0","com.oceanbase.oms.upgrade.on-failure","omslaunch/oms_331","20260101-000000-0000/on-failure/one/2","start_new: a sample of a failure"]' \
        "$(jq -c '[.specversion, .type, .source, .id, .data.failure]' "$HOOKS/got.body.1")"
    same "x-signature-256: sha256=$(openssl dgst -sha256 -hmac 'a key of the site' -r "$HOOKS/got.body.1" | cut -d' ' -f1)" \
        "$(grep -i '^x-signature' "$HOOKS/got.headers.1" | tr '[:upper:]' '[:lower:]')"
    has "$(cat "$HOOKS/got.headers.1")" 'application/cloudevents+json'
}

@test "webhook: an endpoint that refuses is an error at once" {
    server 'while IFS= read -r line && [ -n "${line%$'"'\\r'"'}" ]; do :; done; echo >>got.count
        printf "HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"'
    run -1 --separate-stderr try on-failure webhook "environment: {URL: \"http://127.0.0.1:$PORT/\"}"
    has "$stderr" "hook 'on-failure/one' failed with exit code 1; its last lines:"
    same 1 "$(wc -l <"$HOOKS/got.count")"
}

@test "mail: what was said to the relay" {
    server 'say() { printf "%s\r\n" "$1"; }
        say "220 relay"
        while IFS= read -r line; do
            echo "${line%$'"'\\r'"'}" >>got.mail
            case ${line^^} in
            EHLO*) say "250 relay" ;;
            DATA*) say "354 go on" ;;
            .?) say "250 taken" ;;
            QUIT*) say "221 bye"; exit ;;
            MAIL* | RCPT*) say "250 ok" ;;
            esac
        done'
    run -0 --separate-stderr try post-upgrade mail "environment: {RELAY: \"127.0.0.1:$PORT\", FROM: oms@example.org, TO: \"a@example.org, b@example.org\"}"
    has "$stderr" 'sent to a@example.org, b@example.org'
    has "$(cat "$HOOKS/got.mail")" $'Subject: OMS oms_331: post-upgrade\n'
    has "$(cat "$HOOKS/got.mail")" $'\n3.3.1 -> 4.0.0\nrun 20260101-000000-0000\n'
    same 2 "$(grep -ci '^rcpt to:' "$HOOKS/got.mail")"
}

@test "haproxy: a node is drained, and what HAProxy says is an error" {
    server 'IFS= read -r line; echo "$line" >>got.words; case $line in *nobody/*) echo "No such server." ;; esac'
    run -0 --separate-stderr try pre-stop haproxy 'scope: node' "environment: {HAPROXY: \"127.0.0.1:$PORT\", BACKEND: oms}"
    same 'set server oms/oms_331 state drain' "$(cat "$HOOKS/got.words")"
    run -1 --separate-stderr try pre-stop haproxy 'scope: node' "environment: {HAPROXY: \"127.0.0.1:$PORT\", BACKEND: nobody}"
    has "$stderr" "hook 'pre-stop/one': HAProxy says of nobody/oms_331: No such server."
}

@test "smoke: the page of the console, or what came instead" {
    local page='while IFS= read -r line && [ -n "${line%$'"'\\r'"'}" ]; do :; done
        printf "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n<h1>OMS</h1>"'
    server "$page"
    run -0 --separate-stderr try post-init smoke 'scope: node' "environment: {URL: \"http://127.0.0.1:$PORT/\"}"
    has "$stderr" "http://127.0.0.1:$PORT/ answers 200"
    run -1 --separate-stderr try post-init smoke 'scope: node' "environment: {URL: \"http://127.0.0.1:$PORT/\", TEXT: Login}"
    has "$stderr" "hook 'post-init/one': http://127.0.0.1:$PORT/ answers 200, without 'Login' in its page"
}

@test "rclone: a backup is copied, and compared where it lies" {
    mkdir "$HOOKS/remote"
    printf '[store]\ntype = alias\nremote = %s\n' "$HOOKS/remote" >"$HOOKS/rclone.conf"
    # The sample's backup folder is the working folder of the trial: what is copied is what lies there.
    run -0 --separate-stderr try post-backup rclone "environment: {REMOTE: \"store:\", CONFIG: \"$HOOKS/rclone.conf\"}" \
        "sandbox: {write: [\"$HOOKS/remote\"]}"
    same '{"remote":"store:/20260101-000000-0000"}' "$(jq -c '.tested[0].result' <<<"$output")"
    has "$stderr" '0 differences found'
    run -1 --separate-stderr try post-backup rclone "environment: {REMOTE: \"nowhere:\", CONFIG: \"$HOOKS/rclone.conf\"}"
    has "$stderr" "didn't find section in config file"
}
