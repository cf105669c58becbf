#!/usr/bin/env bats
# The commands that read: what they print, in which form, and that they change nothing.
bats_require_minimum_version 1.7.0
load common

READ='inspect plan check'

setup_file() {
    remember
    lab lab_events "$BATS_FILE_TMPDIR/events"
    lab lab_general_log clear
    lab lab_general_log on
}

setup() {
    setup_common
    TARGET=(--tag "$NEW" --load "$CLI_DIR/new.tar")
}

teardown() {
    no_run
}

# arguments_of COMMAND: into ARGUMENTS
arguments_of() {
    case $1 in
    inspect) ARGUMENTS=("$1" oms_331 "${AT[@]}") ;;
    plan | check) ARGUMENTS=("$1" oms_331 "${TARGET[@]}" "${AT[@]}") ;;
    *) ARGUMENTS=("$1" "${AT[@]}") ;;
    esac
}

@test "inspect: version, region, MetaDB, mounts" {
    run -0 --separate-stderr omslaunch inspect oms_331 "${AT[@]}"
    same '' "$stderr"
    port=$(sed -n 's/^oms_meta_port: "\(.*\)"/\1/p' "$CLI_DIR/config.yaml")
    same "container  oms_331 (running), $REPO:$OLD
version    3.3.1-CE
host IP    127.0.0.11
region     0 cn-lab
MetaDB     127.0.0.1:$port as oms@sys#cluster
databases  rm_331, cm_331, cm_hb_331
mounts     /etc/localtime → /etc/localtime (ro)
           $NODE/config.yaml → /home/admin/conf/config.yaml
           $NODE/logs → /home/admin/logs
           $NODE/run → /home/ds/run
           $NODE/store → /home/ds/store" "$output"
}

@test "inspect --output json: the same as data" {
    run -0 --separate-stderr omslaunch inspect oms_331 -o json "${AT[@]}"
    same '' "$stderr"
    one_document
    same '"oms_331" "running" "3.3.1-CE" "127.0.0.11" ["rm_331","cm_331","cm_hb_331"] 5' \
        "$(jq -c '.container, .status, .version, .host_ip, [.metadb.rm, .metadb.cm, .metadb.heartbeat], (.mounts | length)' <<<"$output" | xargs -d '\n')"
    same "$(engine inspect -f '{{.Id}}' oms_331)" "$(jq -r .id <<<"$output")"
}

@test "check: every rule, and 0" {
    run -0 --separate-stderr omslaunch check oms_331 "${TARGET[@]}" "${AT[@]}"
    same '' "$stderr"
    same '' "$(grep '^fail' <<<"$output")"
    for rule in container.name image.tag image.present binds.match bind.source version.path metadb.reachable; do
        grep -qE "^pass +$rule " <<<"$output"
    done
}

@test "check --output json: a finding for each rule" {
    run -0 --separate-stderr omslaunch check oms_331 -o json "${TARGET[@]}" "${AT[@]}"
    same '' "$stderr"
    one_document
    same 0 "$(jq '[.findings[] | select(.verdict == "fail" and .severity == "error")] | length' <<<"$output")"
    same '[]' "$(jq -c '[.findings[] | select((.rule | length) == 0 or (.text | length) == 0)]' <<<"$output")"
    same 0 "$(jq '[.findings[] | .verdict] - ["pass", "fail", "not-applicable", "waived"] | length' <<<"$output")"
}

@test "check of what is refused: 65, and the document all the same" {
    run -65 --separate-stderr omslaunch check oms_331 -o json --tag "$NEW" "${AT[@]}"
    one_document
    same '"image.present"' "$(jq -c '.findings[] | select(.verdict == "fail" and .severity == "error") | .rule' <<<"$output")"
    has "$stderr" "omslaunch: error: 1 rule refuses this upgrade:"
}

@test "--accept: the finding stays, waived, with its reason" {
    lab lab_image_tar feature_4.2.9-ce ok "$BATS_TEST_TMPDIR/next.tar"
    TARGET=(--load "$BATS_TEST_TMPDIR/next.tar")
    run -0 --separate-stderr omslaunch check oms_331 -o json "${TARGET[@]}" "${AT[@]}" --tag feature_4.2.9-ce \
        --accept 'image.present=the archive has another tag' \
        --accept 'version.path=the vendor said so = yes'
    same '{"verdict":"waived","waiver_reason":"the vendor said so = yes"}' \
        "$(jq -c '.findings[] | select(.rule == "version.path") | {verdict, waiver_reason}' <<<"$output")"
    run -0 --separate-stderr omslaunch plan oms_331 -o json "${TARGET[@]}" "${AT[@]}" --tag feature_4.2.9-ce \
        --accept 'image.present=the archive has another tag' \
        --accept 'version.path=the vendor said so = yes'
    same '["version.path","the vendor said so = yes"]' "$(jq -c '.waived[] | select(.rule == "version.path") | [.rule, .reason]' <<<"$output")"
}

