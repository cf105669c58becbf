# Old containers as people make them. Each test: what `docker inspect` shows of the created
# container differs from the old one in what the plan said, and the plan said no more than it must.

load common.bash

setup() {
    setup_site
}

teardown() {
    [ -z "${REGISTRY:-}" ] || kill "$REGISTRY" 2>/dev/null || true
    remove_containers
}

@test 'as the runbook makes it: image and IS_UPGRADE change, and what the image brings' {
    old
    only_usual
    after .Config.WorkingDir '"/root"'
    after .Config.StopSignal '"SIGQUIT"'
    after .Config.Cmd '["sleep 400"]'
    after '.Config.Env | sort' '["IS_UPGRADE=true","JAVA_OPTS=-Xmx2g","NEW_ONLY=1","OMS_HOST_IP=127.0.0.11","OMS_VERSION=4.0.0","PATH=/bin:/sbin"]'
    after '.Config.Labels | keys' '["io.omslaunch.run","new.label","release"]'
    after .Config.Healthcheck.Test '["CMD-SHELL","check-400"]'
}

@test '--mount instead of -v' {
    BINDS=(--mount "type=bind,source=$S/config.yaml,target=/home/admin/conf/config.yaml,readonly"
        --mount "type=bind,src=$S/logs,dst=/home/admin/logs"
        --mount "type=bind,source=$S/store,target=/home/ds/store,bind-propagation=rslave"
        --mount "type=bind,source=$S/run,target=/home/ds/run")
    old
    only_usual
    after '.Mounts | length' 4
}

@test 'binds with :ro, :z and a propagation' {
    BINDS=(-v "$S/config.yaml:/home/admin/conf/config.yaml:ro" -v "$S/logs:/home/admin/logs:z"
        -v "$S/store:/home/ds/store:rslave,Z" -v "$S/run:/home/ds/run:rw")
    old
    only_usual
}

@test 'trailing slashes, double slashes and relative parts' {
    mkdir -p "$S/other"
    BINDS=(-v "$S//config.yaml:/home/admin//conf/config.yaml" -v "$S/logs/:/home/admin/logs/"
        -v "$S/other/../store:/home/ds/./store//" -v "$S/./run:/home/ds/x/../run")
    old
    only_usual
}

@test 'a named volume for the store' {
    BINDS[5]=store_of_oms:/home/ds/store
    old
    only_usual
    after '.Mounts[] | select(.Destination == "/home/ds/store") | .Name' '"store_of_oms"'
}

@test 'config.yaml inside the folder that is bound as run' {
    mv "$S/config.yaml" "$S/run/config.yaml"
    BINDS[1]=$S/run/config.yaml:/home/admin/conf/config.yaml
    old
    only_usual
}

@test 'variables with =, a newline, UTF-8, quotes, and nothing' {
    old -e 'NOTE=a=b=c' -e $'LINES=one\ntwo\n' -e 'NAME_CN=迁移服务 ✓' -e 'QUOTED="x" '\''y'\'' \z $HOME' \
        -e EMPTY= -e JAVA_OPTS=-Xmx8g
    only_usual
    after '.Config.Env | map(select(startswith("LINES="))) | .[0]' '"LINES=one\ntwo\n"'
    after '.Config.Env | map(select(startswith("JAVA_OPTS=")))' '["JAVA_OPTS=-Xmx8g"]'
}

@test 'a variable that looks like a secret: kept, and in no plan' {
    old -e 'SITE_PASSWORD=s3cret=x' -e 'API_TOKEN=' -e 'OTHER=1'
    only_usual
    after '.Config.Env | map(select(startswith("SITE_PASSWORD=") or startswith("API_TOKEN="))) | sort' \
        '["API_TOKEN=","SITE_PASSWORD=s3cret=x"]'
    run ! grep -q s3cret <<<"$PLAN"
}

