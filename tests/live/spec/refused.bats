# What cannot be kept is refused by name, and what was created wrongly does not stay.

load common.bash

setup() {
    setup_site
}

teardown() {
    [ -z "${RELAY:-}" ] || kill "$RELAY" 2>/dev/null || true
    remove_containers
}

plan() {
    run --separate-stderr "$SPEC_BUILD/omslaunch" plan "$NAME" --tag "$NEW" --host "$HOST" -o json \
        --state-dir "$BATS_TEST_TMPDIR/state" "$@" 3>&-
    PLAN=$output
}

# finding RULE: "VERDICT TEXT" of it.
finding() {
    jq -r --arg rule "$1" '.findings[] | select(.rule == $rule) | .verdict + " " + .text' <<<"$PLAN"
}

same() {
    [ "$1" = "$2" ] && return 0
    printf -- '--- expected\n%s\n--- got\n%s\n' "$1" "$2" >&2
    return 1
}

@test 'AutoRemove: named, and no reason makes it right' {
    old --rm
    plan
    [ "$status" = 65 ]
    same "fail 'HostConfig.AutoRemove' of the old container cannot be kept: the engine deletes the old container when it stops" \
        "$(finding container.keepable)"
    plan --accept container.keepable=please
    [ "$status" = 65 ]
    same "fail 'HostConfig.AutoRemove' of the old container cannot be kept: the engine deletes the old container when it stops" \
        "$(finding container.keepable)"
}

@test 'an anonymous volume: refused, accepted it is new and empty, and the plan says so' {
    old -v /home/data --mount type=volume,target=/home/more
    plan
    [ "$status" = 65 ]
    same "fail what is in '/home/data' lives in an anonymous volume; what is in '/home/more' lives in an anonymous volume" \
        "$(finding container.anonymous-volumes)"
    plan --accept container.anonymous-volumes=scratch
    same "waived what is in '/home/data' lives in an anonymous volume; what is in '/home/more' lives in an anonymous volume" \
        "$(finding container.anonymous-volumes)"
    differs_as_planned
    [ "$(jq -r '.nodes[0].changes[] | select(.field == "Mounts./home/data") | .new' <<<"$PLAN")" = 'volume, new and empty' ]
}

@test 'volumes of the images: the old one is refused, the new one is said' {
    IMAGE=lab/volumes:$OLD
    old
    plan
    same "fail what is in '/data' lives in an anonymous volume" "$(finding container.anonymous-volumes)"
    differs_as_planned
    same 'image volume, new and empty
image volume, new and empty' "$(jq -r '.nodes[0].changes[] | select(.field | test("^Mounts")) | .by + " " + .new' <<<"$PLAN")"
}

@test 'a volume of the old image that is bound is no anonymous volume' {
    mkdir "$S/data"
    IMAGE=lab/volumes:$OLD
    old -v "$S/data:/data"
    plan
    same 'pass no anonymous volume' "$(finding container.anonymous-volumes)"
    differs_as_planned
}

@test 'an image by its ID: its names tell repository and version' {
    local ref id
    id=$(engine image inspect --format '{{.Id}}' "$IMAGE")
    engine tag "$IMAGE" lab/untagged:latest
    for ref in "$id" "${id#sha256:}" "${id:7:12}"; do
        old -- "$ref"
        plan
        same 'lab/oms:feature_4.0.0-ce' "$(jq -r '.nodes[0].new.image' <<<"$PLAN")"
        same 'pass 3.3.1-CE may become 4.0.0-CE' "$(finding version.path)"
        remove_containers
    done
    engine rmi lab/untagged:latest >/dev/null
}

@test 'an image without a tag: its repository serves, its version is looked up' {
    engine tag "$IMAGE" lab/oms:latest
    old -- lab/oms
    plan
    same 'lab/oms:feature_4.0.0-ce' "$(jq -r '.nodes[0].new.image' <<<"$PLAN")"
    same 'pass 3.3.1-CE may become 4.0.0-CE' "$(finding version.path)"
    differs_as_planned
    engine rmi lab/oms:latest >/dev/null
}

# through CLIENT_FILTER ENGINE_FILTER: from here on omslaunch speaks to an engine that is not quite
# this one. Filters are perl statements over $_; they must keep its length.
through() {
    local relay=$BATS_TEST_TMPDIR/relay copy='$| = 1; while (sysread(STDIN, $_, 1 << 20)) {'
    printf '#!/bin/sh\nperl -e '\''%s %s; print }'\'' | socat -t 60 - UNIX-CONNECT:%s | perl -e '\''%s %s; print }'\''\n' \
        "$copy" "$1" "$SOCKET" "$copy" "$2" >"$relay"
    chmod 755 "$relay"
    socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/proxy.sock,fork" "EXEC:$relay" 3>&- &
    RELAY=$!
    HOST=unix://$BATS_TEST_TMPDIR/proxy.sock
    until [ -S "$BATS_TEST_TMPDIR/proxy.sock" ]; do sleep 0.02; done
}

directly() {
    kill "$RELAY"
    wait "$RELAY" || true
    HOST=unix://$SOCKET
}

@test 'an image without a tag of its own, with tags of two versions: no guess' {
    engine tag "$IMAGE" lab/oms:latest
    engine tag "$IMAGE" lab/other:feature_3.3.0-ce
    old -- lab/oms
    plan
    same "fail the old container's image tag '' tells no version" "$(finding version.path)"
    remove_containers
    old -- "$(engine image inspect --format '{{.Id}}' "$IMAGE")"
    plan --image lab/oms
    same "fail the old container's image tag '' tells no version" "$(finding version.path)"
    engine rmi lab/oms:latest lab/other:feature_3.3.0-ce >/dev/null
}

