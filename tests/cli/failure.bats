#!/usr/bin/env bats
# Upgrades that fail: the old version is back and healthy with its databases, or the run is held, and
# the words say which.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
    site reset
    site digest >"$BATS_TEST_TMPDIR/digest"
    OLD_ID=$(engine inspect -f '{{.Id}}' oms_331)
    FAILING=(--tag "$NEW" --image lab/init-fails --load "$CLI_DIR/init-fails.tar")
    UNHEALTHY=(--tag "$NEW" --image lab/never-healthy --load "$CLI_DIR/never-healthy.tar")
}

teardown_file() {
    site reset
}

the_run() {
    find "$STATE/runs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tail -n 1
}

# Digests, but what the way back itself writes: refetchStoreIntervalMin, and the rows that the site's
# trigger on it writes; and when the old one became ONLINE.
stable() {
    grep -vE ' table (oms_normal_config|oms_audit|host) '
}

# The same container, by its own name, with its restart policy, healthy; HA on; databases as before.
old_is_back() {
    same "$OLD_ID true unless-stopped" "$(engine inspect -f '{{.Id}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}' oms_331)"
    same oms_331 "$(engine ps --format '{{.Names}}')"
    same true "$(lab lab_oms_health n1 | jq .data.healthy)"
    same true "$(lab lab_ha_config | jq .enable)"
    same "$(stable <"$BATS_TEST_TMPDIR/digest")" "$(site digest | stable)"
}

ends_as() {
    same "$1" "$(omslaunch runs -o json "${AT[@]}" | jq -r '.runs[-1].result')"
    same "end $1" "$(jq -r 'select(.type == "end") | .type + " " + .result' "$STATE/runs/$(the_run)/journal.jsonl" | tail -n 1)"
}

INIT_ERROR="'bash /root/docker_init.sh' in the new container ended with exit code 1; its last lines:"

@test "docker_init.sh fails: rolled back, exit code 10" {
    run -10 --separate-stderr omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}"
    same '' "$output"
    run=$(the_run)
    has "$stderr" $'\n'"omslaunch: error: $INIT_ERROR"$'\n'
    has "$stderr" $'\n'"  ERROR 1060 (42S21): Duplicate column name 'added_in_400'"$'\n'
    has "$stderr" $'\n'"HINT: the whole output is in '$STATE/runs/$run/logs/init-0.log'"$'\n'
    has "$stderr" $'\n'"'oms_331': failed and rolled back"$'\n'
    has "$stderr" $'\n'"  old container: 'oms_331', running"$'\n'
    has "$stderr" $'\n'"  new container: 'oms_331.failed-$run', exited"$'\n'
    has "$stderr" $'\n'"  backup of the MetaDB: $STATE/backups/$run"$'\n'
    has_not "$stderr" 'HA: is off'
    has "$stderr" $'\n'"'oms_331' is back on the old version, and healthy."
    grep -q 'ERROR 1060' "$STATE/runs/$run/logs/init-0.log"
    old_is_back
    ends_as rolled-back
    same "exited no" "$(engine inspect -f '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' "oms_331.failed-$run")"
    same '' "$(site grep "$STATE")"
}

@test "after a rollback the next upgrade may begin, and succeeds" {
    run -10 omslaunch upgrade oms_331 -q "${FAILING[@]}" "${AT[@]}"
    run -0 --separate-stderr omslaunch upgrade oms_331 -q --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
    same '' "$output$stderr"
    same "$REPO:$NEW" "$(engine ps --format '{{.Image}}')"
}

@test "--output json of a failure: one document, with step, error and exit code" {
    run -10 --separate-stderr omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" -o json
    one_document
    same '["oms_331","rolled-back",10,"init_metadata"]' "$(jq -c '[.deployment, .result, .exit, .failed_step]' <<<"$output")"
    same "$INIT_ERROR" "$(jq -r .error.text <<<"$output" | head -n 1)"
    same '' "$(grep '^[[:space:]]*[{}]' <<<"$stderr")"
}