@test 'secrets in labels, options of the log driver, a command, a health check: kept, and in no plan' {
    old --label db.password=s3cret-1 --label site=a --log-driver splunk --log-opt splunk-token=s3cret-2 \
        --log-opt splunk-url=http://127.0.0.1:9 --log-opt splunk-verify-connection=false \
        --health-cmd 'login --api-key s3cret-3' -- "$IMAGE" run --password s3cret-4 --token=s3cret-5 --fast
    only_usual
    after '.Config.Labels | [.["db.password"], .site]' '["s3cret-1","a"]'
    after '.HostConfig.LogConfig.Config["splunk-token"]' '"s3cret-2"'
    after .Config.Healthcheck.Test '["CMD-SHELL","login --api-key s3cret-3"]'
    after .Config.Cmd '["run","--password","s3cret-4","--token=s3cret-5","--fast"]'
    run ! grep -q s3cret <<<"$PLAN"
    [ "$(jq -c '.nodes[0].new.config.Labels' <<<"$PLAN")" = '{"db.password":null,"site":"a"}' ]
}

@test 'a variable without a value takes that of the image away' {
    api POST "/containers/create?name=$NAME" -H 'Content-Type: application/json' -d "$(jq -n --arg s "$S" '{
        Image: "lab/oms:feature_3.3.1-ce", Tty: true, OpenStdin: true, Env: ["OMS_HOST_IP=127.0.0.11", "JAVA_OPTS", "DB_PASSWORD"],
        HostConfig: {NetworkMode: "host", Privileged: true, PidsLimit: -1,
            Ulimits: [{Name: "nproc", Soft: 65535, Hard: 65535}],
            Binds: ["\($s)/config.yaml:/home/admin/conf/config.yaml", "\($s)/logs:/home/admin/logs",
                "\($s)/store:/home/ds/store", "\($s)/run:/home/ds/run"]}}')" >/dev/null
    only_usual
    after '.Config.Env | map(select(. == "JAVA_OPTS" or . == "DB_PASSWORD"))' '["JAVA_OPTS","DB_PASSWORD"]'
}

@test 'variables given twice: the last one counts, IS_UPGRADE is there once' {
    api POST "/containers/create?name=$NAME" -H 'Content-Type: application/json' -d "$(jq -n --arg s "$S" '{
        Image: "lab/oms:feature_3.3.1-ce", Tty: true, OpenStdin: true,
        Env: ["OMS_HOST_IP=127.0.0.11", "TWICE=1", "OMS_HOST_IP=127.0.0.12", "IS_UPGRADE=false", "TWICE=2", "IS_UPGRADE=no"],
        HostConfig: {NetworkMode: "host", Privileged: true, PidsLimit: -1,
            Ulimits: [{Name: "nproc", Soft: 65535, Hard: 65535}],
            Binds: ["\($s)/config.yaml:/home/admin/conf/config.yaml", "\($s)/logs:/home/admin/logs",
                "\($s)/store:/home/ds/store", "\($s)/run:/home/ds/run"]}}')" >/dev/null
    differs_as_planned
    after '.Config.Env | map(select(startswith("TWICE")))' '["TWICE=1","TWICE=2"]'
    changes "$IMAGE_ROW" 'Config.Env.IS_UPGRADE: "no" → "true"'
    after '.Config.Env | map(select(startswith("IS_UPGRADE")))' '["IS_UPGRADE=true"]'
    after '.Config.Env | map(select(startswith("OMS_HOST_IP"))) | last' '"OMS_HOST_IP=127.0.0.12"'
}

@test '300 labels' {
    local -a labels=()
    local i
    for ((i = 0; i < 300; i++)); do labels+=(--label "com.example.l$i=value $i = \"x\""); done
    old "${labels[@]}" --label release=ours --label empty=
    only_usual
    after '.Config.Labels | length' 304
    after .Config.Labels.release '"ours"'
}

@test 'a name of 128 characters' {
    NAME=oms_$(printf 'n%.0s' {1..124})
    [ "${#NAME}" = 128 ]
    old
    only_usual
}

