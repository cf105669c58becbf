#!/usr/bin/env bats
# A node that is lost during the outage: the others are brought back, and what is to be done on the day
# on which it returns is said.
load common

setup() {
    setup_common
    site reset
}

# What the site's own OMS writes, and HA's times, apart.
settled() {
    grep -vE '^rm_331 table oms_(normal_config|audit) ' <<<"$1"
}

run_name() {
    basename "$STATE"/runs/*
}

# what_now: the last words of a run from its error on, with its name and the folders of the test as constants.
what_now() {
    sed -n '/^omslaunch: error: [0-9] of /,$p' <<<"$output" |
        sed -e "s/$(run_name)/RUN/g; s#$STATE#STATE#g; s#$NODES_DIR#SITE#g; s/$1/OLD/; s/$2/NEW/"
}

# begin_slow: an upgrade in the background whose docker_init.sh runs on the first node.
begin_slow() {
    "$PROGRAM" "${UP[@]}" --load "$NODES_DIR/slow-init.tar" >"$BATS_TEST_TMPDIR/said" 2>&1 </dev/null 3>&- &
    UPGRADE=$!
    until_true 60 grep -q '1/3' "$BATS_TEST_TMPDIR/said"
}

end_slow() {
    status=0
    wait "$UPGRADE" || status=$?
    output=$(cat "$BATS_TEST_TMPDIR/said")
}

# lose NODE: the host is gone: its engine, and what ran there.
lose() {
    local -a pids
    mapfile -t pids < <(engine "$1" ps -q | while read -r id; do engine "$1" inspect --format '{{.State.Pid}}' "$id"; done)
    lab lab_engine_kill "e$1"
    kill -KILL "${pids[@]}"
}

# "IMAGE-TAG STATE" of oms_331 on a node.
running_on() {
    engine "$1" inspect --format '{{.Config.Image}} {{.State.Status}}' oms_331 2>&1 | sed 's/^.*://'
}

@test "node 2 is lost in the outage: 1 and 3 are back; when it returns, resume ends the run" {
    local before old new
    before=$(site digest)
    begin_slow
    new=$(engine 2 ps --format '{{.ID}}')
    old=$(engine 2 ps --filter status=exited --format '{{.ID}}')
    lose 2
    end_slow
    same 11 "$status"
    same "omslaunch: error: 2 of 3 nodes are back on the old version, but not 127.0.0.12: cannot change the restart policy of container 'oms_331': cannot reach the Docker Engine at 'unix://SITE/lab/e2/docker.sock': nobody listens on this socket
HINT: the new OMS must not run on 127.0.0.12: 'docker stop NEW' on 127.0.0.12; when its engine answers again, 'omslaunch resume RUN' brings it back, too
'oms_331': the rollback failed
  old container on 127.0.0.11: 'oms_331', running
  new container on 127.0.0.11: 'oms_331.failed-RUN', exited
  old container on 127.0.0.12: OLD (the engine does not tell)
  new container on 127.0.0.12: NEW (the engine does not tell)
  old container on 127.0.0.13: 'oms_331', running
  new container on 127.0.0.13: 'oms_331.failed-RUN', exited
  backup of the MetaDB: STATE/backups/RUN
  journal and logs: STATE/runs/RUN
Next: 'omslaunch resume RUN' goes on, 'omslaunch rollback RUN' goes back." "$(what_now "$old" "$new")"
    same "$OLD running" "$(running_on 1)"
    same "$OLD running" "$(running_on 3)"
    same "$(settled "$before")" "$(settled "$(site digest)")"
    same true "$(lab lab_ha_config | jq .enable)"
    # Not yet: it says so again, and nothing is worse.
    run -11 omslaunch resume "$(run_name)" --state-dir "$STATE"
    has "$output" 'omslaunch: error: 2 of 3 nodes are back on the old version, but not 127.0.0.12: '
    lab lab_engine_start e2
    run -10 omslaunch resume "$(run_name)" --state-dir "$STATE"
    has "$output" "'oms_331' is back on the old version, and healthy."
    same "$(all_three "$OLD running")" "$(running)"
    same "$(online)" "$(servers)"
    same "$(settled "$before")" "$(settled "$(site digest)")"
    run -0 omslaunch resume "$(run_name)" --state-dir "$STATE"
    has "$output" "has ended: rolled-back"
}