@test "--on-failure hold: exit code 13, what to do next; upgrade waits, rollback ends it" {
    run -13 --separate-stderr omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(the_run)
    has "$stderr" $'\n'"omslaunch: error: $INIT_ERROR"$'\n'
    has "$stderr" $'\n'"  old container: 'oms_331.old-$run', exited"$'\n'
    has "$stderr" $'\n'"  HA: is off, and was on before"$'\n'
    has "$stderr" $'\n'"Next: 'omslaunch resume $run' goes on, 'omslaunch rollback $run' goes back."
    same "false $OLD_ID" "$(lab lab_ha_config | jq .enable) $(engine inspect -f '{{.Id}}' "oms_331.old-$run")"
    ends_as held
    site snapshot >"$BATS_TEST_TMPDIR/held"
    says 13 "run $run on 'oms_331' is not ended: it stopped at 'init_metadata'" \
        "end it first, with 'omslaunch resume $run' or 'omslaunch rollback $run'; 'omslaunch abandon $run' leaves it to you" \
        upgrade oms_331 --tag "$NEW" "${AT[@]}"
    run -13 --separate-stderr omslaunch upgrade oms_331 --tag "$NEW" -o json "${AT[@]}"
    same '["upgrade","oms_331","held",13]' "$(jq -c '[.command, .deployment, .result, .exit]' <<<"$output")"
    site snapshot | diff "$BATS_TEST_TMPDIR/held" -
    run -0 --separate-stderr omslaunch rollback --yes "${AT[@]}"
    old_is_back
    ends_as rolled-back
}

@test "never healthy: rolled back after --health-timeout, exit code 10" {
    run -10 --separate-stderr omslaunch upgrade oms_331 "${UNHEALTHY[@]}" "${AT[@]}" --health-timeout 2s
    has "$stderr" $'\n'"omslaunch: error: OMS is not healthy after 2 s: http://127.0.0.11:"
    has "$stderr" $'\n'"HINT: look at the container's log and /home/admin/logs, or wait longer with --health-timeout"$'\n'
    has "$stderr" $'\n'"'oms_331': failed and rolled back"$'\n'
    old_is_back
    ends_as rolled-back
}