@test 'an image from a registry with a port' {
    IMAGE=localhost:5000/oms:$OLD
    old
    differs_as_planned
    changes "$UPGRADE_ROW" \
        'Config.Image: "localhost:5000/oms:feature_3.3.1-ce" → "localhost:5000/oms:feature_4.0.0-ce"'
}

# registry: a real one on loopback, which engines take without TLS. Sets REGISTRY and PORT.
registry() {
    local d=$BATS_TEST_TMPDIR/registry
    mkdir "$d"
    PORT=$("$SPEC_SRC/site.sh" port "$SPEC_DIR")
    printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:%s"}\n' "$d" "$PORT" >"$d.yaml"
    docker-registry serve "$d.yaml" >"$d.log" 2>&1 3>&- &
    REGISTRY=$!
    until curl -sf -o "$d.answer" "http://127.0.0.1:$PORT/v2/" 3>&-; do
        kill -0 "$REGISTRY"
        sleep 0.05
    done
}

@test 'an image by its digest, pulled from a registry with a port' {
    local repo digest
    registry
    repo=127.0.0.1:$PORT/site/oms
    engine tag "$IMAGE" "$repo:$OLD"
    engine tag "lab/oms:$NEW" "$repo:$NEW"
    engine push -q "$repo:$OLD" >/dev/null
    digest=$(engine image inspect --format '{{join .RepoDigests "\n"}}' "$repo:$OLD" | grep "^$repo@")
    grep -qE "^$repo@sha256:[0-9a-f]{64}$" <<<"$digest"
    # As on a host that never had the tag.
    engine rmi "$repo:$OLD" >/dev/null
    engine pull -q "$digest" >/dev/null
    for IMAGE in "$digest" "$repo:$OLD@${digest#*@}"; do
        old
        [ "$(jq -r '.[0].Config.Image' <<<"$(engine inspect "$NAME")")" = "$IMAGE" ]
        differs_as_planned
        changes "$UPGRADE_ROW" "Config.Image: \"$IMAGE\" → \"$repo:$NEW\""
        [ "$(jq -r .from.version <<<"$PLAN")" = 3.3.1-CE ]
        remove_containers
    done
    # The same without a tag.
    engine tag "lab/oms:$OLD" "$repo:latest"
    IMAGE=$repo
    old
    differs_as_planned
    changes "$UPGRADE_ROW" "Config.Image: \"$repo\" → \"$repo:$NEW\""
    remove_containers
    engine rmi "$repo:latest" "$repo:$NEW" >/dev/null
}

@test 'hosts and name servers' {
    old --add-host db.example:192.0.2.1 --add-host ip6.example:2001:db8::1 --dns 192.0.2.53 \
        --dns-search example.com --dns-option ndots:2
    only_usual
    after .HostConfig.ExtraHosts '["db.example:192.0.2.1","ip6.example:2001:db8::1"]'
}

@test 'devices and rules for devices' {
    old --device /dev/null:/dev/zero2:r --device /dev/zero --device-cgroup-rule 'c 1:* rmw'
    only_usual
    after '.HostConfig.Devices | length' 2
}

@test 'limits of memory and processors' {
    old --memory 512m --memory-reservation 256m --memory-swap 1g --cpus 1.5 --cpu-shares 512 \
        --cpuset-cpus 0 --oom-score-adj -500 --cgroup-parent /oms-spec
    only_usual
    after .HostConfig.Memory 536870912
    after .HostConfig.NanoCpus 1500000000
}

@test 'limits by period, swappiness, block devices' {
    old --memory 512m --cpu-period 50000 --cpu-quota 25000 --cpuset-mems 0 --blkio-weight 300 \
        --memory-swappiness 10 --oom-kill-disable --kernel-memory 100m
    only_usual
}

@test 'ulimits besides nproc, in any order' {
    RUNBOOK=(-it --net host --privileged=true --pids-limit -1 -e OMS_HOST_IP=127.0.0.11)
    old --ulimit nofile=655350:655350 --ulimit nproc=65535:65535 --ulimit core=-1:-1 --ulimit stack=67108864
    only_usual
    after '.HostConfig.Ulimits | length' 4
}