@test 'an engine that makes something else of the body: named, and the created container removed' {
    old --memory 512m
    through 's/"Memory": ?536870912/"Memory":268435456/' ''
    run create_new
    directly
    [ "$status" = 1 ]
    same "the engine made a container '$NAME.new-spec' that is not what was planned:
  HostConfig.Memory: wanted 536870912, got 268435456
HINT: the old container still serves and was not touched; report this with the engine's version" "$output"
    same "$NAME" "$(engine ps -a --format '{{.Names}}')"
}

@test 'a field that nobody knows yet: cannot be kept, unless it is accepted' {
    old
    through '' 's/"IOMaximumIOps":0/"IOMaximumWhat":7/'
    plan
    same "fail 'HostConfig.IOMaximumWhat' of the old container cannot be kept" "$(finding container.keepable)"
    same 'HostConfig.IOMaximumWhat = 7' "$(jq -r '.findings[] | select(.rule == "container.keepable") | .evidence' <<<"$PLAN")"
    plan --accept 'container.keepable=OMS does not need it'
    directly
    same "waived 'HostConfig.IOMaximumWhat' of the old container cannot be kept" "$(finding container.keepable)"
    same 'OMS does not need it' "$(jq -r '.waived[] | select(.rule == "container.keepable") | .reason' <<<"$PLAN")"
}

# padded PATTERN TEXT: a perl statement that puts TEXT in the place of PATTERN, and keeps the length.
padded() {
    printf 's/%s/sprintf("%%-*s", length($&), q(%s))/e' "$1" "$2"
}

@test 'what only another engine would say: storage, version, live-restore, rootless, clock, cores, memory' {
    old -v extra:/extra
    through '' "$(padded '"Driver":"[^"]*"' '"Driver":"vfs"'); $(padded '"LiveRestoreEnabled":false' '"LiveRestoreEnabled":true'); \
        $(padded '"ServerVersion":"[^"]*"' '"ServerVersion":"19.3"'); $(padded '"name=seccomp[^"]*"' '"name=rootless"'); \
        $(padded '"SystemTime":"20..' '"SystemTime":"2001'); $(padded '"NCPU":[0-9]*,"MemTotal":[0-9]*' '"NCPU":1,"MemTotal":999')"
    printf 'policy:\n  engine.version: {min_api: "1.99"}\n  space.disks: {min_free_gb: 999999}\n' >"$BATS_TEST_TMPDIR/site.yaml"
    plan --config "$BATS_TEST_TMPDIR/site.yaml"
    directly
    [ "$status" = 65 ]
    same "fail the engine keeps containers with 'vfs': made for tests, slow, and a full copy of each layer for each container" \
        "$(finding engine.storage)"
    same "fail until Docker Engine 20.10.19, \`docker volume prune\` deletes volumes of running containers after a restart of the engine (moby 41686); until Docker Engine 24.0.6, volumes with options of their own are unmounted when the engine is restarted, and the next container finds them empty (moby 46148)" \
        "$(finding engine.live-restore)"
    same "fail the engine speaks API $(engine version --format '{{.Server.APIVersion}}'), at least 1.99 is wanted" "$(finding engine.version)"
    same 'fail the engine is rootless' "$(finding engine.rootless)"
    same 'fail 1 core, at least 8 are wanted; 999 B of memory, at least 16 GB are wanted' "$(finding host.resources)"
    grep -qE "^fail the engine's clock is [0-9]{9} s behind ours$" <<<"$(finding clock.skew)"
    grep -qE "^fail '$S/logs' has [0-9.]+ [KMGT]iB free, at least 999999 GB are wanted; " <<<"$(finding space.disks)"
    # And what this one says.
    plan
    same "pass API $(engine version --format '{{.Server.APIVersion}}')" "$(finding engine.version)"
    same 'pass the engine runs as root' "$(finding engine.rootless)"
    same 'not-applicable live-restore is off' "$(finding engine.live-restore)"
    grep -q '^pass no more than 60 s apart$' <<<"$(finding clock.skew)"
}

@test 'sources that are missing: found before the engine makes folders of them' {
    mkdir "$S/extra"
    old -v "$S/extra:/home/extra" -v "$S/later:/home/later"
    rm -r "$S/extra" "$S/run" "$S/later" 2>/dev/null || true
    plan
    same "fail '$S/run', bound at '/home/ds/run', is missing, expected a folder; '$S/extra', bound at '/home/extra', is missing; '$S/later', bound at '/home/later', is missing" \
        "$(finding bind.source)"
    [ ! -e "$S/extra" ] && [ ! -e "$S/run" ] && [ ! -e "$S/later" ]
}

@test 'from 3.2.2 to 4.2.9: the chain with its sources, and the direct hop refused' {
    NEW=feature_4.2.9-ce
    old -- lab/oms:feature_3.2.2-ce
    plan
    [ "$status" = 65 ]
    same 'fail 3.2.2-CE cannot become 4.2.9-CE in one step, it takes 3' "$(finding version.path)"
    same '3.2.2-CE → 4.1.0-CE (docs V4.1.0, FAQ) → 4.2.3-CE (public site) → 4.2.9-CE (public site)' \
        "$(jq -r '.findings[] | select(.rule == "version.path") | .evidence' <<<"$PLAN")"
    grep -qF 'version.path: 3.2.2-CE cannot become 4.2.9-CE in one step, it takes 3' <<<"$stderr"
}
