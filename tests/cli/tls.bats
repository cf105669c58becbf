#!/usr/bin/env bats
# An OMS with the TLS binds: it serves HTTPS only, before and after.
bats_require_minimum_version 1.7.0
load common

setup_file() {
    site reset tls
}

teardown_file() {
    site reset
}

setup() {
    setup_common
}

@test "inspect shows the TLS pair among the mounts" {
    run -0 omslaunch inspect oms_331 "${AT[@]}"
    has "$output" "           $NODE/oms_server.crt → /etc/pki/nginx/oms_server.crt"
    has "$output" "           $NODE/oms_server.key → /etc/pki/nginx/oms_server.key"
}

@test "the pair that is there already, named once more, is no change" {
    run -0 omslaunch plan oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}" \
        --https-crt "$NODE/oms_server.crt" --https-key "$NODE/oms_server.key"
    has_not "$output" 'oms_server.crt'
}

@test "upgraded: health over HTTPS, the certificate is told" {
    port=$(sed -n 's/^nginx_server_port: //p' "$CLI_DIR/config.yaml")
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    until=$(openssl x509 -noout -enddate -in "$NODE/oms_server.crt" | sed 's/notAfter=//')
    has "$stderr" "; certificate: CN = 127.0.0.11, valid until $until"$'\n'
    same '' "$(grep -o 'http://127.0.0.11[^ ]*' <<<"$stderr")"
    same true "$(curl -sk --cacert "$NODE/oms_server.crt" --max-time 5 "https://127.0.0.11:$port/oms/health" | jq .data.healthy)"
    same 7 "$(engine inspect oms_331 | jq '.[0].Mounts | length')"
    same "$NODE/oms_server.crt $NODE/oms_server.key" \
        "$(engine inspect oms_331 | jq -r '.[0].Mounts[] | select(.Destination | startswith("/etc/pki/nginx/")) | .Source' | sort | xargs)"
    same '' "$(site grep "$STATE")"
    # Nor does the key lie anywhere.
    same '' "$(grep -rlaF "$(sed -n 2p "$NODE/oms_server.key")" "$STATE" || true)"
}