@test 'no nproc, no pids limit: they are set, and the plan says so' {
    RUNBOOK=(-it --net host --privileged=true -e OMS_HOST_IP=127.0.0.11)
    old --ulimit nofile=655350:655350 --pids-limit 500
    differs_as_planned
    changes "$IMAGE_ROW" "$UPGRADE_ROW" 'HostConfig.PidsLimit: 500 → -1' \
        'HostConfig.Ulimits: [{"Name":"nofile","Hard":655350,"Soft":655350}] → [{"Name":"nofile","Hard":655350,"Soft":655350},{"Name":"nproc","Soft":65535,"Hard":65535}]'
}

@test 'neither privileged nor a terminal: they are set, and the plan says so' {
    RUNBOOK=(--net host --pids-limit -1 --ulimit nproc=65535:65535 -e OMS_HOST_IP=127.0.0.11)
    old
    differs_as_planned
    changes "$IMAGE_ROW" "$UPGRADE_ROW" 'HostConfig.Privileged: null → true' 'Config.Tty: null → true' \
        'Config.OpenStdin: null → true' 'HostConfig.SecurityOpt: null → ["label=disable"]'
}

@test 'security options and capabilities' {
    old --security-opt label=disable --security-opt no-new-privileges --security-opt seccomp=unconfined \
        --cap-add SYS_PTRACE --cap-add NET_ADMIN --cap-drop MKNOD --group-add 100 --group-add audio
    only_usual
}

@test 'host name, domain, user, working folder' {
    old --hostname oms-db-1 --domainname example.com --user root --workdir /home/admin
    only_usual
    after .Config.Hostname '"oms-db-1"'
    after .Config.WorkingDir '"/home/admin"'
}

@test 'the name spaces of the host' {
    old --uts host --ipc host --pid host --userns host --cgroupns host
    only_usual
}

@test 'a shared memory of another container' {
    engine create --name other --ipc shareable "lab/oms:$OLD" >/dev/null
    old --ipc container:other --pid container:other
    only_usual
}

@test 'a command of the user' {
    old -- "$IMAGE" 'sleep 9' arg
    only_usual
    after .Config.Cmd '["sleep 9","arg"]'
    after .Config.Entrypoint '["/bin/sh","-c"]'
}

@test 'an entrypoint of the user, without a command' {
    old --entrypoint /bin/sleep
    only_usual
    after .Config.Entrypoint '["/bin/sleep"]'
    after .Config.Cmd null
}

@test 'an entrypoint and a command of the user' {
    old --entrypoint /bin/sh -- "$IMAGE" -c 'sleep 5'
    only_usual
    after '[.Config.Entrypoint, .Config.Cmd]' '[["/bin/sh"],["-c","sleep 5"]]'
}

@test 'the entrypoint taken away' {
    old --entrypoint '' -- "$IMAGE" /bin/sleep 5
    only_usual
}

@test 'a health check of the user' {
    old --health-cmd 'test -e /tmp/ok' --health-interval 7s --health-timeout 3s --health-retries 9 --health-start-period 2m
    only_usual
}

@test 'one setting of the health check: the command stays the image'\''s own' {
    old --health-interval 90s
    only_usual
    after .Config.Healthcheck.Test '["CMD-SHELL","check-400"]'
    after .Config.Healthcheck.Interval 90000000000
}

@test 'no health check' {
    old --no-healthcheck
    only_usual
    after .Config.Healthcheck.Test '["NONE"]'
}

@test 'stop signal and time' {
    old --stop-signal SIGINT --stop-timeout 120
    only_usual
    after '[.Config.StopSignal, .Config.StopTimeout]' '["SIGINT",120]'
}

@test 'shared memory, sysctls, tmpfs, read-only root' {
    old --shm-size 256m --sysctl kernel.shmmax=68719476736 --sysctl fs.mqueue.msg_max=100 \
        --tmpfs /tmp:size=64m,mode=1777 --mount type=tmpfs,target=/scratch,tmpfs-size=1048576 --read-only
    only_usual
    after .HostConfig.ShmSize 268435456
    after .HostConfig.Tmpfs '{"/tmp":"size=64m,mode=1777"}'
}