@test "plan: what changes, the steps in their order" {
    run -0 --separate-stderr omslaunch plan oms_331 "${TARGET[@]}" "${AT[@]}"
    same '' "$stderr"
    has "$output" "Upgrade of 'oms_331': 3.3.1-CE → 4.0.0-CE"
    has "$output" $'\n'"  Config.Env.IS_UPGRADE              (not set) → true"$'\n'
    same 'load_image create_new trim_heartbeats prepare_backup ha_off stop_old backup_metadb swap_names start_new init_metadata wait_healthy keep_running ha_on' \
        "$(sed -n '/^Steps:/,/^$/s/^ *[0-9]*  \([a-z_]*\) .*/\1/p' <<<"$output" | xargs)"
}

@test "plan --output json twice: the same plan; other work, another digest" {
    run -0 --separate-stderr omslaunch plan oms_331 -o json "${TARGET[@]}" "${AT[@]}"
    same '' "$stderr"
    one_document
    first=$output
    digest=$(jq -r .digest <<<"$output")
    [[ $digest =~ ^[0-9a-f]{64}$ ]]
    same false "$(jq .nothing_to_do <<<"$output")"
    sleep 1.1
    run -0 --separate-stderr omslaunch plan oms_331 -o json "${TARGET[@]}" "${AT[@]}"
    same "$digest" "$(jq -r .digest <<<"$output")"
    # What the rules found rests on facts of the moment, such as free space.
    same "$(jq -S 'del(.findings)' <<<"$first")" "$(jq -S 'del(.findings)' <<<"$output")"
    for other in --set-env=A=1 --name=oms_400 --health-timeout=20m --host-ip=127.0.0.12 --refetch-reserve=31; do
        run --separate-stderr omslaunch plan oms_331 -o json "${TARGET[@]}" "${AT[@]}" "$other" \
            --accept 'host.ip=a test'
        [ "$(jq -r .digest <<<"$output")" != "$digest" ] || {
            echo "$other makes no other plan" >&2
            false
        }
    done
}

@test "upgrade --dry-run is plan, and makes no state folder" {
    plan=$(omslaunch plan oms_331 "${TARGET[@]}" "${AT[@]}")
    run -0 --separate-stderr omslaunch upgrade oms_331 --dry-run "${TARGET[@]}" "${AT[@]}"
    same "$plan" "$output"
    same '' "$stderr"
    plan=$(omslaunch plan oms_331 -o json "${TARGET[@]}" "${AT[@]}" | jq 'del(.command, .findings)')
    run -0 --separate-stderr omslaunch upgrade oms_331 -n -o json "${TARGET[@]}" "${AT[@]}"
    same "$plan" "$(jq 'del(.command, .findings)' <<<"$output")"
    run -65 --separate-stderr omslaunch upgrade oms_331 -n --tag "$NEW" "${AT[@]}"
    dry=$stderr
    run -65 --separate-stderr omslaunch plan oms_331 --tag "$NEW" "${AT[@]}"
    same "$stderr" "$dry"
    no_state
}

@test "the version that runs already: nothing to do" {
    run -0 --separate-stderr omslaunch plan oms_331 --tag "$OLD" "${AT[@]}"
    same "nothing to do: 'oms_331' runs $REPO:$OLD already" "$output"
    run -0 --separate-stderr omslaunch plan oms_331 --tag "$OLD" -o json "${AT[@]}"
    same true "$(jq .nothing_to_do <<<"$output")"
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$OLD" "${AT[@]}"
    same '' "$output"
    same "nothing to do: 'oms_331' runs $REPO:$OLD already" "$stderr"
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$OLD" -q "${AT[@]}"
    same '' "$output$stderr"
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$OLD" -o json "${AT[@]}"
    one_document
    same '["nothing-to-do","oms_331",0]' "$(jq -c '[.result, .deployment, .exit]' <<<"$output")"
}

# fails_as RESULT CODE DEPLOYMENT ARGUMENT…: stdout is one document, which says what stderr says.
fails_as() {
    local result=$1 code=$2 deployment=$3
    shift 3
    run "-$code" --separate-stderr omslaunch "$@" -o json
    one_document
    same "$(jq -cn --arg command "$1" --argjson deployment "$deployment" --arg result "$result" --argjson exit "$code" \
        '{$command, $deployment, run: null, $result, $exit}')" "$(jq -c 'del(.findings, .error)' <<<"$output")"
    same "${stderr#omslaunch: error: }" "$(jq -r '.error | .text, "HINT: " + .hint' <<<"$output")"
}

