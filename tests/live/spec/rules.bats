# A correct OMS passes every rule; with each thing broken in turn, exactly that rule fails, with
# these words. What a lab cannot break (another processor, a rootless engine, other clocks) is in
# tests/unit/policy.

OLD=feature_3.3.1-ce
NEW=feature_4.0.0-ce

setup_file() {
    export R=$SPEC_DIR/rules
    mkdir "$R"
    "$SPEC_SRC/rules_site.sh" up "$R" >"$R/up.log" 2>&1 3>&- || {
        cat "$R/up.log" >&2
        return 1
    }
    # What the machine has is not the lab's.
    cat >"$R/policy.yaml" <<'YAML'
policy:
  host.resources: {severity: off}
  space.disks: {severity: off}
  space.engine: {severity: off}
  engine.storage: {severity: off}
YAML
}

teardown_file() {
    "$SPEC_SRC/rules_site.sh" down "$R" >/dev/null 2>&1 3>&-
}

setup() {
    NODE=$R/lab/nodes/n1
    HOST=unix://$R/lab/e1/docker.sock
    unset DOCKER_HOST XDG_STATE_HOME
    POLICY=$R/policy.yaml
    NAME=oms_331
    TAG=$NEW
    RM=rm_331
    CM=cm_331
    LOAD=(--load "$R/new.tar")
}

teardown() {
    [ -z "${LISTENER:-}" ] || kill "$LISTENER" 2>/dev/null || true
    [ -n "${BATS_TEST_COMPLETED:-}" ] || "$SPEC_SRC/rules_site.sh" reset "$R" >/dev/null 2>&1 3>&-
}

site() {
    "$SPEC_SRC/rules_site.sh" run "$R" "$@" 3>&-
}

engine() {
    DOCKER_CONFIG=$R/cli docker -H "$HOST" "$@" 3>&-
}

sql() {
    printf '%s\n' "$1" | site lab_sql
}

check() {
    run --separate-stderr "$SPEC_BUILD/omslaunch" check "$NAME" --tag "$TAG" --host "$HOST" --output json \
        --config "$POLICY" --state-dir "$BATS_TEST_TMPDIR/state" "${LOAD[@]}" "$@" 3>&-
}

