#!/usr/bin/env bats
# Hooks without an upgrade.
bats_require_minimum_version 1.7.0
load common

setup() {
    # /tmp may be written by all, and nothing below it is trusted.
    HOOKS=$(mktemp -d /root/.omslaunch-cli-XXXXXX)
    mkdir -p "$HOOKS/hooks.d/pre-stop"
    printf 'hooks:\n  folder: %s\n' "$HOOKS/hooks.d" >"$HOOKS/c.yaml"
}

teardown() {
    rm -rf "$HOOKS"
}

hook() { # NAME, text on stdin
    cat >"$HOOKS/hooks.d/pre-stop/$1"
    chmod 755 "$HOOKS/hooks.d/pre-stop/$1"
}

@test "hooks list and show name every hook" {
    hook 20-b <<<'#!/bin/sh'
    hook 10-a <<<'#!/bin/sh'
    run -0 --separate-stderr omslaunch hooks list --config "$HOOKS/c.yaml"
    [[ "${lines[1]}" == "pre-stop  10-a "* ]]
    [[ "${lines[2]}" == "pre-stop  20-b "* ]]
    run -0 --separate-stderr omslaunch hooks show pre-stop/20-b --config "$HOOKS/c.yaml" --output json
    [ "$(jq -r '.hooks[].digest' <<<"$output")" = "$(sha256sum <"$HOOKS/hooks.d/pre-stop/20-b" | cut -d' ' -f1)" ]
}

@test "hooks test runs one with a sample, and gives its result" {
    hook 10-a <<'EOF'
#!/bin/sh
run=$(sed 's/.*"schema":1,"run":"\([^"]*\)".*/\1/')
echo "it is $OMSLAUNCH_POINT"
echo "{\"event\":\"result\",\"result\":{\"run\":\"$run\"}}" >&3
EOF
    run -0 --separate-stderr omslaunch hooks test pre-stop --config "$HOOKS/c.yaml" --output json
    [ "$(jq -c '.tested[0].result' <<<"$output")" = '{"run":"20260101-000000-0000"}' ]
    [[ "$stderr" == *"pre-stop/10-a | it is pre-stop"* ]]
}

@test "hooks test says what has failed" {
    hook 10-a <<<$'#!/bin/sh\necho no room\nexit 4'
    run -1 --separate-stderr omslaunch hooks test pre-stop/10-a --config "$HOOKS/c.yaml"
    [[ "$stderr" == *"hook 'pre-stop/10-a' failed with exit code 4; its last lines:"*"no room"* ]]
    hook 10-a <<<$'#!/bin/sh\nexec unshare -m true'
    run -1 --separate-stderr omslaunch hooks test pre-stop/10-a --config "$HOOKS/c.yaml"
    [[ "$stderr" == *"its process 'unshare' made the system call 'unshare', which the sandbox profile 'default' denies"* ]]
    [[ "$stderr" == *"write 'allow: [unshare]' under 'sandbox' of this hook"* ]]
}

@test "hooks that are not to be trusted, or not there" {
    hook 10-a <<<'#!/bin/sh'
    chmod 777 "$HOOKS/hooks.d/pre-stop"
    run -65 --separate-stderr omslaunch hooks list --config "$HOOKS/c.yaml"
    [[ "$stderr" == *"'$HOOKS/hooks.d/pre-stop' may be written by others (mode 0777)"* ]]
    chmod 755 "$HOOKS/hooks.d/pre-stop"
    run -64 --separate-stderr omslaunch hooks test post-stop --config "$HOOKS/c.yaml"
    [[ "$stderr" == *"there are no hooks 'post-stop'"* ]]
    run -64 --separate-stderr omslaunch hooks tset
    [[ "$stderr" == *"'hooks tset' is not known"* ]]
}

@test "hooks trace says what a profile would deny" {
    run -0 --separate-stderr omslaunch hooks trace /bin/sh -- -c 'unshare -m true; true'
    [ "$output" = $'sandbox:\n  profile: default\n  allow: [unshare]' ]
    run -0 --separate-stderr omslaunch hooks trace /bin/sh -- -c 'echo hello'
    [ "$output" = "The sandbox profile 'default' denies nothing that it does." ]
    run -0 --separate-stderr omslaunch hooks trace --profile strict --output json /bin/sh -- -c '/bin/true; true'
    [ "$(jq -c .denied <<<"$output")" = '["vfork","execve"]' ]
}