@test "--output json of a command that fails: one document with its error" {
    local command
    echo 'nodes: []' >"$BATS_TEST_TMPDIR/site.yaml"
    for command in upgrade plan check; do
        fails_as failed 1 '"gone"' "$command" gone -q --tag "$NEW" "${AT[@]}"
        fails_as failed 64 '"oms_331"' "$command" oms_331 "${AT[@]}"
        fails_as failed 69 '"oms_331"' "$command" oms_331 --tag "$NEW" --host unix:///nowhere.sock
        fails_as failed 78 '"oms_331"' "$command" oms_331 -q --tag "$NEW" "${AT[@]}" --config "$BATS_TEST_TMPDIR/site.yaml"
    done
    fails_as failed 64 null upgrade
    fails_as failed 64 '"oms_331"' upgrade oms_331 second
    fails_as failed 1 null status 20200101-000000-0000 "${AT[@]}"
    fails_as failed 1 null verify none "${AT[@]}"
    fails_as failed 64 '"oms_331"' ha oms_331 perhaps "${AT[@]}"
}

@test "--output json of an upgrade that is refused: with what the rules found" {
    fails_as refused 65 '"oms_331"' upgrade oms_331 -q --tag "$NEW" "${AT[@]}"
    same "fail image '$REPO:$NEW' is not on the engine" "$(jq -r '.findings[] | select(.rule == "image.present") | .verdict + " " + .text' <<<"$output")"
    has "$(jq -r .error.text <<<"$output")" "1 rule refuses this upgrade:"
    # What check and plan printed has no second document after it.
    run -65 --separate-stderr omslaunch check oms_331 -q -o json --tag "$NEW" "${AT[@]}"
    one_document
    same '["refused",65,"refused"]' "$(jq -c '[.result, .exit, .error.kind]' <<<"$output")"
    run -65 --separate-stderr omslaunch plan oms_331 -q -o json --tag "$NEW" "${AT[@]}"
    one_document
}

@test "runs without a state folder: none, and none is made" {
    run -0 --separate-stderr omslaunch runs "${AT[@]}"
    same '' "$output"
    same "There are no runs in '$STATE'." "$stderr"
    run -0 --separate-stderr omslaunch runs -q -o json "${AT[@]}"
    same '{"command":"runs","deployment":null,"run":null,"result":"done","exit":0,"error":null,"runs":[]}' "$(jq -c . <<<"$output")"
    same '' "$stderr"
}

@test "--output json --quiet: one document, and nothing on stderr" {
    for command in $READ runs; do
        arguments_of "$command"
        run -0 --separate-stderr omslaunch "${ARGUMENTS[@]}" -o json -q
        one_document
        same '' "$stderr"
    done
}

@test "--log-format json: each line of stderr is an object with level and text" {
    run -65 --separate-stderr omslaunch upgrade oms_331 --log-format json --tag "$NEW" "${AT[@]}"
    same '' "$output"
    [ "$(wc -l <<<"$stderr")" -gt 0 ]
    while read -r line; do
        jq -e 'type == "object"' <<<"$line" >/dev/null || {
            echo "no JSON object: $line" >&2
            false
        }
    done <<<"$stderr"
    same 1 "$(jq -s '[.[] | select(.level == "error")] | length' <<<"$stderr")"
}

@test "NO_COLOR, no terminal: no control characters" {
    run -65 --separate-stderr env NO_COLOR=1 TERM=xterm "$PROGRAM" upgrade oms_331 --tag "$NEW" "${AT[@]}"
    has_not "$output$stderr" $'\033'
    has_not "$output$stderr" $'\r'
}

@test "--host and DOCKER_HOST lead to the same" {
    run -0 --separate-stderr omslaunch inspect oms_331 --state-dir "$STATE" --host "$HOST"
    same=$output
    export DOCKER_HOST=$HOST
    run -0 --separate-stderr omslaunch inspect oms_331 --state-dir "$STATE"
    same "$same" "$output"
}

@test "the container by its ID" {
    id=$(engine inspect -f '{{.Id}}' oms_331)
    run -0 --separate-stderr omslaunch inspect "$id" -o json "${AT[@]}"
    same '"oms_331"' "$(jq -c .container <<<"$output")"
}

@test "no reading command changed anything: inspect, events, statements" {
    lab lab_general_log off
    # The events were listened to until now: somebody else's reading is one.
    engine cp oms_331:/etc/hostname - >"$BATS_TEST_TMPDIR/hostname.tar"
    until_true 5 grep -q '"Action":"archive-path"' "$BATS_FILE_TMPDIR/events"
    lab lab_events_stop
    unchanged
    same '' "$(changing_events "$BATS_FILE_TMPDIR/events")"
    [ "$(lab lab_general_log dump | grep -ac 'information_schema.schemata')" -gt 10 ]
    same '' "$(changing_statements)"
    # Of the scratch databases of `check` none is left.
    same '' "$(echo "show databases like '%\\_\\_try%'" | sql)"
}