# only RULE TEXT [ARGUMENT…]: exactly this rule fails, and says exactly this.
only() {
    local rule=$1 text=$2 want got code
    shift 2
    check "$@"
    got=$(jq -r '.findings[] | select(.verdict == "fail") | .rule + ": " + .text' <<<"$output")
    want="$rule: $text"
    if [ "$want" != "$got" ]; then
        printf -- '--- expected\n%s\n--- got\n%s\n%s\n' "$want" "$got" "$stderr" >&2
        return 1
    fi
    code=$(jq -r --arg rule "$rule" '.findings[] | select(.rule == $rule) |
        if .severity == "warn" then 0 elif $rule == "metadb.reachable" then 69 else 65 end' <<<"$output")
    [ "$status" = "$code" ]
}

# edit SED_SCRIPT: config.yaml, in the file that the container sees: 'sed -i' would make another.
edit() {
    local text
    text=$(sed "$1" "$NODE/config.yaml")
    printf '%s\n' "$text" >"$NODE/config.yaml"
}

# again [DOCKER_ARGUMENT…]: the old container made anew, with something more.
again() {
    engine rm -f oms_331 >/dev/null
    site start_old "$@"
}

@test 'a correct OMS: every rule passes or does not apply' {
    check
    [ "$status" = 0 ]
    [ "$(jq -c '[.findings[] | select(.verdict == "fail")]' <<<"$output")" = '[]' ]
    # Every rule was judged.
    [ "$(jq '.findings | length' <<<"$output")" = "$(grep -c 'severity: ' "$SPEC_BUILD/rule_defaults.yaml")" ]
    [ "$(jq -r '[.findings[] | select(.verdict == "pass")] | length' <<<"$output")" -ge 28 ]
}

# Asked are 300 ms on a machine that does nothing else; a test must not fail by others' load.
@test 'check: how long it takes' {
    local i begin
    begin=$(date +%s%N)
    for i in 1 2 3 4 5; do
        check
        [ "$status" = 0 ]
    done
    echo "$((($(date +%s%N) - begin) / 5000000)) ms each" >&3
}

@test 'JUnit: each rule a test' {
    run --separate-stderr "$SPEC_BUILD/omslaunch" check oms_331 --tag "$NEW" --host "$HOST" -o junit --config "$POLICY"
    [ "$status" = 65 ]
    [ "$(grep -c '<testcase ' <<<"$output")" = "$(grep -c 'severity: ' "$SPEC_BUILD/rule_defaults.yaml")" ]
    grep -qF 'failures="1"' <<<"$output"
    grep -qF "name=\"image.present\"><failure message=\"image 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_4.0.0-ce' is not on the engine\"" <<<"$output"
}

@test 'container.name' {
    only container.name "'console' does not follow the convention oms_*" --name console
}

@test 'container.running' {
    engine stop -t 2 oms_331 >/dev/null
    only container.running "'oms_331' is exited"
    again
}

@test 'container.healthy' {
    # It reads the request first: an answer before it may be lost with the connection.
    cat >"$BATS_TEST_TMPDIR/health.sh" <<'SH'
#!/bin/bash
while IFS= read -r line && [ "${line%$'\r'}" != '' ]; do :; done
printf 'HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
SH
    chmod 755 "$BATS_TEST_TMPDIR/health.sh"
    engine cp "$BATS_TEST_TMPDIR/health.sh" oms_331:/root/health.sh
    only container.healthy '/oms/health answers with status 503'
    again
}

@test 'container.upgrade-env' {
    only container.upgrade-env "IS_UPGRADE is 'TRUE', targets from 3.3.1 on need IS_UPGRADE=true" --set-env IS_UPGRADE=TRUE
}

@test 'container.anonymous-volumes' {
    again -v /home/data
    only container.anonymous-volumes "what is in '/home/data' lives in an anonymous volume"
    again
}

@test 'image.tag' {
    local repo=reg.docker.alibaba-inc.com/oboms/oms-all-in-one
    engine tag "$repo:$OLD" "$repo:newest"
    LOAD=()
    TAG=newest
    only image.tag "'newest' is no tag of an OMS image, so that nothing is known about its version and the way to it"
    engine rmi "$repo:newest" >/dev/null
}

@test 'image.present' {
    LOAD=()
    only image.present "image 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_4.0.0-ce' is not on the engine"
    LOAD=(--load "$R/new.tar" --image other/oms)
    only image.present "the archive '$R/new.tar' holds 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_4.0.0-ce', not 'other/oms:feature_4.0.0-ce'"
}

@test 'image.architecture, of an archive' {
    local image=$BATS_TEST_TMPDIR/image config
    mkdir "$image"
    tar -C "$image" -xf "$R/new.tar"
    config=$(jq -r '.[0].Config' "$image/manifest.json")
    jq '.architecture = "arm64"' "$image/$config" >"$image/new.json"
    mv "$image/new.json" "$image/$config"
    tar -C "$image" -cf "$image.tar" .
    LOAD=(--load "$image.tar")
    only image.architecture "image 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_4.0.0-ce' is made for arm64, the host is $(uname -m)"
}

@test 'image.old' {
    engine stop -t 2 oms_331 >/dev/null
    local id
    id=$(engine inspect -f '{{.Image}}' oms_331)
    engine rmi -f reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$OLD >/dev/null
    check
    [ "$(jq -r '.findings[] | select(.rule == "image.old") | .text' <<<"$output")" = \
        "image 'reg.docker.alibaba-inc.com/oboms/oms-all-in-one:feature_3.3.1-ce' ($id) is no longer on the engine, so that its settings cannot be told from the user's" ]
    again
}

@test 'binds.match: a disk that is not bound' {
    engine rm -f oms_331 >/dev/null
    engine run --pull never -dit --net host --privileged --pids-limit -1 --ulimit nproc=65535:65535 -e OMS_HOST_IP=127.0.0.11 \
        -v "$NODE/config.yaml:/home/admin/conf/config.yaml" -v "$NODE/logs:/home/admin/logs" -v "$NODE/store:/home/ds/store" \
        --entrypoint /bin/busybox --name oms_331 reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$OLD sleep 600 >/dev/null
    check
    # Of course no OMS answers in it.
    [ "$(jq -r '.findings[] | select(.verdict == "fail" and .rule != "container.healthy") | .rule + ": " + .text' <<<"$output")" = \
        "binds.match: the old container has no bind at '/home/ds/run'" ]
    again
}

@test 'bind.source: a disk is gone, a disk is a file' {
    mv "$NODE/run" "$NODE/run.away"
    only bind.source "'$NODE/run', bound at '/home/ds/run', is missing, expected a folder"
    [ ! -e "$NODE/run" ]
    : >"$NODE/run"
    only bind.source "'$NODE/run', bound at '/home/ds/run', is a file, expected a folder"
    rm "$NODE/run"
    mv "$NODE/run.away" "$NODE/run"
}

@test 'bind.link' {
    mv "$NODE/store" "$NODE/real"
    ln -s real "$NODE/store"
    again
    only bind.link "'$NODE/store', bound at '/home/ds/store', is a symbolic link to '$NODE/real'"
    rm "$NODE/store"
    mv "$NODE/real" "$NODE/store"
    again
}

@test 'bind.shared' {
    engine run -d --net host --name shipper -v "$NODE/store/:/in:ro" --entrypoint /bin/busybox \
        reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$OLD sleep 600 >/dev/null
    only bind.shared "container 'shipper' runs and uses '$NODE/store', which is bound at '/home/ds/store'"
    engine rm -f shipper >/dev/null
}

@test 'bind.nested' {
    mkdir -p "$NODE/run/logs"
    mv "$NODE/logs" "$NODE/logs.away"
    ln -s run/logs "$NODE/logs"
    engine rm -f oms_331 >/dev/null
    engine run --pull never -dit --net host --privileged --pids-limit -1 --ulimit nproc=65535:65535 -e OMS_HOST_IP=127.0.0.11 \
        -v "$NODE/config.yaml:/home/admin/conf/config.yaml" -v "$NODE/run/logs:/home/admin/logs" -v "$NODE/store:/home/ds/store" \
        -v "$NODE/run:/home/ds/run" --name oms_331 reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$OLD >/dev/null
    site lab_oms_wait n1
    only bind.nested "'$NODE/run/logs', bound at '/home/admin/logs', lies within '$NODE/run', bound at '/home/ds/run'"
    rm "$NODE/logs"
    mv "$NODE/logs.away" "$NODE/logs"
    again
}

@test 'tls.certificate and tls.expiry' {
    local d=$BATS_TEST_TMPDIR
    openssl req -x509 -newkey rsa:2048 -nodes -days 10 -subj /CN=a -keyout "$d/a.key" -out "$d/a.crt" 2>/dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -days 400 -subj /CN=b -keyout "$d/b.key" -out "$d/b.crt" 2>/dev/null
    check --https-crt "$d/b.crt" --https-key "$d/b.key"
    [ "$(jq -c '[.findings[] | select(.verdict == "fail") | .rule]' <<<"$output")" = '[]' ]
    check --https-crt "$d/a.crt" --https-key "$d/a.key"
    [ "$(jq -c '[.findings[] | select(.verdict == "fail") | .rule]' <<<"$output")" = '["tls.expiry"]' ]
    check --https-crt "$d/b.crt" --https-key "$d/a.key"
    [ "$(jq -c '[.findings[] | select(.verdict == "fail") | .rule]' <<<"$output")" = '["tls.certificate"]' ]
    [ "$status" = 65 ]
}

@test 'version.edition' {
    LOAD=()
    TAG=feature_4.0.0
    engine load -qi "$R/new.tar" >/dev/null
    engine tag reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$NEW reg.docker.alibaba-inc.com/oboms/oms-all-in-one:$TAG
    only version.edition "'feature_3.3.1-ce' is the community edition, 'feature_4.0.0' is the enterprise edition"
    engine rmi reg.docker.alibaba-inc.com/oboms/oms-all-in-one:{$TAG,$NEW} >/dev/null
}

@test 'version.path: a chain, nothing known, a downgrade that cannot be accepted, a row of the user'\''s' {
    local repo=reg.docker.alibaba-inc.com/oboms/oms-all-in-one tag
    LOAD=()
    engine load -qi "$R/new.tar" >/dev/null
    for tag in 4.2.9 4.2.5 3.2.2; do engine tag $repo:$NEW "$repo:feature_$tag-ce"; done
    TAG=feature_4.2.9-ce
    only version.path '3.3.1-CE cannot become 4.2.9-CE in one step, it takes 3'
    [ "$(jq -r '.findings[] | select(.rule == "version.path") | .evidence' <<<"$output")" = \
        '3.3.1-CE → 4.1.0-CE (docs V4.1.0, FAQ) → 4.2.3-CE (public site) → 4.2.9-CE (public site)' ]
    TAG=feature_4.2.5-ce
    only version.path 'no document is known that allows 3.3.1-CE to become 4.2.5-CE'
    cat >"$BATS_TEST_TMPDIR/own.yaml" <<'YAML'
schema: 1
paths:
  - {to: 4.2.5, edition: ce, from: [3.3.1], source: vendor's mail of 3 May}
YAML
    check --version-table "$BATS_TEST_TMPDIR/own.yaml"
    [ "$status" = 0 ]
    [ "$(jq -r '.findings[] | select(.rule == "version.path") | .text + ", " + .evidence' <<<"$output")" = "3.3.1-CE may become 4.2.5-CE, vendor's mail of 3 May" ]
    # The shipped rows are there as well.
    TAG=feature_4.2.9-ce
    only version.path '3.3.1-CE cannot become 4.2.9-CE in one step, it takes 2' --version-table "$BATS_TEST_TMPDIR/own.yaml"
    TAG=feature_3.2.2-ce
    check --accept version.path=please --accept container.upgrade-env=x
    [ "$status" = 65 ]
    [ "$(jq -r '.findings[] | select(.verdict == "fail") | .rule + ": " + .text' <<<"$output")" = \
        'version.path: 3.2.2-CE is older than 3.3.1-CE, which runs; this cannot be accepted' ]
    engine rmi $repo:{feature_4.2.9-ce,feature_4.2.5-ce,feature_3.2.2-ce,$NEW} >/dev/null
}

@test 'host.ip' {
    only host.ip "OMS_HOST_IP would be '127.0.0.12', the old container has '127.0.0.11'; OMS_HOST_IP '127.0.0.12' is not among 'cm_nodes' of config.yaml" \
        --host-ip 127.0.0.12
}

@test 'host.online' {
    # The stand-in writes ONLINE once a second: hold it.
    sql "create definer = 'oms@sys#cluster'@'%' trigger $CM.hold before update on $CM.host for each row set new.host_status = 'OFFLINE'; update $CM.host set host_status = 'OFFLINE'" ||
        true
    only host.online "'127.0.0.11' is 'OFFLINE' in the server list"
    sql "drop trigger $CM.hold"
    again
}

@test 'ports.free' {
    # A port of its own: the usual one may be somebody else's on this machine.
    local port
    port=$(site lab_free_port)
    printf 'cm_server_port: %s\n' "$port" >>"$NODE/config.yaml"
    socat "TCP-LISTEN:$port,bind=127.0.0.11,fork" SYSTEM:true 3>&- &
    LISTENER=$!
    sleep 0.3
    only ports.free "port $port (cm_server_port) is held by socat (pid $LISTENER), which is not of the old container"
    kill "$LISTENER"
    edit '/^cm_server_port/d'
}

@test 'space.state' {
    mkdir "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o size=64k none "$BATS_TEST_TMPDIR/small"
    check --state-dir "$BATS_TEST_TMPDIR/small"
    umount "$BATS_TEST_TMPDIR/small"
    [ "$status" = 65 ]
    [ "$(jq -r '[.findings[] | select(.verdict == "fail") | .rule] | join(" ")' <<<"$output")" = space.state ]
    jq -r '.findings[] | select(.verdict == "fail") | .text' <<<"$output" | grep -qE '^64(\.0)? Ki?B free, the databases have [0-9.]+ Mi?B$'
}

@test 'config.databases' {
    cp "$NODE/config.yaml" "$BATS_TEST_TMPDIR/config.yaml"
    edit "s/^drc_cm_heartbeat_db: .*/drc_cm_heartbeat_db: $CM/"
    check
    [ "$status" = 65 ]
    # Where the cm database is, no heart_beat is.
    [ "$(jq -r '.findings[] | select(.verdict == "fail") | .rule + ": " + .text' <<<"$output")" = \
        "host.heartbeat: '127.0.0.11' writes no heart_beat, so that none is waited for after a rollback
config.databases: 'drc_cm_db' and 'drc_cm_heartbeat_db' are both '$CM'" ]
    cat "$BATS_TEST_TMPDIR/config.yaml" >"$NODE/config.yaml"
}

@test 'metadb.reachable' {
    cp "$NODE/config.yaml" "$BATS_TEST_TMPDIR/config.yaml"
    edit 's/^oms_meta_port: .*/oms_meta_port: 1/'
    check
    [ "$status" = 69 ]
    [ "$(jq -r '[.findings[] | select(.verdict == "fail") | .rule] | join(" ")' <<<"$output")" = metadb.reachable ]
    jq -r '.findings[] | select(.verdict == "fail") | .text' <<<"$output" | grep -qF "the MetaDB at '127.0.0.1:1' cannot be reached"
    cat "$BATS_TEST_TMPDIR/config.yaml" >"$NODE/config.yaml"
}

@test 'metadb.databases' {
    cp "$NODE/config.yaml" "$BATS_TEST_TMPDIR/config.yaml"
    edit "s/^drc_cm_heartbeat_db: .*/drc_cm_heartbeat_db: gone/"
    check
    [ "$(jq -r '.findings[] | select(.rule == "metadb.databases") | .text' <<<"$output")" = "database 'gone' (heartbeat) does not exist" ]
    cat "$BATS_TEST_TMPDIR/config.yaml" >"$NODE/config.yaml"
}

@test 'metadb.privileges: what is missing, and the grant that gives it; the try before the outage' {
    local user="'oms@sys#cluster'@'%'" cm
    cm=${CM//_/\\_}
    sql "revoke all on \`$cm\\_\\_%\`.* from $user; revoke drop, alter on \`$cm\`.* from $user"
    only metadb.privileges "$user lacks DROP, ALTER on '$CM'; $user lacks SELECT, INSERT, CREATE, DROP, ALTER, INDEX on '${CM}__%'"
    [ "$(jq -r '.findings[] | select(.verdict == "fail") | .hint' <<<"$output")" = "as an administrator of the MetaDB: GRANT DROP, ALTER ON \`$cm\`.* TO $user" ]
    sql "grant all on \`$cm\`.* to $user"
    # Whoever looks away from the rule still meets the try: nothing was changed.
    printf 'policy:\n  metadb.privileges: {severity: warn}\n' >"$BATS_TEST_TMPDIR/warn.yaml"
    run --separate-stderr "$SPEC_BUILD/omslaunch" upgrade oms_331 --tag "$NEW" --host "$HOST" -q --config "$BATS_TEST_TMPDIR/warn.yaml" \
        --state-dir "$BATS_TEST_TMPDIR/state" "${LOAD[@]}"
    echo "$stderr" >&2
    [ "$status" = 77 ]
    grep -qF "what a restore would need was tried in scratch databases" <<<"$stderr"
    [ "$(engine ps -a --format '{{.Names}} {{.State}}')" = 'oms_331 running' ]
    sql "grant all on \`$cm\\_\\_%\`.* to $user"
    [ "$(sql "select count(*) from information_schema.schemata where schema_name like '%\\_\\_try%'" | tail -n 1)" = 0 ]
}

@test 'ha.config' {
    sql "create table $RM.keep as select * from $RM.oms_normal_config; update $RM.oms_normal_config set cfg_value = '{' where cfg_name = 'ha.config'"
    check
    [ "$(jq -r '[.findings[] | select(.verdict == "fail") | .rule] | join(" ")' <<<"$output")" = ha.config ]
    sql "delete from $RM.oms_normal_config where cfg_name = 'ha.config'"
    only ha.config "there is no row 'ha.config' in 'oms_normal_config'"
    sql "insert into $RM.oms_normal_config select * from $RM.keep where cfg_name = 'ha.config'; drop table $RM.keep"
}

@test 'projects.names, projects.running' {
    local repo=reg.docker.alibaba-inc.com/oboms/oms-all-in-one
    sql "update $RM.oms_sync_project set project_status = 'FAILED' order by id limit 1"
    check
    [ "$(jq -r '[.findings[] | select(.verdict == "fail") | .rule] | join(" ")' <<<"$output")" = projects.running ]
    sql "update $RM.oms_sync_project set project_status = 'RUNNING'"
    # Only when 4.0.1 is crossed.
    LOAD=()
    TAG=feature_4.1.0-ce
    engine load -qi "$R/new.tar" >/dev/null
    engine tag $repo:$NEW $repo:$TAG
    sql "create table $RM.names as select id, project_name from $RM.oms_project; update $RM.oms_project set project_name = 'twice'"
    only projects.names "two projects are named 'twice'"
    sql "update $RM.oms_project p join $RM.names n using (id) set p.project_name = n.project_name; drop table $RM.names"
    engine rmi $repo:{$TAG,$NEW} >/dev/null
}

@test 'nodes.complete' {
    sql "insert into $CM.host (resource_group_id, ip, host_status) values (1, '127.0.0.12', 'ONLINE')"
    only nodes.complete "node '127.0.0.12' belongs to the deployment but not to this upgrade"
    sql "delete from $CM.host where ip = '127.0.0.12'"
}

@test 'regions.known' {
    sql "update $RM.cluster_info set code = code + 5"
    check
    [ "$(jq -r '.findings[] | select(.verdict == "fail") | .rule + ": " + .text' <<<"$output")" = "regions.known: no region has the code 0 of node '$HOST'; region 5 has no node here" ]
    sql "update $RM.cluster_info set code = code - 5"
}

@test 'waiver.expired, and a waiver that holds' {
    LOAD=()
    cp "$POLICY" "$BATS_TEST_TMPDIR/policy.yaml"
    POLICY=$BATS_TEST_TMPDIR/policy.yaml
    printf '  image.present: {reason: comes tomorrow, owner: ops@example.com, expires: 2099-12-31}\n' >>"$POLICY"
    check
    [ "$status" = 0 ]
    [ "$(jq -r '.findings[] | select(.verdict == "waived") | .rule + ", " + .waiver_reason' <<<"$output")" = 'image.present, comes tomorrow' ]
    sed -i 's/2099-12-31/2020-12-31/' "$POLICY"
    LOAD=(--load "$R/new.tar")
    only waiver.expired "the waiver of 'image.present' expired on 2020-12-31"
    only waiver.expired "the waiver of 'image.present' expired on 2020-12-31" --accept waiver.expired=please
}

@test 'still correct after all this' {
    check
    [ "$(jq -c '[.findings[] | select(.verdict == "fail")]' <<<"$output")" = '[]' ]
}