@test 'a log driver and its options' {
    old --log-driver local --log-opt max-size=20m --log-opt max-file=3
    only_usual
    after .HostConfig.LogConfig '{"Type":"local","Config":{"max-file":"3","max-size":"20m"}}'
}

@test 'no log' {
    old --log-driver none
    only_usual
}

@test 'restart policies: created without one, and the plan keeps the old for later' {
    local policy
    for policy in always unless-stopped on-failure:5; do
        old --restart "$policy"
        only_usual
        after .HostConfig.RestartPolicy.Name '"no"'
        [ "$(jq -r '.nodes[0].new.host_config.RestartPolicy | .Name + ":" + (.MaximumRetryCount | tostring)' <<<"$PLAN")" = "$(
            jq -r '.[0].HostConfig.RestartPolicy | .Name + ":" + (.MaximumRetryCount | tostring)' <<<"$BEFORE")" ]
        remove_containers
    done
}

@test '--init' {
    old --init
    only_usual
    after .HostConfig.Init true
}

@test 'ports that were published in vain' {
    old -p 8089:8089 --expose 7000 -P
    only_usual
}

@test 'time zone and certificates bound as well' {
    echo x >"$S/ca.crt"
    old -v /etc/localtime:/etc/localtime:ro -v "$S/ca.crt:/etc/ssl/ca.crt:ro" -v /sys/fs/cgroup:/cgroup:ro,rslave \
        --mount type=volume,source=extra,target=/extra,volume-nocopy
    only_usual
}

@test 'the TLS pair' {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3 -subj /CN=x -keyout "$S/k" -out "$S/c" 2>/dev/null
    old -v "$S/c:/etc/pki/nginx/oms_server.crt" -v "$S/k:/etc/pki/nginx/oms_server.key:ro"
    only_usual
}

@test 'volumes of another container' {
    engine create --name data -v "$S/store:/home/ds/store" -v shared:/shared "lab/oms:$OLD" >/dev/null
    unset 'BINDS[4]' 'BINDS[5]'
    old --volumes-from data
    only_usual
}

@test 'a bridge network before: the host'\''s now, and the name that the engine gave goes' {
    RUNBOOK=(-it --net none --privileged=true --pids-limit -1 --ulimit nproc=65535:65535
        -e OMS_HOST_IP=127.0.0.11)
    old
    create_new
    PLAN=$(jq --arg name "$(jq -r '.[0].Config.Hostname' <<<"$AFTER")" \
        '.nodes[0].changes[] |= if .field == "Config.Hostname" then .new = $name else . end' <<<"$PLAN")
    diff <(planned) <(observed)
    changes "$IMAGE_ROW" "$UPGRADE_ROW" 'HostConfig.NetworkMode: "none" → "host"' \
        "Config.Hostname: \"$(jq -r '.[0].Config.Hostname' <<<"$BEFORE")\" → \"$(jq -r '.[0].Config.Hostname' <<<"$AFTER")\""
}

@test 'attached when it was run, stdin once' {
    api POST "/containers/create?name=$NAME" -H 'Content-Type: application/json' -d "$(jq -n --arg s "$S" '{
        Image: "lab/oms:feature_3.3.1-ce", Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true,
        AttachStdout: true, AttachStderr: true, Env: ["OMS_HOST_IP=127.0.0.11"], Shell: ["/bin/sh", "-ec"],
        HostConfig: {NetworkMode: "host", Privileged: true, PidsLimit: -1,
            Ulimits: [{Name: "nproc", Soft: 65535, Hard: 65535}],
            Binds: ["\($s)/config.yaml:/home/admin/conf/config.yaml", "\($s)/logs:/home/admin/logs",
                "\($s)/store:/home/ds/store", "\($s)/run:/home/ds/run"]}}')" >/dev/null
    only_usual
}