begun() {
    grep -qs "\"type\":\"intent\".*\"step\":\"$1\"" "$STATE"/runs/*/journal.jsonl
}

# stopped SIGNAL STEP OPTION…: an upgrade that gets the signal when the step has begun. Sets status.
stopped() {
    local signal=$1 step=$2 began
    shift 2
    "$PROGRAM" upgrade oms_331 "${AT[@]}" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    until_true 30 begun "$step"
    sleep 0.3
    began=$SECONDS
    kill "-$signal" "$pid"
    status=0
    wait "$pid" || status=$?
    stderr=$(cat "$BATS_TEST_TMPDIR/err")
    # The new container is stopped, the databases are restored, the old one becomes healthy.
    [ $((SECONDS - began)) -le 20 ]
}

@test "SIGTERM while OMS becomes healthy: rolled back, exit code 10" {
    stopped TERM wait_healthy "${UNHEALTHY[@]}"
    same 10 "$status" "$stderr"
    has "$stderr" $'\n'"omslaunch: error: asked to stop while waiting for OMS"
    old_is_back
    ends_as rolled-back
}

@test "SIGINT the same, and --on-failure hold: exit code 13" {
    stopped INT wait_healthy "${UNHEALTHY[@]}" --on-failure hold
    same 13 "$status" "$stderr"
    has "$stderr" $'\n'"omslaunch: error: asked to stop while waiting for OMS"
    ends_as held
    run -0 omslaunch rollback --yes -q "${AT[@]}"
    old_is_back
}

@test "a damaged journal or plan: 73, which file, and nothing is touched" {
    local run journal plan
    run -13 omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(the_run)
    journal=$STATE/runs/$run/journal.jsonl
    plan=$STATE/runs/$run/plan.json
    site snapshot >"$BATS_TEST_TMPDIR/held"
    cp "$journal" "$BATS_TEST_TMPDIR/journal"
    cp "$plan" "$BATS_TEST_TMPDIR/plan"
    sed -i '3s/load_image/load_imagE/' "$journal"
    for command in resume rollback; do
        says 73 "the journal '$journal' is damaged: line 3 is not what was written" \
            'nothing was changed; restore the file from a backup, or look at the containers and go on by hand' \
            "$command" "$run" "${AT[@]}"
    done
    says 73 "nobody can tell how run $run on 'oms_331' ended: the journal '$journal' is damaged: line 3 is not what was written" \
        "restore its journal; or look at the containers, and when all is well end it with 'omslaunch abandon $run --reason …'" \
        upgrade oms_331 --tag "$NEW" "${AT[@]}"
    run -0 omslaunch status "${AT[@]}"
    has "$output" "run $run on 'oms_331': damaged"$'\n'"the journal '$journal' is damaged: line 3 is not what was written"$'\n'
    has "$output" $'\n'"next: look at the containers and the backup, and go on by hand"
    cp "$BATS_TEST_TMPDIR/journal" "$journal"
    sed -i 's/"oms_331"/"oms_332"/' "$plan"
    run -73 --separate-stderr omslaunch resume "${AT[@]}"
    has "$stderr" "omslaunch: error: the plan '$plan' is not what was stored: its digest is "
    has "$stderr" $'\n'"HINT: nothing was changed; do not edit a stored plan"
    : >"$plan"
    run -73 --separate-stderr omslaunch resume "${AT[@]}"
    has "$stderr" "omslaunch: error: '$plan' is no valid JSON: "
    has "$stderr" $'\n'"HINT: the plan is damaged: nothing was changed; go on by hand, the old container and the backup are kept"
    cp "$BATS_TEST_TMPDIR/plan" "$plan"
    site snapshot | diff "$BATS_TEST_TMPDIR/held" -
    run -0 omslaunch rollback --yes -q "${AT[@]}"
    old_is_back
}

@test "abandon: a held run is ended by a person, and the next upgrade may begin" {
    local run reason='the disk of the MetaDB was replaced'
    run -13 omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(the_run)
    says 64 'no --reason was given: why the run is given up' \
        "it is kept in the journal; for example --reason 'finished by hand'" abandon "$run" "${AT[@]}"
    site snapshot >"$BATS_TEST_TMPDIR/held"
    run -0 --separate-stderr omslaunch abandon "$run" --reason "$reason" -o json "${AT[@]}"
    one_document
    same "[\"abandon\",\"oms_331\",\"$run\",\"abandoned\",0,null,\"$reason\"]" \
        "$(jq -c '[.command, .deployment, .run, .result, .exit, .error, .reason]' <<<"$output")"
    has "$stderr" "Left as it is, of run $run on 'oms_331':
  databases: the new version has run on them; as they were before is in the backup
  backup of the MetaDB: $STATE/backups/$run
  HA: is off, and was on before; once OMS serves: omslaunch ha oms_331 on
  old container: 'oms_331.old-$run', exited, restart policy no
  new container: 'oms_331', running, restart policy no
  to serve with the old version:
    docker stop oms_331
    docker rename oms_331 oms_331.failed-$run
    docker rename oms_331.old-$run oms_331
    omslaunch restore $run   (if the new version ever ran)
    docker update --restart=unless-stopped oms_331
    docker start oms_331
  to serve with the new version:"
    has "$stderr" "Run $run is given up. 'oms_331' can be upgraded again."
    site snapshot | diff "$BATS_TEST_TMPDIR/held" -
    same "end abandoned $reason" "$(tail -n 1 "$STATE/runs/$run/journal.jsonl" | jq -r '[.type, .result, .reason] | join(" ")')"
    for command in resume rollback; do
        run -0 --separate-stderr omslaunch "$command" "$run" "${AT[@]}"
        same "nothing to do: run $run on 'oms_331' has ended: abandoned" "$stderr"
    done
    run -0 --separate-stderr omslaunch abandon "$run" --reason again "${AT[@]}"
    same "nothing to do: run $run has ended: abandoned" "$stderr"
    # By the words that it has printed.
    engine stop -t 5 oms_331 >"$BATS_TEST_TMPDIR/words"
    engine rename oms_331 "oms_331.failed-$run"
    engine rename "oms_331.old-$run" oms_331
    run -0 omslaunch restore "$run" "${AT[@]}"
    engine start oms_331 >"$BATS_TEST_TMPDIR/words"
    run -0 omslaunch ha oms_331 on "${AT[@]}"
    lab lab_oms_wait n1
    run -0 omslaunch upgrade oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" "${AT[@]}"
}

@test "abandon: also a run whose journal is damaged, which is kept" {
    local run journal
    run -13 omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(the_run)
    journal=$STATE/runs/$run/journal.jsonl
    sed -i '3s/1/2/' "$journal"
    cp "$journal" "$BATS_TEST_TMPDIR/journal"
    run -0 --separate-stderr omslaunch abandon "$run" --reason 'sorted out by hand' "${AT[@]}"
    has "$stderr" '  databases: nobody can tell'
    cmp "$BATS_TEST_TMPDIR/journal" "$journal".damaged-*
    same abandoned "$(omslaunch runs -o json "${AT[@]}" | jq -r '.runs[-1].result')"
    # The new version runs under that name: there is nothing more to do.
    run -0 --separate-stderr omslaunch upgrade oms_331 --tag "$NEW" --image lab/init-fails "${AT[@]}"
    same "nothing to do: 'oms_331' runs lab/init-fails:$NEW already" "$stderr"
}

@test "the old container was removed by hand: that is said, with what is left" {
    local run
    run -13 omslaunch upgrade oms_331 "${FAILING[@]}" "${AT[@]}" --on-failure hold
    run=$(the_run)
    engine rm "oms_331.old-$run" >"$BATS_TEST_TMPDIR/removed"
    for command in resume rollback; do
        says 1 "the old container 'oms_331' (${OLD_ID:0:12}) is gone: somebody has removed it since run $run began" \
            "nothing was changed; '$STATE/runs/$run/old-0.json' says how it was made, and 'omslaunch backups' lists the backup: go on by hand" \
            "$command" "${AT[@]}"
    done
}

@test "rollback of a success whose backup was pruned: said before anything is touched" {
    local run
    run -0 omslaunch upgrade oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" -q "${AT[@]}"
    run=$(the_run)
    run -0 --separate-stderr omslaunch status "${AT[@]}"
    has "$output" "next: nothing; omslaunch rollback $run would go back"
    run -0 omslaunch backup oms_331 -q "${AT[@]}"
    run -0 --separate-stderr omslaunch prune --keep 1 "${AT[@]}"
    same "Deleted $STATE/backups/$run" "$stderr"
    site snapshot >"$BATS_TEST_TMPDIR/upgraded"
    says 1 "run $run on 'oms_331' cannot be undone any more: its backup '$STATE/backups/$run' is gone" \
        "nothing was changed; 'omslaunch prune' removes old backups, 'omslaunch backups' lists those that are left" \
        rollback "$run" "${AT[@]}"
    site snapshot | diff "$BATS_TEST_TMPDIR/upgraded" -
    run -0 --separate-stderr omslaunch status "${AT[@]}"
    same 'next: nothing; its backup is gone, so there is no way back' "$(tail -n 1 <<<"$output")"

    # Its container is of no use without the backup.
    run -0 --separate-stderr omslaunch prune --keep 1 --containers --dry-run "${AT[@]}"
    same "Would remove container 'oms_331.old-$run'" "$stderr"
    run -0 --separate-stderr omslaunch prune --keep 1 --containers -q -o json "${AT[@]}"
    same "[{\"container\":\"oms_331.old-$run\",\"run\":\"$run\",\"endpoint\":\"$HOST\"}]" "$(jq -c .pruned <<<"$output")"
    same 'oms_331' "$(engine ps -a --format '{{.Names}}')"
    run -0 --separate-stderr omslaunch prune --keep 1 --containers "${AT[@]}"
    same '' "$output"
    same 'nothing to do: nothing may be deleted
  of each deployment the newest backups stay, as many as --keep says (1), and the newest verified one
  a container stays as long as the backup of its run: together they are the way back' "$stderr"

    # What runs is somebody's, whatever its name.
    engine run -d --name "oms_331.failed-$run" --entrypoint sleep "$REPO:$NEW" 1000 >"$BATS_TEST_TMPDIR/runs"
    says 65 "container 'oms_331.failed-$run' is not removed: its state is 'running'" \
        'stop it first, if nobody needs it' prune --keep 1 --containers "${AT[@]}"
    engine stop -t 0 "oms_331.failed-$run" >"$BATS_TEST_TMPDIR/stopped"
    run -0 --separate-stderr omslaunch prune --keep 1 --containers "${AT[@]}"
    same "Removed container 'oms_331.failed-$run'" "$stderr"
}
