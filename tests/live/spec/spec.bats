#!/usr/bin/env bats
# `omslaunch spec`: whoever runs the line that it prints gets the very container that an upgrade
# creates, and no secret is in that line.

load common.bash

setup() {
    setup_site
    SPEC=(--tag "$NEW" --host "$HOST" --state-dir "$BATS_TEST_TMPDIR/state" -q)
    # "docker" as a person has it: it leads to the lab's engine.
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\nexec env DOCKER_CONFIG=%s %s -H %s "$@"\n' "$SPEC_DIR/cli" "$(command -v docker)" "$HOST" \
        >"$BATS_TEST_TMPDIR/bin/docker"
    chmod +x "$BATS_TEST_TMPDIR/bin/docker"
}

teardown() {
    remove_containers
}

spec() {
    "$SPEC_BUILD/omslaunch" spec "$NAME" "${SPEC[@]}" "$@" 3>&-
}

# What decides about a container; what nothing says is nothing, however it is written.
normal() {
    jq -S 'def blank: . == null or . == false or . == 0 or . == "" or . == [] or . == {};
        .[0] | {Config, HostConfig, Mounts: [.Mounts[] | {Type, Destination, RW, Propagation} +
            if .Type == "bind" then {Source} else {} end] | sort_by(.Destination)}
        | del(.Config.Labels["io.omslaunch.run"], .Config.AttachStdin, .Config.AttachStdout, .Config.AttachStderr,
            .Config.StdinOnce, .HostConfig.RestartPolicy, .HostConfig.ConsoleSize, .HostConfig.ContainerIDFile)
        | .Config.Env |= sort | .HostConfig.Binds |= (. // [] | sort)
        | walk(if type == "object" then with_entries(select(.value | blank | not)) else . end)'
}

# runs_the_same [VARIABLE=VALUE…]: as an upgrade would create it, and as the printed line does.
runs_the_same() {
    local line policy
    create_new || return 1
    policy=$(jq -c '.[0].HostConfig.RestartPolicy' <<<"$BEFORE")
    line=$(spec --format docker-run) || return 1
    remove_containers
    # What this machine's kernel cannot start is still created as it should be.
    [ "${HOW:-run -d}" = 'run -d' ] || line=${line/docker run -d/docker $HOW}
    printf '%s' "$line" >"$BATS_TEST_TMPDIR/line"
    env "$@" PATH="$BATS_TEST_TMPDIR/bin:$PATH" sh -eu "$BATS_TEST_TMPDIR/line" >/dev/null || return 1
    diff <(normal <<<"$AFTER") <(engine inspect "$NAME" | normal) >&2 || {
        printf -- '<: as omslaunch creates it; >: as this line did\n%s\n' "$line" >&2
        return 1
    }
    [ "$policy" = "$(engine inspect "$NAME" | jq -c '.[0].HostConfig.RestartPolicy')" ]
}

@test 'as the runbook makes it' {
    old --restart unless-stopped
    runs_the_same
}

@test 'quotes, dollars, newlines and UTF-8 in variables and labels' {
    old -e 'QUOTED="x" '\''y'\'' \z $HOME `id`' -e $'LINES=one\ntwo' -e 'NAME_CN=迁移服务 ✓' -e EMPTY= \
        -e $'ESC=\033[31mred\ttab' --label 'com.example.note=it'\''s $5' --label empty= --label '-x=-y'
    runs_the_same
    run ! grep -q $'\033' "$BATS_TEST_TMPDIR/line"
}

@test 'limits of every kind' {
    old --memory 512m --memory-swap 1g --memory-reservation 256m --cpus 1.25 --cpu-shares 512 \
        --cpuset-cpus 0 --shm-size 128m --ulimit nofile=1000:2000 --ulimit core=0 --oom-score-adj -500 \
        --stop-timeout 77 --stop-signal SIGTERM
    HOW=create runs_the_same
}

@test 'mounts of every kind' {
    mkdir -p "$S/a,b"
    # shellcheck disable=SC2054 # the commas are docker's
    BINDS=(--mount "type=bind,source=$S/config.yaml,target=/home/admin/conf/config.yaml,readonly"
        --mount "type=bind,src=$S/logs,dst=/home/admin/logs,bind-propagation=rslave"
        -v "$S/store:/home/ds/store:rslave,z" -v "$S/run:/home/ds/run"
        --mount "type=tmpfs,target=/scratch,tmpfs-size=1048576,tmpfs-mode=1770"
        --mount "type=volume,source=named,target=/named,volume-nocopy,volume-label=a=b"
        --mount "\"source=$S/a,b\",type=bind,target=/comma" --tmpfs /t:rw,size=65536k -v /anonymous)
    old
    HOW=create runs_the_same
}

@test 'health, log options, hosts, DNS, capabilities, devices, groups' {
    old --health-cmd 'curl -f "http://$OMS_HOST_IP/"' --health-interval 7s --health-timeout 1500ms --health-retries 4 \
        --log-driver json-file --log-opt max-size=20m --log-opt max-file=3 --add-host db:10.0.0.1 --dns 10.0.0.2 \
        --dns-option ndots:2 --dns-search example.com --cap-add NET_ADMIN --cap-drop MKNOD --group-add 1234 \
        --device /dev/null:/dev/own:rw --security-opt label=disable --init --user 0:0 --workdir /home/admin \
        --hostname omshost --expose 9999
    runs_the_same
}

@test 'an entrypoint and a command of the user' {
    old --entrypoint /bin/sh -- "$IMAGE" -c 'sleep 100; echo "$0" done' 'a b'
    runs_the_same
}

@test 'a secret is a variable: not in the line, needed to run it, and in the container' {
    old -e 'SITE_PASSWORD=s3cret=x y' -e 'API_TOKEN=' --label 'my.api-token=s3cret2'
    create_new
    for form in docker-run compose json; do
        run -0 spec --format "$form"
        run ! grep -q s3cret <<<"$output"
    done
    run -0 spec --format docker-run
    # shellcheck disable=SC1003 # the backslash ends a line
    [ "$(head -n 3 <<<"$output" | sort)" = 'API_TOKEN="${API_TOKEN?}" \
SITE_PASSWORD="${SITE_PASSWORD?}" \
docker run -d \' ]
    printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/line"
    run ! env -u SITE_PASSWORD API_TOKEN= MY_API_TOKEN=t PATH="$BATS_TEST_TMPDIR/bin:$PATH" sh "$BATS_TEST_TMPDIR/line"
    [[ $output == *SITE_PASSWORD* ]]
    remove_containers
    old -e 'SITE_PASSWORD=s3cret=x y' -e 'API_TOKEN=' --label 'my.api-token=s3cret2'
    runs_the_same 'SITE_PASSWORD=s3cret=x y' API_TOKEN= MY_API_TOKEN=s3cret2
}

@test 'what docker run has no word for is refused by name; the JSON has it' {
    old
    body=$(spec | jq -c '.Healthcheck = {Test: ["CMD", "curl", "-f", "http://x y/"]}')
    remove_containers
    api POST "/containers/create?name=$NAME" -H 'Content-Type: application/json' -d "$body" >/dev/null
    [ "$(spec | jq -c .Healthcheck.Test)" = '["CMD","curl","-f","http://x y/"]' ]
    run -65 "$SPEC_BUILD/omslaunch" spec "$NAME" "${SPEC[@]}" --format docker-run
    [ "$output" = 'omslaunch: error: the health check is a list of words, for which docker run has no option
HINT: --format json and --format compose have it' ]
    run -0 spec --format compose
    [[ $output == *$'\n      test:\n        - "CMD"\n        - "curl"\n'* ]]
}

@test 'the body, given to the engine, makes the same container' {
    old --restart on-failure:3 --memory 512m -e A=1
    create_new
    body=$(spec)
    remove_containers
    api POST "/containers/create?name=$NAME" -H 'Content-Type: application/json' -d "$body" >/dev/null
    diff <(normal <<<"$AFTER") <(engine inspect "$NAME" | normal)
    [ "$(engine inspect "$NAME" | jq -c '.[0].HostConfig.RestartPolicy')" = '{"Name":"on-failure","MaximumRetryCount":3}' ]
}

@test 'compose: the same words as YAML' {
    old -e 'NOTE=$5 "x"' -e 'API_TOKEN=t' -v named:/named --memory 512m
    run -0 spec --format compose
    [ "$(sed '/^    hostname:/,$d' <<<"$output" | sort)" = "$(sort <<YAML
services:
  $NAME:
    image: "lab/oms:$NEW"
    container_name: "$NAME"
    tty: true
    stdin_open: true
    network_mode: "host"
    privileged: true
    pids_limit: -1
    ulimits:
      nproc:
        soft: 65535
        hard: 65535
    restart: "no"
    environment:
      - "API_TOKEN=\${API_TOKEN}"
      - "OMS_HOST_IP=127.0.0.11"
      - "NOTE=\$\$5 \\"x\\""
      - "IS_UPGRADE=true"
    volumes:
      - "$S/config.yaml:/home/admin/conf/config.yaml"
      - "$S/logs:/home/admin/logs"
      - "$S/store:/home/ds/store"
      - "$S/run:/home/ds/run"
      - "named:/named"
YAML
    )" ] || {
        printf '%s\n' "$output" >&2
        false
    }
    [ "$(tail -n 3 <<<"$output")" = 'volumes:
  named:
    external: true' ]
}
